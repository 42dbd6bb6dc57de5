// Both open models in one to three dimensions: against stored values of another program, plain sums on random lattices
// without any symmetry, and rings; and invariances on a lattice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <complex>

#include "data/hatsugai_kohmoto_figures.hpp"
#include "data/hubbard_figure.hpp"
#include "data/open_lattices.hpp"
#include "hubbard/modes.hpp"
#include "lindrift/error.hpp"
#include "lindrift/hatsugai_kohmoto/density.hpp"
#include "lindrift/hatsugai_kohmoto/green.hpp"
#include "lindrift/hatsugai_kohmoto/spectral.hpp"
#include "lindrift/hubbard/green.hpp"
#include "lindrift/hubbard/spectral.hpp"
#include "reference/hatsugai_kohmoto.hpp"
#include "support/plain_lattice.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;
const Execution on_cpu{.backend = Backend::cpu};

plain::Model model_from(const data::open_lattices::Case& stored) {
  return {{stored.dims.begin(), stored.dims.end()},
          terms_from(stored.hop_up),
          terms_from(stored.hop_down),
          channels_from(stored.loss_up),
          channels_from(stored.loss_down),
          channels_from(stored.gain_down),
          stored.interaction};
}

HatsugaiKohmoto hatsugai_kohmoto_of(const plain::Model& from) {
  HatsugaiKohmoto model;
  set(from, model, model.up, model.down);
  model.interaction = static_cast<double>(from.interaction);
  return model;
}

TEST(OpenLattice, AgreesWithStoredNumbers) {
  for (const auto& stored : data::open_lattices::cases) {
    const plain::Model from = model_from(stored);
    const Lattice lattice(from.cells);
    const HatsugaiKohmoto model = hatsugai_kohmoto_of(from);
    const auto up = hopping_energies(model.terms(Spin::up), lattice),
               down = hopping_energies(model.terms(Spin::down), lattice);
    const BathRates rates = bath_rates(model.down, lattice), up_rates = bath_rates(model.up, lattice);
    const GreenResult result = green(model, stored.times, {}, on_cpu);
    for (std::size_t k = 0; k < from.size(); ++k) {
      const std::size_t i = ascending(from, k);
      EXPECT_NEAR(up[i], stored.energy_up[k], 2e-15 * 4.0);
      EXPECT_NEAR(down[i], stored.energy_down[k], 2e-15 * 4.0);
      EXPECT_NEAR(rates.gain[i], stored.rate_gain[k], 4e-15);
      EXPECT_NEAR(rates.loss[i], stored.rate_loss[k], 4e-15);
      EXPECT_NEAR(up_rates.loss[i], stored.rate_loss_up[k], 1e-15);
      for (std::size_t t = 0; t < stored.times.size(); ++t)
        EXPECT_NEAR(std::abs(result.green_retarded[t * from.size() + i] -
                             Complex(stored.hk_green[t][k][0], stored.hk_green[t][k][1])),
                    0.0, 1e-14);
    }
  }
}

TEST(OpenLattice, VelocitiesAreTheSlopesOfTheEnergies) {
  Random random(41);
  for (const plain::Vector& cells : {plain::Vector{7}, {4, 3}, {3, 4, 5}}) {
    const plain::Model from = random_model(random, cells);
    const Lattice lattice(cells);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const auto velocity = hopping_velocities(terms_of(from.hop_up), lattice, static_cast<int>(i));
      ASSERT_EQ(velocity.size(), from.size());
      double sum = 0.0;
      for (std::size_t k = 0; k < from.size(); ++k) {
        // Three terms of at most 2 R |x| < 6, each with a few rounding errors.
        EXPECT_NEAR(velocity[ascending(from, k)], static_cast<double>(from.velocity(from.hop_up, k, i)), 1e-14);
        sum += velocity[k];
      }
      EXPECT_NEAR(sum, 0.0, 1e-13) << "what is periodic has no mean slope";
    }
  }
}

/// The self-energy without its instantaneous part, at the arguments of the stored values.
std::vector<Complex> dynamical_part(HubbardChain model, const std::vector<double>& arguments, Algorithm algorithm) {
  const HubbardModes modes = hubbard_modes(model);
  std::vector<double> frequencies;
  for (const double w : arguments) frequencies.push_back(w + modes.argument_shift());
  HubbardSpectralOptions options;
  options.tolerance = 1e-13;
  Execution execution = on_cpu;
  execution.algorithm = algorithm;
  const HubbardSpectrum result = spectral(model, frequencies, options, execution);
  std::vector<Complex> values;
  for (std::size_t i = 0; i < result.self_energy.size(); ++i) {
    const std::size_t m = modes.order.position(i / arguments.size());
    values.push_back(result.self_energy[i] - Complex(modes.level_shift(), -0.5 * modes.probe_loss[m]));
  }
  return values;
}

TEST(OpenLattice, TheSelfEnergiesAgreeWithStoredNumbers) {
  using Stored = data::open_lattices::Case;
  for (const auto& stored : data::open_lattices::cases)
    for (const Algorithm algorithm : {Algorithm::fft, Algorithm::direct}) {
      const plain::Model from = model_from(stored);
      HubbardChain model = hubbard_of(from);
      const auto compare = [&](const auto& expected) {
        const auto values = dynamical_part(model, stored.w, algorithm);
        for (std::size_t w = 0; w < stored.w.size(); ++w)
          for (std::size_t k = 0; k < from.size(); ++k)
            // 1e-12 of the largest value, 0.2; the frequencies differ from the arguments by a rounding.
            EXPECT_NEAR(std::abs(values[ascending(from, k) * stored.w.size() + w] -
                                 Complex(expected[w][k][0], expected[w][k][1])),
                        0.0, 2e-13);
      };
      compare(stored.second_order);
      model.approximation = Approximation::ladder;
      for (const auto& [ladder, expected] : {std::pair{Ladder::particle, &Stored::particle},
                                             {Ladder::hole, &Stored::hole},
                                             {Ladder::both, &Stored::both}}) {
        model.ladder = ladder;
        compare(stored.*expected);
      }
    }
}

/// Lattices without any symmetry.
TEST(OpenLattice, AgreesWithPlainSumsOnRandomLattices) {
  Random random(17);
  for (const plain::Vector& cells : some_lattices) {
    const plain::Model from = random_model(random, cells);
    const plain::Modes modes(from);
    HatsugaiKohmoto model = hatsugai_kohmoto_of(from);
    const double time = 1.7;
    const GreenResult result = green(model, std::vector<double>{time}, {}, on_cpu);
    std::vector<plain::Complex> g;
    for (std::size_t k = 0; k < from.size(); ++k) {
      const reference::hatsugai_kohmoto::Mode mode{modes.up[k], from.interaction, modes.probe_loss[k], from.gain(k),
                                                   from.loss(k)};
      g.push_back(plain::Complex(0.0L, -1.0L) * mode.g(time, modes.occupation[k]));
      EXPECT_NEAR(std::abs(result.green_retarded_momentum[ascending(from, k)] - Complex(g.back())), 0.0, 1e-13);
    }
    plain::Real norm = 0.0L, drift[3] = {};
    for (std::size_t j = 0; j < from.size(); ++j) {
      plain::Complex sum = 0.0L;
      for (std::size_t k = 0; k < from.size(); ++k) sum += from.wave(k, from.integers(j)) * g[k];
      sum /= static_cast<plain::Real>(from.size());
      EXPECT_NEAR(std::abs(result.green_retarded[ascending(from, j)] - Complex(sum)), 0.0, 1e-13);
      norm += std::norm(sum);
      const LatticeVector label = Lattice(cells).momentum(ascending(from, j));
      for (std::size_t i = 0; i < cells.size(); ++i) drift[i] += static_cast<plain::Real>(label[i]) * std::norm(sum);
    }
    EXPECT_NEAR(result.norm[0], static_cast<double>(norm), 1e-13);
    for (std::size_t i = 0; i < cells.size(); ++i)
      EXPECT_NEAR(result.drift[i], static_cast<double>(drift[i] / norm), 1e-12);

    HubbardChain hubbard = hubbard_of(from);
    const std::vector<double> w = {-1.3, 0.0, 2.1};
    for (const Algorithm algorithm : {Algorithm::fft, Algorithm::direct}) {
      hubbard.approximation = Approximation::second_order;
      const auto second = dynamical_part(hubbard, w, algorithm);
      hubbard.approximation = Approximation::ladder;
      hubbard.ladder = Ladder::particle;
      const auto ladder = dynamical_part(hubbard, w, algorithm);
      for (std::size_t k = 0; k < from.size(); ++k)
        for (std::size_t i = 0; i < w.size(); ++i) {
          const std::size_t entry = ascending(from, k) * w.size() + i;
          // 1e-12 of self-energies of order one.
          EXPECT_NEAR(std::abs(second[entry] - Complex(plain::second_order(from, modes, k, w[i]))), 0.0, 1e-12);
          EXPECT_NEAR(std::abs(ladder[entry] - Complex(plain::particle_ladder(from, modes, k, w[i]))), 0.0, 1e-12);
        }
    }
  }
}

/// Two independent directions: stored values for 64 x 64 cells.
TEST(OpenLattice, DriftsAlongBothDirectionsOfASquare) {
  HatsugaiKohmoto model;
  model.cells = {64, 64};
  model.interaction = 4.0;
  model.hopping_terms = {{{1, 0}, -1.0}, {{0, 1}, -1.0}};
  model.down.gain = 1.5;
  const double a = std::sqrt(0.5);
  for (const LatticeVector& bond : {LatticeVector{1, 0}, LatticeVector{0, 1}})
    model.down.operators.push_back({BathOperatorKind::loss, {{{}, a}, {bond, Complex(0.0, a)}}});
  const GreenResult result = green(model, std::vector<double>{5.0, 10.0}, {}, on_cpu);
  EXPECT_NEAR(result.norm[0], 0.01736843251362, 1e-14);
  EXPECT_NEAR(result.norm[1], 0.00874880325835, 1e-14);
  for (const std::size_t i : {0, 1}) {
    EXPECT_NEAR(result.drift[i], 9.067451105809, 1e-11);
    EXPECT_NEAR(result.drift[2 + i], 19.44739089469, 1e-11);
    EXPECT_NEAR(result.drift_symmetric[2 + i], 19.44754118294, 1e-11);
  }
  EXPECT_NEAR(std::norm(result.green_retarded[(32 + 9) * 64 + 32 + 9]), 8.819550167686e-4, 1e-14);
}

TEST(OpenLattice, TheSelfEnergyOfALargeSquareHasTheNumbersOfTheSpecification) {
  HubbardChain model;
  model.cells = {128, 128};
  model.interaction = {2.0};
  model.hopping_terms = {{{1, 0}, -1.0}, {{0, 1}, -1.0}};
  model.down.gain = 0.2;
  model.down.operators = {{BathOperatorKind::loss, {{{}, std::sqrt(2.0)}, {{1, 0}, Complex(0.0, std::sqrt(2.0))}}},
                          {BathOperatorKind::loss, {{{}, std::sqrt(0.5)}, {{0, 1}, Complex(0.0, std::sqrt(0.5))}}}};
  HubbardSpectralOptions options;
  options.momenta = {0, 0, 32, 0, 0, 0};  // a path that returns to its start
  const HubbardSpectrum result = spectral(model, std::vector<double>{-2.0, 0.0}, options, on_cpu);
  const std::vector<Complex> expected = {{-.0093099133, -.0515983001},
                                         {.0054673328, -.0506072373},
                                         {-.0163973224, -.0596705899},
                                         {.0062313255, -.0562814035}};
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(std::abs(result.self_energy[i] - expected[i]), 0.0, 1e-9);
  EXPECT_EQ(result.self_energy[4], result.self_energy[0]);
  EXPECT_EQ(result.self_energy[5], result.self_energy[1]);
  EXPECT_EQ(result.momenta.size(), 6U);
}

/// A lattice in one direction equals the ring bit by bit, and additional directions of a single cell change nothing.
TEST(OpenLattice, OneDirectionIsTheRing) {
  for (const std::int64_t sites : {16, 13}) {
    HatsugaiKohmoto ring;
    ring.sites = sites;
    ring.hopping = 0.7;
    ring.interaction = 3.0;
    ring.down.gain = 1.5;
    ring.down.loss = 0.25;
    HatsugaiKohmoto lattice = ring;
    lattice.cells = {sites};
    lattice.hopping_terms = {{{1}, -0.7}};
    const std::vector<double> times = {0.5, 4.0};
    const GreenResult a = green(ring, times, {}, on_cpu), b = green(lattice, times, {}, on_cpu);
    EXPECT_EQ(a.green_retarded, b.green_retarded);
    EXPECT_EQ(a.drift, b.drift);
    for (const bool first : {true, false}) {
      HatsugaiKohmoto thin = lattice;
      thin.cells = first ? std::vector<std::int64_t>{sites, 1} : std::vector<std::int64_t>{1, sites};
      thin.hopping_terms = {{first ? LatticeVector{1, 0} : LatticeVector{0, 1}, -0.7}};
      const GreenResult c = green(thin, times, {}, on_cpu);
      for (std::size_t i = 0; i < a.green_retarded.size(); ++i)
        EXPECT_NEAR(std::abs(a.green_retarded[i] - c.green_retarded[i]), 0.0, 1e-15);
      EXPECT_NEAR(c.drift[first ? 0 : 1], a.drift[0], 1e-13);
    }
    HubbardChain chain;
    chain.sites = sites;
    chain.interaction = {2.0};
    chain.down.gain = 0.4;
    chain.down.loss = 1.0;
    HubbardChain square = chain;
    square.cells = {sites};
    square.hopping_terms = {{{1}, -1.0}};
    for (const Approximation approximation : {Approximation::second_order, Approximation::ladder}) {
      chain.approximation = square.approximation = approximation;
      const HubbardGreen c = green(chain, times, {}, on_cpu), d = green(square, times, {}, on_cpu);
      EXPECT_EQ(c.green_retarded, d.green_retarded);
    }
  }
}

/// The published chains, with their hopping and baths as lists of terms, have the stored numbers.
TEST(OpenLattice, ListsOfTermsRepeatThePublishedFigures) {
  const auto bond = [](double rate, Complex phase) {
    return BathOperator{BathOperatorKind::loss, {{{}, std::sqrt(rate)}, {{1}, std::sqrt(rate) * phase}}};
  };
  for (const auto& stored : data::hatsugai_kohmoto_figures::propagation) {
    HatsugaiKohmoto model;
    model.cells = {stored.sites};
    model.hopping_terms = {{{1}, -1.0}};
    model.interaction = stored.interaction;
    model.down.operators = {{BathOperatorKind::gain, {{{}, std::sqrt(1.5)}}}, bond(0.5, Complex(0.0, 1.0))};
    const GreenResult result = green(model, stored.times, {}, on_cpu);
    for (std::size_t t = 0; t < stored.times.size(); ++t) {
      EXPECT_NEAR(result.norm[t], stored.norm[t], 1e-12 * stored.norm[t]);
      EXPECT_NEAR(result.drift[t], stored.drift[t], 1e-11);
      EXPECT_NEAR(result.drift_symmetric[t], stored.drift_symmetric[t], 1e-11);
    }
  }
  namespace figure = data::hubbard_figure;
  HubbardChain chain;
  chain.cells = {128};
  chain.hopping_terms = {{{1}, -1.0}};
  chain.interaction = {2.0};
  chain.down.operators = {{BathOperatorKind::gain, {{{}, std::sqrt(0.2)}}}, bond(2.0, Complex(0.0, 1.0))};
  HubbardGreenOptions options;
  options.tolerance = 1e-12;
  const HubbardGreen result = green(chain, figure::times, options, on_cpu);
  for (std::size_t t = 0; t < figure::times.size(); ++t) {
    EXPECT_NEAR(result.norm[t], figure::norm[t], std::max(result.error, 1e-13));
    EXPECT_NEAR(result.drift[t], figure::drift[t], 1e-8);
  }
  HubbardSpectralOptions tight;
  tight.tolerance = 1e-12;
  for (const auto& row : figure::self_energy) {
    const auto m = static_cast<std::int64_t>(row[0]);
    tight.momenta = {m < 64 ? m : m - 128};
    const HubbardSpectrum spectrum = spectral(chain, std::vector<double>{row[1]}, tight, on_cpu);
    EXPECT_NEAR(std::abs(spectrum.self_energy[0] - Complex(row[2], row[3])), 0.0, 1e-12);
  }
}

/// k -> -k: the excitation moves the other way.
TEST(OpenLattice, InversionReversesTheDrift) {
  Random random(3);
  plain::Model from = random_model(random, {5, 7});
  const std::vector<double> times = {1.0, 3.0};
  const auto run = [&] { return green(hatsugai_kohmoto_of(from), times, {}, on_cpu); };
  const auto propagate = [&] { return green(hubbard_of(from), times, {}, on_cpu); };
  const GreenResult a = run();
  const HubbardGreen c = propagate();
  for (auto* terms : {&from.hop_up, &from.hop_down})
    for (plain::Term& term : *terms)
      for (std::int64_t& r : term.displacement) r = -r;
  for (auto* channels : {&from.loss_up, &from.loss_down, &from.gain_down})
    for (plain::Terms& channel : *channels)
      for (plain::Term& term : channel)
        for (std::int64_t& r : term.displacement) r = -r;
  const GreenResult b = run();
  const HubbardGreen d = propagate();
  for (std::size_t i = 0; i < a.drift.size(); ++i) {
    EXPECT_GT(std::fabs(a.drift[i]), 1e-4);  // far above the tolerances below
    EXPECT_NEAR(a.drift[i], -b.drift[i], 1e-12);
    EXPECT_NEAR(c.drift[i], -d.drift[i], 1e-9);  // the tolerance of the integral equation
  }
}

TEST(OpenLattice, ThePropagatorOfTheProbeHasTheMomentsOfItsProfile) {
  Random random(5);
  const plain::Model from = random_model(random, {4, 5});
  HubbardChain model = hubbard_of(from);
  for (const Approximation approximation : {Approximation::second_order, Approximation::ladder}) {
    model.approximation = approximation;
    const HubbardGreen result = green(model, std::vector<double>{0.0, 2.0}, {}, on_cpu);
    ASSERT_TRUE(result.converged);
    EXPECT_NEAR(std::abs(result.green_retarded[2 * 5 + 2] - Complex(0.0, -1.0)), 0.0, 1e-12);  // the origin at t = 0
    double norm = 0.0, drift[2] = {};
    for (std::size_t j = 0; j < 20; ++j) {
      const plain::Vector site = from.integers(j);
      plain::Complex sum = 0.0L;
      for (std::size_t k = 0; k < 20; ++k)
        sum += from.wave(k, site) * plain::Complex(result.green_retarded_momentum[20 + ascending(from, k)]);
      EXPECT_NEAR(std::abs(result.green_retarded[20 + ascending(from, j)] - Complex(sum / 20.0L)), 0.0, 1e-15);
      const LatticeVector label = Lattice(from.cells).momentum(ascending(from, j));
      norm += static_cast<double>(std::norm(sum / 20.0L));
      for (std::size_t i = 0; i < 2; ++i)
        drift[i] += static_cast<double>(label[i]) * static_cast<double>(std::norm(sum / 20.0L));
    }
    EXPECT_NEAR(result.norm[1], norm, 1e-14);
    for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(result.drift[2 + i], drift[i] / norm, 1e-13);
  }
}

/// Every way of specifying the initial state gives the same density, whose sum is the number of particles.
TEST(OpenLattice, EveryInitialStateGivesTheSameDensity) {
  Random random(9);
  const plain::Model from = random_model(random, {4, 3, 2});
  const Lattice lattice(from.cells);
  const HatsugaiKohmoto model = hatsugai_kohmoto_of(from);
  const std::size_t size = from.size();
  const std::vector<double> times = {0.0, 1.3};
  // Eight sites use a convolution, a single site uses a shift.
  UpSites all{{}, {}};
  UpCorrelation correlation{std::vector<Complex>(size * size)};
  UpFactors factors;
  std::vector<double> sum(2 * size);
  const GreenResult propagator = green(model, times, {}, on_cpu);
  for (std::size_t s = 0; s < 8; ++s) {
    const LatticeVector site = lattice.momentum(3 * s);
    all.sites.insert(all.sites.end(), site.begin(), site.end());
    factors.weights.push_back(1.0);
    for (std::size_t k = 0; k < size; ++k) {
      const Phase right = lattice.phase(k, site);
      factors.vectors.push_back(Complex(right.cosine, -right.sine) / std::sqrt(static_cast<double>(size)));
    }
    for (std::size_t k = 0; k < size; ++k)
      for (std::size_t q = 0; q < size; ++q)
        correlation.values[k * size + q] += std::conj(factors.vectors[s * size + k]) * factors.vectors[s * size + q];
    const DensityResult one = density(model, UpSites{{site.begin(), site.end()}, {}}, times, {}, on_cpu);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += one.density[i];
    for (std::size_t j = 0; j < size; ++j) {
      LatticeVector away = lattice.momentum(j);
      for (std::size_t i = 0; i < 3; ++i) away[i] -= site[i];
      const double background = (one.particle_number[1] - propagator.norm[1]) / static_cast<double>(size);
      EXPECT_NEAR(one.density[size + j],
                  std::norm(propagator.green_retarded[size + lattice.index_of(away)]) + background, 1e-14);
    }
  }
  for (const UpState& state : std::vector<UpState>{all, correlation, factors}) {
    const DensityResult result = density(model, state, times, {}, on_cpu);
    double number = 0.0, moment[3] = {};
    for (std::size_t j = 0; j < size; ++j) {
      EXPECT_NEAR(result.density[size + j], sum[size + j], 1e-13);
      EXPECT_NEAR(result.density[j], sum[j], 1e-13);
      number += result.density[size + j];
      for (std::size_t i = 0; i < 3; ++i)
        moment[i] += static_cast<double>(lattice.momentum(j)[i]) * result.density[size + j];
    }
    EXPECT_NEAR(result.particle_number[1], number, 1e-12);
    // The probe has only losses, so the steady density is zero.
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(result.drift[3 + i], moment[i] / number, 1e-12);
  }
}

/// Both spins on sites, and the same state given by its four correlators.
TEST(OpenLattice, TwoFockStatesAreTheirCorrelators) {
  Random random(21);
  const plain::Model from = random_model(random, {3, 4});
  const Lattice lattice(from.cells);
  const HatsugaiKohmoto model = hatsugai_kohmoto_of(from);
  const std::size_t size = from.size();
  const std::vector<LatticeVector> up = {{0, 0}, {1, -2}}, down = {{-1, 1}, {0, 0}, {1, 1}};
  const auto structure = [&](const std::vector<LatticeVector>& sites, std::size_t k, std::size_t q) {
    Complex sum = 0.0;
    for (const LatticeVector& site : sites) {
      const Phase a = lattice.phase(k, site), b = lattice.phase(q, site);
      sum += Complex(a.cosine, a.sine) * Complex(b.cosine, -b.sine);
    }
    return sum / static_cast<double>(size);
  };
  Correlators correlators;
  const double mean = static_cast<double>(down.size()) / static_cast<double>(size);
  for (auto& values : correlators.values) values.resize(size * size);
  for (std::size_t k = 0; k < size; ++k)
    for (std::size_t q = 0; q < size; ++q) {
      const Complex c = structure(up, k, q);
      const std::size_t entry = k * size + q;
      correlators.values[0][entry] = c;
      correlators.values[1][entry] = correlators.values[2][entry] = mean * c;
      correlators.values[3][entry] = (mean * mean - std::norm(structure(down, k, q))) * c;
    }
  UpSites state{{}, {}};
  for (const LatticeVector& site : up) state.sites.insert(state.sites.end(), site.begin(), site.begin() + 2);
  DensityOptions options;
  options.down_sites.emplace();
  for (const LatticeVector& site : down)
    options.down_sites->insert(options.down_sites->end(), site.begin(), site.begin() + 2);
  const std::vector<double> times = {0.9, 2.5};
  const DensityResult a = density(model, state, times, options, on_cpu),
                      b = density(model, correlators, times, {}, on_cpu);
  for (std::size_t i = 0; i < a.density.size(); ++i) EXPECT_NEAR(a.density[i], b.density[i], 1e-13);
  for (std::size_t i = 0; i < a.drift.size(); ++i) EXPECT_NEAR(a.drift[i], b.drift[i], 1e-12);
}

/// Selected momenta, in any order, are rows of the full result.
TEST(OpenLattice, APathIsMadeOfRowsOfTheWhole) {
  Random random(11);
  const plain::Model from = random_model(random, {4, 5});
  const std::vector<double> w = {-0.5, 1.5};
  const std::vector<std::int64_t> path = {0, 0, 1, 0, 1, -2, 0, 0};
  const HatsugaiKohmoto model = hatsugai_kohmoto_of(from);
  SpectralOptions options;
  const SpectralResult whole = spectral(model, w, options, on_cpu);
  options.momenta = path;
  const SpectralResult rows = spectral(model, w, options, on_cpu);
  const HubbardChain hubbard = hubbard_of(from);
  HubbardSpectralOptions some;
  some.momenta = path;
  const HubbardSpectrum all = spectral(hubbard, w, {}, on_cpu), chosen = spectral(hubbard, w, some, on_cpu);
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t k = Lattice(from.cells).index_of({path[2 * i], path[2 * i + 1]});
    for (std::size_t column = 0; column < 2; ++column) {
      EXPECT_EQ(rows.spectral_function[2 * i + column], whole.spectral_function[2 * k + column]);
      EXPECT_NEAR(std::abs(chosen.self_energy[2 * i + column] - all.self_energy[2 * k + column]), 0.0, 1e-9);
      EXPECT_GE(chosen.spectral_function[2 * i + column], 0.0);
    }
  }
}

TEST(OpenLattice, RefusesWhatDoesNotFit) {
  using ::testing::HasSubstr;
  HubbardChain model;
  model.cells = {4, 4};
  model.hopping_terms = {{{1, 0}, -1.0}};
  model.down.gain = 0.5;
  const auto message = [](const auto& wrong) -> std::string {
    try {
      validate(wrong);
    } catch (const ParameterError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message(model), "");
  const auto with = [&](const auto& change) {
    HubbardChain wrong = model;
    change(wrong);
    return message(wrong);
  };
  EXPECT_THAT(with([](auto& m) { m.cells = {4, 4, 4, 4}; }), HasSubstr("model.cells: 4 directions"));
  EXPECT_THAT(with([](auto& m) { m.cells = {4, 0}; }), HasSubstr("model.cells[1]: 0"));
  EXPECT_THAT(with([](auto& m) { m.hopping_terms.clear(); }), HasSubstr("model.hopping_terms"));
  EXPECT_THAT(with([](auto& m) { m.cells.clear(); }),
              HasSubstr("model.hopping_terms: hopping terms go with model.cells"));
  EXPECT_THAT(with([](auto& m) { m.hopping_terms_up = m.hopping_terms; }), HasSubstr("cannot stand beside"));
  EXPECT_THAT(with([](auto& m) { m.hopping_terms_up.swap(m.hopping_terms); }), HasSubstr("model.hopping_terms_down"));
  EXPECT_THAT(with([](auto& m) { m.hopping_terms.push_back({{0, 0, 1}, 1.0}); }), HasSubstr("model.hopping_terms[1]"));
  EXPECT_THAT(with([](auto& m) { m.hopping_terms.push_back({{1}, 1.0, 1}); }), HasSubstr("in 1 directions"));
  EXPECT_THAT(with([](auto& m) { m.interaction = {1.0, 0.5}; }), HasSubstr("model.interaction"));
  EXPECT_THAT(with([](auto& m) { m.down.two_site_loss = 1.0; }), HasSubstr("bath.down.two_site_loss"));
  EXPECT_THAT(with([](auto& m) { m.down.operators.push_back({}); }), HasSubstr("bath.down.operator[0].terms"));
  EXPECT_THAT(with([](auto& m) {
                m.up.operators.push_back({BathOperatorKind::gain, {{{}, 1.0}}});
              }),
              HasSubstr("bath.up.operator[0].kind"));
  EXPECT_THAT(with([](auto& m) { m.down = {}; }), HasSubstr("gain and loss both vanish at k = -3.14"));
  HubbardSpectralOptions options;
  options.momenta = {0, 1, 2};
  EXPECT_THROW(spectral(model, std::vector<double>{0.0}, options, on_cpu), ParameterError);
  options.momenta = {0, 2};
  EXPECT_THROW(spectral(model, std::vector<double>{0.0}, options, on_cpu), ParameterError);
  EXPECT_THROW(green(model, std::vector<double>{1.0}, {}, {.backend = Backend::cuda}), UnsupportedError);
  HatsugaiKohmoto other;
  other.cells = model.cells;
  other.hopping_terms = model.hopping_terms;
  EXPECT_THROW(green(other, std::vector<double>{1.0}, {}, {.backend = Backend::cuda}), UnsupportedError);
  other.cluster = 2;
  EXPECT_THAT(message(other), HasSubstr("model.cells"));
}

}  // namespace
}  // namespace lindrift::testing
