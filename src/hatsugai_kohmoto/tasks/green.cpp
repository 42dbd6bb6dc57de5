#include "lindrift/hatsugai_kohmoto/green.hpp"

#include <cmath>
#include <limits>
#include <memory>

#include "engine/device_memory.hpp"
#include "engine/device_thresholds.hpp"
#include "engine/fourier.hpp"
#include "engine/validate.hpp"
#include "hatsugai_kohmoto/mixed.hpp"
#include "kernels/table.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"
#include "open_chain/propagator.hpp"
#include "open_chain/times.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

/// Stores -i factor times a row, reordered from the order of the transforms to ascending order.
void store_green(const Complex* row, const TransformOrder& order, double factor, Complex* target) {
  order.for_each_run([&](std::size_t to, std::size_t from, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const Complex z = row[from + i];
      target[to + i] = {factor * z.imag(), -factor * z.real()};
    }
  });
}

/// Collects the results; every rank fills the rows of its times.
class Collector {
 public:
  Collector(GreenResult& result, const GreenOptions& options, const Propagator& propagator)
      : result_(result), order_(propagator.order()), sites_(propagator.sites()), growth_(propagator.growth()) {
    const std::size_t times = result.times.size(), sites = sites_;
    if (options.keep_sites) result.green_retarded.assign(times * sites, Complex(missing, missing));
    if (options.keep_momenta) result.green_retarded_momentum.assign(times * sites, Complex(missing, missing));
    for (auto* drift : {&result.drift, &result.drift_symmetric}) drift->assign(times * order_.directions(), missing);
    result.norm.assign(times, missing);
  }

  double scale(std::size_t time) const { return std::exp(growth_ * result_.times[time]); }
  double over_sites() const { return 1.0 / static_cast<double>(sites_); }
  Complex* site_row(std::size_t time) const {
    return result_.green_retarded.empty() ? nullptr : result_.green_retarded.data() + time * sites_;
  }
  Complex* momentum_row(std::size_t time) const {
    return result_.green_retarded_momentum.empty() ? nullptr : result_.green_retarded_momentum.data() + time * sites_;
  }

  void place(std::size_t time, const Profile& profile) {
    const double factor = scale(time) * over_sites();
    result_.norm[time] = profile.norm * factor * factor;
    // Ratios of the rescaled sums: they stay finite when the norm itself underflows.
    if (!(profile.norm > 0.0)) return;
    const std::size_t first = time * order_.directions();
    store_drift(profile, order_, result_.drift.data() + first, result_.drift_symmetric.data() + first);
  }

  std::vector<TimeRows> rows() {
    std::vector<TimeRows> all = {
        {result_.drift, order_.directions()}, {result_.drift_symmetric, order_.directions()}, {result_.norm}};
    for (auto* green : {&result_.green_retarded, &result_.green_retarded_momentum})
      all.push_back({{reinterpret_cast<double*>(green->data()), 2 * green->size()}, 2 * sites_});
    return all;
  }

 private:
  GreenResult& result_;
  const TransformOrder& order_;
  std::size_t sites_;
  double growth_;
};

bool run_on_host(const Propagator& propagator, const TimeRounds& rounds, Communicator& communicator, int threads,
                 Collector& collector) {
  const std::size_t sites = propagator.sites();
  const TransformOrder& order = propagator.order();
  const TimeBatches batches{rounds.times.size(), sites};
  const Fourier fourier(order);
  std::vector<std::vector<Complex>> buffers(static_cast<std::size_t>(std::max(1, batches.outer(threads))));
  const auto batch = [&](std::size_t first, std::size_t last, std::size_t thread, int inner) {
    auto& rows = buffers[thread];
    rows.resize(batches.batch() * sites);
    propagator.amplitudes(rounds.times.subspan(first, last - first), rows.data(), inner);
    if (collector.momentum_row(0))
      for (std::size_t t = first; t < last; ++t)
        store_green(rows.data() + (t - first) * sites, order, collector.scale(t), collector.momentum_row(t));
    fourier.backward(rows.data(), last - first, inner);
    for (std::size_t t = first; t < last; ++t) {
      const std::span<const Complex> row(rows.data() + (t - first) * sites, sites);
      collector.place(t, profile_of(row, order, SiteOrder::transform, inner));
      if (collector.site_row(0))
        store_green(row.data(), order, collector.scale(t) * collector.over_sites(), collector.site_row(t));
    }
  };
  return rounds.run(communicator, batches.batch(), batches.round(threads),
                    [&](std::size_t first, std::size_t last) { batches.run(first, last, threads, batch); });
}

/// Number of times whose rows a device holds at once: at most two arrays of 256 MB.
DeviceBatch device_batch(const Propagator& propagator, std::size_t times, bool keep_sites, const Execution& execution) {
  constexpr std::size_t max_elements = std::size_t{1} << 24, max_times = 4096;
  const auto all = static_cast<std::int64_t>(times);
  return largest_on_device(
      static_cast<std::int64_t>(std::clamp<std::size_t>(max_elements / propagator.sites(), 1, max_times)), 1, execution,
      [&](const kernels::DeviceKernels& kernels, std::int64_t batch) {
        const std::unique_ptr<kernels::PropagatorDevice> kernel(
            kernels.make_propagator_device(propagator.tables(), execution.device));
        std::vector<double> sums(static_cast<std::size_t>(3 * batch));
        for (const std::int64_t count : {std::min(batch, all), all % batch})
          if (count > 0)
            kernel->propagate(nullptr, nullptr, count, nullptr, keep_sites ? sums.data() : nullptr, sums.data());
      });
}

bool run_on_device(const Propagator& propagator, const TimeRounds& rounds, const Execution& execution,
                   Collector& collector) {
  const std::size_t sites = propagator.sites();
  const auto batch = static_cast<std::size_t>(
      device_batch(propagator, rounds.times.size(), collector.site_row(0) != nullptr, execution).size);
  const std::unique_ptr<kernels::PropagatorDevice> kernel(
      kernels::device_kernels().make_propagator_device(propagator.tables(), execution.device));
  std::vector<Complex> momentum_rows(collector.momentum_row(0) ? batch * sites : 0);
  std::vector<double> sums(3 * batch), factor(batch);
  return rounds.run(communicator_of(execution), batch, 1, [&](std::size_t first, std::size_t last) {
    const std::size_t count = last - first;
    if (count == 0) return;
    for (std::size_t t = 0; t < count; ++t) factor[t] = collector.scale(first + t) * collector.over_sites();
    kernel->propagate(rounds.times.data() + first, factor.data(), static_cast<std::int64_t>(count),
                      momentum_rows.empty() ? nullptr : reinterpret_cast<double*>(momentum_rows.data()),
                      reinterpret_cast<double*>(collector.site_row(first)), sums.data());
    for (std::size_t t = 0; t < count; ++t) {
      if (!momentum_rows.empty())
        store_green(momentum_rows.data() + t * sites, propagator.order(), collector.scale(first + t),
                    collector.momentum_row(first + t));
      collector.place(first + t, {sums[t], {sums[count + t]}, {sums[2 * count + t]}});
    }
  });
}

Propagator propagator_of(const HatsugaiKohmoto& model, const GreenOptions& options) {
  const HatsugaiKohmotoModes modes = modes_of(model);
  std::vector<double> occupation = options.down_occupation;
  if (occupation.empty()) occupation = steady_occupation(modes.down);
  validate_down_occupation(occupation, modes.energy.size());
  return Propagator::of_green(modes, occupation);
}

}  // namespace

double green_device_bytes(const HatsugaiKohmoto& model, std::size_t times, const GreenOptions& options,
                          const Execution& execution) {
  return device_batch(propagator_of(model, options), times, options.keep_sites, execution).bytes;
}

Backend green_backend(Backend asked, const HatsugaiKohmoto& model, std::size_t times, std::string* reason) {
  const Lattice lattice = model.lattice();
  if (lattice.dimensions() > 1) return only_on_cpu(asked, "a lattice of several directions runs", reason);
  const std::size_t sites = lattice.size();
  return choose_backend(asked,
                        static_cast<double>(sites) * static_cast<double>(times) >= device_thresholds().green_elements,
                        "too few sites and times to gain from a device", reason);
}

GreenResult green(const HatsugaiKohmoto& model, std::span<const double> times, const GreenOptions& options,
                  const Execution& execution) {
  check_list("task.times", times_parameter(), times);
  if (model.cluster > 1) return mixed_green(model, times, options, execution);
  const Calculation preparation(threads_of(execution));
  const Propagator propagator = propagator_of(model, options);

  GreenResult result;
  result.times.assign(times.begin(), times.end());
  const Backend choice = green_backend(execution.backend, model, times.size(), &result.backend_reason);
  result.backend = agree_on_backend(execution.communicator, choice, execution.backend == Backend::automatic);
  Collector collector(result, options, propagator);
  const Calculation calculation(execution, options.monitor);
  const TimeRounds rounds{
      .times = times, .rows = collector.rows(), .backend = result.backend, .monitor = options.monitor};
  result.converged = is_device(result.backend) ? run_on_device(propagator, rounds, execution, collector)
                                               : run_on_host(propagator, rounds, communicator_of(execution),
                                                             threads_of(execution), collector);
  return result;
}

}  // namespace lindrift
