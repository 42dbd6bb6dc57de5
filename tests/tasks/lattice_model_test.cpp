#include "lindrift/tgge/lattice_model.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <span>
#include <sstream>
#include <string>

#include "data/tgge_lattice_forces.hpp"
#include "data/tgge_lattice_matrix.hpp"
#include "data/tgge_lattice_steady_states.hpp"
#include "lindrift/error.hpp"
#include "lindrift/tgge/chain.hpp"
#include "lindrift/tgge/gradient.hpp"
#include "lindrift/tgge/rashba.hpp"
#include "lindrift/tgge/relax.hpp"
#include "lindrift/tgge/steady_state.hpp"
#include "reference/tgge_rashba.hpp"
#include "support/chains.hpp"
#include "support/compare.hpp"
#include "support/random.hpp"
#include "support/two_bands.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;
using Numbers = std::vector<double>;
using Terms = std::vector<Numbers>;

Term term_of(const Numbers& numbers) {
  Term term;
  for (std::size_t i = 0; i + 2 < numbers.size(); ++i) term.indices.push_back(static_cast<std::int64_t>(numbers[i]));
  term.amplitude = {numbers[numbers.size() - 2], numbers.back()};
  return term;
}

JumpOperators operators_of(const std::vector<Terms>& channels) {
  JumpOperators jump;
  for (const Terms& terms : channels) {
    auto& channel = jump.channels.emplace_back();
    for (const Numbers& numbers : terms) assign(channel.emplace_back(), term_of(numbers));
  }
  return jump;
}

/// A case of tests/data/tgge_lattice_*.json.
template <class Case>
TggeLattice lattice_of(const Case& one) {
  TggeLattice lattice;
  lattice.cells.assign(one.cells.begin(), one.cells.end());
  lattice.orbitals = static_cast<std::int64_t>(one.orbitals);
  for (const Numbers& numbers : one.hopping) assign(lattice.hopping_terms.emplace_back(), term_of(numbers));
  lattice.jump = operators_of(one.channels);
  lattice.bath.inverse_temperature = one.beta;
  lattice.bath.nonequilibrium_fraction = one.gamma_neq;
  lattice.bath.equilibrium_fraction = one.gamma_eq;
  if constexpr (requires { one.coupling; }) lattice.bath.coupling = one.coupling;
  if constexpr (requires { one.spectrum; }) {
    for (const auto& [spectrum, text] : names_of<Spectrum>)
      if (text == one.spectrum) lattice.bath.spectrum = spectrum;
    lattice.bath.spectrum_width = one.spectrum_width;
  }
  return lattice;
}

/// Every algorithm that is possible for a lattice on the CPU.
std::vector<Algorithm> algorithms_of(const TggeLattice& lattice) {
  std::vector<Algorithm> all = {Algorithm::automatic};
  double modes = lattice.orbitals_in_cell();
  for (const std::int64_t along : lattice.cells) modes *= static_cast<double>(along);
  if (modes <= 128.0) all.push_back(Algorithm::direct);
  return all;
}

RateEquation equation_of(const TggeLattice& lattice, Algorithm algorithm) {
  Execution execution;
  execution.backend = Backend::cpu;
  execution.algorithm = algorithm;
  return make_rate_equation(lattice, execution);
}

std::vector<double> multipliers(const std::vector<double>& occupation) {
  std::vector<double> lambda;
  for (const double n : occupation) lambda.push_back(std::log1p(-n) - std::log(n));
  return lambda;
}

/// The reference values are accurate to 12 digits of the largest one.
constexpr double reference_digits = 1e-12;

TEST(LatticeModel, RatesAreTracesOverFockSpace) {
  for (const auto& one : data::tgge_lattice_forces::forces) {
    SCOPED_TRACE(one.id);
    const TggeLattice lattice = lattice_of(one);
    for (const Algorithm algorithm : algorithms_of(lattice)) {
      const RateEquation equation = equation_of(lattice, algorithm);
      EXPECT_LT(largest_difference(equation.bands.energy, one.energy), 1e-13 * largest_magnitude(one.energy));
      std::vector<double> rate(equation.modes());
      occupation_rate(equation, multipliers(one.occupation), rate);
      for (double& r : rate) r /= equation.rate_scale;
      // Gain and loss cancel in the rate.
      EXPECT_LT(largest_difference(rate, one.rate), reference_digits * largest_magnitude(one.loss));
      EXPECT_LT(largest_difference(current(equation, one.occupation), one.current), reference_digits);
      LatticeObservables observables;
      LatticeObserver(lattice, equation).add(multipliers(one.occupation), one.occupation, observables);
      EXPECT_LT(largest_difference(observables.energy_current, one.energy_current), 1e-11);
      std::vector<double> shares;
      for (const Numbers& row : one.orbital_current) shares.insert(shares.end(), row.begin(), row.end());
      EXPECT_LT(largest_difference(observables.orbital_current, shares), reference_digits);
    }
  }
}

/// |u_to^+ D^c(q,k) u_from|^2 with D^c_ab(q,k) = sum A e^{-iqR} e^{ikR'}, summed over channels.
double hop_weight(const Bands& bands, const std::vector<std::vector<JumpTerm>>& channels, std::size_t to,
                  std::size_t from) {
  double weight = 0.0;
  for (const auto& channel : channels) {
    Complex amplitude = 0.0;
    for (const JumpTerm& term : channel) {
      const auto in = bands.lattice.phase(bands.momentum_of(to), term.to),
                 out = bands.lattice.phase(bands.momentum_of(from), term.from);
      amplitude += std::conj(bands.eigenvector[static_cast<std::size_t>(term.to_orbital)][to]) *
                   Complex(in.cosine, -in.sine) * term.amplitude * Complex(out.cosine, out.sine) *
                   bands.eigenvector[static_cast<std::size_t>(term.from_orbital)][from];
    }
    weight += std::norm(amplitude);
  }
  return weight;
}

TEST(LatticeModel, HopWeightsOfAnEquationAreThoseOfItsOperators) {
  // The equation keeps no vectors of the operators: it computes those that are asked for, also after a move.
  Random random(196);
  TggeLattice lattice;
  lattice.cells = {3, 4};
  lattice.orbitals = 3;
  lattice.add_hermitian_conjugate = true;
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) lattice.hopping_terms.push_back({{1, -1}, a, b, random.complex(1.0)});
  for (int a = 0; a < 3; ++a) lattice.hopping_terms.push_back({{}, a, a, random.uniform(-3.0, 3.0)});
  lattice.jump = JumpOperators{{{{{}, 0, {1, 0}, 2, random.complex(1.0)}, {{-2, 1}, 1, {}, 1, random.complex(1.0)}},
                                {{{0, 1}, 2, {}, 2, random.complex(1.0)}}}};
  RateEquation made = make_rate_equation(lattice, {.backend = Backend::cpu});
  const RateEquation equation = std::move(made);
  for (std::size_t to = 0; to < equation.modes(); ++to)
    for (std::size_t from = 0; from < equation.modes(); ++from)
      EXPECT_NEAR(equation.hop_weight(to, from),
                  hop_weight(equation.bands, std::get<JumpOperators>(lattice.jump).channels, to, from), 1e-13);
}

/// Both baths as one table of hop weights, gamma_eq S(E' - E) w_th + gamma_neq w, which has a noise also where the
/// thermal bath has operators. For the exponential spectrum.
TggeModel of_one_table(const TggeLattice& lattice) {
  TggeModel model = lattice;
  const Bands& bands = model.bands;
  std::vector<double> table;
  for (std::size_t to = 0; to < bands.modes(); ++to)
    for (std::size_t from = 0; from < bands.modes(); ++from)
      table.push_back(model.bath.effective_equilibrium_fraction() *
                          std::exp(0.5 * model.bath.inverse_temperature * (bands.energy[from] - bands.energy[to])) *
                          hop_weight(bands, model.thermal_operators.channels, to, from) +
                      model.bath.nonequilibrium_fraction *
                          hop_weight(bands, std::get<JumpOperators>(model.jump).channels, to, from));
  model.jump = TableJump(std::move(table));
  model.thermal_operators = {};
  model.bath.nonequilibrium_fraction = 1.0;
  model.bath.equilibrium_fraction = 0.0;
  return model;
}

/// N S(0) of the current along each direction.
std::vector<double> noise_of(const TggeModel& model, double filling, Algorithm algorithm) {
  const Execution execution{.backend = Backend::cpu, .algorithm = algorithm};
  const RateEquation equation = make_rate_equation(model, execution);
  const SteadyState state = steady_state(equation, filling, {.tolerance = 1e-12, .start = {}});
  EXPECT_TRUE(state.converged) << state.message;
  std::vector<Flow> flows;
  for (int i = 0; i < equation.bands.lattice.dimensions(); ++i) flows.push_back({.direction = i});
  const std::vector<double> all = SteadyStateAdjoint(model, equation, state, execution).noise(flows);
  std::vector<double> result;
  for (std::size_t i = 0; i < flows.size(); ++i) result.push_back(all[i * flows.size() + i]);
  return result;
}

TEST(LatticeModel, SteadyStatesOfTwoIndependentPrograms) {
  // The two programs agree to 1e-11 of the largest number of a kind: of the entropy rates of P-7-3, which add up to
  // zero, they leave 2e-11 of 34.
  const auto expect_close = [](std::span<const double> actual, const Numbers& expected) {
    EXPECT_LT(largest_difference(actual, expected), 1e-11 * std::max(1.0, largest_magnitude(expected)));
  };
  int with_noise = 0;
  for (const auto& one : data::tgge_lattice_steady_states::steady_states) {
    SCOPED_TRACE(one.id);
    TggeLattice lattice = lattice_of(one);
    if (!one.thermal_channels.empty())
      lattice.thermal_coupling = LocalCoupling{operators_of(one.thermal_channels).channels};
    for (const Algorithm algorithm : algorithms_of(lattice)) {
      const RateEquation equation = equation_of(lattice, algorithm);
      const SteadyState state = steady_state(equation, one.filling);
      ASSERT_TRUE(state.converged) << state.message;
      expect_close(state.current, one.current);
      EXPECT_NEAR(state.energy_per_cell, one.energy_per_cell, 1e-11);
      EXPECT_NEAR(state.density_per_cell, one.density_per_cell, 1e-12);
      if (!one.occupation.empty()) {
        expect_close(state.occupation, one.occupation);
        expect_close(state.lagrange_multiplier, one.lagrange_multiplier);
      }
      LatticeObservables observables;
      LatticeObserver(lattice, equation)
          .add_rows(state.lagrange_multiplier, state.occupation, state.block_multiplier, observables);
      expect_close(observables.energy_current, one.energy_current);
      Numbers shares;
      for (const Numbers& row : one.orbital_current) shares.insert(shares.end(), row.begin(), row.end());
      expect_close(observables.orbital_current, shares);
      if (!one.entropies.empty())
        expect_close(Numbers{observables.heat_to_bath.at(0), observables.entropy_rate_thermal.at(0),
                             observables.entropy_rate_nonequilibrium.at(0), observables.entropy_production.at(0)},
                     one.entropies);
      if (one.noise.empty()) continue;
      ++with_noise;
      if (equation.matrix == nullptr) {
        expect_close(noise_of(lattice, one.filling, algorithm), one.noise);
      } else {
        const TggeModel table = of_one_table(lattice);
        expect_close(steady_state(make_rate_equation(table, {.backend = Backend::cpu}), one.filling).occupation,
                     one.occupation);
        expect_close(noise_of(table, one.filling, Algorithm::direct), one.noise);
        EXPECT_THROW(SteadyStateAdjoint(lattice, equation, state), UnsupportedError);
      }
    }
  }
  EXPECT_EQ(with_noise, 14);  // seven systems, each by two algorithms
}

// --- degenerate bands ---

TEST(LatticeModel, DegenerateBandsHaveTheStoredSteadyStates) {
  // Occupation matrices as in MatrixRateEquation, from the terms of a lattice.
  for (const auto& one : data::tgge_lattice_matrix::steady_states) {
    SCOPED_TRACE(one.id);
    const TggeLattice lattice = lattice_of(one);
    const RateEquation equation = equation_of(lattice, Algorithm::automatic);
    ASSERT_NE(equation.matrix, nullptr);
    const SteadyState state = steady_state(equation, one.filling);
    ASSERT_TRUE(state.converged) << state.message;
    EXPECT_LT(largest_difference(state.current, one.current), 1e-10);
    LatticeObservables observables;
    LatticeObserver(lattice, equation)
        .add_rows(state.lagrange_multiplier, state.occupation, state.block_multiplier, observables);
    const auto n = static_cast<std::size_t>(one.orbitals), directions = one.cells.size();
    // The shares of the orbitals add up to the current, the mean density matrix gives the density, and the spins are
    // those of the stored matrices.
    for (std::size_t i = 0; i < directions; ++i) {
      double sum = 0.0;
      for (std::size_t a = 0; a < n; ++a) sum += observables.orbital_current[a * directions + i];
      EXPECT_NEAR(sum, state.current[i], 1e-14);
      EXPECT_NEAR(observables.current_cartesian[i], state.current[i], 1e-14);
    }
    Complex trace = 0.0;
    for (std::size_t a = 0; a < n; ++a) trace += observables.local_density_matrix[a * (n + 1)];
    EXPECT_NEAR(trace.real(), state.density_per_cell, 1e-13);
    if (one.spin.size() == 3 && n == 2) {
      EXPECT_NEAR((observables.local_density_matrix[1] + observables.local_density_matrix[2]).real(), one.spin[0],
                  1e-10);
      EXPECT_NEAR((observables.local_density_matrix[0] - observables.local_density_matrix[3]).real(), one.spin[2],
                  1e-10);
    }
    EXPECT_NEAR(observables.entropy_rate_thermal.at(0) + observables.entropy_rate_nonequilibrium.at(0), 0.0, 1e-12);
    EXPECT_GE(observables.entropy_production.at(0), -1e-14);
  }
}

/// (1/2N) sum_k Tr({dh/dk_i, O} n_k) by plain loops over the listed terms, with n_k in the basis of the orbitals.
std::vector<double> operator_current_of(const TggeLattice& lattice, const NamedMatrix& operation,
                                        const std::vector<Complex>& density_matrix) {
  const Lattice cells(lattice.cells);
  const auto n = static_cast<std::size_t>(lattice.orbitals);
  std::vector<HoppingTerm> terms = lattice.hopping_terms;
  if (lattice.add_hermitian_conjugate) add_hermitian_conjugates(terms);
  std::vector<double> result;
  for (std::size_t i = 0; i < lattice.cells.size(); ++i) {
    Complex trace = 0.0;
    for (std::size_t k = 0; k < cells.size(); ++k) {
      std::vector<Complex> slope(n * n);
      for (const HoppingTerm& term : terms) {
        double angle = 0.0, distance = static_cast<double>(term.displacement[i]);
        const LatticeVector m = cells.momentum(k);
        for (std::size_t j = 0; j < lattice.cells.size(); ++j)
          angle += 2.0 * std::numbers::pi * static_cast<double>(m[j] * term.displacement[j]) /
                   static_cast<double>(lattice.cells[j]);
        const auto a = static_cast<std::size_t>(term.to_orbital), b = static_cast<std::size_t>(term.from_orbital);
        if (!lattice.positions.empty()) distance += lattice.positions[b][i] - lattice.positions[a][i];
        slope[a * n + b] += Complex(0.0, distance) * term.amplitude * std::polar(1.0, angle);
      }
      for (std::size_t a = 0; a < n; ++a)
        for (std::size_t b = 0; b < n; ++b)
          for (std::size_t c = 0; c < n; ++c)
            trace +=
                0.5 *
                (slope[a * n + b] * operation.elements[b * n + c] + operation.elements[a * n + b] * slope[b * n + c]) *
                density_matrix[(k * n + c) * n + a];
    }
    EXPECT_NEAR(trace.imag(), 0.0, 1e-12);
    result.push_back(trace.real() / static_cast<double>(cells.size()));
  }
  return result;
}

TEST(LatticeModel, CurrentsOfOperatorsAreTracesWithTheDensityMatrix) {
  // Two orbitals with a gap, two copies of one band, which are degenerate everywhere, and one orbital; different
  // numbers of cells along the directions, orbitals at different places, a random Hermitian operator.
  Random random(166);
  const auto number = [&] { return random.complex(1.0); };
  for (const std::int64_t orbitals : {1, 2})
    for (const bool degenerate : {false, true}) {
      SCOPED_TRACE(::testing::Message() << orbitals << " orbitals" << (degenerate ? ", degenerate" : ""));
      TggeLattice lattice;
      lattice.cells = {5, 4};
      lattice.orbitals = orbitals;
      lattice.add_hermitian_conjugate = true;
      for (int a = 0; a < orbitals; ++a)
        for (int b = 0; b < orbitals; ++b) {
          if (degenerate && a != b) continue;
          for (const LatticeVector& r : {LatticeVector{1, 0}, LatticeVector{0, 1}, LatticeVector{1, -1}})
            lattice.hopping_terms.push_back({r, a, b, degenerate ? Complex(-0.7, 0.2) : number()});
          if (!degenerate && a == b) lattice.hopping_terms.push_back({{}, a, a, a == 0 ? 3.0 : -3.0});
        }
      JumpOperators jump;
      for (int c = 0; c < 2; ++c) {
        auto& channel = jump.channels.emplace_back();
        for (int a = 0; a < orbitals; ++a) {
          channel.push_back({{}, a, {}, 0, number()});
          channel.push_back({{1, 0}, a, {0, 1}, static_cast<int>(orbitals) - 1, number()});
        }
      }
      lattice.jump = jump;
      lattice.bath.nonequilibrium_fraction = 0.4;
      for (std::int64_t a = 0; a < orbitals; ++a)
        lattice.positions.push_back({random.uniform(0.0, 1.0), random.uniform(0.0, 1.0)});
      const auto n = static_cast<std::size_t>(orbitals);
      NamedMatrix hermitian{"x", n, std::vector<Complex>(n * n)}, one = hermitian;
      for (std::size_t a = 0; a < n; ++a)
        for (std::size_t b = a; b < n; ++b) {
          hermitian.elements[a * n + b] = a == b ? Complex(random.uniform(-1.0, 1.0)) : number();
          hermitian.elements[b * n + a] = std::conj(hermitian.elements[a * n + b]);
          one.elements[a * n + b] = a == b ? 1.0 : 0.0;
        }
      one.name = "one";
      lattice.operators = {hermitian, one};

      const RateEquation equation = equation_of(lattice, Algorithm::automatic);
      EXPECT_EQ(equation.matrix != nullptr, degenerate && orbitals > 1);
      const SteadyState state = steady_state(equation, 0.4);
      ASSERT_TRUE(state.converged) << state.message;
      LatticeObservables observables;
      LatticeObserver(lattice, equation)
          .add_rows(state.lagrange_multiplier, state.occupation, state.block_multiplier, observables);
      const std::vector<Complex> matrices =
          orbitals > 1 ? state.density_matrix : density_matrix(equation, state.occupation);
      std::vector<double> expected = operator_current_of(lattice, hermitian, matrices);
      expected.insert(expected.end(), state.current.begin(), state.current.end());
      EXPECT_LT(largest_difference(observables.operator_current, expected), 1e-13);
    }
}

TEST(LatticeModel, SupercellsOfDegenerateBandsCarryTheSameCurrent) {
  // Two copies of a band, then the same in cells of twice the length: folded bands touch where those of the small cell
  // do not.
  const auto lattice_with = [](std::int64_t fold) {
    TggeLattice lattice;
    lattice.cells = {12 / fold, 4};
    lattice.orbitals = fold;
    for (std::int64_t a = 0; a < fold; ++a) {
      const std::int64_t next = a + 1, cell = next / fold;
      lattice.hopping_terms.push_back({{cell, 0}, static_cast<int>(a), static_cast<int>(next % fold), -1.0});
      lattice.hopping_terms.push_back({{0, 1}, static_cast<int>(a), static_cast<int>(a), Complex(-0.7, 0.2)});
    }
    lattice.add_hermitian_conjugate = true;
    JumpOperators jump;
    for (std::int64_t a = 0; a < fold; ++a) {
      const auto orbital = static_cast<int>(a);
      const std::int64_t next = a + 1;
      jump.channels.push_back({{{0, 0}, orbital, {0, 0}, orbital, 0.9},
                               {{next / fold, 0}, static_cast<int>(next % fold), {0, 0}, orbital, Complex(0.3, 0.6)},
                               {{0, 1}, orbital, {0, 0}, orbital, Complex(0.0, 0.5)}});
    }
    lattice.jump = jump;
    lattice.bath.nonequilibrium_fraction = 0.6;
    // The uniform bath couples all modes with a rate divided by the number of cells, which is smaller.
    lattice.bath.equilibrium_fraction = 0.4 / static_cast<double>(fold);
    lattice.bath.inverse_temperature = 1.3;
    return lattice;
  };
  const SteadyState small = steady_state(equation_of(lattice_with(1), Algorithm::automatic), 0.35);
  for (const std::int64_t fold : {2, 3}) {
    const RateEquation equation = equation_of(lattice_with(fold), Algorithm::automatic);
    const SteadyState folded = steady_state(equation, 0.35);
    ASSERT_TRUE(folded.converged);
    // Currents are per cell and in units of cells: `fold` times as many sites, and distances shorter by the same
    // factor.
    EXPECT_NEAR(folded.current[0], small.current[0], 1e-11) << fold;
    EXPECT_NEAR(folded.current[1], static_cast<double>(fold) * small.current[1], 1e-11) << fold;
    EXPECT_NEAR(folded.energy_per_cell, static_cast<double>(fold) * small.energy_per_cell, 1e-11);
  }
}

TEST(LatticeModel, RowsOfARelaxationGoToTheSteadyState) {
  const auto& one = data::tgge_lattice_matrix::steady_states[0];
  const TggeLattice lattice = lattice_of(one);
  const RateEquation equation = equation_of(lattice, Algorithm::automatic);
  const SteadyState state = steady_state(equation, one.filling);
  const std::vector<double> start(equation.modes(), std::log1p(-one.filling) - std::log(one.filling)),
      times{0.0, 4000.0 / lattice.bath.coupling / 50.0};
  const RelaxResult path = relax(equation, start, times);
  ASSERT_TRUE(path.converged) << path.message;
  LatticeObservables steady, along;
  const LatticeObserver observer(lattice, equation);
  observer.add_rows(state.lagrange_multiplier, state.occupation, state.block_multiplier, steady);
  observer.add_rows(path.lagrange_multiplier, path.occupation, path.block_multiplier, along);
  ASSERT_EQ(along.heat_to_bath.size(), 2U);
  EXPECT_NEAR(along.heat_to_bath[1], steady.heat_to_bath[0], 1e-9);
  for (std::size_t e = 0; e < steady.local_density_matrix.size(); ++e)
    EXPECT_LT(
        std::abs(along.local_density_matrix[steady.local_density_matrix.size() + e] - steady.local_density_matrix[e]),
        1e-9);
}

TEST(LatticeModel, RefusesTablesOfDegenerateBandsAndOpenSetsOfThermalOperators) {
  TggeLattice lattice;
  lattice.cells = {3};
  lattice.orbitals = 2;
  for (const int a : {0, 1}) lattice.hopping_terms.push_back({{1}, a, a, -1.0});
  lattice.add_hermitian_conjugate = true;
  lattice.jump = TableJump(std::vector<double>(36, 1.0));
  EXPECT_THROW(static_cast<void>(TggeModel(lattice)), UnsupportedError);
  lattice.jump = JumpOperators{{{{{1}, 0, {0}, 1, 1.0}}}};
  lattice.thermal_coupling = LocalCoupling{{{{{0}, 0, {0}, 1, 1.0}}}};
  EXPECT_THROW(make_rate_equation(lattice), ParameterError);
}

// --- presets: values of the infinite lattices ---

std::vector<double> current_of(const TggeLattice& lattice, double filling = 0.5) {
  const SteadyState state = steady_state(equation_of(lattice, Algorithm::automatic), filling);
  EXPECT_TRUE(state.converged) << state.message;
  return state.current;
}

TggeLattice half_driven(LatticePreset preset, std::vector<std::int64_t> cells, std::vector<JumpTerm> terms) {
  TggeLattice lattice;
  lattice.preset = preset;
  lattice.cells = std::move(cells);
  lattice.bath.nonequilibrium_fraction = 0.5;
  lattice.jump = JumpOperators{{std::move(terms)}};
  return lattice;
}

TggeLattice rashba_zeeman(std::int64_t cells, double degrees) {
  TggeLattice lattice = half_driven(LatticePreset::rashba_zeeman, {cells, cells}, {{{}, 0, {}, 0, 1.0}});
  lattice.rashba = 0.8;
  lattice.zeeman_x = std::cos(degrees * std::numbers::pi / 180.0);
  lattice.zeeman_y = std::sin(degrees * std::numbers::pi / 180.0);
  lattice.zeeman_z = 0.7;
  return lattice;
}

TEST(LatticeModel, RashbaZeeman) {
  const auto current = current_of(rashba_zeeman(64, 30.0));
  EXPECT_NEAR(current[0], -0.003691713651, 2e-12);
  EXPECT_NEAR(current[1], 0.005500791176, 2e-12);
  // If the field in the plane points along the lattice, the current is perpendicular to it, and odd in the field normal
  // to the plane.
  const auto along = current_of(rashba_zeeman(48, 0.0));
  EXPECT_NEAR(along[0], 0.0, 1e-14);
  EXPECT_NEAR(along[1], 0.00557864759, 1e-11);
  TggeLattice reversed = rashba_zeeman(48, 0.0);
  reversed.zeeman_z = -0.7;
  EXPECT_NEAR(current_of(reversed)[1], -along[1], 1e-14);
}

TggeLattice haldane(double flux, double sublattice_energy) {
  TggeLattice lattice =
      half_driven(LatticePreset::honeycomb_haldane, {64, 64},
                  {{{}, 0, {}, 0, 0.5}, {{}, 0, {}, 1, 0.5}, {{}, 1, {}, 0, 0.5}, {{}, 1, {}, 1, 0.5}});
  lattice.second_neighbour_hopping = 0.2;
  lattice.flux = flux;
  lattice.sublattice_energy = sublattice_energy;
  lattice.lattice_vectors = {{1.0, 0.0}, {0.5, std::sqrt(0.75)}};
  return lattice;
}

TEST(LatticeModel, HaldaneCarriesItsCurrentAcrossTheBondOfItsBath) {
  const TggeLattice lattice = haldane(std::numbers::pi / 4.0, 0.3);
  const RateEquation equation = equation_of(lattice, Algorithm::automatic);
  const SteadyState state = steady_state(equation, 0.5);
  EXPECT_NEAR(state.current[0], 0.003982772097, 2e-12);
  EXPECT_NEAR(state.current[1], -0.003982772097, 2e-12);
  LatticeObservables observables;
  LatticeObserver(lattice, equation).add(state.lagrange_multiplier, state.occupation, observables);
  // The bond lies along a_1 + a_2, at 30 degrees.
  const double x = observables.current_cartesian[0], y = observables.current_cartesian[1];
  EXPECT_NEAR(x * std::sqrt(0.75) + 0.5 * y, 0.0, 1e-14);
  EXPECT_NEAR(-0.5 * x + std::sqrt(0.75) * y, -0.003982772097, 2e-12);
  EXPECT_NEAR(current_of(haldane(-std::numbers::pi / 4.0, 0.3))[0], -state.current[0], 1e-14);
}

TEST(LatticeModel, Cubic) {
  const Complex d(1.0, 1.0), e(1.0, 0.5);
  TggeLattice lattice =
      half_driven(LatticePreset::cubic, {24, 24, 24},
                  {{{}, 0, {}, 0, 1.0}, {{}, 0, {0, 1}, 0, -e}, {{1}, 0, {}, 0, d}, {{1}, 0, {0, 1}, 0, -d * e}});
  std::get<JumpOperators>(lattice.jump)
      .channels.push_back({{{}, 0, {}, 0, 0.5}, {{}, 0, {0, 0, 1}, 0, Complex(0.0, 0.5)}});
  lattice.bath.inverse_temperature = 1.0;
  const auto current = current_of(lattice, 0.3);
  EXPECT_NEAR(current[0], 0.0808858856, 1e-10);
  EXPECT_NEAR(current[1], -0.0795175418, 1e-10);
  EXPECT_NEAR(current[2], 0.0220593739, 1e-10);
}

// --- presets: the chains that have models of their own ---

JumpOperators operators_of(const RamanJump& jump) {
  return {{{{{}, 0, {}, 0, 1.0},
            {{}, 0, {1}, 0, -jump.delta_prime},
            {{1}, 0, {}, 0, jump.delta},
            {{1}, 0, {1}, 0, -jump.delta * jump.delta_prime}}}};
}

/// The chain as a preset of the lattice.
TggeLattice preset_of(const TggeChain& chain) {
  TggeLattice lattice;
  lattice.preset = LatticePreset::chain;
  lattice.cells = {chain.sites};
  lattice.hopping = chain.hopping;
  lattice.bath = chain.bath;
  lattice.jump = operators_of(raman(chain));
  return lattice;
}

/// The two-band chain by its hopping terms, with spin up as orbital 0. Without a preset the unit of the rates is 1.
TggeLattice terms_of(const TggeRashba& chain) {
  TggeLattice lattice;
  lattice.cells = {chain.sites};
  lattice.orbitals = 2;
  // c+_{j+1} T c_j with T = -J - alpha_z (i sigma_y) + alpha_y (i sigma_z), and h sigma_z
  lattice.hopping_terms = {{{-1}, 0, 0, Complex(-chain.hopping, chain.rashba_y)},
                           {{-1}, 1, 1, Complex(-chain.hopping, -chain.rashba_y)},
                           {{-1}, 0, 1, -chain.rashba_z},
                           {{-1}, 1, 0, chain.rashba_z},
                           {{}, 0, 0, chain.zeeman_field},
                           {{}, 1, 1, -chain.zeeman_field}};
  lattice.add_hermitian_conjugate = true;
  lattice.bath = chain.bath;
  lattice.bath.coupling *= chain.hopping;
  const auto& dephasing = std::get<DephasingJump>(chain.jump);
  lattice.jump = JumpOperators{
      {{{{}, 0, {}, 0, std::sqrt(dephasing.dephasing_up)}}, {{{}, 1, {}, 1, std::sqrt(dephasing.down())}}}};
  return lattice;
}

/// The two-band chain as one row of the preset rashba_zeeman. Its h(k) = -2J cos k + 2 sin k (alpha_y sigma_z - alpha_z
/// sigma_y) + h sigma_z; a rotation about x turns the spin-orbit field into the y direction, that of the preset, and
/// the z axis, along which the field points and the spins are dephased, into (0, y, z). The row lowers all energies by
/// 2J.
TggeLattice preset_of(const TggeRashba& chain) {
  TggeLattice lattice;
  lattice.preset = LatticePreset::rashba_zeeman;
  lattice.cells = {chain.sites, 1};
  lattice.hopping = chain.hopping;
  lattice.rashba = std::hypot(chain.rashba_y, chain.rashba_z);
  const double y = chain.rashba_y / lattice.rashba, z = -chain.rashba_z / lattice.rashba;
  lattice.zeeman_y = chain.zeeman_field * y;
  lattice.zeeman_z = chain.zeeman_field * z;
  lattice.bath = chain.bath;
  const auto& dephasing = std::get<DephasingJump>(chain.jump);
  const Complex up[2][2] = {{0.5 * (1.0 + z), Complex(0.0, -0.5 * y)}, {Complex(0.0, 0.5 * y), 0.5 * (1.0 - z)}};
  JumpOperators jump{{{}, {}}};
  NamedMatrix spin_up{"up", 2, {}};
  for (const int a : {0, 1})
    for (const int b : {0, 1}) {
      jump.channels[0].push_back({{}, a, {}, b, std::sqrt(dephasing.dephasing_up) * up[a][b]});
      jump.channels[1].push_back({{}, a, {}, b, std::sqrt(dephasing.down()) * ((a == b ? 1.0 : 0.0) - up[a][b])});
      spin_up.elements.push_back(up[a][b]);
    }
  lattice.jump = jump;
  lattice.operators = {spin_up};
  return lattice;
}

/// Energies and hop weights of both forms have rounding errors of 1e-15 or less, and so do the terms of rates and of
/// multipliers; sums of up to 100 terms and the response of a steady state to them leave less than 1e-13.
constexpr double same_model = 1e-13;

/// Compares rates far from a steady state, and the steady state, of a chain and of a lattice whose mode s is mode
/// `of_chain[s]` of the chain.
template <class Chain>
SteadyState expect_same(const Chain& chain, const TggeLattice& lattice, const std::vector<std::size_t>& of_chain,
                        double filling, Random& random, LatticeObservables& observables) {
  const auto problem = reference::problem_of(lindrift::testing::lattice_of(chain));
  const std::size_t modes = of_chain.size();
  const std::vector<double> lambda = random.vector(modes, -4.0, 4.0);
  const reference::Sum exact = reference::occupation_rate(problem, extended(lambda));
  std::vector<double> reordered(modes), rate(modes), of_lattice(modes), expected(modes);
  for (std::size_t s = 0; s < modes; ++s) reordered[s] = lambda[of_chain[s]];

  const RateEquation own = make_rate_equation(chain, {.backend = Backend::cpu});
  occupation_rate(own, lambda, rate);
  const SteadyState solved = steady_state(own, filling, {.tolerance = 1e-12, .start = {}});
  EXPECT_TRUE(solved.converged) << solved.message;
  for (const Algorithm algorithm : {Algorithm::direct, Algorithm::automatic}) {
    SCOPED_TRACE(name(algorithm));
    const RateEquation equation = equation_of(lattice, algorithm);
    EXPECT_NEAR(equation.rate_scale, own.rate_scale, same_model * own.rate_scale);
    occupation_rate(equation, reordered, of_lattice);
    double largest = 0.0;
    for (std::size_t s = 0; s < modes; ++s)
      largest = std::max(
          largest, std::fabs(of_lattice[s] - rate[of_chain[s]]) / static_cast<double>(exact.magnitude[of_chain[s]]));
    EXPECT_LT(largest, same_model);
    const SteadyState result = steady_state(equation, filling, {.tolerance = 1e-12, .start = {}});
    EXPECT_TRUE(result.converged) << result.message;
    for (std::size_t s = 0; s < modes; ++s) expected[s] = solved.occupation[of_chain[s]];
    EXPECT_LT(largest_difference(result.occupation, expected), same_model);
    EXPECT_NEAR(result.current[0], solved.current[0], same_model);
    observables = {};
    LatticeObserver(lattice, equation)
        .add_rows(result.lagrange_multiplier, result.occupation, result.block_multiplier, observables);
    double energy_flow = 0.0;
    for (std::size_t s = 0; s < modes; ++s)
      energy_flow += own.bands.energy[s] * own.bands.velocity[0][s] * solved.occupation[s];
    energy_flow /= static_cast<double>(chain.sites);
    const double shift = equation.bands.energy[0] - own.bands.energy[of_chain[0]];
    EXPECT_NEAR(observables.energy_current[0], energy_flow + shift * solved.current[0], 10.0 * same_model);
  }
  return solved;
}

TEST(LatticeModel, ChainPresetIsTheChain) {
  Random random(47);
  for (const Spectrum spectrum : {Spectrum::exponential, Spectrum::lorentzian, Spectrum::ohmic})
    for (const std::int64_t sites : {1, 2, 3, 7, 21, 40}) {
      SCOPED_TRACE(::testing::Message() << name(spectrum) << ", L = " << sites);
      TggeChain chain = random_chain(random, sites);
      chain.bath.inverse_temperature += 0.1;
      chain.bath.spectrum = spectrum;
      chain.bath.spectrum_width = random.uniform(0.5, 2.0);
      std::vector<std::size_t> order;
      for (std::int64_t s = 0; s < sites; ++s) order.push_back(static_cast<std::size_t>(s));
      LatticeObservables observables;
      expect_same(chain, preset_of(chain), order, random.uniform(0.2, 0.8), random, observables);
    }
}

TEST(LatticeModel, RashbaPresetAndTermsAreTheTwoBandChain) {
  Random random(48);
  for (const Spectrum spectrum : {Spectrum::exponential, Spectrum::lorentzian, Spectrum::ohmic})
    for (const std::int64_t sites : {1, 2, 3, 7, 21, 40}) {
      SCOPED_TRACE(::testing::Message() << name(spectrum) << ", L = " << sites);
      TggeRashba chain = random_rashba(random, sites);
      chain.bath.inverse_temperature += 0.1;
      chain.bath.spectrum = spectrum;
      chain.bath.spectrum_width = random.uniform(0.5, 2.0);
      // The chain lists its upper band first.
      std::vector<std::size_t> order;
      for (std::int64_t s = 0; s < 2 * sites; ++s) order.push_back(static_cast<std::size_t>((s + sites) % (2 * sites)));
      const double filling = random.uniform(0.2, 0.8);
      LatticeObservables of_terms, of_preset;
      const SteadyState solved = expect_same(chain, terms_of(chain), order, filling, random, of_terms);
      EXPECT_LT(largest_difference(of_terms.orbital_current, solved.orbital_current), same_model);
      expect_same(chain, preset_of(chain), order, filling, random, of_preset);
      EXPECT_NEAR(of_preset.operator_current[0], solved.orbital_current[0], same_model);
      // No spin along x, so nothing flows across the row.
      EXPECT_NEAR(of_preset.current_cartesian[1], 0.0, same_model);
    }
}

// --- symmetries ---

/// A generic lattice.
TggeLattice random_lattice(Random& random, std::vector<std::int64_t> cells, int orbitals, int channels = 2) {
  TggeLattice lattice;
  lattice.cells = std::move(cells);
  lattice.orbitals = orbitals;
  const auto displacement = [&] {
    LatticeVector r{};
    for (std::size_t i = 0; i < lattice.cells.size(); ++i) r[i] = random.integer(-1, 1);
    return r;
  };
  const auto orbital = [&] { return static_cast<int>(random.integer(0, orbitals - 1)); };
  for (int i = 0; i < 4 * orbitals; ++i)
    lattice.hopping_terms.push_back({displacement(), orbital(), orbital(), random.complex(1.0)});
  for (int a = 0; a < orbitals; ++a) lattice.hopping_terms.push_back({{}, a, a, random.uniform(-1.0, 1.0)});
  // An on-site term of one orbital is its own partner and must be real.
  for (HoppingTerm& term : lattice.hopping_terms)
    if (term.displacement == LatticeVector{} && term.to_orbital == term.from_orbital)
      term.amplitude = term.amplitude.real();
  lattice.add_hermitian_conjugate = true;
  JumpOperators jump;
  for (int c = 0; c < channels; ++c) {
    auto& channel = jump.channels.emplace_back();
    for (int i = 0; i < 4; ++i)
      channel.push_back({displacement(), orbital(), displacement(), orbital(), random.complex(1.0)});
  }
  lattice.jump = jump;
  lattice.bath.inverse_temperature = random.uniform(0.2, 2.0);
  lattice.bath.nonequilibrium_fraction = random.uniform(0.2, 0.8);
  return lattice;
}

TEST(LatticeModel, RealOperatorsOfOneBandDriveNoCurrent) {
  Random random(41);
  for (int run = 0; run < 5; ++run) {
    TggeLattice lattice = random_lattice(random, {5, 4}, 1);
    for (HoppingTerm& term : lattice.hopping_terms) term.amplitude = term.amplitude.real();
    const double complex_current = largest_magnitude(current_of(lattice, 0.4));
    for (auto& channel : std::get<JumpOperators>(lattice.jump).channels)
      for (JumpTerm& term : channel) term.amplitude = term.amplitude.real();
    EXPECT_LT(largest_magnitude(current_of(lattice, 0.4)), 1e-14);
    EXPECT_GT(complex_current, 1e-6);
  }
}

TEST(LatticeModel, HermitianSetsHeatToInfiniteTemperature) {
  Random random(42);
  TggeLattice lattice = random_lattice(random, {4, 3}, 2, 1);
  auto& channels = std::get<JumpOperators>(lattice.jump).channels;
  auto adjoint = channels.front();
  for (JumpTerm& term : adjoint) {
    std::swap(term.to, term.from);
    std::swap(term.to_orbital, term.from_orbital);
    term.amplitude = std::conj(term.amplitude);
  }
  channels.push_back(adjoint);
  lattice.bath.nonequilibrium_fraction = 1.0;
  const SteadyState state = steady_state(equation_of(lattice, Algorithm::automatic), 0.37);
  for (const double n : state.occupation) EXPECT_NEAR(n, 0.37, 1e-13);
}

TEST(LatticeModel, SupercellsCarryTheSameCurrentPerLength) {
  Random random(43);
  const TggeLattice small = random_lattice(random, {6}, 1);
  TggeLattice doubled = small;
  doubled.cells = {3};
  doubled.orbitals = 2;
  // Site x of the chain is orbital x mod 2 of cell floor(x/2).
  const auto cell = [](std::int64_t x) { return (x - ((x % 2) + 2) % 2) / 2; };
  const auto orbital = [](std::int64_t x) { return static_cast<int>(((x % 2) + 2) % 2); };
  doubled.hopping_terms.clear();
  JumpOperators jump;
  for (const int start : {0, 1}) {
    for (const HoppingTerm& term : small.hopping_terms) {
      const std::int64_t to = start + term.displacement[0];
      doubled.hopping_terms.push_back({{cell(to)}, start, orbital(to), term.amplitude});
    }
    for (const auto& channel : std::get<JumpOperators>(small.jump).channels) {
      auto& terms = jump.channels.emplace_back();
      for (const JumpTerm& term : channel) {
        const std::int64_t to = start + term.to[0], from = start + term.from[0];
        terms.push_back({{cell(to)}, orbital(to), {cell(from)}, orbital(from), term.amplitude});
      }
    }
  }
  doubled.jump = jump;
  doubled.positions = {{0.0}, {0.5}};
  // The uniform bath moves a particle to any mode with a rate divided by the number of cells, which is halved.
  doubled.bath.equilibrium_fraction = 0.5 * small.bath.effective_equilibrium_fraction();
  const auto expected = current_of(small, 0.45), folded = current_of(doubled, 0.45);
  // A cell has twice as many particles, and velocities in units of cells are half as large.
  EXPECT_NEAR(folded[0], expected[0], 1e-13);
}

TEST(LatticeModel, GibbsWithoutTheNonequilibriumBath) {
  Random random(44);
  TggeLattice lattice = random_lattice(random, {3, 3}, 3);
  lattice.bath.nonequilibrium_fraction = 0.0;
  const RateEquation equation = equation_of(lattice, Algorithm::automatic);
  const SteadyState state = steady_state(equation, 0.3);
  const double shift = state.lagrange_multiplier[0] - lattice.bath.inverse_temperature * equation.bands.energy[0];
  for (std::size_t s = 0; s < equation.modes(); ++s)
    EXPECT_NEAR(state.lagrange_multiplier[s], lattice.bath.inverse_temperature * equation.bands.energy[s] + shift,
                1e-12);
  LatticeObservables observables;
  LatticeObserver(lattice, equation).add(state.lagrange_multiplier, state.occupation, observables);
  EXPECT_NEAR(observables.heat_to_bath[0], 0.0, 1e-13);
  EXPECT_NEAR(observables.entropy_production[0], 0.0, 1e-13);
}

TEST(LatticeModel, ThermalEntropyProductionIsNeverNegative) {
  Random random(45);
  const TggeLattice lattice = random_lattice(random, {4, 5}, 2);
  const RateEquation equation = equation_of(lattice, Algorithm::automatic);
  for (int run = 0; run < 10; ++run) {
    const auto occupation = random.vector(equation.modes(), 0.01, 0.99);
    LatticeObservables observables;
    LatticeObserver(lattice, equation).add(multipliers(occupation), occupation, observables);
    EXPECT_GT(observables.entropy_production[0], 0.0);
  }
}

TEST(LatticeModel, EntropyRatesAreInUnitsOfTheCouplingTimesTheHopping) {
  // Without a field and spin-orbit coupling both spins have the same bands, and the occupations are matrices.
  for (const LatticePreset preset : {LatticePreset::square, LatticePreset::rashba_zeeman}) {
    Random random(47);
    TggeLattice lattice;
    lattice.preset = preset;
    lattice.cells = {3, 4};
    lattice.hopping = 2.3;
    lattice.jump = JumpOperators{{{{{}, 0, {}, 0, 1.0}, {{1, 0}, 0, {0, 1}, 0, random.complex(1.0)}}}};
    std::vector<double> multiplier;
    Numbers unit_coupling;
    for (const double coupling : {1.0, 0.04, 1e-250, 0.0}) {  // the last two are too small for rates
      SCOPED_TRACE(coupling);
      lattice.bath.coupling = coupling;
      const RateEquation equation = equation_of(lattice, Algorithm::automatic);
      const MatrixRateEquation* const matrix = equation.matrix.get();
      ASSERT_EQ(matrix != nullptr, preset == LatticePreset::rashba_zeeman);
      const std::size_t size = matrix != nullptr ? matrix->size() : equation.modes();
      if (multiplier.empty()) multiplier = random.vector(size, -1.0, 1.0);
      LatticeObservables observables;
      std::vector<double> rate(size);
      if (matrix != nullptr) {
        LatticeObserver(lattice, equation).add_blocks(multiplier, observables);
        BlockMatrices particles, holes;
        matrix->occupations(multiplier, particles, holes);
        matrix->occupation_rate(particles, rate);
      } else {
        std::vector<double> occupation(size);
        for (std::size_t s = 0; s < size; ++s) occupation[s] = 1.0 / (1.0 + std::exp(multiplier[s]));
        LatticeObserver(lattice, equation).add(multiplier, occupation, observables);
        occupation_rate(equation, multiplier, rate);
      }
      const double thermal = observables.entropy_rate_thermal[0], driven = observables.entropy_rate_nonequilibrium[0];
      // The entropy changes by sum_s lambda_s dn_s/dt, for matrices Tr[lambda dn/dt].
      double change = 0.0;
      for (std::size_t e = 0; e < size; ++e) change += multiplier[e] * rate[e] / 12.0;
      EXPECT_NEAR(2.3 * coupling * (thermal + driven), change, 1e-13 * coupling);
      const Numbers found{observables.heat_to_bath[0], thermal, driven, observables.entropy_production[0]};
      if (unit_coupling.empty()) unit_coupling = found;
      for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], unit_coupling[i], 1e-14 * std::fabs(driven));
    }
  }
}

TEST(LatticeModel, PositionsMoveSharesOfOrbitalsAndNotTheCurrent) {
  Random random(46);
  TggeLattice lattice = random_lattice(random, {5, 3}, 3);
  const RateEquation plain = equation_of(lattice, Algorithm::automatic);
  lattice.positions = {{0.1, 0.2}, {0.6, -0.3}, {0.3, 0.9}};  // for two orbitals the shares would not change
  const RateEquation moved = equation_of(lattice, Algorithm::automatic);
  const auto n = random.vector(plain.modes(), 0.0, 1.0);
  EXPECT_LT(largest_difference(current(plain, n), current(moved, n)), 1e-14);
  EXPECT_GT(largest_difference(orbital_current(plain, n), orbital_current(moved, n)), 1e-3);
}

// --- messages ---

std::string message_of(const TggeLattice& lattice) {
  try {
    const TggeModel model = lattice;
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(LatticeModel, SaysWhichTermIsNotHermitian) {
  TggeLattice lattice;
  lattice.cells = {4};
  lattice.jump = JumpOperators{{{{{}, 0, {}, 0, 1.0}}}};
  lattice.hopping_terms = {{{1}, 0, 0, 1.0}, {{-1}, 0, 0, 1.0}, {{2}, 0, 0, Complex(0.0, 0.1)}};
  EXPECT_NE(message_of(lattice).find("model.hopping_terms[2]: the Hamiltonian is not Hermitian"), std::string::npos)
      << message_of(lattice);
  lattice.hopping_terms[2].from_orbital = 1;
  EXPECT_NE(message_of(lattice).find("model.hopping_terms[2]: orbital 1 is not allowed"), std::string::npos);
}

// --- Wannier90 ---

/// One orbital on a chain, hopping -1 between neighbours.
std::string hr_text(const std::string& last = "1 0 0 1 1 -1.0 0.0\n") {
  return "made for a test\n 1\n 3\n 2 1 2\n -1 0 0 1 1 -2.0 0.0\n 0 0 0 1 1 0.5 0.0\n" + last;
}

WannierHamiltonian hr(const std::string& text) {
  std::istringstream stream(text);
  return read_wannier90(stream, "x_hr.dat");
}

TEST(Wannier90, DividesByWeightsAndSymmetrises) {
  const WannierHamiltonian read = hr(hr_text("1 0 0 1 1 -2.00001 0.0\n"));
  EXPECT_EQ(read.directions, 1);
  EXPECT_NEAR(read.largest_change, 0.25e-5, 1e-9);  // 1e-5/4 of the largest element, which is 1
  ASSERT_EQ(read.model.hopping_terms.size(), 3U);
  EXPECT_NEAR(read.model.hopping_terms[0].amplitude.real(), -1.0000025, 1e-12);
  EXPECT_EQ(read.model.hopping_terms[1].amplitude, 0.5);
  EXPECT_EQ(read.model.hopping_terms[0].amplitude, std::conj(read.model.hopping_terms[2].amplitude));
}

TEST(Wannier90, ErrorsNameTheLine) {
  const auto error = [](const std::string& text) -> std::string {
    try {
      hr(text);
    } catch (const ParameterError& failure) {
      return failure.what();
    }
    return "";
  };
  EXPECT_NE(error(hr_text("")).find("x_hr.dat:7: the file ends where element 3 of 3"), std::string::npos);
  EXPECT_NE(error(hr_text("1 0 0 1 1 -2.0\n")).find("x_hr.dat:7: a line must be"), std::string::npos);
  EXPECT_NE(error(hr_text("1 0 0 1 2 -2.0 0.0\n")).find("x_hr.dat:7: orbital 2 must be in 1 .. 1"), std::string::npos);
  EXPECT_NE(error(hr_text("1 0 0 1 1 -2.0 0.0\n2 0 0 1 1 0 0\n")).find("x_hr.dat:8: the file goes on"),
            std::string::npos);
  EXPECT_NE(error(hr_text("1 0 0 1 1 -2.004 0.0\n")).find("not Hermitian"), std::string::npos);
  EXPECT_NE(error("c\n0\n").find("x_hr.dat:2: the number of orbitals"), std::string::npos);
  EXPECT_NE(error("c\n1\n2\n1 x\n").find("x_hr.dat:4: 'x' is no weight"), std::string::npos);
}

TEST(Wannier90, HaldaneFromItsFile) {
  TggeLattice file = haldane(std::numbers::pi / 4.0, 0.3);
  file.preset = LatticePreset::none;
  file.hamiltonian = LINDRIFT_TEST_DATA "/haldane_hr.dat";
  const auto current = current_of(file);
  EXPECT_NEAR(current[0], 0.003982772097, 2e-12);
  EXPECT_NEAR(current[1], -0.003982772097, 2e-12);
}

}  // namespace
}  // namespace lindrift::testing
