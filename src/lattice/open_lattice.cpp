#include "lindrift/lattice/open_lattice.hpp"

#include <cmath>

#include "check_energy.hpp"
#include "engine/parallel.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

void validate(const std::vector<LatticeTerm>& terms, const Lattice& lattice, const std::string& quantity) {
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const std::string name = quantity + "[" + std::to_string(i) + "]";
    if (terms[i].directions != 0 && terms[i].directions != lattice.dimensions())
      throw ParameterError(name, "a displacement in " + std::to_string(terms[i].directions) +
                                     " directions was given; the lattice has " + std::to_string(lattice.dimensions()));
    for (auto d = static_cast<std::size_t>(lattice.dimensions()); d < terms[i].displacement.size(); ++d)
      if (terms[i].displacement[d] != 0)
        throw ParameterError(
            name, "the displacement leaves the " + std::to_string(lattice.dimensions()) + " directions of the lattice");
    check_energy(name, terms[i].amplitude);
  }
}

Lattice OpenLattice::lattice() const { return is_ring() ? ring_lattice(sites) : Lattice(cells); }

std::vector<LatticeTerm> OpenLattice::terms(Spin spin) const {
  if (is_ring()) return {{{1}, -hopping}};
  if (!hopping_terms.empty()) return hopping_terms;
  return spin == Spin::up ? hopping_terms_up : hopping_terms_down;
}

void validate_lattice(const OpenLattice& model) {
  const Lattice lattice = model.lattice();
  const auto lists = {std::pair{"model.hopping_terms", &model.hopping_terms},
                      {"model.hopping_terms_up", &model.hopping_terms_up},
                      {"model.hopping_terms_down", &model.hopping_terms_down}};
  for (const auto& [name, terms] : lists) {
    if (model.is_ring() && !terms->empty())
      throw ParameterError(name, "hopping terms go with model.cells; a ring of model.sites takes model.hopping");
    validate(*terms, lattice, name);
  }
  if (model.is_ring()) return;
  const bool up = !model.hopping_terms_up.empty(), down = !model.hopping_terms_down.empty();
  if (!model.hopping_terms.empty() && (up || down))
    throw ParameterError("model.hopping_terms",
                         "cannot stand beside model.hopping_terms_up or model.hopping_terms_down");
  if (model.hopping_terms.empty() && !up && !down)
    throw ParameterError("model.hopping_terms", "a lattice of model.cells needs hopping terms [[R.., Re, Im], ...]");
  if (model.hopping_terms.empty() && up != down)
    throw ParameterError(up ? "model.hopping_terms_down" : "model.hopping_terms_up",
                         "must be given, too, where the spins differ");
}

void require_ring(const OpenLattice& lattice, const std::string& what) {
  if (!lattice.is_ring()) throw ParameterError("model.cells", "not allowed: " + what + " needs a ring of model.sites");
}

std::vector<double> hopping_energies(const std::vector<LatticeTerm>& terms, const Lattice& lattice) {
  std::vector<double> energy(lattice.size());
  parallel_for(lattice.size(), [&](std::size_t k) {
    double sum = 0.0;
    for (std::size_t i = 0; i < terms.size(); ++i) {
      const Phase phase = lattice.phase(k, terms[i].displacement);
      double term = 2.0 * terms[i].amplitude.real() * phase.cosine;
      if (terms[i].amplitude.imag() != 0.0) term -= 2.0 * terms[i].amplitude.imag() * phase.sine;
      sum = i > 0 ? sum + term : term;
    }
    energy[k] = sum;
  });
  return energy;
}

std::vector<double> hopping_velocities(const std::vector<LatticeTerm>& terms, const Lattice& lattice, int direction) {
  std::vector<double> velocity(lattice.size());
  parallel_for(lattice.size(), [&](std::size_t k) {
    for (const LatticeTerm& term : terms) {
      const Phase phase = lattice.phase(k, term.displacement);
      const auto cells = static_cast<double>(term.displacement[static_cast<std::size_t>(direction)]);
      velocity[k] -=
          2.0 * cells * term.amplitude.real() * phase.sine + 2.0 * cells * term.amplitude.imag() * phase.cosine;
    }
  });
  return velocity;
}

double largest_energy(const std::vector<LatticeTerm>& terms) {
  double sum = 0.0;
  for (const LatticeTerm& term : terms) sum += 2.0 * std::abs(term.amplitude);
  return sum;
}

double front_speed(const std::vector<LatticeTerm>& terms, int direction) {
  double sum = 0.0;
  for (const LatticeTerm& term : terms)
    sum += 2.0 * std::abs(term.amplitude) *
           std::fabs(static_cast<double>(term.displacement[static_cast<std::size_t>(direction)]));
  return sum;
}

namespace {

std::string numbered(std::string stem, int direction) { return std::move(stem) + "_" + std::to_string(direction + 1); }

}  // namespace

std::vector<Coordinate> momentum_coordinates(const OpenLattice& model, const std::vector<std::int64_t>& chosen) {
  if (model.is_ring()) return {momentum_coordinate(model.sites, chosen)};
  const auto directions = model.cells.size();
  std::vector<Coordinate> all;
  if (!chosen.empty()) all.push_back(integer_coordinate("path", "number of the momentum", chosen.size() / directions));
  for (std::size_t i = 0; i < directions; ++i) {
    std::vector<std::int64_t> along;
    for (std::size_t k = i; k < chosen.size(); k += directions) along.push_back(chosen[k]);
    Coordinate momentum = momentum_coordinate(model.cells[i], along);
    momentum.name = numbered("momentum", static_cast<int>(i));
    if (!chosen.empty()) momentum.dimension = "path";
    all.push_back(std::move(momentum));
  }
  return all;
}

std::vector<Coordinate> site_coordinates(const OpenLattice& model) {
  if (model.is_ring()) return {site_coordinate(model.sites)};
  std::vector<Coordinate> all;
  for (std::size_t i = 0; i < model.cells.size(); ++i) {
    Coordinate site = site_coordinate(model.cells[i]);
    site.name = numbered("site", static_cast<int>(i));
    all.push_back(std::move(site));
  }
  all.push_back(integer_coordinate("direction", "direction of the lattice", model.cells.size(), 1));
  return all;
}

}  // namespace lindrift
