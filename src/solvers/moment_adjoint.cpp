#include <algorithm>
#include <array>
#include <cmath>

#include "engine/parallel.hpp"
#include "solvers/adjoint_system.hpp"

namespace lindrift {

namespace {

/// If no exponent exceeds this, products of two exponentials stay in the range of a double.
constexpr double largest_exponent = 150.0;

/// The transitions are sums of products over K moments, the thermal one first:
///   W(s,j) n_j = sum_k into_k(s) given_k(j),   W(j,s) (1-n_j) = sum_k out_k(s) taken_k(j).
/// With both sets joined into features F and images U, Eq. 18b reads
///   y = time (weight + alpha + sum_l U_l c_l),   c_k = sum_s F_k(s) y_s,
/// with 2 K unknowns c, and alpha, which makes the mean of y zero.
template <std::size_t Rank>
class MomentAdjoint final : public AdjointSystem {
 public:
  static constexpr std::size_t K = 1 + Rank, features = 2 * K;

  MomentAdjoint(const TggeModel& model, std::span<const double> particles, std::span<const double> holes)
      : jump_(std::get<ProductJump>(model.jump)),
        modes_(model.bands.modes()),
        over_cells_(1.0 / static_cast<double>(model.bands.lattice.size())),
        n_(particles),
        h_(holes),
        boltzmann_(modes_),
        time_(modes_) {
    const double half_beta = 0.5 * model.bath.inverse_temperature;
    const auto sums = parallel_sums<features>(modes_, [&](std::size_t s) {
      boltzmann_[s] = std::exp(half_beta * model.bands.energy[s]);
      return feature(s);
    });
    for (std::size_t k = 0; k < features; ++k) {
      moment_[k] = sums[k];
      over_moment_[k] = sums[k] > 0.0 ? 1.0 / sums[k] : 0.0;
      rate_[k] = sums[k] * over_cells_ *
                 (k % K == 0 ? model.bath.effective_equilibrium_fraction() : model.bath.nonequilibrium_fraction);
    }
    // Features are divided by their moments, so that all numbers are fractions.
    matrix_ = parallel_sums<(features + 1) * (features + 1)>(modes_, [&](std::size_t s) {
      const auto f = feature(s), u = image(s);
      double rate = 0.0;
      for (std::size_t l = 0; l < features; ++l) rate += u[l];
      time_[s] = 1.0 / rate;
      std::array<double, (features + 1) * (features + 1)> terms;
      for (std::size_t k = 0; k <= features; ++k) {
        const double left = time_[s] * (k < features ? f[k] * over_moment_[k] : 1.0);
        for (std::size_t l = 0; l <= features; ++l) terms[k * (features + 1) + l] = left * (l < features ? u[l] : 1.0);
      }
      return terms;
    });
  }

  Solution solve(std::span<const double> weight) override {
    const auto known = parallel_sums<features + 1>(modes_, [&](std::size_t s) {
      const auto f = feature(s);
      std::array<double, features + 1> terms;
      const double left = time_[s] * weight[s];
      for (std::size_t k = 0; k < features; ++k) terms[k] = left * f[k] * over_moment_[k];
      terms[features] = left;
      return terms;
    });
    std::vector<double> matrix(matrix_.begin(), matrix_.end()), right(known.begin(), known.end());
    for (std::size_t k = 0; k < features; ++k) {
      for (std::size_t l = 0; l <= features; ++l) matrix[k * (features + 1) + l] *= -1.0;
      matrix[k * (features + 1) + k] += 1.0;
    }
    right[features] = -right[features];
    solve_dense(std::move(matrix), right);
    Solution result{std::vector<double>(modes_), right[features]};
    parallel_for(modes_, [&](std::size_t s) {
      const auto u = image(s);
      double sum = weight[s] + result.alpha;
      for (std::size_t l = 0; l < features; ++l) sum += u[l] * right[l];
      result.y[s] = time_[s] * sum;
    });
    return result;
  }

  void averages(Hops hops, std::span<const double> y, std::span<double> from, std::span<double> to) override {
    const auto c = parallel_sums<features>(modes_, [&](std::size_t s) {
      auto f = feature(s);
      for (std::size_t k = 0; k < features; ++k) f[k] *= over_moment_[k] * y[s];
      return f;
    });
    if (hops == Hops::thermal) {  // the same for every mode
      std::fill(from.begin(), from.end(), c[0]);
      std::fill(to.begin(), to.end(), c[K]);
      return;
    }
    parallel_for(modes_, [&](std::size_t s) {
      const auto u = image(s);
      double gain = 0.0, loss = 0.0, gained = 0.0, lost = 0.0;
      for (std::size_t k = 0; k < K; ++k) {
        gain += u[k];
        gained += u[k] * c[k];
        loss += u[K + k];
        lost += u[K + k] * c[K + k];
      }
      from[s] = gained / gain;
      to[s] = lost / loss;
    });
  }

  void flows(Hops hops, std::span<double> in, std::span<double> out) override {
    parallel_for(modes_, [&](std::size_t s) {
      if (hops == Hops::thermal) {
        in[s] = over_cells_ * h_[s] * moment_[0] / boltzmann_[s];
        out[s] = over_cells_ * n_[s] * moment_[K] * boltzmann_[s];
        return;
      }
      const auto u = image(s);
      double gain = 0.0, loss = 0.0;
      for (std::size_t k = 0; k < K; ++k) {
        gain += u[k];
        loss += u[K + k];
      }
      in[s] = h_[s] * gain;
      out[s] = n_[s] * loss;
    });
  }

  double thermal_slopes(std::span<const double> y, std::span<double> slope) override {
    // `from` and `to` are the same for all modes: two averages of y.
    const auto sums = parallel_sums<2>(modes_, [&](std::size_t s) {
      return std::array<double, 2>{boltzmann_[s] * n_[s] * y[s], h_[s] / boltzmann_[s] * y[s]};
    });
    const double from = sums[0] * over_moment_[0], to = sums[1] * over_moment_[K];
    return parallel_sum(modes_, [&](std::size_t s) {
      const double in = over_cells_ * h_[s] * moment_[0] / boltzmann_[s],
                   out = over_cells_ * n_[s] * moment_[K] * boltzmann_[s];
      slope[s] = in * (from - y[s]) + out * (to - y[s]);
      return y[s] * (in - out);
    });
  }

 private:
  using Features = std::array<double, features>;

  /// Contribution of a mode to each moment.
  Features feature(std::size_t s) const {
    Features f;
    f[0] = boltzmann_[s] * n_[s];
    f[K] = h_[s] / boltzmann_[s];
    for (std::size_t r = 0; r < Rank; ++r) {
      f[1 + r] = jump_.out[r * modes_ + s] * n_[s];
      f[K + 1 + r] = jump_.in[r * modes_ + s] * h_[s];
    }
    return f;
  }

  /// Contribution of each moment to the gain and loss of a mode.
  Features image(std::size_t s) const {
    Features u;
    u[0] = 1.0 / boltzmann_[s];
    u[K] = boltzmann_[s];
    for (std::size_t r = 0; r < Rank; ++r) {
      u[1 + r] = jump_.in[r * modes_ + s];
      u[K + 1 + r] = jump_.out[r * modes_ + s];
    }
    for (std::size_t l = 0; l < features; ++l) u[l] *= rate_[l];
    return u;
  }

  const ProductJump& jump_;
  std::size_t modes_;
  double over_cells_;
  std::span<const double> n_, h_;
  std::vector<double> boltzmann_, time_;  ///< e^{beta E/2}; 1 / (gain + loss)
  Features moment_{}, over_moment_{}, rate_{};
  std::array<double, (features + 1) * (features + 1)> matrix_{};
};

}  // namespace

std::unique_ptr<AdjointSystem> make_moment_adjoint(const TggeModel& model, std::span<const double> lagrange_multiplier,
                                                   std::span<const double> particles, std::span<const double> holes) {
  const double half_beta = 0.5 * model.bath.inverse_temperature;
  const double exponent = parallel_maximum(model.bands.modes(), 0.0, [&](std::size_t s) {
    return std::max(std::fabs(half_beta * model.bands.energy[s]), std::fabs(lagrange_multiplier[s]));
  });
  if (!(exponent <= largest_exponent)) return nullptr;
  if (std::get<ProductJump>(model.jump).rank == 1) return std::make_unique<MomentAdjoint<1>>(model, particles, holes);
  return std::make_unique<MomentAdjoint<2>>(model, particles, holes);
}

}  // namespace lindrift
