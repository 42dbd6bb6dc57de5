#include "lindrift/tgge/matrix_rate_equation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "data/tgge_lattice_matrix.hpp"
#include "lindrift/lindrift.hpp"
#include "reference/fock_lattice.hpp"
#include "support/hopping_lattice.hpp"

namespace lindrift {
namespace {

using testing::Complex;
using testing::Random;

std::vector<Complex> complex_of(const std::vector<std::vector<double>>& matrices) {
  std::vector<Complex> result;
  for (const auto& matrix : matrices)
    for (std::size_t e = 0; e < matrix.size(); e += 2) result.emplace_back(matrix[e], matrix[e + 1]);
  return result;
}

/// Largest difference between elements.
template <class Item>
double distance(const std::vector<Item>& a, const std::vector<Item>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0.0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

/// Returns the matrix at momentum k from an array of (cells, n, n) matrices.
auto matrices_at(const std::vector<Complex>& all, std::size_t square) {
  return [&all, square](std::size_t k, Complex* matrix) {
    std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(k * square), square, matrix);
  };
}

TEST(MatrixRateEquationTest, RatesAreTheTracesInFockSpace) {
  for (const auto& one : data::tgge_lattice_matrix::forces)
    for (const Algorithm algorithm : {Algorithm::direct, Algorithm::separable}) {
      // With every band in one block nothing is projected out.
      const TggeModel model = testing::model_of(one, nullptr, 1e9);
      MatrixRateEquation equation(model, degenerate_blocks(model.bands), {.algorithm = algorithm});
      const auto n = complex_of(one.density_matrix);
      const BlockMatrices particles = equation.pack(matrices_at(n, n.size() / model.bands.lattice.size()));
      EXPECT_LT(distance(equation.in_orbitals(particles), n), 1e-15);
      std::vector<double> rate(equation.size());
      equation.occupation_rate(particles, rate);
      for (double& x : rate) x /= equation.rate_scale();
      EXPECT_LT(distance(equation.in_orbitals(rate), complex_of(one.rate)), 1e-13);
    }
}

// --- traces in Fock space ---

using testing::Hop;
using testing::HoppingLattice;

/// A Gaussian state with random unitaries and occupations, and its matrices n_k.
struct RandomState {
  std::vector<Complex> unitary, matrices;
  std::vector<double> occupation;
};
RandomState random_state(Random& random, std::size_t cells, std::size_t n) {
  RandomState state;
  state.matrices.resize(cells * n * n);
  state.occupation = random.vector(cells * n, 0.05, 0.95);
  for (std::size_t k = 0; k < cells; ++k) {
    const testing::Matrix u = testing::random_unitary(random, n);
    state.unitary.insert(state.unitary.end(), u.begin(), u.end());
    for (std::size_t a = 0; a < n; ++a)
      for (std::size_t b = 0; b < n; ++b)
        for (std::size_t m = 0; m < n; ++m)
          state.matrices[(k * n + a) * n + b] += state.occupation[k * n + m] * u[a * n + m] * std::conj(u[b * n + m]);
  }
  return state;
}

JumpOperators random_operators(Random& random, std::size_t dimensions, int orbitals, int channels) {
  JumpOperators jump;
  for (int c = 0; c < channels; ++c) {
    auto& terms = jump.channels.emplace_back();
    for (int t = 0; t < 5; ++t) {
      JumpTerm term;
      for (std::size_t i = 0; i < dimensions; ++i) {
        term.to[i] = random.integer(-1, 1);
        term.from[i] = random.integer(-1, 1);
      }
      term.to_orbital = static_cast<int>(random.integer(0, orbitals - 1));
      term.from_orbital = static_cast<int>(random.integer(0, orbitals - 1));
      term.amplitude = random.complex(1.0);
      terms.push_back(term);
    }
  }
  return jump;
}

/// Every operator followed by its adjoint.
JumpOperators closed(JumpOperators jump) {
  const std::size_t count = jump.channels.size();
  for (std::size_t c = 0; c < count; ++c) {
    std::vector<JumpTerm> adjoint;
    for (const JumpTerm& term : jump.channels[c])
      adjoint.push_back({term.from, term.from_orbital, term.to, term.to_orbital, std::conj(term.amplitude)});
    jump.channels.push_back(adjoint);
  }
  return jump;
}

std::vector<std::vector<reference::FockTerm>> fock_terms(const JumpOperators& jump) {
  std::vector<std::vector<reference::FockTerm>> channels;
  const auto three = [](const LatticeVector& r) {
    return std::array<int, 3>{static_cast<int>(r[0]), static_cast<int>(r[1]), static_cast<int>(r[2])};
  };
  for (const auto& channel : jump.channels) {
    auto& terms = channels.emplace_back();
    for (const JumpTerm& term : channel)
      terms.push_back({three(term.to), term.to_orbital, three(term.from), term.from_orbital, term.amplitude});
  }
  return channels;
}

/// Orbitals that all have the band 2 Re(t_i e^{ik_i}) summed over the directions: degenerate at every momentum, with
/// different energies at different momenta.
HoppingLattice equal_orbitals(const std::vector<std::int64_t>& cells, int orbitals) {
  HoppingLattice lattice{cells, orbitals, {}};
  for (std::size_t i = 0; i < cells.size(); ++i)
    for (int a = 0; a < orbitals; ++a)
      for (const int sign : {1, -1}) {
        Hop hop{{}, a, a, {-1.0 + 0.17 * static_cast<double>(i), sign * (0.3 + 0.21 * static_cast<double>(i))}};
        hop.displacement[i] = sign;
        lattice.hops.push_back(hop);
      }
  return lattice;
}

struct SmallLattice {
  std::vector<std::int64_t> cells;
  int orbitals;
};

class FockSpaceTest : public ::testing::TestWithParam<SmallLattice> {
 protected:
  std::vector<std::int64_t> cells = GetParam().cells;
  int orbitals = GetParam().orbitals;
  std::size_t n = static_cast<std::size_t>(orbitals);
  Random random{11 + cells.size()};
  HoppingLattice hopping = equal_orbitals(cells, orbitals);
  TggeModel model{.bands = testing::bands_of(hopping, &random)};
  RandomState state = random_state(random, model.bands.lattice.size(), n);
  reference::FockLattice fock{std::vector<int>(cells.begin(), cells.end()), orbitals};
  std::vector<double> energy{model.bands.energy.begin(),
                             model.bands.energy.begin() + static_cast<std::ptrdiff_t>(model.bands.lattice.size())};

  void SetUp() override {
    model.bath.coupling = 1.0;
    model.bath.inverse_temperature = 1.3;
    model.bath.spectrum_width = 0.8;
    model.jump = random_operators(random, cells.size(), orbitals, 2);
    fock.set_state(state.unitary, state.occupation);
  }
  double spectrum(double x) const {
    const double beta = model.bath.inverse_temperature, width = model.bath.spectrum_width;
    if (model.bath.spectrum == Spectrum::exponential) return std::exp(0.5 * beta * x);
    if (model.bath.spectrum == Spectrum::lorentzian) return std::exp(0.5 * beta * x) / (1.0 + x * x / (width * width));
    if (std::fabs(x) < 1e-9) return 1.0 / beta;
    return std::fabs(x) * std::exp(-std::fabs(x) / width) / std::fabs(1.0 - std::exp(-beta * x));
  }
  /// All spectra, or only one if the Fock space has 512 states.
  std::vector<Spectrum> spectra() const {
    if (state.occupation.size() > 8) return {Spectrum::lorentzian};
    return {Spectrum::exponential, Spectrum::lorentzian, Spectrum::ohmic};
  }
  /// The tolerance is the rounding of sums of some hundred terms and of the phases in the reference.
  void expect_rate(const std::vector<Complex>& expected) const {
    for (const Algorithm algorithm : {Algorithm::direct, Algorithm::separable}) {
      MatrixRateEquation equation(model, degenerate_blocks(model.bands), {.algorithm = algorithm});
      ASSERT_EQ(equation.blocks().count(), orbitals > 1 ? model.bands.lattice.size() : 0);
      std::vector<double> rate(equation.size());
      equation.occupation_rate(equation.pack(matrices_at(state.matrices, n * n)), rate);
      EXPECT_LT(distance(equation.in_orbitals(rate), expected), 1e-12);
    }
  }
};

TEST_P(FockSpaceTest, DrivenRates) {
  model.bath.nonequilibrium_fraction = 1.0;
  model.bath.equilibrium_fraction = 0.0;
  expect_rate(fock.driven_rate(fock_terms(std::get<JumpOperators>(model.jump))));
}
TEST_P(FockSpaceTest, UniformThermalRates) {
  model.bath.equilibrium_fraction = 1.0;
  for (const Spectrum kind : spectra()) {
    model.bath.spectrum = kind;
    expect_rate(fock.uniform_rate(energy, [&](double x) { return spectrum(x); }));
  }
}
TEST_P(FockSpaceTest, LocalThermalRates) {
  model.bath.equilibrium_fraction = 1.0;
  model.thermal_operators = closed(random_operators(random, cells.size(), orbitals, 1));
  for (const Spectrum kind : spectra()) {
    model.bath.spectrum = kind;
    expect_rate(fock.local_rate(fock_terms(model.thermal_operators), energy, [&](double x) { return spectrum(x); }));
  }
}
INSTANTIATE_TEST_SUITE_P(Lattices, FockSpaceTest,
                         ::testing::Values(SmallLattice{{3}, 2}, SmallLattice{{2, 2}, 2}, SmallLattice{{2, 2}, 1},
                                           SmallLattice{{2, 3}, 1}, SmallLattice{{3}, 3}),
                         [](const auto& lattice) {
                           std::string name;
                           for (const std::int64_t along : lattice.param.cells)
                             name += (name.empty() ? "" : "x") + std::to_string(along);
                           return name + "_orbitals_" + std::to_string(lattice.param.orbitals);
                         });

// --- steady states ---

class StoredMatrixTest : public ::testing::TestWithParam<data::tgge_lattice_matrix::SteadyState> {};

TEST_P(StoredMatrixTest, SteadyStatesAreThoseOfAnIndependentProgram) {
  const auto& one = GetParam();
  for (const Algorithm algorithm : {Algorithm::separable, Algorithm::direct}) {
    const RateEquation equation = make_rate_equation(testing::model_of(one), {.algorithm = algorithm});
    ASSERT_NE(equation.matrix, nullptr);
    const SteadyState state = steady_state(equation, one.filling);
    EXPECT_TRUE(state.converged) << state.message;
    EXPECT_LE(state.steps, 8);
    EXPECT_LT(distance(state.current, one.current), 1e-10);
    if (!one.density_matrix.empty()) {
      EXPECT_LT(distance(state.density_matrix, complex_of(one.density_matrix)), 1e-10);
    }
    const std::size_t cells = equation.bands.lattice.size();
    std::vector<double> spin(3);
    for (std::size_t k = 0; k < cells; ++k) {
      const Complex* n = state.density_matrix.data() + 4 * k;
      spin[0] += (n[1] + n[2]).real() / static_cast<double>(cells);
      spin[1] += (Complex(0.0, 1.0) * (n[1] - n[2])).real() / static_cast<double>(cells);
      spin[2] += (n[0] - n[3]).real() / static_cast<double>(cells);
    }
    EXPECT_LT(distance(spin, one.spin), 1e-10);
  }
}

TEST_P(StoredMatrixTest, NoBasisOfDegenerateBandsMatters) {
  const SteadyState state = steady_state(make_rate_equation(testing::model_of(GetParam())), GetParam().filling);
  Random random(5);
  for (int draw = 0; draw < 5; ++draw) {
    const RateEquation equation = make_rate_equation(testing::model_of(GetParam(), &random));
    const SteadyState turned = steady_state(equation, GetParam().filling);
    EXPECT_LT(distance(turned.current, state.current), 1e-13);
    EXPECT_LT(distance(turned.orbital_current, state.orbital_current), 1e-13);
    EXPECT_LT(distance(turned.occupation, state.occupation), 1e-13);
    EXPECT_LT(distance(turned.density_matrix, state.density_matrix), 1e-13);
  }
}
INSTANTIATE_TEST_SUITE_P(All, StoredMatrixTest, ::testing::ValuesIn(data::tgge_lattice_matrix::steady_states));

TEST(MatrixRateEquationTest, TheHoneycombWithInversionAndReflectionHasNoCurrent) {
  const auto& cases = data::tgge_lattice_matrix::steady_states;
  const auto one = std::find_if(cases.begin(), cases.end(),
                                [](const auto& c) { return std::string(c.id) == "P-haldane-dirac-6x6"; });
  ASSERT_NE(one, cases.end());
  const RateEquation equation = make_rate_equation(testing::model_of(*one));
  EXPECT_EQ(equation.matrix->blocks().count(), 2U);  // the Dirac points
  for (const double current : steady_state(equation, 0.5).current) EXPECT_LT(std::fabs(current), 1e-15);
}

TEST(MatrixRateEquationTest, RashbaBandsThatTouch) {
  TggeRashba chain;
  chain.sites = 20;
  chain.rashba_y = 1.1;
  chain.rashba_z = 0.9;
  chain.bath.nonequilibrium_fraction = 0.5;
  chain.jump = JumpOperators{{{{{0}, 0, {0}, 0, 0.8}, {{0}, 1, {0}, 0, {0.0, 0.5}}, {{1}, 0, {0}, 1, 0.3}}}};
  const RateEquation equation = make_rate_equation(chain);
  ASSERT_NE(equation.matrix, nullptr);
  const SteadyState state = steady_state(equation, 0.5);
  EXPECT_TRUE(state.converged);
  EXPECT_NEAR(state.current[0], 0.0017933529415559203, 1e-13);
  EXPECT_NEAR(state.orbital_current[0] + state.orbital_current[1], state.current[0], 1e-15);
  // The limit of a vanishing field selects one basis; a chain without a field behaves differently.
  chain.zeeman_field = 1e-6;
  EXPECT_EQ(make_rate_equation(chain).matrix, nullptr);
}

TEST(MatrixRateEquationTest, DephasingOfTouchingBandsIsTheScalarEquation) {
  TggeRashba chain;
  chain.sites = 20;
  chain.rashba_y = 1.1;
  chain.rashba_z = 0.9;
  chain.bath.nonequilibrium_fraction = 0.5;
  const SteadyState scalar = steady_state(make_rate_equation(chain), 0.4);
  chain.jump = JumpOperators{{{{{0}, 0, {0}, 0, 1.0}}}};
  const SteadyState matrix = steady_state(make_rate_equation(chain), 0.4);
  EXPECT_NEAR(matrix.current[0], scalar.current[0], 1e-13);
  EXPECT_LT(distance(matrix.orbital_current, scalar.orbital_current), 1e-13);
}

/// A random lattice of n orbitals with hops of range 1.
HoppingLattice random_lattice(Random& random, const std::vector<std::int64_t>& cells, int orbitals) {
  HoppingLattice lattice{cells, orbitals, {}};
  for (int t = 0; t < 8; ++t) {
    Hop hop{{},
            static_cast<int>(random.integer(0, orbitals - 1)),
            static_cast<int>(random.integer(0, orbitals - 1)),
            random.complex(1.0)};
    for (std::size_t i = 0; i < cells.size(); ++i) hop.displacement[i] = random.integer(-1, 1);
    lattice.hops.push_back(hop);
    const LatticeVector r = hop.displacement;
    lattice.hops.push_back({{-r[0], -r[1], -r[2]}, hop.from, hop.to, std::conj(hop.amplitude)});
  }
  return lattice;
}

/// Every orbital twice.
HoppingLattice doubled(const HoppingLattice& lattice) {
  HoppingLattice result{lattice.cells, 2 * lattice.orbitals, {}};
  for (const Hop& hop : lattice.hops)
    for (const int spin : {0, 1})
      result.hops.push_back({hop.displacement, 2 * hop.to + spin, 2 * hop.from + spin, hop.amplitude});
  return result;
}

TEST(MatrixRateEquationTest, IsTheScalarEquationWhereNoBandsAreDegenerate) {
  Random random(21);
  for (const Spectrum spectrum : {Spectrum::exponential, Spectrum::lorentzian, Spectrum::ohmic}) {
    TggeModel model{.bands = testing::bands_of(random_lattice(random, {4, 3}, 2))};
    model.jump = random_operators(random, 2, 2, 2);
    model.bath.nonequilibrium_fraction = 0.4;
    model.bath.spectrum = spectrum;
    RateEquation equation = make_rate_equation(model);
    ASSERT_EQ(equation.matrix, nullptr);
    const SteadyState scalar = steady_state(equation, 0.35);
    equation.matrix = std::make_shared<MatrixRateEquation>(model, degenerate_blocks(model.bands));
    const SteadyState matrix = steady_state(equation, 0.35);
    EXPECT_TRUE(matrix.converged);
    EXPECT_LT(distance(matrix.occupation, scalar.occupation), 1e-13);
    EXPECT_LT(distance(matrix.current, scalar.current), 1e-13);
    EXPECT_LT(distance(matrix.orbital_current, scalar.orbital_current), 1e-13);
    EXPECT_LT(distance(matrix.density_matrix, scalar.density_matrix), 1e-13);
  }
}

TEST(MatrixRateEquationTest, FoldedBandsCarryTheSameCurrent) {
  // Two sites per cell fold the band onto itself; its halves touch at the zone boundary.
  TggeChain chain;
  chain.sites = 12;
  chain.bath.nonequilibrium_fraction = 0.5;
  chain.jump = JumpOperators{{{{{0}, 0, {0}, 0, 1.0},
                               {{0}, 0, {1}, 0, {-1.0, -0.5}},
                               {{1}, 0, {0}, 0, {1.0, 1.0}},
                               {{1}, 0, {1}, 0, {-0.5, -1.5}}}}};
  const SteadyState expected = steady_state(make_rate_equation(chain), 0.45);
  HoppingLattice folded{{6}, 2, {}};
  folded.hops = {{{0}, 0, 1, -1.0}, {{0}, 1, 0, -1.0}, {{1}, 1, 0, -1.0}, {{-1}, 0, 1, -1.0}};
  TggeModel model{.bands = testing::bands_of(folded)};
  model.bath = chain.bath;
  JumpOperators jump;
  for (const std::int64_t site : {0, 1}) {
    auto& terms = jump.channels.emplace_back();
    for (const JumpTerm& term : std::get<JumpOperators>(chain.jump).channels[0]) {
      const std::int64_t to = site + term.to[0], from = site + term.from[0];
      terms.push_back({{to / 2}, static_cast<int>(to % 2), {from / 2}, static_cast<int>(from % 2), term.amplitude});
    }
  }
  model.jump = jump;
  // The uniform bath couples modes with a weight of 1/cells, and there are half as many cells.
  model.bath.equilibrium_fraction = 0.25;
  const RateEquation equation = make_rate_equation(model);
  ASSERT_NE(equation.matrix, nullptr);
  EXPECT_EQ(equation.matrix->blocks().count(), 1U);
  const SteadyState state = steady_state(equation, 0.45);
  EXPECT_NEAR(state.current[0], expected.current[0], 1e-14);
  EXPECT_NEAR(state.energy_per_cell, 2.0 * expected.energy_per_cell, 1e-13);
}

TEST(MatrixRateEquationTest, RandomDegenerateLatticesConverge) {
  Random random(3);
  for (int draw = 0; draw < 40; ++draw) {
    const std::vector<std::int64_t> cells = {random.integer(2, 6), random.integer(1, 5)};
    TggeModel model{.bands = testing::bands_of(
                        doubled(random_lattice(random, cells, static_cast<int>(random.integer(1, 2)))), &random)};
    model.jump = random_operators(random, 2, model.bands.orbitals, static_cast<int>(random.integer(1, 3)));
    model.bath.inverse_temperature = random.uniform(0.0, 5.0);
    model.bath.nonequilibrium_fraction = random.uniform(0.05, 1.0);
    model.bath.equilibrium_fraction = random.uniform(0.01, 1.0);
    const SteadyState state = steady_state(make_rate_equation(model), random.uniform(0.1, 0.9));
    EXPECT_TRUE(state.converged) << draw << ": " << state.message;
    EXPECT_LE(state.residual, 1e-11) << draw;
    EXPECT_LE(state.steps, 15) << draw;
  }
}

TEST(MatrixRateEquationTest, ColdLatticesConverge) {
  Random random(4);
  for (const double exponent : {20.0, 100.0, 500.0}) {
    TggeModel model{.bands = testing::bands_of(doubled(random_lattice(random, {4, 3}, 1)), &random)};
    const auto [lowest, highest] = std::minmax_element(model.bands.energy.begin(), model.bands.energy.end());
    model.bath.inverse_temperature = exponent / (*highest - *lowest);
    model.jump = random_operators(random, 2, 2, 2);
    for (const double driven : {0.5, 1e-12, 0.0}) {
      model.bath.nonequilibrium_fraction = driven;
      const SteadyState state = steady_state(make_rate_equation(model), 0.4);
      EXPECT_TRUE(state.converged) << exponent << ' ' << driven << ": " << state.message;
      EXPECT_LE(state.steps, 15) << exponent << ' ' << driven;
      if (driven > 0.0) continue;
      // Gibbs state: the multiplier is beta (E - mu).
      const double mu = model.bands.energy[0] - state.lagrange_multiplier[0] / model.bath.inverse_temperature;
      for (std::size_t s = 0; s < model.bands.modes(); ++s)
        EXPECT_NEAR(state.lagrange_multiplier[s], model.bath.inverse_temperature * (model.bands.energy[s] - mu),
                    1e-12 * (1.0 + exponent));
    }
  }
}

// --- parts of Newton's method ---

TEST(MatrixRateEquationTest, DerivativesAreThoseOfTheFunctions) {
  Random random(8);
  TggeModel model{.bands = testing::bands_of(doubled(random_lattice(random, {3, 2}, 2)), &random)};
  model.jump = random_operators(random, 2, 4, 2);
  model.bath.nonequilibrium_fraction = 0.5;
  const MatrixRateEquation equation(model, degenerate_blocks(model.bands));
  const BlockMatrices multiplier = random.vector(equation.size(), -1.0, 1.0),
                      direction = random.vector(equation.size(), -1.0, 1.0);
  BlockMatrices n, h;
  const auto at = [&](double step) {
    BlockMatrices moved = multiplier, particles;
    for (std::size_t e = 0; e < moved.size(); ++e) moved[e] += step * direction[e];
    equation.occupations(moved, particles, h);
    return particles;
  };
  BlockMatrices change(equation.size()), back(equation.size());
  equation.occupation_derivative(multiplier, direction, change);
  // Five-point differences: the error is step^4, plus rounding over the step.
  const double step = 2e-3;
  const BlockMatrices p1 = at(step), m1 = at(-step), p2 = at(2.0 * step), m2 = at(-2.0 * step);
  for (std::size_t e = 0; e < change.size(); ++e)
    EXPECT_NEAR(change[e], (8.0 * (p1[e] - m1[e]) - (p2[e] - m2[e])) / (12.0 * step), 1e-10);
  equation.multiplier_derivative(multiplier, change, back);
  EXPECT_LT(distance(back, direction), 1e-13);
  equation.occupations(multiplier, n, h);
  EXPECT_LT(distance(equation.multiplier(n, h), multiplier), 1e-13);
  for (std::size_t e = 0; e < n.size(); ++e) EXPECT_NEAR(n[e] + h[e], equation.diagonal(1.0)[e], 1e-15);

  // The rate is quadratic, so half the difference between two points is exactly the product with the Jacobian.
  BlockMatrices plus = n, minus = n, rate_plus(n.size()), rate_minus(n.size()), product(n.size()), part(n.size()),
                negative = direction;
  for (std::size_t e = 0; e < n.size(); ++e) {
    plus[e] += direction[e];
    minus[e] -= direction[e];
    negative[e] = -direction[e];
  }
  equation.occupation_rate(plus, rate_plus);
  equation.occupation_rate(minus, rate_minus);
  BlockRates here, changed;
  equation.rates(n, h, here);
  equation.rates(direction, negative, changed);
  equation.balance(here, direction, negative, product);
  equation.balance(changed, n, h, part);
  for (std::size_t e = 0; e < n.size(); ++e)
    EXPECT_NEAR(equation.rate_scale() * (product[e] + part[e]), 0.5 * (rate_plus[e] - rate_minus[e]), 1e-13);
  // The fixed point balances the given rates.
  BlockMatrices target, target_holes;
  equation.fixed_point(here, target, target_holes);
  equation.balance(here, target, target_holes, part);
  EXPECT_LT(equation.largest(part), 1e-14);
  for (std::size_t e = 0; e < n.size(); ++e) EXPECT_NEAR(target[e] + target_holes[e], equation.diagonal(1.0)[e], 1e-14);
}

TEST(MatrixRateEquationTest, EntropyBalancesAtTheSteadyStateAndHeatFlowsIntoTheBath) {
  Random random(31);
  for (const bool local : {false, true}) {
    TggeModel model{.bands = testing::bands_of(doubled(random_lattice(random, {3, 2}, 1)), &random)};
    model.jump = random_operators(random, 2, 2, 2);
    if (local) model.thermal_operators = closed(random_operators(random, 2, 2, 2));
    model.bath.nonequilibrium_fraction = 0.5;
    const RateEquation equation = make_rate_equation(model);
    const SteadyState state = steady_state(equation, 0.4);
    EXPECT_TRUE(state.converged);
    const auto rates = equation.matrix->entropy_rates(state.block_multiplier);
    EXPECT_NEAR(rates.thermal + rates.nonequilibrium, 0.0, 1e-14);
    EXPECT_GT(rates.thermal + model.bath.inverse_temperature * rates.heat_to_bath, 0.0);
    model.bath.nonequilibrium_fraction = 0.0;
    const SteadyState gibbs = steady_state(make_rate_equation(model), 0.4);
    const double mu = model.bands.energy[0] - gibbs.lagrange_multiplier[0] / model.bath.inverse_temperature;
    for (std::size_t s = 0; s < model.bands.modes(); ++s)
      EXPECT_NEAR(gibbs.lagrange_multiplier[s], model.bath.inverse_temperature * (model.bands.energy[s] - mu), 1e-12);
  }
}

// --- relaxation ---

TEST(MatrixRateEquationTest, RelaxesToTheSteadyState) {
  const auto& one = data::tgge_lattice_matrix::steady_states[0];
  const RateEquation equation = make_rate_equation(testing::model_of(one));
  const SteadyState state = steady_state(equation, one.filling);
  const std::vector<double> start(equation.modes(), std::log(1.0 / one.filling - 1.0)),
      times = {0.0, 1.0, 10.0, 2000.0};
  std::vector<RelaxResult> results;
  for (const Integrator integrator : {Integrator::adams, Integrator::bdf}) {
    RelaxOptions options;
    options.tolerance = 1e-9;
    options.integrator = integrator;
    results.push_back(relax(equation, start, times, options));
  }
  const std::size_t length = state.density_matrix.size();
  for (const RelaxResult& result : results) {
    ASSERT_TRUE(result.converged) << result.message;
    const std::vector<Complex> last(result.density_matrix.end() - static_cast<std::ptrdiff_t>(length),
                                    result.density_matrix.end());
    EXPECT_LT(distance(last, state.density_matrix), 1e-9);
    for (const double number : result.particle_number)
      EXPECT_NEAR(number, one.filling * static_cast<double>(equation.modes()), 1e-12);
  }
  EXPECT_LT(distance(results[0].density_matrix, results[1].density_matrix), 1e-9);
  EXPECT_LT(distance(results[0].current, results[1].current), 1e-9);
  EXPECT_NEAR(results[0].occupation[0], one.filling, 1e-15);
}

// --- refused input ---

TEST(MatrixRateEquationTest, RefusesWhatHasNoAnswer) {
  TggeModel model = testing::model_of(data::tgge_lattice_matrix::steady_states[1]);
  RateEquation equation = make_rate_equation(model);
  std::vector<double> start(equation.modes(), 0.0);
  start[0] = 1.0;
  EXPECT_THROW(relax(equation, start, std::vector{1.0}), ParameterError);
  model.bath.equilibrium_fraction = 0.0;
  EXPECT_THROW(steady_state(make_rate_equation(model), 0.5), ParameterError);
  model.bath.equilibrium_fraction = 0.5;
  model.thermal_operators = JumpOperators{{{{{0}, 0, {1}, 0, 1.0}}}};
  EXPECT_THROW(make_rate_equation(model), ParameterError);
  model.thermal_operators.channels.push_back({{{1}, 0, {0}, 0, 1.0}});
  EXPECT_NO_THROW(make_rate_equation(model));
  model.thermal_operators.channels.clear();
  model.bands.hamiltonian_derivative = nullptr;
  EXPECT_THROW(make_rate_equation(model), UnsupportedError);
}

}  // namespace
}  // namespace lindrift
