#include "lindrift/baths/open_bath.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "lindrift/error.hpp"
#include "lindrift/lattice/lattice.hpp"

namespace lindrift {
namespace {

constexpr long double pi = std::numbers::pi_v<long double>;

/// 2 g (1 + cos(k + phase)), evaluated literally in extended precision.
long double bond_rate(long double g, long double phase, std::int64_t m, std::int64_t sites) {
  return 2.0L * g *
         (1.0L + std::cos(2.0L * pi * static_cast<long double>(m) / static_cast<long double>(sites) + phase));
}

class OpenBathTest : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(OpenBathTest, RatesAreThoseOfTheJumpOperators) {
  const std::int64_t sites = GetParam();
  std::mt19937_64 random(static_cast<std::uint64_t>(sites));
  std::uniform_real_distribution<double> uniform(0.0, 2.0);
  OpenBath bath;
  bath.gain = uniform(random);
  bath.loss = uniform(random);
  bath.two_site_loss = uniform(random);
  bath.two_site_loss_phase = 6.0 * uniform(random) - 6.0;
  bath.two_site_gain = uniform(random);
  bath.two_site_gain_phase = 6.0 * uniform(random) - 6.0;
  for (std::int64_t i = 0; i < sites; ++i) {
    bath.gain_table.push_back(uniform(random));
    bath.loss_table.push_back(uniform(random));
  }
  const BathRates rates = bath_rates(bath, Lattice({sites}));
  for (std::int64_t i = 0; i < sites; ++i) {
    const auto s = static_cast<std::size_t>(i);
    const std::int64_t m = first_momentum_index(sites) + i;
    const auto gain = static_cast<double>(
        bath.gain + bond_rate(bath.two_site_gain, -bath.two_site_gain_phase, m, sites) + bath.gain_table[s]);
    const auto loss = static_cast<double>(
        bath.loss + bond_rate(bath.two_site_loss, bath.two_site_loss_phase, m, sites) + bath.loss_table[s]);
    EXPECT_NEAR(rates.gain[s], gain, 4e-16 * gain) << "m = " << m;
    EXPECT_NEAR(rates.loss[s], loss, 4e-16 * loss) << "m = " << m;
  }
}

TEST_P(OpenBathTest, ThePhasesOfThePaperVanishExactlyWhereTheyMust) {
  const std::int64_t sites = GetParam(), first = first_momentum_index(sites);
  for (const int quarter : {1, -1}) {
    OpenBath bath;
    bath.two_site_loss = 0.7;
    bath.two_site_loss_phase = 0.5 * quarter * std::numbers::pi;
    bath.two_site_gain = 0.3;
    bath.two_site_gain_phase = 0.5 * quarter * std::numbers::pi;
    const BathRates rates = bath_rates(bath, Lattice({sites}));
    for (std::int64_t i = 0; i < sites; ++i) {
      const auto s = static_cast<std::size_t>(i);
      // 4 g sin^2(pi (L - 4 m) / (4 L)): no cancellation anywhere.
      const auto over = static_cast<long double>(4 * sites);
      const long double loss_sine = std::sin(pi * static_cast<long double>(sites - 4 * quarter * (first + i)) / over);
      const long double gain_sine = std::sin(pi * static_cast<long double>(sites + 4 * quarter * (first + i)) / over);
      const auto loss = static_cast<double>(4.0L * 0.7 * loss_sine * loss_sine);
      const auto gain = static_cast<double>(4.0L * 0.3 * gain_sine * gain_sine);
      if (4 * quarter * (first + i) == sites)
        EXPECT_EQ(rates.loss[s], 0.0);
      else
        EXPECT_NEAR(rates.loss[s], loss, 1e-15 * loss);
      if (4 * quarter * (first + i) == -sites)
        EXPECT_EQ(rates.gain[s], 0.0);
      else
        EXPECT_NEAR(rates.gain[s], gain, 1e-15 * gain);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, OpenBathTest, ::testing::Values(1, 2, 3, 4, 12, 13, 64, 1000, 4096));

TEST(OpenBath, APhaseThatAUserTakesFromTheGridGivesAnExactZeroThere) {
  const std::int64_t sites = 48;
  for (std::int64_t m = -24; m < 24; ++m) {
    OpenBath bath;
    bath.two_site_loss = 0.5;
    bath.two_site_loss_phase = std::numbers::pi - 2.0 * std::numbers::pi * static_cast<double>(m) / 48.0;
    EXPECT_EQ(bath_rates(bath, Lattice({sites})).loss[static_cast<std::size_t>(m + 24)], 0.0) << "m = " << m;
  }
}

TEST(OpenBath, RefusesWhatMakesNoSense) {
  using ::testing::HasSubstr;
  const auto message = [](const OpenBath& bath) -> std::string {
    try {
      bath_rates(bath, Lattice({4}), "bath.down");
    } catch (const ParameterError& error) {
      return error.what();
    }
    return "accepted";
  };
  OpenBath bath;
  bath.gain = -1.0;
  EXPECT_THAT(message(bath), HasSubstr("bath.down.gain: -1"));
  bath = {};
  bath.two_site_loss_phase = INFINITY;
  EXPECT_THAT(message(bath), HasSubstr("bath.down.two_site_loss_phase"));
  bath = {};
  bath.loss_table = {0.0, 1.0, 2.0};
  EXPECT_THAT(message(bath), HasSubstr("bath.down.loss_table: 3 rates were given; it must have one per momentum, 4"));
  bath.loss_table = {0.0, 1.0, -2.0, 0.0};
  EXPECT_THAT(message(bath), HasSubstr("bath.down.loss_table[2]: -2"));
  bath.loss_table = {0.0, 1.0, NAN, 0.0};
  EXPECT_THAT(message(bath), HasSubstr("bath.down.loss_table[2]"));
}

}  // namespace
}  // namespace lindrift
