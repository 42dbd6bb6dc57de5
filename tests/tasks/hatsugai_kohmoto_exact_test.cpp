// The Hatsugai-Kohmoto chain against the master equation in the full Fock space: one momentum (16 x 16 superoperators),
// two momenta (256 x 256), and rings of one, two and three sites built in real space, where H is the sum over sites
// that conserves the centre of mass and the jump operators are c_j + e^{i phase} c_{j+1}.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>

#include "lindrift/hatsugai_kohmoto/density.hpp"
#include "lindrift/hatsugai_kohmoto/green.hpp"
#include "lindrift/lattice/lattice.hpp"
#include "open_chain/propagator.hpp"
#include "reference/open_fermions.hpp"
#include "support/open_chains.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;
using reference::OpenFermions;
using Operator = OpenFermions::Operator;
const Execution on_cpu{.backend = Backend::cpu};

constexpr double accuracy = 1e-13;

/// Momenta without a lattice, with two orbitals each: 2 k is up, 2 k + 1 down.
struct Momenta {
  HatsugaiKohmotoModes modes;
  OpenFermions space;

  Momenta(Random& random, std::size_t count) : space(2 * count) {
    modes.lattice = Lattice({static_cast<std::int64_t>(count)});
    modes.interaction = random.uniform(-4.0, 4.0);
    for (std::size_t k = 0; k < count; ++k) {
      modes.energy.push_back(random.uniform(-2.0, 2.0));
      for (BathRates* rates : {&modes.up, &modes.down}) {
        rates->gain.push_back(random.uniform(0.0, 1.0));
        rates->loss.push_back(random.uniform(0.0, 1.0));
      }
      for (const std::size_t spin : {0, 1}) {
        const std::size_t p = 2 * k + spin;
        const BathRates& rates = spin == 0 ? modes.up : modes.down;
        space.add_to_hamiltonian(modes.energy[k], space.number(p));
        space.add_jump(scaled(std::sqrt(rates.gain[k]), space.create(p)));
        space.add_jump(scaled(std::sqrt(rates.loss[k]), space.c(p)));
      }
      space.add_to_hamiltonian(modes.interaction, space.product(space.number(2 * k), space.number(2 * k + 1)));
    }
  }
  static Operator scaled(Complex factor, Operator a) {
    for (Complex& x : a) x *= factor;
    return a;
  }
  /// Amplitudes of a propagator of these momenta at one time.
  std::vector<Complex> amplitudes(const Propagator& propagator, double time) const {
    const std::size_t count = propagator.sites();
    std::vector<Complex> row(count), result(count);
    propagator.amplitudes(std::span(&time, 1), row.data());
    for (std::size_t i = 0; i < count; ++i)
      result[i] = row[ring_position(i, count)] * std::exp(propagator.growth() * time);
    return result;
  }
};

/// A state with coherence between all configurations of equal parity.
Operator random_state(Random& random, const OpenFermions& space) {
  const std::size_t n = space.dimension();
  Operator root = space.zero();
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      if (std::popcount(i) % 2 == std::popcount(j) % 2) root[i * n + j] = random.complex(1.0);
  Operator rho = space.product(root, space.adjoint(root));
  Complex trace = 0.0;
  for (std::size_t i = 0; i < n; ++i) trace += rho[i * n + i];
  for (Complex& x : rho) x /= trace;
  return rho;
}

/// A B + B A
Operator anticommutator(const OpenFermions& space, const Operator& a, const Operator& b) {
  Operator sum = space.product(a, b);
  OpenFermions::add(sum, 1.0, space.product(b, a));
  return sum;
}

TEST(ExactHatsugaiKohmoto, GreensFunctionOfOneMomentum) {
  Random random(21);
  for (int draw = 0; draw < 20; ++draw) {
    const Momenta one(random, 1);
    const Operator rho = random_state(random, one.space);
    const std::vector<double> occupation = {one.space.expectation(one.space.number(1), rho).real()};
    const auto green = Propagator::of_green(one.modes, occupation);
    for (const double time : {0.0, 0.3, 1.1, 4.0}) {
      const Operator later = one.space.evolved(one.space.c(0), time, true);
      const Complex expected = one.space.expectation(anticommutator(one.space, later, one.space.create(0)), rho);
      EXPECT_NEAR(std::abs(one.amplitudes(green, time)[0] - expected), 0.0, accuracy);
    }
  }
}

TEST(ExactHatsugaiKohmoto, CoherenceOfTwoMomenta) {
  Random random(22);
  for (int draw = 0; draw < 3; ++draw) {
    const Momenta two(random, 2);
    const OpenFermions& space = two.space;
    const Operator rho = random_state(random, space), pair = space.product(space.create(0), space.c(2));
    Complex correlator[4];
    for (const int a : {0, 1})
      for (const int b : {0, 1}) {
        Operator o = pair;
        if (b == 1) o = space.product(space.number(3), o);
        if (a == 1) o = space.product(space.number(1), o);
        correlator[a + 2 * b] = space.expectation(o, rho);
      }
    const std::vector<double> empty(2, 0.0);
    const auto first = Propagator::of_green(two.modes, empty), second = Propagator::of_second_entry(two.modes);
    for (const double time : {0.4, 1.5}) {
      const auto u = two.amplitudes(first, time), v = two.amplitudes(second, time);
      const Complex left[2] = {std::conj(u[0]), std::conj(v[0])}, right[2] = {u[1], v[1]};
      Complex sum = 0.0;
      for (const int a : {0, 1})
        for (const int b : {0, 1}) sum += left[a] * right[b] * correlator[a + 2 * b];
      const Complex expected = space.expectation(space.evolved(pair, time, false), rho);
      EXPECT_NEAR(std::abs(sum - expected), 0.0, accuracy);
      // A population depends only on its own rates.
      const double rate = two.modes.up.gain[0] + two.modes.up.loss[0], steady = two.modes.up.gain[0] / rate;
      const double start = space.expectation(space.number(0), rho).real();
      EXPECT_NEAR(space.expectation(space.evolved(space.number(0), time, false), rho).real(),
                  steady + (start - steady) * std::exp(-rate * time), accuracy);
    }
  }
}

/// A ring in real space: orbital 2 s + spin at site s = 0 .. L-1.
OpenFermions ring_of(const HatsugaiKohmoto& model) {
  const auto sites = static_cast<std::size_t>(model.sites);
  OpenFermions space(2 * sites);
  for (std::size_t s = 0; s < sites; ++s)
    for (const std::size_t spin : {0, 1}) {
      const std::size_t here = 2 * s + spin, next = 2 * ((s + 1) % sites) + spin;
      const Operator hop = space.product(space.create(here), space.c(next));
      space.add_to_hamiltonian(-model.hopping, hop);
      space.add_to_hamiltonian(-model.hopping, space.adjoint(hop));
      const OpenBath& bath = spin == 0 ? model.up : model.down;
      const auto bond = [&](const Operator& a, const Operator& b, double rate, double phase) {
        Operator jump = Momenta::scaled(std::sqrt(rate), a);
        OpenFermions::add(jump, std::sqrt(rate) * std::polar(1.0, phase), b);
        space.add_jump(jump);
      };
      space.add_jump(Momenta::scaled(std::sqrt(bath.gain), space.create(here)));
      space.add_jump(Momenta::scaled(std::sqrt(bath.loss), space.c(here)));
      bond(space.c(here), space.c(next), bath.two_site_loss, bath.two_site_loss_phase);
      bond(space.create(here), space.create(next), bath.two_site_gain, bath.two_site_gain_phase);
    }
  for (std::size_t a = 0; a < sites; ++a)
    for (std::size_t b = 0; b < sites; ++b)
      for (std::size_t c = 0; c < sites; ++c) {
        const std::size_t d = (a + c + sites - b) % sites;
        const Operator up = space.product(space.create(2 * a), space.c(2 * b));
        const Operator down = space.product(space.create(2 * c + 1), space.c(2 * d + 1));
        space.add_to_hamiltonian(model.interaction / static_cast<double>(sites), space.product(up, down));
      }
  return space;
}

HatsugaiKohmoto random_ring(Random& random, std::int64_t sites) {
  HatsugaiKohmoto model = random_hatsugai_kohmoto(random, sites);
  for (OpenBath* bath : {&model.up, &model.down}) {
    bath->gain_table.clear();  // a table cannot be written as jump operators on sites
    bath->loss_table.clear();
  }
  model.interaction = random.uniform(-4.0, 4.0);
  return model;
}

/// Spin up in a given configuration of sites, spin down likewise, or completely mixed.
Operator fock_state(const OpenFermions& space, std::size_t sites, std::size_t up, std::size_t down, bool mixed) {
  Operator rho = space.zero();
  double weight = 0.0;
  for (std::size_t state = 0; state < space.dimension(); ++state) {
    std::size_t up_here = 0, down_here = 0;
    for (std::size_t s = 0; s < sites; ++s) {
      up_here |= (state >> (2 * s) & 1U) << s;
      down_here |= (state >> (2 * s + 1) & 1U) << s;
    }
    if (up_here != up || (!mixed && down_here != down)) continue;
    rho[state * space.dimension() + state] = 1.0;
    weight += 1.0;
  }
  for (Complex& x : rho) x /= weight;
  return rho;
}

class ExactRing : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(ExactRing, GreensFunctionAndDensityOfRealSpace) {
  const std::int64_t length = GetParam();
  const auto sites = static_cast<std::size_t>(length);
  Random random(30 + static_cast<std::uint64_t>(length));
  const HatsugaiKohmoto model = random_ring(random, length);
  const OpenFermions space = ring_of(model);
  // Three sites mean 4096 x 4096 superoperators; a single time keeps the test within seconds.
  const std::vector<double> times = length == 3 ? std::vector<double>{0.8} : std::vector<double>{0.35, 1.2};
  const std::int64_t first = first_momentum_index(length);
  const auto site_of = [&](std::size_t label) {
    return static_cast<std::size_t>((first + static_cast<std::int64_t>(label) + length) % length);
  };
  for (std::size_t t = 0; t < times.size(); ++t) {
    std::vector<Operator> lowering, number;
    for (std::size_t label = 0; label < sites; ++label) {
      lowering.push_back(space.evolved(space.c(2 * site_of(label)), times[t], true));
      number.push_back(space.evolved(space.number(2 * site_of(label)), times[t], false));
    }
    // Spin down empty, full, and mixed: products over the momenta with occupations 0, 1 and 1/2.
    for (const double occupation : {0.0, 1.0, 0.5}) {
      const Operator rho =
          fock_state(space, sites, 1, occupation == 1.0 ? (std::size_t{1} << sites) - 1 : 0, occupation == 0.5);
      GreenOptions options;
      options.down_occupation.assign(sites, occupation);
      const auto g = green(model, times, options, on_cpu);
      DensityOptions density_options;
      density_options.down_occupation = options.down_occupation;
      const auto n = density(model, UpSites{}, times, density_options, on_cpu);
      for (std::size_t label = 0; label < sites; ++label) {
        const Complex expected =
            Complex(0.0, -1.0) * space.expectation(anticommutator(space, lowering[label], space.create(0)), rho);
        EXPECT_NEAR(std::abs(g.green_retarded[t * sites + label] - expected), 0.0, accuracy)
            << "t = " << times[t] << ", n0 = " << occupation << ", label " << label;
        EXPECT_NEAR(n.density[t * sites + label], space.expectation(number[label], rho).real(), accuracy)
            << "t = " << times[t] << ", n0 = " << occupation << ", label " << label;
      }
    }
    // Both spins on given sites, so spin down is not a product over the momenta.
    for (std::size_t up = 1; up < std::size_t{1} << sites; up += 2)
      for (std::size_t down = 0; down < std::size_t{1} << sites; ++down) {
        UpSites state;
        DensityOptions options;
        options.down_sites.emplace();
        state.sites.clear();
        for (std::size_t label = 0; label < sites; ++label) {
          if (up >> site_of(label) & 1U) state.sites.push_back(first + static_cast<std::int64_t>(label));
          if (down >> site_of(label) & 1U) options.down_sites->push_back(first + static_cast<std::int64_t>(label));
        }
        const auto n = density(model, state, times, options, on_cpu);
        const Operator rho = fock_state(space, sites, up, down, false);
        for (std::size_t label = 0; label < sites; ++label)
          EXPECT_NEAR(n.density[t * sites + label], space.expectation(number[label], rho).real(), accuracy)
              << "up " << up << ", down " << down;
      }
  }
}

INSTANTIATE_TEST_SUITE_P(Rings, ExactRing, ::testing::Values(1, 2, 3));

TEST(ExactHatsugaiKohmoto, TheSignOfAnOddOperatorMatters) {
  // Without interaction the baths of spin down must not affect spin up; with the sign of an even operator they would.
  HatsugaiKohmoto model;
  model.sites = 2;
  model.down.gain = 0.7;
  const OpenFermions space = ring_of(model);
  const Operator rho = fock_state(space, 2, 0, 0, false);
  const auto weight = [&](bool odd) {
    double sum = 0.0;
    for (const std::size_t site : {0, 1})
      sum += std::norm(
          space.expectation(anticommutator(space, space.evolved(space.c(2 * site), 1.0, odd), space.create(0)), rho));
    return sum;
  };
  EXPECT_NEAR(weight(true), 1.0, accuracy);
  EXPECT_LT(weight(false), 0.5);
}

}  // namespace
}  // namespace lindrift::testing
