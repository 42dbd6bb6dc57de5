#include "lindrift/tgge/relax.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "engine/checkpoint.hpp"
#include "lindrift/error.hpp"
#include "lindrift/lattice/lattice.hpp"
#include "solvers/ode.hpp"

namespace lindrift {

namespace {

/// Explicit steps that the fastest rate would cost beyond which the implicit method is cheaper. Measured for beta J = 2
/// .. 8: the two cost the same between 2000 and 10000.
constexpr double stiff_steps = 5000.0;

/// The integrator bounds the error of a step, in a root mean square over the modes. Errors do not grow (the l1 distance
/// of two trajectories never does), but they add up. This factor keeps every dataset within the tolerance asked for:
/// measured on 250 random chains (3 to 30 sites, beta J up to 12) and on 1000 sites of which one is out of balance, the
/// largest error over the tolerance is 0.74 for bdf and 0.45 for adams; with 0.02 it is 3. What is not promised: a
/// current is as good as the occupations it is a difference of.
constexpr double step_tolerance = 0.005;
constexpr double smallest_step_tolerance = 2e-14;
constexpr double smallest_promise = smallest_step_tolerance / step_tolerance;

void validate(const RateEquation& equation, std::span<const double> lagrange_multiplier, std::span<const double> times,
              const RelaxOptions& options) {
  if (lagrange_multiplier.size() != equation.modes())
    throw ShapeError("initial.lagrange_multiplier has length " + std::to_string(lagrange_multiplier.size()) +
                     "; it must be " + std::to_string(equation.modes()));
  for (const double lambda : lagrange_multiplier)
    if (!std::isfinite(lambda)) throw ParameterError("initial.lagrange_multiplier", "every entry must be finite");
  if (times.empty()) throw ParameterError("task.times", "at least one time is needed");
  check_list("task.times", times_parameter(), times);
  validate_fields(options);
}

std::string text_of(double time) {
  std::ostringstream text;
  text << time;
  return text.str();
}

/// Where a run that goes on for ten times as long and more has come to rest: the time from which on no multiplier
/// changes by more than the tolerance. Infinite if it has not.
double time_of_rest(const RelaxResult& result, std::size_t modes, double tolerance) {
  const auto& lambda = result.lagrange_multiplier;
  const std::size_t last = lambda.size() - modes;
  std::size_t rest = result.times.size() - 1;
  const auto stays = [&](std::size_t row) {
    for (std::size_t s = 0; s < modes; ++s)
      if (!(std::fabs(lambda[row * modes + s] - lambda[last + s]) <=
            tolerance * std::max(1.0, std::fabs(lambda[last + s]))))
        return false;
    return true;
  };
  while (rest > 0 && stays(rest - 1)) --rest;
  return result.times.back() >= 10.0 * result.times[rest] && result.times[rest] > 0.0
             ? result.times[rest]
             : std::numeric_limits<double>::infinity();
}

/// What is known of a trajectory from its first state.
struct Outlook {
  double fastest = 0.0;  ///< largest relaxation rate
  double scale = 1.0;    ///< about the largest multiplier to come, at most 1: what absolute errors are measured by
};

Outlook outlook(const RateEquation& equation, const ModeState& state, std::span<const double> multiplier,
                double duration) {
  const std::size_t modes = equation.modes();
  std::vector<double> particles(modes), holes(modes), relaxation(modes), rate(modes);
  state.split(particles, holes);
  equation.generator->relaxation_rate(particles, holes, relaxation);
  equation.generator->occupation_rate(particles, holes, rate);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Outlook result;
  double largest = 0.0;
  for (std::size_t s = 0; s < modes; ++s) {
    // Beyond the range of a double, or not a number where that overflows.
    result.fastest = relaxation[s] < infinity ? std::max(result.fastest, relaxation[s]) : infinity;
    // Where the mode would go if the others stayed. What is not a number is found by the integrator.
    const double time = relaxation[s] * duration > 1.0 ? 1.0 / relaxation[s] : duration;
    const double change = std::fabs(rate[s]) * time / (particles[s] * holes[s]);
    for (const double size : {std::fabs(multiplier[s]), change})
      if (size > largest) largest = size;
  }
  if (largest > 0.0) result.scale = std::min(1.0, largest);
  return result;
}

[[noreturn]] void report(const RateEquation& equation, const NonFiniteRate& error) {
  const Bands& bands = equation.bands;
  const LatticeVector m = bands.lattice.momentum(bands.momentum_of(error.mode));
  std::ostringstream text;
  text << "dn/dt is not finite at time " << error.time << ", momentum";
  for (int i = 0; i < bands.lattice.dimensions(); ++i) {
    const std::int64_t cells = bands.lattice.cells(i),
                       index = m[static_cast<std::size_t>(i)] - first_momentum_index(cells);
    text << ' ' << momenta(cells)[static_cast<std::size_t>(index)];
  }
  if (!bands.names.empty()) text << ", band " << bands.names[bands.band_of(error.mode)];
  text << ": the rates exceed the range of double precision";
  throw NumericalError(text.str());
}

/// Output times done, and the work they took.
struct Position {
  std::uint64_t done = 0;
  std::int64_t steps = 0, rate_evaluations = 0;
};

/// The state at the last output time done, and the rows up to there.
Checkpoint<Position> checkpoint_of(ModeState& state, RelaxResult& result) {
  const std::size_t modes = state.modes();
  return {Fingerprint().add(modes).add(result.times), [&state, &result, modes](const Position& at) {
            Checkpoint<Position>::Arrays arrays;
            if (at.done == 0 || at.done > result.times.size()) return arrays;
            const auto add = [&](auto& values, std::size_t count) {
              arrays.push_back(std::as_writable_bytes(std::span(values).first(count)));
            };
            add(state.value, modes);
            add(state.stored, modes);
            add(result.lagrange_multiplier, at.done * modes);
            add(result.occupation, at.done * modes);
            add(result.residual, at.done);
            return arrays;
          }};
}

/// Adds what follows from the occupations, missing where these are.
void add_sums(const RateEquation& equation, RelaxResult& result) {
  const std::size_t modes = equation.modes(), orbitals = static_cast<std::size_t>(equation.bands.orbitals);
  const auto dimensions = static_cast<std::size_t>(equation.bands.lattice.dimensions());
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const OccupationSums missing{std::vector<double>(dimensions, nan),
                               std::vector<double>(orbitals > 1 ? dimensions * orbitals : 0, nan), nan, nan, nan};
  for (std::size_t row = 0; row < result.times.size(); ++row) {
    const std::span<const double> occupation(result.occupation.data() + row * modes, modes);
    const OccupationSums sums = std::isnan(occupation.front()) ? missing : occupation_sums(equation, occupation);
    result.current.insert(result.current.end(), sums.current.begin(), sums.current.end());
    result.orbital_current.insert(result.orbital_current.end(), sums.orbital_current.begin(),
                                  sums.orbital_current.end());
    result.particle_number.push_back(sums.particle_number);
    result.density_per_cell.push_back(sums.density_per_cell);
    result.energy_per_cell.push_back(sums.energy_per_cell);
  }
}

}  // namespace

RelaxResult relax(const RateEquation& equation, std::span<const double> lagrange_multiplier,
                  std::span<const double> times, const RelaxOptions& options) {
  validate(equation, lagrange_multiplier, times, options);
  const std::size_t modes = equation.modes();
  constexpr double missing = std::numeric_limits<double>::quiet_NaN();

  RelaxResult result;
  result.times.assign(times.begin(), times.end());
  result.lagrange_multiplier.assign(times.size() * modes, missing);
  result.occupation.assign(times.size() * modes, missing);
  result.residual.assign(times.size(), missing);
  ModeState state = ModeState::of_occupations(lagrange_multiplier);
  const Outlook ahead = outlook(equation, state, lagrange_multiplier, times.back());
  result.integrator = options.integrator;
  if (options.integrator == Integrator::automatic)
    result.integrator = ahead.fastest * times.back() > stiff_steps ? Integrator::bdf : Integrator::adams;
  if (options.tolerance * ahead.scale < smallest_promise) {
    std::ostringstream text;
    text << "time integration in double precision cannot promise a tolerance below " << smallest_promise / ahead.scale;
    if (ahead.scale < 1.0) text << " where multipliers are as small as " << ahead.scale;
    result.message = text.str();
  }
  const double tolerance = std::max(step_tolerance * options.tolerance * ahead.scale, smallest_step_tolerance);
  if (result.integrator == Integrator::bdf) state = ModeState::of_multipliers(lagrange_multiplier);
  const auto integrator = result.integrator == Integrator::bdf
                              ? make_bdf_integrator(equation, lagrange_multiplier, tolerance)
                              : make_adams_integrator(*equation.generator, tolerance);

  const auto checkpoint = checkpoint_of(state, result);
  const Position before = checkpoint.restore(options.monitor.restored);

  std::vector<double> holes(modes);
  double now = before.done > 0 ? times[before.done - 1] : 0.0;
  const auto advance_to = [&](double time) {
    try {
      return integrator->advance(state, now, time, options.max_steps - before.steps - integrator->steps());
    } catch (const NonFiniteRate& error) {
      report(equation, error);
    }
  };
  result.converged = true;
  for (auto i = static_cast<std::size_t>(before.done); i < times.size(); ++i) {
    if (times[i] > now && !advance_to(times[i])) {
      result.converged = false;
      result.message =
          "solver.max_steps = " + std::to_string(options.max_steps) + " steps did not reach time " + text_of(times[i]);
      break;
    }
    now = times[i];
    const std::span occupation(result.occupation.data() + i * modes, modes);
    const std::span multiplier(result.lagrange_multiplier.data() + i * modes, modes);
    state.reorient();
    state.split(occupation, holes);
    state.lagrange_multiplier(multiplier);
    result.residual[i] = balance_residual(equation, multiplier);
    result.stopped = !report(options.monitor, i + 1, times.size(), [&] {
      return checkpoint.save(
          {i + 1, before.steps + integrator->steps(), before.rate_evaluations + integrator->rate_evaluations()});
    });
    if (result.stopped) {
      result.converged = false;
      result.message = "stopped at time " + text_of(now);
      break;
    }
  }
  if (result.converged && result.message.empty())
    if (const double rest = time_of_rest(result, modes, options.tolerance); std::isfinite(rest))
      result.message = "nothing changes any more from time " + text_of(rest) + " on";
  add_sums(equation, result);
  result.steps = before.steps + integrator->steps();
  result.rate_evaluations = before.rate_evaluations + integrator->rate_evaluations();
  return result;
}

}  // namespace lindrift
