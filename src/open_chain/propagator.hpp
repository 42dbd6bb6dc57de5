#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "engine/fourier.hpp"
#include "kernels/hatsugai_kohmoto/tables.hpp"
#include "lattice/transform_order.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/hatsugai_kohmoto/chain.hpp"

namespace lindrift {

/// The first row (u_k, v_k) of e^{D_k t}, or a combination of both, ready to be evaluated at any time (docs/physics.md,
/// Eq. 38). Times are independent, and every amplitude is multiplied by e^{-growth() t}, so that the slowest momentum
/// stays of order one at all times.
class Propagator {
 public:
  using Complex = std::complex<double>;

  /// g_k = u_k + n0_k v_k.
  /// @param down_occupation  n0, shape (sites,), ascending momentum
  static Propagator of_green(const HatsugaiKohmotoModes& modes, std::span<const double> down_occupation);
  /// v_k.
  static Propagator of_second_entry(const HatsugaiKohmotoModes& modes);

  std::size_t sites() const { return static_cast<std::size_t>(tables_.sites); }
  const TransformOrder& order() const { return order_; }
  /// Lambda = max_k Re lambda_1(k) <= 0: every amplitude returned is e^{-Lambda t} times the true one.
  double growth() const { return growth_; }
  const kernels::PropagatorTables& tables() const { return tables_; }

  /// @param[out] rows  shape (times, sites), in FFT order
  void amplitudes(std::span<const double> times, Complex* rows, int threads = 1) const;

  /// Bytes of the tables for this number of sites.
  static double bytes(double sites) { return 6.0 * 8.0 * sites; }

 private:
  Propagator(const HatsugaiKohmotoModes& modes, std::span<const double> down_occupation, bool green);

  TransformOrder order_;
  kernels::PropagatorTables tables_;
  std::shared_ptr<std::vector<double>> arrays_;  ///< arrays that the tables point to
  double growth_ = 0.0;
};

/// Sums over a row psi(j) of a lattice.
struct Profile {
  double norm = 0.0;                 ///< sum_j |psi|^2
  std::array<double, 3> moment{};    ///< sum_j j_i |psi|^2 along each direction, with the labels of the sites
  std::array<double, 3> antipode{};  ///< sum of |psi|^2 over sites with j_i = -L_i/2 in an even direction; otherwise 0
};
/// Order of the sites in a row.
enum class SiteOrder { transform, ascending };
Profile profile_of(std::span<const std::complex<double>> row, const TransformOrder& order, SiteOrder sites,
                   int threads = 1);

/// Computes drift and drift_symmetric, one number for each direction, from the sums of a row.
void store_drift(const Profile& profile, const TransformOrder& order, double* drift, double* drift_symmetric);

}  // namespace lindrift
