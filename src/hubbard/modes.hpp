#pragma once

#include <cstddef>
#include <vector>

#include "lattice/transform_order.hpp"
#include "lindrift/hubbard/chain.hpp"

namespace lindrift {

/// A Hubbard model in momentum space, in the order of the transforms: m = 0 .. L-1 along every direction. Shape
/// (sites,) each.
struct HubbardModes {
  Lattice lattice{std::vector<std::int64_t>{1}};
  TransformOrder order{lattice};
  std::size_t sites = 0;            ///< total number of cells
  double energy_unit = 1.0;         ///< size of the hopping: |J| for a ring
  double kernel_bandwidth = 0.0;    ///< largest |energy| of the three particles in K(k,t): 6 |J| for a ring
  double equation_bandwidth = 0.0;  ///< the same relative to the energy of the probe: 8 |J|
  Approximation approximation = Approximation::second_order;
  Ladder ladder = Ladder::particle;  ///< never automatic
  Hartree hartree = Hartree::none;
  double interaction = 0.0;                       ///< U = V_0
  std::vector<double> energy;                     ///< e_k of the probe
  std::vector<double> down_energy;                ///< e_p of spin down
  std::vector<double> rate;                       ///< Gamma_p = gain + loss of spin down
  std::vector<double> occupation;                 ///< n_p
  std::vector<double> hole;                       ///< 1 - n_p, without cancellation
  std::vector<double> probe_loss;                 ///< gup_k
  std::vector<double> coupling;                   ///< |U_q|^2, even in q
  double mean_occupation = 0.0;                   ///< (1/L) sum n_p
  double mean_field = 0.0;                        ///< H = U_0 mean_occupation (Eq. 66), whether or not it is used
  double first_moment = 0.0;                      ///< K(k,0), equal for every k: the spectral weight of the self-energy
  double strongest_coupling = 0.0;                ///< max |U_q|^2
  double slowest_rate = 0.0, fastest_rate = 0.0;  ///< smallest and largest Gamma_p
  double fastest_probe_loss = 0.0;
  bool on_site = true;        ///< |U_q|^2 does not depend on q
  bool same_energies = true;  ///< e_k is even and the same for both spins
  // Symmetries in one direction that save work:
  bool even_probe = true;  ///< e_k = e_{-k} and gup_k = gup_{-k}
  bool reflected = false;  ///< even L, e_p = -e_{pi-p} of spin down and Gamma_p = Gamma_{pi-p}
  bool mirrored = false;   ///< the same for e_k of both spins, n_p and gup_k: Sigma(pi-k,-w) = -conj Sigma(k,w)

  /// H' and s of Eq. 67: the shift of e_k, and the shift of the self-energy's argument.
  double level_shift() const { return hartree == Hartree::none && !is_ladder() ? 0.0 : mean_field; }
  double argument_shift() const {
    if (!is_ladder()) return hartree == Hartree::shifted ? mean_field : 0.0;
    return ladder == Ladder::particle ? 0.0 : ladder == Ladder::hole ? interaction : mean_field;
  }
  bool is_ladder() const { return approximation == Approximation::ladder; }
  bool open_probe() const { return fastest_probe_loss > 0.0; }
};

/// Largest allowed ratio of rates, frequencies and interactions to the hopping and vice versa: beyond it, products of
/// their squares would leave the range of double precision.
inline constexpr double largest_ratio = 1e30;

/// Size of the hopping, the unit of all energies.
double energy_unit_of(const OpenLattice& lattice);

/// O(L log L).
/// @throws ParameterError as validate() does
HubbardModes hubbard_modes(const HubbardChain& chain);

/// Calls visit(array or number) for everything that the self-energy of a chain depends on.
template <class Visit>
void for_each_parameter(const HubbardModes& modes, const Visit& visit) {
  for (int i = 0; i < modes.lattice.dimensions(); ++i) visit(static_cast<double>(modes.lattice.cells(i)));
  visit(static_cast<int>(modes.hartree));
  visit(static_cast<int>(modes.approximation));
  visit(static_cast<int>(modes.ladder));
  visit(modes.interaction);
  visit(modes.mean_field);
  for (const auto* array :
       {&modes.energy, &modes.down_energy, &modes.rate, &modes.occupation, &modes.probe_loss, &modes.coupling})
    visit(*array);
}

}  // namespace lindrift
