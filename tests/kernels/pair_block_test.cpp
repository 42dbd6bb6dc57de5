// The index logic of thread blocks, with sums that count instead of adding physics.
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/pair_block.hpp"
#include "lindrift/communicator.hpp"
#include "support/emulated_engine.hpp"

namespace lindrift::testing {
namespace {

using kernels::Index;

/// Order-dependent fingerprint of the columns that a row has met: a column left out, met twice or belonging to another
/// tile changes it.
struct CountingPair {
  template <class T>
  struct Sum {
    double columns, weighted, squared;
    Sum& operator+=(const Sum& other) {
      columns += other.columns;
      weighted += other.weighted;
      squared += other.squared;
      return *this;
    }
  };
  using Row = double;
  template <class T>
  struct Column {
    double index;
  };

  Index size;
  Sum<double>* result;

  Row row(Index i) const {
    EXPECT_TRUE(i >= 0 && i < size) << "row " << i << " of " << size;
    return static_cast<double>(i);
  }
  template <class T>
  Column<T> column(Index j) const {
    EXPECT_TRUE(j >= 0 && j < size) << "column " << j << " of " << size;
    return {static_cast<double>(j)};
  }
  template <class T>
  void accumulate(const Row& row, const Column<T>& column, Sum<T>& sum) const {
    sum.columns += 1.0;
    sum.weighted += column.index + 1e-3 * row;
    sum.squared += column.index * column.index;
  }
  void finish(Index i, const Sum<double>& sum) const { result[i] = sum; }
};

/// One of several ranks that share the rows.
class FixedRank final : public Communicator {
 public:
  FixedRank(int rank, int ranks) : rank_(rank), ranks_(ranks) {}
  int rank() const override { return rank_; }
  int size() const override { return ranks_; }

 private:
  int rank_, ranks_;
};

template <class Engine>
void expect_every_pair_once(Index size, int ranks = 1) {
  std::vector<CountingPair::Sum<double>> result(static_cast<std::size_t>(size));
  poison(result.data(), result.size());
  for (int rank = 0; rank < ranks; ++rank) {
    FixedRank own(rank, ranks);
    Engine(1, 0, ranks > 1 ? &own : nullptr).pair_sum(CountingPair{size, result.data()});
  }
  const double n = static_cast<double>(size);
  for (Index i = 0; i < size; ++i) {
    const auto& sum = result[static_cast<std::size_t>(i)];
    ASSERT_EQ(sum.columns, n) << "row " << i << " of " << size;
    ASSERT_EQ(sum.squared, (n - 1) * n * (2 * n - 1) / 6) << "row " << i << " of " << size;
    ASSERT_NEAR(sum.weighted, n * (n - 1) / 2 + 1e-3 * static_cast<double>(i) * n, 1e-9 * n * n)
        << "row " << i << " of " << size;
  }
}

TEST(PairBlock, MeetsEveryColumnOnceInEveryRow) {
  for (Index size = 1; size <= 70; ++size) {
    expect_every_pair_once<EmulatedEngine<8, 2, 1, 1, false>>(size);
    expect_every_pair_once<EmulatedEngine<8, 1, 1, 3, true>>(size);
    expect_every_pair_once<EmulatedEngine<4, 3, 1, 40, false>>(size);
  }
  for (const Index size : {255, 256, 257, 511, 512, 513}) {
    expect_every_pair_once<EmulatedEngine<128, 2, 1, 1, false>>(size);
    expect_every_pair_once<EmulatedEngine<128, 2, 1, 5, true>>(size);
  }
}

TEST(PairBlock, ProcessesShareTheRows) {
  for (const Index size : {512, 513, 700, 1000})
    for (const int ranks : {2, 3, 20}) {
      expect_every_pair_once<EmulatedEngine<128, 2, 1, 5, true>>(size, ranks);
      expect_every_pair_once<EmulatedEngine<64, 3, 1, 1, false>>(size, ranks);
    }
}

TEST(PairBlock, ChunksPartitionTheColumns) {
  using Block = kernels::PairBlock<CountingPair, 32, 2>;
  for (Index size = 1; size <= 300; ++size)
    for (const int chunks : {1, 2, 3, 7, 64}) {
      Index next = 0;
      for (int c = 0; c < chunks; ++c) {
        const auto chunk = Block::chunk(size, c, chunks);
        EXPECT_EQ(chunk.first, next);
        EXPECT_LE(chunk.first, chunk.last);
        EXPECT_TRUE(chunk.first % Block::tile_columns == 0 || chunk.first == size);
        next = chunk.last;
      }
      EXPECT_EQ(next, size);
    }
}

TEST(PairBlock, ChunksOfHugeSizesDoNotOverflow) {
  using Block = kernels::PairBlock<CountingPair>;
  const Index size = Index{1} << 40;
  EXPECT_EQ(Block::chunk(size, 63, 64).last, size);
  EXPECT_EQ(Block::chunk(size, 0, 64).last, size / 64);
  EXPECT_EQ(Block::row_index({7, size}, size / Block::rows_per_block, 5, 1), size + 7 + 5 + Block::lanes);
}

struct CountingTerm {
  template <class T>
  using Sum = CountingPair::Sum<T>;
  Index size;
  template <class T>
  void accumulate(Index i, Sum<T>& sum) const {
    EXPECT_TRUE(i >= 0 && i < size) << "element " << i << " of " << size;
    sum.columns += 1.0;
    sum.squared += static_cast<double>(i) * static_cast<double>(i);
  }
};

template <class Engine>
void expect_every_element_once(Index size) {
  const auto sum = Engine(1, 0, nullptr).reduce(size, CountingTerm{size});
  const double n = static_cast<double>(size);
  ASSERT_EQ(sum.columns, n);
  ASSERT_EQ(sum.squared, (n - 1) * n * (2 * n - 1) / 6) << size;
}

TEST(ReduceBlock, MeetsEveryElementOnce) {
  for (Index size = 1; size <= 300; ++size) {
    expect_every_element_once<EmulatedEngine<8, 1, 2, 1, false>>(
        size);  // more blocks than a block has elements: several levels
    expect_every_element_once<EmulatedEngine<16, 1, 1, 1, true>>(size);
    expect_every_element_once<EmulatedEngine<1, 1, 3, 1, false>>(size);
  }
  for (const Index size : {4095, 4096, 4097, 70001})
    expect_every_element_once<EmulatedEngine<256, 1, 16, 1, false>>(size);
}

}  // namespace
}  // namespace lindrift::testing
