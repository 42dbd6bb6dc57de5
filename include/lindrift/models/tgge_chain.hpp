#pragma once

#include <cstdint>
#include <variant>

#include "lindrift/models/rate_equation.hpp"
#include "lindrift/models/tgge_bath.hpp"

namespace lindrift {

/// One-band chain H = -J sum_j (c+_{j+1} c_j + h.c.) between a thermal and a nonequilibrium bath. Field names are the
/// TOML names.
struct TggeChain {
  std::int64_t sites = 128;  ///< L >= 1, any parity
  double hopping = 1.0;      ///< J > 0
  TggeBath bath;
  std::variant<RamanJump, OperatorJump, TableJump> jump;
};

/// Checks the ranges above.
/// @throws ParameterError naming the first quantity that is out of range
void validate(const TggeChain& chain);

/// The chain's rate equation on the backend and by the algorithm asked for; `automatic` takes separable where the sums
/// separate.
/// @throws ParameterError, UnsupportedError, DeviceError
/// O(sites) time and memory; O(sites^2) for a table.
RateEquation make_rate_equation(const TggeChain& chain, const Execution& execution = {});

}  // namespace lindrift
