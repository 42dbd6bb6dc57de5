#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sweep/sweep.hpp"

namespace lindrift::sweep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(PointsOf, CoversEachPointOnceInOrder) {
  for (const int size : {1, 2, 3, 4, 7, 16, 64}) {
    for (const std::size_t points : {0, 1, 2, 3, 5, 16, 63, 64, 65, 1000}) {
      std::vector<int> visits(points, 0);
      std::size_t least = points, most = 0;
      for (int rank = 0; rank < size; ++rank) {
        const auto own = points_of(rank, size, points);
        EXPECT_TRUE(std::is_sorted(own.begin(), own.end()));
        for (const std::size_t p : own) {
          ASSERT_LT(p, points);
          ++visits[p];
        }
        least = std::min(least, own.size());
        most = std::max(most, own.size());
      }
      EXPECT_THAT(visits, testing::Each(1)) << size << " ranks, " << points << " points";
      EXPECT_LE(most - least, 1U) << size << " ranks, " << points << " points";
    }
  }
}

TEST(PointsOf, DealsNeighboursToDifferentRanks) {
  EXPECT_THAT(points_of(0, 1, 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(points_of(1, 3, 8), ElementsAre(1, 4, 7));
  EXPECT_THAT(points_of(2, 3, 2), IsEmpty());
}

}  // namespace
}  // namespace lindrift::sweep
