#include "sweep/resume_map.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "lindrift/error.hpp"
#include "registry/registry.hpp"

namespace lindrift::sweep {
namespace {

using testing::HasSubstr;

config::Document document(const std::string& sweep, const std::string& sites = "6") {
  return config::parse(
      "[model]\nkind = 'tgge_chain'\nsites = " + sites + "\n[task]\nkind = 'steady_state'\n[sweep]\n" + sweep,
      "INPUT.toml", {}, registry());
}

std::string refusal(const config::Document& older, const config::Document& newer) {
  try {
    ResumeMap(older, newer, "out.h5");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

const std::string beta = "'bath.inverse_temperature' = ", fraction = "'bath.nonequilibrium_fraction' = ";

void expect_same_points(const config::Document& older, const config::Document& newer) {
  const ResumeMap map(older, newer, "out.h5");
  for (std::size_t p = 0; p < older.sweep.points(); ++p) {
    EXPECT_EQ(hash_of(older.point(p)), hash_of(newer.point(map(p)))) << p;
    EXPECT_EQ(older.sweep.at(p), newer.sweep.at(map(p)));
  }
}

TEST(ResumeMap, FindsThePointsOfAnExtendedSweep) {
  const auto old_grid = document(beta + "[1.0, 2.0]\n" + fraction + "[0.5, 0.25, 1.0]\n");
  EXPECT_TRUE(ResumeMap(old_grid, old_grid, "").identity());
  expect_same_points(old_grid, old_grid);
  expect_same_points(old_grid, document(beta + "[1.0, 1.5, 2.0, 3.0]\n" + fraction + "[0.0, 0.25, 0.5, 1.0]\n"));
  const auto old_zip = document("mode = 'zip'\n" + beta + "[1.0, 2.0]\n" + fraction + "[0.5, 0.25]\n");
  expect_same_points(old_zip,
                     document("mode = 'zip'\n" + beta + "[3.0, 2.0, 1.0]\n" + fraction + "[0.5, 0.25, 0.5]\n"));
}

std::string grid(const std::string& start, const std::string& stop, int count) {
  return fraction + "{ start = " + start + ", stop = " + stop + ", count = " + std::to_string(count) + " }\n";
}

/// The same number from two formulas is the same point: refined grids contain the points of the coarse one.
TEST(ResumeMap, FindsTheValuesOfARefinedGridWithinRounding) {
  for (const int refinement : {3, 5, 7, 10}) {
    const auto coarse = document(grid("0.1", "0.9", 11)), fine = document(grid("0.1", "0.9", 10 * refinement + 1));
    const ResumeMap map(coarse, fine, "out.h5");
    for (std::size_t p = 0; p < 11; ++p) EXPECT_EQ(map(p), p * static_cast<std::size_t>(refinement));
  }
  const auto old_zip = document("mode = 'zip'\n" + beta + "[1.0, 2.0]\n" + fraction + "[0.3, 0.1]\n");
  const auto new_zip =
      document("mode = 'zip'\n" + beta + "[2.0, 1.0000000000000002]\n" + fraction + "[0.1, 0.30000000000000004]\n");
  const ResumeMap map(old_zip, new_zip, "out.h5");
  EXPECT_EQ(map(0), 1U);
  EXPECT_EQ(map(1), 0U);
}

TEST(ResumeMap, KeepsPointsApartAndRefusesOtherValues) {
  const auto two = document(beta + "[1.0, 1.0000000000000002]\n");
  const ResumeMap same(two, document(beta + "[1.0000000000000002, 1.0, 3.0]\n"), "out.h5");
  EXPECT_EQ(same(0), 1U);
  EXPECT_EQ(same(1), 0U);
  EXPECT_THAT(refusal(two, document(beta + "[1.0, 3.0]\n")), HasSubstr("1.0000000000000002, which is no longer"));
  EXPECT_THAT(refusal(document(beta + "[1.0]\n"), document(beta + "[1.00000000000001, 3.0]\n")),
              HasSubstr("no longer"));
  // Numbers far below the largest one are as different as others; only what a formula gives in place of 0 is not.
  EXPECT_THAT(refusal(document(beta + "[1e-20, 1.0]\n"), document(beta + "[1e-19, 1e-18, 1.0]\n")),
              HasSubstr("no longer"));
  EXPECT_EQ(ResumeMap(document(beta + "[5.551115123125783e-17, 1.0]\n"), document(beta + "[0.5, 0.0, 1.0]\n"), "")(0),
            1U);
  // Both points that an ulp separates keep their place, in a zip too.
  const auto pairs =
      document("mode = 'zip'\n" + beta + "[1.0, 1.0, 2.0]\n" + fraction + "[0.3, 0.30000000000000004, 0.3]\n");
  const auto more = document("mode = 'zip'\n" + beta + "[2.0, 1.0, 1.0, 3.0]\n" + fraction +
                             "[0.3, 0.30000000000000004, 0.3, 0.3]\n");
  const ResumeMap map(pairs, more, "out.h5");
  for (const auto& [older, newer] : {std::pair(0U, 2U), {1U, 1U}, {2U, 0U}}) EXPECT_EQ(map(older), newer);
  EXPECT_THAT(refusal(pairs, document("mode = 'zip'\n" + beta + "[1.0, 2.0]\n" + fraction + "[0.3, 0.3]\n")),
              HasSubstr("no longer"));
}

/// An ulp in a value that is not swept makes no other input.
TEST(ResumeMap, ComparesOtherValuesWithinRounding) {
  const auto with = [](const std::string& model, const std::string& more, const std::string& task = "steady_state") {
    return config::parse("[model]\nkind = '" + model + "'\nsites = 6\n" + more + "\n[task]\nkind = '" + task + "'\n" +
                             (task == "relax" ? "times = [0.0, 0.3, 5.0]\n" : ""),
                         "INPUT.toml", {}, registry());
  };
  const auto expect_same = [&](const std::string& one, const std::string& other,
                               const std::string& task = "steady_state") {
    EXPECT_EQ(refusal(with("tgge_chain", one, task), with("tgge_chain", other, task)), "") << one << " and " << other;
  };
  const auto expect_different = [&](const std::string& one, const std::string& other) {
    EXPECT_THAT(refusal(with("tgge_chain", one), with("tgge_chain", other)), HasSubstr("comes from another input"));
  };
  expect_same("[bath]\ninverse_temperature = 0.3", "[bath]\ninverse_temperature = 0.30000000000000004");
  expect_same("[bath]\nnonequilibrium_fraction = 0.0", "[bath]\nnonequilibrium_fraction = -0.0");
  expect_same("[bath]\ndelta = [0.3, 0.0]", "[bath]\ndelta = [0.30000000000000004, -0.0]");
  expect_same("[bath]\ndelta = [6.123233995736766e-17, 1.0]", "[bath]\ndelta = [0.0, 1.0]");
  const std::string list = "[initial]\nlagrange_multiplier = ";
  expect_same(list + "[0.3, 0, 0, 0, 0, 1]", list + "[0.30000000000000004, -0.0, 0, 5.6e-17, 0, 1]", "relax");
  const std::string operators = "[bath]\njump = 'operators'\n[[bath.jump_operator]]\nterms = ";
  expect_same(operators + "[[0, 1, 0.3, 0.0]]", operators + "[[0, 1, 0.30000000000000004, -0.0]]");
  expect_different("[bath]\ninverse_temperature = 0.3", "[bath]\ninverse_temperature = 0.30000000000001");
  expect_different("[bath]\ninverse_temperature = 0.0", "[bath]\ninverse_temperature = 1e-300");
  expect_different("[bath]\ndelta = [0.3, 0.0]", "[bath]\ndelta = [0.3, 1e-12]");
  expect_different(operators + "[[0, 1, 0.3, 0.0]]", operators + "[[0, 2, 0.3, 0.0]]");
  expect_different(operators + "[[0, 1, 0.3, 0.0]]", operators + "[[0, 1, 0.3, 0.0], [0, 0, 1, 0]]");
}

TEST(ResumeMap, TakesMinusZeroForZero) {
  EXPECT_EQ(ResumeMap(document(beta + "[-0.0, 1.0]\n"), document(beta + "[1.0, 0.0, 2.0]\n"), "")(0), 1U);
  const auto with_coupling = [](const std::string& phase) {
    return config::parse("[model]\nkind = 'tgge_rashba'\nsites = 6\nzeeman_field = " + phase +
                             "\n[task]\nkind = 'steady_state'\n[sweep]\n'bath.inverse_temperature' = [1.0]\n",
                         "INPUT.toml", {}, registry());
  };
  EXPECT_EQ(refusal(with_coupling("-0.0"), with_coupling("0.0")), "");
}

TEST(ResumeMap, NamesWhatDiffers) {
  const auto here = document(beta + "[1.0, 2.0]\n");
  EXPECT_THAT(refusal(document(beta + "[1.0, 2.0]\n", "8"), here), HasSubstr("model.sites (8 there, 6 here) differs"));
  EXPECT_THAT(refusal(document(fraction + "[0.5]\n"), here),
              HasSubstr("sweep (over bath.nonequilibrium_fraction there"));
  EXPECT_THAT(refusal(document(beta + "[1.0, 2.5]\n"), here),
              HasSubstr("bath.inverse_temperature = 2.5, which is no longer"));
  const auto mixed = refusal(document("mode = 'zip'\n" + beta + "[1.0, 2.0]\n"), here);
  EXPECT_THAT(mixed, HasSubstr("sweep.mode"));
  const auto relax =
      config::parse("[model]\nkind = 'tgge_chain'\n[task]\nkind = 'relax'\ntimes = [1.0]\n", "I", {}, registry());
  EXPECT_THAT(refusal(relax, here), HasSubstr("task.kind (relax there, steady_state here)"));
}

}  // namespace
}  // namespace lindrift::sweep
