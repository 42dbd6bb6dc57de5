#pragma once

#include <algorithm>
#include <barrier>
#include <cstddef>
#include <span>
#include <thread>
#include <vector>

#include "lindrift/communicator.hpp"

namespace lindrift::testing {

/// Runs `work(communicator)` on `size` threads that act as ranks with separate memory. After all_gather, an array
/// contains what the owners wrote, whatever the other ranks held there.
template <class Work>
void with_ranks(int size, const Work& work) {
  struct Board {
    std::barrier<> everyone;
    std::vector<std::span<double>> arrays;
  };
  class Member final : public Communicator {
   public:
    Member(Board& board, int rank) : board_(board), rank_(rank) {}
    int rank() const override { return rank_; }
    int size() const override { return static_cast<int>(board_.arrays.size()); }
    void all_gather(std::span<double> values, std::span<const std::size_t> bounds) override {
      board_.arrays[static_cast<std::size_t>(rank_)] = values;
      board_.everyone.arrive_and_wait();
      std::vector<double> whole(values.size());
      for (std::size_t r = 0; r + 1 < bounds.size(); ++r)
        for (std::size_t i = bounds[r]; i < bounds[r + 1]; ++i) whole[i] = board_.arrays[r][i];
      board_.everyone.arrive_and_wait();
      std::copy(whole.begin(), whole.end(), values.begin());
      board_.everyone.arrive_and_wait();
    }

   private:
    Board& board_;
    int rank_;
  };
  Board board{std::barrier<>(size), std::vector<std::span<double>>(static_cast<std::size_t>(size))};
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&board, &work, rank] {
      Member member(board, rank);
      work(member);
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace lindrift::testing
