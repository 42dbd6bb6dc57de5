#include "hubbard/registry/rings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "config/read.hpp"
#include "lindrift/lindrift.hpp"
#include "open_chain/registry/propagator.hpp"
#include "open_chain/registry/verify_sites.hpp"

namespace lindrift {

double interaction_strength(const HubbardChain& chain) {
  double hopping = 0.0, strongest = 0.0;
  for (const Spin spin : {Spin::up, Spin::down})
    for (const LatticeTerm& term : chain.terms(spin)) hopping = std::max(hopping, std::abs(term.amplitude));
  for (const double v : chain.interaction)
    if (v != 0.0) strongest = std::max(strongest, std::fabs(v) / hopping);
  return strongest;
}

void refuse_approximations(const HubbardChain& chain, const std::string& task, const std::string& ladder,
                           const std::string& hartree) {
  const auto refuse = [&](const char* key, std::string_view word, const std::string& reason) {
    throw ParameterError(key, fmt::format("{} has no meaning with task.kind = {}: {}", word, task, reason));
  };
  if (chain.approximation != Approximation::second_order)
    refuse("model.approximation", name(chain.approximation), ladder);
  if (chain.hartree != Hartree::none) refuse("model.hartree", name(chain.hartree), hartree);
}

double plain_flow(const config::Point& point, Spin spin, int direction, std::span<const double> values) {
  const OpenLattice model = lattice_of(point);
  const Lattice lattice = model.lattice();
  PlainMomentum::Real sum = 0.0L;
  for (std::size_t k = 0; k < values.size(); ++k)
    sum += PlainMomentum(lattice, k).velocity(model, spin, direction) * values[k];
  return static_cast<double>(sum);
}

void verify_currents(Verification& verification, double bounds, double allowed) {
  const auto *occupation = verification.reals("occupation_spin"), *current = verification.reals("current_spin");
  if (occupation == nullptr) return;
  for (const double n : *occupation) verification.note("0 <= n <= 1", std::max({0.0, -n, n - 1.0}), bounds);
  if (current == nullptr) return;
  const OpenLattice model = lattice_of(verification.point);
  const std::size_t cells = occupation->size() / 2, directions = current->size() / 2;
  const auto number = static_cast<double>(cells);
  const double roundings = std::max(1.0, std::sqrt(number / 256.0));
  for (const Spin spin : {Spin::up, Spin::down})
    for (std::size_t i = 0; i < directions; ++i) {
      const std::size_t s = spin == Spin::up ? 0 : 1;
      const auto direction = static_cast<int>(i);
      const double plain =
          plain_flow(verification.point, spin, direction, std::span(*occupation).subspan(s * cells, cells)) / number;
      verification.note("current from the occupations", std::fabs((*current)[s * directions + i] - plain),
                        allowed * roundings * std::max(1.0, 0.5 * front_speed(model.terms(spin), direction)));
    }
}

}  // namespace lindrift
