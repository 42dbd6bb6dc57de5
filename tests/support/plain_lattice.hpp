#pragma once

#include <algorithm>
#include <complex>
#include <cstddef>
#include <vector>

#include "lindrift/baths/open_bath.hpp"
#include "lindrift/hubbard/chain.hpp"
#include "lindrift/lattice/open_lattice.hpp"
#include "reference/open_lattice.hpp"
#include "support/random.hpp"

/// Lattices of the plain sums in reference/open_lattice.hpp, from stored rows or at random, as input of the library.
namespace lindrift::testing {

namespace plain = reference::open_lattice;

inline plain::Terms terms_from(const std::vector<std::vector<double>>& rows) {
  plain::Terms terms;
  for (const auto& row : rows) {
    plain::Vector displacement(row.begin(), row.end() - 2);
    terms.push_back({displacement, {row[row.size() - 2], row.back()}});
  }
  return terms;
}

inline std::vector<plain::Terms> channels_from(const std::vector<std::vector<std::vector<double>>>& channels) {
  std::vector<plain::Terms> all;
  for (const auto& channel : channels) all.push_back(terms_from(channel));
  return all;
}

/// Complex hopping terms over several cells, energies that are not even, operators on two and three cells.
inline plain::Model random_model(Random& random, plain::Vector cells) {
  plain::Model model{std::move(cells), {}, {}, {}, {}, {}, random.uniform(-2.0, 2.0)};
  const auto term = [&] {
    plain::Term one;
    for (std::size_t i = 0; i < model.cells.size(); ++i) one.displacement.push_back(random.integer(-2, 2));
    one.amplitude = {random.uniform(-1.0, 1.0), random.uniform(-1.0, 1.0)};
    return one;
  };
  for (int i = 0; i < 3; ++i) {
    model.hop_up.push_back(term());
    model.hop_down.push_back(term());
  }
  const plain::Vector origin(model.cells.size(), 0);
  for (auto* channels : {&model.loss_down, &model.gain_down}) {
    channels->push_back({{origin, 0.5L}});  // every momentum has a rate
    channels->push_back({term(), term(), term()});
    channels->push_back({term(), term()});
  }
  model.loss_up.push_back({term(), term()});
  return model;
}

inline std::vector<LatticeTerm> terms_of(const plain::Terms& terms) {
  std::vector<LatticeTerm> result;
  for (const plain::Term& term : terms) {
    LatticeTerm one;
    std::copy(term.displacement.begin(), term.displacement.end(), one.displacement.begin());
    one.amplitude = std::complex<double>(term.amplitude);
    result.push_back(one);
  }
  return result;
}

inline void set(const plain::Model& from, OpenLattice& lattice, OpenBath& up, OpenBath& down) {
  lattice.cells = from.cells;
  lattice.hopping_terms_up = terms_of(from.hop_up);
  lattice.hopping_terms_down = terms_of(from.hop_down);
  for (const auto& channel : from.gain_up) up.operators.push_back({BathOperatorKind::gain, terms_of(channel)});
  for (const auto& channel : from.loss_up) up.operators.push_back({BathOperatorKind::loss, terms_of(channel)});
  for (const auto& channel : from.loss_down) down.operators.push_back({BathOperatorKind::loss, terms_of(channel)});
  for (const auto& channel : from.gain_down) down.operators.push_back({BathOperatorKind::gain, terms_of(channel)});
}

inline HubbardChain hubbard_of(const plain::Model& from) {
  HubbardChain model;
  set(from, model, model.up, model.down);
  model.interaction = {static_cast<double>(from.interaction)};
  return model;
}

/// Odd, even and single numbers of cells in one to three directions.
inline const std::vector<plain::Vector> some_lattices = {{7}, {5, 4}, {1, 6}, {6, 1}, {2, 3, 2}, {3, 1, 4}};

/// Index in ascending order of a momentum, or site, that the reference numbers from m = 0.
inline std::size_t ascending(const plain::Model& model, std::size_t number) {
  LatticeVector vector{};
  const plain::Vector m = model.integers(number);
  std::copy(m.begin(), m.end(), vector.begin());
  return Lattice(model.cells).index_of(vector);
}

}  // namespace lindrift::testing
