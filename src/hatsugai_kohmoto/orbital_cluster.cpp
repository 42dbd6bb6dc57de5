#include "hatsugai_kohmoto/orbital_cluster.hpp"

#include <algorithm>
#include <string>

#include "check_energy.hpp"
#include "engine/complex_product.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// e^{ik.R}
Complex wave(const Lattice& lattice, std::size_t k, const LatticeVector& displacement) {
  const Phase phase = lattice.phase(k, displacement);
  return {phase.cosine, phase.sine};
}

void validate_bath(const OrbitalBath& bath, const OrbitalHatsugaiKohmoto& model, const Lattice& lattice,
                   const std::string& section) {
  validate_fields(bath, section);
  for (std::size_t i = 0; i < bath.operators.size(); ++i) {
    const std::string name = section + ".operator[" + std::to_string(i) + "].terms";
    const auto& terms = bath.operators[i].terms;
    if (terms.empty()) throw ParameterError(name, "must not be empty");
    std::vector<LatticeTerm> places;  // for the check of the displacements
    for (std::size_t t = 0; t < terms.size(); ++t) {
      if (terms[t].orbital < 0 || terms[t].orbital >= model.orbitals)
        throw ParameterError(name + "[" + std::to_string(t) + "]", "orbital " + std::to_string(terms[t].orbital) +
                                                                       " is not allowed: must be in 0 .. " +
                                                                       std::to_string(model.orbitals - 1));
      places.push_back({terms[t].displacement, terms[t].amplitude, terms[t].directions});
    }
    validate(places, lattice, name);
    check_rate(name, terms);
  }
}

}  // namespace

bool has_no_gain(const OrbitalBath& bath) {
  return bath.gain == 0.0 && std::none_of(bath.operators.begin(), bath.operators.end(),
                                          [](const auto& channel) { return channel.kind == BathOperatorKind::gain; });
}

Lattice OrbitalHatsugaiKohmoto::lattice() const {
  if (cells.empty()) throw ParameterError("model.cells", "must be given with model.orbitals > 1");
  OpenLattice lattice;
  lattice.cells = cells;
  return lattice.lattice();
}

std::vector<HoppingTerm> OrbitalHatsugaiKohmoto::terms(Spin spin) const {
  std::vector<HoppingTerm> all = hopping_terms;
  if (all.empty()) all = spin == Spin::up ? hopping_terms_up : hopping_terms_down;
  add_hermitian_conjugates(all);
  return all;
}

std::vector<double> OrbitalHatsugaiKohmoto::interactions() const {
  const auto n = static_cast<std::size_t>(orbitals);
  std::vector<double> all(n * n);
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = 0; b < n; ++b)
      all[a * n + b] = !interaction_matrix.empty() ? interaction_matrix[a][b] : a == b ? interaction : 0.0;
  return all;
}

void validate(const OrbitalHatsugaiKohmoto& model) {
  validate_fields(model);
  check_number("model.orbitals", orbitals_parameter(), static_cast<double>(model.orbitals));
  const Lattice lattice = model.lattice();
  const bool up = !model.hopping_terms_up.empty(), down = !model.hopping_terms_down.empty();
  if (!model.hopping_terms.empty() && (up || down))
    throw ParameterError("model.hopping_terms",
                         "cannot stand beside model.hopping_terms_up or model.hopping_terms_down");
  if (up != down)
    throw ParameterError(up ? "model.hopping_terms_down" : "model.hopping_terms_up",
                         "must be given, too, where the spins differ");
  for (const Spin spin : {Spin::up, Spin::down}) {
    TightBinding bands;
    bands.orbitals = static_cast<int>(model.orbitals);
    bands.hopping_terms = model.terms(spin);
    validate(bands, lattice);
  }
  if (!model.interaction_matrix.empty()) {
    const auto n = static_cast<std::size_t>(model.orbitals);
    if (model.interaction != 0.0)
      throw ParameterError("model.interaction_matrix", "cannot stand beside model.interaction");
    const bool square = model.interaction_matrix.size() == n &&
                        std::all_of(model.interaction_matrix.begin(), model.interaction_matrix.end(),
                                    [n](const auto& row) { return row.size() == n; });
    if (!square)
      throw ParameterError("model.interaction_matrix",
                           "must have one row and one column for each of " + std::to_string(n) + " orbitals");
    for (std::size_t a = 0; a < n; ++a)
      for (std::size_t b = 0; b < n; ++b)
        check_energy("model.interaction_matrix[" + std::to_string(a) + "][" + std::to_string(b) + "]",
                     model.interaction_matrix[a][b]);
  }
  validate_bath(model.up, model, lattice, "bath.up");
  validate_bath(model.down, model, lattice, "bath.down");
}

OrbitalMomenta::OrbitalMomenta(const OrbitalHatsugaiKohmoto& model)
    : lattice_((validate(model), model.lattice())),
      orbitals_(static_cast<std::size_t>(model.orbitals)),
      terms_{model.terms(Spin::up), model.terms(Spin::down)},
      baths_{model.up, model.down},
      interaction_(model.interactions()),
      up_empty_(has_no_gain(model.up)) {}

clusters::Cluster OrbitalMomenta::cluster(std::size_t k) const {
  const std::size_t n = orbitals_;
  clusters::Cluster result;
  result.orbitals = static_cast<int>(n);
  for (std::size_t s = 0; s < 2; ++s) {
    for (auto* matrix : {&result.hamiltonian[s], &result.loss[s], &result.gain[s]}) matrix->resize(n * n);
    for (const HoppingTerm& term : terms_[s])
      result.hamiltonian[s]
                        [static_cast<std::size_t>(term.to_orbital) * n + static_cast<std::size_t>(term.from_orbital)] +=
          times(term.amplitude, wave(lattice_, k, term.displacement));
    for (std::size_t a = 0; a < n; ++a) {
      result.loss[s][a * n + a] = baths_[s].loss;
      result.gain[s][a * n + a] = baths_[s].gain;
    }
    for (const OrbitalBathOperator& channel : baths_[s].operators) {
      const bool loss = channel.kind == BathOperatorKind::loss;
      std::vector<Complex> amplitude(n);
      for (const OrbitalTerm& term : channel.terms) {
        const Complex phase = wave(lattice_, k, term.displacement);
        amplitude[static_cast<std::size_t>(term.orbital)] += times(term.amplitude, loss ? phase : std::conj(phase));
      }
      std::vector<Complex>& rates = loss ? result.loss[s] : result.gain[s];
      for (std::size_t a = 0; a < n; ++a)
        for (std::size_t b = 0; b < n; ++b) rates[a * n + b] += times(amplitude[a], std::conj(amplitude[b]));
    }
  }
  add_density_interaction(result, interaction_);
  return result;
}

clusters::Cluster OrbitalMomenta::pattern() const {
  const std::size_t n = orbitals_;
  constexpr double loss_rate = 2.0, gain_rate = 1.0;
  clusters::Cluster result;
  result.orbitals = static_cast<int>(n);
  for (std::size_t s = 0; s < 2; ++s) {
    for (auto* matrix : {&result.hamiltonian[s], &result.loss[s], &result.gain[s]}) matrix->resize(n * n);
    for (const HoppingTerm& term : terms_[s])
      result
          .hamiltonian[s][static_cast<std::size_t>(term.to_orbital) * n + static_cast<std::size_t>(term.from_orbital)] =
          1.0;
    for (std::size_t a = 0; a < n; ++a) {
      if (baths_[s].loss > 0.0) result.loss[s][a * n + a] = loss_rate;
      if (baths_[s].gain > 0.0) result.gain[s][a * n + a] = gain_rate;
    }
    for (const OrbitalBathOperator& channel : baths_[s].operators)
      for (const OrbitalTerm& x : channel.terms)
        for (const OrbitalTerm& y : channel.terms) {
          const std::size_t element = static_cast<std::size_t>(x.orbital) * n + static_cast<std::size_t>(y.orbital);
          if (channel.kind == BathOperatorKind::loss)
            result.loss[s][element] = loss_rate;
          else
            result.gain[s][element] = gain_rate;
        }
  }
  add_density_interaction(result, interaction_);
  return result;
}

std::vector<Complex> OrbitalMomenta::slope(std::size_t k, std::size_t spin, int direction) const {
  std::vector<Complex> result(orbitals_ * orbitals_);
  for (const HoppingTerm& term : terms_[spin]) {
    const auto along = static_cast<double>(term.displacement[static_cast<std::size_t>(direction)]);
    result[static_cast<std::size_t>(term.to_orbital) * orbitals_ + static_cast<std::size_t>(term.from_orbital)] +=
        times(Complex(0.0, along), times(term.amplitude, wave(lattice_, k, term.displacement)));
  }
  return result;
}

}  // namespace lindrift
