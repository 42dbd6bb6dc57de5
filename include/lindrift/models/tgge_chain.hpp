#pragma once

#include <cstdint>
#include <variant>

#include "lindrift/models/rate_equation.hpp"

namespace lindrift {

/// One-band chain H = -J sum_j (c+_{j+1} c_j + h.c.) between a thermal and a nonequilibrium bath. Field names are the
/// TOML names.
struct TggeChain {
  std::int64_t sites = 128;  ///< L >= 1, any parity
  double hopping = 1.0;      ///< J > 0
  TggeBath bath{};
  std::variant<RamanJump, JumpOperators, TableJump> jump{};

  /// Its bands, and its baths with the hop weights of the jump.
  /// @throws ParameterError as validate() does
  operator TggeModel() const;
};

/// Checks the ranges above.
/// @throws ParameterError naming the first quantity that is out of range
void validate(const TggeChain& chain);

}  // namespace lindrift
