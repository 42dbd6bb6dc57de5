#pragma once

#include <cmath>

#include "kernels/tgge/fugacity.hpp"
#include "kernels/tgge/moment_balance.hpp"
#include "kernels/tgge/rate_kernel.hpp"

/// Newton's method in the multipliers (docs/physics.md, Eqs. 15-18) on an engine whose memory is not the host's:
/// between the first and the last call only sums cross.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// Sums that fix the fugacity of given multipliers.
template <class T>
struct MultiplierCounts {
  FillingCounts<T> counts;
  T size{};  ///< largest |lambda|
  LINDRIFT_HD MultiplierCounts& operator+=(const MultiplierCounts& other) {
    counts += other.counts;
    size = size > other.size ? size : other.size;
    return *this;
  }
  LINDRIFT_HD MultiplierCounts<double> lane(int i) const { return {counts.lane(i), size[i]}; }
};
struct MultiplierCountsTerm {
  template <class T>
  using Sum = MultiplierCounts<T>;
  const double* lagrange_multiplier;
  double log_fugacity;
  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    const Occupation<T> n(load<T>(lagrange_multiplier, s) - log_fugacity);
    sum.counts.add(n.lambda > T{}, n.smaller, n.smaller, n.smaller * n.larger);
    sum.size = sum.size > magnitude(n.lambda) ? sum.size : magnitude(n.lambda);
  }
};

/// The residual R = lambda - log(loss / gain) + log z of a state whose rates are known.
struct BalanceResidual {
  const double *lagrange_multiplier, *log_gain, *log_loss;
  double log_fugacity;
  template <class T>
  LINDRIFT_HD T at(Index s) const {
    return load<T>(lagrange_multiplier, s) - (load<T>(log_loss, s) - load<T>(log_gain, s)) + log_fugacity;
  }
};
template <class T>
struct ResidualSizes {
  SizeOf<T> residual, multiplier;
  T square{};  ///< of the residuals, summed
  LINDRIFT_HD ResidualSizes& operator+=(const ResidualSizes& other) {
    residual += other.residual;
    multiplier += other.multiplier;
    square += other.square;
    return *this;
  }
  LINDRIFT_HD ResidualSizes<double> lane(int i) const { return {residual.lane(i), multiplier.lane(i), square[i]}; }
};
struct ResidualTerm {
  template <class T>
  using Sum = ResidualSizes<T>;
  BalanceResidual residual;
  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    const T r = residual.template at<T>(s), lambda = load<T>(residual.lagrange_multiplier, s);
    sum += Sum<T>{{magnitude(r), r - r}, {magnitude(lambda), lambda - lambda}, r * r};
  }
};
struct ScaledResidual {
  BalanceResidual residual;
  double factor;
  double* target;
  LINDRIFT_HD void operator()(Index s) const { target[s] = factor * residual.at<double>(s); }
};

/// n (1-n), and its sum.
template <class T>
struct OneSum {
  T value{};
  LINDRIFT_HD OneSum& operator+=(const OneSum& other) {
    value += other.value;
    return *this;
  }
  LINDRIFT_HD OneSum<double> lane(int i) const { return {value[i]}; }
};
struct SusceptibilityTerm {
  template <class T>
  using Sum = OneSum<T>;
  const double* lagrange_multiplier;
  template <class T>
  LINDRIFT_HD static T at(T lambda) {
    const Occupation<T> n(lambda);
    return n.smaller * n.larger;
  }
  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    sum.value += at(load<T>(lagrange_multiplier, s));
  }
};
/// sum_s n (1-n) v_s
struct WeightedTerm {
  template <class T>
  using Sum = OneSum<T>;
  const double *lagrange_multiplier, *values;
  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    sum.value += SusceptibilityTerm::at(load<T>(lagrange_multiplier, s)) * load<T>(values, s);
  }
};

/// Vectors that one pass over the modes takes.
inline constexpr int vectors_at_once = 16;

/// Products of a vector with up to 16 others, which follow each other in memory.
template <class T>
struct Products {
  T value[vectors_at_once]{};
  LINDRIFT_HD Products& operator+=(const Products& other) {
    add_each(value, other.value);
    return *this;
  }
  LINDRIFT_HD Products<double> lane(int i) const {
    Products<double> result;
    lane_of_each(result.value, value, i);
    return result;
  }
};
struct ProductsTerm {
  template <class T>
  using Sum = Products<T>;
  const double *vectors, *other;
  Index size;
  int count;
  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    const T x = load<T>(other, s);
    LINDRIFT_UNROLL
    for (int i = 0; i < vectors_at_once; ++i)
      if (i < count) sum.value[i] += load<T>(vectors + i * size, s) * x;
  }
};
/// target = scale target + sum_i factor_i vector_i
struct Combine {
  const double* vectors;
  Index size;
  int count;
  Products<double> factor;
  double scale;
  double* target;
  LINDRIFT_HD void operator()(Index s) const {
    double sum = scale == 0.0 ? 0.0 : scale * target[s];
    LINDRIFT_UNROLL
    for (int i = 0; i < vectors_at_once; ++i)
      if (i < count) sum += factor.value[i] * vectors[i * size + s];
    target[s] = sum;
  }
};

/// (1 - M) delta + tau, given M delta.
struct BorderedProduct {
  const double* direction;
  double border;
  double* product;
  LINDRIFT_HD void operator()(Index s) const { product[s] = direction[s] - product[s] + border; }
};
/// from + factor by
struct Moved {
  const double *from, *by;
  double factor;
  double* target;
  LINDRIFT_HD void operator()(Index s) const { target[s] = from[s] + factor * by[s]; }
};
struct Shifted {
  double shift;
  double* values;
  LINDRIFT_HD void operator()(Index s) const { values[s] -= shift; }
};
/// (lambda + log(loss / gain)) / 2
struct HalfWay {
  const double *lagrange_multiplier, *log_gain, *log_loss;
  double* target;
  LINDRIFT_HD void operator()(Index s) const {
    target[s] = 0.5 * (lagrange_multiplier[s] + (log_loss[s] - log_gain[s]));
  }
};

/// @tparam Kernel   has log_rates_at() and log_balance_derivative_at() for vectors in the engine's memory
/// @tparam Vectors  most Krylov vectors at a time
template <class Engine, class Kernel, int Vectors = 60>
class MultiplierBalanceOn final : public MultiplierBalance {
 public:
  using Buffer = typename Engine::Buffer;
  /// Buffers to be written to, which must outlive this and which the kernel's functions for vectors in the engine's
  /// memory leave alone.
  struct Work {
    Buffer *multiplier, *log_gain, *log_loss;
  };

  MultiplierBalanceOn(Engine& engine, Kernel& kernel, Index size, const Work& work)
      : engine_(engine), kernel_(kernel), size_(size), work_(work) {}

  bool begin(const double* start, double number) override {
    number_ = number;
    engine_.copy_in(start, size_, *work_.multiplier);
    Buffer* const vectors[] = {&other_, work_.log_gain, work_.log_loss, &update_};
    for (Buffer* buffer : vectors) buffer->resize(size_);
    lambda_[0] = work_.multiplier->data();
    lambda_[1] = other_.data();
    // Long vectors are many megabytes; their equations have few large eigenvalues.
    most_ = size_ > long_vector ? few_vectors : size_ + 1 < many_vectors ? static_cast<int>(size_) + 1 : many_vectors;
    krylov_.resize(Index{most_ + 1} * size_);
    current_ = 0;
    kernel_.log_rates_at(lambda(), work_.log_gain->data(), work_.log_loss->data());
    if (!finite(sizes(lambda(), 0.0))) return false;
    normalise(lambda());
    log_fugacity_ = 0.0;
    size_of_residual_ = evaluate(lambda(), 0.0);
    return true;
  }

  double size() const override { return size_of_residual_; }

  void solve(double accuracy, void (*look_up)()) override {
    const double square = engine_.reduce(size_, ResidualTerm{residual(lambda(), log_fugacity_)}).square;
    const double length = std::sqrt(square), chi = engine_.reduce(size_, SusceptibilityTerm{lambda()}).value;
    over_chi_ = chi > 0.0 ? 1.0 / chi : 0.0;
    engine_.map(size_, Combine{nullptr, 0, 0, {}, 0.0, update_.data()});
    update_border_ = 0.0;
    if (!(length > 0.0)) return;
    // Asked for less, it would go on with all restarts for nothing.
    constexpr double attainable = 1e-13;
    const double allowed = length * (accuracy > attainable ? accuracy : attainable);
    engine_.map(size_, ScaledResidual{residual(lambda(), log_fugacity_), -1.0 / length, vector(0)});
    border_[0] = 0.0;
    double left = length;
    for (int products = 0; products < most_products;) {
      const int used = arnoldi(left, allowed, look_up, products);
      if (!(left > allowed) || used < most_ || products >= most_products) break;
      left = restart(look_up);
      if (!(left > allowed)) break;
    }
  }

  double try_step(double step) override {
    engine_.map(size_, Moved{lambda(), update_.data(), step, trial()});
    normalise(trial());
    trial_fugacity_ = log_fugacity_ + step * update_border_;
    return trial_size_ = evaluate(trial(), trial_fugacity_);
  }

  double try_fixed_point() override {
    evaluate(lambda(), log_fugacity_);
    engine_.map(size_, HalfWay{lambda(), work_.log_gain->data(), work_.log_loss->data(), trial()});
    trial_fugacity_ = 2.0 * normalise(trial());  // half a step gives half of log z
    return trial_size_ = evaluate(trial(), trial_fugacity_);
  }

  void accept() override {
    current_ = 1 - current_;
    log_fugacity_ = trial_fugacity_;
    size_of_residual_ = trial_size_;
  }

  double read(double* lagrange_multiplier) override {
    engine_.copy_out(lagrange_multiplier, size_, current_ == 0 ? *work_.multiplier : other_);
    return log_fugacity_;
  }

  double imbalance(const double* lagrange_multiplier) override {
    engine_.copy_in(lagrange_multiplier, size_, *work_.multiplier);
    work_.log_gain->resize(size_);
    work_.log_loss->resize(size_);
    kernel_.log_rates_at(work_.multiplier->data(), work_.log_gain->data(), work_.log_loss->data());
    const ResidualSizes<double> sums = sizes(work_.multiplier->data(), 0.0);
    return finite(sums) ? sums.residual.largest : NAN;
  }

 private:
  static constexpr Index long_vector = Index{1} << 20;
  static constexpr int many_vectors = Vectors, few_vectors = Vectors < 24 ? Vectors : 24, most_products = 180;

  double* lambda() const { return lambda_[current_]; }
  double* trial() const { return lambda_[1 - current_]; }
  double* vector(int i) const { return krylov_.data() + i * size_; }
  BalanceResidual residual(const double* lambda, double log_fugacity) const {
    return {lambda, work_.log_gain->data(), work_.log_loss->data(), log_fugacity};
  }
  ResidualSizes<double> sizes(const double* lambda, double log_fugacity) {
    return engine_.reduce(size_, ResidualTerm{residual(lambda, log_fugacity)});
  }
  static bool finite(const ResidualSizes<double>& sums) {
    return sums.residual.not_finite == 0.0 && sums.multiplier.not_finite == 0.0;
  }

  double evaluate(const double* lambda, double log_fugacity) {
    kernel_.log_rates_at(lambda, work_.log_gain->data(), work_.log_loss->data());
    const ResidualSizes<double> sums = sizes(lambda, log_fugacity);
    return finite(sums) ? sums.residual.largest / (1.0 + sums.multiplier.largest) : NAN;
  }

  /// Shifts multipliers so that they hold the number of particles, and returns the shift.
  double normalise(double* lambda) {
    const double shift = solve_log_fugacity(number_, static_cast<double>(size_), 0.0, [&](double log_fugacity) {
      const auto sums = engine_.reduce(size_, MultiplierCountsTerm{lambda, log_fugacity});
      const FillingCounts<double>& counts = sums.counts;
      return Filling{counts.particles,      counts.holes,      counts.others,
                     counts.particle_slope, counts.hole_slope, sums.size};
    });
    engine_.map(size_, Shifted{shift, lambda});
    return shift;
  }

  /// The bordered Newton matrix of Eq. 18 times Krylov vector i; the product replaces vector i + 1.
  void multiply(int i) {
    kernel_.log_balance_derivative_at(vector(i), vector(i + 1));
    engine_.map(size_, BorderedProduct{vector(i), border_[i], vector(i + 1)});
    border_[i + 1] =
        over_chi_ > 0.0 ? over_chi_ * engine_.reduce(size_, WeightedTerm{lambda(), vector(i)}).value : border_[i];
  }

  /// Builds Krylov vectors from vector 0, of length 1, and adds the solution with the smallest residual to the update.
  /// @param[in,out] left  length of the residual
  /// @return how many vectors the solution takes
  int arnoldi(double& left, double allowed, void (*look_up)(), int& products) {
    double column[many_vectors + 1];
    right_[0] = left;
    int used = 0;
    while (used < most_ && products < most_products) {
      look_up();
      const int next = used + 1;
      multiply(used);
      ++products;
      for (int i = 0; i <= next; ++i) column[i] = 0.0;
      // Twice is enough: what the first pass leaves of the other vectors is rounding.
      for (int pass = 0; pass < 2; ++pass)
        for (int first = 0; first < next; first += vectors_at_once) {
          const int count = next - first < vectors_at_once ? next - first : vectors_at_once;
          Products<double> factor = engine_.reduce(size_, ProductsTerm{vector(first), vector(next), size_, count});
          for (int i = 0; i < count; ++i) {
            factor.value[i] += border_[first + i] * border_[next];
            column[first + i] += factor.value[i];
          }
          for (int i = 0; i < count; ++i) {
            border_[next] -= factor.value[i] * border_[first + i];
            factor.value[i] = -factor.value[i];
          }
          engine_.map(size_, Combine{vector(first), size_, count, factor, 1.0, vector(next)});
        }
      const double length = scale_to_one(next);
      column[next] = length;
      // Givens rotations keep the matrix triangular, and the last element of the right-hand side the residual.
      for (int i = 0; i < used; ++i) {
        const double above = column[i];
        column[i] = cosine_[i] * above + sine_[i] * column[i + 1];
        column[i + 1] = cosine_[i] * column[i + 1] - sine_[i] * above;
      }
      const double radius = std::hypot(column[used], column[next]);
      if (!(radius > 0.0)) break;  // singular, or not a number
      cosine_[used] = column[used] / radius;
      sine_[used] = column[next] / radius;
      column[used] = radius;
      right_[next] = -sine_[used] * right_[used];
      right_[used] *= cosine_[used];
      for (int i = 0; i <= used; ++i) triangle_[i][used] = column[i];
      ++used;
      left = std::fabs(right_[used]);
      if (!(left > allowed) || !(length > 0.0)) break;
    }
    double factor[many_vectors];
    for (int i = used; i-- > 0;) {
      factor[i] = right_[i];
      for (int j = i + 1; j < used; ++j) factor[i] -= triangle_[i][j] * factor[j];
      factor[i] /= triangle_[i][i];
      update_border_ += factor[i] * border_[i];
    }
    for (int first = 0; first < used; first += vectors_at_once) {
      const int count = used - first < vectors_at_once ? used - first : vectors_at_once;
      Products<double> some;
      for (int i = 0; i < count; ++i) some.value[i] = factor[first + i];
      engine_.map(size_, Combine{vector(first), size_, count, some, 1.0, update_.data()});
    }
    return used;
  }

  /// Scales a vector with its border to length 1 and returns the length that it had.
  double scale_to_one(int i) {
    const double square = engine_.reduce(size_, ProductsTerm{vector(i), vector(i), size_, 1}).value[0];
    const double length = std::sqrt(square + border_[i] * border_[i]), over = length > 0.0 ? 1.0 / length : 0.0;
    engine_.map(size_, Combine{nullptr, 0, 0, {}, over, vector(i)});
    border_[i] *= over;
    return length;
  }

  /// Puts the residual of the update into vector 0, scaled to length 1, and returns its length.
  double restart(void (*look_up)()) {
    look_up();
    engine_.map(size_, Combine{update_.data(), size_, 1, {{1.0}}, 0.0, vector(0)});
    border_[0] = update_border_;
    multiply(0);
    engine_.map(size_, ScaledResidual{residual(lambda(), log_fugacity_), -1.0, vector(0)});
    engine_.map(size_, Combine{vector(1), size_, 1, {{-1.0}}, 1.0, vector(0)});
    border_[0] = -border_[1];
    return scale_to_one(0);
  }

  Engine& engine_;
  Kernel& kernel_;
  Index size_;
  Work work_;
  Buffer other_, update_, krylov_;
  double* lambda_[2]{};
  int current_ = 0, most_ = 0;
  double number_ = 0.0, over_chi_ = 0.0;
  double log_fugacity_ = 0.0, trial_fugacity_ = 0.0, update_border_ = 0.0;
  double size_of_residual_ = INFINITY, trial_size_ = INFINITY;
  double border_[many_vectors + 1]{}, right_[many_vectors + 1]{}, cosine_[many_vectors]{}, sine_[many_vectors]{};
  double triangle_[many_vectors][many_vectors]{};
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
