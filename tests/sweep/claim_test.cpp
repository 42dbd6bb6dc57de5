#include "sweep/claim.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

namespace lindrift::sweep {
namespace {

namespace fs = std::filesystem;

class ClaimTest : public testing::Test {
 protected:
  ClaimTest() {
    std::string name = (fs::temp_directory_path() / "lindrift-claim-XXXXXX").string();
    place_ = mkdtemp(name.data());
    folder_ = (fs::path(place_) / "out.h5.journal").string();
  }
  ~ClaimTest() override { fs::remove_all(place_); }

  /// As if `holder` had claimed the folder.
  void claimed_by(const Holder& holder, int number = 1) const {
    fs::create_directories(folder_);
    std::ofstream(folder_ + "/claim." + std::to_string(number)) << holder.text();
  }
  static Holder elsewhere() {
    Holder holder = Holder::self();
    holder.host = "elsewhere";
    holder.machine = "another machine";
    return holder;
  }

  std::string place_, folder_;
};

TEST_F(ClaimTest, RefusesASecondOneWhileTheFirstLives) {
  {
    const Claim first(folder_);
    EXPECT_EQ(first.number(), 1);
    EXPECT_TRUE(first.renew());
    EXPECT_THROW(Claim{folder_}, OutputBusy);
    const auto holding = holding_of(folder_);
    ASSERT_TRUE(holding);
    EXPECT_EQ(holding->alive, Holding::Alive::yes);
    EXPECT_EQ(holding->holder.process, getpid());
  }
  EXPECT_FALSE(holding_of(folder_));
  EXPECT_EQ(Claim(folder_).number(), 1);
}

TEST_F(ClaimTest, OvertakesTheDead) {
  Holder dead = Holder::self();
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  dead.process = child;
  claimed_by(dead, 4);
  const Claim claim(folder_);
  EXPECT_EQ(claim.number(), 5);
  EXPECT_FALSE(fs::exists(folder_ + "/claim.4"));

  // A number that another process has got since.
  Holder reused = Holder::self();
  reused.started = "1";
  claimed_by(reused, 9);
  EXPECT_FALSE(claim.renew());  // it is not the holder any more
  EXPECT_EQ(Claim(folder_).number(), 10);
}

TEST_F(ClaimTest, WatchesWhoIsElsewhere) {
  claimed_by(elsewhere());
  EXPECT_EQ(Claim(folder_, 0.3).number(), 2);  // it does not stir

  claimed_by(elsewhere(), 7);
  std::atomic<bool> over = false;
  std::thread pulse([&] {
    while (!over) {
      fs::last_write_time(folder_ + "/claim.7", fs::file_time_type::clock::now());
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  EXPECT_THROW(Claim(folder_, 60.0), OutputBusy);
  over = true;
  pulse.join();
}

TEST_F(ClaimTest, ARequeuedJobGoesOnAtOnce) {
  ::setenv("SLURM_JOB_ID", "4711", 1);
  claimed_by(elsewhere());
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(Claim(folder_, 60.0).number(), 2);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
  ::unsetenv("SLURM_JOB_ID");
}

TEST_F(ClaimTest, OneOfManyWins) {
  Holder dead = Holder::self();
  dead.started = "1";
  claimed_by(dead);
  std::atomic<int> winners = 0, losers = 0;
  std::vector<std::thread> threads;
  std::atomic<int> ready = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      ++ready;
      while (ready < 8) std::this_thread::yield();
      try {
        const Claim claim(folder_);
        ++winners;
        while (winners + losers < 8) std::this_thread::yield();
      } catch (const OutputBusy&) {
        ++losers;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(winners, 1);
  EXPECT_EQ(losers, 7);
}

}  // namespace
}  // namespace lindrift::sweep
