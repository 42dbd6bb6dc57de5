// The Hubbard model with both spins driven: collision integrals and kinetic steady states against stored values, triple
// sums and the exact ring, and their invariants.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdio>
#include <numbers>
#include <string>

#include "clusters/cluster_state.hpp"
#include "data/hubbard_one_particle.hpp"
#include "data/hubbard_two_spins.hpp"
#include "hubbard/collisions.hpp"
#include "hubbard/rings.hpp"
#include "lindrift/error.hpp"
#include "lindrift/hubbard/exact.hpp"
#include "lindrift/hubbard/spectral.hpp"
#include "lindrift/hubbard/steady_state.hpp"
#include "lindrift/hubbard/transport.hpp"
#include "reference/counted_particle.hpp"
#include "support/hubbard.hpp"
#include "support/random.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;
using Rows = std::vector<std::vector<double>>;

/// sum over rows of amplitude e^{i sign k.R}.
Complex sum_of(const Rows& rows, const Lattice& lattice, std::size_t k, double sign) {
  Complex sum = 0.0;
  for (const auto& row : rows) {
    double phase = 0.0;
    for (int i = 0; i < lattice.dimensions(); ++i) {
      const auto d = static_cast<std::size_t>(i);
      phase += 2.0 * std::numbers::pi * static_cast<double>(lattice.momentum(k)[d]) * row[d] /
               static_cast<double>(lattice.cells(i));
    }
    const auto d = static_cast<std::size_t>(lattice.dimensions());
    sum += Complex(row[d], row[d + 1]) * std::exp(Complex(0.0, sign * phase));
  }
  return sum;
}

/// A stored lattice with its baths.
struct Stored {
  CollisionModel model;
  std::array<std::vector<double>, 2> gain, loss, free;

  explicit Stored(const data::hubbard_two_spins::Small& stored)
      : model{Lattice({stored.cells.begin(), stored.cells.end()}), {}, {}, stored.interaction} {
    const std::array<const Rows*, 2> hops{&stored.hopping_up, &stored.hopping_down},
        losses{&stored.loss_up, &stored.loss_down}, gains{&stored.gain_up, &stored.gain_down};
    for (std::size_t s = 0; s < 2; ++s)
      for (std::size_t k = 0; k < model.lattice.size(); ++k) {
        model.energy[s].push_back(2.0 * sum_of(*hops[s], model.lattice, k, 1.0).real());
        loss[s].push_back(std::norm(sum_of(*losses[s], model.lattice, k, 1.0)));
        gain[s].push_back(std::norm(sum_of(*gains[s], model.lattice, k, -1.0)));
        model.width[s].push_back(loss[s][k] + gain[s][k]);
        free[s].push_back(gain[s][k] / model.width[s][k]);
      }
  }
  /// Ascending index of the momentum with m_i = 0 .. L_i - 1 in row-major order.
  std::size_t ascending(std::size_t flat) const {
    LatticeVector m{};
    for (int i = model.lattice.dimensions(); i-- > 0;) {
      const auto cells = static_cast<std::size_t>(model.lattice.cells(i));
      m[static_cast<std::size_t>(i)] = static_cast<std::int64_t>(flat % cells);
      flat /= cells;
    }
    return model.lattice.index_of(m);
  }
};

/// dn/dt of a spin due to collisions.
double collision(const CollisionRates& rates, std::size_t spin, std::size_t k, double n) {
  return rates.gain[spin][k] * (1.0 - n) - rates.loss[spin][k] * n;
}

TEST(HubbardCollisions, AreTheStoredOnesAtTheFreeOccupations) {
  for (const auto& stored : data::hubbard_two_spins::small) {
    SCOPED_TRACE(stored.cells.size());
    const Stored lattice(stored);
    for (const CollisionOrder order : {CollisionOrder::second, CollisionOrder::both}) {
      const auto& expected = order == CollisionOrder::second ? stored.second_collisions : stored.both_collisions;
      const CollisionRates rates = Collisions(lattice.model, order).rates(lattice.free[0], lattice.free[1]);
      for (std::size_t s = 0; s < 2; ++s)
        for (std::size_t flat = 0; flat < lattice.model.lattice.size(); ++flat) {
          const std::size_t k = lattice.ascending(flat);
          // The stored values are accurate to 1e-13 of the largest rate.
          EXPECT_NEAR(collision(rates, s, k, lattice.free[s][k]), expected[s][flat], 1e-13);
        }
    }
  }
}

/// Two species with random bands, widths and occupations on an odd lattice.
struct RandomSpecies {
  CollisionModel model;
  std::vector<double> up, down;

  RandomSpecies(Random& random, const std::vector<std::int64_t>& cells)
      : model{Lattice(cells), {}, {}, random.uniform(-2.0, 2.0)} {
    const std::size_t momenta = model.lattice.size();
    for (std::size_t s = 0; s < 2; ++s) {
      model.energy[s] = random.vector(momenta, -2.0, 2.0);
      model.width[s] = random.vector(momenta, 0.3, 2.0);
    }
    up = random.vector(momenta, 0.0, 1.0);
    down = random.vector(momenta, 0.0, 1.0);
  }
};

TEST(HubbardCollisions, SelfEnergyIsTheStoredOne) {
  for (const auto& stored : data::hubbard_two_spins::small) {
    const Stored lattice(stored);
    for (const CollisionOrder order : {CollisionOrder::second, CollisionOrder::both}) {
      const auto& expected = order == CollisionOrder::second ? stored.self_energy_second : stored.self_energy_both;
      const auto found =
          Collisions(lattice.model, order).self_energy(lattice.free[0], lattice.free[1], stored.frequencies);
      for (std::size_t w = 0; w < stored.frequencies.size(); ++w)
        for (std::size_t flat = 0; flat < lattice.model.lattice.size(); ++flat)
          EXPECT_LT(std::abs(found[lattice.ascending(flat) * stored.frequencies.size() + w] -
                             Complex(expected[w][flat][0], expected[w][flat][1])),
                    1e-13);
    }
  }
}

TEST(HubbardCollisions, SelfEnergyToSecondOrderIsTheTripleSum) {
  // Eq. 153 summed directly, for random bands, widths and occupations on an odd lattice, including frequencies far
  // outside the bands.
  Random random(87);
  const RandomSpecies species(random, {3, 5});
  const CollisionModel& model = species.model;
  const Lattice& lattice = model.lattice;
  const std::vector<double> frequencies = {-30.0, -0.4, 1.3, 12.0};
  const auto found = Collisions(model, CollisionOrder::second).self_energy(species.up, species.down, frequencies);
  const auto moved = [&](std::size_t k, std::size_t q, std::int64_t sign) {
    LatticeVector m = lattice.momentum(k);
    const LatticeVector by = lattice.momentum(q);
    for (std::size_t i = 0; i < m.size(); ++i) m[i] += sign * by[i];
    return lattice.index_of(m);
  };
  for (std::size_t k = 0; k < lattice.size(); ++k)
    for (std::size_t w = 0; w < frequencies.size(); ++w) {
      Complex sum = 0.0;
      for (std::size_t q = 0; q < lattice.size(); ++q)
        for (std::size_t p = 0; p < lattice.size(); ++p) {
          const std::size_t up = moved(k, q, 1), other = moved(p, q, -1);
          const double u = species.up[up], n = species.down[p], m = species.down[other];
          const Complex pole(model.energy[0][up] + model.energy[1][other] - model.energy[1][p],
                             -0.5 * (model.width[0][up] + model.width[1][other] + model.width[1][p]));
          sum += ((1.0 - u) * n * (1.0 - m) + u * (1.0 - n) * m) / (frequencies[w] - pole);
        }
      const double size = static_cast<double>(lattice.size());
      sum *= model.interaction * model.interaction / (size * size);
      EXPECT_LT(std::abs(found[k * frequencies.size() + w] - sum), 1e-13);
    }
}

TEST(HubbardCollisions, SecondOrderIsTheTripleSum) {
  // Eq. 140 as written: every q, k and p, with the Lorentzian of four energies.
  Random random(81);
  const RandomSpecies species(random, {5, 3});
  const CollisionModel& model = species.model;
  const std::vector<double>&nu = species.up, &nd = species.down;
  const std::size_t momenta = model.lattice.size();
  const CollisionRates rates = Collisions(model, CollisionOrder::second).rates(nu, nd);
  const double factor = model.interaction * model.interaction / static_cast<double>(momenta * momenta);
  CollisionRates expected;
  for (std::size_t s = 0; s < 2; ++s) expected.gain[s] = expected.loss[s] = std::vector<double>(momenta);
  for (std::size_t k = 0; k < momenta; ++k)
    for (std::size_t p = 0; p < momenta; ++p)
      for (std::size_t q = 0; q < momenta; ++q) {
        LatticeVector to{}, from{};
        for (std::size_t i = 0; i < 3; ++i) {
          to[i] = model.lattice.momentum(k)[i] + model.lattice.momentum(q)[i];
          from[i] = model.lattice.momentum(p)[i] - model.lattice.momentum(q)[i];
        }
        const std::size_t kq = model.lattice.index_of(to), pq = model.lattice.index_of(from);
        const double difference = model.energy[0][kq] + model.energy[1][pq] - model.energy[1][p] - model.energy[0][k];
        const double g = 0.5 * (model.width[0][kq] + model.width[1][pq] + model.width[1][p] + model.width[0][k]);
        const double lorentzian = factor * 2.0 * g / (difference * difference + g * g);
        expected.gain[0][k] += lorentzian * nu[kq] * nd[pq] * (1.0 - nd[p]);
        expected.loss[0][k] += lorentzian * (1.0 - nu[kq]) * (1.0 - nd[pq]) * nd[p];
        expected.gain[1][p] += lorentzian * nu[kq] * nd[pq] * (1.0 - nu[k]);
        expected.loss[1][p] += lorentzian * (1.0 - nu[kq]) * (1.0 - nd[pq]) * nu[k];
      }
  for (std::size_t s = 0; s < 2; ++s)
    for (std::size_t k = 0; k < momenta; ++k) {
      EXPECT_NEAR(rates.gain[s][k], expected.gain[s][k], 1e-13);
      EXPECT_NEAR(rates.loss[s][k], expected.loss[s][k], 1e-13);
    }
}

TEST(HubbardCollisions, KeepTheParticlesOfEachSpinAndKnowNothingOfNames) {
  Random random(82);
  const RandomSpecies species(random, {7});
  CollisionModel swapped = species.model;
  std::swap(swapped.energy[0], swapped.energy[1]);
  std::swap(swapped.width[0], swapped.width[1]);
  for (const CollisionOrder order : {CollisionOrder::second, CollisionOrder::particle, CollisionOrder::both}) {
    const CollisionRates rates = Collisions(species.model, order).rates(species.up, species.down);
    const CollisionRates other = Collisions(swapped, order).rates(species.down, species.up);
    const CollisionRates finer = Collisions(species.model, order, 2.0).rates(species.up, species.down);
    std::array<double, 2> sum{}, size{};
    for (std::size_t k = 0; k < 7; ++k) {
      for (std::size_t s = 0; s < 2; ++s) {
        const double n = s == 0 ? species.up[k] : species.down[k];
        sum[s] += collision(rates, s, k, n);
        size[s] += std::fabs(rates.gain[s][k] * (1.0 - n)) + std::fabs(rates.loss[s][k] * n);
      }
      for (std::size_t s = 0; s < 2; ++s) {
        EXPECT_NEAR(rates.gain[s][k], other.gain[1 - s][k], 1e-14);
        EXPECT_NEAR(rates.loss[s][k], other.loss[1 - s][k], 1e-14);
        EXPECT_NEAR(rates.gain[s][k], finer.gain[s][k], 1e-13);
        EXPECT_NEAR(rates.loss[s][k], finer.loss[s][k], 1e-13);
        if (order != CollisionOrder::both) {
          EXPECT_GE(rates.gain[s][k], 0.0);
          EXPECT_GE(rates.loss[s][k], 0.0);
        }
      }
    }
    for (std::size_t s = 0; s < 2; ++s) EXPECT_NEAR(sum[s], 0.0, 1e-15 * size[s]);
  }
}

TEST(HubbardCollisions, BalanceTheBathsAtTheStoredOccupations) {
  // Steps of Eq. 145 without any mixing, on lattices that the task does not take.
  for (const auto& stored : data::hubbard_two_spins::small) {
    SCOPED_TRACE(stored.cells.size());
    const Stored lattice(stored);
    for (const CollisionOrder order : {CollisionOrder::second, CollisionOrder::both}) {
      const auto& expected = order == CollisionOrder::second ? stored.second_steady : stored.both_steady;
      const Collisions collisions(lattice.model, order);
      std::array<std::vector<double>, 2> n = lattice.free;
      double change = 1.0;
      for (int step = 0; step < 200 && change > 1e-14; ++step) {
        const CollisionRates rates = collisions.rates(n[0], n[1]);
        change = 0.0;
        for (std::size_t s = 0; s < 2; ++s)
          for (std::size_t k = 0; k < n[s].size(); ++k) {
            const double gain = lattice.gain[s][k] + rates.gain[s][k], loss = lattice.loss[s][k] + rates.loss[s][k];
            change = std::max(change, std::fabs(gain / (gain + loss) - n[s][k]));
            n[s][k] = gain / (gain + loss);
          }
      }
      EXPECT_LE(change, 1e-14);
      for (std::size_t s = 0; s < 2; ++s)
        for (std::size_t flat = 0; flat < n[s].size(); ++flat)
          EXPECT_NEAR(n[s][lattice.ascending(flat)], expected[s][flat], 5e-12);  // stored after steps of 1e-12
    }
  }
}

TEST(HubbardCollisions, SelfEnergyWithoutSpinUpIsThatOfTheProbe) {
  // Eqs. 153 and 154 at n_up = 0 are the second order and the ladders of one probe, Eqs. 64 and 87.
  Random random(88);
  const std::vector<double> frequencies = {-4.0, -0.7, 1.1, 5.0};
  for (const std::int64_t sites : {4, 7}) {
    HubbardChain chain = random_hubbard(random, sites, true);
    chain.interaction = {random.uniform(0.5, 2.5)};
    const reference::HubbardChain plain = reference_of(chain);
    CollisionModel model{chain.lattice(), {}, {}, chain.interaction[0]};
    std::vector<double> up(plain.size()), down(plain.size());
    for (std::size_t s = 0; s < 2; ++s) {
      model.energy[s].resize(plain.size());
      model.width[s].resize(plain.size());
    }
    for (std::int64_t m = 0; m < sites; ++m) {
      const std::size_t k = ascending(m, sites);
      model.energy[0][k] = model.energy[1][k] = static_cast<double>(plain.energy(m));
      model.width[0][k] = static_cast<double>(plain.probe_loss[plain.wrap(m)]);
      model.width[1][k] = static_cast<double>(plain.rate(m));
      down[k] = static_cast<double>(plain.occupation(m));
    }
    for (const CollisionOrder order : {CollisionOrder::second, CollisionOrder::particle, CollisionOrder::both}) {
      const auto found = Collisions(model, order).self_energy(up, down, frequencies);
      for (std::int64_t m = 0; m < sites; ++m)
        for (std::size_t w = 0; w < frequencies.size(); ++w) {
          const reference::Complex at = frequencies[w], second = reference::self_energy(plain, m, at).value,
                                   particle = reference::ladder_self_energy(plain, m, at, false),
                                   hole = reference::ladder_self_energy(plain, m, at, true);
          const reference::Complex expected = order == CollisionOrder::second     ? second
                                              : order == CollisionOrder::particle ? particle
                                                                                  : particle + hole - second;
          EXPECT_LE(std::abs(found[ascending(m, sites) * frequencies.size() + w] - Complex(expected)),
                    1e-13 * (1.0 + static_cast<double>(std::abs(hole))))
              << m << " " << frequencies[w];
        }
    }
    // The same through the tasks, bit for bit but for rounding.
    HubbardChain probe = chain;
    const auto by_task = spectral(probe, frequencies, {}, {.backend = Backend::cpu, .algorithm = Algorithm::direct});
    const auto by_collisions = Collisions(model, CollisionOrder::second).self_energy(up, down, frequencies);
    for (std::size_t k = 0; k < plain.size(); ++k)
      for (std::size_t w = 0; w < frequencies.size(); ++w)
        EXPECT_LE(std::abs(by_task.self_energy[k * frequencies.size() + w] -
                           (by_collisions[k * frequencies.size() + w] - Complex(0.0, 0.5 * model.width[0][k]))),
                  1e-13);
  }
}

TEST(HubbardCollisions, ToSecondOrderKnowNotTheSignOfTheInteraction) {
  Random random(89);
  RandomSpecies species(random, {6});
  const CollisionRates one = Collisions(species.model, CollisionOrder::second).rates(species.up, species.down);
  species.model.interaction *= -1.0;
  const CollisionRates other = Collisions(species.model, CollisionOrder::second).rates(species.up, species.down);
  EXPECT_EQ(one.gain, other.gain);
  EXPECT_EQ(one.loss, other.loss);
}

HubbardSteadyState steady(const HubbardChain& chain, CollisionOrder order) {
  HubbardSteadyStateOptions options;
  options.order = order;
  options.tolerance = 1e-13;
  const HubbardSteadyState state = steady_state(chain, options);
  EXPECT_TRUE(state.converged) << state.message;
  EXPECT_EQ(state.clipped, 0);
  return state;
}

constexpr CollisionOrder every_order[] = {CollisionOrder::second, CollisionOrder::particle, CollisionOrder::both};

TEST(HubbardSteadyState, WithoutAnInteractionIsThatOfTheBaths) {
  const HubbardSteadyState state = steady(driven_chain(128, 0.0, 0.05, 0.05, 0.2, 2.0, 0.25), CollisionOrder::both);
  EXPECT_NEAR(state.current_spin[0], 0.0, 1e-16);
  EXPECT_NEAR(state.current_spin[1], 0.16119553, 5e-9);  // as rounded
  EXPECT_NEAR(state.density_spin[0], 0.5, 1e-15);
}

TEST(HubbardSteadyState, CarriesTheStoredCurrents) {
  for (const auto& ring : data::hubbard_two_spins::rings) {
    SCOPED_TRACE(::testing::Message() << ring.interaction << ", phase " << ring.phase_over_pi << " pi");
    const HubbardChain chain = driven_chain(128, ring.interaction, ring.up_gain, ring.up_loss, ring.gain,
                                            ring.two_site_loss, ring.phase_over_pi);
    for (const CollisionOrder order : {CollisionOrder::second, CollisionOrder::both}) {
      HubbardSteadyStateOptions options;
      options.order = order;
      options.tolerance = 1e-12;
      const HubbardSteadyState state = steady_state(chain, options);
      EXPECT_TRUE(state.converged);
      EXPECT_LE(state.steps, 20);
      const auto& expected = order == CollisionOrder::second ? ring.current_second : ring.current_both;
      const auto& density = order == CollisionOrder::second ? ring.density_second : ring.density_both;
      for (std::size_t s = 0; s < 2; ++s) {
        EXPECT_NEAR(state.current_spin[s], expected[s], 2e-12);
        EXPECT_NEAR(state.density_spin[s], density[s], 2e-12);
      }
    }
  }
}

TEST(HubbardSteadyState, GoesOverIntoTheExactRing) {
  // `both` neglects terms of fourth order in U, so half the interaction gives a sixteenth of the error. The mean field
  // over N momenta adds an error of second order in U over N, which a strong bath of spin up suppresses.
  std::array<double, 2> error{};
  for (std::size_t i = 0; i < 2; ++i) {
    const HubbardChain chain = driven_chain(4, i == 0 ? 0.2 : 0.1, 3.0, 1.0, 0.6, 2.0, 0.3);
    HubbardSteadyStateOptions options;
    options.tolerance = 1e-13;
    const HubbardSteadyState kinetic = steady_state(chain, options);
    const HubbardExact exact_ring = exact(chain);
    for (std::size_t k = 0; k < kinetic.occupation_spin.size(); ++k)
      error[i] = std::max(error[i], std::fabs(kinetic.occupation_spin[k] - exact_ring.occupation_spin[k]));
  }
  EXPECT_GT(error[0], 10.0 * error[1]);
  EXPECT_LT(error[1], 1e-7);
}

TEST(HubbardSteadyState, HalfFilledUniformSpinStaysHalfFilled) {
  // On an even bipartite ring with phase pi/2, a spin with equal gain and loss stays at 1/2 for every momentum and U.
  for (const double u : {-2.0, 0.5, 1.5}) {
    for (const CollisionOrder order : {CollisionOrder::second, CollisionOrder::both}) {
      const HubbardSteadyState state = steady(driven_chain(16, u, 0.05, 0.05, 0.2, 2.0, 0.5), order);
      for (std::size_t k = 0; k < 16; ++k) EXPECT_NEAR(state.occupation_spin[k], 0.5, 1e-12);
      EXPECT_NEAR(state.current_spin[0], 0.0, 1e-13);
    }
    // The master equation agrees; the slowest rate of 0.1 divides its residual of 1e-14.
    const HubbardExact ring = exact(driven_chain(4, u, 0.05, 0.05, 0.2, 2.0, 0.5));
    for (std::size_t k = 0; k < 4; ++k) EXPECT_NEAR(ring.occupation_spin[k], 0.5, 1e-12);
    EXPECT_NEAR(ring.current_spin[0], 0.0, 1e-12);
  }
  // A single kind of pair breaks the symmetry between particles and holes.
  const HubbardSteadyState state = steady(driven_chain(16, 1.5, 0.05, 0.05, 0.2, 2.0, 0.5), CollisionOrder::particle);
  EXPECT_GT(std::fabs(state.current_spin[0]), 1e-5);
}

TEST(HubbardSteadyState, TheCurrentOfAHalfFilledUniformSpinIsOddInTheInteraction) {
  // Exchanging particles and holes of spin up changes the sign of U and of the current, and leaves spin down as it is.
  for (const double phase : {0.25, 0.4}) {
    for (const CollisionOrder order : {CollisionOrder::second, CollisionOrder::both}) {
      const HubbardSteadyState repulsive = steady(driven_chain(12, 1.0, 0.05, 0.05, 0.2, 2.0, phase), order),
                               attractive = steady(driven_chain(12, -1.0, 0.05, 0.05, 0.2, 2.0, phase), order);
      EXPECT_NEAR(repulsive.current_spin[0], -attractive.current_spin[0], 1e-12);
      EXPECT_NEAR(repulsive.current_spin[1], attractive.current_spin[1], 1e-12);
      EXPECT_EQ(std::fabs(repulsive.current_spin[0]) > 1e-4, order == CollisionOrder::both);
    }
    const HubbardExact repulsive = exact(driven_chain(4, 1.0, 0.05, 0.05, 0.2, 2.0, phase)),
                       attractive = exact(driven_chain(4, -1.0, 0.05, 0.05, 0.2, 2.0, phase));
    EXPECT_NEAR(repulsive.current_spin[0], -attractive.current_spin[0], 1e-12);
    EXPECT_NEAR(repulsive.current_spin[1], attractive.current_spin[1], 1e-12);
    EXPECT_GT(std::fabs(repulsive.current_spin[0]), 1e-5);
  }
}

/// Gain and loss of spin up exchanged between k and pi - k, and the other sign of U: n_up becomes 1 - n_up of pi - k.
HubbardChain with_holes_of_spin_up(const HubbardChain& chain) {
  HubbardChain holes = chain;
  holes.interaction[0] *= -1.0;
  const auto sites = static_cast<std::size_t>(chain.sites);
  for (std::size_t k = 0; k < sites; ++k) {
    const std::size_t other = (3 * sites / 2 - k) % sites;  // ascending from -pi: k + k' = pi
    holes.up.gain_table[k] = chain.up.loss_table[other];
    holes.up.loss_table[k] = chain.up.gain_table[other];
  }
  return holes;
}

TEST(HubbardSteadyState, ExchangesParticlesAndHolesOfSpinUp) {
  Random random(90);
  const auto compare = [](const auto& one, const auto& other, std::size_t sites) {
    for (std::size_t k = 0; k < sites; ++k) {
      EXPECT_NEAR(one.occupation_spin[k], 1.0 - other.occupation_spin[(3 * sites / 2 - k) % sites], 1e-12);
      EXPECT_NEAR(one.occupation_spin[sites + k], other.occupation_spin[sites + k], 1e-12);
    }
  };
  for (const std::int64_t sites : {4, 8}) {
    const auto size = static_cast<std::size_t>(sites);
    HubbardChain chain = driven_chain(sites, 0.8, 0.0, 0.0, 0.3, 0.9, 0.3);
    chain.up.gain_table = random.vector(size, 0.1, 0.5);
    chain.up.loss_table = random.vector(size, 0.1, 0.5);
    const HubbardChain holes = with_holes_of_spin_up(chain);
    for (const CollisionOrder order : {CollisionOrder::second, CollisionOrder::both})
      compare(steady(chain, order), steady(holes, order), size);
    if (sites == 4) compare(exact(chain), exact(holes), size);
  }
}

TEST(HubbardSteadyState, EvenBathsAndBandsDriveNoCurrent) {
  for (const std::int64_t sites : {4, 9}) {
    HubbardChain chain = driven_chain(sites, 1.2, 0.02, 0.06, 0.3, 0.9, 0.0);
    chain.up.two_site_gain = 0.2;
    chain.up.two_site_gain_phase = std::numbers::pi;
    for (const CollisionOrder order : every_order) {
      const HubbardSteadyState state = steady(chain, order);
      for (std::size_t s = 0; s < 2; ++s) EXPECT_NEAR(state.current_spin[s], 0.0, 1e-14);
    }
    if (sites == 4) {
      const HubbardExact ring = exact(chain);
      for (std::size_t s = 0; s < 2; ++s) EXPECT_NEAR(ring.current_spin[s], 0.0, 1e-13);
    }
  }
}

TEST(HubbardSteadyState, SaysAllThatIsWrong) {
  // An interaction far too strong for both ladders, and a single step.
  const auto run = [](double interaction, std::int64_t steps) {
    HubbardSteadyStateOptions options;
    options.max_steps = steps;
    options.frequencies = std::vector<double>();
    for (int i = 0; i < 100; ++i) options.frequencies->push_back(-12.0 + 0.25 * i);
    return steady_state(driven_chain(4, interaction, 0.05, 0.3, 0.4, 0.2, 0.3), options);
  };
  const auto says = [](const HubbardSteadyState& state, const char* what) {
    return state.message.find(what) != std::string::npos;
  };
  const HubbardSteadyState fine = run(0.5, 200), short_of_steps = run(0.5, 1), strong = run(8.0, 1);
  EXPECT_EQ(fine.message, "");
  EXPECT_EQ(short_of_steps.message, "not converged after max_steps");
  std::int64_t negative = 0;
  double smallest = 0.0;
  for (const double value : strong.spectral_function) {
    if (value < 0.0) ++negative;
    smallest = std::min(smallest, value);
  }
  ASSERT_GT(strong.clipped, 0);
  ASSERT_GT(negative, 1);
  EXPECT_TRUE(says(strong, (std::to_string(strong.clipped) + " occupations left [0, 1]").c_str())) << strong.message;
  EXPECT_TRUE(says(strong, "not converged after max_steps")) << strong.message;
  char text[120];
  std::snprintf(text, sizeof text, "%d values of the spectral function are negative, the smallest %.3g",
                static_cast<int>(negative), smallest);
  EXPECT_TRUE(says(strong, text)) << strong.message;
}

TEST(HubbardTransport, OneParticleDriftsAsStored) {
  for (const auto& stored : data::hubbard_one_particle::small) {
    SCOPED_TRACE(stored.interaction);
    const HubbardChain chain = driven_chain(stored.sites, stored.interaction, 0.0, 0.0, stored.gain,
                                            stored.two_site_loss, stored.phase_over_pi);
    TransportOptions options;
    const Transport both = transport(chain, options);
    options.order = CollisionOrder::second;
    options.exact_sites = 0;
    const Transport second = transport(chain, options);
    EXPECT_NEAR(both.drift_velocity.front(), stored.velocity_both, 1e-11);
    EXPECT_NEAR(both.diffusion_constant.front(), stored.diffusion_both, 1e-11 * stored.diffusion_both);
    EXPECT_NEAR(second.drift_velocity.front(), stored.velocity_second, 1e-11);
    EXPECT_NEAR(second.diffusion_constant.front(), stored.diffusion_second, 1e-11 * stored.diffusion_second);
    EXPECT_NEAR(both.drift_velocity_exact.front(), stored.velocity_exact, 1e-11);
    const auto correlations = clusters::one_body(clusters::one_particle_state(all_momenta(chain).group(0)), 0);
    for (std::size_t m = 0; m < stored.distribution_exact.size(); ++m) {
      const std::size_t k = ascending(static_cast<std::int64_t>(m), stored.sites);
      EXPECT_NEAR(correlations[k * (stored.distribution_exact.size() + 1)].real(), stored.distribution_exact[m], 1e-12);
      EXPECT_NEAR(second.occupation[k], stored.distribution_second[m], 1e-12);
      EXPECT_NEAR(both.occupation[k], stored.distribution_both[m], 1e-12);
    }
    EXPECT_EQ(both.drift_velocity_ring, both.drift_velocity);  // here the ring is the chain itself
    EXPECT_TRUE(std::isnan(second.drift_velocity_exact.front()));
    double sum = 0.0;
    options.order = CollisionOrder::particle;
    for (const double p : transport(chain, options).occupation) EXPECT_GT(p, 0.0);
    for (const double p : second.occupation) {
      EXPECT_GT(p, 0.0);
      sum += p;
    }
    EXPECT_NEAR(sum, 1.0, 1e-13);
  }
  for (const auto& stored : data::hubbard_one_particle::rings) {
    const HubbardChain chain = driven_chain(stored.sites, stored.interaction, 0.0, 0.0, stored.gain,
                                            stored.two_site_loss, stored.phase_over_pi);
    TransportOptions options;
    options.order = stored.both > 0.5 ? CollisionOrder::both : CollisionOrder::second;
    options.exact_sites = 0;
    const Transport result = transport(chain, options);
    EXPECT_NEAR(result.drift_velocity.front(), stored.velocity, 1e-9);
    EXPECT_NEAR(result.diffusion_constant.front(), stored.diffusion, 1e-9 * stored.diffusion);
  }
}

TEST(HubbardTransport, ExactParticleDriftsAndSpreadsAsStored) {
  for (const auto& stored : data::hubbard_one_particle::exact_particles) {
    SCOPED_TRACE(std::to_string(stored.sites) + " sites, U = " + std::to_string(stored.interaction));
    HubbardChain chain = driven_chain(stored.sites, stored.interaction, 0.0, 0.0, stored.gain, stored.two_site_loss,
                                      stored.phase_over_pi);
    TransportOptions options;
    options.order = CollisionOrder::second;
    const Transport result = transport(chain, options);
    EXPECT_NEAR(result.drift_velocity_exact.front(), stored.velocity_exact, 1e-11);
    // The slowest rate, some U^2 / 10, divides a residual of 1e-14 once in P and twice in D = O(1 / U^2).
    EXPECT_NEAR(result.diffusion_exact.front() / stored.diffusion_exact, 1.0, 1e-10);
    EXPECT_EQ(result.diffusion_ring, result.diffusion_constant);  // the ring is the chain itself
    // The limit of weak interaction is that of the second order, from where the error grows as U.
    EXPECT_NEAR(result.diffusion_exact.front() / result.diffusion_constant.front(), 1.0,
                std::max(0.1 * stored.interaction, 0.1 * std::pow(stored.interaction, 2)));
    // Inversion turns the drift around and keeps the spreading.
    chain.down.two_site_loss_phase = -chain.down.two_site_loss_phase;
    const Transport mirrored = transport(chain, options);
    EXPECT_NEAR(mirrored.drift_velocity_exact.front(), -stored.velocity_exact, 1e-11);
    EXPECT_NEAR(mirrored.diffusion_exact.front() / stored.diffusion_exact, 1.0, 1e-10);
  }
}

TEST(HubbardTransport, ExactParticleSpreadsAsCountedHopByHop) {
  // Mean and variance of its displacement from the master equation in real space, for every kind of bath and both signs
  // of U. Transients of relative size e^{-rate t} are gone.
  HubbardChain chain = driven_chain(3, 1.5, 0.0, 0.0, 0.7, 0.6, 0.2);
  chain.hopping = 0.8;
  chain.down.loss = 0.3;
  chain.down.two_site_gain = 0.4;
  chain.down.two_site_gain_phase = 1.1;
  for (const double interaction : {3.0, -2.5}) {
    chain.interaction = {interaction};
    const Transport result = transport(chain);
    const reference::CountedParticle particle(
        3, chain.hopping, interaction, {{chain.down.gain, 0.0}, {chain.down.two_site_gain, 1.1}},
        {{chain.down.loss, 0.0}, {chain.down.two_site_loss, 0.2 * std::numbers::pi}});
    const auto [velocity, diffusion] = particle.drift_and_diffusion(36.0, 4.0);
    EXPECT_NEAR(result.drift_velocity_exact.front(), velocity, 1e-10);
    EXPECT_NEAR(result.diffusion_exact.front(), diffusion, 1e-10);
  }
}

TEST(HubbardTransport, ParticleOnTwoSitesStandsStill) {
  // Both velocities vanish.
  const Transport result = transport(driven_chain(2, 1.0, 0.0, 0.0, 0.2, 2.0, 0.25));
  EXPECT_EQ(result.drift_velocity_exact.front(), 0.0);
  EXPECT_EQ(result.diffusion_exact.front(), 0.0);
}

TEST(HubbardTransport, ScatteringIsTheRateOfAThinSpecies) {
  // For few particles of spin up, gain and loss are linear in their occupations: W and its column sums.
  Random random(83);
  const RandomSpecies species(random, {5});
  const double few = 1e-9;
  for (const CollisionOrder order : {CollisionOrder::second, CollisionOrder::particle, CollisionOrder::both}) {
    const Collisions collisions(species.model, order);
    const std::vector<double> w = collisions.scattering(species.down);
    for (std::size_t from = 0; from < 5; ++from) {
      std::vector<double> up(5);
      up[from] = few;
      const CollisionRates rates = collisions.rates(up, species.down);
      double out = 0.0;
      for (std::size_t to = 0; to < 5; ++to) {
        EXPECT_NEAR(rates.gain[0][to] / few, w[to * 5 + from], 1e-7);
        out += w[to * 5 + from];
      }
      EXPECT_NEAR(rates.loss[0][from], out, 1e-7);
    }
  }
}

TEST(HubbardSteadyState, SpectrumOfSpinUpIsExactThroughItsOrder) {
  // Compared with the master equation of a ring of three sites: the error of `second` falls as U^3, that of `both` as
  // U^4.
  const std::vector<double> frequencies = {-1.3, 0.4, 2.1};
  const auto error = [&](CollisionOrder order, double interaction) {
    HubbardChain chain;
    chain.sites = 3;
    chain.interaction = {interaction};
    chain.up.gain = 0.4;
    chain.up.loss = 0.7;
    chain.down.gain = 0.6;
    chain.down.two_site_loss = 0.5;
    chain.down.loss = 0.3;
    HubbardSteadyStateOptions options;
    options.order = order;
    options.frequencies = frequencies;
    options.tolerance = 1e-13;
    const HubbardSteadyState state = steady_state(chain, options);
    HubbardExactOptions exactly;
    exactly.frequencies = frequencies;
    const HubbardExact ring = exact(chain, exactly);
    double largest = 0.0;
    for (std::size_t i = 0; i < state.self_energy.size(); ++i) {
      EXPECT_GT(state.spectral_function[i], 0.0);
      largest = std::max(largest, std::abs(state.self_energy[i] - ring.self_energy[i]));
    }
    return largest;
  };
  for (const auto& [order, power] : {std::pair{CollisionOrder::second, 3.0}, {CollisionOrder::both, 4.0}}) {
    const double coarse = error(order, 0.2), fine = error(order, 0.1);
    EXPECT_NEAR(std::log2(coarse / fine), power, 0.3);
  }
}

TEST(HubbardSteadyState, SpectrumNeedsALineOfEveryMomentum) {
  HubbardChain chain;
  chain.sites = 4;
  chain.interaction = {1.0};
  chain.up.gain = chain.up.loss = 0.1;
  chain.down.two_site_loss = 1.0;  // vanishes at k = pi/2
  HubbardSteadyStateOptions options;
  options.frequencies = std::vector<double>{0.0};
  EXPECT_THROW(steady_state(chain, options), ParameterError);
}

}  // namespace
}  // namespace lindrift::testing
