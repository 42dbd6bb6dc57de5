#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "lindrift/error.hpp"
#include "lindrift/tgge/chain.hpp"
#include "lindrift/tgge/relax.hpp"
#include "lindrift/tgge/steady_state.hpp"
#include "support/compare.hpp"

/// Rate equations do not depend on the number of directions: a square lattice, built by hand.

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;

/// E = -2 (cos k_x + cos k_y) with L_j = (c+_j + d c+_{j + along}) (c_j - d' c_{j + across}).
TggeModel square(std::int64_t width, std::int64_t height, const LatticeVector& along, const LatticeVector& across) {
  TggeModel model{.bands = {.lattice = Lattice({width, height})}};
  Bands& bands = model.bands;
  bands.energy.resize(bands.modes());
  bands.velocity.assign(2, std::vector<double>(bands.modes()));
  for (std::size_t k = 0; k < bands.modes(); ++k) {
    const auto x = bands.lattice.phase(k, {1, 0}), y = bands.lattice.phase(k, {0, 1});
    bands.energy[k] = -2.0 * x.cosine - 2.0 * y.cosine;
    bands.velocity[0][k] = 2.0 * x.sine;
    bands.velocity[1][k] = 2.0 * y.sine;
  }
  const Complex d(1.0, 1.0), e(1.0, 0.5);
  model.bath.nonequilibrium_fraction = 0.5;
  model.jump = JumpOperators{
      {{{{}, 0, {}, 0, 1.0}, {{}, 0, across, 0, -e}, {along, 0, {}, 0, d}, {along, 0, across, 0, -d * e}}}};
  return model;
}

TEST(SquareLattice, CurrentOfTheInfiniteLattice) {
  // Values from independent programs, in momentum space and in real space; converged in size to all digits.
  const RateEquation equation = make_rate_equation(square(40, 36, {1, 0}, {0, 1}), {.backend = Backend::cpu});
  EXPECT_EQ(equation.algorithm, Algorithm::separable);
  const SteadyState state = steady_state(equation, 0.5);
  ASSERT_TRUE(state.converged) << state.message;
  EXPECT_NEAR(state.current.at(0), 0.097457378147, 1e-11);
  EXPECT_NEAR(state.current.at(1), -0.074148938608, 1e-11);
}

TEST(SquareLattice, HopWeightsAreThoseOfTheOperators) {
  const RateEquation equation = make_rate_equation(square(3, 4, {1, -1}, {5, 2}), {.backend = Backend::cpu});
  const auto angle = [](const LatticeVector& m, double x, double y) {
    return 2.0 * std::numbers::pi * (static_cast<double>(m[0]) * x / 3.0 + static_cast<double>(m[1]) * y / 4.0);
  };
  for (std::size_t to = 0; to < 12; ++to)
    for (std::size_t from = 0; from < 12; ++from) {
      const LatticeVector q = equation.bands.lattice.momentum(to), k = equation.bands.lattice.momentum(from);
      const Complex into = 1.0 + Complex(1.0, 1.0) * std::polar(1.0, -angle(q, 1.0, -1.0));
      const Complex out = 1.0 - Complex(1.0, 0.5) * std::polar(1.0, angle(k, 5.0, 2.0));
      EXPECT_NEAR(equation.hop_weight(to, from), std::norm(into) * std::norm(out), 1e-13);
    }
}

TEST(SquareLattice, OfOneRowIsAChain) {
  TggeChain chain{.sites = 21};
  chain.bath.nonequilibrium_fraction = 0.5;
  const SteadyState expected = steady_state(make_rate_equation(chain, {.backend = Backend::cpu}), 0.3);
  for (const bool upright : {false, true}) {
    const LatticeVector step = upright ? LatticeVector{0, 1} : LatticeVector{1, 0};
    const RateEquation equation =
        make_rate_equation(upright ? square(1, 21, step, step) : square(21, 1, step, step), {.backend = Backend::cpu});
    const SteadyState state = steady_state(equation, 0.3);
    EXPECT_LE(largest_difference(state.occupation, expected.occupation), 1e-11);
    EXPECT_NEAR(state.current[upright ? 1 : 0], expected.current[0], 1e-12);
    EXPECT_NEAR(state.current[upright ? 0 : 1], 0.0, 1e-14);
  }
}

TEST(SquareLattice, RelaxesToTheSteadyState) {
  const RateEquation equation = make_rate_equation(square(5, 6, {1, 0}, {0, 1}), {.backend = Backend::cpu});
  const std::vector<double> start(equation.modes(), 0.0);
  const RelaxResult result = relax(equation, start, std::vector{1.0, 4000.0});
  ASSERT_TRUE(result.converged) << result.message;
  const SteadyState state = steady_state(equation, start);
  ASSERT_EQ(result.current.size(), 4u);
  for (const std::size_t direction : {0, 1}) EXPECT_NEAR(result.current[2 + direction], state.current[direction], 1e-8);
}

TEST(SquareLattice, ParityIsThatOfBothDirections) {
  TggeModel model = square(6, 4, {1, 0}, {0, 1});
  const ParityMeasures broken = parity_measures(make_rate_equation(model, {.backend = Backend::cpu}));
  EXPECT_GT(broken.joint, 0.1);
  for (auto& term : std::get<JumpOperators>(model.jump).channels[0]) term.amplitude = term.amplitude.real();
  EXPECT_LE(parity_measures(make_rate_equation(model, {.backend = Backend::cpu})).joint, 1e-14);
  EXPECT_TRUE(std::isnan(
      parity_measures(make_rate_equation(square(6, 3, {1, 0}, {0, 1}), {.backend = Backend::cpu})).particle_hole));
}

TEST(SquareLattice, ModelsThatDoNotFitTheirLatticeAreRefused) {
  const auto expect_refused = [](const auto& spoil) {
    TggeModel model = square(4, 3, {1, 0}, {0, 1});
    spoil(model);
    EXPECT_THROW(make_rate_equation(std::move(model), {.backend = Backend::cpu}), Error);
  };
  expect_refused([](TggeModel& model) { model.bands.energy.pop_back(); });
  expect_refused([](TggeModel& model) { model.bands.velocity.pop_back(); });
  expect_refused([](TggeModel& model) { model.bands.velocity[1].pop_back(); });
  expect_refused([](TggeModel& model) { model.bands.orbitals = 2; });
  expect_refused([](TggeModel& model) { model.rate_unit = 0.0; });
  expect_refused([](TggeModel& model) { model.bath.spectrum_width = -1.0; });
  expect_refused([](TggeModel& model) { std::get<JumpOperators>(model.jump).channels[0][0].to = {0, 0, 1}; });
  expect_refused([](TggeModel& model) { std::get<JumpOperators>(model.jump).channels[0][0].from_orbital = 1; });
  expect_refused([](TggeModel& model) {
    model.jump = ProductJump{1, std::vector<double>(12), std::vector<double>(11)};
  });
  expect_refused([](TggeModel& model) { model.jump = TableJump(std::vector<double>(143)); });
}

TEST(SquareLattice, PanelsGiveTheCurrentsOfOtherSpectra) {
  // Values from independent programs, as above. The cusp of the ohmic spectrum causes an error that falls only as the
  // third power of the size, so the value is that for 64 x 64.
  const struct {
    Spectrum spectrum;
    std::int64_t size;
    double x, y;
  } expected[] = {{Spectrum::lorentzian, 48, 0.141268080175, -0.106402992967},
                  {Spectrum::ohmic, 64, 0.161489094783, -0.122210686670}};
  for (const auto& e : expected) {
    TggeModel model = square(e.size, e.size, {1, 0}, {0, 1});
    model.bath.spectrum = e.spectrum;
    const RateEquation equation =
        make_rate_equation(model, {.backend = Backend::cpu, .algorithm = Algorithm::separable});
    const SteadyState state = steady_state(equation, 0.5);
    ASSERT_TRUE(state.converged) << state.message;
    EXPECT_NEAR(state.current.at(0), e.x, 1e-11);
    EXPECT_NEAR(state.current.at(1), e.y, 1e-11);
  }
}

TEST(SquareLattice, CurrentsOfAnOhmicBathConvergeWithTheThirdPowerOfTheSize) {
  // The cusp of the spectrum. Extrapolated from two sizes, they are those of an independent program at 1024 x 1024,
  // whose own error of this kind is 3e-10.
  const double expected[] = {0.161490358917, -0.122211615417};
  const auto current_at = [](std::int64_t size) {
    TggeModel model = square(size, size, {1, 0}, {0, 1});
    model.bath.spectrum = Spectrum::ohmic;
    const SteadyState state = steady_state(make_rate_equation(model, {.backend = Backend::cpu}), 0.5);
    EXPECT_TRUE(state.converged) << state.message;
    return state.current;
  };
  const std::vector<double> coarse = current_at(192), fine = current_at(384);
  for (const std::size_t i : {0, 1}) {
    EXPECT_NEAR((coarse[i] - expected[i]) / (fine[i] - expected[i]), 8.0, 0.5);
    EXPECT_NEAR((8.0 * fine[i] - coarse[i]) / 7.0, expected[i], 1e-9);
  }
}

TEST(SquareLattice, PanelsAreThePairs) {
  for (const Spectrum spectrum : {Spectrum::lorentzian, Spectrum::ohmic})
    for (const double beta : {0.3, 4.0, 60.0})
      for (const double width : {0.05, 1.3}) {
        SCOPED_TRACE(::testing::Message()
                     << "spectrum " << static_cast<int>(spectrum) << ", beta = " << beta << ", width " << width);
        TggeModel model = square(9, 6, {1, 0}, {1, 1});
        model.bath.spectrum = spectrum;
        model.bath.spectrum_width = width;
        model.bath.inverse_temperature = beta;
        const RateEquation pairs = make_rate_equation(model, {.backend = Backend::cpu, .algorithm = Algorithm::direct}),
                           panels =
                               make_rate_equation(model, {.backend = Backend::cpu, .algorithm = Algorithm::separable});
        const SteadyState expected = steady_state(pairs, 0.4), state = steady_state(panels, 0.4);
        ASSERT_TRUE(state.converged) << state.message;
        EXPECT_LE(state.steps, 15);
        // Both balances, and both kinds of sums, are accurate to about 1e-15 of the largest multiplier.
        const double largest = largest_magnitude(expected.lagrange_multiplier);
        EXPECT_LE(largest_difference(state.lagrange_multiplier, expected.lagrange_multiplier), 1e-12 * (1.0 + largest));
        EXPECT_LE(balance_residual(pairs, state.lagrange_multiplier), 1e-12);

        if (beta > 4.0 || width < 1.0) continue;
        const std::vector<double> start(pairs.modes(), 0.3), times = {1.0, 300.0};
        const RelaxResult by_pairs = relax(pairs, start, times), by_panels = relax(panels, start, times);
        ASSERT_TRUE(by_panels.converged) << by_panels.message;
        // The default tolerance is 1e-10.
        EXPECT_LE(largest_difference(by_panels.occupation, by_pairs.occupation), 1e-9);
      }
}

}  // namespace
}  // namespace lindrift::testing
