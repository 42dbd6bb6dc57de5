#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "lindrift/tgge/lattice_model.hpp"
#include "lindrift/tgge/steady_state.hpp"
#include "support/random.hpp"
#include "tgge/hop_weights.hpp"

namespace lindrift::testing {
namespace {

/// Too many modes for the inner caches, odd numbers of cells, many equal energies.
TggeLattice large_lattice(Spectrum spectrum, bool two_orbitals) {
  TggeLattice lattice;
  lattice.preset = two_orbitals ? LatticePreset::rashba_zeeman : LatticePreset::square;
  lattice.cells = two_orbitals ? std::vector<std::int64_t>{129, 130} : std::vector<std::int64_t>{183, 181};
  lattice.rashba = two_orbitals ? 0.8 : 0.0;
  lattice.zeeman_z = two_orbitals ? 0.7 : 0.0;
  lattice.bath.spectrum = spectrum;
  lattice.bath.inverse_temperature = 3.0;
  lattice.bath.nonequilibrium_fraction = 0.4;
  const std::complex<double> delta(1.0, 1.0);
  lattice.jump = JumpOperators{{{{{}, 0, {}, 0, 1.0}, {{1, 0}, two_orbitals ? 1 : 0, {0, 1}, 0, delta}}}};
  return lattice;
}

RateEquation equation_of(const TggeLattice& lattice, int threads = 1) {
  return make_rate_equation(lattice, {.backend = Backend::cpu, .threads = threads});
}

TEST(Reordered, RatesAreThoseOfTheModes) {
  Random random(171);
  for (const Spectrum spectrum : {Spectrum::lorentzian, Spectrum::ohmic})
    for (const bool two_orbitals : {false, true}) {
      SCOPED_TRACE(::testing::Message() << name(spectrum) << (two_orbitals ? ", two orbitals" : ""));
      const RateEquation equation = equation_of(large_lattice(spectrum, two_orbitals));
      const auto [ordered, mode] = equation.generator->reordered();
      const std::size_t size = equation.modes();
      ASSERT_EQ(mode.size(), size);
      for (std::size_t i = 1; i < size; ++i)
        ASSERT_LE(equation.bands.energy[mode[i - 1]], equation.bands.energy[mode[i]]);
      const std::vector<double> n = random.vector(size, 0.0, 1.0), h = random.vector(size, 0.0, 1.0);
      std::vector<double> gain(size), loss(size), own_n(size), own_h(size), own_gain(size), own_loss(size);
      // A kernel with the modes as they come.
      const TggeModel model = large_lattice(spectrum, two_orbitals);
      const Execution alone{.backend = Backend::cpu, .algorithm = Algorithm::separable, .threads = 1};
      const RateIngredients ingredients =
          rate_ingredients(model.bands, model.rate_unit, model.bath, make_hop_weights(model.bands, model.jump), alone);
      make_generator(ingredients.tables, alone)->transition_sums(n, h, gain, loss);
      // The generator puts vectors into its own order and back.
      equation.generator->transition_sums(n, h, own_gain, own_loss);
      for (std::size_t s = 0; s < size; ++s) {
        ASSERT_NEAR(own_gain[s] / gain[s], 1.0, 1e-13) << s;
        ASSERT_NEAR(own_loss[s] / loss[s], 1.0, 1e-13) << s;
      }
      for (std::size_t i = 0; i < size; ++i) {
        own_n[i] = n[mode[i]];
        own_h[i] = h[mode[i]];
      }
      ordered.transition_sums(own_n, own_h, own_gain, own_loss);
      double worst = 0.0;
      for (std::size_t i = 0; i < size; ++i)
        worst = std::max(
            {worst, std::fabs(own_gain[i] / gain[mode[i]] - 1.0), std::fabs(own_loss[i] / loss[mode[i]] - 1.0)});
      EXPECT_LT(worst, 1e-13);  // the accuracy of the panels
    }
}

TEST(Reordered, SteadyStatesComeBackInTheOrderOfTheModes) {
  for (const Spectrum spectrum : {Spectrum::lorentzian, Spectrum::ohmic}) {
    SCOPED_TRACE(name(spectrum));
    const TggeLattice lattice = large_lattice(spectrum, false);
    const RateEquation equation = equation_of(lattice);
    const SteadyState state = steady_state(equation, 0.4);
    ASSERT_TRUE(state.converged) << state.message;
    // The residual refers to the rates in the order of the bands.
    EXPECT_LT(state.residual, 1e-13);
    EXPECT_NEAR(state.density_per_cell, 0.4, 1e-13);
    // Given multipliers fix the particle number; the iteration starts from the other state.
    std::vector<double> multipliers(equation.modes());
    for (std::size_t s = 0; s < multipliers.size(); ++s) multipliers[s] = s % 5 < 2 ? -40.0 : 40.0;
    double number = 0.0;
    for (const double lambda : multipliers) number += 1.0 / (1.0 + std::exp(lambda));
    SteadyStateOptions options;
    options.start = state.lagrange_multiplier;
    const SteadyState same = steady_state(equation, multipliers, options);
    ASSERT_TRUE(same.converged) << same.message;
    EXPECT_NEAR(same.particle_number, number, 1e-9);
    EXPECT_LE(same.steps, 4);  // the start is close
    for (std::size_t s = 0; s < multipliers.size(); s += 1001)
      EXPECT_NEAR(same.occupation[s], state.occupation[s], 1e-4) << s;
    // The bits do not depend on threads.
    EXPECT_EQ(steady_state(equation_of(lattice, 2), 0.4).occupation, state.occupation);
  }
}

}  // namespace
}  // namespace lindrift::testing
