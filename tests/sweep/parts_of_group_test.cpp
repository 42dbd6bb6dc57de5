#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "sweep/fake_task.hpp"
#include "tgge/registry/tgge_point.hpp"

namespace lindrift::sweep {
namespace {

using testing::ElementsAre;
using testing::Pair;

std::vector<std::pair<std::size_t, std::size_t>> places_of(const std::vector<Group>& parts) {
  std::vector<std::pair<std::size_t, std::size_t>> places;
  for (const Group& part : parts) places.emplace_back(part.first, part.wanted.size());
  return places;
}

TEST(PartsOfGroup, EndWhereRowsAndTheirGroupsEnd) {
  const config::Document document = document_of(40);
  const auto parts = [&](std::size_t first, std::size_t size, std::size_t group, std::size_t row) {
    return places_of(
        parts_of({document, false, first, std::vector<bool>(size, true)}, Grouping{.size = group, .row = row}));
  };
  EXPECT_THAT(parts(0, 12, 4, 4), ElementsAre(Pair(0, 4), Pair(4, 4), Pair(8, 4)));
  EXPECT_THAT(parts(0, 5, 4, 4), ElementsAre(Pair(0, 4), Pair(4, 1)));
  EXPECT_THAT(parts(5, 10, 4, 4), ElementsAre(Pair(5, 3), Pair(8, 4), Pair(12, 3)));
  EXPECT_THAT(parts(0, 20, 4, 10),
              ElementsAre(Pair(0, 4), Pair(4, 4), Pair(8, 2), Pair(10, 4), Pair(14, 4), Pair(18, 2)));
  EXPECT_THAT(parts(9, 8, 4, 10), ElementsAre(Pair(9, 1), Pair(10, 4), Pair(14, 3)));
  EXPECT_THAT(parts(21, 6, 20, 40), ElementsAre(Pair(21, 6)));
  EXPECT_THAT(parts(3, 1, 4, 10), ElementsAre(Pair(3, 1)));
}

TEST(PartsOfGroup, HaveEveryWantedPointOnceAtAPlaceThatDoesNotDependOnTheOthers) {
  std::mt19937 random(7);
  const config::Document document = document_of(60);
  for (int i = 0; i < 200; ++i) {
    const auto below = [&](std::size_t end) { return static_cast<std::size_t>(random()) % end; };
    const std::size_t row = 1 + below(20), first = below(40), size = 1 + below(20);
    const Grouping grouping{.size = 1 + below(row), .row = row};
    Group group{document, false, first, std::vector<bool>(size, true)};
    const auto of_all = places_of(parts_of(group, grouping));
    for (std::size_t place = 0; place < size; ++place) group.wanted[place] = random() % 3 == 0;
    const auto parts = parts_of(group, grouping);
    EXPECT_EQ(places_of(parts), of_all);
    std::vector<bool> wanted;
    for (const Group& part : parts) {
      EXPECT_EQ(part.first, first + wanted.size());
      const std::size_t last = part.first + part.wanted.size() - 1;
      EXPECT_EQ(part.first / row, last / row);
      EXPECT_EQ(part.first % row / grouping.size, last % row / grouping.size);
      wanted.insert(wanted.end(), part.wanted.begin(), part.wanted.end());
    }
    EXPECT_EQ(wanted, group.wanted);
  }
}

}  // namespace
}  // namespace lindrift::sweep
