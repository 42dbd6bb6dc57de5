#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace lindrift {

namespace kernels {
class MomentBalance;  // kernels/tgge/rate_kernel.hpp
class MultiplierBalance;
}  // namespace kernels

/// Rate equation of a translationally invariant gas whose modes exchange particles by hops s' -> s,
///
///   dn_s/dt = gain_s (1 - n_s) - loss_s n_s,   gain_s = sum_s' W(s,s') n_s',   loss_s = sum_s' W(s',s) (1 - n_s')
///
/// (docs/physics.md, Eq. 7), evaluated on one backend by one algorithm. This is the interface between the physics on a
/// backend and the solvers: solvers see occupations and Lagrange multipliers on the host, never the sums behind them.
///
/// Particles n_s and holes h_s = 1 - n_s are passed separately, so that neither loses digits where it is small. All
/// spans have shape (modes(),), otherwise ShapeError; every element of an output is written. A call costs O(modes) when
/// separable, O(modes^2) when direct. The same input gives the same bits for any number of threads. A Generator must
/// not be called from two threads at once.
class Generator {
 public:
  virtual ~Generator() = default;

  virtual std::size_t modes() const noexcept = 0;

  /// dn_s/dt, in units of energy. Conserves sum_s n_s to rounding.
  virtual void occupation_rate(std::span<const double> particles, std::span<const double> holes,
                               std::span<double> rate) = 0;

  /// gain_s + loss_s, which is minus the diagonal of the Jacobian up to O(1/modes); units of energy.
  virtual void relaxation_rate(std::span<const double> particles, std::span<const double> holes,
                               std::span<double> rate) = 0;

  /// gain = W particles and loss = W^T holes for arbitrary real vectors, in units of energy. The Jacobian of
  /// occupation_rate() and its transpose are linear in these sums (docs/physics.md, Eq. 14).
  virtual void transition_sums(std::span<const double> particles, std::span<const double> holes, std::span<double> gain,
                               std::span<double> loss) = 0;

  /// log(gain_s / (epsilon J)) and log(loss_s / (epsilon J)) from lagrange_multiplier_s = log((1-n_s)/n_s). Finite for
  /// any multiplier and any beta * energy, unless a rate is exactly zero; then -inf. Also sets the state at which the
  /// functions below are evaluated.
  virtual void log_rates(std::span<const double> lagrange_multiplier, std::span<double> log_gain,
                         std::span<double> log_loss) = 0;

  /// sum_j (d(log loss_s - log gain_s)/d lambda_j) direction_j at the state of log_rates() (docs/physics.md, Eq. 17).
  virtual void log_balance_derivative(std::span<const double> direction, std::span<double> derivative) = 0;

  /// -sum_j (d log gain_s/d lambda_j) direction_j and sum_j (d log loss_s/d lambda_j) direction_j: both are >= 0 for a
  /// direction >= 0.
  virtual void log_rate_derivatives(std::span<const double> direction, std::span<double> gain_decrease,
                                    std::span<double> loss_increase) = 0;

  /// The averages sum_j W(s,j) n_j particle_factor_j / gain_s and sum_j W(j,s) (1-n_j) hole_factor_j / loss_s at the
  /// state given to log_rates(): the factors, of any sign, averaged over the modes that the particles of mode s come
  /// from and go to. They stay in range however small the occupations. 0 where the rate is zero.
  virtual void relative_transition_sums(std::span<const double> particle_factor, std::span<const double> hole_factor,
                                        std::span<double> gain, std::span<double> loss) = 0;

  /// The same rates with the modes in the order that is fastest to evaluate, for a solver that evaluates them often;
  /// mode i there is mode[i] here. `mode` is empty if this order is as fast. Owned by the generator.
  struct Reordered {
    Generator& generator;
    std::span<const std::size_t> mode;
  };
  virtual Reordered reordered() { return {*this, {}}; }

  /// The balance in the space of moments, if there are few moments; otherwise null. Owned by the generator.
  virtual kernels::MomentBalance* moment_balance() { return nullptr; }
  /// Newton's method in the memory of a device, for many modes and no moments; otherwise null. Owned by the generator.
  /// @throws DeviceMemoryError if the device has no room for its vectors
  virtual kernels::MultiplierBalance* multiplier_balance() { return nullptr; }
};

}  // namespace lindrift
