#include "sweep/match.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalogue/catalogue.hpp"
#include "lindrift/error.hpp"

namespace lindrift::sweep {
namespace {

using testing::HasSubstr;

config::Document document(const std::string& sweep, const std::string& sites = "6") {
  return config::parse(
      "[model]\nkind = 'tgge_chain'\nsites = " + sites + "\n[task]\nkind = 'steady_state'\n[sweep]\n" + sweep,
      "INPUT.toml", {}, menu());
}

std::string refusal(const config::Document& older, const config::Document& newer) {
  try {
    PointMap(older, newer, "out.h5");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

const std::string beta = "'bath.inverse_temperature' = ", fraction = "'bath.nonequilibrium_fraction' = ";

void expect_same_points(const config::Document& older, const config::Document& newer) {
  const PointMap map(older, newer, "out.h5");
  for (std::size_t p = 0; p < older.sweep.points(); ++p) {
    EXPECT_EQ(hash_of(older.point(p)), hash_of(newer.point(map(p)))) << p;
    EXPECT_EQ(older.sweep.at(p), newer.sweep.at(map(p)));
  }
}

TEST(PointMap, FindsThePointsOfAnExtendedSweep) {
  const auto old_grid = document(beta + "[1.0, 2.0]\n" + fraction + "[0.5, 0.25, 1.0]\n");
  EXPECT_TRUE(PointMap(old_grid, old_grid, "").identity());
  expect_same_points(old_grid, old_grid);
  expect_same_points(old_grid, document(beta + "[1.0, 1.5, 2.0, 3.0]\n" + fraction + "[0.0, 0.25, 0.5, 1.0]\n"));
  const auto old_zip = document("mode = 'zip'\n" + beta + "[1.0, 2.0]\n" + fraction + "[0.5, 0.25]\n");
  expect_same_points(old_zip,
                     document("mode = 'zip'\n" + beta + "[3.0, 2.0, 1.0]\n" + fraction + "[0.5, 0.25, 0.5]\n"));
}

TEST(PointMap, NamesWhatDiffers) {
  const auto here = document(beta + "[1.0, 2.0]\n");
  EXPECT_THAT(refusal(document(beta + "[1.0, 2.0]\n", "8"), here), HasSubstr("model.sites (8 there, 6 here) differs"));
  EXPECT_THAT(refusal(document(fraction + "[0.5]\n"), here),
              HasSubstr("sweep (over bath.nonequilibrium_fraction there"));
  EXPECT_THAT(refusal(document(beta + "[1.0, 2.5]\n"), here),
              HasSubstr("bath.inverse_temperature = 2.5, which is not"));
  const auto mixed = refusal(document("mode = 'zip'\n" + beta + "[1.0, 2.0]\n"), here);
  EXPECT_THAT(mixed, HasSubstr("sweep.mode"));
  const auto relax =
      config::parse("[model]\nkind = 'tgge_chain'\n[task]\nkind = 'relax'\ntimes = [1.0]\n", "I", {}, menu());
  EXPECT_THAT(refusal(relax, here), HasSubstr("task.kind (relax there, steady_state here)"));
}

}  // namespace
}  // namespace lindrift::sweep
