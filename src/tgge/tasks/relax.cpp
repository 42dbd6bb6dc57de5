#include "lindrift/tgge/relax.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <sstream>

#include "engine/checkpoint.hpp"
#include "engine/threads.hpp"
#include "lindrift/error.hpp"
#include "lindrift/lattice/lattice.hpp"
#include "solvers/ode.hpp"
#include "tgge/tasks/matrix_tasks.hpp"
#include "tgge/tasks/relax_of.hpp"
#include "tgge/tasks/time_of_rest.hpp"

namespace lindrift {

namespace {

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

/// Properties of the trajectory that follow from the first state.
struct Outlook {
  double fastest = 0.0;  ///< largest relaxation rate
  double scale = 1.0;    ///< estimate of the largest multiplier to come, at most 1: the scale of absolute errors
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
    // Infinite if it exceeds the range of a double or overflows to NaN.
    result.fastest = relaxation[s] < infinity ? std::max(result.fastest, relaxation[s]) : infinity;
    // The change of this multiplier if the other modes stayed as they are. NaN is detected by the integrator.
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

/// Number of output times done, and the work that they took.
struct Position {
  std::uint64_t done = 0;
  std::int64_t steps = 0, rate_evaluations = 0;
};

/// The state at the last output time done, and all rows up to it.
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

/// Adds the observables that follow from the occupations; NaN where these are NaN.
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
    if (equation.has_density_matrix) {
      const std::size_t elements = modes * orbitals;
      const auto matrices = std::isnan(occupation.front()) ? std::vector<std::complex<double>>(elements, {nan, nan})
                                                           : density_matrix(equation, occupation);
      result.density_matrix.insert(result.density_matrix.end(), matrices.begin(), matrices.end());
    }
    result.particle_number.push_back(sums.particle_number);
    result.density_per_cell.push_back(sums.density_per_cell);
    result.energy_per_cell.push_back(sums.energy_per_cell);
  }
}

/// Says so if the tolerance cannot be guaranteed.
/// @param scale  of absolute errors, see Outlook
std::string note_on(double tolerance, double scale) {
  if (!(tolerance * scale < smallest_promise)) return {};
  std::ostringstream text;
  text << "time integration in double precision ";
  if (scale < 1.0)
    text << "promises errors of multipliers below " << smallest_promise << ", and these are at most " << scale;
  else
    text << "cannot promise a tolerance below " << smallest_promise / scale;
  return text.str();
}

/// Adds what follows from the states at the output times.
void conclude(const RateEquation& equation, RelaxResult& result, double tolerance) {
  if (result.converged && result.message.empty())
    if (const double rest = time_of_rest(result, result.lagrange_multiplier, tolerance); std::isfinite(rest))
      result.message = "nothing changes any more from time " + text_of(rest) + " on";
  add_sums(equation, result);
}

/// Integrates one trajectory from output time to output time.
class Relaxation {
 public:
  Relaxation(const RateEquation& equation, std::span<const double> lagrange_multiplier, std::span<const double> times,
             const RelaxOptions& options)
      : equation_(equation), start_(lagrange_multiplier), options_(options), modes_(equation.modes()) {
    constexpr double missing = std::numeric_limits<double>::quiet_NaN();
    result_.times.assign(times.begin(), times.end());
    result_.lagrange_multiplier.assign(times.size() * modes_, missing);
    result_.occupation.assign(times.size() * modes_, missing);
    result_.residual.assign(times.size(), missing);
  }

  RelaxResult run() {
    try {
      choose_integrator();
      follow();
    } catch (const Interruption&) {
      if (!options_.monitor.stop) throw;  // a batch was interrupted, not this run
      result_.stopped = true;
      clear_row(position_.done);
      if (options_.monitor.checkpoint && position_.done > 0) options_.monitor.checkpoint(save());
    }
    const Calculation::Undisturbed undisturbed;
    if (result_.stopped) {
      result_.converged = false;
      result_.message = "stopped at time " + text_of(reached_time());
    }
    conclude(equation_, result_, options_.tolerance);
    return std::move(result_);
  }

 private:
  void choose_integrator() {
    state_ = ModeState::of_occupations(start_);
    const Outlook ahead = outlook(equation_, state_, start_, result_.times.back());
    result_.integrator = options_.integrator;
    if (options_.integrator == Integrator::automatic)
      result_.integrator = ahead.fastest * result_.times.back() > stiff_steps ? Integrator::bdf : Integrator::adams;
    result_.message = note_on(options_.tolerance, ahead.scale);
    const double tolerance = std::max(step_tolerance * options_.tolerance * ahead.scale, smallest_step_tolerance);
    if (result_.integrator == Integrator::bdf) state_ = ModeState::of_multipliers(start_);
    integrator_ = result_.integrator == Integrator::bdf ? make_bdf_integrator(equation_, start_, tolerance)
                                                        : make_adams_integrator(*equation_.generator, tolerance);
  }

  void follow() {
    reached_ = state_;
    checkpoint_.emplace(checkpoint_of(reached_, result_));
    before_ = position_ = checkpoint_->restore(options_.monitor.restored);
    state_ = reached_;
    result_.converged = true;
    while (position_.done < result_.times.size()) {
      const double time = result_.times[position_.done];
      const bool there = time <= reached_time() || advance_to(time);
      count_work();
      if (!there) {
        result_.converged = false;
        result_.message =
            "solver.max_steps = " + std::to_string(options_.max_steps) + " steps did not reach time " + text_of(time);
        return;
      }
      fill_row(position_.done);
      reached_ = state_;
      position_ = {position_.done + 1, result_.steps, result_.rate_evaluations};
      result_.stopped = !report(options_.monitor, position_.done, result_.times.size(), save());
      if (result_.stopped) return;
    }
  }

  double reached_time() const { return position_.done > 0 ? result_.times[position_.done - 1] : 0.0; }

  bool advance_to(double time) {
    try {
      return integrator_->advance(state_, reached_time(), time, options_.max_steps - position_.steps);
    } catch (const NonFiniteRate& error) {
      report(equation_, error);
    }
  }

  void count_work() {
    result_.steps = before_.steps + integrator_->steps();
    result_.rate_evaluations = before_.rate_evaluations + integrator_->rate_evaluations();
  }

  std::span<double> occupation(std::size_t row) { return {result_.occupation.data() + row * modes_, modes_}; }
  std::span<double> multiplier(std::size_t row) { return {result_.lagrange_multiplier.data() + row * modes_, modes_}; }

  void fill_row(std::size_t row) {
    std::vector<double> holes(modes_);
    state_.reorient();
    state_.split(occupation(row), holes);
    state_.lagrange_multiplier(multiplier(row));
    result_.residual[row] = balance_residual(equation_, multiplier(row));
  }
  /// Resets a row that was only partly written.
  void clear_row(std::size_t row) {
    if (row == result_.times.size()) return;
    std::ranges::fill(occupation(row), std::numeric_limits<double>::quiet_NaN());
    std::ranges::fill(multiplier(row), std::numeric_limits<double>::quiet_NaN());
  }

  std::function<std::vector<unsigned char>()> save() {
    return [this] { return checkpoint_->save(position_); };
  }

  const RateEquation& equation_;
  std::span<const double> start_;
  const RelaxOptions& options_;
  std::size_t modes_;
  RelaxResult result_;
  std::unique_ptr<OccupationIntegrator> integrator_;
  ModeState state_, reached_;  ///< of the integrator; at the last output time done
  Position position_, before_;
  std::optional<Checkpoint<Position>> checkpoint_;
};

}  // namespace

std::vector<double> smaller_sides(std::span<const double> lagrange_multiplier) {
  const ModeState state = ModeState::of_occupations(lagrange_multiplier);
  std::vector<double> sides = state.value;
  for (std::size_t s = 0; s < sides.size(); ++s)
    if (state.stored[s] == Stored::holes) sides[s] = -sides[s];
  return sides;
}

RelaxResult relaxation_of(const RateEquation& equation, const Trajectory& trajectory, double tolerance) {
  const Calculation calculation(equation.threads);
  const std::size_t modes = equation.modes(), rows = trajectory.times.size();
  RelaxResult result;
  result.times.assign(trajectory.times.begin(), trajectory.times.end());
  result.residual.assign(trajectory.residual.begin(), trajectory.residual.end());
  result.lagrange_multiplier.resize(rows * modes);
  result.occupation.resize(rows * modes);
  ModeState state{std::vector<double>(modes), std::vector<Stored>(modes)};
  std::vector<double> holes(modes);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t s = 0; s < modes; ++s) {
      const double side = trajectory.state[row * modes + s];
      state.value[s] = std::fabs(side);
      state.stored[s] = side > 0.0 ? Stored::particles : Stored::holes;
    }
    state.split({result.occupation.data() + row * modes, modes}, holes);
    state.lagrange_multiplier({result.lagrange_multiplier.data() + row * modes, modes});
  }
  result.converged = true;
  result.steps = trajectory.steps;
  result.rate_evaluations = trajectory.rate_evaluations;
  result.message = note_on(tolerance, trajectory.scale);
  conclude(equation, result, tolerance);
  return result;
}

RelaxResult relax(const RateEquation& equation, std::span<const double> lagrange_multiplier,
                  std::span<const double> times, const RelaxOptions& options) {
  validate(equation, lagrange_multiplier, times, options);
  const Calculation calculation(equation.threads, options.monitor, equation.shared);
  if (equation.matrix) return matrix_relax(equation, lagrange_multiplier, times, options);
  return Relaxation(equation, lagrange_multiplier, times, options).run();
}

}  // namespace lindrift
