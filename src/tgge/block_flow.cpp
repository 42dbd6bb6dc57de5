#include "tgge/block_flow.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <utility>

#include "engine/parallel.hpp"

namespace lindrift {

using Complex = std::complex<double>;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr double root_two = std::numbers::sqrt2;
/// With factors of e^300 more or less between a rate and its terms, all stay in range.
constexpr double max_exponent = 300.0;
/// Rounding of the sums over momenta, relative to the largest of them. Gain and loss that are smaller count as none.
constexpr double rounding_of_sums = 64.0 * epsilon;
/// Multipliers closer than this count as equal in second derivatives, whose error is then its square.
constexpr double close_multipliers = 1e-4;

/// Errors of eigenvectors that count as none, in units of the accuracy of ell.
constexpr double allowed_angle = 64.0;
/// A rate that is smaller than this in units of the block's largest has a derivative that rounding spoils.
constexpr double small_rate = 1e-10;

/// x where it is well above `rounding`, and zero where it is well below, with no jump between.
double without_rounding(double x, double rounding) {
  if (!(x > 0.0)) return 0.0;
  const double ratio = rounding / x;
  return x * std::exp(-ratio * ratio);
}

double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }

/// log |(f(x) - f(y)) / (x - y)| of f(x) = 1/(1 + e^x).
double log_divided(double x, double y) {
  if (x > y) std::swap(x, y);
  const double d = y - x;
  return -softplus(x) - softplus(-y) + (d == 0.0 ? 0.0 : std::log(-std::expm1(-d) / d));
}

/// Second divided difference f[x, y, z] over the first one f[x, z].
double second_over_first(double x, double y, double z) {
  double low = std::min(x, z), high = std::max(x, z), middle = y;
  if (middle < low) std::swap(middle, low);
  if (middle > high) std::swap(middle, high);
  if (high - low < close_multipliers) return -0.5 * std::tanh(0.5 * (low + middle + high) / 3.0);
  const double scale = log_divided(x, z);
  return (std::exp(log_divided(middle, high) - scale) - std::exp(log_divided(low, middle) - scale)) / (high - low);
}

}  // namespace

template <class Body>
void BlockFlow::for_units(const Body& body) const {
  parallel_for(unit_.size(), [&](std::size_t u) { body(unit_[u], u); });
}

BlockFlow::BlockFlow(const MatrixRateEquation& equation, double number, double accuracy)
    : equation_(equation), squared_angle_(allowed_angle * accuracy * allowed_angle * accuracy) {
  const DegenerateBlocks& blocks = equation.blocks();
  std::vector<bool> in_block(equation.modes(), false);
  std::size_t pairs = equation.modes(), square = 0, factors = 0;
  const auto add = [&](std::span<const std::size_t> modes) {
    const std::size_t m = modes.size();
    unit_.push_back({member_.size(), m, pairs, square, factors});
    member_.insert(member_.end(), modes.begin(), modes.end());
    pairs += m * (m - 1);
    square += m * m;
    factors += m * m * m * m;
  };
  for (std::size_t b = 0; b < blocks.count(); ++b) {
    add(blocks.modes(b));
    for (const std::size_t s : blocks.modes(b)) in_block[s] = true;
  }
  for (std::size_t s = 0; s < equation.modes(); ++s)
    if (!in_block[s]) add(std::span(&s, 1));
  value_.resize(equation.modes());
  for (auto* small : {&small_gain_, &small_loss_}) small->resize(equation.modes());
  for (auto* all : {&frame_, &vectors_, &gain_, &loss_, &field_, &flow_, &driven_gain_, &driven_loss_})
    all->resize(square);
  for (auto* kept : {&kept_gain_, &kept_loss_})
    for (auto& bath : *kept) bath.resize(square);
  has_frame_.resize(unit_.size());
  log_clock_.resize(unit_.size());
  factors_.resize(factors);
  pivots_.resize(square);
  choose_frame(number);
}

/// Which states operators do not couple to does not depend on the occupations. What fills a block decides where it ends
/// almost empty, what empties it where it ends almost full; the thermal bath outweighs the driven one unless it treats
/// all states of the block alike.
void BlockFlow::choose_frame(double number) {
  const BlockMatrices half = equation_.diagonal(0.5);
  equation_.rates(half, half, thermal_, {true, false});
  equation_.rates(half, half, driven_, {false, true});
  const auto& energy = equation_.bands().energy;
  std::vector<double> levels(energy);
  std::sort(levels.begin(), levels.end());
  const double fermi_level = levels[std::min(static_cast<std::size_t>(std::max(number, 0.0)), levels.size() - 1)];
  for_units([&](const Unit& unit, std::size_t u) {
    SmallMatrix frame(unit.order);
    const bool is_empty = energy[member_[unit.first]] >= fermi_level;
    std::vector<double> size = hermitian_eigen(load(unit, is_empty ? thermal_.loss : thermal_.gain), frame);
    const bool is_alike = !(size.front() - size.back() > rounding_of_sums * size.front());
    if (is_alike) size = hermitian_eigen(load(unit, is_empty ? driven_.gain : driven_.loss), frame);
    has_frame_[u] = unit.order > 1 && size.back() <= rounding_of_sums * size.front();
    if (!has_frame_[u]) {
      frame = SmallMatrix(unit.order);
      for (std::size_t i = 0; i < unit.order; ++i) frame(i, i) = 1.0;
    }
    write(unit, frame, frame_);
  });
}

bool BlockFlow::has_frame(const Unit& unit) const {
  return has_frame_[static_cast<std::size_t>(&unit - unit_.data())] != 0;
}

SmallMatrix BlockFlow::framed(const Unit& unit, std::span<const double> packed) const {
  if (!has_frame(unit)) return load(unit, packed);
  const SmallMatrix frame = read(unit, frame_);
  return product(adjoint_product(frame, load(unit, packed)), frame);
}

void BlockFlow::to_frame(std::span<const double> matrices, std::span<double> result) const {
  for_units([&](const Unit& unit, std::size_t) {
    SmallMatrix matrix = framed(unit, matrices);
    double size = 0.0;
    for (std::size_t i = 0; i < unit.order; ++i) size = std::max(size, std::fabs(matrix(i, i).real()));
    for (std::size_t i = 0; has_frame(unit) && i < unit.order; ++i)
      for (std::size_t j = 0; j < unit.order; ++j)
        if (i != j && std::abs(matrix(i, j)) <= rounding_of_sums * size) matrix(i, j) = 0.0;
    store(unit, matrix, result);
  });
}

void BlockFlow::from_frame(std::span<const double> matrices, std::span<double> result) const {
  for_units([&](const Unit& unit, std::size_t) {
    const SmallMatrix frame = read(unit, frame_), matrix = load(unit, matrices);
    store(unit, has_frame(unit) ? product_adjoint(product(frame, matrix), frame) : matrix, result);
  });
}

SmallMatrix BlockFlow::load(const Unit& unit, std::span<const double> packed) const {
  SmallMatrix matrix(unit.order);
  std::size_t at = unit.pairs;
  for (std::size_t i = 0; i < unit.order; ++i) {
    matrix(i, i) = packed[member_[unit.first + i]];
    for (std::size_t j = i + 1; j < unit.order; ++j, at += 2) {
      matrix(i, j) = Complex(packed[at], packed[at + 1]) / root_two;
      matrix(j, i) = std::conj(matrix(i, j));
    }
  }
  return matrix;
}

void BlockFlow::store(const Unit& unit, const SmallMatrix& matrix, std::span<double> packed) const {
  std::size_t at = unit.pairs;
  for (std::size_t i = 0; i < unit.order; ++i) {
    packed[member_[unit.first + i]] = matrix(i, i).real();
    for (std::size_t j = i + 1; j < unit.order; ++j, at += 2) {
      packed[at] = root_two * matrix(i, j).real();
      packed[at + 1] = root_two * matrix(i, j).imag();
    }
  }
}

SmallMatrix BlockFlow::read(const Unit& unit, const std::vector<Complex>& all) const {
  SmallMatrix matrix(unit.order);
  std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(unit.square), unit.order * unit.order, matrix.data());
  return matrix;
}

void BlockFlow::write(const Unit& unit, const SmallMatrix& matrix, std::vector<Complex>& all) const {
  std::copy_n(matrix.data(), unit.order * unit.order, all.begin() + static_cast<std::ptrdiff_t>(unit.square));
}

void BlockFlow::to_inside(std::span<const double> matrices, std::span<double> inside) const {
  for_units([&](const Unit& unit, std::size_t) {
    const SmallMatrix vectors = read(unit, vectors_);
    store(unit, product(adjoint_product(vectors, load(unit, matrices)), vectors), inside);
  });
}

void BlockFlow::from_inside(std::span<const double> inside, std::span<double> matrices) const {
  for_units([&](const Unit& unit, std::size_t) {
    const SmallMatrix vectors = read(unit, vectors_);
    store(unit, product_adjoint(product(vectors, load(unit, inside)), vectors), matrices);
  });
}

void BlockFlow::set_point(std::span<const double> multiplier) {
  particles_.resize(equation_.size());
  holes_.resize(equation_.size());
  for_units([&](const Unit& unit, std::size_t) {
    SmallMatrix vectors(unit.order);
    const std::vector<double> values =
        hermitian_eigen(load(unit, multiplier), vectors, has_frame(unit) ? 0.0 : negligible_element);
    write(unit, vectors, vectors_);
    if (has_frame(unit)) vectors = product(read(unit, frame_), vectors);
    SmallMatrix n(unit.order), h(unit.order);
    for (std::size_t i = 0; i < unit.order; ++i) {
      value_[member_[unit.first + i]] = values[i];
      n(i, i) = std::exp(-softplus(values[i]));
      h(i, i) = std::exp(-softplus(-values[i]));
    }
    store(unit, product_adjoint(product(vectors, n), vectors), particles_);
    store(unit, product_adjoint(product(vectors, h), vectors), holes_);
  });
  equation_.rates(particles_, holes_, thermal_, {true, false});
  equation_.rates(particles_, holes_, driven_, {false, true});
  const auto largest = [&](const BlockMatrices& rates) {
    return parallel_maximum(equation_.modes(), 0.0, [&](std::size_t s) { return std::fabs(rates[s]); });
  };
  const double least_gain = rounding_of_sums * largest(driven_.gain),
               least_loss = rounding_of_sums * largest(driven_.loss);
  for_units([&](const Unit& unit, std::size_t) {
    const SmallMatrix vectors = read(unit, vectors_);
    const auto thermal_gain = without_small(unit, framed(unit, thermal_.gain), kept_gain_[0]),
               driven_gain = without_small(unit, framed(unit, driven_.gain), kept_gain_[1]),
               thermal_loss = without_small(unit, framed(unit, thermal_.loss), kept_loss_[0]),
               driven_loss = without_small(unit, framed(unit, driven_.loss), kept_loss_[1]);
    sum_parts(unit, thermal_gain, driven_gain, least_gain, gain_, driven_gain_, small_gain_);
    sum_parts(unit, thermal_loss, driven_loss, least_loss, loss_, driven_loss_, small_loss_);
    write(unit, product(adjoint_product(vectors, framed(unit, driven_.mean_field)), vectors), field_);
  });
}

/// In its frame a bath has elements off the diagonal that vanish but for rounding. `kept` has one for those elements
/// that do not, for the derivative.
SmallMatrix BlockFlow::without_small(const Unit& unit, SmallMatrix rates, std::vector<Complex>& kept) {
  SmallMatrix factors(unit.order);
  double trace = 0.0;
  for (std::size_t i = 0; i < unit.order; ++i) trace += std::max(rates(i, i).real(), 0.0);
  for (std::size_t i = 0; i < unit.order; ++i)
    for (std::size_t j = 0; j < unit.order; ++j) {
      const double size = std::abs(rates(i, j));
      factors(i, j) = i == j || !has_frame(unit) ? 1.0
                      : size > 0.0               ? without_rounding(size, rounding_of_sums * trace) / size
                                                 : 0.0;
      rates(i, j) *= factors(i, j).real();
    }
  write(unit, factors, kept);
  return rates;
}

/// Of two directions in a block a bath may couple to one alone. What rounding leaves of the other's rate would outweigh
/// that of the other bath. Therefore each bath's rates are taken apart into their eigenvalues, of which those below
/// rounding count as none, and put together as a sum of squares.
void BlockFlow::sum_parts(const Unit& unit, const SmallMatrix& thermal, const SmallMatrix& driven, double least,
                          std::vector<Complex>& all, std::vector<Complex>& directions, std::vector<char>& small) {
  const SmallMatrix vectors = read(unit, vectors_);
  const double allowed_square = has_frame(unit) ? rounding_of_sums * rounding_of_sums : squared_angle_;
  SmallMatrix sum(unit.order);
  const auto add = [&](const SmallMatrix& part, double allowed, bool keep) {
    SmallMatrix own(unit.order);
    std::vector<double> size = hermitian_eigen(part, own);
    const double largest = std::max(size.front(), 0.0);
    for (double& x : size) x = without_rounding(x, std::max(allowed, rounding_of_sums * largest));
    const SmallMatrix turned = adjoint_product(vectors, own);
    for (std::size_t i = 0; i < unit.order; ++i) {
      for (std::size_t j = 0; j < unit.order; ++j) {
        if (i == j) continue;
        for (std::size_t k = 0; k < unit.order; ++k) sum(i, j) += size[k] * turned(i, k) * std::conj(turned(j, k));
      }
      double square = 0.0;
      for (std::size_t k = 0; k < unit.order; ++k) square += size[k] * std::norm(turned(i, k));
      sum(i, i) += without_rounding(square, allowed_square * largest);
      if (keep) small[member_[unit.first + i]] = square <= small_rate * std::max(largest, allowed);
    }
    if (!keep) return;
    SmallMatrix kept = turned;
    for (std::size_t k = 0; k < unit.order; ++k)
      if (!(size[k] > small_rate * largest))
        for (std::size_t i = 0; i < unit.order; ++i) kept(i, k) = 0.0;
    write(unit, kept, directions);
  };
  add(thermal, 0.0, false);
  add(driven, least, true);
  write(unit, sum, all);
}

double BlockFlow::log_gain_factor(double x, double y) const {
  if (x > y) std::swap(x, y);
  // log h of the larger multiplier, and of one plus the ratio of the other to it.
  const double log_h = -softplus(-y), log_ratio = -softplus(-x) - log_h;
  return log_h + std::log1p(std::exp(log_ratio)) - std::log(2.0) - log_divided(x, y);
}

double BlockFlow::log_rate(const Unit& unit) const {
  double largest = -infinity;
  const SmallMatrix gain = read(unit, gain_), loss = read(unit, loss_), field = read(unit, field_);
  for (std::size_t i = 0; i < unit.order; ++i)
    for (std::size_t j = 0; j < unit.order; ++j) {
      const double x = value(unit, i), y = value(unit, j);
      largest = std::max({largest, std::log(std::abs(gain(i, j))) + log_gain_factor(x, y),
                          std::log(std::abs(loss(i, j))) + log_loss_factor(x, y)});
      if (i != j) largest = std::max(largest, std::log(std::abs(field(i, j)) * std::fabs(x - y)));
    }
  return largest;
}

double BlockFlow::imbalance(const Unit& unit) const {
  const SmallMatrix gain = read(unit, gain_), loss = read(unit, loss_), field = read(unit, field_);
  double sum = 0.0;
  for (std::size_t i = 0; i < unit.order; ++i) {
    const double g = gain(i, i).real(), l = loss(i, i).real(), x = value(unit, i);
    if (g == 0.0 && l == 0.0) continue;  // does not move
    const double excess = (std::log(l) - std::log(g)) - x;
    sum += excess * excess;
    for (std::size_t j = i + 1; j < unit.order; ++j) {
      const double y = value(unit, j), log_a = log_gain_factor(x, y), log_b = log_loss_factor(x, y);
      const double over = std::max(log_a, log_b), a = std::exp(log_a - over), b = std::exp(log_b - over);
      const Complex rate = b * loss(i, j) - a * gain(i, j) + Complex(0.0, (x - y) * std::exp(-over)) * field(i, j);
      const double scale =
          0.5 * (a * (g + gain(j, j).real()) + b * (l + loss(j, j).real())) + std::numeric_limits<double>::min();
      sum += 2.0 * std::norm(rate / scale);
    }
  }
  return std::isnan(sum) ? infinity : std::sqrt(sum);
}

double BlockFlow::imbalance() const {
  return parallel_maximum(unit_.size(), 0.0, [&](std::size_t u) { return imbalance(unit_[u]); });
}

bool BlockFlow::in_balance(const Unit& unit, double accuracy) const {
  double size = 0.0;
  for (std::size_t i = 0; i < unit.order; ++i) size = std::max(size, std::fabs(value(unit, i)));
  return imbalance(unit) <= std::max(accuracy, 64.0 * epsilon * (1.0 + size));
}

double BlockFlow::log_fastest(double accuracy) const {
  const double result = parallel_maximum(unit_.size(), -infinity, [&](std::size_t u) {
    const Unit& unit = unit_[u];
    return in_balance(unit, accuracy) ? -infinity : log_rate(unit);
  });
  return result + std::log(equation_.rate_scale());
}

double BlockFlow::angle_accuracy(std::size_t block) const {
  const Unit& unit = unit_[block];
  double result = 1.0;
  if (!has_frame(unit)) return result;
  for (const auto* rates : {&gain_, &loss_}) {
    const SmallMatrix rate = read(unit, *rates);
    double least = infinity, largest = 0.0;
    for (std::size_t i = 0; i < unit.order; ++i) {
      const double size = rate(i, i).real();
      if (size > 0.0) least = std::min(least, size);
      largest = std::max(largest, size);
    }
    if (largest > 0.0) result = std::min(result, std::sqrt(least / largest));
  }
  return result;
}

void BlockFlow::set_clock(const Unit& unit, Clock clock, double log_time) {
  const double largest = log_rate(unit), scale = std::log(equation_.rate_scale()) + log_time;
  double& log_clock = log_clock_[static_cast<std::size_t>(&unit - unit_.data())];
  if (clock == Clock::balanced)
    log_clock = largest > -infinity ? -largest : 0.0;
  else
    log_clock = std::min(scale, max_exponent - largest);
}

void BlockFlow::flow(Clock clock, double log_time, double rest, std::span<double> inside) {
  for_units([&](const Unit& unit, std::size_t u) {
    set_clock(unit, clock, log_time);
    const double log_clock = log_clock_[u];
    const SmallMatrix gain = read(unit, gain_), loss = read(unit, loss_), field = read(unit, field_);
    SmallMatrix rate(unit.order);
    const bool moves = !(rest > 0.0 && in_balance(unit, rest));
    for (std::size_t i = 0; moves && i < unit.order; ++i) {
      const double x = value(unit, i), log_g = std::log(gain(i, i).real()), log_l = std::log(loss(i, i).real());
      const double g = std::exp(log_g + log_gain_factor(x, x) + log_clock),
                   l = std::exp(log_l + log_loss_factor(x, x) + log_clock), excess = (log_l - log_g) - x;
      rate(i, i) = !(g > 0.0) ? l : excess > 0.0 ? -std::expm1(-excess) * l : std::expm1(excess) * g;
      for (std::size_t j = i + 1; j < unit.order; ++j) {
        const double y = value(unit, j);
        rate(i, j) = std::exp(log_loss_factor(x, y) + log_clock) * loss(i, j) -
                     std::exp(log_gain_factor(x, y) + log_clock) * gain(i, j) +
                     Complex(0.0, (x - y) * std::exp(log_clock)) * field(i, j);
        rate(j, i) = std::conj(rate(i, j));
      }
    }
    write(unit, rate, flow_);
    store(unit, rate, inside);
  });
}

/// With m = df the change of n it is -(Gamma m + m Gamma^+)/df, less what the flow itself changes in df.
SmallMatrix BlockFlow::apply_local(const Unit& unit, const SmallMatrix& direction) const {
  const std::size_t order = unit.order;
  const double log_clock = log_clock_[static_cast<std::size_t>(&unit - unit_.data())];
  const SmallMatrix gain = read(unit, gain_), loss = read(unit, loss_), field = read(unit, field_),
                    flow = read(unit, flow_);
  const double clock = std::exp(log_clock);
  SmallMatrix gamma(order), result(order);
  for (std::size_t i = 0; i < order; ++i)
    for (std::size_t k = 0; k < order; ++k)
      gamma(i, k) = 0.5 * (gain(i, k) + loss(i, k)) + Complex(0.0, 1.0) * field(i, k);
  for (std::size_t i = 0; i < order; ++i)
    for (std::size_t j = i; j < order; ++j) {
      const double x = value(unit, i), z = value(unit, j), scale = log_divided(x, z);
      Complex sum = 0.0;
      for (std::size_t k = 0; k < order; ++k) {
        const double y = value(unit, k);
        if (direction(k, j) != 0.0) sum -= clock * std::exp(log_divided(y, z) - scale) * gamma(i, k) * direction(k, j);
        if (direction(i, k) != 0.0)
          sum -= clock * std::exp(log_divided(x, y) - scale) * direction(i, k) * std::conj(gamma(j, k));
        const Complex both = direction(i, k) * flow(k, j) + flow(i, k) * direction(k, j);
        if (both != 0.0) sum -= second_over_first(x, y, z) * both;
      }
      result(i, j) = sum;
      result(j, i) = std::conj(sum);
    }
  for (std::size_t i = 0; i < order; ++i) result(i, i) = result(i, i).real();
  return result;
}

namespace {

/// Elements of a Hermitian matrix in the order of its factorised equations.
void to_vector(const SmallMatrix& matrix, double* vector) {
  for (std::size_t i = 0; i < matrix.order(); ++i) {
    *vector++ = matrix(i, i).real();
    for (std::size_t j = i + 1; j < matrix.order(); ++j) {
      *vector++ = root_two * matrix(i, j).real();
      *vector++ = root_two * matrix(i, j).imag();
    }
  }
}

SmallMatrix from_vector(std::size_t order, const double* vector) {
  SmallMatrix matrix(order);
  for (std::size_t i = 0; i < order; ++i) {
    matrix(i, i) = *vector++;
    for (std::size_t j = i + 1; j < order; ++j) {
      const double re = *vector++, im = *vector++;
      matrix(i, j) = Complex(re, im) / root_two;
      matrix(j, i) = std::conj(matrix(i, j));
    }
  }
  return matrix;
}

}  // namespace

void BlockFlow::factorize(bool identity, double step) {
  for_units([&](const Unit& unit, std::size_t) {
    const std::size_t size = unit.order * unit.order;
    double* const a = factors_.data() + unit.factors;
    std::size_t* const pivot = pivots_.data() + unit.square;
    std::vector<double> column(size);
    for (std::size_t c = 0; c < size; ++c) {
      std::fill(column.begin(), column.end(), 0.0);
      column[c] = 1.0;
      to_vector(apply_local(unit, from_vector(unit.order, column.data())), column.data());
      for (std::size_t r = 0; r < size; ++r) a[r * size + c] = (identity && r == c ? 1.0 : 0.0) - step * column[r];
    }
    for (std::size_t k = 0; k < size; ++k) {
      pivot[k] = k;
      for (std::size_t r = k + 1; r < size; ++r)
        if (std::fabs(a[r * size + k]) > std::fabs(a[pivot[k] * size + k])) pivot[k] = r;
      if (pivot[k] != k) std::swap_ranges(a + k * size, a + (k + 1) * size, a + pivot[k] * size);
      for (std::size_t r = k + 1; r < size; ++r) {
        const double factor = a[r * size + k] /= a[k * size + k];
        if (factor != 0.0)
          for (std::size_t c = k + 1; c < size; ++c) a[r * size + c] -= factor * a[k * size + c];
      }
    }
  });
}

void BlockFlow::solve_local(std::span<double> inside) const {
  for_units([&](const Unit& unit, std::size_t) {
    const std::size_t size = unit.order * unit.order;
    const double* const a = factors_.data() + unit.factors;
    const std::size_t* const pivot = pivots_.data() + unit.square;
    std::vector<double> x(size);
    to_vector(load(unit, inside), x.data());
    for (std::size_t k = 0; k < size; ++k) std::swap(x[k], x[pivot[k]]);
    for (std::size_t k = 0; k < size; ++k)
      for (std::size_t r = k + 1; r < size; ++r) x[r] -= a[r * size + k] * x[k];
    for (std::size_t k = size; k-- > 0;) {
      for (std::size_t c = k + 1; c < size; ++c) x[k] -= a[k * size + c] * x[c];
      x[k] /= a[k * size + k];
    }
    store(unit, from_vector(unit.order, x.data()), inside);
  });
}

void BlockFlow::multiply_rates(std::span<const double> inside, std::span<double> change) {
  for_units([&](const Unit& unit, std::size_t) {
    SmallMatrix moved = load(unit, inside);
    for (std::size_t i = 0; i < unit.order; ++i)
      for (std::size_t j = 0; j < unit.order; ++j)
        moved(i, j) *= -std::exp(log_divided(value(unit, i), value(unit, j)));
    SmallMatrix vectors = read(unit, vectors_);
    if (has_frame(unit)) vectors = product(read(unit, frame_), vectors);
    store(unit, product_adjoint(product(vectors, moved), vectors), particles_);
  });
  parallel_for(equation_.size(), [&](std::size_t e) { holes_[e] = -particles_[e]; });
  equation_.rates(particles_, holes_, thermal_, {true, false});
  equation_.rates(particles_, holes_, driven_, {false, true});
  for_units([&](const Unit& unit, std::size_t u) {
    const SmallMatrix vectors = read(unit, vectors_);
    const auto in = [&](const SmallMatrix& rates) { return product(adjoint_product(vectors, rates), vectors); };
    const auto kept = [&](const BlockMatrices& rates, const std::vector<Complex>& factors) {
      SmallMatrix matrix = framed(unit, rates);
      const SmallMatrix factor = read(unit, factors);
      for (std::size_t i = 0; i < unit.order; ++i)
        for (std::size_t j = 0; j < unit.order; ++j) matrix(i, j) *= factor(i, j).real();
      return in(matrix);
    };
    SmallMatrix gain = kept(thermal_.gain, kept_gain_[0]), loss = kept(thermal_.loss, kept_loss_[0]),
                result(unit.order);
    const SmallMatrix more_gain = kept(driven_.gain, kept_gain_[1]), more_loss = kept(driven_.loss, kept_loss_[1]),
                      field = in(framed(unit, driven_.mean_field));
    // As far as the eigenvalues of a bath's rates change, but not their vectors.
    const auto along = [&](std::size_t i, const std::vector<Complex>& directions, const SmallMatrix& changed) {
      const SmallMatrix turned = read(unit, directions), own = product(adjoint_product(turned, changed), turned);
      double sum = 0.0;
      for (std::size_t k = 0; k < unit.order; ++k) sum += own(k, k).real() * std::norm(turned(i, k));
      return unit.order > 1 ? sum : 0.0;
    };
    for (std::size_t i = 0; i < unit.order; ++i)
      for (std::size_t j = 0; j < unit.order; ++j) {
        const double x = value(unit, i), y = value(unit, j);
        const std::size_t s = member_[unit.first + i];
        gain(i, j) += i == j && small_gain_[s] ? along(i, driven_gain_, more_gain) : more_gain(i, j);
        loss(i, j) += i == j && small_loss_[s] ? along(i, driven_loss_, more_loss) : more_loss(i, j);
        result(i, j) = std::exp(log_loss_factor(x, y) + log_clock_[u]) * loss(i, j) -
                       std::exp(log_gain_factor(x, y) + log_clock_[u]) * gain(i, j) +
                       Complex(0.0, (x - y) * std::exp(log_clock_[u])) * field(i, j);
      }
    store(unit, result, change);
  });
}

}  // namespace lindrift
