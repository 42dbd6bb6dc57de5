#pragma once

#include <complex>
#include <cstdint>
#include <optional>

#include "lindrift/models/rate_equation.hpp"

namespace lindrift {

/// Baths of the tGGE models. Field names are the TOML names.
struct TggeBath {
  double coupling = 0.05;                      ///< epsilon >= 0
  double inverse_temperature = 2.0;            ///< beta >= 0, 1/energy
  double nonequilibrium_fraction = 0.0;        ///< gamma_neq in [0, 1]
  std::optional<double> equilibrium_fraction;  ///< gamma_eq >= 0; 1 - nonequilibrium_fraction unless given

  double thermal_weight() const { return equilibrium_fraction.value_or(1.0 - nonequilibrium_fraction); }
};

/// Two-site Raman-assisted hopping bath L_ij ~ (c+_i + delta c+_{i+1})(c_j - delta' c_{j+1}), whose hop weight
/// factorises, w(q,k) = |1 + delta e^{-iq}|^2 |1 - delta' e^{ik}|^2 (docs/physics.md, Eq. 5).
struct RamanJump {
  std::complex<double> delta{1.0, 1.0};
  std::complex<double> delta_prime{1.0, 0.5};
};

/// One-band chain H = -J sum_j (c+_{j+1} c_j + h.c.) between a thermal bath with the exponential spectrum and a
/// nonequilibrium bath. Field names are the TOML names.
struct TggeChain {
  std::int64_t sites = 128;  ///< L >= 1, any parity
  double hopping = 1.0;      ///< J > 0
  TggeBath bath;
  RamanJump jump;
};

/// Checks the ranges above.
/// @throws ParameterError naming the first quantity that is out of range
void validate(const TggeChain& chain);

/// The chain's rate equation on the backend and by the algorithm asked for; `automatic` takes separable.
/// @throws ParameterError, UnsupportedError, DeviceError
/// O(sites) time and memory.
RateEquation make_rate_equation(const TggeChain& chain, const Execution& execution = {});

}  // namespace lindrift
