#include "engine/threads.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <ctime>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <thread>

#include "engine/parallel.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/error.hpp"
#include "lindrift/monitor.hpp"

namespace lindrift {
namespace {

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Occupies a core for about this long.
void work_for(double microseconds) {
  const double start = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  while (seconds_of(CLOCK_THREAD_CPUTIME_ID) - start < 1e-6 * microseconds) continue;
}

TEST(Threads, DoEveryItemOnceInPartsOfWholeSteps) {
  for (const int threads : {1, 2, 3, 16})
    for (const std::size_t count : {0, 1, 2, 7, 64, 1000, 100003})
      for (const std::size_t step : {1, 8, 4096}) {
        SCOPED_TRACE(::testing::Message() << threads << " threads, " << count << " items, steps of " << step);
        std::vector<std::atomic<int>> done(count);
        std::vector<std::atomic<int>> busy(static_cast<std::size_t>(threads));
        std::atomic<bool> right = true;
        in_parts(
            threads, count,
            [&](std::size_t first, std::size_t last, std::size_t thread) {
              if (thread >= busy.size() || busy[thread]++ != 0) right = false;
              if (first % step != 0 || last <= first || (last != count && last % step != 0)) right = false;
              for (std::size_t i = first; i < last; ++i) ++done[i];
              --busy[thread];
            },
            step);
        EXPECT_TRUE(right);
        for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(done[i], 1) << i;
      }
}

TEST(Threads, AreAtMostThoseAskedForAlsoWhenOthersCalculate) {
  const auto distinct_threads = [](int threads) {
    std::set<std::thread::id> seen;
    std::mutex mutex;
    for (int loop = 0; loop < 20; ++loop)
      in_parts(threads, 40, [&](std::size_t, std::size_t, std::size_t) {
        work_for(50.0);
        const std::lock_guard lock(mutex);
        seen.insert(std::this_thread::get_id());
      });
    return seen.size();
  };
  std::vector<std::thread> callers;
  std::vector<std::size_t> found(6);
  for (std::size_t i = 0; i < found.size(); ++i)
    callers.emplace_back([&, i] { found[i] = distinct_threads(static_cast<int>(i) + 1); });
  for (std::thread& caller : callers) caller.join();
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_LE(found[i], i + 1);
    EXPECT_GE(found[i], 1U);
  }
  // A thread that has used many may ask for few.
  std::size_t few = 9;
  std::thread([&] {
    distinct_threads(5);
    few = distinct_threads(2);
  }).join();
  EXPECT_LE(few, 2U);
}

TEST(Threads, OfACalculationAreItsOwn) {
  EXPECT_EQ(Calculation::threads(), 1);
  {
    const Calculation outer(3);
    EXPECT_EQ(Calculation::threads(), 3);
    {
      const Calculation inner(2);
      EXPECT_EQ(Calculation::threads(), 2);
    }
    EXPECT_EQ(Calculation::threads(), 3);
    int elsewhere = 0;
    std::thread([&] { elsewhere = Calculation::threads(); }).join();
    EXPECT_EQ(elsewhere, 1);
    std::atomic<bool> right = true;
    in_parts(3, 30, [&](std::size_t, std::size_t, std::size_t) {
      const Calculation within(5);  // a loop inside a loop runs on its thread alone
      if (Calculation::threads() != 1) right = false;
    });
    EXPECT_TRUE(right);
  }
  EXPECT_EQ(Calculation::threads(), 1);
}

TEST(Threads, SumsHaveTheSameBitsForAnyNumber) {
  constexpr std::size_t size = 300001;
  const auto sums = [&](int threads) {
    const Calculation calculation(threads);
    auto both = parallel_sums<2>(size, [](std::size_t i) {
      const double x = static_cast<double>(i);
      return std::array{1.0 / (1.0 + x), std::sin(x)};
    });
    return std::array{both[0], both[1],
                      parallel_maximum(size, -1.0, [](std::size_t i) { return std::cos(static_cast<double>(i)); })};
  };
  const auto alone = sums(1);
  for (const int threads : {2, 3, 7, 16})
    for (int repeat = 0; repeat < 20; ++repeat) EXPECT_EQ(sums(threads), alone) << threads;
}

TEST(Threads, HandOverWhatAPartThrows) {
  for (const int threads : {1, 2, 5})
    for (int repeat = 0; repeat < 50; ++repeat) {
      std::atomic<int> after = 0;
      EXPECT_THROW(in_parts(threads, 1000,
                            [&](std::size_t first, std::size_t last, std::size_t) {
                              if (first <= 500 && 500 < last) throw std::out_of_range("500");
                              ++after;
                            }),
                   std::out_of_range);
      in_parts(threads, 10, [&](std::size_t first, std::size_t last, std::size_t) {
        after += static_cast<int>(last - first) * 1000;
      });
      EXPECT_GE(after, 10000);  // the next loop is complete
    }
}

TEST(Threads, SleepWhileTheyWait) {
  in_parts(4, 400, [](std::size_t, std::size_t, std::size_t) { work_for(5.0); });
  const double before = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LE(seconds_of(CLOCK_PROCESS_CPUTIME_ID) - before, 0.02);
  // The caller sleeps too while another thread has the last item.
  const double own = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  std::atomic<bool> helped = false;
  const auto caller = std::this_thread::get_id();
  for (int attempt = 0; attempt < 100 && !helped; ++attempt)
    in_parts(2, 2, [&](std::size_t, std::size_t, std::size_t) {
      std::this_thread::sleep_for(std::chrono::milliseconds(std::this_thread::get_id() == caller ? 5 : 100));
      if (std::this_thread::get_id() != caller) helped = true;
    });
  EXPECT_TRUE(helped);
  EXPECT_LE(seconds_of(CLOCK_THREAD_CPUTIME_ID) - own, 0.02);
}

TEST(Threads, AreNotMissedInAForkedProcess) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer lets no forked process start threads";
#endif
  std::atomic<int> done = 0;
  const auto loop = [&] {
    in_parts(3, 1000,
             [&](std::size_t first, std::size_t last, std::size_t) { done += static_cast<int>(last - first); });
  };
  loop();
  const pid_t child = fork();
  if (child == 0) {
    done = 0;
    loop();
    loop();
    _exit(done == 2000 ? 7 : 8);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  loop();
  EXPECT_EQ(done, 2000);
}

TEST(Threads, AskWhetherToStopAndStop) {
  for (const int threads : {1, 2, 4}) {
    int asked = 0;
    std::atomic<int> parts = 0;
    const auto caller = std::this_thread::get_id();
    const Monitor monitor{.stop =
                              [&] {
                                EXPECT_EQ(std::this_thread::get_id(), caller);
                                return ++asked == 3;
                              },
                          .progress = {},
                          .checkpoint = {},
                          .restored = {}};
    {
      const Calculation calculation(Execution{.threads = threads}, monitor);
      EXPECT_THROW(in_parts(threads, 10000000,
                            [&](std::size_t first, std::size_t last, std::size_t) {
                              ++parts;
                              for (std::size_t i = first; i < last; ++i) work_for(20.0);
                            }),
                   Interruption);
      EXPECT_EQ(asked, 3);
      EXPECT_LT(parts, 100000);
      const Calculation::Undisturbed undisturbed;
      Calculation::look_up();
      EXPECT_EQ(asked, 3);
    }
    Calculation::look_up();
    EXPECT_EQ(asked, 3);  // no questions after the calculation
  }
}

TEST(Threads, OfALoopWithinALoopEndWithIt) {
  // One part fails at once; the others are in loops of their own that would take minutes.
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW(in_parts(3, 3,
                        [&](std::size_t first, std::size_t, std::size_t) {
                          if (first == 0) throw std::out_of_range("0");
                          in_parts(1, 100000000, [](std::size_t begin, std::size_t end, std::size_t) {
                            for (std::size_t i = begin; i < end; ++i) work_for(20.0);
                          });
                        }),
               std::out_of_range);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

}  // namespace
}  // namespace lindrift
