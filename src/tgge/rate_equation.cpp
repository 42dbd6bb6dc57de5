#include "lindrift/tgge/rate_equation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/complex_product.hpp"
#include "engine/parallel.hpp"
#include "kernels/tgge/rate_kernel.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

namespace {

/// Throws unless a vector over modes has the right length.
void check_length(const RateEquation& equation, const char* what, std::size_t length) {
  if (length != equation.modes())
    throw ShapeError(std::string(what) + " has length " + std::to_string(length) + "; it must be " +
                     std::to_string(equation.modes()));
}

/// (1/cells) sum_s weight_s n_s.
double per_cell(const RateEquation& equation, const std::vector<double>& weight, std::span<const double> occupation) {
  check_length(equation, "occupation", occupation.size());
  const Calculation calculation(equation.threads);
  return parallel_sum(occupation.size(), [&](std::size_t s) { return weight[s] * occupation[s]; }) /
         static_cast<double>(equation.bands.lattice.size());
}

}  // namespace

void occupation_rate(const RateEquation& equation, std::span<const double> lagrange_multiplier,
                     std::span<double> rate) {
  const Calculation calculation(equation.threads);
  std::vector<double> particles(equation.modes()), holes(equation.modes());
  check_length(equation, "lagrange_multiplier", lagrange_multiplier.size());
  parallel_for(equation.modes(), [&](std::size_t s) {
    particles[s] = 1.0 / (1.0 + std::exp(lagrange_multiplier[s]));
    holes[s] = 1.0 / (1.0 + std::exp(-lagrange_multiplier[s]));
  });
  equation.generator->occupation_rate(particles, holes, rate);
}

void lagrange_multiplier_rate(const RateEquation& equation, std::span<const double> lagrange_multiplier,
                              std::span<double> rate) {
  const Calculation calculation(equation.threads);
  std::vector<double> log_gain(equation.modes()), log_loss(equation.modes());
  equation.generator->log_rates(lagrange_multiplier, log_gain, log_loss);
  check_length(equation, "rate", rate.size());
  parallel_for(equation.modes(), [&](std::size_t s) {
    // loss (1 + e^{-lambda}) and gain (1 + e^{lambda}), with one exponential each.
    const double lambda = lagrange_multiplier[s], log_sum = std::log1p(std::exp(-std::fabs(lambda)));
    rate[s] = equation.rate_scale * (std::exp(log_loss[s] + std::fmax(-lambda, 0.0) + log_sum) -
                                     std::exp(log_gain[s] + std::fmax(lambda, 0.0) + log_sum));
  });
}

void force(const RateEquation& equation, std::span<const double> lagrange_multiplier, std::span<double> result) {
  const Calculation calculation(equation.threads);
  std::vector<double> log_gain(equation.modes()), log_loss(equation.modes());
  equation.generator->log_rates(lagrange_multiplier, log_gain, log_loss);
  check_length(equation, "result", result.size());
  const auto cells = static_cast<double>(equation.bands.lattice.size());
  parallel_for(equation.modes(), [&](std::size_t s) {
    result[s] = cells * (std::exp(log_gain[s]) - std::exp(log_loss[s] - lagrange_multiplier[s]));
  });
}

std::vector<double> current(const RateEquation& equation, std::span<const double> occupation) {
  std::vector<double> result;
  for (const auto& velocity : equation.bands.velocity) result.push_back(per_cell(equation, velocity, occupation));
  return result;
}

namespace {

/// The shares of the orbitals, with velocities that are computed for one momentum after the other: (dimensions,
/// orbitals).
std::vector<double> orbital_current_of_momenta(const Bands& bands, std::span<const double> occupation) {
  const std::size_t n = static_cast<std::size_t>(bands.orbitals), cells = bands.lattice.size(),
                    size = static_cast<std::size_t>(bands.lattice.dimensions()) * n;
  const std::size_t blocks = (cells + parallel_block - 1) / parallel_block;
  std::vector<double> partial(blocks * size);
  const auto add_block = [&](std::size_t block) {
    double* const sum = partial.data() + block * size;
    std::vector<std::complex<double>> derivative(n * n);
    for (std::size_t k = block * parallel_block; k < std::min((block + 1) * parallel_block, cells); ++k)
      for (std::size_t i = 0; i * n < size; ++i) {
        bands.hamiltonian_derivative(k, static_cast<int>(i), derivative.data());
        for (std::size_t band = 0; band < n; ++band) {
          const std::size_t s = bands.mode(band, k);
          for (std::size_t a = 0; a < n; ++a) {  // the share of {dh, |a><a|}/2
            std::complex<double> moved = 0.0;
            for (std::size_t b = 0; b < n; ++b) moved += times(derivative[a * n + b], bands.eigenvector[b][s]);
            sum[i * n + a] += occupation[s] * times(std::conj(bands.eigenvector[a][s]), moved).real();
          }
        }
      }
  };
  in_parts(parallel_threads(cells), blocks, [&](std::size_t b, std::size_t last, std::size_t) {
    for (; b < last; ++b) add_block(b);
  });
  for (std::size_t stride = 1; stride < blocks; stride *= 2)
    for (std::size_t b = 0; b + stride < blocks; b += 2 * stride)
      for (std::size_t i = 0; i < size; ++i) partial[b * size + i] += partial[(b + stride) * size + i];
  partial.resize(size);
  for (double& share : partial) share /= static_cast<double>(cells);
  return partial;
}

}  // namespace

std::vector<double> orbital_current(const RateEquation& equation, std::span<const double> occupation) {
  if (equation.bands.orbitals == 1) return current(equation, occupation);
  check_length(equation, "occupation", occupation.size());
  if (equation.bands.orbital_velocity.empty()) {
    const Calculation calculation(equation.threads);
    return orbital_current_of_momenta(equation.bands, occupation);
  }
  std::vector<double> result;
  for (const auto& direction : equation.bands.orbital_velocity)
    for (const auto& velocity : direction) result.push_back(per_cell(equation, velocity, occupation));
  return result;
}

double energy_per_cell(const RateEquation& equation, std::span<const double> occupation) {
  return per_cell(equation, equation.bands.energy, occupation);
}

std::vector<std::complex<double>> density_matrix(const RateEquation& equation, std::span<const double> occupation) {
  check_length(equation, "occupation", occupation.size());
  const Bands& bands = equation.bands;
  const std::size_t n = static_cast<std::size_t>(bands.orbitals), cells = bands.lattice.size();
  std::vector<std::complex<double>> result(cells * n * n);
  if (n == 1) {
    std::copy(occupation.begin(), occupation.end(), result.begin());
    return result;
  }
  parallel_for(cells, [&](std::size_t k) {
    for (std::size_t band = 0; band < n; ++band) {
      const std::size_t s = bands.mode(band, k);
      for (std::size_t a = 0; a < n; ++a)
        for (std::size_t b = 0; b < n; ++b)
          result[(k * n + a) * n + b] += occupation[s] * bands.eigenvector[a][s] * std::conj(bands.eigenvector[b][s]);
    }
  });
  return result;
}

OccupationSums occupation_sums(const RateEquation& equation, std::span<const double> occupation) {
  const Calculation calculation(equation.threads);
  OccupationSums sums{.current = current(equation, occupation),
                      .orbital_current = {},
                      .particle_number = particle_number(occupation),
                      .energy_per_cell = energy_per_cell(equation, occupation)};
  if (equation.bands.orbitals > 1) sums.orbital_current = orbital_current(equation, occupation);
  sums.density_per_cell = sums.particle_number / static_cast<double>(equation.bands.lattice.size());
  return sums;
}

double particle_number(std::span<const double> occupation) {
  return parallel_sum(occupation.size(), [&](std::size_t s) { return occupation[s]; });
}

double balance_residual(const RateEquation& equation, std::span<const double> lagrange_multiplier) {
  check_length(equation, "lagrange_multiplier", lagrange_multiplier.size());
  const Calculation calculation(equation.threads);
  if (kernels::MomentBalance* const moments = equation.generator->moment_balance())
    if (const double residual = moments->residual(lagrange_multiplier.data()); !std::isnan(residual)) return residual;
  if (kernels::MultiplierBalance* const on_device = equation.generator->multiplier_balance())
    if (const double largest = on_device->imbalance(lagrange_multiplier.data()); !std::isnan(largest))
      return std::tanh(0.5 * largest);
  std::vector<double> log_gain(equation.modes()), log_loss(equation.modes());
  equation.generator->log_rates(lagrange_multiplier, log_gain, log_loss);
  const double largest = parallel_maximum(equation.modes(), 0.0, [&](std::size_t s) {
    const bool empty_stays = lagrange_multiplier[s] == INFINITY && log_gain[s] == -INFINITY;
    const bool full_stays = lagrange_multiplier[s] == -INFINITY && log_loss[s] == -INFINITY;
    const bool frozen = log_gain[s] == -INFINITY && log_loss[s] == -INFINITY;
    if (empty_stays || full_stays || frozen) return 0.0;
    return std::fabs(lagrange_multiplier[s] + log_gain[s] - log_loss[s]);
  });
  // With gain (1-n) = e^{x} loss n the ratio is tanh(x/2), whatever the magnitude of the rates.
  return std::tanh(0.5 * largest);
}

namespace {

/// Number of modes up to which all pairs are compared.
constexpr std::size_t max_parity_modes = 2048;

}  // namespace

ParityMeasures parity_measures(const RateEquation& equation) {
  const Bands& bands = equation.bands;
  const Lattice& lattice = bands.lattice;
  const std::size_t modes = equation.modes(), last_band = static_cast<std::size_t>(bands.orbitals) - 1;
  // Q = (pi, pi, ...) is on the grid if every direction has an even number of cells.
  LatticeVector half{};
  bool has_half = true;
  for (int i = 0; i < lattice.dimensions(); ++i) {
    half[static_cast<std::size_t>(i)] = lattice.cells(i) / 2;
    has_half = has_half && lattice.cells(i) % 2 == 0;
  }
  std::vector<std::size_t> mirrored(modes), conjugate(modes);  // modes at -k, and at Q - k in the opposite band
  for (std::size_t s = 0; s < modes; ++s) {
    const LatticeVector m = lattice.momentum(bands.momentum_of(s));
    mirrored[s] = bands.mode(bands.band_of(s), lattice.index_of({-m[0], -m[1], -m[2]}));
    conjugate[s] =
        bands.mode(last_band - bands.band_of(s), lattice.index_of({half[0] - m[0], half[1] - m[1], half[2] - m[2]}));
  }
  double largest = 0.0, joint = 0.0, paper14 = 0.0, particle_hole = 0.0;
  const std::size_t looked_at = equation.rank > 0 ? std::min(modes, max_parity_modes) : modes;
  for (std::size_t i = 0; i < looked_at; ++i) {
    const std::size_t to = i * modes / looked_at;
    for (std::size_t j = 0; j < looked_at; ++j) {
      const std::size_t from = (j * modes + modes / 2) / looked_at % modes;
      const double w = equation.hop_weight(to, from);
      largest = std::max(largest, w);
      joint = std::max(joint, std::fabs(w - equation.hop_weight(mirrored[to], mirrored[from])));
      paper14 = std::max({paper14, std::fabs(w - equation.hop_weight(mirrored[to], from)),
                          std::fabs(w - equation.hop_weight(to, mirrored[from]))});
      if (has_half)
        particle_hole = std::max(particle_hole, std::fabs(w - equation.hop_weight(conjugate[from], conjugate[to])));
    }
  }
  if (largest == 0.0) return {};
  return {joint / largest, paper14 / largest,
          has_half ? particle_hole / largest : std::numeric_limits<double>::quiet_NaN()};
}

Components connected_components(const RateEquation& equation) {
  if (equation.thermal) return {};
  const std::size_t modes = equation.modes();
  Components components;
  components.of_mode.assign(modes, 0);
  components.count = 0;
  std::vector<std::size_t> unvisited, frontier;
  // Modes that neither gain nor lose have zero rates at half filling. There may be many, so find them without a search.
  std::vector<double> log_gain(modes), log_loss(modes);
  equation.generator->log_rates(std::vector<double>(modes, 0.0), log_gain, log_loss);
  for (std::size_t s = 0; s < modes; ++s) {
    if (log_gain[s] == -INFINITY && log_loss[s] == -INFINITY)
      components.of_mode[s] = components.count++;
    else
      unvisited.push_back(s);
  }
  while (!unvisited.empty()) {
    frontier = {unvisited.front()};
    components.of_mode[unvisited.front()] = components.count;
    unvisited.erase(unvisited.begin());
    // Only modes not yet reached are tested: if few weights vanish, the first mode reaches nearly all others.
    while (!frontier.empty() && !unvisited.empty()) {
      const std::vector<std::size_t> asked = equation.representatives(frontier);
      frontier.clear();
      std::erase_if(unvisited, [&](std::size_t other) {
        const bool reached = std::any_of(asked.begin(), asked.end(), [&](std::size_t s) {
          return equation.hop_weight(s, other) != 0.0 || equation.hop_weight(other, s) != 0.0;
        });
        if (!reached) return false;
        components.of_mode[other] = components.count;
        frontier.push_back(other);
        return true;
      });
    }
    ++components.count;
  }
  if (components.count == 1) components.of_mode.clear();
  return components;
}

}  // namespace lindrift
