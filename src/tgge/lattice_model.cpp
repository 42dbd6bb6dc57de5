#include "lindrift/tgge/lattice_model.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "engine/parallel.hpp"
#include "lindrift/error.hpp"
#include "lindrift/tgge/matrix_rate_equation.hpp"
#include "tgge/model.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// Allowed rounding error relative to the largest element.
constexpr double hermitian_tolerance = 1e-12;

/// -J between nearest neighbours along every direction.
void add_hops(std::vector<HoppingTerm>& terms, int directions, int orbitals, double hopping) {
  for (int i = 0; i < directions; ++i)
    for (int a = 0; a < orbitals; ++a) {
      HoppingTerm term{{}, a, a, -hopping};
      term.displacement[static_cast<std::size_t>(i)] = 1;
      terms.push_back(term);
    }
}

/// h(k) = -2J (cos k_1 + cos k_2) + 2 alpha (sin k_1 sigma_y - sin k_2 sigma_x) + B.sigma, without Hermitian partners.
std::vector<HoppingTerm> rashba_zeeman(const TggeLattice& model) {
  std::vector<HoppingTerm> terms;
  add_hops(terms, 2, 2, model.hopping);
  const double alpha = model.rashba;
  // -i alpha sigma_y along the first direction, i alpha sigma_x along the second.
  terms.push_back({{1, 0}, 0, 1, -alpha});
  terms.push_back({{1, 0}, 1, 0, alpha});
  terms.push_back({{0, 1}, 0, 1, Complex(0.0, alpha)});
  terms.push_back({{0, 1}, 1, 0, Complex(0.0, alpha)});
  terms.push_back({{}, 0, 0, model.zeeman_z});
  terms.push_back({{}, 1, 1, -model.zeeman_z});
  terms.push_back({{}, 0, 1, Complex(model.zeeman_x, -model.zeeman_y)});
  return terms;
}

/// The nearest neighbours of orbital A are the B of the same cell and of the cells at -a_1 and -a_2.
std::vector<HoppingTerm> honeycomb_haldane(const TggeLattice& model) {
  std::vector<HoppingTerm> terms;
  for (const LatticeVector& r : {LatticeVector{0, 0}, LatticeVector{-1, 0}, LatticeVector{0, -1}})
    terms.push_back({r, 0, 1, -model.hopping});
  const Complex second = std::polar(model.second_neighbour_hopping, model.flux);
  for (const LatticeVector& r : {LatticeVector{1, 0}, LatticeVector{0, -1}, LatticeVector{-1, 1}}) {
    terms.push_back({r, 0, 0, second});
    terms.push_back({r, 1, 1, std::conj(second)});
  }
  terms.push_back({{}, 0, 0, model.sublattice_energy});
  terms.push_back({{}, 1, 1, -model.sublattice_energy});
  return terms;
}

/// Number of directions of a preset; 0 if any number is allowed.
int directions_of(LatticePreset preset) {
  switch (preset) {
    case LatticePreset::none:
      return 0;
    case LatticePreset::chain:
      return 1;
    case LatticePreset::square:
    case LatticePreset::rashba_zeeman:
    case LatticePreset::honeycomb_haldane:
      return 2;
    case LatticePreset::cubic:
      return 3;
  }
  return 0;
}

std::vector<HoppingTerm> preset_terms(const TggeLattice& model) {
  std::vector<HoppingTerm> terms;
  switch (model.preset) {
    case LatticePreset::none:
      break;
    case LatticePreset::chain:
    case LatticePreset::square:
    case LatticePreset::cubic:
      add_hops(terms, directions_of(model.preset), 1, model.hopping);
      break;
    case LatticePreset::rashba_zeeman:
      return rashba_zeeman(model);
    case LatticePreset::honeycomb_haldane:
      return honeycomb_haldane(model);
  }
  return terms;
}

Lattice lattice_of(const TggeLattice& model) {
  Lattice lattice(model.cells);
  const int wanted = directions_of(model.preset);
  if (wanted != 0 && lattice.dimensions() != wanted)
    throw ParameterError("model.cells", "preset \"" + std::string(name(model.preset)) + "\" has " +
                                            std::to_string(wanted) + " directions, not " +
                                            std::to_string(lattice.dimensions()));
  return lattice;
}

void check_lattice_vectors(const TggeLattice& model) {
  if (model.lattice_vectors.empty()) return;
  const std::size_t directions = model.cells.size();
  bool right = model.lattice_vectors.size() == directions;
  for (const auto& row : model.lattice_vectors) right = right && row.size() == directions;
  if (!right)
    throw ParameterError("model.lattice_vectors", "must have " + std::to_string(directions) + " rows of " +
                                                      std::to_string(directions) + " numbers");
}

/// Checks the names, which become those of datasets, and the matrices over the orbitals.
void check_operators(const TggeLattice& model) {
  const auto orbitals = static_cast<std::size_t>(model.orbitals_in_cell());
  for (std::size_t i = 0; i < model.operators.size(); ++i) {
    const auto& [name, order, elements] = model.operators[i];
    const auto refuse = [&](const std::string& problem) { throw ParameterError("output.operators", name + problem); };
    if (name.empty() || name == "cartesian" || name == "spin")
      refuse(name.empty() ? "an operator has no name" : " names another dataset: take another name");
    for (std::size_t j = 0; j < i; ++j)
      if (model.operators[j].name == name) refuse(" is there twice");
    if (order != orbitals || elements.size() != order * order)
      refuse(" has " + std::to_string(order) + " rows; it must have one for each of the " + std::to_string(orbitals) +
             " orbitals");
    double largest = 0.0;
    for (const Complex& element : elements) {
      check_finite("output.operators", element);
      largest = std::max(largest, std::abs(element));
    }
    for (std::size_t a = 0; a < order; ++a)
      for (std::size_t b = a; b < order; ++b)
        if (std::abs(elements[a * order + b] - std::conj(elements[b * order + a])) > hermitian_tolerance * largest)
          refuse(" is not Hermitian: look at elements (" + std::to_string(a) + ", " + std::to_string(b) + ") and (" +
                 std::to_string(b) + ", " + std::to_string(a) + ")");
  }
}

/// Refuses a table of hop weights where bands are degenerate: it would depend on the basis that the eigensolver happens
/// to choose, unlike jump operators.
/// @throws UnsupportedError
void refuse_degenerate_bands(const Bands& bands) {
  const DegenerateBlocks blocks = degenerate_blocks(bands);
  if (blocks.count() == 0) return;
  const auto modes = blocks.modes(0);
  std::string where;
  for (int i = 0; i < bands.lattice.dimensions(); ++i)
    where += (i > 0 ? ", " : "") +
             std::to_string(bands.lattice.momentum(bands.momentum_of(modes.front()))[static_cast<std::size_t>(i)]);
  throw UnsupportedError("bands " + std::to_string(bands.band_of(modes[0])) + " and " +
                         std::to_string(bands.band_of(modes[1])) +
                         " are degenerate at the momentum with integers m = " + where +
                         ": a table of hop weights has no meaning there; use jump operators");
}

}  // namespace

int TggeLattice::orbitals_in_cell() const {
  if (preset == LatticePreset::rashba_zeeman || preset == LatticePreset::honeycomb_haldane) return 2;
  if (preset != LatticePreset::none) return 1;
  return hamiltonian ? read_wannier90(*hamiltonian).model.orbitals : static_cast<int>(orbitals);
}

TightBinding TggeLattice::tight_binding() const {
  TightBinding model;
  if (preset != LatticePreset::none) {
    model.orbitals = orbitals_in_cell();
    model.hopping_terms = preset_terms(*this);
    add_hermitian_conjugates(model.hopping_terms);
  } else if (hamiltonian) {
    WannierHamiltonian file = read_wannier90(*hamiltonian);
    if (file.directions > static_cast<int>(cells.size()))
      throw ParameterError("model.hamiltonian", *hamiltonian + ": it hops along direction " +
                                                    std::to_string(file.directions) + "; model.cells has " +
                                                    std::to_string(cells.size()));
    model = std::move(file.model);
  } else {
    model.orbitals = static_cast<int>(orbitals);
    model.hopping_terms = hopping_terms;
    if (add_hermitian_conjugate) add_hermitian_conjugates(model.hopping_terms);
  }
  model.positions = positions;
  if (degeneracy_tolerance) model.degeneracy_tolerance = *degeneracy_tolerance;
  return model;
}

void validate(const TggeLattice& model) {
  const Lattice lattice = lattice_of(model);
  validate_fields(model);
  check_lattice_vectors(model);
  check_operators(model);
  validate(model.tight_binding(), lattice);
  validate_bath(model.bath);
  std::visit([&](const auto& jump) { validate_jump(jump, lattice, model.orbitals_in_cell()); }, model.jump);
  const auto* local = std::get_if<LocalCoupling>(&model.thermal_coupling);
  if (local == nullptr) return;
  if (!std::holds_alternative<JumpOperators>(model.jump))
    throw ParameterError("bath.thermal_coupling", "operators needs bath.jump = \"operators\"");
  validate_thermal_operators({local->operators}, lattice, model.orbitals_in_cell());
}

TggeModel make_model(const TggeLattice& lattice, const Execution& execution) {
  validate(lattice);
  TggeModel model{.bands = make_bands(lattice.tight_binding(), Lattice(lattice.cells), execution),
                  .rate_unit = lattice.preset == LatticePreset::none ? 1.0 : lattice.hopping,
                  .bath = lattice.bath,
                  .jump = std::visit([](const auto& kind) { return TggeJump(kind); }, lattice.jump)};
  if (std::holds_alternative<TableJump>(lattice.jump)) refuse_degenerate_bands(model.bands);
  if (const auto* local = std::get_if<LocalCoupling>(&lattice.thermal_coupling))
    model.thermal_operators = {local->operators};
  return model;
}

TggeLattice::operator TggeModel() const { return make_model(*this, {.backend = Backend::cpu}); }

RateEquation make_rate_equation(const TggeLattice& lattice, const Execution& execution) {
  return make_rate_equation(make_model(lattice, execution), execution);
}

std::vector<Coordinate> coordinates(const TggeLattice& model) {
  std::vector<Coordinate> all;
  for (std::size_t i = 0; i < model.cells.size(); ++i) {
    Coordinate momentum = momentum_coordinate(model.cells[i]);
    momentum.name += "_" + std::to_string(i + 1);
    all.push_back(std::move(momentum));
  }
  const auto orbitals = static_cast<std::size_t>(model.orbitals_in_cell());
  all.push_back(integer_coordinate("band", "band, ascending in energy", orbitals));
  all.push_back(integer_coordinate("orbital", "orbital", orbitals));
  all.push_back(integer_coordinate("orbital_2", "orbital", orbitals));
  all.push_back(integer_coordinate("direction", "direction of the lattice", model.cells.size(), 1));
  all.push_back(integer_coordinate("cartesian", "Cartesian direction", model.cells.size(), 1));
  if (!model.operators.empty()) {
    std::vector<std::string> names;
    for (const NamedMatrix& one : model.operators) names.push_back(one.name);
    all.push_back({"operator", "1", "operator of the orbitals", names.size(), [names] { return names; }});
  }
  return all;
}

namespace {

/// Below this scale, rates lose digits or vanish.
constexpr double least_scale = 1e-200;

/// The thermal bath alone: rates in units of epsilon J.
RateEquation thermal_part(TggeBath bath, const RateEquation& equation, Execution execution) {
  bath.coupling = 1.0;
  bath.equilibrium_fraction = bath.effective_equilibrium_fraction();
  execution.algorithm = equation.algorithm;
  // Beside the equation itself, another one of these would not fit on a card that it fills. One evaluation by moments
  // or panels takes as long on the CPU as a few copies.
  execution.backend = equation.algorithm == Algorithm::separable ? Backend::cpu : equation.backend;
  return thermal_bath_alone(equation.bands, equation.bands.energy, bath, execution);
}

}  // namespace

LatticeObserver::LatticeObserver(const TggeLattice& lattice, const RateEquation& equation, const Execution& execution)
    : equation_(equation),
      lattice_vectors_(lattice.lattice_vectors),
      operators_(lattice.operators),
      has_thermal_(lattice.bath.effective_equilibrium_fraction() > 0.0) {
  if (has_thermal_ && !equation.matrix) thermal_ = thermal_part(lattice.bath, equation, execution);
}

void LatticeObserver::add_vectors(std::span<const double> along, std::span<const double> shares,
                                  LatticeObservables& result) const {
  const std::size_t directions = equation_.bands.velocity.size(),
                    orbitals = static_cast<std::size_t>(equation_.bands.orbitals);
  for (std::size_t x = 0; x < directions; ++x) {
    double sum = 0.0;
    for (std::size_t i = 0; i < directions; ++i)
      sum += along[i] * (lattice_vectors_.empty() ? (i == x ? 1.0 : 0.0) : lattice_vectors_[i][x]);
    result.current_cartesian.push_back(sum);
  }
  for (std::size_t a = 0; a < orbitals; ++a)
    for (std::size_t i = 0; i < directions; ++i)
      result.orbital_current.push_back(orbitals == 1 ? along[i] : shares[i * orbitals + a]);
}

void LatticeObserver::add_blocks(std::span<const double> block_multiplier, LatticeObservables& result) const {
  const MatrixRateEquation& matrix = *equation_.matrix;
  result.energy = equation_.bands.energy;
  BlockMatrices particles, holes;
  matrix.occupations(block_multiplier, particles, holes);
  add_vectors(matrix.current(particles), matrix.orbital_current(particles), result);
  for (const double flow : matrix.energy_current(particles)) result.energy_current.push_back(flow);
  const std::size_t elements = static_cast<std::size_t>(equation_.bands.orbitals * equation_.bands.orbitals),
                    cells = equation_.bands.lattice.size();
  const std::vector<Complex> orbitals = matrix.in_orbitals(particles);
  add_operators(orbitals, result);
  for (std::size_t e = 0; e < elements; ++e) {
    const auto sums = parallel_sums<2>(cells, [&](std::size_t k) {
      return std::array<double, 2>{orbitals[k * elements + e].real(), orbitals[k * elements + e].imag()};
    });
    result.local_density_matrix.emplace_back(sums[0] / static_cast<double>(cells),
                                             sums[1] / static_cast<double>(cells));
  }
  const MatrixRateEquation::EntropyRates rates = matrix.entropy_rates(block_multiplier);
  result.heat_to_bath.push_back(rates.heat_to_bath);
  result.entropy_rate_thermal.push_back(rates.thermal);
  result.entropy_rate_nonequilibrium.push_back(rates.nonequilibrium);
  result.entropy_production.push_back(rates.thermal + equation_.inverse_temperature * rates.heat_to_bath);
}

void LatticeObserver::add_operators(const std::vector<Complex>& density_matrix, LatticeObservables& result) const {
  const Bands& bands = equation_.bands;
  const std::size_t n = static_cast<std::size_t>(bands.orbitals), cells = bands.lattice.size();
  for (const NamedMatrix& one : operators_)
    for (int i = 0; i < bands.lattice.dimensions(); ++i) {
      // For Hermitian matrices, Tr[{v, O} n] / 2 is the real part of Tr[v O n].
      const double sum = parallel_sum(cells, [&](std::size_t k) {
        thread_local std::vector<Complex> velocity;
        velocity.resize(n * n);
        bands.hamiltonian_derivative(k, i, velocity.data());
        const Complex* const matrix = density_matrix.data() + k * n * n;
        double trace = 0.0;
        for (std::size_t a = 0; a < n; ++a)
          for (std::size_t c = 0; c < n; ++c) {
            Complex element = 0.0;
            for (std::size_t b = 0; b < n; ++b) element += velocity[a * n + b] * one.elements[b * n + c];
            trace += (element * matrix[c * n + a]).real();
          }
        return trace;
      });
      result.operator_current.push_back(sum / static_cast<double>(cells));
    }
}

void LatticeObserver::add_currents(std::span<const double> occupation, LatticeObservables& result) const {
  const Bands& bands = equation_.bands;
  const auto cells = static_cast<double>(bands.lattice.size());
  const std::size_t directions = bands.velocity.size(), orbitals = static_cast<std::size_t>(bands.orbitals);
  add_vectors(current(equation_, occupation), lindrift::orbital_current(equation_, occupation), result);
  if (!operators_.empty()) add_operators(density_matrix(equation_, occupation), result);
  for (std::size_t i = 0; i < directions; ++i) {
    const auto& velocity = bands.velocity[i];
    result.energy_current.push_back(
        parallel_sum(bands.modes(), [&](std::size_t s) { return bands.energy[s] * velocity[s] * occupation[s]; }) /
        cells);
  }
  for (std::size_t a = 0; a < orbitals; ++a)
    for (std::size_t b = 0; b < orbitals; ++b) {
      const auto sums = parallel_sums<2>(bands.modes(), [&](std::size_t s) {
        const Complex element = orbitals == 1 ? 1.0 : bands.eigenvector[a][s] * std::conj(bands.eigenvector[b][s]);
        return std::array<double, 2>{element.real() * occupation[s], element.imag() * occupation[s]};
      });
      result.local_density_matrix.emplace_back(sums[0] / cells, sums[1] / cells);
    }
}

void LatticeObserver::add_entropies(std::span<const double> lagrange_multiplier, std::span<const double> occupation,
                                    LatticeObservables& result) const {
  const std::size_t modes = equation_.modes();
  const auto cells = static_cast<double>(equation_.bands.lattice.size());
  std::vector<double> thermal(modes), both(modes);
  if (has_thermal_) occupation_rate(thermal_, lagrange_multiplier, thermal);
  if (equation_.rate_scale >= least_scale) {
    occupation_rate(equation_, lagrange_multiplier, both);
    parallel_for(modes, [&](std::size_t s) { both[s] /= equation_.rate_scale; });
  } else {
    force(equation_, lagrange_multiplier, both);
    parallel_for(modes, [&](std::size_t s) { both[s] *= (1.0 - occupation[s]) / cells; });
  }
  const auto sums = parallel_sums<3>(occupation.size(), [&](std::size_t s) {
    // A mode that is exactly empty or full stays so and contributes no entropy.
    const double lambda = std::isfinite(lagrange_multiplier[s]) ? lagrange_multiplier[s] : 0.0;
    return std::array<double, 3>{equation_.bands.energy[s] * thermal[s], lambda * thermal[s],
                                 lambda * (both[s] - thermal[s])};
  });
  result.heat_to_bath.push_back(-sums[0] / cells);
  result.entropy_rate_thermal.push_back(sums[1] / cells);
  result.entropy_rate_nonequilibrium.push_back(sums[2] / cells);
  result.entropy_production.push_back((sums[1] - equation_.inverse_temperature * sums[0]) / cells);
}

void LatticeObserver::add(std::span<const double> lagrange_multiplier, std::span<const double> occupation,
                          LatticeObservables& result) const {
  result.energy = equation_.bands.energy;
  if (std::isnan(occupation.front())) return add_missing(result);
  add_currents(occupation, result);
  add_entropies(lagrange_multiplier, occupation, result);
}

void LatticeObserver::add_rows(std::span<const double> lagrange_multiplier, std::span<const double> occupation,
                               std::span<const double> block_multiplier, LatticeObservables& result) const {
  const std::size_t modes = equation_.modes(), rows = occupation.size() / modes;
  for (std::size_t row = 0; row < rows; ++row) {
    const auto n = occupation.subspan(row * modes, modes);
    if (!equation_.matrix || std::isnan(n.front()))
      add(lagrange_multiplier.subspan(row * modes, modes), n, result);
    else
      add_blocks(block_multiplier.subspan(row * equation_.matrix->size(), equation_.matrix->size()), result);
  }
}

void LatticeObserver::add_missing(LatticeObservables& result) const {
  constexpr double missing = std::numeric_limits<double>::quiet_NaN();
  const std::size_t directions = equation_.bands.velocity.size(),
                    orbitals = static_cast<std::size_t>(equation_.bands.orbitals);
  result.current_cartesian.resize(result.current_cartesian.size() + directions, missing);
  result.orbital_current.resize(result.orbital_current.size() + directions * orbitals, missing);
  result.operator_current.resize(result.operator_current.size() + operators_.size() * directions, missing);
  result.energy_current.resize(result.energy_current.size() + directions, missing);
  result.local_density_matrix.resize(result.local_density_matrix.size() + orbitals * orbitals, {missing, missing});
  for (auto* rates : {&result.heat_to_bath, &result.entropy_rate_thermal, &result.entropy_rate_nonequilibrium,
                      &result.entropy_production})
    rates->push_back(missing);
}

}  // namespace lindrift
