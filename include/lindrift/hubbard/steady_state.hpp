#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lindrift/arguments.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/hatsugai_kohmoto/spectral.hpp"
#include "lindrift/hubbard/chain.hpp"
#include "lindrift/monitor.hpp"
#include "lindrift/observable.hpp"

namespace lindrift {

/// Collisions between two driven species that are included (docs/physics.md, section 14).
enum class CollisionOrder {
  second,    ///< single collisions: second order in the interaction
  particle,  ///< all repeated collisions of a particle with a particle: no negative rates
  both       ///< also those of a particle with a hole: exact to third order
};

template <>
inline constexpr auto names_of<CollisionOrder> =
    std::array{std::pair{CollisionOrder::second, "second"}, std::pair{CollisionOrder::particle, "particle"},
               std::pair{CollisionOrder::both, "both"}};

inline Parameter collision_order_parameter() {
  return {.path = "task.order",
          .help =
              "collisions included: second order, repeated ones with a particle, or repeated ones with a particle and "
              "with a hole",
          .details =
              "both is exact through the third order in U, but its rates may become negative at large U; "
              "physics.md Eqs. 140 to 143"};
}

/// Options of steady_state() of a HubbardChain.
struct HubbardSteadyStateOptions {
  CollisionOrder order = CollisionOrder::both;
  double tolerance = default_tolerance;  ///< largest change of an occupation in one more step
  std::int64_t max_steps = 200;          ///< number of evaluations of the collisions
  /// Frequencies for the self-energy and spectral function of spin up in the steady state, energy; none by default.
  std::optional<std::vector<double>> frequencies{};
  Monitor monitor = {};  ///< only stop() is called
};

template <>
inline auto description<HubbardSteadyStateOptions>() {
  Parameter frequencies = frequencies_parameter();
  frequencies.derived = "no spectral function";
  return std::tuple(field(&HubbardSteadyStateOptions::order, collision_order_parameter()),
                    field(&HubbardSteadyStateOptions::tolerance, tolerance_parameter()),
                    field(&HubbardSteadyStateOptions::max_steps, max_steps_parameter()),
                    field(&HubbardSteadyStateOptions::frequencies, frequencies));
}

/// Steady state of both spins. Arrays over momenta are ascending.
struct HubbardSteadyState {
  std::vector<double> occupation_spin;            ///< n_k, (2, momenta): spin up, spin down
  std::vector<double> current_spin;               ///< (1/N) sum_k v_k n_k, (2, directions), energy
  std::vector<double> density_spin;               ///< (1/N) sum_k n_k, (2,)
  double residual = 0.0;                          ///< largest change of an occupation in one more step
  std::int64_t steps = 0;                         ///< number of evaluations of the collisions
  std::int64_t clipped = 0;                       ///< number of occupations that ended outside [0, 1] and were clipped
  std::vector<double> spectral_function;          ///< A(k,w) = -2 Im G of spin up, (momenta, frequencies), 1/energy
  std::vector<std::complex<double>> self_energy;  ///< w - e_k - 1/G of spin up, (momenta, frequencies), energy
  std::size_t nodes = 0;                          ///< number of frequencies in all channels
  bool converged = false;
  bool stopped = false;  ///< stopped by the monitor; every number is then NaN
  std::string message;   ///< all warnings; otherwise empty
};

/// Steady occupations and currents of both spins. One direction has no dimension `direction`.
template <class Result>
auto spin_observables() {
  return std::tuple(observable(&Result::occupation_spin, {.name = "occupation_spin",
                                                          .long_name = "steady occupation of each spin",
                                                          .dimensions = {"spin", "momentum"}}),
                    observable(&Result::current_spin, {.name = "current_spin",
                                                       .units = "energy",
                                                       .long_name = "steady current of each spin",
                                                       .dimensions = {"spin", "direction"},
                                                       .in_summary = true}));
}

template <>
inline auto description<HubbardSteadyState>() {
  using Result = HubbardSteadyState;
  return std::tuple_cat(
      spin_observables<Result>(),
      std::tuple(observable(&Result::density_spin, {.name = "density_spin",
                                                    .long_name = "steady particles per site of each spin",
                                                    .dimensions = {"spin"},
                                                    .in_summary = true})),
      self_energy_observables<Result>(),
      std::tuple(observable(
          &Result::residual,
          {.name = "residual", .long_name = "largest change of an occupation by one more step", .in_summary = true})));
}

/// Kinetic steady state of a Hubbard ring or lattice with both spins driven,
///   n = (gain of the bath + gain) / (gain + loss of the bath + gain + loss)
/// with the gain and loss of the collisions at that n (docs/physics.md, Eqs. 140 to 145). Exact for a weak interaction
/// on a large lattice; `order` says how far beyond. `approximation`, `ladder` and `hartree` of the chain are not read;
/// the interaction is on site. Runs on the CPU. O(momenta^2 nodes) a step, some ten steps, and O(momenta^2) memory.
///
/// With `frequencies`, also the self-energy of spin up at those occupations (Eqs. 153 and 154), exact through the same
/// order. A >= 0, except for `both` at strong interaction. O(momenta^2 nodes frequencies), as matrix products.
/// @throws ParameterError, UnsupportedError
HubbardSteadyState steady_state(const HubbardChain& chain, const HubbardSteadyStateOptions& options = {},
                                const Execution& execution = {});

/// Dimensions of that result, without frequencies: spin, momenta, and the directions if there are several.
std::vector<Coordinate> steady_state_coordinates(const OpenLattice& lattice);

/// Estimated work of steady_state().
struct HubbardSteadyStatePlan {
  std::size_t nodes = 0;             ///< number of frequencies
  double operations = 0.0;           ///< floating-point operations per step
  double memory_bytes = 0.0;         ///< without the results
  double seconds = 0.0;              ///< per step, an estimate
  std::int64_t expected_steps = 10;  ///< as measured for interactions up to the bandwidth
};
HubbardSteadyStatePlan plan_steady_state(const HubbardChain& chain, const HubbardSteadyStateOptions& options = {},
                                         const Execution& execution = {});

}  // namespace lindrift
