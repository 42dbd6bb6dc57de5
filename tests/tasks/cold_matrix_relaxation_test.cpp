// Relaxation of degenerate bands to low temperatures and for long times.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <string>

#include "data/tgge_cold_matrices.hpp"
#include "lindrift/lindrift.hpp"
#include "lindrift/tgge/matrix_rate_equation.hpp"
#include "support/compare.hpp"
#include "support/hopping_lattice.hpp"

namespace lindrift::testing {
namespace {

/// Bands that touch at k = 0 and pi; two spin directions there couple to one operator.
TggeRashba touching(std::vector<JumpTerm> terms) {
  TggeRashba chain;
  chain.sites = 8;
  chain.rashba_y = 1.1;
  chain.bath.nonequilibrium_fraction = 0.35;
  chain.jump = JumpOperators{{std::move(terms)}};
  return chain;
}
TggeRashba one_target() { return touching({{{0}, 0, {0}, 0, 1.0}, {{0}, 0, {1}, 1, {0.0, 1.0}}}); }
TggeRashba both_targets() {
  return touching(
      {{{0}, 0, {0}, 0, 1.0}, {{0}, 0, {1}, 1, {0.0, 1.0}}, {{0}, 1, {0}, 1, 0.4}, {{1}, 1, {0}, 1, {0.3, 0.2}}});
}

/// Two orbitals of the same energy at every momentum, bandwidth 4 for an even number of cells.
TggeLattice degenerate_chain(std::int64_t cells, double inverse_temperature, double nonequilibrium_fraction) {
  TggeLattice lattice;
  lattice.cells = {cells};
  lattice.orbitals = 2;
  lattice.add_hermitian_conjugate = true;
  lattice.hopping_terms = {{{1}, 0, 0, -1.0}, {{1}, 1, 1, -1.0}};
  lattice.bath.coupling = 1.0;
  lattice.bath.inverse_temperature = inverse_temperature;
  lattice.bath.nonequilibrium_fraction = nonequilibrium_fraction;
  return lattice;
}

TggeLattice stored_chain(const auto& one, double inverse_temperature) {
  TggeLattice lattice = degenerate_chain(static_cast<std::int64_t>(one.cells), inverse_temperature, one.gamma_neq);
  lattice.jump = jump_operators(1, one.channels);
  return lattice;
}

TEST(MatrixColdSteadyState, IsThatOfLongArithmetic) {
  for (const auto& one : data::tgge_cold_matrices::chains)
    for (const auto& expected : one.steady_states) {
      SCOPED_TRACE(::testing::Message() << one.name << ", beta = " << expected.inverse_temperature);
      const auto cells = static_cast<std::size_t>(one.cells);
      const RateEquation equation = make_rate_equation(stored_chain(one, expected.inverse_temperature));
      const SteadyState state = steady_state(equation, one.filling);
      ASSERT_TRUE(state.converged) << state.message;
      // Exponents of up to 580 have rounding errors of 1e-13.
      for (std::size_t k = 0; k < cells; ++k)
        for (std::size_t i = 0; i < 2; ++i)
          EXPECT_NEAR(state.lagrange_multiplier[i * cells + k], expected.lagrange_multiplier[2 * k + i], 1e-12);
      for (std::size_t e = 0; e < 4 * cells; ++e)
        EXPECT_LE(std::abs(state.density_matrix[e] -
                           std::complex(expected.density_matrix[2 * e], expected.density_matrix[2 * e + 1])),
                  1e-14);
      EXPECT_NEAR(state.current[0], expected.current, 1e-14);
      const auto rates = equation.matrix->entropy_rates(state.block_multiplier);
      EXPECT_NEAR(rates.heat_to_bath, expected.heat_to_bath, 1e-13);
      EXPECT_NEAR(rates.thermal, expected.entropy_rate_thermal,
                  1e-14 * largest_magnitude(expected.lagrange_multiplier));
    }
}

void expect_steady(const RelaxResult& result, const SteadyState& expected, std::size_t row, double tolerance) {
  ASSERT_TRUE(result.converged) << result.message;
  ASSERT_TRUE(expected.converged) << expected.message;
  const std::size_t modes = expected.occupation.size(), matrices = expected.density_matrix.size();
  EXPECT_LE(result.residual[row], tolerance);
  EXPECT_NEAR(result.current[row], expected.current[0], tolerance);
  EXPECT_LE(largest_difference(std::span(result.lagrange_multiplier).subspan(row * modes, modes),
                               expected.lagrange_multiplier),
            tolerance * largest_magnitude(expected.lagrange_multiplier));
  for (std::size_t e = 0; e < matrices; ++e)
    EXPECT_LE(std::abs(result.density_matrix[row * matrices + e] - expected.density_matrix[e]), tolerance);
  EXPECT_NEAR(result.particle_number[row], expected.particle_number, 1e-13 * static_cast<double>(modes));
}

TEST(MatrixRelaxationTimes, NothingIsDoneWhereNothingChanges) {
  const std::vector<double> times = {1e3, 1e6, 1e9, 1e12, 1e15};
  const RateEquation equation = make_rate_equation(one_target());
  ASSERT_NE(equation.matrix, nullptr);
  const std::vector<double> start(16, 0.0);
  const SteadyState expected = steady_state(equation, 0.5);
  EXPECT_NEAR(expected.current[0], 0.0042295941232865, 1e-14);
  const auto once = relax(equation, start, std::span(times).first(1)), all = relax(equation, start, times);
  EXPECT_LE(all.steps, once.steps + 100);
  EXPECT_EQ(all.message, "nothing changes any more from time 1000 on");
  for (std::size_t row = 0; row < times.size(); ++row) {
    expect_steady(all, expected, row, 1e-10);
    EXPECT_LE(all.residual[row], 1e-13);
  }
}

TEST(MatrixRelaxationTimes, ALatticeAndALocalBathStayWhereTheyAre) {
  const std::vector<double> times = {1e3, 1e12, 1e15};
  std::vector<TggeLattice> lattices(2);
  for (TggeLattice& lattice : lattices) {
    lattice.cells = {6};
    lattice.bath.nonequilibrium_fraction = 0.35;
  }
  lattices[0].orbitals = 2;
  lattices[0].add_hermitian_conjugate = true;
  lattices[0].hopping_terms = {{{1}, 0, 0, -1.0}, {{1}, 1, 1, -1.0}};
  lattices[0].jump = JumpOperators{{{{{0}, 0, {0}, 0, 1.0}, {{0}, 0, {1}, 1, {0.0, 1.0}}}}};
  lattices[1].preset = LatticePreset::chain;
  lattices[1].jump = JumpOperators{{{{{0}, 0, {0}, 0, 1.0}, {{1}, 0, {0}, 0, {0.0, 0.5}}}}};
  lattices[1].thermal_coupling = LocalCoupling{{{{{0}, 0, {0}, 0, 1.0}}}};
  for (const TggeLattice& lattice : lattices) {
    const RateEquation equation = make_rate_equation(lattice);
    ASSERT_NE(equation.matrix, nullptr);
    const auto result = relax(equation, std::vector<double>(equation.modes(), 0.0), times);
    for (std::size_t row = 0; row < times.size(); ++row) expect_steady(result, steady_state(equation, 0.5), row, 1e-10);
  }
}

TEST(MatrixColdRelaxation, ReachesTheSteadyStateHoweverCold) {
  // Not at half filling, where particles and holes recombine until only rounding is left.
  const double filling = 0.4;
  for (const bool both : {true, false})
    for (const double beta : {1.0, 10.0, 100.0}) {
      SCOPED_TRACE(::testing::Message() << "beta J = " << beta << ", targets " << 1 + both);
      TggeRashba chain = both ? both_targets() : one_target();
      chain.bath.inverse_temperature = beta;
      const RateEquation equation = make_rate_equation(chain);
      const std::vector<double> start(16, std::log(1.0 / filling - 1.0));
      const auto result = relax(equation, start, std::vector{1.0, 1e6});
      EXPECT_LE(result.steps, 30000);
      expect_steady(result, steady_state(equation, filling), 1, 1e-9);
    }
}

TEST(MatrixColdRelaxation, ReachesTheSteadyStateOfLongArithmetic) {
  for (const auto& one : data::tgge_cold_matrices::chains)
    for (const auto& expected : one.steady_states) {
      const double beta = expected.inverse_temperature;
      if (beta != 75.0) continue;
      SCOPED_TRACE(::testing::Message() << one.name << ", beta = " << beta);
      const RateEquation equation = make_rate_equation(stored_chain(one, beta));
      const auto cells = static_cast<std::size_t>(one.cells);
      const std::vector<double> start(2 * cells, std::log(1.0 / one.filling - 1.0));
      const auto result = relax(equation, start, std::vector{1.0, 1e6});
      ASSERT_TRUE(result.converged) << result.message;
      EXPECT_LE(result.steps, 20000);
      EXPECT_LE(result.residual[1], 1e-12);
      // The tolerance of relax() is 1e-8, and nothing is left to relax.
      for (std::size_t k = 0; k < cells; ++k)
        for (std::size_t i = 0; i < 2; ++i)
          EXPECT_NEAR(result.lagrange_multiplier[2 * cells + i * cells + k], expected.lagrange_multiplier[2 * k + i],
                      1e-9);
      EXPECT_NEAR(result.current[1], expected.current, 1e-12);
    }
}

TEST(MatrixColdRelaxation, SaysWhatToDoWhereItIsTooCold) {
  TggeLattice lattice = degenerate_chain(4, 145.0, 0.35);
  lattice.jump = JumpOperators{{{{{0}, 0, {0}, 0, 0.8}, {{0}, 1, {0}, 0, {0.0, 0.48}}}}};
  lattice.thermal_coupling = LocalCoupling{{{{{0}, 0, {0}, 0, 1.0}},
                                            {{{0}, 0, {0}, 1, {0.5, 0.2}}, {{0}, 1, {0}, 0, {0.5, -0.2}}},
                                            {{{0}, 1, {0}, 1, 0.7}}}};
  const RateEquation equation = make_rate_equation(lattice);
  try {
    relax(equation, std::vector<double>(8, 0.4), std::vector{1.0});
    FAIL() << "relaxed: docs/physics.md, section 11, states a limit that is not one";
  } catch (const NumericalError& error) {
    EXPECT_NE(std::string(error.what()).find("bath.inverse_temperature times the bandwidth is 580"), std::string::npos)
        << error.what();
    EXPECT_NE(std::string(error.what()).find("steady_state"), std::string::npos) << error.what();
  }
  EXPECT_TRUE(steady_state(equation, 0.4).converged);
}

TEST(MatrixColdRelaxation, IsThatOfTheScalarEquationWhereSpinsDoNotMix) {
  // Dephasing of one spin keeps the matrices diagonal: the scalar equations, which have stored values of their own.
  TggeRashba chain;
  chain.sites = 4;
  chain.rashba_y = 0.6;
  chain.bath.nonequilibrium_fraction = 0.5;
  const std::vector<double> times = {1e-4, 1e-2, 1.0, 30.0};
  std::vector<double> start = {0.3, -0.2, 0.5, 0.1, 0.4, -0.2, 0.6, 0.1};
  for (const double beta : {1.0, 10.0, 100.0}) {
    chain.bath.inverse_temperature = beta;
    chain.jump = DephasingJump{1.0, 0.0};
    RelaxOptions options;
    options.integrator = Integrator::bdf;
    const RateEquation plain = make_rate_equation(chain);
    ASSERT_EQ(plain.matrix, nullptr);
    chain.jump = JumpOperators{{{{{0}, 0, {0}, 0, 1.0}}}};
    const RateEquation equation = make_rate_equation(chain);
    ASSERT_NE(equation.matrix, nullptr);
    for (std::size_t b = 0; b < equation.matrix->blocks().count(); ++b)
      for (const std::size_t s : equation.matrix->blocks().modes(b))
        start[s] = start[equation.matrix->blocks().modes(b)[0]];
    const auto scalar = relax(plain, start, times, options), matrix = relax(equation, start, times, options);
    ASSERT_TRUE(scalar.converged && matrix.converged) << scalar.message << matrix.message;
    for (std::size_t row = 0; row < times.size(); ++row) EXPECT_NEAR(matrix.current[row], scalar.current[row], 1e-9);
    for (std::size_t row = 0; row < times.size(); ++row)
      EXPECT_NEAR(matrix.energy_per_cell[row], scalar.energy_per_cell[row], 1e-9);
  }
}

}  // namespace
}  // namespace lindrift::testing
