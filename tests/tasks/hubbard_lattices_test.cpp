// Two driven spins of the Hubbard model on lattices in one to three dimensions: steady states against stored values,
// plain sums on random lattices, the master equation of four cells, and rings; and their symmetries.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include "clusters/cluster_state.hpp"
#include "data/hubbard_two_spins.hpp"
#include "hubbard/collisions.hpp"
#include "hubbard/rings.hpp"
#include "lindrift/error.hpp"
#include "lindrift/hubbard/steady_state.hpp"
#include "lindrift/hubbard/transport.hpp"
#include "support/plain_lattice.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;

HubbardChain hubbard_of(const plain::Model& from) {
  HubbardChain model;
  set(from, model, model.up, model.down);
  model.interaction = {static_cast<double>(from.interaction)};
  return model;
}

/// Gain and loss of both spins at every momentum, hopping of its own for each.
plain::Model driven_model(Random& random, const plain::Vector& cells) {
  plain::Model model = random_model(random, cells);
  const plain::Vector origin(cells.size(), 0);
  model.gain_up = {{{origin, random.uniform(0.3, 0.6)}},
                   {{origin, 0.3L}, {model.hop_up[0].displacement, {0.1L, 0.4L}}}};
  model.loss_up.push_back({{origin, random.uniform(0.3, 0.6)}});
  return model;
}

HubbardSteadyStateOptions options_of(CollisionOrder order) {
  HubbardSteadyStateOptions options;
  options.order = order;
  options.tolerance = 1e-13;
  return options;
}

/// Steps end when nothing changes by 1e-13; what is left of the way is ten times as long at most.
constexpr double steady = 1e-12;

TEST(HubbardLattice, SteadyStateIsTheStoredOne) {
  for (const auto& stored : data::hubbard_two_spins::small) {
    SCOPED_TRACE(stored.cells.size());
    plain::Model from;
    from.cells.assign(stored.cells.begin(), stored.cells.end());
    from.hop_up = terms_from(stored.hopping_up);
    from.hop_down = terms_from(stored.hopping_down);
    from.loss_up = {terms_from(stored.loss_up)};
    from.gain_up = {terms_from(stored.gain_up)};
    from.loss_down = {terms_from(stored.loss_down)};
    from.gain_down = {terms_from(stored.gain_down)};
    from.interaction = stored.interaction;
    for (const CollisionOrder order : {CollisionOrder::second, CollisionOrder::both}) {
      const bool second = order == CollisionOrder::second;
      const HubbardSteadyState state = steady_state(hubbard_of(from), options_of(order));
      const auto& occupation = second ? stored.second_steady : stored.both_steady;
      const auto& current = second ? stored.second_current : stored.both_current;
      const auto& density = second ? stored.second_density : stored.both_density;
      ASSERT_EQ(state.current_spin.size(), 2 * stored.cells.size());
      // The stored ones have residuals of up to 8e-13.
      for (std::size_t s = 0; s < 2; ++s) {
        EXPECT_NEAR(state.current_spin[s * stored.cells.size()], current[s], 1e-12);
        EXPECT_NEAR(state.density_spin[s], density[s], 1e-12);
        for (std::size_t k = 0; k < from.size(); ++k)
          EXPECT_NEAR(state.occupation_spin[s * from.size() + ascending(from, k)], occupation[s][k], 1e-12);
      }
    }
  }
}

TEST(HubbardLattice, SteadyStateBalancesPlainSums) {
  // kappa - Gamma n + I[n] = 0 at every momentum of both spins, and the currents along every direction.
  Random random(91);
  for (const plain::Vector& cells : {plain::Vector{5}, {4, 3}, {2, 3, 2}}) {
    SCOPED_TRACE(cells.size());
    const plain::Model from = driven_model(random, cells);
    const plain::Modes modes(from);
    const std::size_t size = from.size();
    for (const CollisionOrder order : {CollisionOrder::second, CollisionOrder::both}) {
      const HubbardSteadyState state = steady_state(hubbard_of(from), options_of(order));
      EXPECT_EQ(state.clipped, 0);
      plain::Pairwise n;
      for (std::size_t k = 0; k < size; ++k) {
        n.up.push_back(state.occupation_spin[ascending(from, k)]);
        n.down.push_back(state.occupation_spin[size + ascending(from, k)]);
      }
      const plain::Pairwise change = order == CollisionOrder::second ? plain::single_collisions(from, modes, n)
                                                                     : plain::all_collisions(from, modes, n);
      // The steps end when nothing changes by 1e-13; rates are up to 20.
      for (std::size_t k = 0; k < size; ++k) {
        const plain::Real up = from.probe_gain(k) - (from.probe_gain(k) + from.probe_loss(k)) * n.up[k],
                          down = from.gain(k) - modes.rate[k] * n.down[k];
        EXPECT_NEAR(static_cast<double>(up + change.up[k]), 0.0, 2e-12);
        EXPECT_NEAR(static_cast<double>(down + change.down[k]), 0.0, 2e-12);
      }
      for (std::size_t i = 0; i < cells.size(); ++i) {
        plain::Real up = 0.0L, down = 0.0L;
        for (std::size_t k = 0; k < size; ++k) {
          up += from.velocity(from.hop_up, k, i) * n.up[k] / static_cast<plain::Real>(size);
          down += from.velocity(from.hop_down, k, i) * n.down[k] / static_cast<plain::Real>(size);
        }
        EXPECT_NEAR(state.current_spin[i], static_cast<double>(up), 1e-14);
        EXPECT_NEAR(state.current_spin[cells.size() + i], static_cast<double>(down), 1e-14);
      }
    }
  }
}

/// All cells of a lattice as orbitals, in the order of its sites.
clusters::Cluster cluster_of(const plain::Model& from) {
  const std::size_t n = from.size();
  clusters::Cluster cluster;
  cluster.orbitals = static_cast<int>(n);
  const auto moved = [&](std::size_t site, const plain::Vector& displacement) {
    return from.sum(site, from.number(displacement));
  };
  for (std::size_t s = 0; s < 2; ++s) {
    for (auto* matrix : {&cluster.hamiltonian[s], &cluster.loss[s], &cluster.gain[s]}) matrix->resize(n * n);
    for (std::size_t j = 0; j < n; ++j) {
      for (const plain::Term& term : s == 0 ? from.hop_up : from.hop_down) {
        const std::size_t to = moved(j, term.displacement);
        cluster.hamiltonian[s][j * n + to] += Complex(term.amplitude);
        cluster.hamiltonian[s][to * n + j] += std::conj(Complex(term.amplitude));
      }
      for (const bool gain : {false, true})
        for (const plain::Terms& channel :
             gain ? (s == 0 ? from.gain_up : from.gain_down) : (s == 0 ? from.loss_up : from.loss_down))
          for (const plain::Term& a : channel)
            for (const plain::Term& b : channel)
              (gain ? cluster.gain : cluster.loss)[s][moved(j, a.displacement) * n + moved(j, b.displacement)] +=
                  Complex(a.amplitude) * std::conj(Complex(b.amplitude));
    }
  }
  std::vector<double> interaction(n * n);
  for (std::size_t j = 0; j < n; ++j) interaction[j * n + j] = static_cast<double>(from.interaction);
  add_density_interaction(cluster, interaction);
  return cluster;
}

TEST(HubbardLattice, FirstStepIsExactThroughThirdOrderOnASquare) {
  // n_0 + I[n_0] / Gamma against the master equation of 2 x 2 cells in Fock space: half the interaction gives an eighth
  // of the error of `second`, and a sixteenth of that of `both`.
  Random random(92);
  plain::Model from = driven_model(random, {2, 2});
  const auto error = [&](CollisionOrder order, double interaction) {
    from.interaction = interaction;
    const clusters::ClusterState exact = clusters::steady_state(cluster_of(from), false);
    const HubbardChain chain = hubbard_of(from);
    const std::array<BathRates, 2> baths = rates_of_spins(chain);
    const CollisionModel model = collision_model(chain, baths);
    std::array<std::vector<double>, 2> free;
    for (std::size_t s = 0; s < 2; ++s)
      for (std::size_t k = 0; k < 4; ++k) free[s].push_back(baths[s].gain[k] / model.width[s][k]);
    const CollisionRates rates = Collisions(model, order).rates(free[0], free[1]);
    double largest = 0.0;
    for (std::size_t s = 0; s < 2; ++s) {
      const std::vector<Complex> correlations = one_body(exact, static_cast<int>(s));
      for (std::size_t m = 0; m < 4; ++m) {
        Complex occupation = 0.0;
        for (std::size_t a = 0; a < 4; ++a)
          for (std::size_t b = 0; b < 4; ++b)
            occupation += 0.25 * correlations[a * 4 + b] *
                          Complex(from.wave(m, from.integers(a)) * from.wave(m, from.integers(b), -1));
        const std::size_t k = ascending(from, m);
        const double n = free[s][k];
        const double next = n + (rates.gain[s][k] * (1.0 - n) - rates.loss[s][k] * n) / model.width[s][k];
        largest = std::max(largest, std::abs(occupation - next));
      }
    }
    return largest;
  };
  EXPECT_NEAR(std::log2(error(CollisionOrder::second, 0.2) / error(CollisionOrder::second, 0.1)), 3.0, 0.2);
  EXPECT_NEAR(std::log2(error(CollisionOrder::both, 0.2) / error(CollisionOrder::both, 0.1)), 4.0, 0.2);
  EXPECT_LT(error(CollisionOrder::both, 0.1), 1e-5);
}

TEST(HubbardLattice, RingIsALatticeOfOneDirection) {
  HubbardChain ring;
  ring.sites = 7;
  ring.hopping = 0.9;
  ring.interaction = {1.3};
  ring.up.gain = 0.2;
  ring.up.loss = 0.4;
  ring.down.gain = 0.5;
  ring.down.two_site_loss = 0.8;
  ring.down.two_site_loss_phase = 0.6;
  HubbardChain lattice = ring, operators = ring;
  lattice.cells = {7};
  lattice.hopping_terms = {{{1}, -0.9}};
  operators.cells = {7};
  operators.hopping_terms_up = {{{-1}, -0.9}};  // the same bond from its other end
  operators.hopping_terms_down = {{{1}, -0.9}};
  operators.down = {};
  operators.down.operators = {
      {BathOperatorKind::gain, {{{0}, std::sqrt(0.5)}}},
      {BathOperatorKind::loss, {{{0}, std::sqrt(0.8)}, {{1}, std::polar(std::sqrt(0.8), 0.6)}}}};
  HubbardSteadyStateOptions options = options_of(CollisionOrder::both);
  options.frequencies = std::vector<double>{-1.0, 0.5};
  const HubbardSteadyState of_ring = steady_state(ring, options), of_lattice = steady_state(lattice, options),
                           of_operators = steady_state(operators, options);
  EXPECT_EQ(of_ring.occupation_spin, of_lattice.occupation_spin);
  EXPECT_EQ(of_ring.current_spin, of_lattice.current_spin);
  EXPECT_EQ(of_ring.spectral_function, of_lattice.spectral_function);
  ASSERT_EQ(of_operators.current_spin.size(), 2U);
  for (std::size_t s = 0; s < 2; ++s) EXPECT_NEAR(of_ring.current_spin[s], of_operators.current_spin[s], steady);
  for (std::size_t i = 0; i < 14; ++i) {
    EXPECT_NEAR(of_ring.occupation_spin[i], of_operators.occupation_spin[i], steady);
    EXPECT_NEAR(of_ring.spectral_function[i], of_operators.spectral_function[i], 1e-12);
  }
}

TEST(HubbardLattice, InversionReversesTheCurrents) {
  Random random(93);
  const plain::Model from = driven_model(random, {4, 3});
  plain::Model mirrored = from;
  const auto mirror = [](plain::Terms& terms) {
    for (plain::Term& term : terms)
      for (auto& cells : term.displacement) cells = -cells;
  };
  mirror(mirrored.hop_up);
  mirror(mirrored.hop_down);
  for (auto* channels : {&mirrored.loss_up, &mirrored.gain_up, &mirrored.loss_down, &mirrored.gain_down})
    for (plain::Terms& channel : *channels) mirror(channel);
  for (const CollisionOrder order : {CollisionOrder::second, CollisionOrder::particle, CollisionOrder::both}) {
    const HubbardSteadyState state = steady_state(hubbard_of(from), options_of(order)),
                             other = steady_state(hubbard_of(mirrored), options_of(order));
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_GT(std::fabs(state.current_spin[i]), 1e-4);
      EXPECT_NEAR(state.current_spin[i], -other.current_spin[i], steady);
    }
    for (std::size_t k = 0; k < from.size(); ++k) {
      plain::Vector m = from.integers(k);
      for (auto& integer : m) integer = -integer;
      for (std::size_t s = 0; s < 2; ++s)
        EXPECT_NEAR(state.occupation_spin[s * from.size() + ascending(from, k)],
                    other.occupation_spin[s * from.size() + ascending(from, from.number(m))], steady);
    }
  }
}

TEST(HubbardLattice, ExchangeOfDirectionsExchangesTheCurrents) {
  Random random(94);
  const plain::Model from = driven_model(random, {4, 3});
  plain::Model turned = from;
  turned.cells = {3, 4};
  const auto turn = [](plain::Terms& terms) {
    for (plain::Term& term : terms) std::swap(term.displacement[0], term.displacement[1]);
  };
  turn(turned.hop_up);
  turn(turned.hop_down);
  for (auto* channels : {&turned.loss_up, &turned.gain_up, &turned.loss_down, &turned.gain_down})
    for (plain::Terms& channel : *channels) turn(channel);
  const HubbardSteadyState state = steady_state(hubbard_of(from), options_of(CollisionOrder::both)),
                           other = steady_state(hubbard_of(turned), options_of(CollisionOrder::both));
  for (std::size_t s = 0; s < 2; ++s)
    for (std::size_t i = 0; i < 2; ++i)
      EXPECT_NEAR(state.current_spin[2 * s + i], other.current_spin[2 * s + 1 - i], steady);
}

TEST(HubbardLattice, SpectralFunctionHasTheWeightOfOneParticle) {
  // The integral of A over all frequencies is 2 pi, with tails of Gamma / w^2 beyond the grid.
  Random random(95);
  const plain::Model from = driven_model(random, {3, 2});
  HubbardSteadyStateOptions options = options_of(CollisionOrder::second);
  options.frequencies.emplace();
  const double step = 0.25, end = 200.0;
  for (double w = -end; w <= end; w += step) options.frequencies->push_back(w);
  const HubbardSteadyState state = steady_state(hubbard_of(from), options);
  const std::size_t count = options.frequencies->size();
  for (std::size_t k = 0; k < from.size(); ++k) {
    double weight = 0.0;
    for (std::size_t w = 0; w < count; ++w) weight += step * state.spectral_function[k * count + w];
    EXPECT_NEAR(weight, 2.0 * std::numbers::pi, 0.05 * 2.0 * std::numbers::pi);
  }
}

/// A model whose spin up no bath acts on.
plain::Model closed_model(Random& random, const plain::Vector& cells) {
  plain::Model model = random_model(random, cells);
  model.loss_up.clear();
  return model;
}

/// x with M x = right and sum x = total, by elimination with the last row replaced by the sum.
std::vector<plain::Real> balanced(std::vector<plain::Real> rates, std::vector<plain::Real> right, plain::Real total) {
  const std::size_t n = right.size();
  std::vector<plain::Real> m = rates;
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t to = 0; to < n; ++to) m[k * n + k] -= rates[to * n + k];
  for (std::size_t k = 0; k < n; ++k) m[(n - 1) * n + k] = 1.0L;
  right.back() = total;
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t pivot = i;
    for (std::size_t r = i; r < n; ++r)
      if (std::fabs(m[r * n + i]) > std::fabs(m[pivot * n + i])) pivot = r;
    for (std::size_t c = 0; c < n; ++c) std::swap(m[i * n + c], m[pivot * n + c]);
    std::swap(right[i], right[pivot]);
    for (std::size_t r = 0; r < n; ++r) {
      if (r == i) continue;
      const plain::Real factor = m[r * n + i] / m[i * n + i];
      for (std::size_t c = i; c < n; ++c) m[r * n + c] -= factor * m[i * n + c];
      right[r] -= factor * right[i];
    }
  }
  for (std::size_t i = 0; i < n; ++i) right[i] /= m[i * n + i];
  return right;
}

TEST(HubbardLattice, OneParticleMovesAsByPlainSums) {
  Random random(97);
  for (const plain::Vector& cells : {plain::Vector{5}, {4, 3}, {2, 3, 2}}) {
    SCOPED_TRACE(cells.size());
    const plain::Model from = closed_model(random, cells);
    const plain::Modes modes(from);
    const std::size_t size = from.size(), directions = cells.size();
    TransportOptions options;
    options.order = CollisionOrder::second;
    options.exact_sites = 0;
    const Transport result = transport(hubbard_of(from), options);
    ASSERT_EQ(result.drift_velocity.size(), directions);
    ASSERT_EQ(result.diffusion_constant.size(), directions * directions);
    const std::vector<plain::Real> rates = plain::single_scattering(from, modes);
    const std::vector<plain::Real> p = balanced(rates, std::vector<plain::Real>(size), 1.0L);
    for (std::size_t k = 0; k < size; ++k)
      EXPECT_NEAR(result.occupation[ascending(from, k)], static_cast<double>(p[k]), 1e-13);
    std::vector<plain::Real> drift(directions);
    std::vector<std::vector<plain::Real>> responses;
    for (std::size_t i = 0; i < directions; ++i) {
      for (std::size_t k = 0; k < size; ++k) drift[i] += from.velocity(from.hop_up, k, i) * p[k];
      std::vector<plain::Real> right(size);
      for (std::size_t k = 0; k < size; ++k) right[k] = (from.velocity(from.hop_up, k, i) - drift[i]) * p[k];
      responses.push_back(balanced(rates, right, 0.0L));
      EXPECT_NEAR(result.drift_velocity[i], static_cast<double>(drift[i]), 1e-12);
    }
    for (std::size_t i = 0; i < directions; ++i)
      for (std::size_t j = 0; j < directions; ++j) {
        plain::Real spread = 0.0L;
        for (std::size_t k = 0; k < size; ++k)
          spread -= 0.5L * (from.velocity(from.hop_up, k, i) * responses[j][k] +
                            from.velocity(from.hop_up, k, j) * responses[i][k]);
        EXPECT_NEAR(result.diffusion_constant[i * directions + j], static_cast<double>(spread), 1e-11);
        EXPECT_EQ(result.diffusion_constant[i * directions + j], result.diffusion_constant[j * directions + i]);
      }
    for (std::size_t i = 0; i < directions; ++i) EXPECT_GT(result.diffusion_constant[i * directions + i], 0.0);
  }
}

/// The momenta of a lattice as orbitals.
clusters::Cluster cluster_of_momenta(const plain::Model& from) {
  const plain::Modes modes(from);
  const std::size_t n = from.size();
  clusters::Cluster cluster;
  cluster.orbitals = static_cast<int>(n);
  for (std::size_t s = 0; s < 2; ++s) {
    for (auto* matrix : {&cluster.hamiltonian[s], &cluster.loss[s], &cluster.gain[s]}) matrix->resize(n * n);
    for (std::size_t k = 0; k < n; ++k) {
      cluster.hamiltonian[s][k * n + k] = static_cast<double>(s == 0 ? modes.up[k] : modes.down[k]);
      cluster.loss[s][k * n + k] = s == 0 ? 0.0 : static_cast<double>(from.loss(k));
      cluster.gain[s][k * n + k] = s == 0 ? 0.0 : static_cast<double>(from.gain(k));
    }
  }
  for (std::size_t q = 0; q < n; ++q)
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t p = 0; p < n; ++p)
        cluster.scattering.push_back({static_cast<int>(from.sum(k, q)), static_cast<int>(k),
                                      static_cast<int>(from.sum(p, q, -1)), static_cast<int>(p),
                                      static_cast<double>(from.interaction) / static_cast<double>(n)});
  return cluster;
}

TEST(HubbardLattice, OneParticleGoesOverIntoTheMasterEquationOfASquare) {
  // Drift and U^2 D of one particle on 2 x 2 cells: `second` lacks a term of first order in U, `both` of second order.
  Random random(98);
  plain::Model from = closed_model(random, {2, 2});
  from.hop_up = {{{1, 0}, {0.4L, 0.9L}}, {{0, 1}, {-0.8L, 0.5L}}, {{1, 1}, {0.2L, -0.3L}}};  // no two velocities alike
  const auto errors = [&](CollisionOrder order, double interaction) {
    from.interaction = interaction;
    TransportOptions options;
    options.order = order;
    const Transport result = transport(hubbard_of(from), options);
    const clusters::ClusterState exact = clusters::one_particle_state(cluster_of_momenta(from));
    std::array<double, 2> largest{};
    for (std::size_t i = 0; i < 2; ++i) {
      std::vector<double> velocity;
      for (std::size_t k = 0; k < 4; ++k) velocity.push_back(static_cast<double>(from.velocity(from.hop_up, k, i)));
      const auto flow = [&](std::span<const Complex> elements) {
        const std::vector<Complex> correlations = one_body(exact.sector, elements, 0);
        double sum = 0.0;
        for (std::size_t k = 0; k < 4; ++k) sum += velocity[k] * correlations[k * 5].real();
        return sum;
      };
      const double spread = -flow(clusters::counting_response(exact, velocity));
      EXPECT_GT(spread, 0.0);
      largest[0] = std::max(largest[0], std::fabs(flow(exact.density) - result.drift_velocity[i]));
      largest[1] = std::max(largest[1], std::fabs(result.diffusion_constant[3 * i] / spread - 1.0));
    }
    return largest;
  };
  const auto second = errors(CollisionOrder::second, 0.1), second_half = errors(CollisionOrder::second, 0.05),
             both = errors(CollisionOrder::both, 0.1), both_half = errors(CollisionOrder::both, 0.05);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(std::log2(second[i] / second_half[i]), 1.0, 0.3);
    EXPECT_NEAR(std::log2(both[i] / both_half[i]), 2.0, 0.3);
    EXPECT_LT(both_half[i], 0.1 * second_half[i]);
  }
}

TEST(HubbardLattice, OneParticleStandsBesideTheExactOne) {
  Random random(199);
  const plain::Model from = closed_model(random, {2, 3});
  const clusters::ClusterState exact = clusters::one_particle_state(cluster_of_momenta(from));
  std::array<std::vector<double>, 2> velocity;
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t k = 0; k < 6; ++k) velocity[i].push_back(static_cast<double>(from.velocity(from.hop_up, k, i)));
  const auto flow = [&](std::span<const Complex> elements, std::size_t i) {
    const std::vector<Complex> correlations = one_body(exact.sector, elements, 0);
    double sum = 0.0;
    for (std::size_t k = 0; k < 6; ++k) sum += velocity[i][k] * correlations[k * 7].real();
    return sum;
  };
  const HubbardChain lattice = hubbard_of(from);
  const Transport result = transport(lattice);
  std::array<std::array<double, 2>, 2> spread{};
  for (std::size_t j = 0; j < 2; ++j) {
    EXPECT_NEAR(result.drift_velocity_exact[j], flow(exact.density, j), 1e-12);
    const std::vector<Complex> response = clusters::counting_response(exact, velocity[j]);
    for (std::size_t i = 0; i < 2; ++i) spread[i][j] = -flow(response, i);
  }
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 2; ++j)
      EXPECT_NEAR(result.diffusion_exact[i * 2 + j], 0.5 * (spread[i][j] + spread[j][i]), 1e-10 * spread[0][0]);
  EXPECT_GT(std::fabs(result.diffusion_exact[1]), 1e-3 * result.diffusion_exact[0]);
  EXPECT_EQ(result.drift_velocity_ring, result.drift_velocity);  // here the small lattice is the lattice itself
  EXPECT_EQ(result.diffusion_ring, result.diffusion_constant);
  // Of a larger lattice as many cells along each direction as the sites allow.
  for (const auto& [cells, sites, expected] :
       {std::tuple{std::vector<std::int64_t>{5, 4}, 6, std::vector<std::int64_t>{3, 2}},
        {{2, 7}, 6, {2, 3}},
        {{2, 7}, 5, {2, 2}},
        {{1, 7}, 4, {1, 4}}}) {
    HubbardChain large = lattice, small = lattice;
    large.cells = cells;
    small.cells = expected;
    TransportOptions options;
    options.exact_sites = sites;
    const Transport of_large = transport(large, options), of_small = transport(small, options);
    EXPECT_EQ(of_large.drift_velocity_exact, of_small.drift_velocity_exact);
    EXPECT_EQ(of_large.diffusion_exact, of_small.diffusion_exact);
    EXPECT_EQ(of_large.drift_velocity_ring, of_small.drift_velocity);
  }
}

TEST(HubbardLattice, OneParticleOnARingAsALattice) {
  HubbardChain ring;
  ring.sites = 9;
  ring.interaction = {1.0};
  ring.down.gain = 0.3;
  ring.down.two_site_loss = 0.7;
  ring.down.two_site_loss_phase = 0.4;
  HubbardChain lattice = ring;
  lattice.cells = {9};
  lattice.hopping_terms = {{{1}, -1.0}};
  TransportOptions options;
  options.exact_sites = 4;
  const Transport one = transport(ring, options), other = transport(lattice, options);
  EXPECT_EQ(one.drift_velocity, other.drift_velocity);
  EXPECT_EQ(one.diffusion_constant, other.diffusion_constant);
  EXPECT_EQ(one.diffusion_exact, other.diffusion_exact);
  EXPECT_EQ(one.diffusion_ring, other.diffusion_ring);
  EXPECT_GT(one.diffusion_exact.front(), 0.0);
  // Directions along which nothing moves spin up: it neither drifts nor spreads there.
  lattice.cells = {5, 3};
  lattice.hopping_terms.clear();
  lattice.hopping_terms_up = {{{1, 0}, -1.0}};
  lattice.hopping_terms_down = {{{1, 0}, -1.0}, {{0, 1}, -0.7}};
  lattice.down.two_site_loss = 0.0;
  lattice.down.operators = {{BathOperatorKind::loss, {{{0, 0}, 0.8}, {{1, 1}, Complex(0.0, 0.8)}}},
                            {BathOperatorKind::loss, {{{0, 0}, 0.3}}}};
  const Transport flat = transport(lattice, options);
  EXPECT_EQ(flat.drift_velocity[1], 0.0);
  EXPECT_NEAR(flat.diffusion_constant[1], 0.0, 1e-12);
  EXPECT_EQ(flat.diffusion_constant[3], 0.0);
  EXPECT_GT(flat.diffusion_constant[0], 0.0);
  ASSERT_EQ(flat.drift_velocity_exact.size(), 2U);  // of 2 x 2 cells
  EXPECT_EQ(flat.drift_velocity_exact[1], 0.0);
  EXPECT_EQ(flat.diffusion_exact[3], 0.0);
}

TEST(HubbardLattice, WhatIsRefused) {
  Random random(96);
  const HubbardChain good = hubbard_of(driven_model(random, {4, 3}));
  const auto refused = [&](auto change, const std::string& key) {
    HubbardChain bad = good;
    change(bad);
    try {
      steady_state(bad);
      ADD_FAILURE() << key << " was not refused";
    } catch (const ParameterError& error) {
      EXPECT_NE(std::string(error.what()).find(key), std::string::npos) << error.what();
    }
  };
  refused([](HubbardChain& chain) { chain.hopping_terms_down.clear(); }, "model.hopping_terms_down");
  refused([](HubbardChain& chain) { chain.hopping_terms = chain.hopping_terms_up; }, "model.hopping_terms");
  refused([](HubbardChain& chain) { chain.cells = {4, 3, 2, 2}; }, "model.cells");
  refused([](HubbardChain& chain) { chain.cells = {1, 1}; }, "one cell alone");
  refused([](HubbardChain& chain) { chain.hopping_terms_up[0].displacement[2] = 1; }, "model.hopping_terms_up[0]");
  refused([](HubbardChain& chain) { chain.interaction = {1.0, 0.5}; }, "model.interaction");
  refused([](HubbardChain& chain) { chain.down.two_site_loss = 0.5; }, "bath.down.two_site_loss");
  refused([](HubbardChain& chain) { chain.up = {}; }, "bath.up");
  refused([](HubbardChain& chain) { chain.down.gain_table = {0.1}; }, "bath.down.gain_table");
}

}  // namespace
}  // namespace lindrift::testing
