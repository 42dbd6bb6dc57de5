#include "lindrift/tasks/hubbard_green.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "fourier.hpp"
#include "kernels/table.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"
#include "models/hubbard_memory_kernel.hpp"
#include "models/hubbard_volterra.hpp"
#include "parallel.hpp"
#include "tasks/checkpoint.hpp"
#include "tasks/short_text.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;
using kernels::VolterraTables;

constexpr auto margin = static_cast<std::size_t>(VolterraTables::margin);
constexpr auto stencil = static_cast<std::size_t>(VolterraTables::stencil);
constexpr auto circle_points = static_cast<std::size_t>(VolterraTables::circle_points);
constexpr std::size_t group = VolterraSolver::group;
/// step * (largest exponent): the error is 3e-14 and 3e-11, measured.
constexpr double fine_step = 0.28, coarse_step = 0.56, coarse_tolerance = 1e-9;
constexpr std::int64_t max_halvings = 3;
/// The error of order 10 falls by 2^10 with half the step; this much of it is claimed.
constexpr double claimed_gain = 256.0;
/// What rounding leaves: sums of some thousand terms of order one.
constexpr double rounding = 2e-14;
/// Times that a run looks whether it should stop.
constexpr std::size_t max_rounds = 16;
/// Beyond, no checkpoints are offered: copying the state would take as long as much of the work.
constexpr double max_state_bytes = 2147483648.0;
/// Operations per second of a core, for an estimate.
constexpr double operations_per_second = 8e9;
/// On a device a momentum is one thread that adds all steps term by term: it takes many momenta and not too many steps
/// to gain from it. And momenta for each look whether the run should stop.
constexpr std::size_t device_momenta = 16384, device_steps = 8192, device_round = 65536;

/// Largest exponent of kt: energies of three particles against one, and their decay.
double largest_exponent(const HubbardModes& modes) {
  return std::hypot(8.0 * std::fabs(modes.hopping) + std::fabs(modes.level_shift() - modes.argument_shift()),
                    modes.fastest_rate + 0.5 * modes.fastest_probe_loss) +
         std::sqrt(modes.first_moment);
}

/// @throws ParameterError if they could not even be counted
std::size_t steps_for(double last, double step) {
  constexpr auto least = static_cast<std::size_t>(2 * (VolterraTables::start + VolterraTables::stencil));
  constexpr double most = 1e15;
  if (!(last / step <= most))
    throw ParameterError("task.times",
                         short_text(last) + " is " + short_text(last / step) + " steps away: more than can be taken");
  return std::max<std::size_t>(least, 2 * (static_cast<std::size_t>(std::ceil(last / step)) / 2 + 1));
}

double first_step(const HubbardModes& modes, double tolerance) {
  return (tolerance >= coarse_tolerance ? coarse_step : fine_step) / largest_exponent(modes);
}

/// G(k,t) in the order of the transforms, (sites, times), and how far two steps differ at each momentum.
struct Solution {
  std::vector<Complex> green;
  std::vector<double> difference;
  bool stopped = false;
};

/// Rounds of momenta done, with a step halved so many times.
struct Position {
  std::uint64_t done = 0;
  std::int64_t halving = 0;
};

/// One run with its check. Rounds are of the same momenta whoever shares them, so that several ranks resume where one
/// process stopped.
class Propagation {
 public:
  Propagation(const HubbardModes& modes, std::span<const double> at, const HubbardGreenOptions& options,
              const Execution& execution)
      : modes_(modes),
        at_(at),
        options_(options),
        execution_(execution),
        communicator_(execution.communicator != nullptr && execution.communicator->size() > 1 ? execution.communicator
                                                                                              : nullptr),
        threads_(execution.threads > 0 ? execution.threads : omp_get_max_threads()),
        kernel_(modes),
        groups_((modes.sites + group - 1) / group),
        rounds_(execution.backend == Backend::cuda ? std::clamp<std::size_t>(modes.sites / device_round, 1, max_rounds)
                                                   : std::min(groups_, max_rounds)) {
    solution_.green.resize(modes.sites * at.size());
    solution_.difference.resize(groups_ * group);
  }

  /// @param start  the halvings of this step, and the rounds that are known already
  void solve(double step, const Position& start) {
    const VolterraEquation equation(modes_, at_, steps_for(at_.back(), step), step);
    const std::size_t sites = modes_.sites, times = at_.size();
    const std::size_t groups = groups_, rounds = rounds_;
    solution_.stopped = false;
    std::vector<Complex> circles(2 * circle_points * sites + group);  // lanes beyond the last momentum read something
    kernel_.evaluate(equation.circles(), circles.data());
    const std::unique_ptr<kernels::TimeDevice> device = make_device();
    std::vector<Complex> rows;
    const std::vector<double> grid = equation.grid();
    if (device)
      device->evaluate(grid.data(), static_cast<std::int64_t>(grid.size()));
    else
      evaluate(grid, rows);
    const VolterraSolver solver(equation.fine, equation.rough);
    for (std::size_t round = static_cast<std::size_t>(start.done); round < rounds; ++round) {
      const std::size_t begin = groups * round / rounds, end = groups * (round + 1) / rounds;
      std::vector<std::size_t> shares = {0, end - begin};
      if (communicator_ != nullptr) shares = share_bounds(*communicator_, end - begin);
      const std::size_t rank = communicator_ != nullptr ? static_cast<std::size_t>(communicator_->rank()) : 0;
      const std::size_t own_begin = begin + shares[rank], own_end = begin + shares[rank + 1];
      if (device) {
        const std::size_t first = own_begin * group, last = std::min(sites, own_end * group);
        if (first < last)
          device->propagate(equation.fine, equation.rough, reinterpret_cast<const double*>(circles.data()),
                            static_cast<std::int64_t>(first), static_cast<std::int64_t>(last),
                            reinterpret_cast<double*>(solution_.green.data() + first * times),
                            solution_.difference.data() + first);
      } else {
        Rescue rescue;
#pragma omp parallel num_threads(threads_) if (own_end - own_begin > 1)
        {
          VolterraSolver::Workspace workspace;
#pragma omp for schedule(dynamic)
          for (std::size_t g = own_begin; g < own_end; ++g)
            rescue([&] {
              solver.solve(g * group, rows.data(), circles.data(), workspace, solution_.green.data(),
                           solution_.difference.data() + g * group);
            });
        }
        rescue.rethrow();
      }
      if (communicator_ != nullptr) gather(begin, end, shares);
      if (round + 1 == rounds) break;
      const Monitor& monitor = options_.monitor;
      solution_.stopped =
          monitor.progress && !monitor.progress(static_cast<double>(round + 1) / static_cast<double>(rounds));
      if (monitor.checkpoint && 16.0 * static_cast<double>(solution_.green.size()) < max_state_bytes)
        monitor.checkpoint([&] { return checkpoint().save({round + 1, start.halving}); });
      if (solution_.stopped) return;
    }
  }

  Position restore() { return checkpoint().restore(options_.monitor.restored); }

  const Solution& solution() const { return solution_; }
  /// The largest difference between the two runs, or NaN.
  double difference() const {
    double largest = 0.0;
    for (std::size_t m = 0; m < modes_.sites; ++m)
      if (const double one = solution_.difference[m]; !(one <= largest)) largest = one;
    return largest;
  }

 private:
  Checkpoint<Position> checkpoint() {
    Fingerprint problem;
    for_each_parameter(modes_, [&](const auto& values) { problem.add(values); });
    problem.add(at_).add(options_.tolerance).add(rounds_);
    problem.add(static_cast<int>(execution_.backend));  // another one has other bits
    return {problem, [this](const Position& at) {
              Checkpoint<Position>::Arrays arrays;
              if (at.halving >= 0 && at.halving <= max_halvings && at.done < rounds_)
                arrays = {std::as_writable_bytes(std::span(solution_.green)),
                          std::as_writable_bytes(std::span(solution_.difference))};
              return arrays;
            }};
  }

  std::unique_ptr<kernels::TimeDevice> make_device() const {
    if (execution_.backend != Backend::cuda) return nullptr;
    return std::unique_ptr<kernels::TimeDevice>(
        kernels::device_kernels().make_time_device(kernel_.tables(), execution_.device));
  }

  /// K at the grid, all momenta; ranks share the times.
  void evaluate(std::span<const double> grid, std::vector<Complex>& rows) const {
    const std::size_t sites = modes_.sites;
    rows.assign(grid.size() * sites + group, Complex(0.0));
    if (communicator_ == nullptr) return kernel_.evaluate(grid, rows.data(), threads_);
    const auto shares = share_bounds(*communicator_, grid.size());
    const auto rank = static_cast<std::size_t>(communicator_->rank());
    kernel_.evaluate(grid.subspan(shares[rank], shares[rank + 1] - shares[rank]), rows.data() + shares[rank] * sites,
                     threads_);
    communicator_->all_gather({reinterpret_cast<double*>(rows.data()), 2 * grid.size() * sites},
                              share_bounds(*communicator_, grid.size(), 1, 2 * sites));
  }

  /// Completes the groups begin .. end-1, of which every member has its share.
  void gather(std::size_t begin, std::size_t end, const std::vector<std::size_t>& shares) {
    const std::size_t times = at_.size(), first = begin * group, last = std::min(modes_.sites, end * group);
    std::vector<std::size_t> green, difference;
    for (const std::size_t share : shares) {
      green.push_back(2 * times * (std::min(last, first + share * group) - first));
      difference.push_back(share * group);
    }
    communicator_->all_gather({reinterpret_cast<double*>(solution_.green.data() + first * times), green.back()}, green);
    communicator_->all_gather({solution_.difference.data() + first, difference.back()}, difference);
  }

  const HubbardModes& modes_;
  std::span<const double> at_;
  const HubbardGreenOptions& options_;
  const Execution& execution_;
  Communicator* communicator_;
  int threads_;
  MemoryKernel kernel_;
  std::size_t groups_, rounds_;
  Solution solution_;
};

/// Bytes beside the results for so many steps.
double bytes_for(const HubbardModes& modes, double steps, double times, int threads) {
  const auto sites = static_cast<double>(modes.sites);
  const double kernel = 16.0 * sites * (steps + 2.0 * static_cast<double>(margin + circle_points));
  const double solution = (16.0 * sites + 8.0 * static_cast<double>(stencil + 2)) * times;
  // Both runs' arrays, the rows that are transformed and the spectra of all lengths.
  const double workspace = static_cast<double>(group) * steps * (8.0 * 12.0 + 16.0 * 6.0);
  return kernel + solution + threads * (workspace + MemoryKernel::working_bytes(modes.sites));
}

HubbardGreenPlan plan_of(const HubbardModes& modes, std::span<const double> at, double tolerance,
                         const Execution& execution) {
  HubbardGreenPlan plan;
  const auto sites = static_cast<double>(modes.sites);
  plan.steps = steps_for(at.back(), first_step(modes, tolerance));
  const auto steps = static_cast<double>(plan.steps);
  const int threads = execution.threads > 0 ? execution.threads : omp_get_max_threads();
  const double kernel = (modes.on_site ? 20.0 : 30.0) * std::log2(sites) + 60.0;
  plan.operations = steps * sites * (VolterraSolver::operations(steps) + kernel);
  plan.seconds = plan.operations / operations_per_second / threads;
  plan.memory_bytes = bytes_for(modes, steps, static_cast<double>(at.size()), threads);
  plan.backend = resolve_backend(execution.backend, &plan.backend_reason);
  if (execution.backend == Backend::automatic && plan.backend == Backend::cuda &&
      (modes.sites < device_momenta || plan.steps > device_steps)) {
    plan.backend = Backend::cpu;
    plan.backend_reason = "too few momenta, or too many steps, to gain from a device; cuda can be asked for";
  }
  return plan;
}

}  // namespace

HubbardGreenPlan plan_green(const HubbardChain& chain, std::span<const double> times, double tolerance,
                            const Execution& execution) {
  return plan_of(hubbard_modes(chain), times, tolerance, execution);
}

HubbardGreen green(const HubbardChain& chain, std::span<const double> at, const HubbardGreenOptions& options,
                   const Execution& requested) {
  const HubbardModes modes = hubbard_modes(chain);
  if (at.empty()) throw ParameterError("task.times", "at least one time is needed");
  check_list("task.times", times_parameter(), at);
  validate_fields(options);
  HubbardGreenPlan plan = plan_of(modes, at, options.tolerance, requested);
  plan.backend = agree_on_backend(requested.communicator, plan.backend, requested.backend == Backend::automatic);
  Execution execution = requested;
  execution.backend = plan.backend;

  const std::size_t sites = modes.sites;
  HubbardGreen result;
  result.times.assign(at.begin(), at.end());
  result.backend = plan.backend;
  result.backend_reason = plan.backend_reason;
  Propagation propagation(modes, at, options, execution);
  const Solution& solution = propagation.solution();
  Position start = propagation.restore();
  std::string shortage;
  // Both runs take the same phases from large times: their difference does not show what these round.
  double fastest = 0.0;
  for (const double energy : modes.energy) fastest = std::max(fastest, std::fabs(energy + modes.level_shift()));
  const double min_error = rounding + std::numeric_limits<double>::epsilon() * fastest * at.back();
  double step = first_step(modes, options.tolerance) * std::exp2(-static_cast<double>(start.halving));
  const int threads = execution.threads > 0 ? execution.threads : omp_get_max_threads();
  for (;; start = {0, start.halving + 1}) {
    propagation.solve(step, start);
    const double difference = propagation.difference();
    result.steps = steps_for(at.back(), step);
    result.error =
        std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference / claimed_gain + min_error;
    if (result.error <= std::max(options.tolerance, 2.0 * min_error) || start.halving == max_halvings ||
        solution.stopped)
      break;
    const std::size_t next = steps_for(at.back(), 0.5 * step);
    if (static_cast<std::int64_t>(next) > options.max_steps) {
      shortage = "; half the step would take more than max_steps";
      break;
    }
    const double bytes = bytes_for(modes, static_cast<double>(next), static_cast<double>(at.size()), threads);
    if (!true_on_all_ranks(execution.communicator, bytes <= options.max_bytes)) {
      shortage = "; half the step would take more memory than there is";
      break;
    }
    step *= 0.5;
  }
  result.stopped = solution.stopped;
  result.converged = !solution.stopped && result.error <= options.tolerance;
  if (solution.stopped)
    result.message = "stopped";
  else if (!result.converged)
    result.message = "the estimated error " + short_text(result.error) + " exceeds the tolerance" + shortage;

  const Fourier fourier(sites);
  const double over = 1.0 / static_cast<double>(sites), missing = std::numeric_limits<double>::quiet_NaN();
  if (options.keep_momenta) result.green_retarded_momentum.resize(at.size() * sites);
  if (options.keep_sites) result.green_retarded.resize(at.size() * sites);
  std::vector<Complex> row(sites), ordered(sites);
  for (std::size_t t = 0; t < at.size(); ++t) {
    for (std::size_t m = 0; m < sites; ++m) row[m] = solution.stopped ? missing : solution.green[m * at.size() + t];
    if (options.keep_momenta)
      for (std::size_t i = 0; i < sites; ++i)
        result.green_retarded_momentum[t * sites + i] = row[transform_order(i, sites)];
    fourier.backward(row.data(), 1);
    for (std::size_t i = 0; i < sites; ++i) ordered[i] = over * row[transform_order(i, sites)];
    if (options.keep_sites)
      std::copy(ordered.begin(), ordered.end(), result.green_retarded.begin() + static_cast<std::ptrdiff_t>(t * sites));
    const Spreading moments = spreading(ordered);
    result.norm.push_back(moments.norm);
    result.drift.push_back(moments.drift);
    result.drift_symmetric.push_back(moments.drift_symmetric);
  }
  return result;
}

}  // namespace lindrift
