#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "config/grid.hpp"
#include "config/precheck.hpp"
#include "config/text.hpp"
#include "fake_registry.hpp"

namespace lindrift::config {
namespace {

using Sets = std::vector<std::pair<std::string, std::string>>;
using testing::ElementsAre;

const std::string chain = "[model]\nkind = \"tgge_chain\"\nsites = 8\n[task]\nkind = \"steady_state\"\n";  // 5 lines
const std::string relax = "[model]\nkind = \"tgge_chain\"\nsites = 8\n[task]\nkind = \"relax\"\n";
const std::string pair = "[model]\nkind = \"pair\"\nsites = 8\n[task]\nkind = \"green\"\n";

Document read(const std::string& text, const Sets& sets = {}) {
  return parse(text, "INPUT.toml", sets, FakeRegistry());
}

/// All complaints about a text, in order; none if it is right.
std::vector<std::string> complaints(const std::string& text, const Sets& sets = {}) {
  try {
    read(text, sets);
  } catch (const InputError& error) {
    std::vector<std::string> texts;
    for (const Diagnostic& diagnostic : error.diagnostics()) texts.push_back(diagnostic.text());
    return texts;
  }
  return {};
}

template <typename Item>
std::vector<Item> values(const Axis& axis) {
  std::vector<Item> items;
  for (const Value& value : axis.values) items.push_back(std::get<Item>(value));
  return items;
}

bool same_bits(double left, double right) { return std::memcmp(&left, &right, sizeof left) == 0; }

/// Reading the resolved text must change nothing and resolve to the same text.
void expect_stable(const Document& document) {
  const Document again = parse(document.resolved_text, document.path, {}, FakeRegistry());
  EXPECT_EQ(again.resolved_text, document.resolved_text);
  EXPECT_EQ(again.base.values(), document.base.values());
  ASSERT_EQ(again.sweep.points(), document.sweep.points());
  EXPECT_EQ(again.sweep.shape(), document.sweep.shape());
  for (std::size_t i = 0; i < document.sweep.axes.size(); ++i) {
    EXPECT_EQ(again.sweep.axes[i].path, document.sweep.axes[i].path);
    EXPECT_EQ(again.sweep.axes[i].values, document.sweep.axes[i].values);
  }
}

TEST(Load, FillsInDefaults) {
  const Document document = read(chain);
  EXPECT_EQ(document.model, "tgge_chain");
  EXPECT_EQ(document.task, "steady_state");
  EXPECT_EQ(document.input_text, chain);
  EXPECT_EQ(document.base.integer("model.sites"), 8);
  EXPECT_EQ(document.base.real("bath.coupling"), 0.05);
  EXPECT_EQ(document.base.complex("bath.delta_prime"), Complex(1.0, 0.5));
  EXPECT_EQ(document.base.text("bath.jump"), "raman");
  EXPECT_EQ(document.base.text("model.kind"), "tgge_chain");
  EXPECT_TRUE(document.base.texts("output.fields").empty());
  EXPECT_FALSE(document.base.has("bath.equilibrium_fraction"));
  EXPECT_FALSE(document.base.has("bath.table"));
  EXPECT_FALSE(document.base.has("task.times"));
  EXPECT_EQ(document.sweep.points(), 1U);
  EXPECT_TRUE(document.sweep.shape().empty());
  EXPECT_EQ(document.point(0).values(), document.base.values());
}

TEST(Load, WritesResolvedText) {
  EXPECT_EQ(read(chain).resolved_text, R"([model]
kind = "tgge_chain"
sites = 8
hopping = 1.0

[bath]
coupling = 0.05
inverse_temperature = 2.0
nonequilibrium_fraction = 0.0
# equilibrium_fraction = 1 - bath.nonequilibrium_fraction
jump = "raman"
delta = [1.0, 1.0]
delta_prime = [1.0, 0.5]

[initial]
# lagrange_multiplier = from initial.filling
filling = 0.5

[task]
kind = "steady_state"

[solver]
algorithm = "auto"
tolerance = 1e-10
max_steps = 1000000

[output]
fields = "all"
)");
}

TEST(Load, WritesSweepAndTablesInTables) {
  const Document document = read(pair + "[sweep]\nmode = 'zip'\n'bath.up.loss' = {start = 0, stop = 1, count = 3}\n" +
                                 "bath.scale = [3, 2, 1]\n[output]\nfields = ['green_retarded']\n");
  EXPECT_EQ(document.resolved_text, R"([model]
kind = "pair"
sites = 8

[bath.up]
gain = 0.0

[task]
kind = "green"
momenta = "all"

[solver]
algorithm = "auto"
tolerance = 1e-10
max_steps = 1000000

[sweep]
mode = "zip"
"bath.up.loss" = [0.0, 0.5, 1.0]
"bath.scale" = [3.0, 2.0, 1.0]

[output]
fields = ["green_retarded"]
)");
  expect_stable(document);
}

TEST(Load, ReadsEveryType) {
  const Document document = read(
      "model = { kind = 'tgge_chain', sites = 3.0 }\nbath.delta = 2\nbath.coupling = 1\n"
      "initial.lagrange_multiplier = [0.5, -1, 2e3]\ntask.kind = 'relax'\ntask.times = [0, 0.5]\n"
      "output.fields = ['current', 'occupation']\n");
  EXPECT_EQ(document.base.integer("model.sites"), 3);
  EXPECT_EQ(document.base.complex("bath.delta"), Complex(2.0, 0.0));
  EXPECT_THAT(document.base.reals("initial.lagrange_multiplier"), ElementsAre(0.5, -1.0, 2000.0));
  EXPECT_FALSE(document.base.has("initial.filling"));
  EXPECT_THAT(document.base.reals("task.times"), ElementsAre(0.0, 0.5));
  EXPECT_THAT(document.base.texts("output.fields"), ElementsAre("current", "occupation"));
  expect_stable(document);
}

TEST(Load, AcceptsByteOrderMarkAndWindowsLines) {
  EXPECT_EQ(read("\xEF\xBB\xBF[model]\r\nkind = 'tgge_chain'\r\nsites = 4\r\n[task]\r\nkind = 'steady_state'\r\n")
                .base.integer("model.sites"),
            4);
  EXPECT_THAT(complaints("\xEF\xBB\xBF[modl]\r\n"), ElementsAre("INPUT.toml: error: model.kind: is required: "
                                                                "\"tgge_chain\" or \"pair\""));
}

std::vector<double> grid(const std::string& form) {
  return read(relax + "times = { " + form + " }\n").base.reals("task.times");
}

TEST(Load, MakesGridsWithBothEnds) {
  const auto times = grid("start = 0.1, stop = 0.7, count = 7");
  ASSERT_EQ(times.size(), 7U);
  EXPECT_EQ(times.front(), 0.1);
  EXPECT_EQ(times.back(), 0.7);
  EXPECT_THAT(grid("start = 3, stop = 3, count = 1"), ElementsAre(3.0));
}

/// Points are rounded once from their exact value, computed here in quadruple precision, and every refined grid
/// contains those of the coarse one, bit for bit.
TEST(Load, RoundsGridsOnce) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> ends(0.0, 100.0);
  for (int trial = 0; trial < 50; ++trial) {
    const Grid coarse{ends(random), 100.0 + ends(random), 11};
    const auto points = coarse.numbers();
    for (std::size_t i = 0; i < 11; ++i) {
      const __float128 exact = (static_cast<__float128>(coarse.start) * (10 - static_cast<int>(i)) +
                                static_cast<__float128>(coarse.stop) * static_cast<int>(i)) /
                               10;
      EXPECT_TRUE(same_bits(points[i], static_cast<double>(exact))) << trial << " " << i;
    }
    for (const std::int64_t times : {3, 5, 7, 10}) {
      const auto fine = Grid{coarse.start, coarse.stop, 10 * times + 1}.numbers();
      for (std::size_t i = 0; i < 11; ++i)
        EXPECT_TRUE(same_bits(points[i], fine[i * static_cast<std::size_t>(times)])) << trial << " " << i;
    }
  }
}

TEST(Load, MakesSymmetricGridsExactlySo) {
  for (const std::int64_t count : {2, 7, 401, 1000, 12345}) {
    const auto points = Grid{-4.7, 4.7, count}.numbers();
    for (std::size_t i = 0; i < points.size(); ++i) EXPECT_EQ(points[i], -points[points.size() - 1 - i]);
    if (count % 2 == 1) {
      EXPECT_EQ(points[points.size() / 2], 0.0);
    }
  }
}

TEST(Load, SpacesGridsByTheirLogarithms) {
  EXPECT_THAT(grid("start = 1, stop = 1e6, count = 7, scale = 'log'"),
              ElementsAre(1.0, 10.0, 100.0, 1000.0, 1e4, 1e5, 1e6));
  EXPECT_EQ(grid("start = 1, stop = 3, count = 3, scale = 'linear'")[1], 2.0);
  const auto wide = grid("start = 1e-3, stop = 7e3, count = 9, scale = 'log'");
  for (std::size_t i = 1; i < wide.size(); ++i) EXPECT_NEAR(std::log(wide[i] / wide[i - 1]), std::log(7e6) / 8, 1e-14);
  EXPECT_EQ(wide.front(), 1e-3);
  EXPECT_EQ(wide.back(), 7e3);
  for (const std::string ends : {"start = 0, stop = 1", "start = 0, stop = 0"})
    EXPECT_THAT(complaints(relax + "times = { " + ends + ", count = 2, scale = 'log' }\n"),
                ElementsAre(testing::HasSubstr("scale = \"log\" needs start and stop of one sign, and not 0")));
  EXPECT_THAT(complaints(relax + "times = { start = 1, stop = 2, count = 2, scale = 'lag' }\n"),
              ElementsAre(testing::HasSubstr("did you mean \"log\"?")));
  const Document long_one =
      read(chain + "[sweep]\n'bath.coupling' = { start = 0.1, stop = 0.3, count = 20001, scale = 'log' }\n");
  EXPECT_THAT(long_one.resolved_text, testing::HasSubstr("count = 20001, scale = \"log\" }"));
  expect_stable(long_one);
}

TEST(Sweep, TurnsPhases) {
  const Document document =
      read(chain +
           "[sweep]\n'bath.delta' = { modulus = 2, phase = { start = 0.0, stop = 1.5707963267948966, count = 3 } }\n");
  const auto deltas = values<Complex>(document.sweep.axes[0]);
  ASSERT_EQ(deltas.size(), 3U);
  EXPECT_EQ(deltas[0], Complex(2.0));
  EXPECT_NEAR(std::abs(deltas[1] - Complex(std::sqrt(2.0), std::sqrt(2.0))), 0.0, 4e-16);
  EXPECT_NEAR(std::abs(deltas[2] - Complex(0.0, 2.0)), 0.0, 4e-16);
  expect_stable(document);
  expect_stable(
      read(chain + "[sweep]\n'bath.delta' = { modulus = 2, phase = { start = 0.0, stop = 1.5, count = 20001 } }\n"));
  EXPECT_THAT(
      complaints(chain + "[sweep]\n'bath.delta' = { modulus = -2, phase = { start = 0, stop = 1, count = 3 } }\n"),
      ElementsAre(testing::HasSubstr("\"bath.delta\".modulus = -2: must be >= 0")));
}

TEST(Sweep, ScalesChannels) {
  const std::string text =
      "[model]\nkind = \"tgge_chain\"\nsites = 8\n[bath]\njump = 'operators'\n[[bath.jump_operator]]\n"
      "terms = [[0, 0, 1, 0.5]]\n[[bath.jump_operator]]\nterms = [[0, 1, 1, 0]]\n[task]\nkind = "
      "'steady_state'\n[sweep]\n";
  for (const std::string swept : {"'bath.jump_operator.0.scale' = [1, 2]\n", "bath.jump_operator.0.scale = [1, 2]\n"}) {
    const Document document = read(text + swept + "'bath.jump_operator.1.scale' = [3]\n");
    EXPECT_THAT(document.point(1).channels("bath.jump_operator"),
                ElementsAre(ElementsAre(Term{{0, 0}, {2.0, 1.0}}), ElementsAre(Term{{0, 1}, 3.0})));
    EXPECT_EQ(document.base.channels("bath.jump_operator")[0][0].amplitude, Complex(1.0, 0.5));
    expect_stable(document);
  }
  EXPECT_THAT(complaints(text + "'bath.jump_operator.2.scale' = [1, 2]\n"),
              ElementsAre(testing::HasSubstr("bath.jump_operator has 2 channels, numbered from 0")));
  EXPECT_THAT(complaints(chain + "[sweep]\n'bath.jump_operator.0.scale' = [1, 2]\n"),
              ElementsAre(testing::HasSubstr("bath.jump_operator has 0 channels")));
}

TEST(Sweep, OfTheSizeKeepsWhatFits) {
  const Document document = read(chain + "[sweep]\n'model.sites' = { start = 8, stop = 16, count = 3 }\n");
  EXPECT_THAT(values<std::int64_t>(document.sweep.axes[0]), ElementsAre(8, 12, 16));
  EXPECT_EQ(document.point(2).integer("model.sites"), 16);
  EXPECT_THAT(document.base.texts("output.fields"), ElementsAre("current", "residual", "converged"));
  expect_stable(document);
  EXPECT_THAT(complaints(chain + "[output]\nfields = ['occupation']\n[sweep]\n'model.sites' = [8, 9]\n"),
              ElementsAre(testing::HasSubstr("occupation has another shape at every model.sites")));
  EXPECT_THAT(complaints(chain + "[sweep]\n'model.sites' = { start = 8, stop = 9, count = 3 }\n"),
              ElementsAre(testing::HasSubstr("every point of the grid must be an integer")));
}

TEST(Sweep, WarnsOfRepeatedValues) {
  EXPECT_THAT(read(chain + "[sweep]\n'bath.coupling' = [0.1, 0.2, 0.1]\n").warnings,
              ElementsAre("sweep.\"bath.coupling\": 0.1 is there twice and is computed twice"));
  EXPECT_TRUE(read(chain + "[sweep]\n'bath.coupling' = [0.1, 0.2]\n").warnings.empty());
  const std::string zip = chain + "[sweep]\nmode = 'zip'\n";
  EXPECT_TRUE(read(zip + "'bath.coupling' = [0.1, 0.1]\n'model.hopping' = [1, 2]\n").warnings.empty());
  EXPECT_THAT(read(zip + "'bath.coupling' = [0.1, 0.3, 0.1]\n'model.hopping' = [1, 2, 1]\n").warnings,
              ElementsAre("sweep: bath.coupling = 0.1, model.hopping = 1.0 is there twice and is computed twice"));
  EXPECT_THAT(read(zip + "'bath.coupling' = [0.1, 0.1]\n").warnings, ElementsAre(testing::HasSubstr("twice")));
  EXPECT_TRUE(read(zip + "'bath.coupling' = { start = 0, stop = 1, count = 3 }\n'model.hopping' = [1, 1, 1]\n")
                  .warnings.empty());
}

TEST(Sweep, WarnsOfValuesThatDifferByRounding) {
  EXPECT_THAT(read(chain + "[sweep]\n'bath.coupling' = [0.3, 0.2, 0.30000000000000004]\n").warnings,
              ElementsAre("sweep.\"bath.coupling\": 0.3 and 0.30000000000000004 differ by rounding alone, and both are "
                          "computed"));
  EXPECT_THAT(
      read(chain + "[sweep]\nmode = 'zip'\n'bath.coupling' = [0.1, 0.30000000000000004, 0.2, 0.3]\n"
                   "'model.hopping' = [1, 2, 2, 2]\n")
          .warnings,
      ElementsAre(testing::HasSubstr("bath.coupling = 0.30000000000000004, model.hopping = 2.0 and bath.coupling "
                                     "= 0.3, model.hopping = 2.0 differ by rounding")));
  EXPECT_THAT(read(chain + "[sweep]\n'bath.delta' = [[0.3, 1], [0.30000000000000004, 1.0000000000000002]]\n").warnings,
              ElementsAre(testing::HasSubstr("differ by rounding")));
  EXPECT_THAT(read(chain + "[sweep]\n'model.hopping' = { start = 1, stop = 1.000000000000001, count = 9 }\n").warnings,
              ElementsAre(testing::HasSubstr("computed")));
  // Small values beside large ones are different points.
  for (const std::string values : {"[0.0, 1e-18, 2e-18, 1.0]", "{ start = 1e-20, stop = 1, count = 21, scale = 'log' }",
                                   "{ start = 0, stop = 1, count = 10000000 }"})
    EXPECT_TRUE(read(chain + "[sweep]\n'bath.coupling' = " + values + "\n").warnings.empty()) << values;
}

/// Counts the points that are examined.
class CountingRegistry final : public FakeRegistry {
 public:
  mutable std::size_t examined = 0;

  Schema schema(const std::string& model, const std::string& task) const override {
    Schema schema = FakeRegistry::schema(model, task);
    schema.validate = [this, validate = schema.validate](const Point& point) {
      ++examined;
      validate(point);
    };
    schema.validate_size = {};
    return schema;
  }
};

/// A sweep of ten million points takes neither the time nor the memory of so many.
TEST(Sweep, ExaminesASampleOfVeryManyPoints) {
  const auto grid = [](const std::string& key, const std::string& start, const std::string& stop, int count) {
    return "'" + key + "' = { start = " + start + ", stop = " + stop + ", count = " + std::to_string(count) + " }\n";
  };
  const auto examined = [](const std::string& sweep) {
    const CountingRegistry registry;
    const Document document = parse(chain + "[sweep]\n" + sweep, "INPUT.toml", {}, registry);
    EXPECT_GT(document.sweep.points(), most_examined);
    return registry.examined;
  };
  const std::string many = grid("bath.coupling", "0", "1", 10'000'000);
  EXPECT_LE(examined(many), most_examined);
  EXPECT_GT(examined(many), most_examined / 2);
  EXPECT_LE(examined("mode = 'zip'\n" + many + grid("model.hopping", "1", "2", 10'000'000)), most_examined);
  const std::string three = grid("bath.coupling", "0", "1", 1000) + grid("model.hopping", "1", "2", 100);
  EXPECT_LE(examined(three + grid("bath.inverse_temperature", "0", "1", 100)), most_examined);
  // Not allowed: the fraction 1 at infinite temperature, here at a corner, and along one axis.
  const std::string corner = grid("bath.inverse_temperature", "1", "0", 4000),
                    fraction = "bath.nonequilibrium_fraction";
  EXPECT_THAT(complaints(chain + "[sweep]\n" + corner + grid(fraction, "0", "1", 2500)),
              ElementsAre(testing::HasSubstr(
                  "must be given here (at bath.inverse_temperature = 0.0, bath.nonequilibrium_fraction = 1.0")));
  EXPECT_THAT(complaints(chain + "[bath]\nnonequilibrium_fraction = 1.0\n[sweep]\n" + corner +
                         "'bath.coupling' = " + "{ start = 0, stop = 1, count = 2500 }\n"),
              ElementsAre(testing::ContainsRegex("and [0-9]+ more of the [0-9]+ points looked at")));
}

/// The sample has the values of every axis, its corners, no point twice, and no large gaps.
TEST(Sweep, SamplesItsPoints) {
  const auto axis = [](std::int64_t count) { return Axis{"a", Grid{.start = 0.0, .stop = 1.0, .count = count}}; };
  EXPECT_THAT((Sweep{.axes = {axis(3), axis(4)}}).sample(64).size(), 12U);
  for (const std::vector<std::int64_t>& lengths : {std::vector<std::int64_t>{100000},
                                                   {2, 50000},
                                                   {1, 300, 1, 400},
                                                   {20, 21, 22, 23},
                                                   {3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3}}) {
    Sweep sweep;
    for (const std::int64_t length : lengths) sweep.axes.push_back(axis(length));
    for (const std::size_t most : {std::size_t{64}, std::size_t{4096}}) {
      const auto sample = sweep.sample(most);
      const std::size_t points = sweep.points();
      EXPECT_LE(sample.size(), most);
      EXPECT_GT(sample.size(), most / 2);
      EXPECT_EQ(sample.front(), 0U);
      EXPECT_EQ(sample.back(), points - 1);
      EXPECT_TRUE(std::adjacent_find(sample.begin(), sample.end(), std::greater_equal<>()) == sample.end());
      for (std::size_t i = 1; i < sample.size(); ++i) EXPECT_LT(sample[i] - sample[i - 1], 16 * points / most + 2);
      // From the first point along each axis, to its end.
      std::size_t stride = points;
      for (const std::int64_t length : lengths) {
        stride /= static_cast<std::size_t>(length);
        EXPECT_TRUE(std::binary_search(sample.begin(), sample.end(), stride * static_cast<std::size_t>(length - 1)));
        if (most <= 10 * lengths.size() * static_cast<std::size_t>(length)) continue;
        for (std::size_t i = 0; i < static_cast<std::size_t>(length); ++i)
          EXPECT_TRUE(std::binary_search(sample.begin(), sample.end(), stride * i));
      }
    }
  }
}

TEST(Load, KnowsUsualNames) {
  const std::vector<std::pair<std::string, std::string>> names = {{"bath.beta", "bath.inverse_temperature"},
                                                                  {"bath.gamma_neq", "bath.nonequilibrium_fraction"},
                                                                  {"bath.epsilon", "bath.coupling"},
                                                                  {"model.beta", "bath.inverse_temperature"},
                                                                  {"model.L", "model.sites"}};
  for (const auto& [given, meant] : names)
    EXPECT_THAT(complaints(chain, {{given, "1"}}),
                ElementsAre(testing::HasSubstr("unknown key; did you mean " + meant + "?")));
  EXPECT_THAT(complaints(relax + "times = { start = 0, stop = 1, step = 0.1 }\n"),
              testing::Contains(testing::HasSubstr("did you mean count?")));
  // A word that papers use for several things means that of its section.
  for (const std::string word : {"t", "time", "tmax"})
    EXPECT_THAT(complaints(relax, {{"task." + word, "[1]"}}),
                testing::Contains(testing::HasSubstr("did you mean task.times?")));
  EXPECT_THAT(complaints(chain, {{"bath.T", "1"}}),
              ElementsAre(testing::HasSubstr("did you mean bath.inverse_temperature?")));
  EXPECT_THAT(complaints(chain, {{"model.t", "1"}}), ElementsAre(testing::HasSubstr("did you mean model.hopping?")));
  EXPECT_THAT(complaints(chain, {{"bath.tabel", "x"}}), ElementsAre(testing::HasSubstr("did you mean bath.table?")));
}

TEST(Load, SuggestsNoKeyThatSharesOnlyItsSection) {
  for (const std::string key : {"task.time", "task.t", "bath.omega", "bath.up"})
    EXPECT_THAT(complaints(chain, {{key, "1"}}), ElementsAre(testing::Not(testing::HasSubstr("did you mean")))) << key;
}

TEST(Load, KnowsTablesByTheirContent) {
  const std::string text =
      "[model]\nkind = \"tgge_chain\"\nsites = 8\n[bath]\njump = 'table'\ntable = 'a/t.h5:/w'\n[task]\n"
      "kind = 'steady_state'\n";
  const Document document = read(text);
  EXPECT_EQ(document.base.text("bath.table_hash"), "hash of /w");
  EXPECT_THAT(document.resolved_text, testing::HasSubstr("table_hash = \"hash of /w\"\n"));
  expect_stable(document);
  EXPECT_THAT(complaints(text, {{"bath.table_hash", "other"}}), ElementsAre(testing::HasSubstr("the content of")));
  const Document stored = parse_stored(document.resolved_text, "out.h5", FakeRegistry());
  EXPECT_EQ(stored.resolved_text, document.resolved_text);
}

TEST(Load, KeepsLongGridsShort) {
  const Document document = read(relax + "times = { start = 0.0, stop = 10.0, count = 200001 }\n");
  EXPECT_THAT(document.resolved_text, testing::HasSubstr("times = { start = 0.0, stop = 10.0, count = 200001 }"));
  expect_stable(document);
  const Document swept = read(chain + "[sweep]\n'bath.coupling' = { start = 0.0, stop = 0.3, count = 20001 }\n");
  EXPECT_EQ(swept.sweep.points(), 20001U);
  expect_stable(swept);
}

TEST(Load, ReadsListsOfIntegers) {
  EXPECT_THAT(read(pair + "momenta = [-2, 0, 5.0]\n").base.integers("task.momenta"), ElementsAre(-2, 0, 5));
  EXPECT_TRUE(read(pair + "momenta = 'all'\n").base.integers("task.momenta").empty());
  EXPECT_THAT(complaints(pair + "momenta = [1, 1]\n"),
              ElementsAre("INPUT.toml:6:15: error: task.momenta[1] = 1: must not appear twice (momenta m)"));
  EXPECT_THAT(complaints(pair + "momenta = [64]\n"),
              ElementsAre("INPUT.toml:6:12: error: task.momenta[0] = 64: must be >= -64 and <= 63 (momenta m)"));
  EXPECT_THAT(complaints(pair + "momenta = 'some'\n"),
              ElementsAre("INPUT.toml:6:11: error: task.momenta = \"some\": must be \"all\" or a list of integers "
                          "(momenta m)"));
  EXPECT_THAT(complaints(pair + "momenta = []\n"),
              ElementsAre("INPUT.toml:6:11: error: task.momenta = []: must not be empty: give \"all\" or a list of "
                          "integers (momenta m)"));
}

TEST(Load, CollectsComplaintsInOrder) {
  EXPECT_THAT(
      complaints("[solver]\ntolerance = 1\nalgorithm = 'separabel'\n[model]\nkind = 'tgge_chain'\nhoping = 1\n[bath]\n"
                 "coupling = -1\njump = 'table'\ndelta = 1\n[task]\nkind = 'relax'\n",
                 {{"bath.inverse_temperature", "cold"}}),
      ElementsAre(
          "INPUT.toml:2:13: error: solver.tolerance = 1: must be >= 1e-13 and <= 0.01 (relative error of the results)",
          "INPUT.toml:3:13: error: solver.algorithm = \"separabel\": must be \"auto\", \"direct\" or \"separable\"; "
          "did "
          "you mean \"separable\"? (how sums are done)",
          "INPUT.toml:6:1: error: model.hoping = 1: unknown key; did you mean model.hopping?",
          "INPUT.toml:8:12: error: bath.coupling = -1: must be >= 0 (coupling to the bath epsilon)",
          "INPUT.toml:10:1: error: bath.delta = 1: has no meaning for bath.jump = \"table\", only for \"raman\"",
          "--set bath.inverse_temperature: error: bath.inverse_temperature = \"cold\": must be a number >= 0 (inverse "
          "temperature beta, 1/energy)",
          "INPUT.toml: error: bath.table: is required: hop weights w(to, from)",
          "INPUT.toml: error: task.times: is required: times of the output"));
}

TEST(Load, CutsALongListOfComplaints) {
  std::string text = chain;
  for (int i = 0; i < 33; ++i) text += "stranger_" + std::to_string(i) + " = 1\n";
  const auto texts = complaints(text);
  ASSERT_EQ(texts.size(), 21U);
  EXPECT_EQ(texts.front().rfind("INPUT.toml:6:1: error: task.stranger_0 = 1: unknown key", 0), 0U);
  EXPECT_EQ(texts.back(), "INPUT.toml: error: ... and 13 more");
}

TEST(Load, SaysNothingAboutWhatHangsOnAnError) {
  EXPECT_THAT(
      complaints(chain + "[bath]\njump = 'tabel'\ndelta = 1\n"),
      ElementsAre(
          "INPUT.toml:7:8: error: bath.jump = \"tabel\": must be \"raman\", \"operators\" or \"table\"; did you mean "
          "\"table\"? (kind of jump operator)"));
}

TEST(Load, ExplainsKeysWithoutAMeaning) {
  EXPECT_THAT(
      complaints(chain + "times = [0.0]\n"),
      ElementsAre("INPUT.toml:6:1: error: task.times = [0.0]: has no meaning for task.kind = \"steady_state\""));
  EXPECT_THAT(
      complaints(chain + "momenta = 'all'\n[bath.up]\ngain = 0\n"),
      ElementsAre("INPUT.toml:6:1: error: task.momenta = \"all\": has no meaning for model.kind = \"tgge_chain\"",
                  "INPUT.toml:8:1: error: bath.up.gain = 0: has no meaning for model.kind = \"tgge_chain\""));
  EXPECT_THAT(complaints(chain + "[bath.up]\n"),
              ElementsAre("INPUT.toml:6:7: error: [bath.up]: has no meaning for model.kind = \"tgge_chain\""));
  EXPECT_THAT(complaints(chain + "[bath]\ntable = 'rates.h5:/w'\n"),
              ElementsAre("INPUT.toml:7:1: error: bath.table = \"rates.h5:/w\": has no meaning for bath.jump = "
                          "\"raman\", only for \"table\""));
  EXPECT_THAT(complaints(chain + "[initial]\nfilling = 0.5\nlagrange_multiplier = [1]\n"),
              ElementsAre("INPUT.toml:7:1: error: initial.filling = 0.5: has no meaning where "
                          "initial.lagrange_multiplier is given"));
  EXPECT_THAT(complaints(chain + "[bath]\njump = 'table'\ntable = 'x'\n[sweep]\nbath.delta = [1]\n"),
              ElementsAre("INPUT.toml:10:6: error: sweep.\"bath.delta\" = [1]: has no meaning for bath.jump = "
                          "\"table\", only for \"raman\""));
}

TEST(Load, ChecksWhatItCanWithoutATask) {
  EXPECT_THAT(complaints("[model]\nkind = 'tgge_chain'\nsites = 0\n"),
              ElementsAre("INPUT.toml:3:9: error: model.sites = 0: must be >= 1 and <= 1000000000 (number of sites L)",
                          "INPUT.toml: error: task.kind: is required: \"relax\" or \"steady_state\""));
}

TEST(Load, ResolvesPathsFromTheFolderOfTheInput) {
  const std::string text = chain + "[bath]\njump = 'table'\ntable = 'rates.h5:/w'\n";
  const Document document = parse(text, "/data/runs/a.toml", {}, FakeRegistry());
  EXPECT_EQ(document.base.text("bath.table"), "/data/runs/rates.h5:/w");
  EXPECT_THAT(document.resolved_text, testing::HasSubstr("table = \"/data/runs/rates.h5:/w\"\n"));
  expect_stable(document);
  EXPECT_EQ(read(text).base.text("bath.table"), (std::filesystem::current_path() / "rates.h5:/w").string());
  EXPECT_EQ(read(chain, {{"bath.jump", "table"}, {"bath.table", "/abs/x.h5:/w"}}).base.text("bath.table"),
            "/abs/x.h5:/w");
  EXPECT_THAT(complaints(chain + "[bath]\njump = 'table'\ntable = \"a\\u0000b\"\n"),
              ElementsAre("INPUT.toml:8:9: error: bath.table = \"a\\u0000b\": must name a file, in UTF-8 without "
                          "control characters (hop weights w(to, from))"));
}

TEST(Load, AsksTheSchemaAboutEveryPoint) {
  EXPECT_THAT(complaints(chain, {{"model.sites", "500000000"}}),
              ElementsAre("--set model.sites: error: model.sites: 500000000 sites need more memory than this machine "
                          "has"));
  EXPECT_THAT(complaints(chain + "[initial]\nlagrange_multiplier = [0.0]\n"),
              ElementsAre("INPUT.toml:7:23: error: initial.lagrange_multiplier: must have model.sites = 8 values"));
  EXPECT_THAT(
      complaints(chain + "[sweep]\nbath.nonequilibrium_fraction = [0, 1]\nbath.inverse_temperature = [1, 0]\n"
                         "bath.coupling = [0.1, 0.2, 0.3]\n"),
      ElementsAre("INPUT.toml: error: bath.equilibrium_fraction: must be given here (at "
                  "bath.nonequilibrium_fraction = 1.0, bath.inverse_temperature = 0.0, bath.coupling = 0.1, and "
                  "2 more of the 12 points)"));
}

TEST(Load, AsksForRoomBeforeItLooksAtEveryPoint) {
  EXPECT_THAT(
      complaints(chain + "[sweep]\n'bath.coupling' = {start = 0, stop = 1, count = 10000}\n"
                         "'bath.delta' = [1, 2]\n'bath.inverse_temperature' = {start = 0, stop = 1, count = 10000}\n"),
      ElementsAre("INPUT.toml: error: sweep: 200000000 points need more memory than this machine has"));
}

TEST(Load, ReadsFilesAndSaysWhyNot) {
  const auto message = [](const std::string& path) -> std::string {
    try {
      load(path, {}, FakeRegistry());
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  const auto folder = std::filesystem::path(testing::TempDir()) / ("lindrift_load_test." + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string missing = (folder / "missing.toml").string();
  EXPECT_EQ(message(missing), missing + ": error: cannot be opened: No such file or directory");
  EXPECT_EQ(message(folder.string()), folder.string() + ": error: cannot be read: Is a directory");
  EXPECT_EQ(message(""), ": error: cannot be opened: No such file or directory");
  const std::string path = (folder / "large.toml").string();
  {
    std::ofstream file(path);
    for (int i = 0; i < (17 << 14); ++i) file << std::string(63, '#') << '\n';
  }
  EXPECT_EQ(message(path), path + ": error: the input has more than the 16 MiB allowed");
  {
    std::ofstream file(path);
    file << chain;
  }
  EXPECT_EQ(load(path, {}, FakeRegistry()).input_text, chain);
  EXPECT_EQ(load(path, {}, FakeRegistry()).path, path);
  std::filesystem::remove_all(folder);
}

// ---- --set ----

TEST(Set, WinsOverTheFile) {
  const Document document =
      read(chain + "[bath]\ncoupling = 0.1\n", {{"model.sites", "512"},
                                                {"bath.coupling", "0.2"},
                                                {"bath.coupling", "0.3"},
                                                {"bath.delta", "[1.0, -1.0]"},
                                                {"task.kind", "relax"},
                                                {"task.times", "{ start = 0, stop = 1, count = 2 }"},
                                                {"output.fields", "[\"current\"]"}});
  EXPECT_EQ(document.base.integer("model.sites"), 512);
  EXPECT_EQ(document.base.real("bath.coupling"), 0.3);
  EXPECT_EQ(document.base.complex("bath.delta"), Complex(1.0, -1.0));
  EXPECT_THAT(document.base.reals("task.times"), ElementsAre(0.0, 1.0));
  EXPECT_THAT(document.resolved_text, testing::HasSubstr("coupling = 0.3\n"));
  expect_stable(document);
}

TEST(Set, ReplacesBadValuesOfTheFile) {
  EXPECT_EQ(read(chain + "[bath]\ncoupling = 'x'\n", {{"bath.coupling", "0.2"}}).base.real("bath.coupling"), 0.2);
}

TEST(Set, MergesTablesAndReplacesInlineOnes) {
  EXPECT_EQ(read(chain, {{"task", "{ kind = 'relax', times = [1] }"}}).base.reals("task.times").size(), 1U);
  EXPECT_EQ(read(chain, {{"bath", "{ coupling = 0.5 }"}}).base.real("bath.coupling"), 0.5);
  EXPECT_EQ(read(relax + "times = { start = 0, stop = 1, count = 5 }\n", {{"task.times.count", "3"}})
                .base.reals("task.times")
                .size(),
            3U);
  EXPECT_EQ(read(relax + "times = { start = 0, stop = 1, step = 5 }\n",
                 {{"task.times", "{ start = 0, stop = 1, count = 4 }"}})
                .base.reals("task.times")
                .size(),
            4U);
}

TEST(Set, AcceptsBareWords) {
  EXPECT_EQ(read(chain, {{"solver.algorithm", "direct"}}).base.text("solver.algorithm"), "direct");
  EXPECT_EQ(read(chain, {{"solver.algorithm", "\"direct\""}}).base.text("solver.algorithm"), "direct");
  EXPECT_EQ(read(chain, {{"\"solver\" . 'algorithm'", "direct"}}).base.text("solver.algorithm"), "direct");
}

TEST(Set, NamesItselfInErrors) {
  EXPECT_THAT(
      complaints(chain, {{"model.sites", "-1"}}),
      ElementsAre("--set model.sites: error: model.sites = -1: must be >= 1 and <= 1000000000 (number of sites L)"));
  EXPECT_THAT(complaints(chain, {{"bath.couplin", "1"}}),
              ElementsAre("--set bath.couplin: error: bath.couplin = 1: unknown key; did you mean bath.coupling?"));
  EXPECT_THAT(complaints(chain, {{"bath.coupling", ""}}),
              ElementsAre("--set bath.coupling: error: bath.coupling = \"\": must be a number >= 0 (coupling to the "
                          "bath epsilon)"));
  EXPECT_THAT(complaints(chain, {{"bath.coupling", "1e400"}}),
              ElementsAre("--set bath.coupling: error: bath.coupling = \"1e400\": must be a number >= 0 (coupling to "
                          "the bath epsilon)"));
  EXPECT_THAT(complaints(chain, {{"bath.coupling", "nan"}}),
              ElementsAre("--set bath.coupling: error: bath.coupling = nan: must be finite (coupling to the bath "
                          "epsilon)"));
  EXPECT_THAT(complaints(chain, {{"model.kind.x", "1"}}),
              ElementsAre("--set model.kind.x: error: model.kind is \"tgge_chain\" in the input, not a table"));
  EXPECT_THAT(complaints(chain, {{"sweep.\"bath.coupling\"", "{start=0,stop=-1,count=3}"}}),
              ElementsAre("--set sweep.\"bath.coupling\": error: sweep.\"bath.coupling\".stop = -1: must be >= 0 "
                          "(coupling to the bath epsilon)"));
  EXPECT_THAT(complaints(chain, {{"solver.algorithm", "\xFF"}}),
              ElementsAre(testing::HasSubstr("--set solver.algorithm: error: solver.algorithm = \"?\": must be")));
}

TEST(Set, RefusesWhatIsNotAKey) {
  for (const std::string key :
       {"", ".", "a.", ".a", "a..b", "a b", "a=b", "\"a", "'a'b", "\"\"", "a\nb", "[a]", "a#b", "\"a\\n\""}) {
    const auto texts = complaints(chain, {{key, "1"}});
    ASSERT_EQ(texts.size(), 1U) << key;
    EXPECT_THAT(texts[0], testing::HasSubstr("error: not a key: it must read like")) << key;
    EXPECT_EQ(texts[0].rfind("--set ", 0), 0U);
  }
}

TEST(Set, CannotBringInOtherKeys) {
  EXPECT_THAT(complaints(chain, {{"bath.coupling", "1\nw = 2"}}),
              ElementsAre("--set bath.coupling: error: bath.coupling = \"1\\nw = 2\": must be one TOML value"));
  EXPECT_THAT(complaints(chain, {{"bath.coupling", "1\n[bath]\ndelta = 2"}}), testing::SizeIs(1));
  for (const std::string value : {"1\nv = 2", "{}\n[v.x]\ny = 1", "[]\n[[v]]\nx = 1", "1\nv.x = 2", "0.1, delta = 2"}) {
    EXPECT_THAT(complaints(chain, {{"bath.coupling", value}}), testing::SizeIs(1)) << value;
  }
  EXPECT_EQ(read(relax, {{"task.times", "[\n0,\n1,\n]"}}).base.reals("task.times").size(), 2U);
  EXPECT_EQ(read(chain, {{"bath.coupling", "1 # all of it"}}).base.real("bath.coupling"), 1.0);
}

TEST(Set, ReplacesASweptKeyInItsPlace) {
  const std::string text = chain + "[sweep]\nbath.coupling = [0.1]\n\"model.hopping\" = [1, 2]\n";
  for (const std::string key : {"sweep.\"bath.coupling\"", "sweep.bath.coupling", "sweep.'bath.coupling'"}) {
    const Document document = read(text, {{key, "[0.3, 0.4]"}});
    ASSERT_EQ(document.sweep.axes.size(), 2U) << key;
    EXPECT_EQ(document.sweep.axes[0].path, "bath.coupling");
    EXPECT_EQ(document.sweep.axes[1].path, "model.hopping");
    EXPECT_THAT(values<double>(document.sweep.axes[0]), ElementsAre(0.3, 0.4));
  }
  const Document twice = read(text, {{"sweep.\"bath.coupling\"", "[0.3]"}, {"sweep.bath.coupling", "[0.5]"}});
  EXPECT_EQ(twice.sweep.axes[0].path, "bath.coupling");
  EXPECT_THAT(values<double>(twice.sweep.axes[0]), ElementsAre(0.5));
  const Document more = read(text, {{"sweep", "{ \"bath.delta\" = [1, [0, 1]], \"model.hopping\" = [3] }"}});
  EXPECT_EQ(more.sweep.points(), 2U);
  EXPECT_EQ(more.sweep.axes[1].path, "model.hopping");
  EXPECT_EQ(more.sweep.axes[2].path, "bath.delta");
}

TEST(Set, ClearsATableByAnEmptyOne) {
  const std::string text = chain + "[bath]\ncoupling = 0.3\n[sweep]\nmode = 'zip'\n\"model.hopping\" = [1, 2]\n";
  EXPECT_TRUE(read(text, {{"sweep", "{}"}}).sweep.empty());
  EXPECT_EQ(read(text, {{"bath", "{}"}}).base.real("bath.coupling"), 0.05);
}

TEST(Set, ReachesIntoLists) {
  const std::string text =
      "[model]\nkind = \"tgge_chain\"\nsites = 8\n[bath]\njump = 'operators'\n[[bath.jump_operator]]\n"
      "terms = [[0, 0, 1, 0]]\n[[bath.jump_operator]]\nterms = [[0, 1, 1, 0]]\n[task]\nkind = "
      "'relax'\ntimes = [1, 2, 3]\n";
  const Document document = read(text, {{"bath.jump_operator.1.terms", "[[1, 0, 3, 0]]"},
                                        {"bath.jump_operator.0.terms.0.2", "7"},
                                        {"task.times.2", "5"}});
  EXPECT_THAT(document.base.channels("bath.jump_operator"),
              ElementsAre(ElementsAre(Term{{0, 0}, 7.0}), ElementsAre(Term{{1, 0}, 3.0})));
  EXPECT_THAT(document.base.reals("task.times"), ElementsAre(1.0, 2.0, 5.0));
  EXPECT_THAT(complaints(text, {{"bath.jump_operator.2.terms", "[[1, 0, 3, 0]]"}}),
              ElementsAre("--set bath.jump_operator.2.terms: error: bath.jump_operator is a list of length 2 in the "
                          "input: its items are bath.jump_operator.0, bath.jump_operator.1, ..."));
  EXPECT_THAT(complaints(chain, {{"bath.jump_operator.0.terms", "[[1, 0, 3, 0]]"}}),
              ElementsAre(testing::HasSubstr("bath.jump_operator is not in the input, so that it has no item 0")));
}

// ---- [sweep] ----

TEST(Sweep, KeepsTheOrderOfTheFile) {
  const Document document = read(chain +
                                 "[sweep]\n\"model.hopping\" = [1, 2]\nbath.nonequilibrium_fraction = [0.5]\n"
                                 "\"bath.coupling\" = { start = 0, stop = 1, count = 3 }\nbath.delta = [[1, 2], 3]\n");
  ASSERT_EQ(document.sweep.axes.size(), 4U);
  EXPECT_EQ(document.sweep.axes[0].path, "model.hopping");
  EXPECT_EQ(document.sweep.axes[1].path, "bath.nonequilibrium_fraction");
  EXPECT_EQ(document.sweep.axes[2].path, "bath.coupling");
  EXPECT_EQ(document.sweep.axes[3].path, "bath.delta");
  EXPECT_THAT(values<Complex>(document.sweep.axes[3]), ElementsAre(Complex(1, 2), Complex(3, 0)));
  EXPECT_THAT(document.sweep.shape(), ElementsAre(2, 1, 3, 2));
  EXPECT_EQ(document.sweep.points(), 12U);
  // The last axis varies fastest.
  EXPECT_EQ(document.point(0).real("model.hopping"), 1.0);
  EXPECT_EQ(document.point(1).complex("bath.delta"), Complex(3, 0));
  EXPECT_EQ(document.point(2).real("bath.coupling"), 0.5);
  EXPECT_EQ(document.point(11).real("model.hopping"), 2.0);
  EXPECT_EQ(document.point(11).real("bath.coupling"), 1.0);
  EXPECT_THROW(document.point(12), Error);
  EXPECT_FALSE(document.base.has("model.hopping"));
  EXPECT_THAT(document.resolved_text, testing::Not(testing::HasSubstr("\nhopping = ")));
  expect_stable(document);
}

TEST(Sweep, ZipsListsOfOneLength) {
  const Document document =
      read(chain + "[sweep]\nmode = 'zip'\nbath.coupling = [0.1, 0.2, 0.3]\nbath.delta = [1, 2, [3, 1]]\n");
  EXPECT_THAT(document.sweep.shape(), ElementsAre(3));
  EXPECT_EQ(document.sweep.points(), 3U);
  EXPECT_EQ(document.point(2).real("bath.coupling"), 0.3);
  EXPECT_EQ(document.point(2).complex("bath.delta"), Complex(3, 1));
  expect_stable(document);
}

TEST(Sweep, OverridesTheBaseValue) {
  const Document document = read(chain + "[bath]\ncoupling = 0.7\n[sweep]\nbath.coupling = [0.1]\n");
  EXPECT_EQ(document.base.real("bath.coupling"), 0.7);
  EXPECT_EQ(document.point(0).real("bath.coupling"), 0.1);
  EXPECT_THAT(document.sweep.shape(), ElementsAre(1));
  EXPECT_THAT(document.resolved_text, testing::HasSubstr("\ncoupling = 0.7\n"));
  expect_stable(document);
}

TEST(Sweep, GivesOptionalKeys) {
  const Document document = read(chain + "[sweep]\nbath.equilibrium_fraction = [0.1, 0.2]\n");
  EXPECT_EQ(document.point(1).real("bath.equilibrium_fraction"), 0.2);
  EXPECT_THAT(document.resolved_text, testing::Not(testing::HasSubstr("# equilibrium_fraction")));
  expect_stable(document);
}

TEST(Sweep, MayBeEmpty) {
  EXPECT_TRUE(read(chain + "[sweep]\n").sweep.empty());
  EXPECT_TRUE(read(chain + "[sweep]\nmode = 'zip'\n").sweep.empty());
  EXPECT_EQ(read(chain + "[sweep]\nmode = 'zip'\n").sweep.points(), 1U);
}

TEST(Sweep, SaysWhatCanBeSwept) {
  EXPECT_THAT(complaints(pair + "[sweep]\ntemperature = [1]\n"),
              ElementsAre("INPUT.toml:7:1: error: sweep.\"temperature\" = [1]: unknown key; these can be swept: "
                          "bath.up.gain, bath.scale, bath.up.loss"));
}

TEST(Sweep, AcceptsKeysInTables) {
  const Document document = read(pair + "[sweep.bath]\nscale = [1, 2]\n[sweep.bath.up]\ngain = [0]\n");
  ASSERT_EQ(document.sweep.axes.size(), 2U);
  EXPECT_EQ(document.sweep.axes[0].path, "bath.scale");
  EXPECT_EQ(document.sweep.axes[1].path, "bath.up.gain");
}

// ---- the rest ----

TEST(Resolved, KeepsEveryBit) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 40; ++round) {
    std::string list;
    std::vector<double> numbers;
    while (numbers.size() < 8) {
      const std::uint64_t bits = random();
      double number = 0.0;
      std::memcpy(&number, &bits, sizeof number);
      if (!std::isfinite(number)) continue;
      list += (numbers.empty() ? "" : ", ") + format_real(number);
      numbers.push_back(number);
    }
    const Document document = read(chain + "[initial]\nlagrange_multiplier = [" + list + "]\n");
    const auto& read_numbers = document.base.reals("initial.lagrange_multiplier");
    for (std::size_t i = 0; i < numbers.size(); ++i) EXPECT_TRUE(same_bits(numbers[i], read_numbers[i])) << list;
    const Document again = read(document.resolved_text);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      EXPECT_TRUE(same_bits(numbers[i], again.base.reals("initial.lagrange_multiplier")[i])) << list;
    }
    EXPECT_EQ(again.resolved_text, document.resolved_text);
  }
}

// ---- jump operators ----

const std::string operators = chain + "[bath]\njump = 'operators'\n";  // 7 lines

TEST(JumpOperators, AreReadChannelByChannel) {
  const Document document = read(operators +
                                 "[[bath.jump_operator]]\nterms = [[0, 0, 1.0, 0.0], [0, 1.0, -1, -0.5]]\n"
                                 "[initial]\nfilling = 0.25\n"
                                 "[[bath.jump_operator]]\nterms = [[-3, 1000000, 0.1, -0.0]]\n");
  const auto& channels = document.base.channels("bath.jump_operator");
  EXPECT_THAT(channels, ElementsAre(ElementsAre(Term{{0, 0}, 1.0}, Term{{0, 1}, {-1.0, -0.5}}),
                                    ElementsAre(Term{{-3, 1000000}, 0.1})));
  EXPECT_TRUE(std::signbit(channels[1][0].amplitude.imag()));
  EXPECT_NE(document.resolved_text.find("jump = \"operators\"\n\n"
                                        "[[bath.jump_operator]]\nterms = [[0, 0, 1.0, 0.0], [0, 1, -1.0, -0.5]]\n\n"
                                        "[[bath.jump_operator]]\nterms = [[-3, 1000000, 0.1, -0.0]]\n\n"
                                        "[initial]\n"),
            std::string::npos)
      << document.resolved_text;
  expect_stable(document);
}

TEST(JumpOperators, MayBearSpins) {
  const Document document = read(pair +
                                 "[[bath.jump_operator]]\nterms = [[0, 1, -2, 0, 0.5, 1e-300]]\n"
                                 "[bath.up]\ngain = 1\n");
  EXPECT_THAT(document.base.channels("bath.jump_operator"),
              ElementsAre(ElementsAre(Term{{0, 1, -2, 0}, {0.5, 1e-300}})));
  // Before the table inside a table, so that neither is taken for a part of the other.
  EXPECT_NE(document.resolved_text.find("[[bath.jump_operator]]\nterms = [[0, 1, -2, 0, 0.5, 1e-300]]\n\n[bath.up]\n"),
            std::string::npos)
      << document.resolved_text;
  expect_stable(document);
  EXPECT_FALSE(read(pair).base.has("bath.jump_operator"));
}

TEST(JumpOperators, ComeFromTheCommandLineToo) {
  const Sets sets = {{"bath.jump", "operators"},
                     {"bath.jump_operator", "[{terms=[[0,0,1.0,0.0]]}, {terms=[[1,0,2,0]]}]"}};
  for (const std::string& text : {chain, operators + "[[bath.jump_operator]]\nterms = [[5, 5, 5, 5]]\n"}) {
    const Document document = read(text, sets);
    EXPECT_THAT(document.base.channels("bath.jump_operator"),
                ElementsAre(ElementsAre(Term{{0, 0}, 1.0}), ElementsAre(Term{{1, 0}, 2.0})));
    expect_stable(document);
  }
  EXPECT_THAT(complaints(operators, {{"bath.jump_operator", "[{terms=[[0,0.5,1,0]]}]"}}),
              ElementsAre("--set bath.jump_operator: error: bath.jump_operator[0].terms[0][1] = 0.5: must be an offset "
                          "in sites, an integer >= -1000000 and <= 1000000 (c+_{j+a} c_{j+b})"));
}

TEST(JumpOperators, KeepEveryBit) {
  std::mt19937_64 random(6);
  std::string terms;
  std::vector<double> numbers;
  while (numbers.size() < 400) {
    const std::uint64_t bits = random();
    double number = 0.0;
    std::memcpy(&number, &bits, sizeof number);
    if (!std::isfinite(number)) continue;
    terms +=
        (numbers.size() % 2 == 0 ? "[0, 0, " : "") + format_real(number) + (numbers.size() % 2 == 0 ? ", " : "], ");
    numbers.push_back(number);
  }
  const Document document = read(operators + "[[bath.jump_operator]]\nterms = [" + terms + "]\n");
  const Document again = read(document.resolved_text);
  for (const Document* read_document : {&document, &again}) {
    const auto& channel = read_document->base.channels("bath.jump_operator").front();
    ASSERT_EQ(channel.size(), numbers.size() / 2);
    for (std::size_t i = 0; i < channel.size(); ++i) {
      EXPECT_TRUE(same_bits(channel[i].amplitude.real(), numbers[2 * i])) << i;
      EXPECT_TRUE(same_bits(channel[i].amplitude.imag(), numbers[2 * i + 1])) << i;
    }
  }
  EXPECT_EQ(again.resolved_text, document.resolved_text);
}

TEST(JumpOperators, AreCheckedTermByTerm) {
  const std::string channel = operators + "[[bath.jump_operator]]\n";
  const std::string help = " (c+_{j+a} c_{j+b})";
  EXPECT_THAT(
      complaints(channel + "terms = [[0, 0, 1], [0, 0, inf, 0], [0, 2e6, 1, 0], [0, 0, 1, 'i'],\n  5]\n"),
      ElementsAre(
          "INPUT.toml:9:10: error: bath.jump_operator[0].terms[0] = [0, 0, 1]: must be 4 numbers "
          "[a, b, Re, Im]" +
              help,
          "INPUT.toml:9:28: error: bath.jump_operator[0].terms[1][2] = inf: must be finite" + help,
          "INPUT.toml:9:41: error: bath.jump_operator[0].terms[2][1] = 2e+06: must be an offset in "
          "sites, an integer >= -1000000 and <= 1000000" +
              help,
          "INPUT.toml:9:63: error: bath.jump_operator[0].terms[3][3] = \"i\": must be a number, the "
          "imaginary part" +
              help,
          "INPUT.toml:10:3: error: bath.jump_operator[0].terms[4] = 5: must be 4 numbers [a, b, Re, Im]" + help));
  EXPECT_THAT(
      complaints(channel + "term = [[0, 0, 1, 0]]\n"),
      ElementsAre("INPUT.toml:9:1: error: bath.jump_operator[0].term = [[0, 0, 1, 0]]: unknown key: a channel is "
                  "terms = [[a, b, Re, Im], ...]; did you mean terms?"));
  EXPECT_THAT(
      complaints(channel + "terms = [[0, 0, 1, 0]]\nscale = 2.0\n"),
      ElementsAre("INPUT.toml:10:1: error: bath.jump_operator[0].scale = 2.0: unknown key: a channel is terms = "
                  "[[a, b, Re, Im], ...]; a sweep scales a channel, if need be by a single value: [sweep] "
                  "\"bath.jump_operator.0.scale\""));
  EXPECT_THAT(complaints(channel), ElementsAre("INPUT.toml:8:1: error: bath.jump_operator[0] = {}: terms is missing: a "
                                               "channel is terms = [[a, b, Re, Im], ...]" +
                                               help));
  EXPECT_THAT(
      complaints(operators + "[bath.jump_operator]\nterms = [[0, 0, 1, 0]]\n"),
      ElementsAre("INPUT.toml:8:1: error: bath.jump_operator = { terms = [[0, 0, 1, 0]] }: must be one table per "
                  "channel: write [[bath.jump_operator]] with terms = [[a, b, Re, Im], ...]" +
                  help));
  EXPECT_THAT(complaints(pair + "[[bath.jump_operator]]\nterms = [[0, 2, 0, 0, 1, 0]]\n"),
              ElementsAre("INPUT.toml:7:14: error: bath.jump_operator[0].terms[0][1] = 2: must be a spin, 0 (up) or 1 "
                          "(down) (c+_{j+a} c_{j+b} with spins)"));
}

TEST(JumpOperators, HaveAMeaningForTheirJumpOnly) {
  EXPECT_THAT(complaints(operators),
              ElementsAre("INPUT.toml: error: bath.jump_operator: is required: c+_{j+a} c_{j+b}"));
  EXPECT_THAT(complaints(chain + "[[bath.jump_operator]]\nterms = [[0, 0, 1, 0]]\n"),
              ElementsAre(testing::HasSubstr("has no meaning for bath.jump = \"raman\", only for \"operators\"")));
  EXPECT_THAT(complaints(operators + "[[bath.jump_operator]]\nterms = [[0, 0, 1, 0]]\n[sweep]\n"
                                     "'bath.jump_operator' = [1]\n"),
              ElementsAre(testing::HasSubstr("bath.jump_operator cannot be swept")));
  EXPECT_THAT(complaints(operators + "[[bath.jump_operators]]\nterms = [[0, 0, 1, 0]]\n"),
              ElementsAre(testing::HasSubstr("unknown key; did you mean bath.jump_operator?"),
                          testing::HasSubstr("is required")));
}

TEST(Text, FormatsReals) {
  EXPECT_EQ(format_real(1.0), "1.0");
  EXPECT_EQ(format_real(-0.0), "-0.0");
  EXPECT_EQ(format_real(0.1), "0.1");
  EXPECT_EQ(format_real(1e22), "1e+22");
  EXPECT_EQ(format_real(5e-324), "5e-324");
  EXPECT_EQ(quote("a\"\\\n\t\x01"), "\"a\\\"\\\\\\n\\t\\u0001\"");
}

TEST(Nearest, FindsMisspeltWords) {
  const std::vector<std::string> words = {"coupling", "delta", "delta_prime", "jump"};
  EXPECT_EQ(nearest("couplin", words), "coupling");
  EXPECT_EQ(nearest("cuopling", words), "coupling");
  EXPECT_EQ(nearest("delt", words), "delta");
  EXPECT_EQ(nearest("delta_prim", words), "delta_prime");
  EXPECT_EQ(nearest("j", words), "");
  EXPECT_EQ(nearest("temperature", words), "");
  EXPECT_EQ(nearest("", words), "");
  EXPECT_EQ(nearest("jump", {}), "");
  EXPECT_EQ(nearest(std::string(100000, 'x'), words), "");
}

TEST(Precheck, FollowsStringsAndComments) {
  for (const std::string good : {"a = \"[`\\\"]\"", "a = '[`'", "# [`a] ; é", "a = \"\"\"\n[`\n\"\"\"\"\"",
                                 "a = '''\n}\n'''''\n[b]", "a = [\n[1],\n[ 2 ]]", "[a.b]", "[[a]]", "['é']",
                                 "\"é\" = 1", "a = 1000e-5", "a = { b = [ { c = 1 } ] }", "a = -1_000.5e+3"}) {
    EXPECT_FALSE(precheck(good).has_value()) << good << ": " << precheck(good)->message;
  }
  const auto rejection = precheck("a = 1\nb = 'x' ]");
  ASSERT_TRUE(rejection.has_value());
  EXPECT_EQ(rejection->line, 2);
  EXPECT_EQ(rejection->column, 9);
}

TEST(Point, RefusesWhatItDoesNotHave) {
  Point point;
  point.set("a", 1.0);
  EXPECT_EQ(point.real("a"), 1.0);
  EXPECT_THROW(point.real("b"), Error);
  EXPECT_THROW(point.integer("a"), Error);
}

}  // namespace
}  // namespace lindrift::config
