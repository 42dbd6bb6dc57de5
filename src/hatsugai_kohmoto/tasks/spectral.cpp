#include "lindrift/hatsugai_kohmoto/spectral.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>

#include "engine/parallel.hpp"
#include "engine/validate.hpp"
#include "kernels/table.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"
#include "lindrift/lattice/lattice.hpp"
#include "open_chain/propagator.hpp"

namespace lindrift {

namespace {

/// Elements that one call of the kernel works on.
constexpr std::size_t block = 4096;

/// Below, a device has nothing to gain. An estimate; `backend = cuda` overrules it.
constexpr double device_elements = 1e7;

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

/// What a map that was stopped has to show.
void give_up(SpectralResult& result) {
  constexpr double missing = std::numeric_limits<double>::quiet_NaN();
  std::ranges::fill(result.spectral_function, missing);
  std::ranges::fill(result.self_energy, std::complex<double>(missing, missing));
  std::ranges::fill(result.green_retarded, std::complex<double>(missing, missing));
  result.stopped = true;
}

}  // namespace

SpectralResult spectral(const HatsugaiKohmoto& model, std::span<const double> frequencies,
                        const SpectralOptions& options, const Execution& execution) {
  const HatsugaiKohmotoModes modes = modes_of(model);
  check_list("task.frequencies", frequencies_parameter(), frequencies);
  validate_fields(options);
  const std::vector<double> occupation = steady_occupation(modes.down, options.conserved_occupation);

  const std::int64_t first_index = first_momentum_index(model.sites);
  const std::vector<std::int64_t> chosen = select_momenta(options.momenta, model.sites);

  const Calculation calculation(execution, options.monitor);
  SpectralResult result;
  result.frequencies.assign(frequencies.begin(), frequencies.end());
  std::vector<double> energy, up_rate, down_rate, particles, holes;
  for (const std::int64_t m : chosen) {
    const auto i = static_cast<std::size_t>(m - first_index);
    const double gain = modes.down.gain[i], rate = gain + modes.down.loss[i];
    result.momenta.push_back(2.0 * std::numbers::pi * (static_cast<double>(m) / static_cast<double>(model.sites)));
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

  result.backend = choose_backend(execution.backend, static_cast<double>(elements) >= device_elements,
                                  "too few momenta and frequencies to gain from a device; cuda can be asked for",
                                  &result.backend_reason);
  if (result.backend == Backend::cuda) {
    kernels::device_kernels().map_spectral(tables, frequencies.data(), result.spectral_function.data(),
                                           reinterpret_cast<double*>(result.self_energy.data()),
                                           reinterpret_cast<double*>(result.green_retarded.data()), execution.device);
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
