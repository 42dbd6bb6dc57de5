#include "models/tgge_equation.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <map>
#include <memory>
#include <string>

#include "lindrift/error.hpp"
#include "lindrift/lattice.hpp"
#include "models/rate_generator.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// Weights this far below the largest are what rounding leaves of an exact zero: such a hop must count as impossible.
constexpr double rounding_of_zero = 1e-28;

/// Sites and spins that the jump operators may touch together: beyond, the small matrices are no longer small.
constexpr std::size_t most_dimensions = 256;

/// beta * bandwidth beyond which the ohmic spectrum's rates, divided by the largest, leave the range of double
/// precision.
constexpr double largest_ohmic_exponent = 1200.0;

/// Arrays behind a RateTables and a hop_weight: kept alive by the latter.
struct Weights {
  kernels::WeightKind kind = kernels::WeightKind::product;
  std::size_t modes = 0;
  // product
  int rank = 1;
  std::vector<double> in, out;
  // operators
  int dimension = 0, channels = 0;
  std::vector<double> vector_re, vector_im, amplitude_re, amplitude_im;
  double floor = 0.0;
  // table
  std::vector<double> table;

  double operator()(std::size_t to, std::size_t from) const {
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
    return table[to * modes + from];
  }
};

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

void build(const RateEquation& equation, const Spinors&, const RamanJump& jump, Weights& weights) {
  weights.in.resize(weights.modes);
  weights.out.resize(weights.modes);
  for (std::size_t s = 0; s < weights.modes; ++s) {
    const std::int64_t m = momentum_index(equation, s);
    const double cosine = cos_pi(2 * m, equation.sites), sine = sin_pi(2 * m, equation.sites);
    weights.in[s] = squared_modulus(jump.delta, cosine, sine);           // |1 + delta e^{-iq}|^2
    weights.out[s] = squared_modulus(-jump.delta_prime, cosine, -sine);  // |1 - delta' e^{ik}|^2
  }
  clear_rounded_zeros(weights.in);
  clear_rounded_zeros(weights.out);
}

void build(const RateEquation&, const Spinors& spinors, const DephasingJump& jump, Weights& weights) {
  weights.rank = 2;
  weights.in.resize(2 * weights.modes);
  weights.out.resize(2 * weights.modes);
  for (std::size_t s = 0; s < weights.modes; ++s) {
    const double up = spinors.up[s] * spinors.up[s], down = spinors.down[s] * spinors.down[s];
    weights.out[s] = up;
    weights.out[weights.modes + s] = down;
    weights.in[s] = jump.dephasing_up * up;
    weights.in[weights.modes + s] = jump.down() * down;
  }
}

void build(const RateEquation&, const Spinors&, const TableJump& jump, Weights& weights) {
  weights.kind = kernels::WeightKind::table;
  weights.table = jump.weights;
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

/// Position of each offset that any channel touches, in ascending order of the offset.
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

void build(const RateEquation& equation, const Spinors& spinors, const OperatorJump& jump, Weights& weights) {
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
int numerical_rank(const Weights& weights) {
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

struct Choice {
  Algorithm algorithm;
  std::string reason;
};

Choice choose_algorithm(const RateEquation& equation, const Weights& weights, const TggeBath& bath, Algorithm asked) {
  std::string obstacle;
  if (bath.spectrum != Spectrum::exponential && bath.thermal_weight() > 0.0)
    obstacle = "only the exponential spectrum separates";
  else if (weights.kind == kernels::WeightKind::table)
    obstacle = "a table of hop weights has no known rank";
  if (asked == Algorithm::separable) {
    if (!obstacle.empty())
      throw UnsupportedError("solver.algorithm = separable is impossible: " + obstacle + "; use direct or auto");
    return {asked, "as asked"};
  }
  if (asked == Algorithm::direct) return {asked, "as asked"};
  if (!obstacle.empty()) return {Algorithm::direct, obstacle};
  const std::size_t modes = equation.modes();
  if (weights.kind == kernels::WeightKind::operators && static_cast<std::size_t>(weights.dimension) >= modes)
    return {Algorithm::direct, "the jump operators reach as far as the chain: their weights have full rank"};
  return {Algorithm::separable, "the hop weights have rank " + std::to_string(equation.rank) +
                                    " and the exponential spectrum rank 1: a few moments replace the sum over pairs"};
}

/// Modes from which a pair sum on a device outweighs the copies that each evaluation makes. An estimate from the
/// operation counts; `backend = cuda` overrules it.
constexpr std::size_t device_modes = 4096;

/// Backend for a problem: `automatic` keeps on the CPU what a device could not speed up.
Backend choose_backend(Backend asked, Algorithm algorithm, std::size_t modes, std::string& reason) {
  const Backend possible = resolve_backend(asked, &reason);
  if (asked != Backend::automatic || possible == Backend::cpu) return possible;
  if (algorithm == Algorithm::direct && modes >= device_modes) return Backend::cuda;
  reason = algorithm == Algorithm::separable
               ? "moments are as fast on the CPU as copies to a device; cuda can be asked for"
               : std::to_string(modes) + " modes are too few to gain from a device; cuda can be asked for";
  return Backend::cpu;
}

void validate_jump(const RamanJump& jump, std::int64_t, int) {
  for (const auto& [quantity, value] : {std::pair{"bath.delta", jump.delta}, {"bath.delta_prime", jump.delta_prime}})
    require(std::isfinite(value.real()) && std::isfinite(value.imag()), quantity, std::abs(value), "finite");
}

void validate_jump(const DephasingJump& jump, std::int64_t, int) {
  require(std::isfinite(jump.dephasing_up) && jump.dephasing_up >= 0.0, "bath.dephasing_up", jump.dephasing_up, ">= 0");
  if (!jump.dephasing_down && jump.down() < 0.0)
    throw ParameterError("bath.dephasing_down", "1 - bath.dephasing_up = " + std::to_string(jump.down()) +
                                                    " is not allowed: must be >= 0; give bath.dephasing_down");
  require(std::isfinite(jump.down()) && jump.down() >= 0.0, "bath.dephasing_down", jump.down(), ">= 0");
}

void validate_jump(const OperatorJump& jump, std::int64_t sites, int bands) {
  const char* quantity = "bath.jump_operator";
  if (jump.channels.empty()) throw ParameterError(quantity, "at least one channel is needed");
  for (const auto& channel : jump.channels) {
    if (channel.empty()) throw ParameterError(quantity, "a channel has no terms");
    for (const JumpTerm& term : channel) {
      for (const int spin : {term.to_spin, term.from_spin})
        if (spin < 0 || spin >= bands)
          throw ParameterError(quantity, "spin " + std::to_string(spin) + " is not allowed: must be " +
                                             (bands == 1 ? "0 for one band" : "0 (up) or 1 (down)"));
      require(std::isfinite(term.amplitude.real()) && std::isfinite(term.amplitude.imag()), quantity,
              std::abs(term.amplitude), "finite");
    }
  }
  const std::size_t dimension = offsets_of(jump, sites).size() * (bands == 1 ? 1 : 2);
  if (dimension > most_dimensions)
    throw ParameterError(quantity, "the operators touch " + std::to_string(dimension) + " sites and spins; at most " +
                                       std::to_string(most_dimensions) +
                                       " are allowed: give the hop weights as a table instead");
}

void validate_jump(const TableJump& jump, std::int64_t sites, int bands) {
  const auto modes = static_cast<std::size_t>(sites) * static_cast<std::size_t>(bands);
  if (jump.weights.size() != modes * modes)
    throw ParameterError("bath.table", "it holds " + std::to_string(jump.weights.size()) + " weights; it must be " +
                                           std::to_string(modes) + " x " + std::to_string(modes));
  for (std::size_t i = 0; i < jump.weights.size(); ++i)
    if (!(std::isfinite(jump.weights[i]) && jump.weights[i] >= 0.0))
      throw ParameterError("bath.table", "weight (" + std::to_string(i / modes) + ", " + std::to_string(i % modes) +
                                             ") = " + std::to_string(jump.weights[i]) +
                                             " is not allowed: must be finite and >= 0");
}

}  // namespace

void require(bool condition, const char* quantity, double value, const char* allowed) {
  if (!condition) throw ParameterError(quantity, std::to_string(value) + " is not allowed: must be " + allowed);
}

void validate_baths(const TggeBath& bath, const TggeJump& jump, std::int64_t sites, int bands, double bandwidth) {
  require(std::isfinite(bath.coupling) && bath.coupling >= 0.0, "bath.coupling", bath.coupling, ">= 0");
  require(std::isfinite(bath.inverse_temperature) && bath.inverse_temperature >= 0.0, "bath.inverse_temperature",
          bath.inverse_temperature, ">= 0");
  require(bath.nonequilibrium_fraction >= 0.0 && bath.nonequilibrium_fraction <= 1.0, "bath.nonequilibrium_fraction",
          bath.nonequilibrium_fraction, "in [0, 1]");
  require(std::isfinite(bath.thermal_weight()) && bath.thermal_weight() >= 0.0, "bath.equilibrium_fraction",
          bath.thermal_weight(), ">= 0");
  if (bath.thermal_weight() == 0.0 && bath.nonequilibrium_fraction == 0.0)
    throw ParameterError("bath.equilibrium_fraction",
                         "0 is not allowed with bath.nonequilibrium_fraction = 0: no bath would be left");
  require(std::isfinite(bath.spectrum_width) && bath.spectrum_width > 0.0, "bath.spectrum_width", bath.spectrum_width,
          "> 0");
  if (bath.spectrum == Spectrum::ohmic) {
    require(bath.inverse_temperature > 0.0, "bath.inverse_temperature", bath.inverse_temperature,
            "> 0 for an ohmic spectrum");
    if (bath.inverse_temperature * bandwidth > largest_ohmic_exponent)
      throw ParameterError("bath.inverse_temperature",
                           "an ohmic spectrum needs beta * bandwidth <= 1200, and here it is " +
                               std::to_string(bath.inverse_temperature * bandwidth) +
                               ": the rates leave double precision");
  }
  std::visit([&](const auto& kind) { validate_jump(kind, sites, bands); }, jump);
}

void attach_baths(RateEquation& equation, double hopping, const Spinors& spinors, const TggeBath& bath,
                  const TggeJump& jump, const Execution& execution) {
  const auto weights = std::make_shared<Weights>();
  weights->modes = equation.modes();
  std::visit([&](const auto& kind) { build(equation, spinors, kind, *weights); }, jump);
  equation.rate_scale = bath.coupling * hopping;
  equation.inverse_temperature = bath.inverse_temperature;
  equation.thermal = bath.thermal_weight() > 0.0;
  equation.rank = weights->kind == kernels::WeightKind::table ? 0 : numerical_rank(*weights);
  const Choice choice = choose_algorithm(equation, *weights, bath, execution.algorithm);
  equation.algorithm = choice.algorithm;
  equation.reason = choice.reason;
  equation.backend = choose_backend(execution.backend, choice.algorithm, equation.modes(), equation.backend_reason);
  equation.hop_weight = [weights](std::size_t to, std::size_t from) { return (*weights)(to, from); };

  kernels::RateTables tables;
  tables.modes = static_cast<std::int64_t>(equation.modes());
  tables.over_sites = 1.0 / static_cast<double>(equation.sites);
  tables.scale = equation.rate_scale;
  tables.inverse_temperature = bath.inverse_temperature;
  tables.thermal_weight = bath.thermal_weight();
  tables.nonequilibrium_weight = bath.nonequilibrium_fraction;
  tables.energy = equation.energy.data();
  // Without a thermal bath its spectrum does not matter, and moments need the exponential one.
  if (equation.thermal && bath.spectrum == Spectrum::lorentzian) tables.spectrum = kernels::SpectrumKind::lorentzian;
  if (equation.thermal && bath.spectrum == Spectrum::ohmic) tables.spectrum = kernels::SpectrumKind::ohmic;
  tables.spectrum_width = bath.spectrum_width;
  tables.weight = weights->kind;
  tables.rank = weights->rank;
  tables.in = weights->in.data();
  tables.out = weights->out.data();
  tables.dimension = weights->dimension;
  tables.channels = weights->channels;
  tables.vector_re = weights->vector_re.data();
  tables.vector_im = weights->vector_im.data();
  tables.amplitude_re = weights->amplitude_re.data();
  tables.amplitude_im = weights->amplitude_im.data();
  tables.weight_floor = weights->floor;
  tables.table = weights->table.data();
  Execution resolved = execution;
  resolved.backend = equation.backend;
  resolved.algorithm = equation.algorithm;
  equation.generator = make_rate_generator(tables, resolved);
}

}  // namespace lindrift
