#include "models/hop_weights.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lindrift/lattice.hpp"
#include "parallel.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// Weights this far below the largest are what rounding leaves of an exact zero: such a hop must count as impossible.
constexpr double rounding_of_zero = 1e-28;

/// |1 + z e^{-ik}|^2 from cos k and sin k, as a sum of squares: never negative, and exact where it vanishes.
double squared_modulus(Complex z, double cosine, double sine) {
  const double real = 1.0 + z.real() * cosine + z.imag() * sine;
  const double imaginary = z.imag() * cosine - z.real() * sine;
  return real * real + imaginary * imaginary;
}

void clear_rounded_zeros(std::vector<double>& weight) {
  const double threshold = rounding_of_zero * *std::max_element(weight.begin(), weight.end());
  for (double& w : weight)
    if (w < threshold) w = 0.0;
}

std::int64_t momentum_index(const RateEquation& equation, std::size_t mode) {
  return first_momentum_index(equation.sites) + static_cast<std::int64_t>(mode) % equation.sites;
}

void build(const RateEquation& equation, const Spinors&, const RamanJump& jump, HopWeights& weights) {
  weights.in.resize(weights.modes);
  weights.out.resize(weights.modes);
  parallel_for(weights.modes, [&](std::size_t s) {
    const std::int64_t m = momentum_index(equation, s);
    const double cosine = cos_pi(2 * m, equation.sites), sine = sin_pi(2 * m, equation.sites);
    weights.in[s] = squared_modulus(jump.delta, cosine, sine);           // |1 + delta e^{-iq}|^2
    weights.out[s] = squared_modulus(-jump.delta_prime, cosine, -sine);  // |1 - delta' e^{ik}|^2
  });
  clear_rounded_zeros(weights.in);
  clear_rounded_zeros(weights.out);
}

void build(const RateEquation&, const Spinors& spinors, const DephasingJump& jump, HopWeights& weights) {
  weights.rank = 2;
  weights.in.resize(2 * weights.modes);
  weights.out.resize(2 * weights.modes);
  parallel_for(weights.modes, [&](std::size_t s) {
    const double up = spinors.up[s] * spinors.up[s], down = spinors.down[s] * spinors.down[s];
    weights.out[s] = up;
    weights.out[weights.modes + s] = down;
    weights.in[s] = jump.dephasing_up * up;
    weights.in[weights.modes + s] = jump.down() * down;
  });
}

void build(const RateEquation&, const Spinors&, const TableJump& jump, HopWeights& weights) {
  weights.kind = kernels::WeightKind::table;
  weights.table = jump.share();
}

/// x mod L in [0, L).
std::int64_t wrap(std::int64_t x, std::int64_t sites) { return ((x % sites) + sites) % sites; }

/// Terms of a channel with its offsets moved to start at 0, which changes phases only, and wrapped around the chain.
std::vector<JumpTerm> normalised(std::vector<JumpTerm> terms, std::int64_t sites) {
  std::int64_t first_to = std::numeric_limits<std::int64_t>::max(), first_from = first_to;
  for (const JumpTerm& term : terms) {
    first_to = std::min(first_to, term.to);
    first_from = std::min(first_from, term.from);
  }
  for (JumpTerm& term : terms) {
    term.to = wrap(term.to - first_to, sites);
    term.from = wrap(term.from - first_from, sites);
  }
  return terms;
}

}  // namespace

std::map<std::int64_t, std::size_t> offsets_of(const OperatorJump& jump, std::int64_t sites) {
  std::map<std::int64_t, std::size_t> position;
  for (const auto& channel : jump.channels)
    for (const JumpTerm& term : normalised(channel, sites)) {
      position[term.to] = 0;
      position[term.from] = 0;
    }
  std::size_t next = 0;
  for (auto& [offset, index] : position) index = next++;
  return position;
}

namespace {

void build(const RateEquation& equation, const Spinors& spinors, const OperatorJump& jump, HopWeights& weights) {
  weights.kind = kernels::WeightKind::operators;
  const auto position = offsets_of(jump, equation.sites);
  const std::size_t spins = equation.bands == 1 ? 1 : 2;
  const std::size_t d = position.size() * spins;
  weights.dimension = static_cast<int>(d);
  weights.channels = static_cast<int>(jump.channels.size());

  weights.vector_re.resize(d * weights.modes);
  weights.vector_im.resize(d * weights.modes);
  for (const auto& [offset, index] : position) {
    for (std::size_t s = 0; s < weights.modes; ++s) {
      // m * offset is reduced before it is multiplied by 2 pi / L: exact for every size.
      const std::int64_t product = wrap(momentum_index(equation, s) * offset, equation.sites);
      const double cosine = cos_pi(2 * product, equation.sites), sine = sin_pi(2 * product, equation.sites);
      const std::size_t first = index * spins * weights.modes + s;
      const double up = spins == 1 ? 1.0 : spinors.up[s];
      weights.vector_re[first] = up * cosine;
      weights.vector_im[first] = up * sine;
      if (spins == 2) {  // times -i down
        weights.vector_re[first + weights.modes] = spinors.down[s] * sine;
        weights.vector_im[first + weights.modes] = -spinors.down[s] * cosine;
      }
    }
  }
  weights.amplitude_re.assign(jump.channels.size() * d * d, 0.0);
  weights.amplitude_im.assign(jump.channels.size() * d * d, 0.0);
  for (std::size_t c = 0; c < jump.channels.size(); ++c)
    for (const JumpTerm& term : normalised(jump.channels[c], equation.sites)) {
      const std::size_t a = position.at(term.to) * spins + static_cast<std::size_t>(term.to_spin);
      const std::size_t b = position.at(term.from) * spins + static_cast<std::size_t>(term.from_spin);
      weights.amplitude_re[(c * d + a) * d + b] += term.amplitude.real();
      weights.amplitude_im[(c * d + a) * d + b] += term.amplitude.imag();
    }
  // |v^+ A v'|^2 <= |A|^2 |v|^2 |v'|^2, and |v|^2 is the number of offsets.
  double bound = 0.0;
  for (std::size_t e = 0; e < weights.amplitude_re.size(); ++e)
    bound += std::norm(Complex(weights.amplitude_re[e], weights.amplitude_im[e]));
  const auto length = static_cast<double>(position.size());
  weights.floor = rounding_of_zero * bound * length * length;
}

/// Rank of the hop weights, by elimination on as many modes as the rank can have twice over.
int numerical_rank(const HopWeights& weights) {
  const std::size_t wanted =
      weights.kind == kernels::WeightKind::product ? 8 : 8 * static_cast<std::size_t>(weights.dimension) + 8;
  const std::size_t n = std::min({weights.modes, wanted, std::size_t{512}});
  std::vector<double> matrix(n * n);
  double largest = 0.0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      // Evenly spread, and rows apart from columns.
      matrix[i * n + j] = weights(i * weights.modes / n, (j * weights.modes + weights.modes / 2) / n);
      largest = std::max(largest, matrix[i * n + j]);
    }
  int rank = 0;
  for (std::size_t step = 0; step < n; ++step) {
    std::size_t pivot_row = step, pivot_column = step;
    for (std::size_t i = step; i < n; ++i)
      for (std::size_t j = step; j < n; ++j)
        if (std::fabs(matrix[i * n + j]) > std::fabs(matrix[pivot_row * n + pivot_column])) {
          pivot_row = i;
          pivot_column = j;
        }
    const double pivot = matrix[pivot_row * n + pivot_column];
    if (std::fabs(pivot) <= 1e-12 * largest) break;
    ++rank;
    for (std::size_t j = 0; j < n; ++j) std::swap(matrix[step * n + j], matrix[pivot_row * n + j]);
    for (std::size_t i = 0; i < n; ++i) std::swap(matrix[i * n + step], matrix[i * n + pivot_column]);
    for (std::size_t i = step + 1; i < n; ++i) {
      const double factor = matrix[i * n + step] / pivot;
      for (std::size_t j = step; j < n; ++j) matrix[i * n + j] -= factor * matrix[step * n + j];
    }
  }
  return rank;
}

}  // namespace

double HopWeights::operator()(std::size_t to, std::size_t from) const {
  switch (kind) {
    case kernels::WeightKind::product: {
      double sum = 0.0;
      for (int r = 0; r < rank; ++r)
        sum += in[static_cast<std::size_t>(r) * modes + to] * out[static_cast<std::size_t>(r) * modes + from];
      return sum;
    }
    case kernels::WeightKind::operators: {
      double sum = 0.0;
      const auto d = static_cast<std::size_t>(dimension);
      for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
        Complex amplitude = 0.0;
        for (std::size_t a = 0; a < d; ++a)
          for (std::size_t b = 0; b < d; ++b) {
            const std::size_t e = (c * d + a) * d + b;
            amplitude += std::conj(Complex(vector_re[a * modes + to], vector_im[a * modes + to])) *
                         Complex(amplitude_re[e], amplitude_im[e]) *
                         Complex(vector_re[b * modes + from], vector_im[b * modes + from]);
          }
        sum += std::norm(amplitude);
      }
      return sum < floor ? 0.0 : sum;
    }
    case kernels::WeightKind::table:
      break;
  }
  return (*table)[to * modes + from];
}

void HopWeights::point(kernels::RateTables& tables) const {
  tables.weight = kind;
  tables.rank = rank;
  tables.in = in.data();
  tables.out = out.data();
  tables.dimension = dimension;
  tables.channels = channels;
  tables.vector_re = vector_re.data();
  tables.vector_im = vector_im.data();
  tables.amplitude_re = amplitude_re.data();
  tables.amplitude_im = amplitude_im.data();
  tables.weight_floor = floor;
  tables.table = table ? table->data() : nullptr;
}

std::shared_ptr<const HopWeights> make_hop_weights(const BareEquation& bare, const TggeJump& jump) {
  const auto weights = std::make_shared<HopWeights>();
  weights->modes = bare.equation.modes();
  std::visit([&](const auto& kind) { build(bare.equation, bare.spinors, kind, *weights); }, jump);
  if (weights->kind != kernels::WeightKind::table) weights->numerical_rank = numerical_rank(*weights);
  return weights;
}

}  // namespace lindrift
