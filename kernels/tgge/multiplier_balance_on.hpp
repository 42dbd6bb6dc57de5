#pragma once

#include "kernels/tgge/multiplier_newton.hpp"

/// Newton's method in the multipliers (docs/physics.md, Eqs. 15-18) driven by the host on an engine whose memory is not
/// the host's: between the first and the last call only sums cross. The host keeps the small matrices of GMRES.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

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
      : engine_(engine), size_(size), work_(work), newton_(engine, kernel, size) {}

  bool begin(const double* start, double number) override {
    engine_.copy_in(start, size_, *work_.multiplier);
    Buffer* const vectors[] = {&other_, work_.log_gain, work_.log_loss, &update_};
    for (Buffer* buffer : vectors) buffer->resize(size_);
    // Long vectors are many megabytes; their equations have few large eigenvalues.
    most_ = size_ > long_vector ? few_vectors : size_ + 1 < many_vectors ? static_cast<int>(size_) + 1 : many_vectors;
    krylov_.resize(Index{most_ + 1} * size_);
    return newton_.begin({work_.multiplier->data(), other_.data(), work_.log_gain->data(), work_.log_loss->data()},
                         number);
  }

  double size() const override { return newton_.size(); }

  void solve(double accuracy, void (*look_up)()) override {
    const double square = engine_.reduce(size_, ResidualTerm{newton_.residual()}).square, length = std::sqrt(square);
    newton_.linearise();
    engine_.map(size_, Combine{nullptr, 0, 0, {}, 0.0, update_.data()});
    update_border_ = 0.0;
    if (!(length > 0.0)) return;
    const double allowed = length * (accuracy > attainable_accuracy ? accuracy : attainable_accuracy);
    engine_.map(size_, ScaledResidual{newton_.residual(), -1.0 / length, vector(0)});
    border_[0] = 0.0;
    double left = length;
    for (int products = 0; products < most_products;) {
      const int used = arnoldi(left, allowed, look_up, products);
      if (!(left > allowed) || used < most_ || products >= most_products) break;
      left = restart(look_up);
      if (!(left > allowed)) break;
    }
  }

  double try_step(double step) override { return newton_.try_step(step, update_.data(), update_border_); }
  double try_fixed_point() override { return newton_.try_fixed_point(); }
  void accept() override { newton_.accept(); }

  double read(double* lagrange_multiplier) override {
    const bool in_other = newton_.vectors().current == other_.data();
    engine_.copy_out(lagrange_multiplier, size_, in_other ? other_ : *work_.multiplier);
    return newton_.log_fugacity();
  }

  double imbalance(const double* lagrange_multiplier) override {
    engine_.copy_in(lagrange_multiplier, size_, *work_.multiplier);
    return newton_.imbalance(
        {work_.multiplier->data(), nullptr, work_.log_gain->resize(size_), work_.log_loss->resize(size_)});
  }

 private:
  static constexpr Index long_vector = Index{1} << 20;
  static constexpr int many_vectors = Vectors, few_vectors = Vectors < 24 ? Vectors : 24, most_products = 180;

  double* vector(int i) const { return krylov_.data() + i * size_; }

  /// The bordered Newton matrix times Krylov vector i; the product replaces vector i + 1.
  void multiply(int i) { border_[i + 1] = newton_.multiply(vector(i), border_[i], vector(i + 1)); }

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
    engine_.map(size_, ScaledResidual{newton_.residual(), -1.0, vector(0)});
    engine_.map(size_, Combine{vector(1), size_, 1, {{-1.0}}, 1.0, vector(0)});
    border_[0] = -border_[1];
    return scale_to_one(0);
  }

  Engine& engine_;
  Index size_;
  Work work_;
  MultiplierNewton<Engine, Kernel> newton_;
  Buffer other_, update_, krylov_;
  int most_ = 0;
  double update_border_ = 0.0;
  double border_[many_vectors + 1]{}, right_[many_vectors + 1]{}, cosine_[many_vectors]{}, sine_[many_vectors]{};
  double triangle_[many_vectors][many_vectors]{};
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
