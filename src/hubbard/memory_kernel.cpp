#include "hubbard/memory_kernel.hpp"

#include <algorithm>
#include <cmath>

#include "engine/parallel.hpp"
#include "kernels/table.hpp"
#include "lindrift/communicator.hpp"

namespace lindrift {

kernels::TimeDevice::~TimeDevice() = default;

namespace {

using Complex = std::complex<double>;

/// Complex numbers that a thread works on at a time: as many as fit into a second-level cache, with enough rows for the
/// lanes of a vector.
constexpr std::size_t block_values = std::size_t{1} << 14;
constexpr std::size_t min_rows = 4;

std::size_t rows_at_a_time(std::size_t sites) {
  return std::max(min_rows, std::min<std::size_t>(64, block_values / sites));
}

}  // namespace

MemoryKernel::MemoryKernel(const HubbardModes& modes, double cut) : modes_(modes), cut_(cut), fourier_(modes.order) {
  const std::size_t sites = modes_.sites;
  for (std::size_t p = 0; p < sites; ++p)
    if (modes_.rate[p] < cut_) slow_.push_back(p);

  constexpr auto padding = static_cast<std::size_t>(kernels::TimeTables::padding);
  const std::size_t padded = (sites + padding - 1) / padding * padding;
  constexpr std::size_t max_arrays = 11;
  arrays_.assign(max_arrays * padded, 0.0);
  std::size_t used = 0;
  const auto array = [&](const auto& value) {
    double* values = arrays_.data() + used++ * padded;
    for (std::size_t p = 0; p < sites; ++p) values[p] = value(p, modes_.order.opposite(p));
    return values;
  };
  tables_.sites = static_cast<std::int64_t>(sites);
  tables_.directions = static_cast<std::int64_t>(modes_.order.directions());
  for (std::size_t i = 0; i < modes_.order.directions(); ++i)
    tables_.cells[i] = static_cast<std::int64_t>(modes_.order.cells(i));
  tables_.factors = slow_.empty() ? 3 : 5;
  tables_.on_site = modes_.on_site;
  tables_.energy = array([&](std::size_t p, std::size_t) { return modes_.down_energy[p]; });
  if (!modes_.same_energies) {
    tables_.hole_energy = array([&](std::size_t, std::size_t opposite) { return modes_.down_energy[opposite]; });
    tables_.probe_energy = array([&](std::size_t, std::size_t opposite) { return modes_.energy[opposite]; });
  }
  tables_.particle_rate = array([&](std::size_t p, std::size_t) { return 0.5 * modes_.rate[p]; });
  tables_.particles = array([&](std::size_t p, std::size_t) { return modes_.occupation[p]; });
  tables_.hole_rate = array([&](std::size_t, std::size_t opposite) { return 0.5 * modes_.rate[opposite]; });
  tables_.holes = array([&](std::size_t, std::size_t opposite) { return modes_.hole[opposite]; });
  if (modes_.open_probe())
    tables_.probe_rate = array([&](std::size_t, std::size_t opposite) { return 0.5 * modes_.probe_loss[opposite]; });
  if (!slow_.empty()) {
    const auto if_slow = [&](std::size_t p, double value) { return modes_.rate[p] < cut_ ? value : 0.0; };
    tables_.slow_particles = array([&](std::size_t p, std::size_t) { return if_slow(p, modes_.occupation[p]); });
    tables_.slow_holes =
        array([&](std::size_t, std::size_t opposite) { return if_slow(opposite, modes_.hole[opposite]); });
  }
  // Normalises S(q) = L sum_r ..., its inverse transform, and three transforms of amplitudes without their 1/L.
  const double over = 1.0 / static_cast<double>(sites), scale = over * over * over * (modes_.on_site ? 1.0 : over);
  tables_.coupling = array([&](std::size_t q, std::size_t) { return scale * modes_.coupling[q]; });
}

/// The amplitudes at a complex time t = x + iy, in the form that TimeFunctions computes for a real time:
/// e^{(+-i e - Gamma/2) t} = e^{-+e y - Gamma x / 2} e^{i (+-e x - Gamma y / 2)}.
void MemoryKernel::complex_amplitudes(Complex time, Complex* rows) const {
  const std::size_t sites = modes_.sites;
  const auto factor = [&](double energy, double half_rate) {
    return std::exp(
        Complex(-energy * time.imag() - half_rate * time.real(), energy * time.real() - half_rate * time.imag()));
  };
  for (std::size_t p = 0; p < sites; ++p) {
    const double energy = tables_.energy[p];
    const double hole_energy = tables_.hole_energy != nullptr ? tables_.hole_energy[p] : energy,
                 probe_energy = tables_.probe_energy != nullptr ? tables_.probe_energy[p] : energy;
    const Complex particle = factor(energy, tables_.particle_rate[p]),
                  hole = factor(-hole_energy, tables_.hole_rate[p]);
    rows[p] = tables_.particles[p] * particle;
    rows[sites + p] = tables_.holes[p] * hole;
    rows[2 * sites + p] = factor(-probe_energy, tables_.probe_rate != nullptr ? tables_.probe_rate[p] : 0.0);
    if (slow_.empty()) continue;
    rows[3 * sites + p] = tables_.slow_particles[p] * particle;
    rows[4 * sites + p] = tables_.slow_holes[p] * hole;
  }
}

/// @param fill  fill(first, count, rows) writes the amplitudes for these times
template <class Fill>
void MemoryKernel::transform(std::size_t times, Complex* rows, const Fill& fill) const {
  const std::size_t sites = modes_.sites, batch = rows_at_a_time(sites);
  const auto factors = static_cast<std::size_t>(tables_.factors);
  const kernels::TimeFunctions& functions = kernels::cpu_kernels().time;
  std::vector<Complex> buffer(factors * sites * std::min(batch, times));
  const auto* amplitudes = reinterpret_cast<const double*>(buffer.data());
  for (std::size_t first = 0; first < times; first += batch) {
    const std::size_t some = std::min(batch, times - first);
    const auto count = static_cast<std::int64_t>(some);
    Complex* result = rows + first * sites;
    auto* products = reinterpret_cast<double*>(result);
    fill(first, some, buffer.data());
    // For b and c at -p, the forward transform gives L B_r and L C_r; for a it gives L A_{-r}.
    fourier_.forward(buffer.data(), factors * some);
    functions.products(tables_, amplitudes, count, products);
    if (!modes_.on_site) {
      fourier_.backward(result, some);
      functions.couple(tables_, count, products);
      fourier_.forward(result, some);
      functions.propagate(tables_, amplitudes, count, products);
    }
    fourier_.forward(result, some);
  }
}

void MemoryKernel::transforms(std::span<const Complex> at, Complex* rows) const {
  for (std::size_t t = 0; t < at.size(); ++t) complex_amplitudes(at[t], rows + 3 * modes_.sites * t);
  fourier_.forward(rows, 3 * at.size());
}

void MemoryKernel::transforms(std::span<const double> at, Complex* rows) const {
  kernels::cpu_kernels().time.amplitudes(tables_, at.data(), static_cast<std::int64_t>(at.size()),
                                         reinterpret_cast<double*>(rows));
  fourier_.forward(rows, 3 * at.size());
}

void MemoryKernel::evaluate(std::span<const Complex> at, Complex* rows) const {
  const std::size_t row = static_cast<std::size_t>(tables_.factors) * modes_.sites;
  transform(at.size(), rows, [&](std::size_t first, std::size_t count, Complex* amplitudes) {
    for (std::size_t t = 0; t < count; ++t) complex_amplitudes(at[first + t], amplitudes + t * row);
  });
}

void MemoryKernel::evaluate(std::span<const double> at, Complex* rows, const Execution& execution) const {
  Communicator& communicator = communicator_of(execution);
  const auto shares = share_bounds(communicator, at.size());
  const std::size_t own = shares[static_cast<std::size_t>(communicator.rank())];
  const std::size_t end = shares[static_cast<std::size_t>(communicator.rank()) + 1];
  const std::size_t sites = modes_.sites, batch = rows_at_a_time(sites), blocks = (end - own + batch - 1) / batch;
  const int threads = (end - own) * sites > block_values ? threads_of(execution) : 1;
  in_parts(threads, blocks, [&](std::size_t block, std::size_t last_block, std::size_t) {
    for (; block < last_block; ++block) {
      const std::size_t begin = own + block * batch;
      transform(std::min(batch, end - begin), rows + begin * sites,
                [&](std::size_t first, std::size_t count, Complex* amplitudes) {
                  kernels::cpu_kernels().time.amplitudes(tables_, at.data() + begin + first,
                                                         static_cast<std::int64_t>(count),
                                                         reinterpret_cast<double*>(amplitudes));
                });
    }
  });
  communicator.all_gather({reinterpret_cast<double*>(rows), 2 * at.size() * sites},
                          share_bounds(communicator, at.size(), 1, 2 * sites));
}

namespace {

struct Decays {
  double particles = 0.0, holes = 0.0;            ///< (1/L) sum n_p e^{-Gamma_p t/2}, the same for 1 - n_p
  double slow_particles = 0.0, slow_holes = 0.0;  ///< only the slow momenta
};

Decays decays(const HubbardModes& modes, const std::vector<std::size_t>& slow, double time) {
  Calculation::look_up();
  Decays result;
  const double over = 1.0 / static_cast<double>(modes.sites);
  for (std::size_t p = 0; p < modes.sites; ++p) {
    const double decay = over * std::exp(-0.5 * modes.rate[p] * time);
    result.particles += modes.occupation[p] * decay;
    result.holes += modes.hole[p] * decay;
  }
  for (const std::size_t p : slow) {
    const double decay = over * std::exp(-0.5 * modes.rate[p] * time);
    result.slow_particles += modes.occupation[p] * decay;
    result.slow_holes += modes.hole[p] * decay;
  }
  return result;
}

}  // namespace

double MemoryKernel::bound(double time) const {
  const Decays d = decays(modes_, slow_, time);
  // A product of sums minus the product of their slow parts.
  const double fast_particles = std::max(0.0, d.particles - d.slow_particles);
  const double fast_holes = std::max(0.0, d.holes - d.slow_holes);
  return modes_.strongest_coupling * (fast_particles * d.holes + d.slow_particles * fast_holes);
}

double MemoryKernel::whole_bound(double time) const {
  const Decays d = decays(modes_, {}, time);
  return modes_.strongest_coupling * d.particles * d.holes;
}

double MemoryKernel::working_bytes(std::size_t sites) {
  constexpr double max_factors = 5.0;
  return 16.0 * max_factors * static_cast<double>(sites * rows_at_a_time(sites));
}

double MemoryKernel::slowest_decay() const {
  return slow_.empty() ? modes_.slowest_rate : 0.5 * (cut_ + modes_.slowest_rate);
}

double MemoryKernel::tail(double time, double broadening) const {
  return bound(time) * std::exp(-broadening * time) / (slowest_decay() + broadening);
}

}  // namespace lindrift
