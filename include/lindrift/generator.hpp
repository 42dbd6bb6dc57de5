#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace lindrift {

/// The balance lambda = log loss - log gain - log z in the space of a few moments (docs/physics.md, Eqs. 17a-17c): the
/// moments of the occupations determine every gain and loss and so the balanced multipliers, whose occupations have
/// moments again. A steady state is a fixed point of that map. Needs a thermal bath, so that no rate vanishes.
///
/// Cost per call: O(modes). Same bits for any number of threads. Not safe to call from two threads at once.
class MomentBalance {
 public:
  /// What fixes the fugacity. Particles are counted where n < 1/2, holes elsewhere, so that the small ones on either
  /// side keep their digits: the number of particles is particles - holes + others.
  struct Filling {
    double particles = 0.0;       ///< sum of n over the modes with lambda > 0
    double holes = 0.0;           ///< sum of 1 - n over the other modes
    double others = 0.0;          ///< number of the other modes
    double particle_slope = 0.0;  ///< d particles / d log z > 0
    double hole_slope = 0.0;      ///< -d holes / d log z > 0
    double max_multiplier = 0.0;  ///< no less than any |lambda|, and by log 4 at most above the largest
  };

  virtual ~MomentBalance() = default;
  virtual std::size_t moments() const noexcept = 0;

  /// Takes r_s = beta E_s: the thermal state.
  virtual void set_thermal() = 0;

  /// Moments of a state, shape (moments,), from its multipliers, shape (modes,). Does not change what was set.
  virtual void moments_of(std::span<const double> lagrange_multiplier, std::span<double> log_moment) = 0;

  /// Takes r_s = log loss_s - log gain_s of the given moments, shape (moments,).
  virtual void set_log_moments(std::span<const double> log_moment) = 0;

  /// Sums over the occupations of lambda_s = r_s - log_fugacity.
  virtual Filling filling(double log_fugacity) = 0;

  /// What filling() gives, and the moments of lambda_s = r_s - log_fugacity.
  /// @param[out] log_moment  shape (moments,)
  /// @param[out] derivative  shape (moments + 1, moments + 1): of each new moment, and of the number of particles in
  /// the
  ///                         last row, with respect to the moments of set_log_moments() and to log_fugacity in the last
  ///                         column. The last row is divided by its last element.
  virtual Filling response(double log_fugacity, std::span<double> log_moment, std::span<double> derivative) = 0;

  /// lambda_s = r_s - log_fugacity and n_s, both of shape (modes,).
  virtual void state(double log_fugacity, std::span<double> lagrange_multiplier, std::span<double> occupation) = 0;

  /// balance_residual() of the rate equation, where no rate or occupation is near the ends of the range of a double;
  /// NaN elsewhere. Does not change what was set.
  virtual double residual(std::span<const double> lagrange_multiplier) = 0;
};

/// Rate equation of a translationally invariant gas whose modes exchange particles by hops s' -> s,
///
///   dn_s/dt = gain_s (1 - n_s) - loss_s n_s,   gain_s = sum_s' W(s,s') n_s',   loss_s = sum_s' W(s',s) (1 - n_s')
///
/// (docs/physics.md, Eq. 7), evaluated on one backend by one algorithm. This is the seam between physics on a backend
/// and the solvers: solvers see occupations and Lagrange multipliers on the host, never the sums behind them.
///
/// Particles n_s and holes h_s = 1 - n_s are passed separately, so that neither loses digits where it is small. All
/// spans have shape (modes(),); every element of an output is written; ShapeError otherwise. Cost per call: O(modes)
/// when separable, O(modes^2) when direct. The same input gives the same bits for any number of threads. A Generator is
/// not safe to call from two threads at once.
class Generator {
 public:
  virtual ~Generator() = default;

  virtual std::size_t modes() const noexcept = 0;

  /// dn_s/dt, in units of energy. Conserves sum_s n_s to rounding.
  virtual void occupation_rate(std::span<const double> particles, std::span<const double> holes,
                               std::span<double> rate) = 0;

  /// Fixes the point at which occupation_rate_derivative() is taken.
  /// @param[out] relaxation_rate  gain_s + loss_s, minus the diagonal of the Jacobian up to O(1/modes); units of energy
  virtual void linearize(std::span<const double> particles, std::span<const double> holes,
                         std::span<double> relaxation_rate) = 0;

  /// sum_j (d(dn_s/dt)/dn_j) direction_j at the point of linearize() (docs/physics.md, Eq. 14).
  virtual void occupation_rate_derivative(std::span<const double> direction, std::span<double> derivative) = 0;

  /// log(gain_s / (epsilon J)) and log(loss_s / (epsilon J)) from lagrange_multiplier_s = log((1-n_s)/n_s), finite
  /// as long as a rate is not exactly zero, however large the multipliers or beta * energy; -inf for a rate that is
  /// zero. Also fixes the point of log_balance_derivative().
  virtual void log_rates(std::span<const double> lagrange_multiplier, std::span<double> log_gain,
                         std::span<double> log_loss) = 0;

  /// sum_j (d(log loss_s - log gain_s)/d lambda_j) direction_j at the point of log_rates() (docs/physics.md, Eq. 17).
  virtual void log_balance_derivative(std::span<const double> direction, std::span<double> derivative) = 0;

  /// The same balance in the space of moments, where they are few; null where they are not. Owned by the generator.
  virtual MomentBalance* moment_balance() { return nullptr; }
};

}  // namespace lindrift
