// Clusters of a few orbitals: the sparse Lindbladian, its steady state and its Green's function, compared with the
// master equation in the full Fock space, with stored values, and with the exact solution of one momentum.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "clusters/cluster_state.hpp"
#include "clusters/cost.hpp"
#include "clusters/krylov.hpp"
#include "clusters/mixed_momenta.hpp"
#include "data/hubbard_exact_rings.hpp"
#include "data/orbital_clusters.hpp"
#include "hubbard/rings.hpp"
#include "lindrift/hatsugai_kohmoto/green.hpp"
#include "lindrift/hatsugai_kohmoto/spectral.hpp"
#include "lindrift/hubbard/exact.hpp"
#include "reference/open_fermions.hpp"
#include "support/random.hpp"

namespace lindrift::testing {
namespace {

using clusters::Cluster;
using clusters::ClusterGreen;
using clusters::ClusterState;
using Complex = std::complex<double>;
using Matrix = std::vector<Complex>;
using reference::OpenFermions;

/// Stored values are as accurate as dense solutions, a few hundred roundings.
constexpr double accuracy = 1e-12;

Matrix zero(int n) { return Matrix(static_cast<std::size_t>(n * n)); }

/// The adjoint of a matrix (n, n).
Matrix adjoint(const Matrix& a, std::size_t n) {
  Matrix result(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) result[j * n + i] = std::conj(a[i * n + j]);
  return result;
}

/// Adds the sum over channels of l_a conj(l_b).
void add_channel(Matrix& rates, const std::vector<Complex>& amplitudes) {
  const std::size_t n = amplitudes.size();
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = 0; b < n; ++b) rates[a * n + b] += amplitudes[a] * std::conj(amplitudes[b]);
}

/// The two orbitals at one momentum to which the stored values belong.
Cluster two_orbitals(double momentum, double interaction) {
  Cluster cluster;
  cluster.orbitals = 2;
  const Complex hop = 1.0 + 0.7 * std::exp(Complex(0.0, -momentum));
  for (std::size_t s = 0; s < 2; ++s) {
    cluster.hamiltonian[s] = {0.0, hop, std::conj(hop), 0.0};
    cluster.loss[s] = cluster.gain[s] = zero(2);
  }
  for (const std::size_t a : {0, 3}) {
    cluster.gain[0][a] = cluster.loss[0][a] = 0.05;
    cluster.gain[1][a] = 0.5;
  }
  add_channel(cluster.loss[1], {1.0, Complex(0.0, 1.0)});
  add_density_interaction(cluster, std::vector<double>{interaction, 0.0, 0.0, interaction});
  return cluster;
}

/// All amplitudes random: hopping, two channels of loss and of gain for each spin, interactions of all pairs.
struct RandomCluster {
  Cluster cluster;
  OpenFermions space;

  RandomCluster(Random& random, int n) : space(2 * static_cast<std::size_t>(n)) {
    const auto size = static_cast<std::size_t>(n);
    cluster.orbitals = n;
    for (std::size_t s = 0; s < 2; ++s) {
      Matrix h(size * size);
      for (Complex& element : h) element = random.complex(1.0);
      const Matrix partner = adjoint(h, size);
      for (std::size_t i = 0; i < h.size(); ++i) h[i] += partner[i];
      cluster.hamiltonian[s] = h;
      cluster.loss[s] = cluster.gain[s] = zero(n);
      for (std::size_t a = 0; a < size; ++a)
        for (std::size_t b = 0; b < size; ++b)
          space.add_to_hamiltonian(h[a * size + b], space.product(space.create(a + s * size), space.c(b + s * size)));
      for (const bool gain : {false, true})
        for (int channel = 0; channel < 2; ++channel) {
          std::vector<Complex> amplitudes(size);
          OpenFermions::Operator jump = space.zero();
          for (std::size_t a = 0; a < size; ++a) {
            amplitudes[a] = random.complex(0.8);
            OpenFermions::add(jump, amplitudes[a], gain ? space.create(a + s * size) : space.c(a + s * size));
          }
          space.add_jump(jump);
          add_channel(gain ? cluster.gain[s] : cluster.loss[s], amplitudes);
        }
    }
    std::vector<double> interaction = random.vector(size * size, -3.0, 3.0);
    add_density_interaction(cluster, interaction);
    for (std::size_t a = 0; a < size; ++a)
      for (std::size_t b = 0; b < size; ++b)
        space.add_to_hamiltonian(interaction[a * size + b], space.product(space.number(a), space.number(b + size)));
  }
};

/// The density operator of a state as a matrix between configurations.
OpenFermions::Operator dense(const ClusterState& state, const OpenFermions& space) {
  OpenFermions::Operator rho = space.zero();
  for (std::size_t i = 0; i < state.density.size(); ++i) {
    const clusters::Pair pair = state.sector.basis()[i];
    rho[pair.ket * space.dimension() + pair.bra] = state.density[i];
  }
  return rho;
}

std::vector<int> all_orbitals(const Cluster& cluster) {
  std::vector<int> orbitals;
  for (int a = 0; a < cluster.orbitals; ++a) orbitals.push_back(a);
  return orbitals;
}

TEST(Clusters, SteadyStateAndGreenFunctionAreThoseOfTheMasterEquation) {
  Random random(71);
  for (int round = 0; round < 3; ++round) {
    const RandomCluster random_cluster(random, 2);
    const Cluster& cluster = random_cluster.cluster;
    const OpenFermions& space = random_cluster.space;
    const ClusterState state = clusters::steady_state(cluster, false);
    EXPECT_EQ(state.sector.size(), 36U);
    const OpenFermions::Operator rho = dense(state, space);

    for (int spin = 0; spin < 2; ++spin) {
      const Matrix correlations = clusters::one_body(state, spin);
      for (std::size_t a = 0; a < 2; ++a)
        for (std::size_t b = 0; b < 2; ++b) {
          const auto p = a + 2 * static_cast<std::size_t>(spin), q = b + 2 * static_cast<std::size_t>(spin);
          const OpenFermions::Operator hop = space.product(space.create(p), space.c(q));
          EXPECT_LT(std::abs(correlations[a * 2 + b] - space.expectation(hop, rho)), 1e-14);
          // The steady state stays steady under the equation of motion of the operators, which the library does not
          // use.
          EXPECT_LT(std::abs(space.expectation(space.evolved(hop, 0.7, false), rho) - correlations[a * 2 + b]),
                    accuracy);
        }
    }

    const ClusterGreen green(cluster, state, false, all_orbitals(cluster));
    EXPECT_EQ(green.size(), 24U);
    const std::vector<double> times{0.0, 0.6, 1.7};
    std::vector<Complex> values(times.size() * 4);
    green.at_times(times, values);
    for (std::size_t t = 0; t < times.size(); ++t)
      for (std::size_t a = 0; a < 2; ++a) {
        const OpenFermions::Operator later = space.evolved(space.c(a), times[t], true);
        for (std::size_t b = 0; b < 2; ++b) {
          OpenFermions::Operator sum = space.product(later, space.create(b));
          OpenFermions::add(sum, 1.0, space.product(space.create(b), later));
          EXPECT_LT(std::abs(values[(t * 2 + a) * 2 + b] - Complex(0.0, -1.0) * space.expectation(sum, rho)), accuracy);
        }
      }
  }
}

TEST(Clusters, GreenFunctionsOfTimeAndOfFrequencyAgree) {
  // The resolvent at eta = 40 is compared with the integral of e^{iwt - eta t} G(t) over [0, 1] by quadrature.
  Random random(72);
  const RandomCluster random_cluster(random, 3);
  const Cluster& cluster = random_cluster.cluster;
  const ClusterState state = clusters::steady_state(cluster, false);
  const ClusterGreen green(cluster, state, false, all_orbitals(cluster));
  EXPECT_EQ(green.size(), 300U);
  const double eta = 40.0;
  const std::vector<double> frequencies{-1.3, 2.1};
  std::vector<Complex> values(frequencies.size() * 9);
  EXPECT_LE(green.spectral(frequencies, eta, 300, values), 1e-13);
  // 400 nodes of the Gauss-Legendre rule on [0, 1] in 80 panels; e^{-40} is below the last bit.
  constexpr double node[5] = {0.0, 0.5384693101056831, 0.9061798459386640, -0.5384693101056831, -0.9061798459386640};
  constexpr double weight[5] = {0.5688888888888889, 0.4786286704993665, 0.2369268850561891, 0.4786286704993665,
                                0.2369268850561891};
  std::vector<std::pair<double, double>> rule;
  constexpr int panels = 80;
  for (int panel = 0; panel < panels; ++panel)
    for (int i = 0; i < 5; ++i) rule.emplace_back((panel + 0.5 + 0.5 * node[i]) / panels, 0.5 * weight[i] / panels);
  std::sort(rule.begin(), rule.end());
  std::vector<double> times;
  for (const auto& [time, w] : rule) times.push_back(time);
  std::vector<Complex> in_time(times.size() * 9);
  green.at_times(times, in_time);
  for (std::size_t w = 0; w < frequencies.size(); ++w)
    for (std::size_t i = 0; i < 9; ++i) {
      Complex sum = 0.0;
      for (std::size_t t = 0; t < times.size(); ++t)
        sum += rule[t].second * std::exp(Complex(-eta, frequencies[w]) * times[t]) * in_time[t * 9 + i];
      EXPECT_LT(std::abs(sum - values[w * 9 + i]), 1e-12);
    }
}

TEST(Clusters, TwoOrbitalsGiveTheStoredValues) {
  for (const auto& stored : data::orbital_clusters::one_momentum) {
    SCOPED_TRACE(stored.momentum);
    const Cluster cluster = two_orbitals(stored.momentum, stored.interaction);
    const ClusterState state = clusters::steady_state(cluster, false);
    for (int spin = 0; spin < 2; ++spin) {
      const auto& expected = spin == 0 ? stored.one_body_up : stored.one_body_down;
      const Matrix correlations = clusters::one_body(state, spin);
      for (std::size_t i = 0; i < 4; ++i)
        EXPECT_LT(std::abs(correlations[i] - Complex(expected[i][0], expected[i][1])), accuracy);
    }
    const ClusterGreen green(cluster, state, false, {0, 1});
    std::vector<Complex> values(stored.frequencies.size() * 4);
    EXPECT_LE(green.spectral(stored.frequencies, 0.0, 1000, values), 1e-13);
    for (std::size_t w = 0; w < stored.frequencies.size(); ++w)
      for (std::size_t i = 0; i < 4; ++i)
        EXPECT_LT(std::abs(values[w * 4 + i] - Complex(stored.green[w][i][0], stored.green[w][i][1])), accuracy);
  }
}

TEST(Clusters, MomentaThatMixGiveTheStoredValues) {
  for (const auto& stored : data::orbital_clusters::momentum_mixing) {
    SCOPED_TRACE(stored.cluster);
    const auto n = static_cast<std::size_t>(stored.cluster);
    HatsugaiKohmoto chain;
    chain.sites = stored.sites;
    chain.interaction = stored.interaction;
    chain.down.gain = stored.gain;
    chain.down.two_site_loss = stored.two_site_loss;
    const HatsugaiKohmotoModes modes = modes_of(chain);
    const clusters::MixedStates states(
        {n, {modes.energy, modes.energy}, {modes.up, modes.down}, std::vector<Complex>(n, stored.interaction)});
    EXPECT_EQ(mixed_cost(states.problem(), 1, 1, 0, 0.0, 1).green_operators, static_cast<double>(stored.dimension));
    const std::vector<std::size_t> chosen{static_cast<std::size_t>(stored.momentum_index) +
                                          static_cast<std::size_t>(stored.sites / 2)};
    std::vector<Complex> values(stored.frequencies.size());
    EXPECT_LE(states.spectral(chosen, stored.frequencies, 0.0, {}, values), 1e-13);
    for (std::size_t w = 0; w < values.size(); ++w)
      EXPECT_LT(std::abs(values[w] - Complex(stored.green[w][0], stored.green[w][1])), accuracy);
  }
}

TEST(Clusters, CostsCountTheOperatorsOfOneParticle) {
  for (const std::int64_t sites : {2, 3, 4, 5}) {
    HubbardChain ring;
    ring.sites = sites;
    ring.interaction = {1.0};
    ring.down.gain = 0.2;
    ring.down.loss = 0.3;
    clusters::SpinSector one_particle;
    one_particle.bra_particles = 1;
    EXPECT_EQ(clusters::one_particle_cost(static_cast<std::size_t>(sites)).operators,
              static_cast<double>(
                  clusters::Lindbladian::dimension(whole_ring(ring).group(0), one_particle, clusters::SpinSector{}, 0)))
        << sites;
  }
}

TEST(Clusters, MomentaThatMixGoFromOneModelToTheOther) {
  // Norms from docs/physics.md, section 13, as rounded there: 60 sites, t = 6.
  HatsugaiKohmoto chain;
  chain.sites = 60;
  chain.interaction = 2.0;
  chain.down.gain = 0.2;
  chain.down.two_site_loss = 2.0;
  const std::vector<double> times{6.0};
  for (const auto& [cluster, norm] : {std::pair{1, 0.572}, {2, 0.360}, {3, 0.263}, {4, 0.227}}) {
    chain.cluster = cluster;
    EXPECT_NEAR(green(chain, times).norm[0], norm, 6e-4) << cluster;
  }
  // If all momenta of a ring mix, it is the Hubbard ring.
  chain.sites = chain.cluster = 5;
  HubbardChain ring;
  ring.sites = 5;
  ring.interaction = {2.0};
  ring.down = chain.down;
  const std::vector<double> frequencies{-1.0, 0.5};
  const SpectralResult mixed = spectral(chain, frequencies);
  HubbardExactOptions options;
  options.frequencies = frequencies;
  const HubbardExact whole = exact(ring, options);
  for (std::size_t i = 0; i < mixed.spectral_function.size(); ++i) {
    EXPECT_EQ(mixed.spectral_function[i], whole.spectral_function[i]);
    EXPECT_EQ(mixed.self_energy[i], whole.self_energy[i]);
  }
}

TEST(Clusters, OneMomentumIsTheClosedForm) {
  // A cluster of one momentum, solved by the Lindbladian, against the closed form; also with gain of spin up.
  for (const double up_gain : {0.0, 0.3}) {
    HatsugaiKohmoto chain;
    chain.sites = 5;
    chain.interaction = -1.7;
    chain.down.gain = 0.4;
    chain.down.two_site_loss = 1.1;
    chain.up.gain = up_gain;
    chain.up.two_site_loss = 0.2;
    const HatsugaiKohmotoModes modes = modes_of(chain);
    const clusters::MixedStates states({1, {modes.energy, modes.energy}, {modes.up, modes.down}, {chain.interaction}});
    const std::vector<double> times{0.0, 0.8, 2.5}, frequencies{-2.0, 0.3};
    std::vector<Complex> in_time(times.size() * 5), in_frequency(frequencies.size() * 5);
    states.at_times(times, {}, in_time);
    states.spectral(std::vector<std::size_t>{0, 1, 2, 3, 4}, frequencies, 0.1, {}, in_frequency);
    const GreenResult closed = green(chain, times);
    SpectralOptions damped;
    damped.broadening = 0.1;
    const SpectralResult spectrum = spectral(chain, frequencies, damped);
    for (std::size_t i = 0; i < in_time.size(); ++i)
      EXPECT_LT(std::abs(in_time[i] - closed.green_retarded_momentum[i]), 1e-14);
    for (std::size_t i = 0; i < in_frequency.size(); ++i)
      EXPECT_LT(std::abs(in_frequency[i] - spectrum.green_retarded[i]), 1e-13);
  }
}

/// A ring with local gain and two-site loss of spin down.
template <class Case>
HubbardChain driven_ring(const Case& stored, double phase) {
  HubbardChain chain;
  chain.sites = stored.sites;
  chain.interaction = {stored.interaction};
  chain.down.gain = stored.gain;
  chain.down.two_site_loss = stored.two_site_loss;
  chain.down.two_site_loss_phase = phase;
  return chain;
}

/// Position of m = 0 .. L-1 in ascending order.
std::size_t ascending(std::size_t m, std::int64_t sites) {
  const auto count = static_cast<std::size_t>(sites);
  return (m + count / 2) % count;
}

TEST(ExactHubbard, ProbeOfSmallRingsHasTheStoredGreenFunction) {
  for (const auto& stored : data::hubbard_exact_rings::probes) {
    SCOPED_TRACE(stored.sites);
    const HubbardChain chain = driven_ring(stored, stored.phase);
    HubbardExactOptions options;
    options.times = stored.times;
    options.frequencies = stored.frequencies;
    EXPECT_EQ(plan_exact(chain, options).green_operators, static_cast<double>(stored.dimension));
    const HubbardExact ring = exact(chain, options);
    const auto sites = static_cast<std::size_t>(stored.sites);
    for (std::size_t m = 0; m < sites; ++m) {
      const std::size_t k = ascending(m, stored.sites);
      for (std::size_t w = 0; w < stored.frequencies.size(); ++w) {
        const Complex expected(stored.green_frequency[w][m][0], stored.green_frequency[w][m][1]);
        EXPECT_LT(std::abs(ring.green_retarded_frequency[k * stored.frequencies.size() + w] - expected),
                  accuracy * std::abs(expected) * 10.0);
      }
      for (std::size_t t = 0; t < stored.times.size(); ++t) {
        const Complex expected(stored.green_time[t][m][0], stored.green_time[t][m][1]);
        EXPECT_LT(std::abs(ring.green_retarded_momentum[t * sites + k] - expected), accuracy)
            << t << " " << m << " " << ring.green_retarded_momentum[t * sites + k] << expected;
      }
    }
    for (std::size_t t = 0; t < stored.times.size(); ++t) EXPECT_NEAR(ring.norm[t], stored.norms[t], accuracy);
  }
}

TEST(ExactHubbard, TwoDrivenSpinsCarryThePublishedCurrents) {
  for (const auto& stored : data::hubbard_exact_rings::two_spins) {
    SCOPED_TRACE(stored.sites);
    HubbardChain chain = driven_ring(stored, stored.phase_over_pi * std::numbers::pi);
    chain.up.gain = stored.up_gain;
    chain.up.loss = stored.up_loss;
    EXPECT_NEAR(exact(chain).current_spin[0], stored.current_up, stored.sites < 5 ? 6e-6 : 6e-7);
  }
}

}  // namespace
}  // namespace lindrift::testing
