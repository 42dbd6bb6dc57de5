#include "open_chain/coarse.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <vector>

#include "lindrift/hubbard/chain.hpp"

namespace lindrift {
namespace {

using Cells = std::vector<std::int64_t>;

std::int64_t size_of(const Cells& cells) {
  return std::accumulate(cells.begin(), cells.end(), std::int64_t{1}, std::multiplies<>());
}

TEST(CoarseCells, AreFewAndNotTooFew) {
  constexpr std::int64_t most = 1 << 14;
  for (const Cells& cells :
       {Cells{16385}, {20001}, {1'000'003}, {30'000'000}, {129, 128}, {4096, 4096}, {3, 10'000'000}, {400, 300, 201}}) {
    const Cells few = coarse_cells(cells, most);
    EXPECT_LE(size_of(few), most);
    EXPECT_GE(size_of(few), 1000);
    for (std::size_t d = 0; d < cells.size(); ++d) EXPECT_LE(few[d], cells[d]);
  }
  for (const Cells& cells : {Cells{16384}, {7}, {128, 128}, {25, 25, 25}}) EXPECT_EQ(coarse_cells(cells, most), cells);
}

/// k = 2 pi p/q is a momentum of a ring if q divides its cells.
TEST(CoarseCells, HaveTheSameSimpleFractionsOfATurn) {
  for (std::int64_t cells = 20'000; cells < 20'050; ++cells)
    for (std::int64_t q = 1; q <= 10; ++q)
      EXPECT_EQ(coarse_cells({cells}, 1 << 14).front() % q == 0, cells % q == 0) << cells << " " << q;
  for (const Cells& cells : {Cells{1003, 1002}, {998, 2001}}) {
    const Cells few = coarse_cells(cells, 1 << 14);
    for (std::size_t d = 0; d < 2; ++d)
      for (const std::int64_t q : {2, 3, 4}) EXPECT_EQ(few[d] % q == 0, cells[d] % q == 0) << cells[d] << " " << q;
  }
}

TEST(CoarseCells, ListsOfMomentaKeepTheirSystem) {
  HubbardChain chain;
  chain.sites = 20'001;
  EXPECT_LT(coarse(chain).sites, chain.sites);
  chain.up.loss_table.assign(20'001, 0.0);
  EXPECT_EQ(coarse(chain).sites, chain.sites);
}

}  // namespace
}  // namespace lindrift
