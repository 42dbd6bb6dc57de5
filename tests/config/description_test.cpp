#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/read.hpp"
#include "lindrift/error.hpp"
#include "lindrift/lindrift.hpp"
#include "registry/registry.hpp"

namespace lindrift {

/// Parameters that belong to no model. Adding one takes a member and its line in the description, nothing else.
enum class Shape { round, square };
template <>
inline constexpr auto names_of<Shape> =
    std::array{std::pair{Shape::round, "round"}, std::pair{Shape::square, "square"}};

struct Ball {
  double radius = 1.5;
};
struct Brick {
  std::vector<double> edges;
  std::optional<double> weight;
};
struct Toy {
  std::int64_t count = 3;
  Shape shadow = Shape::square;
  std::complex<double> phase{0.0, 1.0};
  Ball spare{};
  std::variant<Ball, Brick> form{};
};

template <>
inline auto description<Ball>() {
  return std::tuple(
      field(&Ball::radius, {.path = "radius", .help = "of the ball", .range = above_zero, .sweepable = true}));
}
template <>
inline auto description<Brick>() {
  return std::tuple(
      field(&Brick::edges, {.path = "model.edges", .help = "lengths", .range = from_zero, .ascending = true}),
      field(&Brick::weight,
            {.path = "model.weight", .help = "of the brick", .derived = "that of water", .range = from_zero}));
}
template <>
inline auto description<Toy>() {
  return std::tuple(
      field(&Toy::count, {.path = "model.count", .help = "how many", .range = {.low = 1.0, .high = 9.0}}),
      field(&Toy::shadow, {.path = "model.shadow", .help = "what it looks like"}),
      field(&Toy::phase, {.path = "model.phase", .help = "of it all", .sweepable = true}), part(&Toy::spare, "spare"),
      one_of(
          &Toy::form, {.path = "model.form", .help = "what it is"},
          alternative<Ball>("ball", field(&Ball::radius, {.path = "model.radius", .help = "r", .range = above_zero})),
          alternative<Brick>("brick")));
}

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ToyRegistry final : public config::Registry {
 public:
  std::vector<std::string> models() const override { return {"toy"}; }
  std::vector<std::string> tasks(const std::string&) const override { return {"play"}; }
  std::string content_hash(const std::string&, const std::string& location) const override { return location; }
  config::Schema schema(const std::string&, const std::string&) const override {
    config::Schema schema;
    schema.keys = config::keys_of<Toy>();
    schema.validate = [](const config::Point& point) { validate_fields(config::read<Toy>(point)); };
    return schema;
  }
};

config::Document parse(const std::string& model, const std::string& rest = "") {
  return config::parse("[model]\nkind = 'toy'\n" + model + "[task]\nkind = 'play'\n" + rest, "INPUT.toml", {},
                       ToyRegistry());
}

std::string complaint(const std::string& model) {
  try {
    parse(model);
  } catch (const config::InputError& error) {
    return error.what();
  }
  return "";
}

TEST(Description, GivesKeysTheDefaultsOfTheStruct) {
  std::vector<std::string> paths;
  for (const Parameter& parameter : parameters_of<Toy>()) paths.push_back(parameter.path);
  EXPECT_THAT(paths, ElementsAre("model.count", "model.shadow", "model.phase", "spare.radius", "model.form",
                                 "model.radius", "model.edges", "model.weight"));
  EXPECT_EQ(
      parse("").resolved_text,
      "[model]\nkind = \"toy\"\ncount = 3\nshadow = \"square\"\nphase = [0.0, 1.0]\nform = \"ball\"\nradius = 1.5\n"
      "# weight = that of water\n\n"
      "[task]\nkind = \"play\"\n\n[spare]\nradius = 1.5\n");
  EXPECT_EQ(parse("form = 'brick'\nedges = [1, 2]\n").resolved_text,
            "[model]\nkind = \"toy\"\ncount = 3\nshadow = \"square\"\nphase = [0.0, 1.0]\nform = \"brick\"\n"
            "edges = [1.0, 2.0]\n# weight = that of water\n\n[task]\nkind = \"play\"\n\n[spare]\nradius = 1.5\n");
}

TEST(Description, ReadsAnInputIntoTheStruct) {
  const auto document = parse("count = 5\nshadow = 'round'\nform = 'brick'\nedges = [1, 2]\nweight = 0.25\n",
                              "[spare]\nradius = 2\n[sweep]\n'model.phase' = [[1, 0], [0, 2]]\n");
  const Toy toy = config::read<Toy>(document.point(1));
  EXPECT_EQ(toy.count, 5);
  EXPECT_EQ(toy.shadow, Shape::round);
  EXPECT_EQ(toy.phase, std::complex<double>(0.0, 2.0));
  EXPECT_EQ(toy.spare.radius, 2.0);
  EXPECT_THAT(std::get<Brick>(toy.form).edges, ElementsAre(1.0, 2.0));
  EXPECT_EQ(std::get<Brick>(toy.form).weight, 0.25);
}

TEST(Description, RefusesValuesWithPlaceAndHint) {
  EXPECT_EQ(complaint("count = 10\n"), "INPUT.toml:3:9: error: model.count = 10: must be >= 1 and <= 9 (how many)");
  EXPECT_THAT(complaint("shadow = 'sqare'\n"), HasSubstr("must be \"round\" or \"square\"; did you mean \"square\"?"));
  EXPECT_THAT(complaint("form = 'brick'\n"), HasSubstr("model.edges: is required: lengths"));
  EXPECT_THAT(complaint("edges = [1.0]\n"), HasSubstr("has no meaning for model.form = \"ball\", only for \"brick\""));
  EXPECT_THAT(complaint("form = 'brick'\nedges = [2, 1]\n"), HasSubstr("strictly ascending"));
}

TEST(Description, ChecksTheStructByItself) {
  const auto refusal = [](const Toy& toy) -> std::string {
    try {
      validate_fields(toy);
    } catch (const ParameterError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(refusal({}), "");
  EXPECT_EQ(refusal({.count = 0}), "model.count: 0 is not allowed: must be finite and >= 1 and <= 9");
  EXPECT_EQ(refusal({.phase = {NAN, 0.0}}), "model.phase: must be finite");
  EXPECT_EQ(refusal({.spare = {-1.0}}), "spare.radius: -1 is not allowed: must be finite and > 0");
  EXPECT_EQ(refusal({.form = Ball{0.0}}), "model.radius: 0 is not allowed: must be finite and > 0");
  EXPECT_EQ(refusal({.form = Brick{{1.0, -2.0}, {}}}), "model.edges[1]: -2 is not allowed: must be finite and >= 0");
  EXPECT_EQ(refusal({.form = Brick{{1.0, 1.0}, {}}}),
            "model.edges[1]: 1 is not allowed: must be > 1, the entry before it: strictly ascending");
  EXPECT_EQ(refusal({.form = Brick{{}, INFINITY}}), "model.weight: inf is not allowed: must be finite and >= 0");
}

/// Every key of every model and task.
TEST(Description, IsCompleteAndRight) {
  for (const ModelEntry& model : models())
    for (const TaskEntry& task : model.tasks)
      for (const Parameter& parameter : registry().schema(model.kind, task.kind).keys) {
        SCOPED_TRACE(model.kind + ", " + task.kind + ": " + parameter.path);
        EXPECT_FALSE(parameter.help.empty());
        EXPECT_NE(parameter.path.find('.'), std::string::npos);
        EXPECT_TRUE(!parameter.optional || !parameter.derived.empty());
        if (!parameter.default_value) continue;
        std::visit(
            [&](const auto& value) {
              using Held = std::decay_t<decltype(value)>;
              if constexpr (std::is_same_v<Held, double> || std::is_same_v<Held, std::int64_t>) {
                EXPECT_TRUE(parameter.range.contains(static_cast<double>(value)));
              } else if constexpr (std::is_same_v<Held, std::vector<double>>) {
                for (const double entry : value) EXPECT_TRUE(parameter.range.contains(entry));
              } else if constexpr (std::is_same_v<Held, std::string>) {
                EXPECT_THAT(parameter.choices, testing::Contains(value));
              }
            },
            *parameter.default_value);
      }
}

/// The library accepts its own defaults.
TEST(Description, DefaultsAreValid) {
  validate_fields(TggeChain());
  validate_fields(TggeRashba());
  validate_fields(HatsugaiKohmoto());
  validate_fields(HubbardChain());
  validate_fields(RelaxOptions());
  validate_fields(SteadyStateOptions());
  validate_fields(InitialOccupation());
  validate_fields(GreenOptions());
  validate_fields(SpectralOptions());
  validate_fields(HubbardGreenOptions());
  validate_fields(HubbardSpectralOptions());
}

}  // namespace
}  // namespace lindrift
