// Symmetries that forbid or relate currents on lattices with random parameters, and fixed points reached from far away.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "lindrift/tgge/lattice_model.hpp"
#include "lindrift/tgge/matrix_rate_equation.hpp"
#include "lindrift/tgge/steady_state.hpp"
#include "support/compare.hpp"
#include "support/hopping_lattice.hpp"
#include "support/random.hpp"

namespace lindrift::testing {
namespace {

using Channel = std::vector<JumpTerm>;

/// Steady states agree to about 1e-15 in the multipliers; currents are sums of occupations times velocities of order 1.
constexpr double rounding = 3e-14;
/// Far above rounding: a current that is not forbidden.
constexpr double allowed_current = 1e-6;

std::vector<Channel>& channels_of(TggeLattice& lattice) { return std::get<JumpOperators>(lattice.jump).channels; }

SteadyState solve(const TggeLattice& lattice, double filling) {
  const SteadyState state = steady_state(make_rate_equation(lattice, {.backend = Backend::cpu}), filling);
  EXPECT_TRUE(state.converged) << state.message;
  return state;
}

LatticeVector random_vector(Random& random, std::size_t directions) {
  LatticeVector r{};
  for (std::size_t i = 0; i < directions; ++i) r[i] = random.integer(-1, 1);
  return r;
}

Channel random_channel(Random& random, std::size_t directions, int orbitals) {
  Channel channel;
  for (int term = 0; term < 4; ++term) {
    const int to = static_cast<int>(random.integer(0, orbitals - 1)),
              from = static_cast<int>(random.integer(0, orbitals - 1));
    channel.push_back(
        {random_vector(random, directions), to, random_vector(random, directions), from, random.complex(1.0)});
  }
  return channel;
}

void random_bath(Random& random, TggeLattice& lattice, int channels) {
  lattice.bath.inverse_temperature = random.uniform(0.3, 2.0);
  lattice.bath.nonequilibrium_fraction = random.uniform(0.3, 0.8);
  lattice.bath.spectrum = static_cast<Spectrum>(random.integer(0, 2));
  JumpOperators jump;
  for (int c = 0; c < channels; ++c)
    jump.channels.push_back(random_channel(random, lattice.cells.size(), lattice.orbitals_in_cell()));
  lattice.jump = jump;
}

/// Random hops between all orbitals within range 1.
TggeLattice random_lattice(Random& random, std::vector<std::int64_t> cells, int orbitals) {
  TggeLattice lattice;
  lattice.cells = std::move(cells);
  lattice.orbitals = orbitals;
  lattice.add_hermitian_conjugate = true;
  for (int a = 0; a < orbitals; ++a)
    for (int b = 0; b < orbitals; ++b)
      for (std::size_t i = 0; i < lattice.cells.size(); ++i) {
        LatticeVector step{};
        step[i] = 1;
        lattice.hopping_terms.push_back({step, a, b, random.complex(1.0)});
      }
  for (int a = 0; a < orbitals; ++a) {
    lattice.hopping_terms.push_back({{}, a, a, random.uniform(-1.0, 1.0)});
    for (int b = 0; b < a; ++b) lattice.hopping_terms.push_back({{}, a, b, random.complex(1.0)});
  }
  random_bath(random, lattice, 2);
  return lattice;
}

/// The Haldane model on the honeycomb lattice, with a gap at every momentum.
TggeLattice haldane(Random& random, std::int64_t cells, double sublattice_energy) {
  TggeLattice lattice;
  lattice.cells = {cells, cells};
  lattice.preset = LatticePreset::honeycomb_haldane;
  lattice.second_neighbour_hopping = random.uniform(0.1, 0.3);
  lattice.flux = random.uniform(0.3, 1.2);
  lattice.sublattice_energy = sublattice_energy;
  random_bath(random, lattice, 1);
  return lattice;
}

// --- rotations and reflections ---

/// Threefold rotation of the honeycomb about an A site: it maps the bond to B within the cell to the one along -a_1,
/// and that to the one along -a_2.
LatticeVector turned(const LatticeVector& r, int orbital) { return {-r[0] - r[1] - orbital, r[0], 0}; }

Channel turned(const Channel& channel) {
  Channel result;
  for (const JumpTerm& term : channel)
    result.push_back({turned(term.to, term.to_orbital), term.to_orbital, turned(term.from, term.from_orbital),
                      term.from_orbital, term.amplitude});
  return result;
}

TEST(LatticeSymmetries, ThreefoldRotationForbidsACurrent) {
  Random random(61);
  for (int run = 0; run < 4; ++run) {
    TggeLattice lattice = haldane(random, 5, random.uniform(-0.4, 0.4));
    EXPECT_GT(largest_magnitude(solve(lattice, 0.4).current), allowed_current);
    auto& channels = channels_of(lattice);
    channels.push_back(turned(channels[0]));
    channels.push_back(turned(channels[1]));
    const SteadyState state = solve(lattice, 0.4);
    EXPECT_LT(largest_magnitude(state.current), rounding);
    const Lattice grid(lattice.cells);
    double largest = 0.0, spread = 0.0;
    for (std::size_t k = 0; k < grid.size(); ++k) {
      // k.R is invariant, so momenta rotate with the inverse transpose.
      const LatticeVector m = grid.momentum(k);
      const std::size_t image = grid.index_of({-m[1], m[0] - m[1], 0});
      for (std::size_t band = 0; band < 2; ++band) {
        const std::size_t at = band * grid.size();
        largest = std::max(largest, std::fabs(state.occupation[at + k] - state.occupation[at + image]));
        spread = std::max(spread, std::fabs(state.occupation[at + k] - state.occupation[at]));
      }
    }
    EXPECT_LT(largest, rounding);
    EXPECT_GT(spread, 0.01);
  }
}

TEST(LatticeSymmetries, AnyBathOnTheSublatticesDrivesNoCurrentOfHaldane) {
  Random random(62);
  for (int run = 0; run < 4; ++run) {
    TggeLattice lattice = haldane(random, 6, random.uniform(-0.4, 0.4));
    channels_of(lattice) = {{{{}, 0, {}, 0, random.complex(1.0)}}, {{{}, 1, {}, 1, random.complex(1.0)}}};
    EXPECT_LT(largest_magnitude(solve(lattice, 0.55).current), rounding);
  }
}

TEST(LatticeSymmetries, ReflectionOfTheHoneycombReversesTheFlux) {
  Random random(63);
  for (int run = 0; run < 4; ++run) {
    TggeLattice lattice = haldane(random, 6, random.uniform(-0.4, 0.4));
    // The reflection along the bond within a cell exchanges the lattice vectors and keeps the orbitals of a cell.
    Channel local;
    for (const int a : {0, 1})
      for (const int b : {0, 1}) local.push_back({{}, a, {}, b, random.complex(1.0)});
    channels_of(lattice) = {local};
    const auto one = solve(lattice, 0.4).current;
    lattice.flux = -lattice.flux;
    const auto other = solve(lattice, 0.4).current;
    EXPECT_NEAR(one[0], other[1], rounding);
    EXPECT_NEAR(one[1], other[0], rounding);
    EXPECT_GT(std::fabs(one[0] - one[1]), allowed_current);
    EXPECT_GT(std::fabs(one[0] + one[1]), allowed_current);
  }
}

TEST(LatticeSymmetries, InversionOfTheHoneycombForbidsACurrent) {
  Random random(64);
  for (int run = 0; run < 4; ++run) {
    TggeLattice lattice = haldane(random, 6, 0.0);
    const double strength = random.uniform(0.5, 1.0);
    const auto bond = [&](Complex a, Complex b) {
      Channel terms;
      const Complex orbital[2] = {a, b};
      for (const int to : {0, 1})
        for (const int from : {0, 1})
          terms.push_back({{}, to, {}, from, strength * orbital[to] * std::conj(orbital[from])});
      return terms;
    };
    channels_of(lattice) = {bond(1.0, 1.0)};
    EXPECT_LT(largest_magnitude(solve(lattice, 0.4).current), rounding);
    channels_of(lattice) = {bond(1.0, 0.5)};
    EXPECT_GT(largest_magnitude(solve(lattice, 0.4).current), allowed_current);
  }
}

// --- time reversal ---

TEST(LatticeSymmetries, RealHamiltoniansNeedABathThatIsNotReal) {
  Random random(65);
  for (const int orbitals : {1, 2, 3}) {
    TggeLattice lattice = random_lattice(random, {5, 4}, orbitals);
    for (HoppingTerm& term : lattice.hopping_terms) term.amplitude = term.amplitude.real();
    EXPECT_GT(largest_magnitude(solve(lattice, 0.4).current), allowed_current);
    // The set of operators is its own complex conjugate, although each operator is not.
    auto& channels = channels_of(lattice);
    channels.push_back(channels[0]);
    for (JumpTerm& term : channels.back()) term.amplitude = std::conj(term.amplitude);
    for (JumpTerm& term : channels[1]) term.amplitude = term.amplitude.real();
    const SteadyState state = solve(lattice, 0.4);
    EXPECT_LT(largest_magnitude(state.current), rounding) << orbitals;
    const Lattice grid(lattice.cells);
    for (std::size_t s = 0; s < state.occupation.size(); ++s) {
      const LatticeVector m = grid.momentum(s % grid.size());
      const std::size_t image = s / grid.size() * grid.size() + grid.index_of({-m[0], -m[1], 0});
      EXPECT_NEAR(state.occupation[s], state.occupation[image], rounding);
    }
  }
}

TEST(LatticeSymmetries, KramersPairsUnderMagneticNoiseCarryNoCurrent) {
  Random random(73);
  for (const std::int64_t cells : {4, 5}) {
    // Without a field the spins are degenerate at k = -k. Time reversal changes the sign of n.sigma.
    TggeLattice lattice;
    lattice.preset = LatticePreset::rashba_zeeman;
    lattice.cells = {cells, cells};
    random_bath(random, lattice, 1);
    lattice.rashba = random.uniform(0.3, 0.9);
    const double x = random.uniform(-1.0, 1.0), y = random.uniform(-1.0, 1.0), z = random.uniform(-1.0, 1.0);
    const Channel noise = {{{}, 0, {}, 0, z}, {{}, 1, {}, 1, -z}, {{}, 0, {}, 1, {x, -y}}, {{}, 1, {}, 0, {x, y}}};
    channels_of(lattice) = {noise};
    const RateEquation equation = make_rate_equation(lattice, {.backend = Backend::cpu});
    ASSERT_NE(equation.matrix, nullptr);
    EXPECT_EQ(equation.matrix->blocks().count(), cells % 2 == 0 ? 4U : 1U);
    EXPECT_LT(largest_magnitude(solve(lattice, 0.4).current), rounding);
    // A spin-independent part in the same operator breaks this.
    channels_of(lattice)[0].push_back({{1, 0}, 0, {}, 1, {0.3, 0.7}});
    EXPECT_GT(largest_magnitude(solve(lattice, 0.4).current), allowed_current);
  }
}

// --- flat hop weights ---

TEST(LatticeSymmetries, FlatHopWeightsMakeOccupationsFunctionsOfTheEnergy) {
  Random random(66);
  for (int run = 0; run < 4; ++run) {
    TggeLattice lattice = random_lattice(random, {40, 36}, 1);
    // The sum over momenta of v f(E) vanishes as fast as the Fourier series of f(E) converges, if that is analytic.
    lattice.bath.spectrum = run % 2 == 0 ? Spectrum::exponential : Spectrum::lorentzian;
    lattice.bath.spectrum_width = 6.0;
    lattice.bath.inverse_temperature = random.uniform(0.1, 0.4);
    channels_of(lattice) = {{{random_vector(random, 2), 0, random_vector(random, 2), 0, random.complex(1.0)}}};
    const RateEquation equation = make_rate_equation(lattice, {.backend = Backend::cpu});
    const SteadyState state = steady_state(equation, 0.4);
    EXPECT_LT(largest_magnitude(state.current), rounding);
    std::vector<std::size_t> order(equation.modes());
    for (std::size_t s = 0; s < order.size(); ++s) order[s] = s;
    std::sort(order.begin(), order.end(),
              [&](std::size_t s, std::size_t t) { return equation.bands.energy[s] < equation.bands.energy[t]; });
    for (std::size_t i = 1; i < order.size(); ++i)
      EXPECT_GE(state.lagrange_multiplier[order[i]], state.lagrange_multiplier[order[i - 1]] - 1e-13);
  }
}

TEST(LatticeSymmetries, SpinsInThePlaneFeelNoneOfADephasingAcrossIt) {
  Random random(67);
  for (int run = 0; run < 3; ++run) {
    TggeLattice lattice;
    lattice.preset = LatticePreset::rashba_zeeman;
    lattice.cells = {48, 48};
    random_bath(random, lattice, 1);
    lattice.bath.spectrum = Spectrum::exponential;
    lattice.bath.inverse_temperature = random.uniform(0.2, 0.5);
    lattice.rashba = random.uniform(0.1, 0.3);
    // Above 2 sqrt(2) alpha the bands never touch and are analytic.
    lattice.zeeman_x = random.uniform(1.3, 2.0);
    lattice.zeeman_y = random.uniform(-0.5, 0.5);
    channels_of(lattice) = {{{{}, 0, {}, 0, random.complex(1.0)}}};
    EXPECT_LT(largest_magnitude(solve(lattice, 0.45).current), rounding);
    lattice.zeeman_z = 0.6;
    EXPECT_GT(largest_magnitude(solve(lattice, 0.45).current), allowed_current);
  }
}

// --- a spin-orbit coupled layer in a magnetic field ---

/// The field has a component in the plane, at a given angle, and one normal to it.
TggeLattice in_a_field(std::int64_t cells, double degrees) {
  TggeLattice lattice;
  lattice.preset = LatticePreset::rashba_zeeman;
  lattice.cells = {cells, cells};
  lattice.rashba = 0.8;
  lattice.zeeman_x = std::cos(degrees * std::numbers::pi / 180.0);
  lattice.zeeman_y = std::sin(degrees * std::numbers::pi / 180.0);
  lattice.zeeman_z = 0.7;
  lattice.bath.nonequilibrium_fraction = 0.5;
  lattice.jump = JumpOperators{{{{{}, 0, {}, 0, 1.0}}}};
  return lattice;
}

TEST(LatticeSymmetries, CurrentsArePerpendicularToFieldsAlongAxesOfReflection) {
  const std::vector<double> oblique = solve(in_a_field(16, 45.0), 0.5).current;
  EXPECT_NEAR(oblique[0] + oblique[1], 0.0, rounding);
  EXPECT_GT(std::fabs(oblique[0]), 1e-4);
  const std::vector<double> up = solve(in_a_field(16, 90.0), 0.5).current,
                            along = solve(in_a_field(16, 0.0), 0.5).current;
  EXPECT_NEAR(up[1], 0.0, rounding);
  EXPECT_NEAR(up[0], -along[1], rounding);  // rotated by 90 degrees
  const std::vector<double> between = solve(in_a_field(16, 30.0), 0.5).current;
  EXPECT_GT(std::fabs(between[0] * std::cos(std::numbers::pi / 6.0) + between[1] * 0.5), 1e-5);
}

TEST(LatticeSymmetries, LocalThermalBathsOfOrbitalsDifferFromTheUniformOne) {
  // Values from two independent programs, in momentum space and in real space.
  TggeLattice lattice = in_a_field(16, 30.0);
  const std::vector<double> uniform = solve(lattice, 0.5).current;
  EXPECT_NEAR(uniform[0], -0.003681376285, 1e-12);
  EXPECT_NEAR(uniform[1], 0.005501737223, 1e-12);
  lattice.thermal_coupling = LocalCoupling{{{{{}, 0, {}, 0, 1.0}}, {{{}, 1, {}, 1, 1.0}}}};
  const std::vector<double> local = solve(lattice, 0.5).current;
  EXPECT_NEAR(local[0], -0.004566394035, 1e-12);
  EXPECT_NEAR(local[1], 0.006843173929, 1e-12);
  // For one orbital, coupling to the density of a cell is equivalent to the uniform bath.
  Random random(74);
  TggeLattice band = random_lattice(random, {5, 4}, 1);
  const SteadyState expected = solve(band, 0.4);
  band.thermal_coupling = LocalCoupling{{{{{}, 0, {}, 0, 1.0}}}};
  const SteadyState state = solve(band, 0.4);
  EXPECT_LT(largest_difference(state.current, expected.current), rounding);
  EXPECT_LT(largest_difference(state.occupation, expected.occupation), rounding);
}

// --- particles and holes ---

TEST(LatticeSymmetries, ParticleHoleSymmetryForbidsACurrentAtHalfFilling) {
  Random random(68);
  for (int run = 0; run < 4; ++run) {
    // Real hops between the sublattices of a square lattice: E(Q-k) = -E(k) with Q = (pi, pi).
    TggeLattice lattice;
    lattice.cells = {6, 4};
    lattice.add_hermitian_conjugate = true;
    for (const LatticeVector& r : {LatticeVector{1, 0}, LatticeVector{0, 1}, LatticeVector{2, 1}})
      lattice.hopping_terms.push_back({r, 0, 0, random.uniform(-1.0, 1.0)});
    random_bath(random, lattice, 1);
    // Adds to each term one with the displacements of its adjoint and the sign of the sublattices, but not conjugated.
    auto& channel = channels_of(lattice)[0];
    for (std::size_t i = channel.size(); i-- > 0;) {
      const JumpTerm term = channel[i];
      const std::int64_t parity = term.to[0] + term.to[1] + term.from[0] + term.from[1];
      channel.push_back({term.from, 0, term.to, 0, parity % 2 == 0 ? term.amplitude : -term.amplitude});
    }
    EXPECT_LT(largest_magnitude(solve(lattice, 0.5).current), rounding);
    EXPECT_GT(largest_magnitude(solve(lattice, 0.3).current), allowed_current);
  }
}

// --- gauges ---

TEST(LatticeSymmetries, AFluxOfOneMomentumIsAGauge) {
  Random random(69);
  for (const int orbitals : {1, 2}) {
    TggeLattice lattice = random_lattice(random, {5, 6}, orbitals);
    const SteadyState before = solve(lattice, 0.4);
    const LatticeVector shift{random.integer(-2, 2), random.integer(1, 2), 0};
    const auto phase = [&](const LatticeVector& r) {
      return std::polar(1.0,
                        2.0 * std::numbers::pi *
                            (static_cast<double>(shift[0] * r[0]) / 5.0 + static_cast<double>(shift[1] * r[1]) / 6.0));
    };
    for (HoppingTerm& term : lattice.hopping_terms) term.amplitude *= phase(term.displacement);
    for (Channel& channel : channels_of(lattice))
      for (JumpTerm& term : channel) term.amplitude *= std::conj(phase(term.to)) * phase(term.from);
    const SteadyState after = solve(lattice, 0.4);
    EXPECT_LT(largest_difference(after.current, before.current), rounding);
    const Lattice grid(lattice.cells);
    for (std::size_t s = 0; s < after.occupation.size(); ++s) {
      const LatticeVector m = grid.momentum(s % grid.size());
      const std::size_t image = s / grid.size() * grid.size() + grid.index_of({m[0] + shift[0], m[1] + shift[1], 0});
      EXPECT_NEAR(after.occupation[s], before.occupation[image], rounding);
    }
  }
}

TEST(LatticeSymmetries, NoBasisOfTheOrbitalsAndOfTheChannelsMatters) {
  Random random(70);
  for (const int orbitals : {2, 3}) {
    const auto n = static_cast<std::size_t>(orbitals);
    TggeLattice lattice = random_lattice(random, {4, 3}, orbitals);
    lattice.hopping_terms = lattice.tight_binding().hopping_terms;
    lattice.add_hermitian_conjugate = false;
    const SteadyState before = solve(lattice, 0.4);
    TggeLattice turned = lattice;
    const Matrix u = random_unitary(random, n), mixing = random_unitary(random, 2);
    // c_a = sum_b u_ab d_b
    turned.hopping_terms.clear();
    for (const HoppingTerm& term : lattice.hopping_terms)
      for (int a = 0; a < orbitals; ++a)
        for (int b = 0; b < orbitals; ++b) {
          const Complex left =
                            std::conj(u[static_cast<std::size_t>(term.to_orbital) * n + static_cast<std::size_t>(a)]),
                        right = u[static_cast<std::size_t>(term.from_orbital) * n + static_cast<std::size_t>(b)];
          turned.hopping_terms.push_back({term.displacement, a, b, left * term.amplitude * right});
        }
    auto& channels = channels_of(turned);
    channels = {{}, {}};
    for (std::size_t c = 0; c < 2; ++c)
      for (const JumpTerm& term : channels_of(lattice)[c])
        for (int a = 0; a < orbitals; ++a)
          for (int b = 0; b < orbitals; ++b)
            for (std::size_t mixed = 0; mixed < 2; ++mixed) {
              const Complex left = std::conj(
                                u[static_cast<std::size_t>(term.to_orbital) * n + static_cast<std::size_t>(a)]),
                            right = u[static_cast<std::size_t>(term.from_orbital) * n + static_cast<std::size_t>(b)];
              channels[mixed].push_back(
                  {term.to, a, term.from, b, mixing[mixed * 2 + c] * left * term.amplitude * right});
            }
    const SteadyState after = solve(turned, 0.4);
    EXPECT_LT(largest_difference(after.current, before.current), rounding);
    EXPECT_LT(largest_difference(after.occupation, before.occupation), rounding);
  }
}

// --- lattices that are not what they seem ---

TEST(LatticeSymmetries, RowsThatDoNotMeetAreAChain) {
  Random random(71);
  TggeLattice chain = random_lattice(random, {7}, 2);
  TggeLattice rows = chain;
  rows.cells = {7, 3};
  // The uniform bath moves a particle to any mode with a rate divided by the number of cells, and so do the jump
  // operators.
  const SteadyState one = solve(chain, 0.4), three = solve(rows, 0.4);
  EXPECT_NEAR(three.current[0], one.current[0], rounding);
  EXPECT_NEAR(three.current[1], 0.0, rounding);
  EXPECT_NEAR(three.energy_per_cell, one.energy_per_cell, rounding);
  // A direction with a single cell: hops along it are on-site energies.
  TggeLattice thin = chain;
  thin.cells = {1, 7};
  for (HoppingTerm& term : thin.hopping_terms) std::swap(term.displacement[0], term.displacement[1]);
  for (Channel& channel : channels_of(thin))
    for (JumpTerm& term : channel) {
      std::swap(term.to[0], term.to[1]);
      std::swap(term.from[0], term.from[1]);
    }
  const SteadyState upright = solve(thin, 0.4);
  EXPECT_NEAR(upright.current[1], one.current[0], rounding);
  EXPECT_LT(largest_difference(upright.occupation, one.occupation), rounding);
}

TEST(LatticeSymmetries, OrbitalsThatNothingConnectsKeepTheirNumbers) {
  Random random(72);
  for (int run = 0; run < 6; ++run) {
    // Two copies of a lattice, connected neither by the Hamiltonian nor by jump operators, without a thermal bath.
    const TggeLattice single = [&] {
      TggeLattice one = random_lattice(random, {4, 3}, 1);
      one.bath.nonequilibrium_fraction = 1.0;
      one.bath.equilibrium_fraction = 0.0;
      return one;
    }();
    TggeLattice twice = single;
    twice.orbitals = 2;
    // The second copy lies above the first at every momentum.
    constexpr double above = 40.0;
    for (HoppingTerm term : single.hopping_terms) {
      term.to_orbital = term.from_orbital = 1;
      twice.hopping_terms.push_back(term);
    }
    twice.hopping_terms.push_back({{}, 1, 1, above});
    for (const Channel& channel : std::get<JumpOperators>(single.jump).channels) {
      Channel copy = channel;
      for (JumpTerm& term : copy) term.to_orbital = term.from_orbital = 1;
      channels_of(twice).push_back(copy);
    }
    const RateEquation equation = make_rate_equation(twice, {.backend = Backend::cpu});
    const double low = random.uniform(0.1, 0.4), high = random.uniform(0.5, 0.9);
    std::vector<double> start(equation.modes(), std::log1p(-low) - std::log(low));
    std::fill(start.begin() + 12, start.end(), std::log1p(-high) - std::log(high));
    const SteadyState state = steady_state(equation, start);
    ASSERT_TRUE(state.converged) << state.message;
    EXPECT_EQ(state.components, 2);
    EXPECT_LE(state.steps, 15);
    const SteadyState lower = solve(single, low), upper = solve(single, high);
    for (std::size_t k = 0; k < 12; ++k) {
      EXPECT_NEAR(state.occupation[k], lower.occupation[k], rounding);
      EXPECT_NEAR(state.occupation[12 + k], upper.occupation[k], rounding);
    }
  }
}

// --- fixed points from far away ---

/// A closed shell of 21 particles on 5 x 5 sites, with hops to the right that have a constant weight.
TggeLattice closed_shell(double beta) {
  TggeLattice lattice;
  lattice.preset = LatticePreset::square;
  lattice.cells = {5, 5};
  lattice.bath.nonequilibrium_fraction = 0.5;
  lattice.bath.inverse_temperature = beta;
  lattice.jump = JumpOperators{{{{{1}, 0, {}, 0, 1.0}}}};
  return lattice;
}
constexpr double closed_filling = 21.0 / 25.0;

/// lambda <- (1-share) lambda + share log(loss / gain), shifted to the number of particles. Returns the last change.
double iterate_fixed_point(const RateEquation& equation, double share, int steps, std::vector<double>& lambda) {
  const std::size_t modes = equation.modes();
  std::vector<double> gain(modes), loss(modes), next(modes);
  double change = 0.0;
  for (int step = 0; step < steps; ++step) {
    equation.generator->log_rates(lambda, gain, loss);
    for (std::size_t s = 0; s < modes; ++s) next[s] = (1.0 - share) * lambda[s] + share * (loss[s] - gain[s]);
    double low = -1e4, high = 1e4;
    for (int halving = 0; halving < 80; ++halving) {
      const double shift = 0.5 * (low + high);
      double number = 0.0;
      for (const double x : next) number += 1.0 / (1.0 + std::exp(x + shift));
      (number > closed_filling * static_cast<double>(modes) ? low : high) = shift;
    }
    for (double& x : next) x += low;
    change = largest_difference(next, lambda);
    lambda = next;
  }
  return change;
}

TEST(LatticeFixedPoints, OnlyDampedIterationsSettleFromAfarWhenCold) {
  const RateEquation warm = make_rate_equation(closed_shell(1.0), {.backend = Backend::cpu}),
                     cold = make_rate_equation(closed_shell(20.0), {.backend = Backend::cpu});
  const std::vector<double> start = steady_state(warm, closed_filling).lagrange_multiplier;
  // Full steps oscillate between two distant states, which approach each other over thousands of steps.
  std::vector<double> plain = start;
  EXPECT_GT(iterate_fixed_point(cold, 1.0, 400, plain), 5.0);
  std::vector<double> back = plain;
  iterate_fixed_point(cold, 1.0, 2, back);
  EXPECT_LT(largest_difference(back, plain), 0.1);

  std::vector<double> damped = start;
  EXPECT_LT(iterate_fixed_point(cold, 0.5, 120, damped), 1e-11);
  SteadyStateOptions options;
  options.start = start;
  for (const SteadyState& state : {steady_state(cold, closed_filling, options), steady_state(cold, closed_filling)}) {
    ASSERT_TRUE(state.converged) << state.message;
    EXPECT_LE(state.steps, 15);
    // Multipliers are as large as 100.
    EXPECT_LT(largest_difference(state.lagrange_multiplier, damped), 1e-10);
  }
}

}  // namespace
}  // namespace lindrift::testing
