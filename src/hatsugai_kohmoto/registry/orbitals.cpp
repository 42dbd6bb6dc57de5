#include "hatsugai_kohmoto/registry/orbitals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "config/read.hpp"
#include "engine/short_text.hpp"
#include "engine/validate.hpp"
#include "lindrift/lindrift.hpp"
#include "open_chain/registry/propagator.hpp"
#include "registry/cpu_task.hpp"

namespace lindrift {

namespace {

using config::Point;
using config::read;

const Method method{"exact", "the Lindbladian of every momentum as a sparse matrix, and Krylov spaces of it"};

enum class Kind { steady_state, spectral, green };

Kind kind_of(const Point& point) {
  const std::string& kind = point.text("task.kind");
  return kind == "spectral" ? Kind::spectral : kind == "green" ? Kind::green : Kind::steady_state;
}

Coordinates coordinates_of(const Point& point) {
  const auto model = read<OrbitalHatsugaiKohmoto>(point);
  switch (kind_of(point)) {
    case Kind::spectral:
      return orbital_spectral_coordinates(model, integers_of(point, "task.momenta"), point.reals("task.frequencies"));
    case Kind::green:
      return orbital_green_coordinates(model, point.reals("task.times"));
    case Kind::steady_state:
      break;
  }
  return orbital_steady_state_coordinates(model);
}

/// Calls use(Result()) with the result type of the task.
template <class Use>
auto with_result(Kind kind, const Use& use) {
  switch (kind) {
    case Kind::spectral:
      return use(OrbitalSpectrum());
    case Kind::green:
      return use(OrbitalGreen());
    case Kind::steady_state:
      break;
  }
  return use(OrbitalSteadyState());
}

io::Result empty_result(const Point& point) {
  return with_result(kind_of(point), [&]<class Result>(const Result&) {
    return empty_result_of<Result>(coordinates_of(point), point.texts("output.fields"));
  });
}

std::size_t count_of(const Point& point, const std::string& list) {
  return static_cast<std::size_t>(point.count(list));
}

OrbitalPlan plan_of(const Point& point, const Execution& execution) {
  const auto model = read<OrbitalHatsugaiKohmoto>(point);
  switch (kind_of(point)) {
    case Kind::spectral:
      return plan_orbitals(model, momenta_of(point), count_of(point, "task.frequencies"), 0, 0.0, execution);
    case Kind::green:
      return plan_orbitals(model, sites_of(point), 0, count_of(point, "task.times"), point.reals("task.times").back(),
                           execution);
    case Kind::steady_state:
      break;
  }
  return plan_orbitals(model, 0, 0, 0, 0.0, execution);
}

double device_bytes(const Point& point, const Execution& execution) {
  const auto model = read<OrbitalHatsugaiKohmoto>(point);
  switch (kind_of(point)) {
    case Kind::spectral:
      return orbital_device_bytes(model, momenta_of(point), count_of(point, "task.frequencies"), 0, execution);
    case Kind::green:
      return orbital_device_bytes(model, sites_of(point), 0, count_of(point, "task.times"), execution);
    case Kind::steady_state:
      break;
  }
  return orbital_device_bytes(model, 0, 0, 0, execution);
}

Footprint footprint_of(const Point& point, const Execution& execution) {
  Footprint needed = open_chain_footprint(point);
  needed.working = with_result(kind_of(point), [&]<class Result>(const Result&) {
    const Coordinates coordinates = counted(point, coordinates_of(point));
    add_result<Result>(needed, coordinates, point.texts("output.fields"));
    return unkept_bytes<Result>(coordinates, point.texts("output.fields"));
  });
  if (needed.is_too_much()) return needed;
  const OrbitalPlan plan = plan_of(point, execution);
  needed.working += plan.memory_bytes;
  if (plan.memory_bytes > needed.total() - plan.memory_bytes) needed.key = "model.orbitals";
  needed.size = fmt::format("{} orbitals have {:.0f} operators at a momentum; {}", point.integer("model.orbitals"),
                            plan.operators, needed.size);
  return needed;
}

Plan plan_point(const Point& point, const Execution& execution) {
  const OrbitalPlan orbitals = plan_of(point, execution);
  Plan plan;
  plan.backend = orbitals.backend;
  plan.backend_reason = orbitals.backend_reason;
  plan_device(plan, execution, [&] { return device_bytes(point, execution); });
  plan.method = method;
  plan.work = "momenta";
  plan.rate_evaluations = static_cast<double>(kind_of(point) == Kind::spectral ? momenta_of(point) : sites_of(point));
  plan.operations = orbitals.operations / plan.rate_evaluations;
  plan.bytes_moved = 3.0 * plan.operations;  // 24 bytes per matrix element for 8 operations
  plan.seconds_per_evaluation = orbitals.seconds / plan.rate_evaluations;
  plan.notes.push_back(fmt::format("{:.0f} operators in the largest matrix of a momentum", orbitals.operators));
  return plan;
}

template <class Result>
io::Result result_of(const Point& point, Result& computed) {
  io::Result result = cpu_result(point, coordinates_of(point), computed, method, computed.backend_reason);
  result.backend = name(computed.backend);
  return result;
}

io::Result run(const Point& point, const Execution& execution, const Monitor& monitor) {
  const auto model = read<OrbitalHatsugaiKohmoto>(point);
  OrbitalOptions options{.momenta = integers_of(point, "task.momenta"), .monitor = monitor};
  if (kind_of(point) == Kind::spectral) {
    options.broadening = point.real("task.broadening");
    OrbitalSpectrum spectrum = orbital_spectral(model, point.reals("task.frequencies"), options, execution);
    return result_of(point, spectrum);
  }
  if (kind_of(point) == Kind::green) {
    OrbitalGreen propagator = orbital_green(model, point.reals("task.times"), options, execution);
    return result_of(point, propagator);
  }
  OrbitalSteadyState state = orbital_steady_state(model, options, execution);
  const std::vector<double> current = state.current_spin;
  io::Result result = result_of(point, state);
  const std::size_t directions = current.size() / 2;
  for (std::size_t i = 0; i < current.size(); ++i)
    result.summary.emplace_back(fmt::format("current_{}{}", i < directions ? "up" : "down",
                                            directions > 1 ? fmt::format("_{}", i % directions + 1) : ""),
                                current[i]);
  return result;
}

/// Checks occupations, density and positivity against the density matrices.
void verify_steady_state(Verification& verification, std::size_t n) {
  constexpr double allowed = 1e-11;
  const auto* matrix = verification.complex("density_matrix");
  const auto *occupation = verification.reals("occupation_spin"), *density = verification.reals("density_spin");
  if (matrix == nullptr) return;
  const std::size_t momenta = matrix->size() / (2 * n * n);
  for (std::size_t s = 0; s < 2; ++s) {
    double sum = 0.0;
    for (std::size_t k = 0; k < momenta; ++k) {
      const auto* rho = matrix->data() + (s * momenta + k) * n * n;
      for (std::size_t a = 0; a < n; ++a) {
        const double value = rho[a * n + a].real();
        sum += value;
        verification.note("0 <= n <= 1", std::max({0.0, -value, value - 1.0}), allowed);
        if (occupation != nullptr)
          verification.note("occupation from the density matrix",
                            std::fabs((*occupation)[(s * momenta + k) * n + a] - value), 0.0);
        for (std::size_t b = 0; b <= a; ++b) {
          verification.note("density matrix is Hermitian", std::abs(rho[a * n + b] - std::conj(rho[b * n + a])),
                            allowed);
          const double room = rho[a * n + a].real() * rho[b * n + b].real() - std::norm(rho[a * n + b]);
          verification.note("|<c+_b c_a>|^2 <= n_a n_b", std::max(0.0, -room), allowed);
        }
      }
    }
    if (density != nullptr)
      verification.note("density from the density matrices",
                        std::fabs((*density)[s] - sum / static_cast<double>(momenta)), allowed);
  }
}

void verify(Verification& verification) {
  constexpr double allowed = 1e-11;
  const auto n = static_cast<std::size_t>(verification.point.integer("model.orbitals"));
  verify_steady_state(verification, n);
  const auto* green = verification.complex("green_retarded_frequency");
  if (const auto* spectral = verification.reals("spectral_function"))
    for (std::size_t i = 0; i < spectral->size(); ++i) {
      const double size = 1.0 + largest_of(*spectral);
      verification.note("spectral function >= 0", std::max(0.0, -(*spectral)[i]), allowed * size);
      if (green == nullptr) continue;
      double trace = 0.0;
      for (std::size_t a = 0; a < n; ++a) trace -= 2.0 * (*green)[(i * n + a) * n + a].imag();
      verification.note("A = -2 Im Tr G", std::fabs((*spectral)[i] - trace), allowed * size);
    }
  const auto* by_momentum = verification.complex("green_retarded_momentum");
  if (by_momentum == nullptr || verification.point.reals("task.times").front() != 0.0) return;
  const std::size_t cells = sites_of(verification.point);
  for (std::size_t k = 0; k < cells; ++k)
    for (std::size_t e = 0; e < n * n; ++e) {
      const std::complex<double> expected(0.0, e % (n + 1) == 0 ? -1.0 : 0.0);
      verification.note("G(k,0) = -i", std::abs((*by_momentum)[k * n * n + e] - expected), allowed);
    }
}

/// Checks that rows of a key have the right length before they are read as hops or operators of orbitals.
void require_indices(const Point& point, const std::string& key, std::size_t indices, std::size_t kinds,
                     const std::string& form) {
  if (!point.has(key)) return;
  const Channels& channels = point.channels(key);
  for (std::size_t c = 0; c < channels.size(); ++c)
    for (std::size_t i = 0; i < channels[c].size(); ++i)
      if (channels[c][i].indices.size() != indices + kinds)
        throw ParameterError(kinds == 0 ? fmt::format("{}[{}]", key, i) : fmt::format("{}[{}].terms[{}]", key, c, i),
                             fmt::format("must be {} with model.orbitals > 1 and {} R", form,
                                         counted(point.integers("model.cells").size(), "displacement")));
}

void require_absent(const Point& point, const std::string& key, double usual, const std::string& why) {
  const config::Value* value = point.find(key);
  if (value == nullptr) return;
  const auto* number = std::get_if<double>(value);
  const auto* integer = std::get_if<std::int64_t>(value);
  if ((number != nullptr && *number == usual) || (integer != nullptr && static_cast<double>(*integer) == usual)) return;
  throw ParameterError(key, "has no meaning with model.orbitals > 1" + why);
}

}  // namespace

bool has_orbitals(const Point& point) { return point.has("model.orbitals") && point.integer("model.orbitals") > 1; }

void validate_orbitals_point(const Point& point) {
  const std::string& kind = point.text("task.kind");
  if (!has_orbitals(point))
    throw ParameterError("task.kind",
                         "steady_state needs model.orbitals > 1: with one orbital the momenta are independent of the "
                         "interaction, n = gain / (gain + loss)");
  if (kind != "steady_state" && kind != "spectral" && kind != "green")
    throw ParameterError("model.orbitals", fmt::format("must be 1 with task.kind = {}; more are known to green, "
                                                       "spectral and steady_state",
                                                       kind));
  if (!point.has("model.cells")) throw ParameterError("model.cells", "must be given with model.orbitals > 1");
  require_absent(point, "model.cluster", 1.0, "");
  for (const std::string bath : {"bath.up", "bath.down"}) {
    const std::string why = ": use [[" + bath + ".operator]]";
    for (const char* rate : {".two_site_gain", ".two_site_loss"}) require_absent(point, bath + rate, 0.0, why);
    for (const char* table : {".gain_table", ".loss_table"}) require_absent(point, bath + table, 0.0, why);
  }
  if (point.has("initial.down_occupation") && !point.reals("initial.down_occupation").empty())
    throw ParameterError("initial.down_occupation", "only the steady state is known with model.orbitals > 1");
  const std::size_t directions = point.integers("model.cells").size();
  for (const char* key : {"model.hopping_terms", "model.hopping_terms_up", "model.hopping_terms_down"})
    require_indices(point, key, directions + 2, 0, "[R.., a, b, Re, Im]");
  for (const char* key : {"bath.up.operator", "bath.down.operator"})
    require_indices(point, key, directions + 1, 1, "[R.., a, Re, Im]");
  const auto model = read<OrbitalHatsugaiKohmoto>(point);
  validate(model);
  numbers_of(integers_of(point, "task.momenta"), model.lattice(), "task.momenta", "m must be in");
}

std::vector<config::Key> keys_with_orbitals(std::vector<config::Key> keys) {
  for (config::Key& key : keys) {
    if (key.path == "model.interaction") key.unless.emplace_back("model.interaction_matrix");
    const bool hops = key.type == Type::terms, channels = key.type == Type::operator_channels;
    if (!hops && !channels) continue;
    key.term_length = hops ? 3 : 2;
    key.help += hops ? "; [R.., a, b, Re, Im] with model.orbitals" : "; [R.., a, Re, Im] with model.orbitals";
  }
  return keys;
}

TaskEntry hatsugai_kohmoto_steady_state_task() {
  const Coordinates every = orbital_steady_state_coordinates({});
  TaskEntry task = cpu_task<OrbitalSteadyState>(
      "steady_state", "steady occupations, coherences and currents of both spins with several orbitals in a cell", {},
      every, {footprint_of, empty_result, plan_point, run, verify});
  task.remarks = open_chain_remarks;
  task.shares_a_point = true;
  task.cpu_only = false;
  return task;
}

TaskEntry with_orbitals(TaskEntry one) {
  const auto choose = [](auto single, auto several) {
    return [single = std::move(single), several](const Point& point, auto&&... more) {
      return has_orbitals(point) ? several(point, more...) : single(point, more...);
    };
  };
  one.footprint = [single = *one.footprint](const Point& point, const Execution& execution) {
    return has_orbitals(point) ? footprint_of(point, execution) : single(point, execution);
  };
  one.empty_result = choose(one.empty_result, empty_result);
  one.plan = choose(one.plan, plan_point);
  one.run = choose(one.run, run);
  one.require_device_work = choose(one.require_device_work, [](const Point&) {});
  one.verify = [single = one.verify](Verification& verification) {
    has_orbitals(verification.point) ? verify(verification) : single(verification);
  };
  return one;
}

}  // namespace lindrift
