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

/// Up particles on sites, without coherence between them: labels -floor(L/2) .. ceil(L/2)-1, none twice. On a lattice a
/// label for each direction, one site after another; {0} is the origin of any lattice. O(L log L) a time, whatever
/// their number. L stands for all cells where it counts something.
struct UpSites {
  std::vector<std::int64_t> sites = {0};
  std::vector<double> occupations;  ///< of those sites, in [0, 1]; empty: one particle on each
};

/// C(k,q) = <c+_k c_q> = sum_r weight_r conj(phi^r_k) phi^r_q of spin up. O(rank L log L) a time.
struct UpFactors {
  std::vector<double> weights;                ///< (rank,), real
  std::vector<std::complex<double>> vectors;  ///< phi, (rank, sites), ascending momentum
};

/// Any C(k,q) = <c+_k c_q> of spin up, beside which spin down is a product over the momenta. O(L^2) a time.
struct UpCorrelation {
  std::vector<std::complex<double>> values;  ///< (sites, sites), row k, column q, ascending; Hermitian
};

/// Any state at all, by its correlators <(n_k)^a (n_q)^b c+_k c_q> with n of spin down, element a + 2 b of the array;
/// what spin down has on average is in them. Of their diagonals only that of a = b = 0 is read. O(L^2) a time.
struct Correlators {
  std::array<std::vector<std::complex<double>>, 4> values;  ///< (sites, sites) each, row k, column q, ascending
};

using UpState = std::variant<UpSites, UpFactors, UpCorrelation, Correlators>;

/// Options of density().
struct DensityOptions {
  /// <n_{k,down}> at t = 0, shape (sites,), ascending momentum, in [0, 1]; empty: the steady state, with 0 where no
  /// bath acts on spin down. Not read with Correlators.
  std::vector<double> down_occupation;
  /// Instead: one down particle on each of these sites, none on the others. With UpSites only.
  std::optional<std::vector<std::int64_t>> down_sites;
  bool keep_density = true;  ///< false: no n_j(t) in the result
  Monitor monitor = {};
};

/// Density of spin up on a grid of times; rows that were not reached are NaN.
struct DensityResult {
  std::vector<double> times;
  std::vector<double> density;  ///< n_j(t), (times, sites), order of the labels; may be empty
  /// Centre of delta n_j = n_j - n_steady, (times, directions); NaN where sum_j delta n_j vanishes.
  std::vector<double> drift;
  std::vector<double> drift_symmetric;  ///< the same with the antipode j = -L/2 of an even ring counted at 0
  /// Centre of the coherent part, (times, directions): of what has moved from the initial state without losing its
  /// phase. NaN where there is none.
  std::vector<double> drift_coherent;
  std::vector<double> norm;             ///< sum over the sites of the coherent part, (times,)
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

/// Density of spin up in the open Hatsugai-Kohmoto model, exact at every time (docs/physics.md, Eqs. 46 to 52). Members
/// of execution.communicator share the times. Runs on the CPU.
/// @param times  >= 0, strictly ascending, in 1/energy
/// @throws ParameterError, ShapeError, UnsupportedError where a device is asked for
DensityResult density(const HatsugaiKohmoto& model, const UpState& state, std::span<const double> times,
                      const DensityOptions& options = {}, const Execution& execution = {});

}  // namespace lindrift
