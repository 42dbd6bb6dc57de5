#include "lindrift/tgge/matrix_rate_equation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <string>
#include <utility>

#include "engine/parallel.hpp"
#include "lindrift/error.hpp"
#include "lindrift/tgge/rate_equation.hpp"
#include "tgge/block_flow.hpp"
#include "tgge/displacement_sums.hpp"
#include "tgge/hop_weights.hpp"
#include "tgge/model.hpp"
#include "tgge/small_matrix.hpp"

namespace lindrift {

using Complex = std::complex<double>;

DegenerateBlocks degenerate_blocks(const Bands& bands) {
  DegenerateBlocks blocks{.first = {0}, .member = {}, .smallest_gap = std::numeric_limits<double>::infinity()};
  if (bands.orbitals == 1) return blocks;
  const auto [lowest, highest] = std::minmax_element(bands.energy.begin(), bands.energy.end());
  const double tolerance = bands.degeneracy_tolerance * (*highest - *lowest);
  std::vector<std::size_t> order(static_cast<std::size_t>(bands.orbitals));
  for (std::size_t k = 0; k < bands.lattice.size(); ++k) {
    for (std::size_t band = 0; band < order.size(); ++band) order[band] = bands.mode(band, k);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t s, std::size_t t) { return bands.energy[s] < bands.energy[t]; });
    for (std::size_t i = 0, j = 0; i < order.size(); i = j) {
      for (j = i + 1; j < order.size() && bands.energy[order[j]] - bands.energy[order[j - 1]] <= tolerance;) ++j;
      if (j < order.size())
        blocks.smallest_gap = std::min(blocks.smallest_gap, bands.energy[order[j]] - bands.energy[order[j - 1]]);
      if (j == i + 1) continue;
      blocks.member.insert(blocks.member.end(), order.begin() + static_cast<std::ptrdiff_t>(i),
                           order.begin() + static_cast<std::ptrdiff_t>(j));
      blocks.first.push_back(blocks.member.size());
    }
  }
  return blocks;
}

bool needs_matrices(const TggeModel& model) {
  if (!std::holds_alternative<JumpOperators>(model.jump)) return false;
  return !model.thermal_operators.channels.empty() || degenerate_blocks(model.bands).count() > 0;
}

void require_equal_in_blocks(const Bands& bands, const DegenerateBlocks& blocks,
                             std::span<const double> lagrange_multiplier, const std::string& key) {
  for (std::size_t b = 0; b < blocks.count(); ++b) {
    const auto modes = blocks.modes(b);
    for (const std::size_t s : modes)
      if (lagrange_multiplier[s] != lagrange_multiplier[modes.front()])
        throw ParameterError(key, "bands " + std::to_string(bands.band_of(modes.front())) + " and " +
                                      std::to_string(bands.band_of(s)) + " are degenerate at momentum number " +
                                      std::to_string(bands.momentum_of(s)) +
                                      " and have different multipliers: they must be equal");
  }
}

namespace {

constexpr double root_two = std::numbers::sqrt2;

}  // namespace

struct MatrixRateEquation::Data {
  Bands bands;
  DegenerateBlocks blocks;
  std::vector<std::size_t> block_at;  ///< (cells + 1,): momentum k has the blocks block_at[k] .. block_at[k + 1] - 1
  std::vector<std::size_t> pairs_at;  ///< (blocks + 1,): where the off-diagonal elements of a block begin
  std::vector<double> energy;         ///< (modes,), equal within a block
  double rate_scale, beta, thermal_weight, driven_weight;
  Algorithm algorithm;
  DisplacementSums jumps;
  bool local_thermal;
  DisplacementSums thermal_jumps;
  TggeBath bath;
  RateEquation uniform;                                            ///< the thermal bath alone, in units of epsilon J
  std::vector<std::vector<double>> velocity;                       ///< packed, one per direction
  std::vector<std::vector<std::vector<double>>> orbital_velocity;  ///< (dimensions, orbitals)

  std::size_t modes() const { return bands.modes(); }
  std::size_t size() const { return pairs_at.back(); }
  std::size_t orbitals() const { return static_cast<std::size_t>(bands.orbitals); }

  SmallMatrix load(std::size_t block, std::span<const double> packed) const {
    const auto members = blocks.modes(block);
    SmallMatrix matrix(members.size());
    std::size_t at = pairs_at[block];
    for (std::size_t i = 0; i < members.size(); ++i) {
      matrix(i, i) = packed[members[i]];
      for (std::size_t j = i + 1; j < members.size(); ++j, at += 2) {
        matrix(i, j) = Complex(packed[at], packed[at + 1]) / root_two;
        matrix(j, i) = std::conj(matrix(i, j));
      }
    }
    return matrix;
  }
  void store(std::size_t block, const SmallMatrix& matrix, std::span<double> packed) const {
    const auto members = blocks.modes(block);
    std::size_t at = pairs_at[block];
    for (std::size_t i = 0; i < members.size(); ++i) {
      packed[members[i]] = matrix(i, i).real();
      for (std::size_t j = i + 1; j < members.size(); ++j, at += 2) {
        packed[at] = root_two * matrix(i, j).real();
        packed[at + 1] = root_two * matrix(i, j).imag();
      }
    }
  }

  Complex component(std::size_t orbital, std::size_t mode) const {
    return bands.eigenvector.empty() ? Complex(1.0) : bands.eigenvector[orbital][mode];
  }
  /// u_s^+ M u_t
  Complex element(const Complex* matrix, std::size_t s, std::size_t t) const {
    Complex sum = 0.0;
    for (std::size_t a = 0; a < orbitals(); ++a) {
      Complex row = 0.0;
      for (std::size_t b = 0; b < orbitals(); ++b) row += times(matrix[a * orbitals() + b], component(b, t));
      sum += times(std::conj(component(a, s)), row);
    }
    return sum;
  }
  /// Adds a matrix over the orbitals at a momentum, projected onto the blocks.
  void cut(std::size_t k, const Complex* matrix, double factor, std::span<double> packed) const {
    for (std::size_t band = 0; band < orbitals(); ++band) {
      const std::size_t s = bands.mode(band, k);
      packed[s] += factor * element(matrix, s, s).real();
    }
    for (std::size_t b = block_at[k]; b < block_at[k + 1]; ++b) {
      const auto members = blocks.modes(b);
      std::size_t at = pairs_at[b];
      for (std::size_t i = 0; i < members.size(); ++i)
        for (std::size_t j = i + 1; j < members.size(); ++j, at += 2) {
          const Complex x = element(matrix, members[i], members[j]);
          packed[at] += factor * root_two * x.real();
          packed[at + 1] += factor * root_two * x.imag();
        }
    }
  }
  /// The matrix over the orbitals at a momentum, with element (s, t) multiplied by factor(s).
  template <class Factor>
  void expand(std::size_t k, std::span<const double> packed, const Factor& factor, Complex* matrix) const {
    const std::size_t n = orbitals();
    std::fill_n(matrix, n * n, Complex(0.0));
    const auto add = [&](Complex value, std::size_t s, std::size_t t) {
      for (std::size_t a = 0; a < n; ++a)
        for (std::size_t b = 0; b < n; ++b)
          matrix[a * n + b] += times(value, times(component(a, s), std::conj(component(b, t))));
    };
    for (std::size_t band = 0; band < n; ++band) {
      const std::size_t s = bands.mode(band, k);
      add(factor(s) * packed[s], s, s);
    }
    for (std::size_t b = block_at[k]; b < block_at[k + 1]; ++b) {
      const auto members = blocks.modes(b);
      std::size_t at = pairs_at[b];
      for (std::size_t i = 0; i < members.size(); ++i)
        for (std::size_t j = i + 1; j < members.size(); ++j, at += 2) {
          const Complex value = factor(members[i]) * Complex(packed[at], packed[at + 1]) / root_two;
          add(value, members[i], members[j]);
          add(std::conj(value), members[j], members[i]);
        }
    }
  }
  template <class Factor>
  DisplacementSums::Source source(std::span<const double> packed, const Factor& factor) const {
    return [this, packed, factor](std::size_t k, Complex* matrix) { expand(k, packed, factor, matrix); };
  }

  /// Calls of_block(block) for every block and of_mode(mode) for every other mode.
  template <class OfBlock, class OfMode>
  void for_all(const OfBlock& of_block, const OfMode& of_mode) const {
    parallel_for(bands.lattice.size(), [&](std::size_t k) {
      const std::size_t first = blocks.first[block_at[k]], last = blocks.first[block_at[k + 1]];
      const auto begin = blocks.member.begin() + static_cast<std::ptrdiff_t>(first),
                 end = blocks.member.begin() + static_cast<std::ptrdiff_t>(last);
      for (std::size_t band = 0; band < orbitals(); ++band) {
        const std::size_t s = bands.mode(band, k);
        if (std::find(begin, end, s) == end) of_mode(s);
      }
      for (std::size_t b = block_at[k]; b < block_at[k + 1]; ++b) of_block(b);
    });
  }

  /// e^{x (E_s - centre) / 2}
  auto boltzmann(double x) const {
    const auto [lowest, highest] = std::minmax_element(energy.begin(), energy.end());
    const double centre = 0.5 * (*lowest + *highest);
    return [this, x, centre](std::size_t s) { return std::exp(0.5 * x * (energy[s] - centre)); };
  }
  double spectrum(double x) const;

  void add_driven(std::span<const double> particles, std::span<const double> holes, BlockRates& rates) const;
  void add_uniform(std::span<const double> particles, std::span<const double> holes, BlockRates& rates) const;
  void add_local(std::span<const double> particles, std::span<const double> holes, BlockRates& rates) const;
  /// Tr[hop n] of every channel per cell.
  std::vector<Complex> channel_means(const DisplacementSums& sums, std::span<const double> particles) const;
  void add_pairs(const DisplacementSums& sums, bool with_spectrum, std::span<const double> particles,
                 std::span<const double> holes, BlockRates& rates) const;
};

namespace {

/// {g, h}/2 - {l, n}/2 - i [f, n]
SmallMatrix balance_of(const SmallMatrix& g, const SmallMatrix& l, const SmallMatrix& f, const SmallMatrix& n,
                       const SmallMatrix& h) {
  const SmallMatrix gh = product(g, h), ln = product(l, n), fn = product(f, n);
  SmallMatrix result(g.order());
  for (std::size_t i = 0; i < g.order(); ++i)
    for (std::size_t j = 0; j < g.order(); ++j) {
      const Complex commutator = fn(i, j) - std::conj(fn(j, i));
      result(i, j) = 0.5 * (gh(i, j) + std::conj(gh(j, i))) - 0.5 * (ln(i, j) + std::conj(ln(j, i))) +
                     Complex(commutator.imag(), -commutator.real());
    }
  return result;
}

SmallMatrix gamma_of(const SmallMatrix& g, const SmallMatrix& l, const SmallMatrix& f) {
  SmallMatrix gamma(g.order());
  for (std::size_t i = 0; i < g.order(); ++i)
    for (std::size_t j = 0; j < g.order(); ++j)
      gamma(i, j) = 0.5 * (g(i, j) + l(i, j)) + Complex(-f(i, j).imag(), f(i, j).real());
  return gamma;
}

/// vectors diag(values) vectors^+
SmallMatrix from_eigen(const std::vector<double>& values, const SmallMatrix& vectors) {
  SmallMatrix scaled(vectors.order());
  for (std::size_t i = 0; i < vectors.order(); ++i)
    for (std::size_t j = 0; j < vectors.order(); ++j) scaled(i, j) = vectors(i, j) * values[j];
  return product_adjoint(scaled, vectors);
}

const JumpOperators& operators_of(const TggeModel& model) {
  const auto* jump = std::get_if<JumpOperators>(&model.jump);
  if (jump == nullptr)
    throw UnsupportedError("bands that are degenerate need jump operators: hop weights say nothing of coherences");
  return *jump;
}

/// The thermal bath alone, with the energies of the blocks.
RateEquation uniform_bath(const Bands& bands, const std::vector<double>& energy, TggeBath bath, Execution execution) {
  bath.coupling = 1.0;
  bath.equilibrium_fraction = bath.effective_equilibrium_fraction();
  if (execution.backend == Backend::automatic) execution.backend = Backend::cpu;
  execution.algorithm = Algorithm::automatic;
  return thermal_bath_alone(bands, energy, bath, execution);
}

}  // namespace

MatrixRateEquation::MatrixRateEquation(const TggeModel& model, DegenerateBlocks blocks, const Execution& execution) {
  validate(model);
  const JumpOperators& jump = operators_of(model);
  const Bands& bands = model.bands;
  std::vector<double> energy = bands.energy;
  for (std::size_t b = 0; b < blocks.count(); ++b) {
    double mean = 0.0;
    for (const std::size_t s : blocks.modes(b)) mean += energy[s];
    for (const std::size_t s : blocks.modes(b)) energy[s] = mean / static_cast<double>(blocks.modes(b).size());
  }
  const auto [lowest, highest] = std::minmax_element(energy.begin(), energy.end());
  const bool thermal = model.bath.effective_equilibrium_fraction() > 0.0;
  if (thermal && model.bath.inverse_temperature * (*highest - *lowest) > coldest_degenerate_bath)
    throw UnsupportedError("bath.inverse_temperature: " + std::to_string(model.bath.inverse_temperature) +
                           " times the bandwidth is above " +
                           std::to_string(static_cast<int>(coldest_degenerate_bath)) +
                           ", the most that is possible where bands are degenerate");
  data_.reset(new Data{.bands = bands,
                       .blocks = std::move(blocks),
                       .block_at = std::vector<std::size_t>(bands.lattice.size() + 1),
                       .pairs_at = {bands.modes()},
                       .energy = energy,
                       .rate_scale = model.bath.coupling * model.rate_unit,
                       .beta = model.bath.inverse_temperature,
                       .thermal_weight = model.bath.effective_equilibrium_fraction(),
                       .driven_weight = model.bath.nonequilibrium_fraction,
                       .algorithm = execution.algorithm == Algorithm::direct ? Algorithm::direct : Algorithm::separable,
                       .jumps = DisplacementSums(jump, bands.lattice, bands.orbitals),
                       .local_thermal = !model.thermal_operators.channels.empty(),
                       .thermal_jumps = DisplacementSums(model.thermal_operators, bands.lattice, bands.orbitals),
                       .bath = model.bath,
                       .uniform = uniform_bath(bands, energy, model.bath, execution),
                       .velocity = {},
                       .orbital_velocity = {}});
  Data& d = *data_;
  for (std::size_t b = 0; b < d.blocks.count(); ++b) {
    const std::size_t m = d.blocks.modes(b).size();
    d.pairs_at.push_back(d.pairs_at.back() + m * (m - 1));
    ++d.block_at[bands.momentum_of(d.blocks.modes(b).front()) + 1];
  }
  std::partial_sum(d.block_at.begin(), d.block_at.end(), d.block_at.begin());
  if (d.blocks.count() > 0 && !bands.hamiltonian_derivative)
    throw UnsupportedError("Bands::hamiltonian_derivative is needed where bands are degenerate");

  const std::size_t n = d.orbitals();
  for (int i = 0; i < bands.lattice.dimensions(); ++i) {
    const auto derivative = [&](std::size_t k, Complex* matrix) { bands.hamiltonian_derivative(k, i, matrix); };
    if (d.blocks.count() == 0 && (n == 1 || !bands.orbital_velocity.empty())) {
      d.velocity.push_back(bands.velocity[static_cast<std::size_t>(i)]);
      if (n > 1) d.orbital_velocity.push_back(bands.orbital_velocity[static_cast<std::size_t>(i)]);
      continue;
    }
    d.velocity.push_back(pack(derivative));
    auto& shares = d.orbital_velocity.emplace_back();
    for (std::size_t orbital = 0; orbital < n; ++orbital)
      shares.push_back(pack([&](std::size_t k, Complex* matrix) {
        derivative(k, matrix);  // {v, P}/2
        for (std::size_t a = 0; a < n; ++a)
          for (std::size_t b = 0; b < n; ++b)
            matrix[a * n + b] *= 0.5 * ((a == orbital ? 1.0 : 0.0) + (b == orbital ? 1.0 : 0.0));
      }));
  }
}

MatrixRateEquation::~MatrixRateEquation() = default;

std::size_t MatrixRateEquation::modes() const { return data_->modes(); }
std::size_t MatrixRateEquation::size() const { return data_->size(); }
const Bands& MatrixRateEquation::bands() const { return data_->bands; }
const DegenerateBlocks& MatrixRateEquation::blocks() const { return data_->blocks; }
double MatrixRateEquation::rate_scale() const { return data_->rate_scale; }
double MatrixRateEquation::inverse_temperature() const { return data_->beta; }
bool MatrixRateEquation::thermal() const { return data_->thermal_weight > 0.0; }
Algorithm MatrixRateEquation::algorithm() const { return data_->algorithm; }

BlockMatrices MatrixRateEquation::diagonal(double value) const {
  BlockMatrices result(size(), 0.0);
  std::fill_n(result.begin(), modes(), value);
  return result;
}

BlockMatrices MatrixRateEquation::from_modes(std::span<const double> values) const {
  if (values.size() != modes())
    throw ShapeError("a vector over modes has length " + std::to_string(values.size()) + "; it must be " +
                     std::to_string(modes()));
  BlockMatrices result(size(), 0.0);
  std::copy(values.begin(), values.end(), result.begin());
  for (std::size_t b = 0; b < blocks().count(); ++b) {
    const auto members = blocks().modes(b);
    double mean = 0.0;
    for (const std::size_t s : members) mean += values[s] / static_cast<double>(members.size());
    for (const std::size_t s : members) result[s] = mean;
  }
  return result;
}

BlockMatrices MatrixRateEquation::pack(const std::function<void(std::size_t, Complex*)>& function) const {
  BlockMatrices result(size(), 0.0);
  std::vector<Complex> matrix(data_->orbitals() * data_->orbitals());
  for (std::size_t k = 0; k < bands().lattice.size(); ++k) {
    function(k, matrix.data());
    data_->cut(k, matrix.data(), 1.0, result);
  }
  return result;
}

std::vector<Complex> MatrixRateEquation::in_orbitals(std::span<const double> matrices) const {
  const std::size_t square = data_->orbitals() * data_->orbitals();
  std::vector<Complex> result(bands().lattice.size() * square);
  parallel_for(bands().lattice.size(), [&](std::size_t k) {
    data_->expand(
        k, matrices, [](std::size_t) { return 1.0; }, result.data() + k * square);
  });
  return result;
}

void MatrixRateEquation::rates(std::span<const double> particles, std::span<const double> holes, BlockRates& result,
                               const BathParts& parts) const {
  const Data& d = *data_;
  if (particles.size() != size() || holes.size() != size())
    throw ShapeError("block matrices have length " + std::to_string(particles.size()) + " and " +
                     std::to_string(holes.size()) + "; it must be " + std::to_string(size()));
  for (BlockMatrices* one : {&result.gain, &result.loss, &result.mean_field}) one->assign(size(), 0.0);
  if (parts.nonequilibrium && d.driven_weight > 0.0) d.add_driven(particles, holes, result);
  if (parts.thermal && d.thermal_weight > 0.0) {
    if (d.local_thermal)
      d.add_local(particles, holes, result);
    else
      d.add_uniform(particles, holes, result);
  }
}

void MatrixRateEquation::Data::add_driven(std::span<const double> particles, std::span<const double> holes,
                                          BlockRates& rates) const {
  if (algorithm == Algorithm::direct) return add_pairs(jumps, false, particles, holes, rates);
  const auto one = [](std::size_t) { return 1.0; };
  const auto n = jumps.moments(source(particles, one)), h = jumps.moments(source(holes, one));
  const auto gain = jumps.gain(n), loss = jumps.loss(h), mean_field = jumps.mean_field(n);
  const std::size_t square = orbitals() * orbitals();
  parallel_for(bands.lattice.size(), [&](std::size_t k) {
    std::array<Complex, 16> inside;
    std::vector<Complex> outside(square > inside.size() ? square : 0);
    Complex* const matrix = outside.empty() ? inside.data() : outside.data();
    jumps.evaluate(gain, k, matrix);
    cut(k, matrix, driven_weight, rates.gain);
    jumps.evaluate(loss, k, matrix);
    cut(k, matrix, driven_weight, rates.loss);
    if (block_at[k] == block_at[k + 1]) return;
    jumps.evaluate(mean_field, k, matrix);
    cut(k, matrix, driven_weight, rates.mean_field);
  });
}

void MatrixRateEquation::Data::add_uniform(std::span<const double> particles, std::span<const double> holes,
                                           BlockRates& rates) const {
  std::vector<double> gain(modes()), loss(modes());
  uniform.generator->transition_sums(particles.first(modes()), holes.first(modes()), gain, loss);
  parallel_for(modes(), [&](std::size_t s) {
    rates.gain[s] += gain[s];
    rates.loss[s] += loss[s];
  });
}

double MatrixRateEquation::Data::spectrum(double x) const {
  switch (bath.spectrum) {
    case Spectrum::exponential:
      return std::exp(0.5 * beta * x);
    case Spectrum::lorentzian:
      return std::exp(0.5 * beta * x) / (1.0 + x / bath.spectrum_width * (x / bath.spectrum_width));
    case Spectrum::ohmic:
      break;
  }
  if (x == 0.0) return 1.0 / beta;
  return x * std::exp(-std::fabs(x) / bath.spectrum_width) / -std::expm1(-beta * x);
}

void MatrixRateEquation::Data::add_local(std::span<const double> particles, std::span<const double> holes,
                                         BlockRates& rates) const {
  // Only the exponential spectrum is a product of one factor per band.
  if (algorithm == Algorithm::direct || bath.spectrum != Spectrum::exponential)
    return add_pairs(thermal_jumps, true, particles, holes, rates);
  const auto up = boltzmann(beta), down = boltzmann(-beta);
  const auto gain = thermal_jumps.gain(thermal_jumps.moments(source(particles, up)));
  const auto loss = thermal_jumps.loss(thermal_jumps.moments(source(holes, down)));
  BlockMatrices found_gain(size(), 0.0), found_loss(size(), 0.0);
  parallel_for(bands.lattice.size(), [&](std::size_t k) {
    std::vector<Complex> matrix(orbitals() * orbitals());
    thermal_jumps.evaluate(gain, k, matrix.data());
    cut(k, matrix.data(), thermal_weight, found_gain);
    thermal_jumps.evaluate(loss, k, matrix.data());
    cut(k, matrix.data(), thermal_weight, found_loss);
  });
  const auto add = [&](std::size_t element, std::size_t mode) {
    rates.gain[element] += down(mode) * found_gain[element];
    rates.loss[element] += up(mode) * found_loss[element];
  };
  for_all(
      [&](std::size_t b) {
        for (const std::size_t s : blocks.modes(b)) add(s, s);
        for (std::size_t at = pairs_at[b]; at < pairs_at[b + 1]; ++at) add(at, blocks.modes(b).front());
      },
      [&](std::size_t s) { add(s, s); });
}

std::vector<Complex> MatrixRateEquation::Data::channel_means(const DisplacementSums& sums,
                                                             std::span<const double> particles) const {
  const std::size_t n = orbitals(), cells = bands.lattice.size();
  std::vector<Complex> mean(sums.channels()), hop(n * n), occupation(n * n);
  for (std::size_t c = 0; c < sums.channels(); ++c)
    for (std::size_t k = 0; k < cells; ++k) {
      sums.hop(c, k, k, hop.data());
      expand(
          k, particles, [](std::size_t) { return 1.0; }, occupation.data());
      for (std::size_t a = 0; a < n; ++a)
        for (std::size_t b = 0; b < n; ++b)
          mean[c] += times(hop[a * n + b], occupation[b * n + a]) / static_cast<double>(cells);
    }
  return mean;
}

namespace {

/// Adds hop M hop^+, or hop^+ M hop if `adjoint`, times a factor, for (n, n) matrices.
void add_congruence(std::size_t n, const std::vector<Complex>& hop, bool adjoint, const std::vector<Complex>& middle,
                    double factor, std::vector<Complex>& sum) {
  const auto left = [&](std::size_t a, std::size_t b) { return adjoint ? std::conj(hop[b * n + a]) : hop[a * n + b]; };
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = 0; b < n; ++b)
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j)
          sum[a * n + b] += factor * times(times(left(a, i), middle[i * n + j]), std::conj(left(b, j)));
}

}  // namespace

void MatrixRateEquation::Data::add_pairs(const DisplacementSums& sums, bool with_spectrum,
                                         std::span<const double> particles, std::span<const double> holes,
                                         BlockRates& rates) const {
  const std::size_t n = orbitals(), square = n * n, cells = bands.lattice.size();
  const double weight = (with_spectrum ? thermal_weight : driven_weight) / static_cast<double>(cells);
  // The distinct energies at a momentum, and the part of n or h that belongs to each.
  const auto parts_of = [&](std::size_t k, std::span<const double> packed, double energy_of_part) {
    std::vector<Complex> matrix(square);
    expand(
        k, packed, [&](std::size_t s) { return energy[s] == energy_of_part ? 1.0 : 0.0; }, matrix.data());
    return matrix;
  };
  const auto energies_of = [&](std::size_t k) {
    std::vector<double> found;
    for (std::size_t band = 0; band < n; ++band) found.push_back(energy[bands.mode(band, k)]);
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  };
  const std::vector<Complex> mean = with_spectrum ? std::vector<Complex>() : channel_means(sums, particles);
  std::vector<Complex> hop(square);
  for (std::size_t at = 0; at < cells; ++at) {
    for (const double here : with_spectrum ? energies_of(at) : std::vector<double>{0.0}) {
      std::vector<Complex> gain(square), loss(square), field(square);
      for (std::size_t k = 0; k < cells; ++k)
        for (const double there : with_spectrum ? energies_of(k) : std::vector<double>{0.0}) {
          std::vector<Complex> n_part(square), h_part(square);
          if (with_spectrum) {
            n_part = parts_of(k, particles, there);
            h_part = parts_of(k, holes, there);
          } else {
            expand(
                k, particles, [](std::size_t) { return 1.0; }, n_part.data());
            expand(
                k, holes, [](std::size_t) { return 1.0; }, h_part.data());
          }
          for (std::size_t c = 0; c < sums.channels(); ++c) {
            sums.hop(c, at, k, hop.data());
            add_congruence(n, hop, false, n_part, weight * (with_spectrum ? spectrum(there - here) : 1.0), gain);
            sums.hop(c, k, at, hop.data());
            add_congruence(n, hop, true, h_part, weight * (with_spectrum ? spectrum(here - there) : 1.0), loss);
          }
        }
      for (std::size_t c = 0; !with_spectrum && c < sums.channels(); ++c) {
        sums.hop(c, at, at, hop.data());
        for (std::size_t a = 0; a < n; ++a)
          for (std::size_t b = 0; b < n; ++b)
            field[a * n + b] += Complex(0.0, 0.5) *
                                (times(std::conj(mean[c]), hop[a * n + b]) - times(mean[c], std::conj(hop[b * n + a])));
      }
      BlockRates found{BlockMatrices(size(), 0.0), BlockMatrices(size(), 0.0), BlockMatrices(size(), 0.0)};
      cut(at, gain.data(), 1.0, found.gain);
      cut(at, loss.data(), 1.0, found.loss);
      cut(at, field.data(), driven_weight, found.mean_field);
      // Keep only the elements at the energy of the row.
      const auto take = [&](std::size_t element, std::size_t mode) {
        if (with_spectrum && energy[mode] != here) return;
        rates.gain[element] += found.gain[element];
        rates.loss[element] += found.loss[element];
        rates.mean_field[element] += found.mean_field[element];
      };
      for (std::size_t band = 0; band < n; ++band) take(bands.mode(band, at), bands.mode(band, at));
      for (std::size_t b = block_at[at]; b < block_at[at + 1]; ++b)
        for (std::size_t e = pairs_at[b]; e < pairs_at[b + 1]; ++e) take(e, blocks.modes(b).front());
    }
  }
}

void MatrixRateEquation::balance(const BlockRates& rates, std::span<const double> particles,
                                 std::span<const double> holes, std::span<double> result) const {
  data_->for_all(
      [&](std::size_t b) {
        data_->store(b,
                     balance_of(data_->load(b, rates.gain), data_->load(b, rates.loss),
                                data_->load(b, rates.mean_field), data_->load(b, particles), data_->load(b, holes)),
                     result);
      },
      [&](std::size_t s) { result[s] = rates.gain[s] * holes[s] - rates.loss[s] * particles[s]; });
}

void MatrixRateEquation::occupation_rate(std::span<const double> particles, std::span<double> rate,
                                         const BathParts& parts) const {
  BlockMatrices holes = diagonal(1.0);
  parallel_for(size(), [&](std::size_t e) { holes[e] -= particles[e]; });
  BlockRates sums;
  rates(particles, holes, sums, parts);
  balance(sums, particles, holes, rate);
  parallel_for(size(), [&](std::size_t e) { rate[e] *= data_->rate_scale; });
}

void MatrixRateEquation::fixed_point(const BlockRates& rates, BlockMatrices& particles, BlockMatrices& holes) const {
  particles.resize(size());
  holes.resize(size());
  data_->for_all(
      [&](std::size_t b) {
        const SmallMatrix gain = data_->load(b, rates.gain), loss = data_->load(b, rates.loss);
        std::array<SmallMatrix, 2> x{gain, loss};
        lindrift::solve_sylvester(gamma_of(gain, loss, data_->load(b, rates.mean_field)), x.data(), x.size());
        data_->store(b, x[0], particles);
        data_->store(b, x[1], holes);
      },
      [&](std::size_t s) {
        particles[s] = rates.gain[s] / (rates.gain[s] + rates.loss[s]);
        holes[s] = rates.loss[s] / (rates.gain[s] + rates.loss[s]);
      });
}

void MatrixRateEquation::solve_sylvester(const BlockRates& rates, std::span<const double> right, std::span<double> x,
                                         double scale, double shift) const {
  data_->for_all(
      [&](std::size_t b) {
        SmallMatrix found = data_->load(b, right);
        SmallMatrix gamma =
            gamma_of(data_->load(b, rates.gain), data_->load(b, rates.loss), data_->load(b, rates.mean_field));
        for (std::size_t i = 0; i < gamma.order(); ++i) {
          for (std::size_t j = 0; j < gamma.order(); ++j) gamma(i, j) *= scale;
          gamma(i, i) += shift;
        }
        lindrift::solve_sylvester(gamma, &found, 1);
        data_->store(b, found, x);
      },
      [&](std::size_t s) { x[s] = right[s] / (scale * (rates.gain[s] + rates.loss[s]) + 2.0 * shift); });
}

std::vector<double> MatrixRateEquation::ascending_eigenvalues(std::span<const double> matrices) const {
  std::vector<double> result(matrices.begin(), matrices.begin() + static_cast<std::ptrdiff_t>(modes()));
  for (std::size_t b = 0; b < blocks().count(); ++b) {
    std::vector<std::size_t> members(blocks().modes(b).begin(), blocks().modes(b).end());
    std::sort(members.begin(), members.end());
    SmallMatrix vectors(members.size());
    const std::vector<double> values = hermitian_eigen(data_->load(b, matrices), vectors);
    for (std::size_t i = 0; i < members.size(); ++i) result[members[i]] = values[members.size() - 1 - i];
  }
  return result;
}

BlockMatrices MatrixRateEquation::multiplier(std::span<const double> particles, std::span<const double> holes) const {
  BlockMatrices result(size());
  data_->for_all(
      [&](std::size_t b) {
        double n = 0.0, h = 0.0;
        for (const std::size_t s : blocks().modes(b)) {
          n += particles[s];
          h += holes[s];
        }
        const bool from_particles = n <= h;
        const SmallMatrix smaller = data_->load(b, from_particles ? particles : holes);
        SmallMatrix vectors(smaller.order());
        std::vector<double> values = hermitian_eigen(smaller, vectors);
        for (double& x : values) x = (std::log1p(-x) - std::log(x)) * (from_particles ? 1.0 : -1.0);
        data_->store(b, from_eigen(values, vectors), result);
      },
      [&](std::size_t s) { result[s] = std::log(holes[s]) - std::log(particles[s]); });
  return result;
}

void MatrixRateEquation::occupations(std::span<const double> multiplier, BlockMatrices& particles,
                                     BlockMatrices& holes) const {
  particles.resize(size());
  holes.resize(size());
  const auto occupation = [](double lambda) { return 1.0 / (1.0 + std::exp(lambda)); };
  data_->for_all(
      [&](std::size_t b) {
        const SmallMatrix matrix = data_->load(b, multiplier);
        SmallMatrix vectors(matrix.order());
        std::vector<double> values = hermitian_eigen(matrix, vectors), negative = values;
        for (double& x : values) x = occupation(x);
        for (double& x : negative) x = occupation(-x);
        data_->store(b, from_eigen(values, vectors), particles);
        data_->store(b, from_eigen(negative, vectors), holes);
      },
      [&](std::size_t s) {
        particles[s] = occupation(multiplier[s]);
        holes[s] = occupation(-multiplier[s]);
      });
}

namespace {

/// Divided difference (f(x) - f(y)) / (x - y) of f(x) = 1/(1 + e^x), which is negative: with n = f and h = 1 - f it is
/// n_x h_y (1 - e^{x-y})/(x-y).
double divided_occupation(double x, double y) {
  if (x > y) std::swap(x, y);
  const double difference = x - y, n = 1.0 / (1.0 + std::exp(x)), h = 1.0 / (1.0 + std::exp(-y));
  return -n * h * (difference == 0.0 ? 1.0 : std::expm1(difference) / difference);
}

/// Multiplies `direction`, in the eigenvectors of a matrix with eigenvalues x, elementwise by factor(x_i, x_j).
template <class Factor>
SmallMatrix scaled_in_eigenvectors(const SmallMatrix& matrix, const SmallMatrix& direction, const Factor& factor) {
  SmallMatrix vectors(matrix.order());
  const std::vector<double> values = hermitian_eigen(matrix, vectors);
  SmallMatrix inside = product(adjoint_product(vectors, direction), vectors);
  for (std::size_t i = 0; i < matrix.order(); ++i)
    for (std::size_t j = 0; j < matrix.order(); ++j) inside(i, j) *= factor(values[i], values[j]);
  return product_adjoint(product(vectors, inside), vectors);
}

}  // namespace

void MatrixRateEquation::occupation_derivative(std::span<const double> multiplier, std::span<const double> direction,
                                               std::span<double> change) const {
  data_->for_all(
      [&](std::size_t b) {
        data_->store(b,
                     scaled_in_eigenvectors(data_->load(b, multiplier), data_->load(b, direction), divided_occupation),
                     change);
      },
      [&](std::size_t s) { change[s] = divided_occupation(multiplier[s], multiplier[s]) * direction[s]; });
}

void MatrixRateEquation::multiplier_derivative(std::span<const double> multiplier, std::span<const double> direction,
                                               std::span<double> change) const {
  const auto factor = [](double x, double y) { return 1.0 / divided_occupation(x, y); };
  data_->for_all(
      [&](std::size_t b) {
        data_->store(b, scaled_in_eigenvectors(data_->load(b, multiplier), data_->load(b, direction), factor), change);
      },
      [&](std::size_t s) { change[s] = factor(multiplier[s], multiplier[s]) * direction[s]; });
}

void MatrixRateEquation::spread(std::span<const double> particles, std::span<double> result) const {
  data_->for_all(
      [&](std::size_t b) {
        double mean = 0.0;
        for (const std::size_t s : blocks().modes(b)) mean += particles[s];
        mean /= static_cast<double>(blocks().modes(b).size());
        for (const std::size_t s : blocks().modes(b)) result[s] = mean * (1.0 - mean);
        for (std::size_t e = data_->pairs_at[b]; e < data_->pairs_at[b + 1]; ++e) result[e] = mean * (1.0 - mean);
      },
      [&](std::size_t s) { result[s] = particles[s] * (1.0 - particles[s]); });
}

double MatrixRateEquation::largest(std::span<const double> matrices) const {
  // Includes the modes of blocks: a diagonal element never exceeds the norm of its block.
  double result = parallel_maximum(modes(), 0.0, [&](std::size_t s) { return std::fabs(matrices[s]); });
  for (std::size_t b = 0; b < blocks().count(); ++b) {
    double sum = 0.0;
    for (const std::size_t s : blocks().modes(b)) sum += matrices[s] * matrices[s];
    for (std::size_t e = data_->pairs_at[b]; e < data_->pairs_at[b + 1]; ++e) sum += matrices[e] * matrices[e];
    if (!(std::sqrt(sum) <= result)) result = std::sqrt(sum);
  }
  return result;
}

double MatrixRateEquation::balance_residual(std::span<const double> multiplier) const {
  const std::vector<double> values = ascending_eigenvalues(multiplier);
  BlockFlow flow(*this, parallel_sum(modes(), [&](std::size_t s) { return 1.0 / (1.0 + std::exp(values[s])); }));
  BlockMatrices framed(size());
  flow.to_frame(multiplier, framed);
  flow.set_point(framed);
  return std::tanh(0.5 * flow.imbalance());
}

namespace {

double per_cell(const Bands& bands, const std::vector<double>& observable, std::span<const double> matrices) {
  return parallel_sum(observable.size(), [&](std::size_t e) { return observable[e] * matrices[e]; }) /
         static_cast<double>(bands.lattice.size());
}

}  // namespace

std::vector<double> MatrixRateEquation::current(std::span<const double> particles) const {
  std::vector<double> result;
  for (const auto& velocity : data_->velocity) result.push_back(per_cell(bands(), velocity, particles));
  return result;
}

std::vector<double> MatrixRateEquation::orbital_current(std::span<const double> particles) const {
  std::vector<double> result;
  if (data_->orbitals() == 1) return result;
  for (const auto& direction : data_->orbital_velocity)
    for (const auto& velocity : direction) result.push_back(per_cell(bands(), velocity, particles));
  return result;
}

std::vector<double> MatrixRateEquation::energy_current(std::span<const double> particles) const {
  BlockMatrices carried(particles.begin(), particles.end());
  for (std::size_t s = 0; s < modes(); ++s) carried[s] *= data_->energy[s];
  for (std::size_t b = 0; b < blocks().count(); ++b)
    for (std::size_t e = data_->pairs_at[b]; e < data_->pairs_at[b + 1]; ++e)
      carried[e] *= data_->energy[blocks().modes(b).front()];
  return current(carried);
}

MatrixRateEquation::EntropyRates MatrixRateEquation::entropy_rates(std::span<const double> multiplier) const {
  BlockMatrices particles, holes;
  occupations(multiplier, particles, holes);
  const auto rate_of = [&](const BathParts& parts) {
    BlockRates sums;
    rates(particles, holes, sums, parts);
    std::vector<double> result(size());
    balance(sums, particles, holes, result);
    return result;
  };
  const std::vector<double> thermal = rate_of({true, false}), driven = rate_of({false, true});
  const double unit = 1.0 / static_cast<double>(bands().lattice.size());
  const auto dot = [](std::span<const double> a, std::span<const double> b) {
    return parallel_sum(a.size(), [&](std::size_t e) { return a[e] * b[e]; });
  };
  return {-unit * dot(data_->energy, thermal), unit * dot(multiplier, thermal), unit * dot(multiplier, driven)};
}

}  // namespace lindrift
