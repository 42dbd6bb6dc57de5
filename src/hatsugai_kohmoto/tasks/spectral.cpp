#include "lindrift/hatsugai_kohmoto/spectral.hpp"

#include <algorithm>
#include <cmath>
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
constexpr std::int64_t block = 4096;

/// Below, a device has nothing to gain. An estimate; `backend = cuda` overrules it.
constexpr double device_elements = 1e7;

}  // namespace

SpectralResult spectral(const HatsugaiKohmoto& model, std::span<const double> frequencies,
                        const SpectralOptions& options, const Execution& execution) {
  const HatsugaiKohmotoModes modes = modes_of(model);
  check_list("task.frequencies", frequencies_parameter(), frequencies);
  validate_fields(options);
  const std::vector<double> occupation = steady_occupation(modes.down, options.conserved_occupation);

  const std::int64_t first_index = first_momentum_index(model.sites);
  const std::vector<std::int64_t> chosen = select_momenta(options.momenta, model.sites);

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
  double* self_energy = reinterpret_cast<double*>(result.self_energy.data());
  double* green = reinterpret_cast<double*>(result.green_retarded.data());

  result.backend = choose_backend(execution.backend, static_cast<double>(elements) >= device_elements,
                                  "too few momenta and frequencies to gain from a device; cuda can be asked for",
                                  &result.backend_reason);
  if (result.backend == Backend::cuda) {
    kernels::device_kernels().map_spectral(tables, frequencies.data(), result.spectral_function.data(), self_energy,
                                           green, execution.device);
    if (!options.keep_green) result.green_retarded.clear();
    return result;
  }
  Communicator& communicator = communicator_of(execution);
  const auto bounds = share_bounds(communicator, elements, static_cast<std::size_t>(block));
  const auto begin = static_cast<std::int64_t>(bounds[static_cast<std::size_t>(communicator.rank())]);
  const auto end = static_cast<std::int64_t>(bounds[static_cast<std::size_t>(communicator.rank()) + 1]);
  const auto& functions = kernels::cpu_kernels().propagator;
#pragma omp parallel for schedule(static) num_threads(threads_of(execution)) if (end - begin > 8 * block)
  for (std::int64_t b = begin; b < end; b += block)
    functions.spectral(tables, frequencies.data(), b, std::min(end, b + block), result.spectral_function.data(),
                       self_energy, green);
  communicator.all_gather(result.spectral_function, bounds);
  const auto pairs = share_bounds(communicator, elements, static_cast<std::size_t>(block), 2);
  communicator.all_gather({self_energy, 2 * elements}, pairs);
  communicator.all_gather({green, 2 * elements}, pairs);
  if (!options.keep_green) result.green_retarded.clear();
  return result;
}

}  // namespace lindrift
