#include "models/hubbard_kernel.hpp"

#include <algorithm>
#include <cmath>

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// Without the tests for infinities that the operator of std::complex makes.
inline Complex times(Complex a, Complex b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// Complex numbers that one thread works on at a time: what a second-level cache holds, and rows enough for the lanes
/// of a vector.
constexpr std::size_t block_values = std::size_t{1} << 14;
constexpr std::size_t least_rows = 4;

std::size_t rows_at_a_time(std::size_t sites) {
  return std::max(least_rows, std::min<std::size_t>(64, block_values / sites));
}

}  // namespace

HubbardKernel::HubbardKernel(const HubbardModes& modes, double cut) : modes_(modes), cut_(cut), fourier_(modes.sites) {
  for (std::size_t p = 0; p < modes_.sites; ++p)
    if (modes_.rate[p] < cut_) slow_.push_back(p);
  factors_ = slow_.empty() ? 3 : 5;
}

/// a_p(t) = n_p e^{(i e_p - Gamma_p/2) t}, b_{-p}(t) and c_{-k}(t) with b_p = (1-n_p) e^{(-i e_p - Gamma_p/2) t},
/// c_k = e^{(-i e_k - gup_k/2) t}; then a and b of the slow momenta alone. The sign of the momenta of b and c makes one
/// kind of transform do for all.
void HubbardKernel::fill(Complex time, Complex* amplitudes, std::size_t stride) const {
  const std::size_t sites = modes_.sites;
  Complex *a = amplitudes, *b = a + stride, *c = b + stride, *slow_a = c + stride, *slow_b = slow_a + stride;
  // e_p is even: half of the oscillations serve all.
  for (std::size_t p = 0; 2 * p <= sites; ++p) {
    const Complex turn = std::exp(Complex(0.0, modes_.energy[p]) * time);
    const Complex back = time.imag() == 0.0 ? std::conj(turn) : std::exp(Complex(0.0, -modes_.energy[p]) * time);
    const std::size_t opposite = (sites - p) % sites;
    a[p] = a[opposite] = turn;
    b[p] = b[opposite] = c[p] = c[opposite] = back;
  }
  for (std::size_t p = 0; p < sites; ++p) {
    const std::size_t opposite = (sites - p) % sites;
    if (time.imag() == 0.0) {
      const double decay = std::exp(-0.5 * modes_.rate[p] * time.real());
      a[p] *= modes_.occupation[p] * decay;
      b[opposite] *= modes_.hole[p] * decay;
      if (modes_.probe_loss[p] != 0.0) c[opposite] *= std::exp(-0.5 * modes_.probe_loss[p] * time.real());
    } else {
      const Complex decay = std::exp(-0.5 * modes_.rate[p] * time);
      a[p] = times(a[p], modes_.occupation[p] * decay);
      b[opposite] = times(b[opposite], modes_.hole[p] * decay);
      c[opposite] = times(c[opposite], std::exp(-0.5 * modes_.probe_loss[p] * time));
    }
  }
  if (slow_.empty()) return;
  std::fill_n(slow_a, sites, Complex(0.0));
  std::fill_n(slow_b, sites, Complex(0.0));
  for (const std::size_t p : slow_) {
    const std::size_t opposite = (sites - p) % sites;
    slow_a[p] = a[p];
    slow_b[opposite] = b[opposite];
  }
}

void HubbardKernel::evaluate(std::span<const Complex> at, Complex* rows) const {
  const std::size_t sites = modes_.sites, batch = rows_at_a_time(sites);
  const double over = 1.0 / static_cast<double>(sites);
  std::vector<Complex> buffer(factors_ * sites * std::min(batch, at.size()));
  for (std::size_t first = 0; first < at.size(); first += batch) {
    const std::size_t count = std::min(batch, at.size() - first);
    Complex* result = rows + first * sites;
    for (std::size_t t = 0; t < count; ++t) fill(at[first + t], buffer.data() + t * factors_ * sites, sites);
    // Of b and c at -p, the forward transform gives L B_r and L C_r; of a, L A_{-r}.
    fourier_.forward(buffer.data(), factors_ * count);
    const auto scale = over * over * over;
    for (std::size_t t = 0; t < count; ++t) {
      const Complex* a = buffer.data() + t * factors_ * sites;
      const Complex *b = a + sites, *c = b + sites, *slow_a = c + sites, *slow_b = slow_a + sites;
      Complex* row = result + t * sites;
      for (std::size_t r = 0; r < sites; ++r) {
        row[r] = times(a[r], b[r]);
        if (!slow_.empty()) row[r] -= times(slow_a[r], slow_b[r]);
      }
      if (modes_.on_site)
        for (std::size_t r = 0; r < sites; ++r) row[r] = scale * modes_.coupling[0] * times(row[r], c[r]);
    }
    if (!modes_.on_site) {
      fourier_.backward(result, count);
      for (std::size_t t = 0; t < count; ++t)
        for (std::size_t q = 0; q < sites; ++q) result[t * sites + q] *= modes_.coupling[q] * over * scale;
      fourier_.forward(result, count);
      for (std::size_t t = 0; t < count; ++t) {
        const Complex* c = buffer.data() + (t * factors_ + 2) * sites;
        for (std::size_t r = 0; r < sites; ++r) result[t * sites + r] = times(result[t * sites + r], c[r]);
      }
    }
    fourier_.forward(result, count);
  }
}

void HubbardKernel::evaluate(std::span<const double> at, Complex* rows, int threads) const {
  const std::size_t sites = modes_.sites, batch = rows_at_a_time(sites), blocks = (at.size() + batch - 1) / batch;
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (at.size() * sites > block_values)
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::size_t first = block * batch, count = std::min(batch, at.size() - first);
    const std::vector<Complex> some(at.begin() + static_cast<std::ptrdiff_t>(first),
                                    at.begin() + static_cast<std::ptrdiff_t>(first + count));
    evaluate(some, rows + first * sites);
  }
}

namespace {

struct Decays {
  double particles = 0.0, holes = 0.0;            ///< (1/L) sum n_p e^{-Gamma_p t/2}, the same of 1 - n_p
  double slow_particles = 0.0, slow_holes = 0.0;  ///< of the slow momenta
};

Decays decays(const HubbardModes& modes, const std::vector<std::size_t>& slow, double time) {
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

double HubbardKernel::bound(double time) const {
  const Decays d = decays(modes_, slow_, time);
  // A product of sums without the product of their slow parts.
  const double fast_particles = std::max(0.0, d.particles - d.slow_particles);
  const double fast_holes = std::max(0.0, d.holes - d.slow_holes);
  return modes_.strongest_coupling * (fast_particles * d.holes + d.slow_particles * fast_holes);
}

double HubbardKernel::slowest_decay() const {
  return slow_.empty() ? modes_.slowest_rate : 0.5 * (cut_ + modes_.slowest_rate);
}

double HubbardKernel::tail(double time, double broadening) const {
  return bound(time) * std::exp(-broadening * time) / (slowest_decay() + broadening);
}

}  // namespace lindrift
