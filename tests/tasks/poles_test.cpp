// Tests of the poles of the open Hatsugai-Kohmoto model: against the exponential of the generator, stored values and
// plain sums over many momenta; and relations of exceptional points, windings and areas that hold for any rates.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "data/hatsugai_kohmoto_poles.hpp"
#include "hatsugai_kohmoto/zone.hpp"
#include "lindrift/error.hpp"
#include "lindrift/hatsugai_kohmoto/poles.hpp"
#include "open_chain/eigenvalues.hpp"
#include "support/open_chains.hpp"
#include "support/random.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;
constexpr double pi = std::numbers::pi;

/// The square lattice of the stored values.
HatsugaiKohmoto square_lattice(std::int64_t cells) {
  HatsugaiKohmoto model;
  model.cells = {cells, cells};
  model.hopping_terms = {{{1, 0}, -1.0}, {{0, 1}, -1.0}};
  model.interaction = 3.0;
  model.down.gain = 0.5;
  model.down.operators = {
      {BathOperatorKind::gain, {{{0, 0}, std::sqrt(0.5)}, {{0, 1}, std::sqrt(0.5)}}},
      {BathOperatorKind::loss, {{{0, 0}, 1.0}, {{1, 0}, Complex(0.0, 1.0)}}},
  };
  return model;
}

/// A lattice with random operators of gain and loss on neighbouring cells.
HatsugaiKohmoto random_lattice(Random& random, std::vector<std::int64_t> cells, double interaction) {
  const auto vector = [&] {
    LatticeVector displacement{};
    for (std::size_t i = 0; i < cells.size(); ++i) displacement[i] = random.integer(-1, 1);
    return displacement;
  };
  const auto terms = [&](int count, double size) {
    std::vector<LatticeTerm> all;
    for (int i = 0; i < count; ++i) all.push_back({vector(), random.complex(size)});
    return all;
  };
  HatsugaiKohmoto model;
  model.cells = cells;
  model.hopping_terms = terms(3, 1.0);
  model.interaction = interaction;
  model.up.operators = {{BathOperatorKind::loss, terms(2, 0.3)}};
  model.down.gain = 0.1;
  for (const auto kind : {BathOperatorKind::gain, BathOperatorKind::loss})
    for (int channel = 0; channel < 2; ++channel) model.down.operators.push_back({kind, terms(3, 0.7)});
  return model;
}

/// kappa_k - gamma_k and, in `sum`, kappa_k + gamma_k, from the definition of the operators.
double imbalance(const HatsugaiKohmoto& model, const Momentum& k, double* sum) {
  double loss = model.down.loss, gain = model.down.gain;
  for (const BathOperator& channel : model.down.operators) {
    const bool is_loss = channel.kind == BathOperatorKind::loss;
    Complex amplitude = 0.0;
    for (const LatticeTerm& term : channel.terms) {
      double phase = 0.0;
      for (std::size_t i = 0; i < 3; ++i) phase += static_cast<double>(term.displacement[i]) * k[i];
      amplitude += term.amplitude * std::exp(Complex(0.0, is_loss ? phase : -phase));
    }
    (is_loss ? loss : gain) += std::norm(amplitude);
  }
  *sum = gain + loss;
  return gain - loss;
}

TEST(Poles, PropagateEveryMomentum) {
  Random random(5);
  for (int round = 0; round < 12; ++round) {
    const std::int64_t sites = random.integer(1, 9);
    HatsugaiKohmoto model = random_hatsugai_kohmoto(random, sites);
    if (round % 4 == 1) model.down = {};  // no bath: two poles without width
    if (round % 4 == 2) model.down.gain = model.down.two_site_gain = 0.0, model.down.gain_table.clear();
    PolesOptions options;
    if (round % 3 == 0) options.down_occupation = random.vector(static_cast<std::size_t>(sites), 0.0, 1.0);
    const PolesResult found = poles(model, options);
    const auto chain = reference_of(model);
    for (std::size_t k = 0; k < chain.size(); ++k) {
      const auto n0 = options.down_occupation.empty()
                          ? chain.steady(k)
                          : static_cast<reference::hatsugai_kohmoto::Real>(options.down_occupation[k]);
      EXPECT_LE(found.pole[k].imag(), 1e-15);
      EXPECT_LE(found.pole[k + chain.size()].imag(), found.pole[k].imag() + 1e-15);
      for (const double time : {0.0, 0.7, 3.1}) {
        Complex sum = 0.0;
        for (const std::size_t i : {k, k + chain.size()})
          sum += found.residue[i] * std::exp(Complex(0.0, -time) * found.pole[i]);
        // The residues of nearly equal poles are large; their rounding errors cancel only in part.
        EXPECT_LT(std::abs(sum - Complex(chain.mode(k).g(time, n0))), 1e-13 * (1.0 + std::abs(found.residue[k])))
            << "momentum " << k << " of " << sites << " at " << time;
      }
    }
  }
}

TEST(Poles, SmallResidueKeepsItsDigits) {
  // z_2 = -U^2 n h / S^2 to lowest order, far below the rounding error of z_1 = 1 - z_2.
  HatsugaiKohmoto model;
  model.sites = 1;
  model.interaction = 1e-9;
  model.down.gain = 0.3;
  model.down.loss = 0.5;
  const PolesResult found = poles(model);
  const double expected = -1e-18 * (0.3 * 0.5 / 0.64) / 0.64;
  EXPECT_NEAR(found.residue[1].real(), expected, 1e-8 * std::fabs(expected));
}

TEST(Poles, StoredChains) {
  for (const auto& stored : data::hatsugai_kohmoto_poles::chains) {
    HatsugaiKohmoto model = published_chain(4000, stored.interaction);
    const Zone zone(model);
    for (std::size_t i = 0; i < stored.momenta.size(); ++i) {
      const ZoneMode mode = zone.at({stored.momenta[i]});
      const Eigenvalues root = eigenvalues(mode.gain.value, mode.loss.value, stored.interaction);
      const Complex base(mode.energy.value, -0.5 * mode.up_rate.value), unit(0.0, 1.0);
      EXPECT_LT(std::abs(base + unit * root.slow - Complex(stored.slow[i][0], stored.slow[i][1])), 1e-14);
      EXPECT_LT(std::abs(base + unit * (root.slow - root.splitting) - Complex(stored.fast[i][0], stored.fast[i][1])),
                1e-14);
    }
    PolesOptions options;
    options.base_energies = stored.base_energies;
    const PolesResult found = poles(model, options);
    // Minima over different grids differ by the square of the spacing.
    EXPECT_NEAR(found.smallest_separation, stored.smallest_separation, 1e-6);
    EXPECT_EQ(found.winding, stored.windings);
    for (const double area : stored.areas)
      EXPECT_LT(std::min(std::fabs(found.loop_area[0] - area), std::fabs(found.loop_area[1] - area)), 1e-12);
    EXPECT_EQ(found.exceptional_points, 0);
    // The pole that is slow at k = -pi comes first.
    EXPECT_EQ(found.loop_area[0]<found.loop_area[1], stored.interaction> 3.0);
  }
}

TEST(Poles, PublishedWindings) {
  // The upper band winds once, clockwise: around U - 0.2 i from U = 2 on, around U - 0.5 i from U = 4 on.
  const std::vector<std::pair<double, std::array<double, 2>>> expected = {
      {0.5, {0.0, 0.0}}, {1.0, {0.0, 0.0}}, {2.0, {-1.0, 0.0}}, {4.0, {-1.0, -1.0}}, {8.0, {-1.0, -1.0}}};
  for (const auto& [interaction, windings] : expected) {
    PolesOptions options;
    options.base_energies = {{interaction, -0.2}, {interaction, -0.5}};
    for (const std::int64_t sites : {7, 64}) {
      const PolesResult found = poles(published_chain(sites, interaction), options);
      EXPECT_EQ(found.winding[0], windings[0]) << interaction;
      EXPECT_EQ(found.winding[1], windings[1]) << interaction;
      EXPECT_NEAR(found.loop_area[0] + found.loop_area[1], -4.0 * pi * 0.5, 1e-12);  // -4 pi J g
    }
  }
}

TEST(Poles, StoredExceptionalPointsOfASquareLattice) {
  namespace stored = data::hatsugai_kohmoto_poles;
  for (const std::int64_t cells : {64, 5, 24}) {
    const PolesResult found = poles(square_lattice(cells));
    ASSERT_EQ(found.exceptional_points, 4);
    for (std::size_t p = 0; p < 4; ++p) {
      double nearest = 1.0;
      for (std::size_t i = 0; i < 4; ++i) {
        const double x = found.exceptional_point[2 * i], y = found.exceptional_point[2 * i + 1];
        const double distance = std::hypot(std::remainder(x - stored::points[p][0], 2.0 * pi),
                                           std::remainder(y - stored::points[p][1], 2.0 * pi));
        if (distance > nearest) continue;
        nearest = distance;
        // Stored points and stored cells are in the same order.
        EXPECT_EQ(found.exceptional_point_charge[i], stored::cells[p][2]);
        const Complex energy(-2.0 * std::cos(x) - 2.0 * std::cos(y) + 1.5, -1.5);
        EXPECT_LT(std::abs(found.exceptional_point_energy[i] - energy), 1e-13);
      }
      EXPECT_LT(nearest, 1e-13);
    }
    EXPECT_TRUE(std::isnan(found.exceptional_point[8]));
    EXPECT_TRUE(std::isnan(found.exceptional_point_charge[4]));
  }
}

TEST(Poles, ExceptionalPointsOfAChainNeedATunedInteraction) {
  for (const std::int64_t sites : {12, 17, 64}) {
    for (const double interaction : {3.0, -3.0}) {
      const PolesResult tuned = poles(published_chain(sites, interaction));
      ASSERT_EQ(tuned.exceptional_points, 2) << sites;
      EXPECT_NEAR(tuned.exceptional_point[0], -5.0 * pi / 6.0, 1e-12);
      EXPECT_NEAR(tuned.exceptional_point[1], -pi / 6.0, 1e-12);
      EXPECT_EQ(tuned.exceptional_point_charge[0], 0.0);
      EXPECT_TRUE(std::isnan(tuned.loop_area[0]));  // the poles meet
    }
    EXPECT_EQ(poles(published_chain(sites, 3.0 + 1e-6)).exceptional_points, 0);
  }
  // On a grid that contains the points, only their residues may be missing.
  const PolesResult grid = poles(published_chain(12, 3.0));
  std::size_t without = 0;
  for (const Complex z : grid.residue) without += std::isnan(z.real()) ? 1 : 0;
  EXPECT_LE(without, 4U);
}

TEST(Poles, ExceptionalPointsOfRandomLattices) {
  Random random(23);
  std::int64_t all = 0;
  for (int round = 0; round < 7; ++round) {
    const bool cube = round % 3 == 2;
    const double interaction = random.uniform(1.5, 5.0) * (round % 2 == 0 ? 1.0 : -1.0);
    const auto model =
        cube ? random_lattice(random, {3, 4, 2}, interaction) : random_lattice(random, {7, 4}, interaction);
    PolesOptions options;
    options.max_exceptional_points = 4000;
    const PolesResult found = poles(model, options);
    const std::size_t d = model.cells.size();
    double charge = 0.0;
    for (std::int64_t i = 0; i < found.exceptional_points; ++i) {
      const auto p = static_cast<std::size_t>(i);
      Momentum k{};
      for (std::size_t e = 0; e < d; ++e) k[e] = found.exceptional_point[p * d + e];
      double rate = 0.0;
      EXPECT_LT(std::fabs(imbalance(model, k, &rate)), 1e-11);
      EXPECT_NEAR(rate, std::fabs(interaction), 1e-11);
      charge += found.exceptional_point_charge[p];
    }
    all += found.exceptional_points;
    if (cube) continue;
    EXPECT_EQ(charge, 0.0);
    // A much finer lattice has the same number of points.
    const PolesResult finer = [&] {
      HatsugaiKohmoto same = model;
      same.cells = {192, 192};
      return poles(same, options);
    }();
    EXPECT_EQ(finer.exceptional_points, found.exceptional_points);
  }
  EXPECT_GT(all, 20);
}

TEST(Poles, ExceptionalPointOnACornerOfTheGridIsOne) {
  // gamma = kappa = |U|/2 at k = (+-pi/2, +-pi/2), momenta of every lattice of 4 n cells along each direction.
  HatsugaiKohmoto model;
  model.cells = {64, 64};
  model.hopping_terms = {{{1, 0}, -1.0}};
  model.interaction = 2.0;
  model.down.operators = {{BathOperatorKind::gain, {{{0, 0}, 0.5}, {{0, 1}, 0.5}}},
                          {BathOperatorKind::loss, {{{0, 0}, 0.5}, {{1, 0}, 0.5}}}};
  model.down.gain = 0.5;
  model.down.loss = 0.5;
  // kappa = (1 + cos k_2)/2 + 1/2, gamma = (1 + cos k_1)/2 + 1/2: both are 1 at k_i = +-pi/2.
  const PolesResult found = poles(model);
  EXPECT_EQ(found.exceptional_points, 4);
  double charge = 0.0;
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(std::fabs(found.exceptional_point[2 * i]), 0.5 * pi, 1e-12);
    EXPECT_EQ(std::fabs(found.exceptional_point_charge[i]), 1.0);
    charge += found.exceptional_point_charge[i];
  }
  EXPECT_EQ(charge, 0.0);
}

TEST(Poles, UniformGainOfHalfTheInteractionMakesLines) {
  HatsugaiKohmoto model = square_lattice(16);
  model.down.operators.erase(model.down.operators.begin());
  model.down.gain = 1.5;
  const PolesResult found = poles(model);
  EXPECT_EQ(found.exceptional_points, 0);
  EXPECT_NE(found.message.find("not listed"), std::string::npos);
}

TEST(Poles, WindingsArePlainSumsOverManyMomenta) {
  Random random(31);
  for (int round = 0; round < 6; ++round) {
    HatsugaiKohmoto model = random_lattice(random, {random.integer(1, 6)}, random.uniform(-5.0, 5.0));
    PolesOptions options;
    for (int i = 0; i < 5; ++i)
      options.base_energies.push_back({random.uniform(-4.0, 6.0), random.uniform(-3.0, -0.2)});
    const PolesResult found = poles(model, options);
    HatsugaiKohmoto fine = model;
    fine.cells = {20000};
    const PolesResult dense = poles(fine);
    for (std::size_t b = 0; b < options.base_energies.size(); ++b) {
      const Complex base(options.base_energies[b][0], options.base_energies[b][1]);
      double sum = 0.0;
      Complex before = (base - dense.pole[19999]) * (base - dense.pole[39999]);
      for (std::size_t k = 0; k < 20000; ++k) {
        const Complex now = (base - dense.pole[k]) * (base - dense.pole[k + 20000]);
        sum += std::arg(now * std::conj(before));
        before = now;
      }
      EXPECT_EQ(found.winding[b], std::nearbyint(sum / (2.0 * pi)));
    }
  }
}

TEST(Poles, WindingOfALatticeIsTheMeanOverItsLines) {
  // Coupled parallel chains: the transverse momentum shifts the band, so that the base energy is enclosed for only some
  // of them.
  PolesOptions options;
  options.base_energies = {{4.0, -0.3}};
  HatsugaiKohmoto model = published_chain(1, 4.0);
  model.cells = {8, 6};
  model.hopping_terms = {{{1, 0}, -1.0}, {{0, 1}, -1.5}};
  model.down = {};
  model.down.gain = 1.5;
  model.down.operators = {{BathOperatorKind::loss, {{{0, 0}, std::sqrt(0.5)}, {{1, 0}, Complex(0.0, std::sqrt(0.5))}}}};
  double sum = 0.0;
  for (int m = 0; m < 6; ++m) {
    PolesOptions shifted;
    shifted.base_energies = {{4.0 + 3.0 * std::cos(2.0 * pi * m / 6.0), -0.3}};
    sum += poles(published_chain(8, 4.0), shifted).winding[0];
  }
  const PolesResult found = poles(model, options);
  ASSERT_EQ(found.winding.size(), 2U);
  EXPECT_NEAR(found.winding[0], sum / 6.0, 1e-15);
  EXPECT_LT(found.winding[0], 0.0);
  EXPECT_GT(found.winding[0], -1.0);
  EXPECT_EQ(found.winding[1], 0.0);
}

TEST(Poles, WindingAroundAPoleHasNoValue) {
  HatsugaiKohmoto model;  // a closed chain: both poles on the real axis
  model.sites = 8;
  model.interaction = 1.0;
  PolesOptions options;
  options.base_energies = {{0.5, 0.0}, {0.5, -0.1}};
  const PolesResult found = poles(model, options);
  EXPECT_TRUE(std::isnan(found.winding[0]));
  EXPECT_EQ(found.winding[1], 0.0);
}

// The characteristic function then vanishes, or is not finite, along the whole line that is divided.
TEST(Poles, WindingAroundAFlatPoleOrOfHugeRatesEnds) {
  HatsugaiKohmoto model;
  model.cells = {6};
  model.hopping_terms = {{{1}, 0.0}};
  model.interaction = 2.0;
  model.down.loss = 1.0;
  PolesOptions options;
  options.base_energies = {{0.0, 0.0}, {0.0, 1.0}};
  const PolesResult flat = poles(model, options);
  EXPECT_TRUE(std::isnan(flat.winding[0]));
  EXPECT_EQ(flat.winding[1], 0.0);
  // Large rates that vanish at one momentum: cost must not grow with them, and beyond 1e150 products overflow.
  HatsugaiKohmoto chain = published_chain(6, 2.0);
  chain.down = {};
  chain.down.gain = 0.2;
  options.base_energies = {{1.0, -0.2}};
  chain.down.two_site_loss = 1e6;
  const double winding = poles(chain, options).winding[0];
  EXPECT_TRUE(std::isfinite(winding));
  for (const double loss : {1e9, 1e12, 1e20}) {
    chain.down.two_site_loss = loss;
    EXPECT_EQ(poles(chain, options).winding[0], winding) << loss;
  }
  chain.down.two_site_loss = 1e151;
  EXPECT_THROW(poles(chain, options), ParameterError);
}

// The bounds that decide whether a winding has followed the poles: the change of each function along a direction.
TEST(Poles, BoundsOfTheZoneHold) {
  Random random(77);
  for (int i = 0; i < 40; ++i) {
    HatsugaiKohmoto model = random_lattice(random, {5, 4}, 1.0);
    model.up.gain_table = random.vector(20, 0.0, 2.0);
    const Zone zone(model);
    for (const int direction : {0, 1}) {
      const ZoneMode slope = zone.table_slope(direction), curvature = zone.curvature(direction);
      double used = 0.0;
      for (int j = 0; j < 300; ++j) {
        const auto d = static_cast<std::size_t>(direction);
        const Momentum k = {random.uniform(-pi, pi), random.uniform(-pi, pi), 0.0};
        Momentum moved = k;
        const double reach = random.uniform(0.01, 1.0);
        moved[d] += reach;
        const ZoneMode from = zone.at(k), to = zone.at(moved);
        for (const auto part : {&ZoneMode::energy, &ZoneMode::up_rate, &ZoneMode::gain, &ZoneMode::loss}) {
          const double curved = 0.5 * (curvature.*part).value * reach * reach,
                       kinked = 2.0 * (slope.*part).value * reach;
          const double change = (to.*part).value - (from.*part).value - (from.*part).derivative[d] * reach;
          EXPECT_LE(std::fabs(change), curved + kinked + 1e-12);
          if (curved > 0.0 && kinked == 0.0) used = std::max(used, std::fabs(change) / curved);
        }
      }
      EXPECT_GT(used, 0.1);  // a bound far above would cost time
    }
  }
}

TEST(Poles, TablesAreInterpolated) {
  // Tables of the rates at many momenta reproduce the rates themselves.
  const HatsugaiKohmoto model = published_chain(4096, 4.0);
  HatsugaiKohmoto tabulated = model;
  tabulated.down = {};
  const HatsugaiKohmotoModes modes = modes_of(model);
  tabulated.down.gain_table = modes.down.gain;
  tabulated.down.loss_table = modes.down.loss;
  PolesOptions options;
  options.base_energies = {{4.0, -0.2}, {4.0, -0.5}, {2.0, -0.8}};
  const PolesResult exact = poles(model, options), found = poles(tabulated, options);
  EXPECT_EQ(found.pole, exact.pole);
  EXPECT_EQ(found.winding, exact.winding);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(found.loop_area[i], exact.loop_area[i], 1e-4);
}

TEST(Poles, RefusesWhatHasNoMeaning) {
  HatsugaiKohmoto model = published_chain(8, 1.0);
  PolesOptions options;
  options.base_energies = {{1.0}};
  EXPECT_THROW(poles(model, options), ParameterError);
  options = {};
  options.down_occupation = {0.5};
  EXPECT_THROW(poles(model, options), ShapeError);
  options = {};
  options.max_exceptional_points = 0;
  EXPECT_THROW(poles(model, options), ParameterError);
  model.cluster = 2;
  EXPECT_THROW(poles(model), ParameterError);
}

TEST(Poles, StopsWhereItIsAsked) {
  PolesOptions options;
  options.monitor.stop = [] { return true; };
  options.base_energies = {{1.0, -0.2}};
  const PolesResult found = poles(square_lattice(512), options);
  EXPECT_TRUE(found.stopped);
  EXPECT_TRUE(std::isnan(found.winding[0]));
}

}  // namespace
}  // namespace lindrift::testing
