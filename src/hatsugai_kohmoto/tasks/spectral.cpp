#include "lindrift/hatsugai_kohmoto/spectral.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>

#include "engine/device_memory.hpp"
#include "engine/device_thresholds.hpp"
#include "engine/parallel.hpp"
#include "engine/validate.hpp"
#include "hatsugai_kohmoto/mixed.hpp"
#include "kernels/table.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"
#include "open_chain/propagator.hpp"

namespace lindrift {

namespace {

/// Elements that one call of the kernel processes.
constexpr std::size_t block = 4096;

/// The map on the host; every rank computes its share.
void map_on_host(const kernels::SpectralTables& tables, const double* frequencies, const Execution& execution,
                 SpectralResult& result) {
  const std::size_t elements = result.spectral_function.size();
  double* self_energy = reinterpret_cast<double*>(result.self_energy.data());
  double* green = reinterpret_cast<double*>(result.green_retarded.data());
  Communicator& communicator = communicator_of(execution);
  const auto bounds = share_bounds(communicator, elements, block);
  const std::size_t begin = bounds[static_cast<std::size_t>(communicator.rank())];
  const std::size_t end = bounds[static_cast<std::size_t>(communicator.rank()) + 1];
  const auto& functions = kernels::cpu_kernels().propagator;
  in_parts(
      end - begin > 8 * block ? threads_of(execution) : 1, end - begin,
      [&](std::size_t first, std::size_t last, std::size_t) {
        for (std::size_t b = begin + first; b < begin + last; b += block)
          functions.spectral(tables, frequencies, static_cast<std::int64_t>(b),
                             static_cast<std::int64_t>(std::min(begin + last, b + block)),
                             result.spectral_function.data(), self_energy, green);
      },
      block);
  communicator.all_gather(result.spectral_function, bounds);
  const auto pairs = share_bounds(communicator, elements, block, 2);
  communicator.all_gather({self_energy, 2 * elements}, pairs);
  communicator.all_gather({green, 2 * elements}, pairs);
}

/// Marks everything as missing in a map that was stopped.
void give_up(SpectralResult& result) {
  constexpr double missing = std::numeric_limits<double>::quiet_NaN();
  std::ranges::fill(result.spectral_function, missing);
  std::ranges::fill(result.self_energy, std::complex<double>(missing, missing));
  std::ranges::fill(result.green_retarded, std::complex<double>(missing, missing));
  result.stopped = true;
}

/// Number of momenta that a device holds at once: at most 640 MB of results.
DeviceBatch device_batch(kernels::SpectralTables tables, const Execution& execution) {
  constexpr std::int64_t max_elements = std::int64_t{1} << 24;
  const std::int64_t most = std::clamp(max_elements / std::max(tables.frequencies, std::int64_t{1}), std::int64_t{1},
                                       std::max(tables.momenta, std::int64_t{1}));
  return largest_on_device(most, 1, execution, [&](const kernels::DeviceKernels& kernels, std::int64_t momenta) {
    tables.momenta = momenta;
    kernels.map_spectral(tables, nullptr, nullptr, nullptr, nullptr, execution.device);
  });
}

void map_on_device(const kernels::SpectralTables& tables, const double* frequency, double* spectral_function,
                   double* self_energy, double* green, const Execution& execution) {
  const std::int64_t batch = device_batch(tables, execution).size;
  for (std::int64_t first = 0; first < tables.momenta; first += batch) {
    kernels::SpectralTables some = tables;
    some.momenta = std::min(batch, tables.momenta - first);
    for (const double** array : {&some.energy, &some.up_rate, &some.down_rate, &some.particles, &some.holes})
      *array += first;
    const std::int64_t element = first * tables.frequencies;
    kernels::device_kernels().map_spectral(some, frequency, spectral_function + element, self_energy + 2 * element,
                                           green + 2 * element, execution.device);
  }
}

}  // namespace

Backend spectral_backend(Backend asked, std::size_t elements, std::string* reason) {
  return choose_backend(asked, static_cast<double>(elements) >= device_thresholds().green_elements,
                        "too few momenta and frequencies to gain from a device", reason);
}

double spectral_device_bytes(std::size_t momenta, std::size_t frequencies, const Execution& execution) {
  kernels::SpectralTables tables;
  tables.momenta = static_cast<std::int64_t>(momenta);
  tables.frequencies = static_cast<std::int64_t>(frequencies);
  return device_batch(tables, execution).bytes;
}

SpectralResult spectral(const HatsugaiKohmoto& model, std::span<const double> frequencies,
                        const SpectralOptions& options, const Execution& execution) {
  check_list("task.frequencies", frequencies_parameter(), frequencies);
  validate_fields(options);
  if (model.cluster > 1) return mixed_spectral(model, frequencies, options, execution);
  const HatsugaiKohmotoModes modes = modes_of(model);
  const std::vector<double> occupation = steady_occupation(modes.down, options.conserved_occupation);

  const std::vector<std::size_t> chosen = select_momenta(options.momenta, model);

  const Calculation calculation(execution, options.monitor);
  SpectralResult result;
  result.frequencies.assign(frequencies.begin(), frequencies.end());
  std::vector<double> energy, up_rate, down_rate, particles, holes;
  result.momenta = momenta_of(chosen, modes.lattice);
  for (const std::size_t i : chosen) {
    const double gain = modes.down.gain[i], rate = gain + modes.down.loss[i];
    energy.push_back(modes.energy[i]);
    up_rate.push_back(modes.up.gain[i] + modes.up.loss[i]);
    down_rate.push_back(rate);
    particles.push_back(occupation[i]);
    holes.push_back(rate > 0.0 ? modes.down.loss[i] / rate : 1.0 - occupation[i]);
    const bool dephased = model.interaction != 0.0 && rate > 0.0 && particles.back() > 0.0 && holes.back() > 0.0;
    if (up_rate.back() == 0.0 && options.broadening == 0.0 && !dephased) ++result.delta_peaks;
  }

  kernels::SpectralTables tables;
  tables.momenta = static_cast<std::int64_t>(chosen.size());
  tables.frequencies = static_cast<std::int64_t>(frequencies.size());
  tables.interaction = model.interaction;
  tables.broadening = options.broadening;
  tables.energy = energy.data();
  tables.up_rate = up_rate.data();
  tables.down_rate = down_rate.data();
  tables.particles = particles.data();
  tables.holes = holes.data();
  const std::size_t elements = chosen.size() * frequencies.size();
  result.spectral_function.resize(elements);
  result.self_energy.resize(elements);
  result.green_retarded.resize(elements);

  const Backend choice = spectral_backend(execution.backend, elements, &result.backend_reason);
  result.backend = agree_on_backend(execution.communicator, choice, execution.backend == Backend::automatic);
  if (is_device(result.backend)) {
    map_on_device(tables, frequencies.data(), result.spectral_function.data(),
                  reinterpret_cast<double*>(result.self_energy.data()),
                  reinterpret_cast<double*>(result.green_retarded.data()), execution);
  } else {
    try {
      map_on_host(tables, frequencies.data(), execution, result);
    } catch (const Interruption&) {
      give_up(result);
    }
  }
  if (!options.keep_green) result.green_retarded.clear();
  return result;
}

}  // namespace lindrift
