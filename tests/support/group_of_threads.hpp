#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "sweep/process_group.hpp"

/// Ranks as threads of one process, to test their cooperation without MPI and under ThreadSanitizer.

namespace lindrift::testing_support {

/// State shared by the ranks of one communicator.
struct ThreadWorld {
  explicit ThreadWorld(int ranks) : size(ranks), gate(ranks), ints(static_cast<std::size_t>(ranks)) {}

  int size;
  std::barrier<> gate;
  std::vector<int> ints;
  sweep::Bytes bytes;
  std::vector<double> doubles;
  std::map<int, std::shared_ptr<ThreadWorld>> parts;                                 ///< of the latest split, by colour
  std::array<std::atomic<std::int64_t>, sweep::SharedCounters::counters> numbers{};  ///< the latest counters
};

class ThreadCounters : public sweep::SharedCounters {
 public:
  explicit ThreadCounters(std::shared_ptr<ThreadWorld> world) : world_(std::move(world)) {}
  std::int64_t add(Counter counter, std::int64_t value) override {
    return world_->numbers.at(counter).fetch_add(value);
  }
  const char* kind() const override { return "threads"; }

 private:
  std::shared_ptr<ThreadWorld> world_;
};

class ThreadRank : public sweep::ProcessGroup {
 public:
  ThreadRank(std::shared_ptr<ThreadWorld> world, int rank) : world_(std::move(world)), rank_(rank) {}
  int rank() const override { return rank_; }
  int size() const override { return world_->size; }
  int local_rank() const override { return rank_; }
  int local_size() const override { return world_->size; }

  int maximum(int value) override {
    world_->ints[static_cast<std::size_t>(rank_)] = value;
    world_->gate.arrive_and_wait();
    int largest = value;
    for (const int each : world_->ints) largest = std::max(largest, each);
    world_->gate.arrive_and_wait();
    return largest;
  }
  void broadcast(sweep::Bytes& bytes, int from) override {
    if (rank_ == from) world_->bytes = bytes;
    world_->gate.arrive_and_wait();
    bytes = world_->bytes;
    world_->gate.arrive_and_wait();
  }
  void all_gather(std::span<double> values, std::span<const std::size_t> bounds) override {
    if (rank_ == 0) world_->doubles.assign(values.size(), 0.0);
    world_->gate.arrive_and_wait();
    const auto own = static_cast<std::size_t>(rank_);
    for (std::size_t i = bounds[own]; i < bounds[own + 1]; ++i) world_->doubles[i] = values[i];
    world_->gate.arrive_and_wait();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = world_->doubles[i];
    world_->gate.arrive_and_wait();
  }
  std::unique_ptr<sweep::SharedCounters> make_counters() override {
    world_->gate.arrive_and_wait();
    if (rank_ == 0)
      for (auto& number : world_->numbers) number = 0;
    world_->gate.arrive_and_wait();
    return std::make_unique<ThreadCounters>(world_);
  }
  std::unique_ptr<ProcessGroup> split(int colour) override {
    world_->ints[static_cast<std::size_t>(rank_)] = colour;
    world_->gate.arrive_and_wait();
    if (rank_ == 0) {
      std::map<int, int> counts;
      for (const int each : world_->ints) ++counts[each];
      world_->parts.clear();
      for (const auto& [each, count] : counts) world_->parts[each] = std::make_shared<ThreadWorld>(count);
    }
    world_->gate.arrive_and_wait();
    int place = 0;
    for (int r = 0; r < rank_; ++r) place += world_->ints[static_cast<std::size_t>(r)] == colour ? 1 : 0;
    auto part = std::make_unique<ThreadRank>(world_->parts.at(colour), place);
    world_->gate.arrive_and_wait();
    return part;
  }

 private:
  std::shared_ptr<ThreadWorld> world_;
  int rank_;
};

/// Calls body on this many ranks at once and waits for all. Rethrows the exception of the lowest rank that threw.
inline void on_ranks(int size, const std::function<void(sweep::ProcessGroup&)>& body) {
  const auto world = std::make_shared<ThreadWorld>(size);
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(size));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      try {
        ThreadRank own(world, rank);
        body(own);
      } catch (...) {
        failures[static_cast<std::size_t>(rank)] = std::current_exception();
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace lindrift::testing_support
