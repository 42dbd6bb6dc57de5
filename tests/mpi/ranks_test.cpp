// The checks that the tests in sweep/ make on threads, here on MPI ranks. Every rank makes every check and reports
// through its exit code.

#include <gtest/gtest.h>

#include <cstdio>

#include "sweep/guarded_communicator_test.hpp"

namespace lindrift::sweep {
namespace {

ProcessGroup* world = nullptr;

TEST(Ranks, CompleteArrays) { expect_arrays_complete(*world); }
TEST(Ranks, FailTogether) { expect_failures_reach_everyone(*world); }

TEST(Ranks, SplitIntoTeams) {
  const int teams = (world->size() + 1) / 2;
  const auto part = world->split(world->rank() / 2);
  EXPECT_EQ(part->rank(), world->rank() % 2);
  expect_arrays_complete(*part);
  expect_failures_reach_everyone(*part);
  EXPECT_EQ(world->maximum(world->rank() / 2), teams - 1);
}

TEST(Ranks, BroadcastBytes) {
  for (int from = 0; from < world->size(); ++from) {
    Bytes bytes(static_cast<std::size_t>(1 + 1000 * from), static_cast<unsigned char>(from));
    if (world->rank() != from) bytes = {99, 98};
    world->broadcast(bytes, from);
    EXPECT_EQ(bytes, Bytes(static_cast<std::size_t>(1 + 1000 * from), static_cast<unsigned char>(from)));
  }
}

/// Every unit goes to one rank.
TEST(Ranks, TakeUnitsFromSharedCounters) {
  constexpr std::int64_t units = 2000;
  const auto counters = world->make_counters();
  ASSERT_TRUE(counters);
  std::int64_t own = 0, sum = 0;
  for (std::int64_t unit = 0; (unit = counters->add(SharedCounters::queue_head, 1)) < units;) {
    ++own;
    sum += unit;
  }
  counters->add(SharedCounters::done, own);
  counters->add(SharedCounters::failed, sum);
  world->maximum(0);
  EXPECT_EQ(counters->read(SharedCounters::done), units);
  EXPECT_EQ(counters->read(SharedCounters::failed), units * (units - 1) / 2);
  world->maximum(0);  // no rank reads any more
}

}  // namespace
}  // namespace lindrift::sweep

int main(int argc, char** argv) {
  const auto communicator = lindrift::sweep::make_process_group(&argc, &argv);
  lindrift::sweep::world = communicator.get();
  testing::InitGoogleTest(&argc, argv);
  // One rank reports; a failed check on another shows in the exit code.
  if (communicator->rank() != 0) {
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
  }
  const int failed = communicator->maximum(RUN_ALL_TESTS());
  if (failed != 0) std::fprintf(stderr, "rank %d: a check failed on some rank\n", communicator->rank());
  return failed;
}
