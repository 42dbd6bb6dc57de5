#include "sweep/output_lock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <latch>
#include <thread>
#include <vector>

namespace lindrift::sweep {
namespace {

namespace fs = std::filesystem;

class OutputLockTest : public testing::Test {
 protected:
  OutputLockTest() {
    std::string name = (fs::temp_directory_path() / "lindrift-lock-XXXXXX").string();
    place_ = mkdtemp(name.data());
    folder_ = (fs::path(place_) / "out.h5.journal").string();
  }
  ~OutputLockTest() override { fs::remove_all(place_); }

  std::string lock_file() const { return folder_ + "/lock"; }
  /// As if `holder` had locked the folder from a machine whose locks this kernel does not see.
  void locked_by(const LockHolder& holder) const {
    fs::create_directories(folder_);
    std::ofstream(lock_file()) << holder.text();
  }
  static LockHolder elsewhere() {
    LockHolder holder = LockHolder::self();
    holder.host = "elsewhere";
    holder.boot = "another machine";
    return holder;
  }

  std::string place_, folder_;
};

TEST_F(OutputLockTest, RefusesASecondOneWhileTheFirstLives) {
  {
    const OutputLock first(folder_);
    EXPECT_TRUE(first.renew());
    for (int i = 0; i < 3; ++i) EXPECT_THROW(OutputLock{folder_}, OutputBusy);
    const auto state = lock_state(folder_);
    ASSERT_TRUE(state);
    EXPECT_EQ(state->alive, LockState::Alive::yes);
    EXPECT_EQ(state->holder.process, std::to_string(getpid()));
    EXPECT_TRUE(first.renew());
  }
  EXPECT_FALSE(lock_state(folder_));
  EXPECT_FALSE(fs::exists(lock_file()));
  const OutputLock second(folder_);
  EXPECT_TRUE(second.renew());
}

/// Even if another process has reused the number of the dead one.
TEST_F(OutputLockTest, IsFreeAtOnceWhenItsHolderIsKilled) {
  const pid_t child = fork();
  if (child == 0) {
    const OutputLock lock(folder_);
    raise(SIGKILL);
  }
  waitpid(child, nullptr, 0);
  ASSERT_TRUE(lock_state(folder_));
  EXPECT_EQ(lock_state(folder_)->holder.process, std::to_string(child));
  EXPECT_EQ(lock_state(folder_)->alive, LockState::Alive::no);
  LockHolder reused = LockHolder::self();  // this process now has the number of the dead one
  locked_by(reused);
  const OutputLock lock(folder_, 1e9);
  EXPECT_TRUE(lock.renew());
}

TEST_F(OutputLockTest, WatchesAHolderElsewhere) {
  locked_by(elsewhere());
  EXPECT_EQ(lock_state(folder_)->alive, LockState::Alive::unknown);
  { const OutputLock taken_over(folder_, 0.3); }  // its holder shows no sign of life

  locked_by(elsewhere());
  std::atomic<bool> over = false;
  std::thread heartbeat([&] {
    while (!over) {
      fs::last_write_time(lock_file(), fs::file_time_type::clock::now());
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  EXPECT_THROW(OutputLock(folder_, 1e9), OutputBusy);
  over = true;
  heartbeat.join();
}

TEST_F(OutputLockTest, NoticesThatItWasTakenOver) {
  const OutputLock lock(folder_);
  locked_by(elsewhere());  // from a machine that did not see the lock
  EXPECT_FALSE(lock.renew());
}

TEST_F(OutputLockTest, ARequeuedJobGoesOnAtOnce) {
  ::setenv("SLURM_JOB_ID", "4711", 1);
  locked_by(elsewhere());
  const OutputLock lock(folder_, 1e9);  // waiting would take forever
  EXPECT_TRUE(lock.renew());
  ::unsetenv("SLURM_JOB_ID");
}

TEST_F(OutputLockTest, OneOfManyWins) {
  constexpr int threads = 8;
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> winners = 0;
    std::latch ready(threads), done(threads);
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i)
      all.emplace_back([&] {
        ready.arrive_and_wait();
        std::optional<OutputLock> lock;
        try {
          lock.emplace(folder_);
          ++winners;
        } catch (const OutputBusy&) {
        }
        done.arrive_and_wait();  // nobody releases the lock before all have tried
      });
    for (std::thread& thread : all) thread.join();
    EXPECT_EQ(winners, 1);
  }
}

}  // namespace
}  // namespace lindrift::sweep
