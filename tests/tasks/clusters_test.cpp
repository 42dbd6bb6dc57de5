// Clusters of a few orbitals: the sparse Lindbladian, its steady state and its Green's function, compared with the
// master equation in the full Fock space, with stored values, and with the exact solution of one momentum.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "clusters/cluster_state.hpp"
#include "clusters/cost.hpp"
#include "clusters/krylov.hpp"
#include "clusters/mixed_momenta.hpp"
#include "data/hubbard_exact_rings.hpp"
#include "data/orbital_clusters.hpp"
#include "hubbard/collisions.hpp"
#include "hubbard/rings.hpp"
#include "lindrift/hatsugai_kohmoto/green.hpp"
#include "lindrift/hatsugai_kohmoto/spectral.hpp"
#include "lindrift/hubbard/exact.hpp"
#include "lindrift/hubbard/spectral.hpp"
#include "reference/open_fermions.hpp"
#include "support/hubbard.hpp"
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

/// A Hubbard model on four sites of a square, wrapped around: every spin hops along both directions and across, and has
/// its own operators of one and two sites. The sites are orbitals of a cluster.
struct Square {
  HubbardChain chain;
  Cluster cluster;
  OpenFermions space{8};

  static constexpr std::size_t sites = 4;
  static std::size_t site(const LatticeVector& r) {
    return static_cast<std::size_t>(2 * ((r[0] % 2 + 2) % 2) + (r[1] % 2 + 2) % 2);
  }
  static LatticeVector cell(std::size_t j) {
    return {static_cast<std::int64_t>(j / 2), static_cast<std::int64_t>(j % 2), 0};
  }
  static std::size_t moved(std::size_t j, const LatticeVector& by) {
    LatticeVector to = cell(j);
    for (std::size_t i = 0; i < 2; ++i) to[i] += by[i];
    return site(to);
  }

  /// @param driven  spin up has a bath, too
  Square(double interaction, bool driven) {
    chain.cells = {2, 2};
    chain.interaction = {interaction};
    chain.hopping_terms_up = {{{1, 0}, -0.5}, {{0, 1}, -0.4}, {{1, 1}, 0.15}};
    chain.hopping_terms_down = {{{1, 0}, -0.6}, {{0, 1}, Complex(-0.3, 0.2)}, {{1, 1}, Complex(0.1, -0.2)}};
    chain.down.operators = {{BathOperatorKind::gain, {{{0, 0}, 0.6}}},
                            {BathOperatorKind::gain, {{{0, 0}, 0.3}, {{1, 1}, Complex(0.1, 0.2)}}},
                            {BathOperatorKind::loss, {{{0, 0}, 0.9}, {{1, 0}, Complex(0.0, 0.7)}}},
                            {BathOperatorKind::loss, {{{0, 0}, 0.5}, {{0, 1}, Complex(0.3, 0.4)}}}};
    if (driven)
      chain.up.operators = {{BathOperatorKind::gain, {{{0, 0}, 0.7}, {{0, 1}, -0.2}}},
                            {BathOperatorKind::loss, {{{0, 0}, 0.8}, {{1, 0}, 0.3}}}};
    cluster.orbitals = sites;
    for (std::size_t s = 0; s < 2; ++s) {
      cluster.hamiltonian[s] = cluster.loss[s] = cluster.gain[s] = zero(sites);
      for (std::size_t j = 0; j < sites; ++j) {
        for (const LatticeTerm& term : s == 0 ? chain.hopping_terms_up : chain.hopping_terms_down)
          add_hop(s, j, moved(j, term.displacement), term.amplitude);
        for (const BathOperator& channel : s == 0 ? chain.up.operators : chain.down.operators)
          add_operator(s, j, channel);
      }
    }
    std::vector<double> on_site(sites * sites);
    for (std::size_t j = 0; j < sites; ++j) {
      on_site[j * sites + j] = interaction;
      space.add_to_hamiltonian(interaction, space.product(space.number(j), space.number(sites + j)));
    }
    add_density_interaction(cluster, on_site);
  }

  /// e^{ik.(a - b)} / N.
  static Complex wave(const LatticeVector& m, std::size_t a, std::size_t b) {
    const LatticeVector x = cell(a), y = cell(b);
    return std::exp(Complex(0.0, std::numbers::pi * static_cast<double>(m[0] * (x[0] - y[0]) + m[1] * (x[1] - y[1])))) /
           static_cast<double>(sites);
  }

 private:
  void add_hop(std::size_t s, std::size_t to, std::size_t from, Complex amplitude) {
    cluster.hamiltonian[s][to * sites + from] += amplitude;
    cluster.hamiltonian[s][from * sites + to] += std::conj(amplitude);
    const auto hop = [&](std::size_t i, std::size_t j) {
      return space.product(space.create(i + s * sites), space.c(j + s * sites));
    };
    space.add_to_hamiltonian(amplitude, hop(to, from));
    space.add_to_hamiltonian(std::conj(amplitude), hop(from, to));
  }
  void add_operator(std::size_t s, std::size_t j, const BathOperator& channel) {
    const bool gain = channel.kind == BathOperatorKind::gain;
    std::vector<Complex> amplitudes(sites);
    OpenFermions::Operator jump = space.zero();
    for (const LatticeTerm& term : channel.terms) {
      const std::size_t at = moved(j, term.displacement);
      amplitudes[at] += term.amplitude;
      OpenFermions::add(jump, term.amplitude, gain ? space.create(at + s * sites) : space.c(at + s * sites));
    }
    space.add_jump(jump);
    add_channel(gain ? cluster.gain[s] : cluster.loss[s], amplitudes);
  }
};

TEST(Clusters, ASquareOfFourSitesIsTheMasterEquationInItsFockSpace) {
  const Square square(1.3, true);
  const ClusterState state = clusters::steady_state(square.cluster, false);
  EXPECT_EQ(state.sector.size(), 4900U);
  const OpenFermions& space = square.space;
  const OpenFermions::Operator rho = dense(state, space);
  double largest = 0.0;
  for (const Complex& element : space.rate(rho)) largest = std::max(largest, std::abs(element));
  EXPECT_LT(largest, accuracy);
  const ClusterGreen green(square.cluster, state, false, {0, 1, 2, 3});
  const std::vector<double> times{0.1};
  std::vector<Complex> values(16);
  green.at_times(times, values);
  const OpenFermions::Operator later = space.evolved(space.c(0), times[0], true);
  for (std::size_t b = 0; b < 4; ++b) {
    // later c+_b = (c_b later^+)^+ has the sparse factor on the left.
    OpenFermions::Operator sum = space.adjoint(space.product(space.c(b), space.adjoint(later)));
    OpenFermions::add(sum, 1.0, space.product(space.create(b), later));
    EXPECT_LT(std::abs(values[b] - Complex(0.0, -1.0) * space.expectation(sum, rho)), accuracy);
  }
}

/// Power of the interaction with which an error falls, from U = 0.2 and 0.1.
template <class Error>
double power_of(const Error& error) {
  return std::log2(error(0.2) / error(0.1));
}

TEST(Clusters, CollisionsOnASquareOfFourSitesAreExactThroughTheirOrder) {
  // n_0 + I[n_0] / Gamma leaves out the third power of U, with both ladders the fourth.
  for (const auto& [order, power] : {std::pair{CollisionOrder::second, 3.0}, {CollisionOrder::both, 4.0}}) {
    const auto error = [&order = order](double interaction) {
      const Square square(interaction, true);
      const ClusterState state = clusters::steady_state(square.cluster, false);
      const auto baths = rates_of_spins(square.chain);
      const CollisionModel model = collision_model(square.chain, baths);
      std::array<std::vector<double>, 2> free;
      for (std::size_t s = 0; s < 2; ++s)
        for (std::size_t k = 0; k < 4; ++k) free[s].push_back(baths[s].gain[k] / model.width[s][k]);
      const CollisionRates rates = Collisions(model, order).rates(free[0], free[1]);
      double largest = 0.0;
      for (std::size_t s = 0; s < 2; ++s) {
        const Matrix correlations = clusters::one_body(state, static_cast<int>(s));
        for (std::size_t k = 0; k < 4; ++k) {
          Complex occupation = 0.0;
          for (std::size_t a = 0; a < 4; ++a)
            for (std::size_t b = 0; b < 4; ++b)
              occupation += Square::wave(model.lattice.momentum(k), a, b) * correlations[a * 4 + b];
          const double n = free[s][k], change = rates.gain[s][k] * (1.0 - n) - rates.loss[s][k] * n;
          largest = std::max(largest, std::abs(n + change / model.width[s][k] - occupation));
        }
      }
      return largest;
    };
    EXPECT_NEAR(power_of(error), power, 0.3);
  }
}

TEST(Clusters, SelfEnergiesOnASquareOfFourSitesAreExactThroughTheirOrder) {
  const std::vector<double> frequencies{-1.4, 0.3, 2.0};
  for (const bool ladder : {false, true}) {
    const auto error = [&](double interaction) {
      Square square(interaction, false);
      square.chain.approximation = ladder ? Approximation::ladder : Approximation::second_order;
      square.chain.ladder = ladder ? Ladder::both : Ladder::automatic;
      square.chain.hartree = ladder ? Hartree::none : Hartree::bare;
      HubbardSpectralOptions options;
      options.broadening = 0.1;
      options.tolerance = 1e-13;
      const auto found =
          spectral(square.chain, frequencies, options, {.backend = Backend::cpu, .algorithm = Algorithm::direct});
      const ClusterState state = clusters::steady_state(square.cluster, true);
      const ClusterGreen green(square.cluster, state, true, {0, 1, 2, 3});
      std::vector<Complex> values(frequencies.size() * 16);
      green.spectral(frequencies, options.broadening, 1000, values);
      const Lattice lattice = square.chain.lattice();
      const auto energies = hopping_energies(square.chain.hopping_terms_up, lattice);
      double largest = 0.0;
      for (std::size_t k = 0; k < 4; ++k)
        for (std::size_t w = 0; w < frequencies.size(); ++w) {
          Complex of_momentum = 0.0;
          for (std::size_t a = 0; a < 4; ++a)
            for (std::size_t b = 0; b < 4; ++b)
              of_momentum += std::conj(Square::wave(lattice.momentum(k), a, b)) * values[(w * 4 + a) * 4 + b];
          const Complex wanted = Complex(frequencies[w] - energies[k], options.broadening) - 1.0 / of_momentum;
          largest = std::max(largest, std::abs(found.self_energy[k * frequencies.size() + w] - wanted));
        }
      return largest;
    };
    EXPECT_NEAR(power_of(error), ladder ? 4.0 : 3.0, 0.3);
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

/// Eigenvalues of a dense matrix: Hessenberg form, then QR steps with the shift of Wilkinson.
std::vector<Complex> eigenvalues(Matrix a, std::size_t n) {
  for (std::size_t column = 0; column + 2 < n; ++column)  // eliminates below the first subdiagonal, with pivots
    for (std::size_t row = column + 2; row < n; ++row) {
      if (std::abs(a[row * n + column]) > std::abs(a[(column + 1) * n + column])) {
        for (std::size_t j = 0; j < n; ++j) std::swap(a[row * n + j], a[(column + 1) * n + j]);
        for (std::size_t i = 0; i < n; ++i) std::swap(a[i * n + row], a[i * n + column + 1]);
      }
      if (a[row * n + column] == 0.0) continue;
      const Complex factor = a[row * n + column] / a[(column + 1) * n + column];
      for (std::size_t j = 0; j < n; ++j) a[row * n + j] -= factor * a[(column + 1) * n + j];
      for (std::size_t i = 0; i < n; ++i) a[i * n + column + 1] += factor * a[i * n + row];
      a[row * n + column] = 0.0;
    }
  std::vector<Complex> found;
  int steps = 0;
  for (std::size_t size = n; size > 0 && ++steps < 2000;) {
    const std::size_t last = size - 1;
    const auto scale = [&](std::size_t i) { return std::abs(a[i * n + i]) + std::abs(a[(i - 1) * n + i - 1]); };
    if (size == 1 || std::abs(a[last * n + last - 1]) < 1e-16 * scale(last)) {
      found.push_back(a[last * n + last]);
      --size;
      continue;
    }
    const Complex p = a[(last - 1) * n + last - 1], q = a[(last - 1) * n + last], r = a[last * n + last - 1],
                  s = a[last * n + last], root = std::sqrt(0.25 * (p - s) * (p - s) + q * r);
    const Complex one = 0.5 * (p + s) + root, other = 0.5 * (p + s) - root;
    const Complex shift = std::abs(one - s) < std::abs(other - s) ? one : other;
    // H - shift = Q R by rotations of neighbouring rows, then H := R Q + shift.
    for (std::size_t i = 0; i < size; ++i) a[i * n + i] -= shift;
    std::vector<std::pair<Complex, Complex>> rotations;
    for (std::size_t i = 0; i + 1 < size; ++i) {
      const Complex x = a[i * n + i], y = a[(i + 1) * n + i];
      const double length = std::hypot(std::abs(x), std::abs(y));
      const Complex c = length > 0.0 ? x / length : 1.0, t = length > 0.0 ? y / length : 0.0;
      rotations.emplace_back(c, t);
      for (std::size_t j = i; j < size; ++j) {
        const Complex u = a[i * n + j], v = a[(i + 1) * n + j];
        a[i * n + j] = std::conj(c) * u + std::conj(t) * v;
        a[(i + 1) * n + j] = c * v - t * u;
      }
    }
    for (std::size_t i = 0; i + 1 < size; ++i) {
      const auto [c, t] = rotations[i];
      for (std::size_t j = 0; j <= std::min(i + 1, last); ++j) {
        const Complex u = a[j * n + i], v = a[j * n + i + 1];
        a[j * n + i] = u * c + v * t;
        a[j * n + i + 1] = v * std::conj(c) - u * std::conj(t);
      }
    }
    for (std::size_t i = 0; i < size; ++i) a[i * n + i] += shift;
  }
  return found;
}

TEST(Clusters, TwoOrbitalsHaveTheStoredPoles) {
  // G(w) has its poles at i times the eigenvalues of the 24 operators with one more particle of spin up.
  for (const auto& stored : data::orbital_clusters::one_momentum) {
    SCOPED_TRACE(stored.momentum);
    const Cluster cluster = two_orbitals(stored.momentum, stored.interaction);
    clusters::SpinSector one_more;
    one_more.difference = 1;
    const clusters::Lindbladian sector(cluster, one_more, clusters::SpinSector{});
    const std::size_t n = sector.size();
    ASSERT_EQ(n, 24U);
    Matrix matrix(n * n);
    for (std::size_t j = 0; j < n; ++j) {
      std::vector<Complex> unit(n), column(n);
      unit[j] = 1.0;
      sector.apply(unit, column);
      for (std::size_t i = 0; i < n; ++i) matrix[i * n + j] = column[i];
    }
    std::vector<Complex> poles = eigenvalues(matrix, n);
    ASSERT_EQ(poles.size(), n);
    Complex trace = 0.0, sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      trace += matrix[i * n + i];
      sum += poles[i];
      poles[i] *= Complex(0.0, 1.0);
      EXPECT_LT(poles[i].imag(), 0.0);
    }
    EXPECT_LT(std::abs(trace - sum), 1e-12);
    std::sort(poles.begin(), poles.end(), [](Complex x, Complex y) { return x.imag() > y.imag(); });
    ASSERT_EQ(stored.slowest_poles.size(), 6U);
    for (std::size_t i = 0; i < 6; ++i) {
      const Complex expected(stored.slowest_poles[i][0], stored.slowest_poles[i][1]);
      // Poles that decay equally fast may be listed in either order.
      double nearest = 1.0;
      for (std::size_t j = 0; j < 7; ++j) nearest = std::min(nearest, std::abs(poles[j] - expected));
      EXPECT_LT(nearest, accuracy) << i << " " << expected;
    }
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
              static_cast<double>(clusters::Lindbladian::dimension(all_momenta(ring).group(0), one_particle,
                                                                   clusters::SpinSector{}, LatticeVector{})))
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
  for (const auto& [cluster, norm] :
       {std::pair{1, 0.572}, {2, 0.360}, {3, 0.263}, {4, 0.227}, {5, 0.217}, {6, 0.2165}}) {
    chain.cluster = cluster;
    EXPECT_NEAR(green(chain, times).norm[0], norm, cluster < 6 ? 5.001e-4 : 5.001e-5) << cluster;
  }
  HatsugaiKohmoto strong = chain;
  strong.interaction = 4.0;
  strong.down.gain = 1.5;
  strong.down.two_site_loss = 0.5;
  for (const auto& [cluster, norm] :
       {std::pair{1, 0.2021}, {2, 0.0495}, {3, 0.0471}, {4, 0.0454}, {5, 0.0446}, {6, 0.0443}}) {
    strong.cluster = cluster;
    EXPECT_NEAR(green(strong, std::vector<double>{2.0}).norm[0], norm, 5.001e-5) << cluster;
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
      const std::size_t k = ascending(static_cast<std::int64_t>(m), stored.sites);
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

TEST(ExactHubbard, OfASquareIsThatOfItsSites) {
  const std::vector<double> times{0.0, 0.7}, frequencies{-1.4, 2.0};
  for (const bool driven : {false, true}) {
    const Square square(1.3, driven);
    HubbardExactOptions options;
    options.times = times;
    options.frequencies = frequencies;
    options.broadening = 0.1;
    const HubbardExact found = exact(square.chain, options);
    EXPECT_TRUE(found.converged);
    ASSERT_EQ(found.drift.size(), 2 * times.size());
    const Lattice lattice = square.chain.lattice();
    const ClusterState state = clusters::steady_state(square.cluster, !driven);
    for (std::size_t s = 0; s < 2; ++s) {
      const Matrix correlations = clusters::one_body(state, static_cast<int>(s));
      std::array<double, 2> current{};
      for (std::size_t k = 0; k < 4; ++k) {
        Complex occupation = 0.0;
        for (std::size_t a = 0; a < 4; ++a)
          for (std::size_t b = 0; b < 4; ++b)
            occupation += Square::wave(lattice.momentum(k), a, b) * correlations[a * 4 + b];
        EXPECT_LT(std::abs(found.occupation_spin[s * 4 + k] - occupation), accuracy);
        for (std::size_t i = 0; i < 2; ++i)
          current[i] +=
              0.25 * occupation.real() *
              hopping_velocities(square.chain.terms(s == 0 ? Spin::up : Spin::down), lattice, static_cast<int>(i))[k];
      }
      for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(found.current_spin[2 * s + i], current[i], accuracy);
    }
    const ClusterGreen green(square.cluster, state, !driven, {0, 1, 2, 3});
    Matrix in_time(times.size() * 16), in_frequency(frequencies.size() * 16);
    green.at_times(times, in_time);
    green.spectral(frequencies, options.broadening, 1000, in_frequency);
    for (std::size_t k = 0; k < 4; ++k) {
      const auto of_momentum = [&](const Matrix& sites, std::size_t i) {
        Complex sum = 0.0;
        for (std::size_t a = 0; a < 4; ++a)
          for (std::size_t b = 0; b < 4; ++b)
            sum += std::conj(Square::wave(lattice.momentum(k), a, b)) * sites[(i * 4 + a) * 4 + b];
        return sum;
      };
      for (std::size_t t = 0; t < times.size(); ++t)
        EXPECT_LT(std::abs(found.green_retarded_momentum[t * 4 + k] - of_momentum(in_time, t)), accuracy);
      for (std::size_t w = 0; w < frequencies.size(); ++w)
        EXPECT_LT(std::abs(found.green_retarded_frequency[k * 2 + w] - of_momentum(in_frequency, w)), 10.0 * accuracy);
    }
  }
}

TEST(ExactHubbard, OfACellIsOneMomentum) {
  // A momentum alone does not know whether the interaction is one of sites or of momenta.
  HubbardChain one;
  one.cells = {1, 1};
  one.hopping_terms = {{{1, 0}, Complex(-0.6, 0.3)}, {{0, 1}, 0.2}};
  one.interaction = {1.7};
  one.down.gain = 0.4;
  one.down.loss = 0.7;
  one.up.gain = 0.1;
  one.up.loss = 0.3;
  HatsugaiKohmoto momentum;
  momentum.cells = one.cells;
  momentum.hopping_terms = one.hopping_terms;
  momentum.interaction = one.interaction[0];
  momentum.down = one.down;
  momentum.up = one.up;
  HubbardExactOptions options;
  options.times = std::vector<double>{0.0, 0.9, 3.0};
  const HubbardExact found = exact(one, options);
  const GreenResult closed = green(momentum, *options.times);
  for (std::size_t t = 0; t < 3; ++t)
    EXPECT_LT(std::abs(found.green_retarded_momentum[t] - closed.green_retarded_momentum[t]), 1e-14);
  EXPECT_NEAR(found.occupation_spin[0], 0.25, 1e-14);
  EXPECT_NEAR(found.occupation_spin[1], 0.4 / 1.1, 1e-14);
}

TEST(ExactHubbard, OfCellsInOneDirectionIsTheRing) {
  HubbardChain ring;
  ring.sites = 5;
  ring.hopping = 0.8;
  ring.interaction = {1.5, 0.4};
  ring.down.gain = 0.3;
  ring.down.operators = {{BathOperatorKind::loss, {{{0}, 0.9}, {{1}, Complex(0.2, 0.8)}}}};
  HubbardChain line = ring;
  line.cells = {5};
  line.hopping_terms = {{{1}, -0.8}};
  HubbardExactOptions options;
  options.times = std::vector<double>{0.5, 2.0};
  const HubbardExact one = exact(ring, options), other = exact(line, options);
  EXPECT_EQ(one.green_retarded, other.green_retarded);
  EXPECT_EQ(one.occupation_spin, other.occupation_spin);
  EXPECT_EQ(one.drift, other.drift);
}

TEST(ExactHubbard, SecondOrderIsExactThroughItsOrderOnLattices) {
  // Cells along directions of different lengths, in two directions and in three.
  for (const std::vector<std::int64_t>& cells : {std::vector<std::int64_t>{3, 2}, {2, 1, 3}}) {
    SCOPED_TRACE(cells.size());
    const auto error = [&cells](double interaction) {
      const bool three = cells.size() > 2;
      const LatticeVector x{1, 0, 0}, y = three ? LatticeVector{0, 0, 1} : LatticeVector{0, 1, 0};
      HubbardChain chain;
      chain.cells = cells;
      chain.interaction = {interaction};
      chain.hopping_terms_up = {{x, Complex(-0.5, 0.2)}, {y, Complex(-0.4, 0.1)}};
      chain.hopping_terms_down = {{x, Complex(-0.6, 0.1)}, {y, Complex(-0.3, 0.2)}};
      chain.down.gain = 0.4;
      chain.down.operators = {{BathOperatorKind::loss, {{LatticeVector{}, 0.9}, {x, Complex(0.0, 0.7)}}},
                              {BathOperatorKind::loss, {{LatticeVector{}, 0.5}, {y, Complex(0.3, 0.4)}}},
                              {BathOperatorKind::gain, {{LatticeVector{}, 0.3}, {y, Complex(0.1, 0.2)}}}};
      chain.hartree = Hartree::bare;
      HubbardExactOptions options;
      options.frequencies = std::vector<double>{-1.4, 0.6};
      options.broadening = 0.1;
      HubbardSpectralOptions approximate;
      approximate.broadening = options.broadening;
      approximate.tolerance = 1e-13;
      const HubbardExact wanted = exact(chain, options);
      const auto found =
          spectral(chain, *options.frequencies, approximate, {.backend = Backend::cpu, .algorithm = Algorithm::direct});
      double largest = 0.0;
      for (std::size_t i = 0; i < wanted.self_energy.size(); ++i)
        largest = std::max(largest, std::abs(found.self_energy[i] - wanted.self_energy[i]));
      return largest;
    };
    EXPECT_NEAR(power_of(error), 3.0, 0.3);
  }
}

TEST(ExactHubbard, HalfFilledUniformSpinStaysHalfFilledOnSixSites) {
  // 142296 operators. On an even ring with Gamma_p = Gamma_{pi-p} of spin down and a uniform half-filled bath of spin
  // up, n_up = 1/2 at every U; and each spin keeps its balance, sum kappa = sum Gamma n, because the interaction
  // conserves its particles. Spin down itself moves away from kappa / Gamma. With these rates it takes four seconds.
  HubbardChain chain = published_chain(6, 1.0, 1.2, 1.0);
  chain.down.loss = 0.5;
  chain.up.gain = chain.up.loss = 1.5;
  EXPECT_EQ(plan_exact(chain).state_operators, 142296.0);
  const HubbardExact ring = exact(chain);
  EXPECT_TRUE(ring.converged);
  const auto baths = rates_of_spins(chain);
  double moved = 0.0;
  for (std::size_t s = 0; s < 2; ++s) {
    double balance = 0.0;
    for (std::size_t k = 0; k < 6; ++k) {
      const double n = ring.occupation_spin[s * 6 + k], gain = baths[s].gain[k], width = gain + baths[s].loss[k];
      balance += gain - width * n;
      moved = std::max(moved, std::fabs(n - gain / width));
      if (s == 0) {
        EXPECT_NEAR(n, 0.5, accuracy);
      }
    }
    EXPECT_NEAR(balance, 0.0, 6.0 * accuracy);
  }
  EXPECT_GT(moved, 1e-3);
  EXPECT_NEAR(ring.current_spin[0], 0.0, accuracy);
}

TEST(ExactHubbard, ParticlesOfSpinDownAreHolesOfTheOtherSignOnEightSites) {
  // 12870 operators. c_j -> (-1)^j c+_j of spin down exchanges gain and loss, p and pi - p, and U n n becomes
  // U n - U n n: G(k, w; U) = G(k, w - U; -U).
  const HubbardChain chain = published_chain(8, 2.0, 0.4, 1.0);
  const BathRates rates = bath_rates(chain.down, chain.lattice());
  HubbardChain holes = chain;
  holes.interaction = {-2.0};
  holes.down = {};
  for (std::size_t k = 0; k < 8; ++k) {
    const std::size_t partner = (12 - k) % 8;  // m = k - 4 and 4 - m
    holes.down.gain_table.push_back(rates.loss[partner]);
    holes.down.loss_table.push_back(rates.gain[partner]);
  }
  const std::vector<std::size_t> momentum{6};
  const std::vector<double> frequencies{-1.0, 0.5}, shifted{-3.0, -1.5};
  std::vector<Complex> of_particles(2), of_holes(2);
  const clusters::MixedStates particles(all_momenta(chain));
  EXPECT_EQ(mixed_cost(particles.problem(), 1, 2, 0, 0.0, 1).green_operators, 12870.0);
  EXPECT_LE(particles.spectral(momentum, frequencies, 0.2, {}, of_particles), 1e-13);
  EXPECT_LE(clusters::MixedStates(all_momenta(holes)).spectral(momentum, shifted, 0.2, {}, of_holes), 1e-13);
  for (std::size_t w = 0; w < 2; ++w)
    EXPECT_LT(std::abs(of_particles[w] - of_holes[w]), 10.0 * accuracy * std::abs(of_holes[w]));
}

}  // namespace
}  // namespace lindrift::testing
