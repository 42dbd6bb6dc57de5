#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "reference/tgge_chain.hpp"
#include "support/chains.hpp"

namespace lindrift::testing {

/// Largest |gain (1-n) - loss n| / (gain (1-n) + loss n) by the reference; modes with neither term count as balanced.
inline double reference_residual(const reference::Problem& problem, const std::vector<double>& lambda) {
  const auto terms = reference::occupation_rate(problem, extended(lambda));
  long double largest = 0.0L;
  for (std::size_t s = 0; s < problem.size; ++s)
    if (terms.value[s] != 0.0L) largest = std::max(largest, std::fabs(terms.value[s]) / terms.magnitude[s]);
  return static_cast<double>(largest);
}

}  // namespace lindrift::testing
