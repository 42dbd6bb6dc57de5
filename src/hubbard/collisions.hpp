#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "hubbard/frequency_nodes.hpp"
#include "lindrift/hubbard/steady_state.hpp"
#include "lindrift/lattice/lattice.hpp"

namespace lindrift {

/// Two species on a lattice that interact on its sites. Lists are over its momenta, spin up first.
struct CollisionModel {
  Lattice lattice;
  std::array<std::vector<double>, 2> energy;  ///< e_k
  std::array<std::vector<double>, 2> width;   ///< Gamma_k = gain + loss of the baths, >= 0; > 0 for every pair
  double interaction = 0.0;                   ///< U
};

/// The species of a chain, whose interaction must be on-site.
/// @param baths  of spin up and of spin down
/// @throws ParameterError
CollisionModel collision_model(const HubbardChain& chain, const std::array<BathRates, 2>& baths);

/// Rates at which collisions fill and empty every momentum, shape (momenta,) each: dn/dt = gain (1 - n) - loss n.
struct CollisionRates {
  std::array<std::vector<double>, 2> gain, loss;
  double error = 0.0;  ///< Collisions::error() at these occupations
};

/// Collisions of the two species: to second order, or all repeated collisions of a particle with a particle, or also
/// with a hole (docs/physics.md, Eqs. 140 to 143). Sums over frequencies for each pair: O(momenta^2 nodes).
class Collisions {
 public:
  /// @param node_factor  uses this many times the nodes that the lines of the pairs need
  /// @throws ParameterError if a slow pair needs more than 10^6 nodes
  Collisions(CollisionModel model, CollisionOrder order, double node_factor = 1.0);

  /// Number of quadrature frequencies of both channels together: the cost of an evaluation per pair of momenta.
  std::size_t nodes() const;
  /// Relative error of the sums over frequencies that a narrow resonance of T causes at these occupations, an estimate:
  /// r^N for N nodes. 0 for second order. O(momenta^2 nodes).
  double error(std::span<const double> up, std::span<const double> down) const;
  /// Estimates below this are good enough: r^N has a factor before it, measured up to 1000.
  static constexpr double resolved = 1e-17;
  /// Takes as many more nodes as an error() needs.
  /// @return whether it did: not for a resonance that needs very many
  bool refine(double error);
  /// Does so until the error at these occupations is good enough, or no more nodes are worth it.
  /// @return the error that is left
  double resolve(std::span<const double> up, std::span<const double> down);

  /// @param up, down  occupations, shape (momenta,) each
  CollisionRates rates(std::span<const double> up, std::span<const double> down) const;

  /// Rates W(k, k') at which a single particle of spin up goes from k' to k, shape (momenta, momenta), row k (Eq. 146).
  /// O(momenta^3 nodes), by matrix products.
  /// @throws UnsupportedError without OpenBLAS
  std::vector<double> scattering(std::span<const double> down) const;

  /// Self-energy of spin up without mean field, shape (momenta, frequencies), at given occupations of both species
  /// (Eqs. 153 and 154). O(momenta^2 nodes frequencies), as matrix products.
  /// @param up, down  occupations, (momenta,) each
  /// @throws ParameterError if a momentum of spin down has zero width, UnsupportedError without OpenBLAS
  std::vector<std::complex<double>> self_energy(std::span<const double> up, std::span<const double> down,
                                                std::span<const double> frequencies) const;
  /// Largest number of quadrature frequencies of a channel in self_energy() (Eq. 144).
  std::size_t self_energy_nodes(std::span<const double> frequencies) const;

 private:
  /// Pairs of a spin-up particle with a particle, or a hole, of spin down.
  struct Channel {
    double sign = 1.0;  ///< sign of the energy and momentum of spin down
    std::vector<Line> pairs;
    FrequencyNodes nodes;
  };
  /// Flows into and out of the pair, for every momentum of spin up (row) and of the pair (column).
  struct Flows {
    std::vector<double> in, out;                ///< with the scattering amplitude T
    std::vector<double> second_in, second_out;  ///< with U instead; particles only
    double error = 0.0;
  };

  /// Sums over the pairs of one total momentum, at every frequency.
  class PairSums;

  std::size_t partner(const Channel& channel, std::size_t up, std::size_t pair) const;
  std::size_t probe(const Channel& channel, std::size_t down, std::size_t pair) const;
  double pair_energy(const Channel& channel, std::size_t up, std::size_t down) const;
  double pair_half_width(std::size_t up, std::size_t down) const;
  /// Occupation by the particles of the channel: of spin down, or of its holes.
  static double filled(const Channel& channel, double occupation);
  /// Phi^<, Phi^> and Pi of a total momentum (Eq. 141), and the weights of Eq. 142.
  void sum_pairs(const Channel& channel, std::size_t pair, std::span<const double> up, std::span<const double> down,
                 PairSums& sums) const;
  Flows flows(const Channel& channel, std::span<const double> up, std::span<const double> down, bool second) const;
  void add(const Channel& channel, const std::vector<double>& in, const std::vector<double>& out, double factor,
           std::span<const double> up, std::span<const double> down, CollisionRates& rates) const;

  /// Adds the contribution of a channel, weighted with |T|^2, U^2, or the difference of the two.
  enum class Weight { ladder, second, difference };
  static double enhancement(double ladder, Weight weight);
  Weight weight_of_particles() const;
  Channel widened(const Channel& channel, std::span<const double> frequencies) const;
  void add_self_energy(const Channel& channel, std::span<const double> up, std::span<const double> down, Weight weight,
                       std::span<const double> frequencies, std::vector<std::complex<double>>& result) const;
  void add_scattering(const Channel& channel, std::span<const double> down, Weight weight,
                      std::vector<double>& rates) const;

  CollisionModel model_;
  CollisionOrder order_;
  std::vector<LatticeVector> momentum_;
  double node_factor_;
  Channel particle_, hole_;
};

/// What to tell if a resonance is left unresolved; nothing if the error is small.
/// @param error  from Collisions::error()
std::string unresolved_resonance(double error);

}  // namespace lindrift
