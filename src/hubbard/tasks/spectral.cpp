#include "lindrift/hubbard/spectral.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <random>

#include "engine/checkpoint.hpp"
#include "engine/device_thresholds.hpp"
#include "engine/parallel.hpp"
#include "engine/short_text.hpp"
#include "engine/validate.hpp"
#include "hubbard/coarse_chain.hpp"
#include "hubbard/direct.hpp"
#include "hubbard/fft.hpp"
#include "hubbard/ladder_self_energy.hpp"
#include "hubbard/volterra.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"
#include "lindrift/lattice/lattice.hpp"
#include "open_chain/green_rows.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// Terms per second of a core with AVX2, measured for 40 to 200 frequencies; with AVX-512 there are up to 5e9.
constexpr double terms_per_second = 2.5e9;
/// Operations per term, with its share of a division counted as one (docs/physics.md, section 10).
constexpr double operations_per_term = 10.25;
/// The same for a ladder, whose terms are complex.
constexpr double ladder_terms_per_second = 1.5e8;
/// Error of a direct sum relative to its largest value: the imaginary parts of its terms have one sign, and rounding
/// errors do not accumulate.
constexpr double direct_error = 4e-15;
/// For a ladder, where 1 - U Pi may be a tenth of its terms.
constexpr double ladder_direct_error = 4e-14;
/// Largest number of rounds that tighten the integral's tolerance until that of the spectral function holds.
constexpr int max_rounds = 3;

/// One problem: its modes and the points where it is evaluated.
struct Problem {
  HubbardModes modes;
  std::vector<double> argument;      ///< w - s, the argument of the second-order term
  std::vector<std::size_t> momenta;  ///< m = 0 .. L-1, in the order of the result
  const HubbardSpectralOptions& options;
  Execution execution;
  std::vector<std::size_t> distinct{};  ///< the momenta without duplicates
  std::vector<std::size_t> first{};  ///< row of each momentum's first occurrence in the result; none if not requested
  /// Cells and momenta of the system for each of these, in the plan of a larger one.
  double scale = 1.0, momenta_scale = 1.0;

  double sites() const { return scale * static_cast<double>(modes.sites); }
  /// Values of the result, without duplicates.
  double entries() const {
    return momenta_scale * static_cast<double>(distinct.size()) * static_cast<double>(argument.size());
  }
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
};

/// Makes a grid exactly symmetric about 0 if it is so to rounding: half of it then suffices on some chains.
void symmetrise(std::vector<double>& grid) {
  const std::size_t last = grid.size() - 1;
  const double rounding =
      4.0 * std::numeric_limits<double>::epsilon() * std::max(std::fabs(grid.front()), std::fabs(grid.back()));
  for (std::size_t i = 0; i <= last; ++i)
    if (!(std::fabs(grid[i] + grid[last - i]) <= rounding)) return;
  for (std::size_t i = 0; 2 * i <= last; ++i) {
    const double half_width = 0.5 * (grid[last - i] - grid[i]);
    grid[i] = -half_width;
    grid[last - i] = half_width;
  }
}

Problem problem_of(const HubbardChain& chain, std::span<const double> frequencies,
                   const HubbardSpectralOptions& options, const Execution& execution) {
  Problem problem{hubbard_modes(chain), {}, {}, options, execution};
  if (frequencies.empty()) throw ParameterError("task.frequencies", "at least one is needed");
  check_list("task.frequencies", frequencies_parameter(), frequencies);
  validate_fields(options);
  for (const double w : frequencies) {
    if (!(std::fabs(w) <= largest_ratio * problem.modes.energy_unit))
      throw ParameterError("task.frequencies",
                           std::to_string(w) + " is not allowed: must be within 1e30 times the hopping");
    problem.argument.push_back(w - problem.modes.argument_shift());
  }
  symmetrise(problem.argument);
  for (const std::size_t number : select_momenta(options.momenta, chain))
    problem.momenta.push_back(problem.modes.order.position(number));
  problem.first.assign(problem.modes.sites, Problem::none);
  for (std::size_t i = 0; i < problem.momenta.size(); ++i)
    if (std::size_t& first = problem.first[problem.momenta[i]]; first == Problem::none) {
      first = i;
      problem.distinct.push_back(problem.momenta[i]);
    }
  if (execution.algorithm == Algorithm::separable)
    throw UnsupportedError(
        "solver.algorithm = separable is impossible: the sum over pairs of momenta has no low-rank form; use fft, "
        "direct or auto");
  return problem;
}

/// Lower estimate of the self-energy's scale at the requested frequencies: its spectrum of weight M0 spread over all
/// poles.
double expected_scale(const Problem& problem) {
  const HubbardModes& modes = problem.modes;
  double nearest = std::fabs(problem.argument.front());
  for (const double w : problem.argument) nearest = std::min(nearest, std::fabs(w));
  return modes.first_moment / (nearest + modes.kernel_bandwidth + modes.fastest_rate + 0.5 * modes.fastest_probe_loss +
                               problem.options.broadening);
}

/// Symmetries by which the sums save work.
std::vector<std::string> symmetries_of(const Problem& problem) {
  const HubbardModes& modes = problem.modes;
  std::vector<std::string> found;
  if (modes.reflected) found.emplace_back("Gamma(p) = Gamma(pi - p)");
  if (modes.even_probe) found.emplace_back("the energy and the loss of the probe are even in k");
  const FrequencyGrid grid(problem.argument, modes.mirrored);
  if (grid.mirrored)
    found.emplace_back("Sigma(pi - k, -w) = -conj Sigma(k, w) on a symmetric grid of frequencies");
  else if (grid.symmetric && grid.centre == 0.0)
    found.emplace_back("the frequencies are symmetric about 0");
  return found;
}

/// @param in_time  null: a sum over pairs of momenta for each frequency
Backend ladder_backend(const Problem& problem, const LadderSelfEnergy* in_time, std::string* reason) {
  const Backend asked = problem.execution.backend;
  if (in_time == nullptr) return only_on_cpu(asked, "the ladder's sum over pairs of momenta runs", reason);
  return choose_backend(
      asked, device_thresholds().enough_propagators(static_cast<std::size_t>(problem.sites()), in_time->steps()),
      too_little_for_propagators, reason);
}

/// The plan of a ladder, which has its own methods to reach the frequencies.
HubbardSpectralPlan ladder_plan(const Problem& problem, double tolerance) {
  HubbardSpectralPlan plan;
  const Algorithm asked = problem.execution.algorithm;
  const double cores = std::max(1, problem.execution.threads), entries = problem.entries(), sites = problem.sites();
  plan.terms = sites * sites * entries;
  const double direct_seconds = plan.terms / ladder_terms_per_second;
  double fft_seconds = INFINITY;
  std::unique_ptr<LadderSelfEnergy> in_time;
  if (asked != Algorithm::direct) {
    try {
      in_time = std::make_unique<LadderSelfEnergy>(problem.modes, problem.argument, problem.options.broadening,
                                                   tolerance, problem.execution, problem.scale);
      fft_seconds = in_time->seconds();
      plan.nodes = static_cast<double>(in_time->nodes());
    } catch (const ParameterError&) {
      if (asked == Algorithm::fft) throw;
    }
  }
  // A device has only fft.
  const bool faster = is_device(problem.execution.backend) ? in_time != nullptr : fft_seconds < direct_seconds;
  plan.algorithm = asked == Algorithm::automatic ? (faster ? Algorithm::fft : Algorithm::direct) : asked;
  const bool by_time = plan.algorithm == Algorithm::fft;
  plan.backend = ladder_backend(problem, by_time ? in_time.get() : nullptr, &plan.backend_reason);
  plan.algorithm_reason = by_time
                              ? "an integral equation in time for each momentum of a pair, then a product of matrices"
                          : asked == Algorithm::direct ? "as asked"
                                                       : "so few momenta and frequencies cost less term by term";
  plan.seconds = (by_time ? fft_seconds : direct_seconds) / cores;
  plan.operations =
      by_time ? plan.nodes * sites * (40.0 * std::log2(sites) + 500.0 + 8.0 * entries / sites) : 14.0 * plan.terms;
  if (by_time) {
    plan.terms = 0.0;
    plan.memory_bytes = in_time->memory_bytes(plan.backend);
  } else {
    plan.nodes = 0.0;
  }
  return plan;
}

HubbardSpectralPlan plan_of(const Problem& problem, double tolerance) {
  if (problem.modes.is_ladder()) return ladder_plan(problem, tolerance);
  HubbardSpectralPlan plan;
  plan.symmetries = symmetries_of(problem);
  const Algorithm asked = problem.execution.algorithm;
  Execution execution = problem.execution;
  // The choice of a backend must not depend on threads, because the bits must not.
  const double cores = std::max(1, execution.threads > 0 ? execution.threads : 1);

  execution.backend = Backend::cpu;  // planning needs no device
  plan.terms = DirectSelfEnergy(problem.modes, execution).terms(problem.distinct.size(), problem.argument) *
               problem.scale * problem.scale * problem.momenta_scale;
  const double direct_seconds = plan.terms / terms_per_second;
  double fft_seconds = INFINITY;
  FftPlan fft;
  const auto plan_fft = [&] {
    fft =
        FftSelfEnergy(problem.modes, problem.argument, problem.options.broadening, tolerance, execution, problem.scale)
            .plan();
    fft_seconds = fft.seconds;
  };
  if (asked != Algorithm::direct) {
    try {
      plan_fft();
    } catch (const ParameterError&) {
      if (asked == Algorithm::fft) throw;  // otherwise the direct sum is used
    }
  }
  plan.algorithm =
      asked == Algorithm::automatic ? (fft_seconds < direct_seconds ? Algorithm::fft : Algorithm::direct) : asked;
  const bool by_times = plan.algorithm == Algorithm::fft;
  plan.backend = choose_backend(
      problem.execution.backend,
      by_times ? fft_seconds >= device_thresholds().self_energy_seconds
               : plan.terms >= device_thresholds().self_energy_terms,
      by_times ? "too little work to gain from a device" : "too few terms to gain from a device", &plan.backend_reason);
  if (plan.algorithm == Algorithm::fft) {
    if (is_device(plan.backend)) {  // its method to reach the frequencies is another one
      execution.backend = Backend::cuda;
      plan_fft();
    }
    plan.algorithm_reason = fft.reason;
    plan.nodes = static_cast<double>(fft.nodes);
    const double sites = problem.sites();
    plan.operations =
        plan.nodes * sites * (20.0 * std::log2(sites) + 4.0 * static_cast<double>(problem.argument.size()));
    plan.seconds = fft.seconds / cores;
    plan.memory_bytes = fft.memory_bytes + 300.0 * sites;
    plan.terms = 0.0;
    return plan;
  }
  plan.algorithm_reason =
      asked == Algorithm::direct ? "as asked" : "so few momenta and frequencies cost less term by term";
  plan.operations = operations_per_term * plan.terms;
  plan.seconds = direct_seconds / cores;
  // Tables of the modes, and the sums of one call for some of the entries.
  plan.memory_bytes = 200.0 * problem.sites() + 100.0 * std::min(problem.entries(), 0x1p18);
  return plan;
}

/// 1/G of an entry: w + i eta - e_k - Sigma.
Complex inverse_green(const HubbardSpectrum& result, const Problem& problem, std::size_t row, std::size_t column) {
  const Complex sigma = result.self_energy[row * result.frequencies.size() + column];
  return Complex(result.frequencies[column] - problem.modes.energy[problem.momenta[row]] - sigma.real(),
                 problem.options.broadening - sigma.imag());
}

/// Largest finite |Sigma|, A and |G|^2; fill_spectrum() computes G and A from the self-energy.
struct Largest {
  double self_energy = 0.0, spectral_function = 0.0, green_square = 0.0;
};
Largest fill_spectrum(HubbardSpectrum& result, const Problem& problem) {
  const std::size_t count = result.frequencies.size(), rows = problem.momenta.size();
  result.spectral_function.assign(rows * count, 0.0);
  if (problem.options.keep_green) result.green_retarded.assign(rows * count, 0.0);
  result.delta_peaks = 0;
  std::vector<Largest> largest(rows);
  const auto fill = [&](std::size_t i) {
    for (std::size_t w = 0; w < count; ++w) {
      const std::size_t e = i * count + w;
      const Complex inverse = inverse_green(result, problem, i, w);
      const double square = std::norm(inverse);
      Largest& most = largest[i];
      const double size = std::abs(result.self_energy[e]);
      most.self_energy = size <= most.self_energy ? most.self_energy : size;  // NaN wins
      if (square > 0.0) {
        result.spectral_function[e] = 2.0 * inverse.imag() / square;
        most.spectral_function = std::max(most.spectral_function, result.spectral_function[e]);
        most.green_square = std::max(most.green_square, 1.0 / square);
      } else {
        result.spectral_function[e] = INFINITY;
      }
      if (problem.options.keep_green) result.green_retarded[e] = square > 0.0 ? 1.0 / inverse : Complex(0.0, -INFINITY);
    }
  };
  in_parts(parallel_threads(rows * count), rows, [&](std::size_t i, std::size_t last, std::size_t) {
    for (; i < last; ++i) fill(i);
  });
  Largest all;
  for (std::size_t i = 0; i < rows; ++i) {
    if (!(largest[i].self_energy <= all.self_energy)) all.self_energy = largest[i].self_energy;
    all.spectral_function = std::max(all.spectral_function, largest[i].spectral_function);
    all.green_square = std::max(all.green_square, largest[i].green_square);
    if (problem.options.broadening == 0.0 && problem.modes.first_moment == 0.0 &&
        problem.modes.probe_loss[problem.momenta[i]] == 0.0)
      ++result.delta_peaks;
  }
  return all;
}

/// Number of completed stages of the sum, and in which round and for which tolerance.
struct Position {
  std::uint64_t done = 0;
  std::int64_t round = 0;
  double tolerance = 0.0;
};

/// @param self_energy  second order, as far as it has been summed
Checkpoint<Position> checkpoint_of(const Problem& problem, std::vector<Complex>& self_energy) {
  Fingerprint print;
  for_each_parameter(problem.modes, [&](const auto& values) { print.add(values); });
  print.add(problem.argument).add(problem.momenta).add(problem.options.broadening).add(problem.options.tolerance);
  print.add(static_cast<int>(problem.execution.algorithm));
  print.add(static_cast<int>(problem.execution.backend));  // another backend has other bits
  return {print, [&self_energy](const Position& at) {
            Checkpoint<Position>::Arrays arrays;
            if (at.round >= 0 && at.round < max_rounds) arrays = {std::as_writable_bytes(std::span(self_energy))};
            return arrays;
          }};
}

/// Marks everything as missing in a run that was stopped.
void give_up(HubbardSpectrum& result) {
  constexpr double missing = std::numeric_limits<double>::quiet_NaN();
  std::fill(result.self_energy.begin(), result.self_energy.end(), Complex(missing, missing));
  result.spectral_function.assign(result.self_energy.size(), missing);
  result.self_energy_error = result.spectral_function_error = missing;
  result.message = "stopped";
}

/// Evaluates randomly chosen entries again by the direct algorithm; the same entries for the same shape.
double certificate(const HubbardSpectrum& result, const Problem& problem, double largest) {
  std::mt19937_64 random(20260407);
  std::vector<std::size_t> rows, columns, momenta;
  std::vector<double> arguments;
  for (std::size_t i = 0; i < problem.options.certify; ++i) {
    rows.push_back(random() % problem.momenta.size());
    columns.push_back(random() % problem.argument.size());
    momenta.push_back(problem.momenta[rows.back()]);
    arguments.push_back(problem.argument[columns.back()]);
  }
  Execution execution = problem.execution;
  execution.backend = resolve_backend(execution.backend);
  const auto values =
      problem.modes.is_ladder()
          ? ladder_self_energy(problem.modes, momenta, arguments, problem.options.broadening, threads_of(execution))
          : DirectSelfEnergy(problem.modes, execution).points(momenta, arguments, problem.options.broadening);
  double worst = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Complex expected =
        values[i] + Complex(problem.modes.level_shift(), -0.5 * problem.modes.probe_loss[momenta[i]]);
    worst = std::max(worst, std::abs(result.self_energy[rows[i] * problem.argument.size() + columns[i]] - expected));
  }
  return largest > 0.0 ? worst / largest : 0.0;
}

/// The same for a ladder; each momentum is a stage of its direct sum.
double sum_ladder(const Problem& problem, double tolerance, const std::vector<Complex*>& rows, StagedSum& stages) {
  if (problem.execution.algorithm == Algorithm::fft)
    return LadderSelfEnergy(problem.modes, problem.argument, problem.options.broadening, tolerance, problem.execution)
        .add_grid(rows, stages);
  stages.expect(problem.distinct.size());
  for (const std::size_t m : problem.distinct) {
    if (stages.skips()) continue;
    const std::vector<std::size_t> momentum(problem.argument.size(), m);
    const auto values = ladder_self_energy(problem.modes, momentum, problem.argument, problem.options.broadening,
                                           threads_of(problem.execution));
    for (std::size_t w = 0; w < values.size(); ++w) rows[m][w] += values[w];
    stages.finished();
  }
  return 0.0;
}

/// Sums the dynamical part into result.self_energy, continuing from the stage in `start`.
/// @return a bound of the error
double sum_dynamical_part(const Problem& problem, const Checkpoint<Position>& checkpoint, const Position& start,
                          HubbardSpectrum& result) {
  if (start.done == 0) std::fill(result.self_energy.begin(), result.self_energy.end(), Complex(0.0));
  std::vector<Complex*> rows(problem.modes.sites, nullptr);
  for (const std::size_t m : problem.distinct)
    rows[m] = result.self_energy.data() + problem.first[m] * result.frequencies.size();
  const Calculation calculation(problem.execution, problem.options.monitor);
  const bool offers = 16.0 * static_cast<double>(result.self_energy.size()) < max_checkpoint_bytes;
  const auto on_stage = [&](std::size_t done, std::size_t of, const std::function<void()>& complete) {
    const auto save = [&] {
      complete();
      return checkpoint.save({done, start.round, start.tolerance});
    };
    result.stopped =
        !report(problem.options.monitor, done, of, offers ? save : std::function<std::vector<unsigned char>()>());
    return !result.stopped;
  };
  StagedSum stages(on_stage, start.done);
  if (problem.modes.is_ladder()) return sum_ladder(problem, start.tolerance, rows, stages);
  if (problem.execution.algorithm == Algorithm::fft)
    return FftSelfEnergy(problem.modes, problem.argument, problem.options.broadening, start.tolerance,
                         problem.execution)
        .add_grid(rows, stages);
  if (problem.modes.first_moment > 0.0) {
    DirectSelfEnergy direct(problem.modes, problem.execution);
    stages.expect(direct.stage_count(problem.distinct.size(), problem.argument));
    direct.add_grid(rows, problem.argument, problem.options.broadening, stages);
  }
  return 0.0;
}

/// Adds the first order, and fills in G, A and the error bounds.
/// @param error  of second order
Largest finish(const Problem& problem, double error, HubbardSpectrum& result) {
  const HubbardModes& modes = problem.modes;
  const std::size_t count = result.frequencies.size();
  for (std::size_t i = problem.momenta.size(); i-- > 0;)
    if (const std::size_t first = problem.first[problem.momenta[i]]; first != i)  // a path may visit a momentum again
      std::copy_n(result.self_energy.begin() + static_cast<std::ptrdiff_t>(first * count), count,
                  result.self_energy.begin() + static_cast<std::ptrdiff_t>(i * count));
  for (std::size_t i = 0; i < problem.momenta.size(); ++i)
    for (std::size_t w = 0; w < count; ++w)
      result.self_energy[i * count + w] += Complex(modes.level_shift(), -0.5 * modes.probe_loss[problem.momenta[i]]);
  const Largest largest = fill_spectrum(result, problem);
  if (problem.execution.algorithm == Algorithm::direct)
    error = (modes.is_ladder() ? ladder_direct_error : direct_error) * largest.self_energy;
  // |dA| <= 2 |G|^2 |dSigma|.
  result.self_energy_error = largest.self_energy > 0.0 ? error / largest.self_energy : 0.0;
  result.spectral_function_error = largest.spectral_function > 0.0 && error > 0.0
                                       ? 2.0 * largest.green_square * error / largest.spectral_function
                                       : 0.0;
  return largest;
}

/// The parts of the result that are known before the sum.
HubbardSpectrum empty_spectrum(const HubbardChain& chain, std::span<const double> frequencies, const Problem& problem,
                               const HubbardSpectralPlan& plan) {
  HubbardSpectrum result;
  result.frequencies.assign(frequencies.begin(), frequencies.end());
  result.momenta = momenta_of(select_momenta(problem.options.momenta, chain), problem.modes.lattice);
  result.self_energy.resize(problem.momenta.size() * frequencies.size());
  result.mean_occupation = problem.modes.mean_occupation;
  result.hartree_shift = problem.modes.mean_field;
  result.first_moment = problem.modes.first_moment;
  result.algorithm = plan.algorithm;
  result.algorithm_reason = plan.algorithm_reason;
  result.backend = problem.execution.backend;
  result.backend_reason = plan.backend_reason;
  return result;
}

}  // namespace

HubbardSpectralPlan plan_spectral(const HubbardChain& chain, std::span<const double> frequencies,
                                  const HubbardSpectralOptions& options, const Execution& execution) {
  const std::size_t wanted = options.momenta.empty() ? chain.size() : select_momenta(options.momenta, chain).size();
  return with_coarse_chain(chain, [&](const HubbardChain& few) {
    HubbardSpectralOptions of_few = options;
    const Lattice lattice = few.lattice();
    if (few.size() != chain.size() && !options.momenta.empty()) {
      of_few.momenta.clear();
      for (std::size_t k = 0; k < std::min(wanted, few.size()); ++k) {
        const LatticeVector m = lattice.momentum(k);
        of_few.momenta.insert(of_few.momenta.end(), m.begin(), m.begin() + lattice.dimensions());
      }
    }
    Problem problem = problem_of(few, frequencies, of_few, execution);
    problem.scale = static_cast<double>(chain.size()) / static_cast<double>(few.size());
    problem.momenta_scale = static_cast<double>(wanted) / static_cast<double>(problem.momenta.size());
    return plan_of(problem, options.tolerance * expected_scale(problem));
  });
}

double spectral_device_bytes(const HubbardChain& chain, std::span<const double> frequencies,
                             const HubbardSpectralOptions& options, const Execution& execution) {
  Problem problem = problem_of(chain, frequencies, options, execution);
  const double tolerance = options.tolerance * expected_scale(problem);
  const HubbardSpectralPlan plan = plan_of(problem, tolerance);
  problem.execution.backend = plan.backend;
  if (!is_device(plan.backend) || problem.modes.first_moment == 0.0) return 0.0;
  if (problem.modes.is_ladder())
    return LadderSelfEnergy(problem.modes, problem.argument, options.broadening, tolerance, problem.execution)
        .device_bytes();
  if (plan.algorithm == Algorithm::fft)
    return FftSelfEnergy(problem.modes, problem.argument, options.broadening, tolerance, problem.execution)
        .device_bytes(problem.distinct.size());
  return DirectSelfEnergy(problem.modes, problem.execution).device_bytes(problem.distinct.size(), problem.argument);
}

HubbardSpectrum spectral(const HubbardChain& chain, std::span<const double> frequencies,
                         const HubbardSpectralOptions& options, const Execution& execution) {
  const Calculation preparation(threads_of(execution));
  Problem problem = problem_of(chain, frequencies, options, execution);
  const double first_tolerance = options.tolerance * expected_scale(problem);
  const HubbardSpectralPlan plan = plan_of(problem, first_tolerance);
  problem.execution.algorithm = plan.algorithm;
  problem.execution.backend =
      agree_on_backend(execution.communicator, plan.backend, execution.backend == Backend::automatic);

  HubbardSpectrum result = empty_spectrum(chain, frequencies, problem, plan);
  const auto checkpoint = checkpoint_of(problem, result.self_energy);
  Position start = checkpoint.restore(options.monitor.restored);
  if (start.done == 0) start.tolerance = first_tolerance;
  Largest largest;
  double worst = 0.0;
  for (;;) {
    double error = 0.0;
    try {
      error = sum_dynamical_part(problem, checkpoint, start, result);
    } catch (const Interruption&) {
      result.stopped = true;
    }
    if (result.stopped) {
      give_up(result);
      return result;
    }
    largest = finish(problem, error, result);
    worst = std::max(result.self_energy_error, result.spectral_function_error);
    if (worst <= options.tolerance || plan.algorithm == Algorithm::direct || start.round + 1 == max_rounds) break;
    start = {0, start.round + 1, start.tolerance * (0.5 * options.tolerance / worst)};
  }
  if (std::isnan(largest.self_energy))
    throw NumericalError("the self-energy is not finite at some momenta and frequencies");
  if (worst > options.tolerance)
    add_to_message(result.message, "the error is bounded by " + short_text(worst) +
                                       " of the largest value only, not by the tolerance: rounding");
  if (result.delta_peaks > 0)
    add_to_message(result.message,
                   "without interaction, loss of the probe and broadening the spectral function is a delta peak at "
                   "each momentum: +inf on its grid point, 0 beside it; task.broadening gives it a width");
  // The other approximations are never negative, except by their error.
  if (problem.modes.is_ladder() && problem.modes.ladder == Ladder::both)
    add_to_message(
        result.message,
        negative_values(result.spectral_function, result.spectral_function_error * largest.spectral_function,
                        "the interaction is too strong for model.ladder = both, particle or hole alone never "
                        "have such values"));
  if (options.certify > 0) result.certificate = certificate(result, problem, largest.self_energy);
  return result;
}

}  // namespace lindrift
