#include "lindrift/hubbard/green.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "engine/checkpoint.hpp"
#include "engine/device_memory.hpp"
#include "engine/device_thresholds.hpp"
#include "engine/parallel.hpp"
#include "engine/short_text.hpp"
#include "engine/validate.hpp"
#include "hubbard/coarse_chain.hpp"
#include "hubbard/ladder.hpp"
#include "hubbard/memory_kernel.hpp"
#include "hubbard/volterra.hpp"
#include "kernels/table.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"
#include "open_chain/green_rows.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;
using kernels::VolterraTables;

constexpr auto margin = static_cast<std::size_t>(VolterraTables::margin);
constexpr auto stencil = static_cast<std::size_t>(VolterraTables::stencil);
constexpr auto circle_points = static_cast<std::size_t>(VolterraTables::circle_points);
constexpr std::size_t group = VolterraSolver::group;
constexpr std::int64_t max_halvings = 3;
/// Rounding error of sums of a few thousand terms of order one.
constexpr double rounding = 2e-14;
/// Largest number of stages of a run, between which it can stop.
constexpr std::size_t max_rounds = 16;
/// Operations per second of a core with AVX2, as measured: in the steps of the integral equation, in the transforms
/// that give its kernel, and in the series that start it; and seconds for the amplitudes at a complex time.
constexpr double march_speed = 1.2e10, kernel_speed = 5e9, start_speed = 4.6e9, complex_time_seconds = 7.5e-8;
/// Number of momenta per stage on a device.
constexpr std::size_t device_round = 65536;

/// Largest exponent of kt: the energies of three particles relative to one, and their decay.
double largest_exponent(const HubbardModes& modes) {
  const double collisions = modes.is_ladder() ? std::fabs(modes.interaction) : 0.0;
  return std::hypot(modes.equation_bandwidth + collisions + std::fabs(modes.level_shift() - modes.argument_shift()),
                    modes.fastest_rate + 0.5 * modes.fastest_probe_loss) +
         std::sqrt(modes.first_moment);
}

/// @throws ParameterError if the number of steps is too large to count
std::size_t steps_for(double last, double step) {
  constexpr auto min_steps = static_cast<std::size_t>(2 * (VolterraTables::start + VolterraTables::stencil));
  constexpr double max_steps = 1e15;
  if (!(last / step <= max_steps))
    throw ParameterError("task.times",
                         short_text(last) + " is " + short_text(last / step) + " steps away: more than can be taken");
  return std::max<std::size_t>(min_steps, 2 * (static_cast<std::size_t>(std::ceil(last / step)) / 2 + 1));
}

double first_step(const HubbardModes& modes, double tolerance) {
  return volterra_step(largest_exponent(modes), tolerance);
}

std::size_t groups_of(std::size_t sites) { return (sites + group - 1) / group; }
std::size_t device_rounds(std::size_t sites) { return std::clamp<std::size_t>(sites / device_round, 1, max_rounds); }

/// A device that holds the kernel of both runs.
/// @param[out] circles  of both runs; null: only makes the calls that take memory of the device
std::unique_ptr<kernels::TimeDevice> filled_device(const kernels::DeviceKernels& kernels,
                                                   const kernels::TimeTables& tables, const HubbardModes& modes,
                                                   const VolterraEquation& equation, const Execution& execution,
                                                   Complex* circles) {
  if (!modes.is_ladder()) {
    std::unique_ptr<kernels::TimeDevice> device(kernels.make_time_device(tables, execution.device));
    const std::vector<double> grid = equation.grid();
    device->evaluate(grid.data(), static_cast<std::int64_t>(grid.size()));
    return device;
  }
  std::unique_ptr<kernels::LadderDevice> device(kernels.make_ladder_device(tables, execution.device));
  const LadderKernel ladder(modes);
  const auto run = [&](const VolterraTables& own, std::size_t place) {
    ladder.evaluate_on(*device, own.step, static_cast<std::size_t>(own.count), execution,
                       circles == nullptr ? nullptr : circles + place * circle_points * modes.sites);
  };
  run(equation.rough, 1);
  device->set_aside();
  run(equation.fine, 0);
  return device;
}

/// Number of doubles in a buffer of the device.
DeviceBatch device_buffer(const MemoryKernel& kernel, const VolterraEquation& equation, const Execution& execution) {
  kernels::TimeTables tables = kernel.tables();
  const auto sites = static_cast<std::size_t>(tables.sites), groups = groups_of(sites), rounds = device_rounds(sites);
  const auto momenta = static_cast<std::int64_t>(std::min(sites, (groups + rounds - 1) / rounds * group));
  constexpr std::int64_t least = 1 << 16;
  return largest_on_device(
      tables.device_buffer, least, execution, [&](const kernels::DeviceKernels& kernels, std::int64_t size) {
        tables.device_buffer = size;
        const auto device = filled_device(kernels, tables, kernel.modes(), equation, execution, nullptr);
        double unused;
        device->propagate(equation.fine, equation.rough, &unused, 0, momenta, &unused, &unused);
      });
}

/// Rounds of momenta completed, and how often the step has been halved.
struct Position {
  std::uint64_t done = 0;
  std::int64_t halving = 0;
};

/// Solves the integral equation for all momenta with one step, and again with twice the step. Rounds contain the same
/// momenta for any number of ranks, so checkpoints do not depend on it.
class Propagation {
 public:
  Propagation(const HubbardModes& modes, std::span<const double> at, const HubbardGreenOptions& options,
              const Execution& execution)
      : modes_(modes),
        at_(at),
        options_(options),
        execution_(execution),
        communicator_(communicator_of(execution)),
        kernel_(modes),
        groups_(groups_of(modes.sites)),
        rounds_(is_device(execution.backend) ? device_rounds(modes.sites) : std::min(groups_, max_rounds)),
        green_(modes.sites * at.size()),
        difference_(groups_ * group) {}

  /// @param start  number of halvings of this step, and rounds already completed
  void solve(double step, const Position& start) {
    done_ = start;
    try {
      solve_rounds(step);
    } catch (const Interruption&) {
      stopped_ = true;
      if (options_.monitor.checkpoint && done_.done > 0 && keeps_checkpoints())
        options_.monitor.checkpoint([&] { return checkpoint().save(done_); });
    }
  }

  Position restore() { return checkpoint().restore(options_.monitor.restored); }

  bool stopped() const { return stopped_; }
  /// G of a momentum, in the order of the transforms, at one of the times; NaN if the run was stopped.
  Complex green(std::size_t m, std::size_t time) const {
    return stopped_ ? std::numeric_limits<double>::quiet_NaN() : green_[m * at_.size() + time];
  }
  /// The largest difference between the two runs, or NaN.
  double difference() const {
    double largest = 0.0;
    for (std::size_t m = 0; m < modes_.sites; ++m)
      if (!(difference_[m] <= largest)) largest = difference_[m];
    return largest;
  }

 private:
  /// Continues from the round in done_.
  void solve_rounds(double step) {
    VolterraEquation equation(modes_, at_, steps_for(at_.back(), step), step);
    // Lanes beyond the last momentum read these arrays too, hence the extra elements.
    std::vector<Complex> circles(2 * circle_points * modes_.sites + group), rows, rough_rows;
    std::unique_ptr<kernels::TimeDevice> device;
    if (is_device(execution_.backend))
      device = fill_device(equation, circles);
    else
      fill_host(equation, rows, rough_rows, circles);
    const VolterraSolver solver(equation.fine, equation.rough);
    for (auto round = static_cast<std::size_t>(done_.done); round < rounds_ && !stopped_; ++round) {
      const std::size_t begin = groups_ * round / rounds_, end = groups_ * (round + 1) / rounds_;
      const std::vector<std::size_t> shares = share_bounds(communicator_, end - begin);
      const auto rank = static_cast<std::size_t>(communicator_.rank());
      const std::size_t own_begin = begin + shares[rank], own_end = begin + shares[rank + 1];
      if (device)
        solve_on_device(equation, *device, circles, own_begin, own_end);
      else
        solve_on_host(solver, rows, modes_.is_ladder() ? rough_rows : rows, circles, own_begin, own_end);
      gather(begin, end, shares);
      if (round + 1 == rounds_) break;
      std::function<std::vector<unsigned char>()> save;
      done_.done = round + 1;
      if (keeps_checkpoints()) save = [&] { return checkpoint().save(done_); };
      stopped_ = !report(options_.monitor, round + 1, rounds_, save);
    }
  }

  bool keeps_checkpoints() const { return 16.0 * static_cast<double>(green_.size()) < max_checkpoint_bytes; }

  Checkpoint<Position> checkpoint() {
    Fingerprint problem;
    for_each_parameter(modes_, [&](const auto& values) { problem.add(values); });
    problem.add(at_).add(options_.tolerance).add(rounds_);
    problem.add(static_cast<int>(execution_.backend));  // results of different backends differ in their bits
    return {problem, [this](const Position& at) {
              Checkpoint<Position>::Arrays arrays;
              if (at.halving >= 0 && at.halving <= max_halvings && at.done < rounds_)
                arrays = {std::as_writable_bytes(std::span(green_)), std::as_writable_bytes(std::span(difference_))};
              return arrays;
            }};
  }

  std::unique_ptr<kernels::TimeDevice> fill_device(VolterraEquation& equation, std::vector<Complex>& circles) const {
    kernels::TimeTables tables = kernel_.tables();
    if (modes_.is_ladder()) equation.rough.stride = 1;
    tables.device_buffer = device_buffer(kernel_, equation, execution_).size;
    if (!modes_.is_ladder()) kernel_.evaluate(equation.circles(), circles.data());
    return filled_device(kernels::device_kernels(), tables, modes_, equation, execution_, circles.data());
  }

  /// The kernel on the host. With a ladder each run uses the kernel that the ladder's own integral equation gives with
  /// the run's step, so that the difference between the runs shows the errors of both equations.
  void fill_host(VolterraEquation& equation, std::vector<Complex>& rows, std::vector<Complex>& rough_rows,
                 std::vector<Complex>& circles) const {
    if (!modes_.is_ladder()) {
      const std::vector<double> grid = equation.grid();
      rows.resize(grid.size() * modes_.sites + group);
      kernel_.evaluate(equation.circles(), circles.data());
      return kernel_.evaluate(grid, rows.data(), execution_);
    }
    const LadderKernel ladder(modes_);
    auto circle = circles.begin();
    for (const auto& [tables, kernel] : {std::pair(&equation.fine, &rows), std::pair(&equation.rough, &rough_rows)}) {
      LadderKernel::Run run = ladder.evaluate(tables->step, static_cast<std::size_t>(tables->count), execution_);
      *kernel = std::move(run.rows);
      circle = std::copy_n(run.circle.begin(), circle_points * modes_.sites, circle);
    }
    equation.rough.stride = 1;
  }

  void solve_on_host(const VolterraSolver& solver, const std::vector<Complex>& rows,
                     const std::vector<Complex>& rough_rows, const std::vector<Complex>& circles, std::size_t begin,
                     std::size_t end) {
    const int threads = threads_of(execution_);
    std::vector<VolterraSolver::Workspace> workspaces(static_cast<std::size_t>(threads));
    in_parts(threads, end - begin, [&](std::size_t first, std::size_t last, std::size_t thread) {
      for (std::size_t g = begin + first; g < begin + last; ++g)
        solver.solve(g * group, rows.data(), rough_rows.data(), circles.data(), workspaces[thread], green_.data(),
                     difference_.data() + g * group);
    });
  }

  void solve_on_device(const VolterraEquation& equation, kernels::TimeDevice& device,
                       const std::vector<Complex>& circles, std::size_t begin, std::size_t end) {
    const std::size_t first = begin * group, last = std::min(modes_.sites, end * group);
    if (first < last)
      device.propagate(equation.fine, equation.rough, reinterpret_cast<const double*>(circles.data()),
                       static_cast<std::int64_t>(first), static_cast<std::int64_t>(last),
                       reinterpret_cast<double*>(green_.data() + first * at_.size()), difference_.data() + first);
  }

  /// Completes the groups begin .. end-1 after every rank has computed its share.
  void gather(std::size_t begin, std::size_t end, const std::vector<std::size_t>& shares) {
    const std::size_t times = at_.size(), first = begin * group, last = std::min(modes_.sites, end * group);
    std::vector<std::size_t> green, difference;
    for (const std::size_t share : shares) {
      green.push_back(2 * times * (std::min(last, first + share * group) - first));
      difference.push_back(share * group);
    }
    communicator_.all_gather({reinterpret_cast<double*>(green_.data() + first * times), green.back()}, green);
    communicator_.all_gather({difference_.data() + first, difference.back()}, difference);
  }

  const HubbardModes& modes_;
  std::span<const double> at_;
  const HubbardGreenOptions& options_;
  const Execution& execution_;
  Communicator& communicator_;
  MemoryKernel kernel_;
  std::size_t groups_, rounds_;
  std::vector<Complex> green_;      ///< G(k,t), shape (sites, times)
  std::vector<double> difference_;  ///< between the two runs; lanes beyond the last momentum write here too
  Position done_;
  bool stopped_ = false;
};

/// Bytes in addition to the results for this number of steps.
double bytes_for(const HubbardModes& modes, double sites, double steps, double times, int threads) {
  const double kernel = 16.0 * sites * (steps + 2.0 * static_cast<double>(margin + circle_points));
  const double solution = (16.0 * sites + 8.0 * static_cast<double>(stencil + 2)) * times;
  // The arrays of both runs, the rows being transformed, and the spectra of all lengths.
  const double workspace = static_cast<double>(group) * steps * (8.0 * 12.0 + 16.0 * 6.0);
  const double ladder = modes.is_ladder() ? 1.5 * LadderKernel::bytes(sites, steps) : 0.0;
  return kernel + ladder + solution +
         threads * (workspace + MemoryKernel::working_bytes(static_cast<std::size_t>(sites)));
}

/// @param cells  of the system, for which the modes may stand
HubbardGreenPlan plan_of(const HubbardModes& modes, std::size_t cells, std::span<const double> at, double tolerance,
                         const Execution& execution) {
  HubbardGreenPlan plan;
  const auto sites = static_cast<double>(cells);
  plan.steps = steps_for(at.back(), first_step(modes, tolerance));
  const auto steps = static_cast<double>(plan.steps);
  const int threads = threads_of(execution);
  const double equations = !modes.is_ladder() ? 1.0 : modes.ladder == Ladder::both ? 3.0 : 2.0;
  // For a momentum: the steps; the kernel at every step, in the margins and on the circles of both runs; the series.
  constexpr double circles = 2.0 * static_cast<double>(circle_points),
                   start = 8.0 * circles * static_cast<double>(VolterraTables::series_terms);
  const double march = steps * VolterraSolver::operations(steps),
               kernel = (steps + 2.0 * static_cast<double>(margin) + circles) *
                        ((modes.on_site ? 20.0 : 30.0) * std::log2(sites) + 60.0);
  plan.operations = sites * equations * (march + kernel + start);
  plan.seconds = sites * equations *
                 (march / march_speed + kernel / kernel_speed + start / start_speed + circles * complex_time_seconds) /
                 threads;
  plan.memory_bytes = bytes_for(modes, sites, steps, static_cast<double>(at.size()), threads);
  plan.backend = choose_backend(execution.backend, device_thresholds().enough_propagators(cells, plan.steps),
                                too_little_for_propagators, &plan.backend_reason);
  return plan;
}

/// Halves the step until two runs agree within the tolerance, as far as steps and memory allow.
void propagate(Propagation& propagation, const HubbardModes& modes, const HubbardGreenOptions& options,
               const Execution& execution, HubbardGreen& result) {
  const double last = result.times.back();
  // Both runs use the same phases at large times, so their difference does not show the rounding of these.
  double fastest = 0.0;
  for (const double energy : modes.energy) fastest = std::max(fastest, std::fabs(energy + modes.level_shift()));
  const double min_error = rounding + std::numeric_limits<double>::epsilon() * fastest * last;
  std::string shortage;
  Position start = propagation.restore();
  for (double step = first_step(modes, options.tolerance) * std::exp2(-static_cast<double>(start.halving));;
       step *= 0.5, start = {0, start.halving + 1}) {
    propagation.solve(step, start);
    const double difference = propagation.difference();
    result.steps = steps_for(last, step);
    result.error =
        std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference / claimed_gain + min_error;
    if (result.error <= std::max(options.tolerance, 2.0 * min_error) || start.halving == max_halvings ||
        propagation.stopped())
      break;
    const std::size_t next = steps_for(last, 0.5 * step);
    if (static_cast<std::int64_t>(next) > options.max_steps) {
      shortage = "; half the step would take more than max_steps";
      break;
    }
    const double bytes = bytes_for(modes, static_cast<double>(modes.sites), static_cast<double>(next),
                                   static_cast<double>(result.times.size()), threads_of(execution));
    if (!true_on_all_ranks(execution.communicator, bytes <= options.max_bytes)) {
      shortage = "; half the step would take more memory than there is";
      break;
    }
  }
  result.stopped = propagation.stopped();
  result.converged = !result.stopped && result.error <= options.tolerance;
  if (result.stopped)
    result.message = "stopped";
  else if (!result.converged)
    result.message = "the estimated error " + short_text(result.error) + " exceeds the tolerance" + shortage;
}

/// Computes G at the momenta and the sites, and the moments of its profile.
void fill_rows(const Propagation& propagation, const HubbardGreenOptions& options, const TransformOrder& order,
               HubbardGreen& result) {
  const std::size_t sites = order.size();
  auto& kept = result.green_retarded_momentum;
  if (options.keep_momenta) kept.resize(result.times.size() * sites);
  store(green_rows(result.times.size(), order, options.keep_sites,
                   [&](std::size_t t, std::span<Complex> row) {
                     for (std::size_t i = 0; i < sites; ++i) row[i] = propagation.green(order.position(i), t);
                     if (options.keep_momenta)
                       std::copy(row.begin(), row.end(), kept.begin() + static_cast<std::ptrdiff_t>(t * sites));
                   }),
        result);
}

}  // namespace

HubbardGreenPlan plan_green(const HubbardChain& chain, std::span<const double> times, double tolerance,
                            const Execution& execution) {
  return with_coarse_chain(chain, [&](const HubbardChain& few) {
    return plan_of(hubbard_modes(few), chain.size(), times, tolerance, execution);
  });
}

double green_device_bytes(const HubbardChain& chain, std::span<const double> at, const HubbardGreenOptions& options,
                          const Execution& execution) {
  const HubbardModes modes = hubbard_modes(chain);
  if (!is_device(plan_of(modes, modes.sites, at, options.tolerance, execution).backend)) return 0.0;
  const double step = first_step(modes, options.tolerance);
  const VolterraEquation equation(modes, at, steps_for(at.back(), step), step);
  return device_buffer(MemoryKernel(modes), equation, execution).bytes;
}

HubbardGreen green(const HubbardChain& chain, std::span<const double> at, const HubbardGreenOptions& options,
                   const Execution& requested) {
  const HubbardModes modes = hubbard_modes(chain);
  if (at.empty()) throw ParameterError("task.times", "at least one time is needed");
  check_list("task.times", times_parameter(), at);
  validate_fields(options);
  const HubbardGreenPlan plan = plan_of(modes, modes.sites, at, options.tolerance, requested);
  Execution execution = requested;
  execution.backend = agree_on_backend(requested.communicator, plan.backend, requested.backend == Backend::automatic);

  HubbardGreen result;
  result.times.assign(at.begin(), at.end());
  result.backend = execution.backend;
  result.backend_reason = plan.backend_reason;
  const Calculation preparation(threads_of(execution));
  Propagation propagation(modes, at, options, execution);
  {
    const Calculation calculation(execution, options.monitor);
    propagate(propagation, modes, options, execution, result);
  }
  fill_rows(propagation, options, modes.order, result);
  return result;
}

}  // namespace lindrift
