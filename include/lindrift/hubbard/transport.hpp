#pragma once

#include <cstdint>
#include <string>
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
  /// Sites of a ring or lattice that is also solved exactly, at most those of the model; 0: none. In several directions
  /// it has as many cells in each as possible: 6 are 3 x 2.
  std::int64_t exact_sites = 6;
  Monitor monitor = {};  ///< only stop() is called
};

template <>
inline auto description<TransportOptions>() {
  return std::tuple(field(&TransportOptions::order, collision_order_parameter()),
                    field(&TransportOptions::exact_sites,
                          {.path = "task.exact_sites",
                           .help = "sites of a ring or a lattice that is solved exactly beside, 0: none",
                           .range = {.low = 0.0, .high = 8.0},
                           .details = "at most those of the model; 6 take 0.1 s, 7 about 1 s, 8 some seconds and "
                                      "0.7 GB; in several directions 6 are 3 x 2 and 8 are 4 x 2 or 2 x 2 x 2"}));
}

/// One spin-up particle among driven spin-down particles.
struct Transport {
  std::vector<double> drift_velocity;      ///< v_i = sum_k v_{k,i} P_k, (directions,), energy
  std::vector<double> diffusion_constant;  ///< D_ij, Cov(x_i, x_j) = 2 D_ij t, (directions, directions), energy
  std::vector<double> occupation;          ///< P_k, (momenta,), ascending; sums to 1
  /// v and D of exact_sites without approximation, and what transport() gives for that ring or lattice; of the same
  /// shapes; NaN if there is none.
  std::vector<double> drift_velocity_exact, drift_velocity_ring, diffusion_exact, diffusion_ring;
  std::string message;   ///< all warnings; otherwise empty
  bool stopped = false;  ///< stopped by the monitor; every number is then NaN
};

template <>
inline auto description<Transport>() {
  return std::tuple(
      observable(&Transport::drift_velocity, {.name = "drift_velocity",
                                              .units = "energy",
                                              .long_name = "drift velocity of one particle of spin up",
                                              .dimensions = {"direction"},
                                              .in_summary = true}),
      observable(&Transport::diffusion_constant, {.name = "diffusion_constant",
                                                  .units = "energy",
                                                  .long_name = "diffusion constant D, variance 2 D t",
                                                  .dimensions = {"direction", "direction_2"},
                                                  .in_summary = true}),
      observable(&Transport::drift_velocity_exact, {.name = "drift_velocity_exact",
                                                    .units = "energy",
                                                    .long_name = "drift velocity on a small ring or lattice, exact",
                                                    .dimensions = {"direction"},
                                                    .in_summary = true}),
      observable(&Transport::drift_velocity_ring, {.name = "drift_velocity_ring",
                                                   .units = "energy",
                                                   .long_name = "drift velocity on the same, approximate",
                                                   .dimensions = {"direction"},
                                                   .in_summary = true}),
      observable(&Transport::diffusion_exact, {.name = "diffusion_exact",
                                               .units = "energy",
                                               .long_name = "diffusion constant on the small ring or lattice, exact",
                                               .dimensions = {"direction", "direction_2"},
                                               .in_summary = true}),
      observable(&Transport::diffusion_ring, {.name = "diffusion_ring",
                                              .units = "energy",
                                              .long_name = "diffusion constant on the same, approximate",
                                              .dimensions = {"direction", "direction_2"},
                                              .in_summary = true}),
      observable(&Transport::occupation, {.name = "particle_distribution",
                                          .long_name = "probability of every momentum of the particle",
                                          .dimensions = {"momentum"}}));
}

/// Drift and diffusion of one spin-up particle, which no bath adds or removes, due to collisions with driven spin-down
/// particles, on a ring or a lattice (docs/physics.md, Eqs. 146 and 147). This is the motion of a particle; the drift
/// of a Green's function describes a decaying amplitude instead. Second-order collisions give the limit of weak
/// interaction; `both` adds the first order in U. Reliable up to about U = J/2; compare with the exact values of few
/// sites. Runs on the CPU. O(momenta^3 nodes), as matrix products, and O(momenta^2) memory.
/// @throws ParameterError, UnsupportedError
Transport transport(const HubbardChain& chain, const TransportOptions& options = {}, const Execution& execution = {});

/// Dimensions of that result: momenta, and the directions twice if there are several.
std::vector<Coordinate> transport_coordinates(const OpenLattice& lattice);

/// Estimated work of transport().
struct TransportPlan {
  double operations = 0.0;    ///< floating-point operations
  double memory_bytes = 0.0;  ///< without the results
  double seconds = 0.0;       ///< an estimate
};
TransportPlan plan_transport(const HubbardChain& chain, const TransportOptions& options = {},
                             const Execution& execution = {});

}  // namespace lindrift
