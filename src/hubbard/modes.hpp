#pragma once

#include <cstddef>
#include <vector>

#include "lindrift/hubbard/chain.hpp"

namespace lindrift {

/// A Hubbard chain by momenta, numbered m = 0 .. L-1, k = 2 pi m / L, the order of the transforms. Shape (sites,) each.
struct HubbardModes {
  std::size_t sites = 0;
  double hopping = 1.0;
  Approximation approximation = Approximation::second_order;
  Ladder ladder = Ladder::particle;  ///< never automatic
  Hartree hartree = Hartree::none;
  double interaction = 0.0;         ///< U = V_0
  std::vector<double> energy;       ///< e_k
  std::vector<double> rate;         ///< Gamma_p = gain + loss of spin down
  std::vector<double> occupation;   ///< n_p
  std::vector<double> hole;         ///< 1 - n_p, without cancellation
  std::vector<double> probe_loss;   ///< gup_k
  std::vector<double> coupling;     ///< |U_q|^2, even in q
  double mean_occupation = 0.0;     ///< (1/L) sum n_p
  double mean_field = 0.0;          ///< H = U_0 mean_occupation (Eq. 66), whether or not it is used
  double first_moment = 0.0;        ///< K(k,0), the same for every k: the weight of the self-energy's spectrum
  double strongest_coupling = 0.0;  ///< max |U_q|^2
  double slowest_rate = 0.0, fastest_rate = 0.0;  ///< of Gamma_p
  double fastest_probe_loss = 0.0;
  bool on_site = true;     ///< |U_q|^2 does not depend on q
  bool even_probe = true;  ///< gup_k = gup_{-k}
  bool reflected = false;  ///< even L, Gamma_p = Gamma_{pi-p}
  bool mirrored = false;   ///< and n_p, gup_k likewise: Sigma(pi-k,-w) = -conj Sigma(k,w)

  /// H' and s of Eq. 67: what is added to e_k, and what the argument of the self-energy is moved by.
  double level_shift() const { return hartree == Hartree::none && !is_ladder() ? 0.0 : mean_field; }
  double argument_shift() const {
    if (!is_ladder()) return hartree == Hartree::shifted ? mean_field : 0.0;
    return ladder == Ladder::particle ? 0.0 : ladder == Ladder::hole ? interaction : mean_field;
  }
  bool is_ladder() const { return approximation == Approximation::ladder; }
  bool open_probe() const { return fastest_probe_loss > 0.0; }
};

/// O(L log L).
/// @throws ParameterError as validate() does
HubbardModes hubbard_modes(const HubbardChain& chain);

/// Calls visit(array or number) for everything about a chain that its self-energy depends on.
template <class Visit>
void for_each_parameter(const HubbardModes& modes, const Visit& visit) {
  visit(modes.hopping);
  visit(static_cast<int>(modes.hartree));
  visit(static_cast<int>(modes.approximation));
  visit(static_cast<int>(modes.ladder));
  visit(modes.interaction);
  visit(modes.mean_field);
  for (const auto* array : {&modes.rate, &modes.occupation, &modes.probe_loss, &modes.coupling}) visit(*array);
}

/// Position m of a momentum in the order of the transforms from its position in the ascending order.
inline std::size_t transform_order(std::size_t ascending, std::size_t sites) {
  return (ascending + sites - sites / 2) % sites;
}

}  // namespace lindrift
