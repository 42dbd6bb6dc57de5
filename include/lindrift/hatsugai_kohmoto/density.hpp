#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "lindrift/backend.hpp"
#include "lindrift/hatsugai_kohmoto/chain.hpp"
#include "lindrift/monitor.hpp"
#include "lindrift/observable.hpp"

namespace lindrift {

/// Up particles on sites, without coherence between them. Labels -floor(L/2) .. ceil(L/2)-1 without duplicates; on a
/// lattice one label per direction, site after site; {0} is the origin of any lattice. O(L log L) per time for any
/// number of particles, where L counts all cells.
struct UpSites {
  std::vector<std::int64_t> sites = {0};
  std::vector<double> occupations;  ///< of these sites, in [0, 1]; empty: one particle on each
};

/// C(k,q) = <c+_k c_q> = sum_r weight_r conj(phi^r_k) phi^r_q of spin up. O(rank L log L) per time.
struct UpFactors {
  std::vector<double> weights;                ///< (rank,), real
  std::vector<std::complex<double>> vectors;  ///< phi, (rank, sites), ascending momentum
};

/// Any C(k,q) = <c+_k c_q> of spin up, with spin down in a product state over the momenta. O(L^2) per time.
struct UpCorrelation {
  std::vector<std::complex<double>> values;  ///< (sites, sites), row k, column q, ascending; Hermitian
};

/// Any initial state, given by its correlators <(n_k)^a (n_q)^b c+_k c_q> with n of spin down, in element a + 2 b of
/// the array; they include the occupations of spin down. Only the diagonal of a = b = 0 is used. O(L^2) per time.
struct Correlators {
  std::array<std::vector<std::complex<double>>, 4> values;  ///< (sites, sites) each, row k, column q, ascending
};

using UpState = std::variant<UpSites, UpFactors, UpCorrelation, Correlators>;

/// Options of density().
struct DensityOptions {
  /// <n_{k,down}> at t = 0, shape (sites,), ascending momentum, in [0, 1]; empty: the steady state, with 0 where no
  /// bath acts on spin down. Ignored with Correlators.
  std::vector<double> down_occupation;
  /// Alternative: one down particle on each of these sites, none on the others. Only with UpSites.
  std::optional<std::vector<std::int64_t>> down_sites;
  bool keep_density = true;  ///< false: leaves n_j(t) out of the result
  Monitor monitor = {};
};

/// Density of spin up at given times; rows of times that were not reached are NaN.
struct DensityResult {
  std::vector<double> times;
  std::vector<double> density;  ///< n_j(t), (times, sites), in the order of the labels; may be empty
  /// Centre of delta n_j = n_j - n_steady, (times, directions); NaN if sum_j delta n_j vanishes.
  std::vector<double> drift;
  std::vector<double> drift_symmetric;  ///< the same, with the antipode j = -L/2 of an even ring counted at 0
  /// Centre of the coherent part, (times, directions), which is what has moved from the initial state without losing
  /// its phase. NaN if there is none.
  std::vector<double> drift_coherent;
  std::vector<double> norm;             ///< coherent part summed over the sites, (times,)
  std::vector<double> particle_number;  ///< sum_j n_j, (times,)
  bool converged = true;                ///< every time was reached
};

template <>
inline auto description<DensityResult>() {
  const auto over_time = [](std::string name, std::string long_name) {
    return Observable{
        .name = std::move(name), .long_name = std::move(long_name), .dimensions = {"time"}, .in_summary = true};
  };
  const auto drift = [&](std::string name, std::string long_name) {
    Observable vector = over_time(std::move(name), std::move(long_name));
    vector.dimensions.emplace_back("direction");
    return vector;
  };
  return std::tuple(
      observable(&DensityResult::density,
                 {.name = "density", .long_name = "density n of spin up", .dimensions = {"time", "site"}}),
      observable(&DensityResult::drift, drift("drift", "centre of the density beyond the steady one")),
      observable(&DensityResult::drift_symmetric,
                 drift("drift_symmetric", "centre of the density with the antipode at 0")),
      observable(&DensityResult::drift_coherent, drift("drift_coherent", "centre of the coherent part of the density")),
      observable(&DensityResult::norm, over_time("norm", "coherent part of the density, summed over the sites")),
      observable(&DensityResult::particle_number, over_time("particle_number", "number of up particles")));
}

/// Density of spin up in the open Hatsugai-Kohmoto model, exact at every time (docs/physics.md, Eqs. 46 to 52). Ranks
/// of execution.communicator share the times. Runs on the CPU.
/// @param times  >= 0, strictly ascending, in 1/energy
/// @throws ParameterError, ShapeError, UnsupportedError if a device is requested
DensityResult density(const HatsugaiKohmoto& model, const UpState& state, std::span<const double> times,
                      const DensityOptions& options = {}, const Execution& execution = {});

}  // namespace lindrift
