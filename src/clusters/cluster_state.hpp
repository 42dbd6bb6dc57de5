#pragma once

#include <complex>
#include <optional>
#include <span>
#include <vector>

#include "clusters/lindbladian.hpp"

namespace lindrift::clusters {

/// Density operator of a cluster, Tr rho = 1, in a basis of operators that conserve the particle number of each spin.
struct ClusterState {
  Lindbladian sector;
  std::vector<Complex> density;  ///< (sector.size(),)
  double residual = 0.0;         ///< |D rho| / |D| |rho|
};

/// Relative residuals that equations are solved to: steady states, and Green's functions in frequency.
inline constexpr double state_tolerance = 1e-14, krylov_tolerance = 1e-13;
/// Vectors before GMRES restarts, and products with D at most, for a steady state.
inline constexpr std::size_t state_restart = 200, state_products = 20000;

/// What spin up is in a steady state.
enum class UpState { driven, empty, one_particle };

/// The operators that a steady state is made of.
Lindbladian state_sector(const Cluster& cluster, UpState up);
/// Those that a Green's function of spin up is made of; see ClusterGreen.
Lindbladian green_sector(const Cluster& cluster, bool up_empty, int orbital);

/// The equation of a steady state, D rho = rho_0 (Tr rho - 1), where rho_0 is a product of occupations: taking the
/// trace gives Tr rho = 1, because D conserves the trace.
struct StateEquation {
  Lindbladian sector;
  std::vector<Complex> start;     ///< rho_0, (sector.size(),)
  std::vector<Complex> diagonal;  ///< of D, with 1 for 0: the preconditioner

  /// @throws UnsupportedError if the steady state is not unique
  StateEquation(const Cluster& cluster, UpState up);
};

/// The state of a solution, normalised.
/// @throws NumericalError if its residual is above 1e-12
ClusterState state_from(StateEquation equation, std::vector<Complex> density);

/// Whether every particle and every hole of a spin eventually decays; its steady state is then unique.
bool relaxes(const Cluster& cluster, int spin);

/// Steady state with one particle of spin up, which no bath adds or removes, in a cluster whose spin down relaxes.
/// @throws like steady_state()
ClusterState one_particle_state(const Cluster& cluster);

/// The x with D x = (V - v) rho and Tr x = 0 for that state rho of momenta that mix, where V multiplies |ket><bra| by
/// the mean of the particle's velocities in ket and bra, and v = Tr V rho: its response to a field that counts where
/// the particle goes (physics.md, Eq. 155). One more solution by GMRES.
/// @param velocity  of every orbital, (orbitals,)
/// @return elements of x in the basis of the state
/// @throws NumericalError if the residual stays above 1e-12
std::vector<Complex> counting_response(const ClusterState& state, std::span<const double> velocity);

/// Steady state, D rho = 0 (physics.md, Eq. 132), by GMRES from the product of the orbitals' own steady occupations.
/// @param up_empty  spin up has no gain: it is empty, and the sector contains only such states
/// @throws UnsupportedError if the steady state is not unique, NumericalError if the residual stays above 1e-12
ClusterState steady_state(const Cluster& cluster, bool up_empty);

/// <c+_a c_b> of one spin, (orbitals, orbitals), row-major.
std::vector<Complex> one_body(const ClusterState& state, int spin);
/// The same sums Tr[c+_a c_b x] of any operator x with elements in the basis of a sector.
std::vector<Complex> one_body(const Lindbladian& sector, std::span<const Complex> elements, int spin);

/// Retarded Green's function of spin up between selected orbitals of a cluster,
///   G_ab(t) = -i Tr[c_a e^{Dt} (c+_b rho + rho c+_b)]   (physics.md, Eq. 133).
class ClusterGreen {
 public:
  /// @param orbitals  a and b; with Cluster::momentum a single orbital, whose momentum defines the sector
  ClusterGreen(const Cluster& cluster, const ClusterState& state, bool up_empty, std::vector<int> orbitals);

  std::size_t size() const { return sector_.size(); }
  std::size_t orbitals() const { return orbitals_.size(); }
  const Lindbladian& sector() const { return sector_; }

  /// The vectors of Eq. 133 as one block, for a solver elsewhere: c+_b rho + rho c+_b for each b, and rows p of which
  /// p Y = Tr[c_a Y] for each a.
  /// @param[out] sources, probes  (orbitals, stride), stride >= size()
  void copy_to(std::span<Complex> sources, std::span<Complex> probes, std::size_t stride) const;

  /// G_ab(w + i broadening), shape (frequencies, orbitals, orbitals), to a relative residual of 1e-13, in Krylov spaces
  /// of at most `max_vectors` vectors.
  /// @return the largest relative residual
  double spectral(std::span<const double> frequencies, double broadening, std::size_t max_vectors,
                  std::span<Complex> green) const;

  /// G_ab(t), shape (times, orbitals, orbitals).
  /// @param times   >= 0, ascending
  void at_times(std::span<const double> times, std::span<Complex> green) const;

 private:
  /// One term of Tr[c_a Y]: sign * Y[index].
  struct Element {
    std::size_t index;
    double sign;
  };
  std::vector<Complex> source(const ClusterState& state, int orbital) const;
  std::vector<Element> probe(int orbital) const;
  Complex trace(std::size_t a, std::span<const Complex> y) const;

  Lindbladian sector_;
  std::vector<int> orbitals_;
  std::vector<std::vector<Complex>> sources_;
  std::vector<std::vector<Element>> probes_;
};

}  // namespace lindrift::clusters
