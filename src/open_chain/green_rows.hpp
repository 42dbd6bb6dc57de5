#pragma once

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

namespace lindrift {

/// G(j,t) and the moments of its profile.
struct GreenRows {
  std::vector<std::complex<double>> sites;           ///< (times, sites), label order
  std::vector<double> norm, drift, drift_symmetric;  ///< (times,), see Spreading
};

/// From G(k,t), shape (times, sites), momenta ascending. O(sites log sites) a time.
GreenRows green_rows(std::span<const std::complex<double>> momenta, std::size_t sites);

}  // namespace lindrift
