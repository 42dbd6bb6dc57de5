#include <complex>
#include <numbers>
#include <string>
#include <vector>

#include "lindrift/tgge/gradient.hpp"
#include "lindrift/tgge/lattice_model.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// Collects pointers to the real couplings of a preset's Hamiltonian.
struct CouplingVisitor {
  std::vector<double*>& couplings;

  void field(const std::string& path, const Parameter&, double& member) const {
    if (path.starts_with("model.")) couplings.push_back(&member);
  }
  template <class Member>
  void field(const std::string&, const Parameter&, Member&) const {}
  template <class Item, class Variant>
  void choice(const Item&, Variant&) const {}
  template <class Object>
  void dataset(const Parameter&, const Object&) const {}
};

std::vector<double*> couplings_of(TggeLattice& lattice) {
  std::vector<double*> couplings;
  visit_fields(lattice, CouplingVisitor{couplings});
  return couplings;
}

/// A preset with all couplings zero.
TggeLattice uncoupled(TggeLattice lattice) {
  for (double* coupling : couplings_of(lattice)) *coupling = 0.0;
  return lattice;
}

/// The derivative along a direction in the space of Hamiltonians, which the terms of a preset define.
double along(const TggeLattice& direction, const std::vector<Complex>& by) {
  const auto terms = direction.tight_binding().hopping_terms;
  double sum = 0.0;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    // A term and its Hermitian partner are both listed but share one amplitude.
    const bool alone = terms[i].displacement == LatticeVector{} && terms[i].to_orbital == terms[i].from_orbital;
    sum += (alone ? 1.0 : 0.5) * std::real(std::conj(terms[i].amplitude) * by[i]);
  }
  return sum;
}

/// The terms of a preset are linear in all couplings except the flux. The flux is a phase, so its derivative is the
/// term with the phase advanced by pi/2.
void differentiate_preset(const TggeLattice& lattice, const std::vector<Complex>& by, TggeLattice& slope) {
  const std::vector<double*> slopes = couplings_of(slope);
  for (std::size_t i = 0; i < slopes.size(); ++i) {
    TggeLattice direction = uncoupled(lattice);
    double* const coupling = couplings_of(direction)[i];
    *coupling = 1.0;
    if (coupling == &direction.flux) {
      direction.second_neighbour_hopping = lattice.second_neighbour_hopping;
      direction.flux = lattice.flux + 0.5 * std::numbers::pi;
    } else if (coupling == &direction.second_neighbour_hopping) {
      direction.flux = lattice.flux;
    }
    *slopes[i] = along(direction, by);
  }
}

}  // namespace

Gradient<TggeLattice> chain_rule(const TggeLattice& lattice, const TggeModel& model,
                                 const Gradient<TggeModel>& gradient, const GradientScope& scope) {
  Gradient<TggeLattice> result{gradient.value, uncoupled(lattice), gradient.filling};
  result.model.bath = gradient.model.bath;
  if (auto* operators = std::get_if<JumpOperators>(&result.model.jump))
    *operators = std::get<JumpOperators>(gradient.model.jump);
  for (HoppingTerm& term : result.model.hopping_terms) term.amplitude = 0.0;
  if (!scope.bands) return result;
  const auto by = hopping_gradient(model, gradient, lattice.tight_binding().hopping_terms);
  if (lattice.preset != LatticePreset::none) {
    differentiate_preset(lattice, by, result.model);
  } else if (!lattice.hamiltonian) {
    // The given terms come first, Hermitian partners that were added follow.
    for (std::size_t i = 0; i < result.model.hopping_terms.size(); ++i) result.model.hopping_terms[i].amplitude = by[i];
  }
  return result;
}

}  // namespace lindrift
