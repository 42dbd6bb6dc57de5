#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "lindrift/backend.hpp"
#include "lindrift/hubbard/chain.hpp"
#include "lindrift/hubbard/steady_state.hpp"
#include "lindrift/monitor.hpp"
#include "lindrift/observable.hpp"

namespace lindrift {

/// Options of transport().
struct TransportOptions {
  CollisionOrder order = CollisionOrder::both;
  std::int64_t exact_sites = 6;  ///< sites of a ring that is also solved exactly, at most those of the chain; 0: none
  Monitor monitor = {};          ///< only stop() is called
};

template <>
inline auto description<TransportOptions>() {
  return std::tuple(field(&TransportOptions::order, collision_order_parameter()),
                    field(&TransportOptions::exact_sites,
                          {.path = "task.exact_sites",
                           .help = "sites of a ring that is solved exactly beside, 0: none",
                           .range = {.low = 0.0, .high = 8.0},
                           .details = "at most model.sites; 6 take 0.1 s, 7 about 1 s, 8 some seconds and 0.7 GB"}));
}

/// One spin-up particle among driven spin-down particles.
struct Transport {
  double drift_velocity = 0.0;      ///< v = sum_k v_k P_k, energy
  double diffusion_constant = 0.0;  ///< D, Var x = 2 D t, energy
  std::vector<double> occupation;   ///< P_k, (sites,), ascending; sums to 1
  /// v of the ring of exact_sites without approximation, and what transport() gives for that ring; NaN if there is
  /// none.
  double drift_velocity_exact = std::numeric_limits<double>::quiet_NaN();
  double drift_velocity_ring = std::numeric_limits<double>::quiet_NaN();
  bool stopped = false;  ///< stopped by the monitor; every number is then NaN
};

template <>
inline auto description<Transport>() {
  return std::tuple(
      observable(&Transport::drift_velocity, {.name = "drift_velocity",
                                              .units = "energy",
                                              .long_name = "drift velocity of one particle of spin up",
                                              .in_summary = true}),
      observable(&Transport::diffusion_constant, {.name = "diffusion_constant",
                                                  .units = "energy",
                                                  .long_name = "diffusion constant D, variance 2 D t",
                                                  .in_summary = true}),
      observable(&Transport::drift_velocity_exact, {.name = "drift_velocity_exact",
                                                    .units = "energy",
                                                    .long_name = "drift velocity on a small ring, exact",
                                                    .in_summary = true}),
      observable(&Transport::drift_velocity_ring, {.name = "drift_velocity_ring",
                                                   .units = "energy",
                                                   .long_name = "drift velocity on that ring, approximate",
                                                   .in_summary = true}),
      observable(&Transport::occupation, {.name = "particle_distribution",
                                          .long_name = "probability of every momentum of the particle",
                                          .dimensions = {"momentum"}}));
}

/// Drift and diffusion of one spin-up particle, which no bath adds or removes, due to collisions with driven spin-down
/// particles (docs/physics.md, Eqs. 146 and 147). This is the motion of a particle; the drift of a Green's function
/// describes a decaying amplitude instead. Second-order collisions give the limit of weak interaction; `both` adds the
/// first order in U. Reliable up to about U = J/2; compare with the exact ring. Runs on the CPU.
/// O(sites^3 nodes), as matrix products.
/// @throws ParameterError, UnsupportedError
Transport transport(const HubbardChain& chain, const TransportOptions& options = {}, const Execution& execution = {});

/// Estimated work of transport().
struct TransportPlan {
  double operations = 0.0;    ///< floating-point operations
  double memory_bytes = 0.0;  ///< without the results
  double seconds = 0.0;       ///< an estimate
};
TransportPlan plan_transport(const HubbardChain& chain, const TransportOptions& options = {},
                             const Execution& execution = {});

}  // namespace lindrift
