#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"

namespace lindrift::config {

/// A registry that resembles the program's where it matters here: two models, tasks with keys of their own, keys that
/// depend on others, a memory check.
class FakeRegistry : public Registry {
 public:
  std::vector<std::string> models() const override { return {"tgge_chain", "pair"}; }

  std::vector<std::string> tasks(const std::string& model) const override {
    if (model == "pair") return {"green"};
    return {"relax", "steady_state"};
  }

  std::string content_hash(const std::string&, const std::string& location) const override {
    return "hash of " + location.substr(location.rfind('/'));
  }

  Schema schema(const std::string& model, const std::string& task) const override {
    return model == "pair" ? pair() : chain(task);
  }

 private:
  static constexpr double infinity = std::numeric_limits<double>::infinity();

  static void add_solver(Schema& schema) {
    schema.keys.push_back({.path = "solver.algorithm",
                           .type = Type::text,
                           .help = "how sums are done",
                           .default_value = "auto",
                           .choices = {"auto", "direct", "separable"}});
    schema.keys.push_back({.path = "solver.tolerance",
                           .type = Type::real,
                           .help = "relative error of the results",
                           .default_value = 1e-10,
                           .range = {1e-13, 1e-2}});
    schema.keys.push_back({.path = "solver.max_steps",
                           .type = Type::integer,
                           .help = "largest number of steps",
                           .default_value = std::int64_t{1000000},
                           .range = {1.0, infinity}});
    schema.keys.push_back({.path = "output.fields",
                           .type = Type::text_list,
                           .help = "datasets to keep",
                           .default_value = std::vector<std::string>{}});
  }

  static Schema chain(const std::string& task) {
    const Condition raman{"bath.jump", {"raman"}};
    Schema schema;
    schema.keys = {
        {.path = "model.sites",
         .type = Type::integer,
         .help = "number of sites L",
         .default_value = std::int64_t{128},
         .range = {1.0, 1e9},
         .sweepable = true,
         .resizes = true},
        {.path = "model.hopping",
         .type = Type::real,
         .help = "hopping J, an energy",
         .default_value = 1.0,
         .range = {0.0, infinity, true},
         .sweepable = true},
        {.path = "bath.coupling",
         .type = Type::real,
         .help = "coupling to the bath epsilon",
         .default_value = 0.05,
         .range = {0.0},
         .sweepable = true},
        {.path = "bath.inverse_temperature",
         .type = Type::real,
         .help = "inverse temperature beta, 1/energy",
         .default_value = 2.0,
         .range = {0.0},
         .sweepable = true},
        {.path = "bath.nonequilibrium_fraction",
         .type = Type::real,
         .help = "weight gamma_neq of the jump operators",
         .default_value = 0.0,
         .range = {0.0, 1.0},
         .sweepable = true},
        {.path = "bath.equilibrium_fraction",
         .type = Type::real,
         .help = "weight gamma_eq of the thermal bath",
         .optional = true,
         .derived = "1 - bath.nonequilibrium_fraction",
         .range = {0.0},
         .sweepable = true},
        {.path = "bath.jump",
         .type = Type::text,
         .help = "kind of jump operator",
         .default_value = "raman",
         .choices = {"raman", "operators", "table"}},
        {.path = "bath.delta",
         .type = Type::complex,
         .help = "c+_j + delta c+_{j+1}",
         .default_value = Complex(1.0, 1.0),
         .when = {raman},
         .sweepable = true},
        {.path = "bath.delta_prime",
         .type = Type::complex,
         .help = "c_j - delta' c_{j+1}",
         .default_value = Complex(1.0, 0.5),
         .when = {raman},
         .sweepable = true},
        {.path = "bath.jump_operator",
         .type = Type::operator_channels,
         .help = "c+_{j+a} c_{j+b}",
         .when = {{"bath.jump", {"operators"}}}},
        {.path = "bath.table",
         .type = Type::text,
         .help = "hop weights w(to, from)",
         .when = {{"bath.jump", {"table"}}},
         .file_path = true},
        {.path = "initial.lagrange_multiplier",
         .type = Type::real_list,
         .help = "one for each mode",
         .optional = true,
         .derived = "from initial.filling"},
        {.path = "initial.filling",
         .type = Type::real,
         .help = "mean occupation of a mode",
         .default_value = 0.5,
         .range = {0.0, 1.0, true, true},
         .sweepable = true,
         .unless = {"initial.lagrange_multiplier"}},
    };
    if (task == "relax") {
      schema.keys.push_back({.path = "task.times",
                             .type = Type::real_grid,
                             .help = "times of the output",
                             .range = {0.0},
                             .ascending = true});
    }
    add_solver(schema);
    schema.fields = {"occupation", "current", "residual", "converged"};
    schema.sizeless_fields = {"current", "residual", "converged"};
    schema.validate = [](const Point& point) {
      const std::int64_t sites = point.integer("model.sites");
      if (sites > 100'000'000) {
        throw ParameterError("sites", std::to_string(sites) + " sites need more memory than this machine has");
      }
      if (point.has("initial.lagrange_multiplier") &&
          static_cast<std::int64_t>(point.reals("initial.lagrange_multiplier").size()) != sites) {
        throw ParameterError("initial.lagrange_multiplier",
                             "must have model.sites = " + std::to_string(sites) + " values");
      }
      if (!point.has("bath.equilibrium_fraction") && point.real("bath.nonequilibrium_fraction") == 1.0 &&
          point.real("bath.inverse_temperature") == 0.0) {
        throw ParameterError("bath.equilibrium_fraction", "must be given here");
      }
    };
    schema.validate_size = [](const Point& first, std::size_t points) {
      if (first.integer("model.sites") * static_cast<std::int64_t>(points) > 1'000'000'000) {
        throw ParameterError("sweep", std::to_string(points) + " points need more memory than this machine has");
      }
    };
    return schema;
  }

  /// Deeper tables, lists of integers, keys without a default.
  static Schema pair() {
    Schema schema;
    schema.keys = {
        {.path = "model.sites", .type = Type::integer, .help = "number of sites L", .range = {2.0, 1e9}},
        {.path = "bath.up.gain",
         .type = Type::real,
         .help = "rate",
         .default_value = 0.0,
         .range = {0.0},
         .sweepable = true},
        {.path = "bath.scale", .type = Type::real, .help = "of all rates", .default_value = 1.0, .sweepable = true},
        {.path = "bath.up.loss",
         .type = Type::real,
         .help = "rate",
         .default_value = 0.0,
         .range = {0.0},
         .sweepable = true},
        {.path = "bath.jump_operator",
         .type = Type::operator_channels,
         .help = "c+_{j+a} c_{j+b} with spins",
         .optional = true,
         .term_length = 6},
        {.path = "task.momenta",
         .type = Type::integer_list,
         .help = "momenta m",
         .default_value = std::vector<std::int64_t>{},
         .range = {-64.0, 63.0},
         .choices = {"all"}},
    };
    add_solver(schema);
    schema.fields = {"green_retarded"};
    return schema;
  }
};

}  // namespace lindrift::config
