#pragma once

#include <complex>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lattice/transform_order.hpp"

namespace lindrift {

/// G(j,t) and the moments of its profile.
struct GreenRows {
  std::vector<std::complex<double>> sites;           ///< (times, sites), order of the labels; empty if not kept
  std::vector<double> norm, drift, drift_symmetric;  ///< (times,) and (times, directions), see Spreading
};

/// Writes G(k,t) of all momenta, ascending, at one time.
using MomentumRow = std::function<void(std::size_t time, std::span<std::complex<double>> row)>;

/// Computes the rows from G(k,t). O(sites log sites) per time.
GreenRows green_rows(std::size_t times, const TransformOrder& order, bool keep_sites, const MomentumRow& momenta);

/// The same from an array, shape (times, sites), momenta ascending.
GreenRows green_rows(std::span<const std::complex<double>> momenta, const TransformOrder& order, bool keep_sites);

/// Moves the rows into a result.
template <class Result>
void store(GreenRows rows, Result& result) {
  result.green_retarded = std::move(rows.sites);
  result.norm = std::move(rows.norm);
  result.drift = std::move(rows.drift);
  result.drift_symmetric = std::move(rows.drift_symmetric);
}

/// Appends A = -2 Im G and Sigma = w + i broadening - e - 1/G of one momentum to a result.
/// @param energy  e_k
/// @param green   G(k, w + i broadening), (frequencies,)
template <class Result>
void add_spectrum_row(std::span<const std::complex<double>> green, double energy, std::span<const double> frequencies,
                      double broadening, Result& result) {
  for (std::size_t w = 0; w < green.size(); ++w) {
    result.spectral_function.push_back(-2.0 * green[w].imag());
    result.self_energy.push_back(std::complex<double>(frequencies[w] - energy, broadening) - 1.0 / green[w]);
  }
}

/// How many values of a spectral function are negative by more than their error, and the smallest; empty if there are
/// none.
/// @param reason  what the message ends with
std::string negative_values(std::span<const double> spectral_function, double error, const std::string& reason);

}  // namespace lindrift
