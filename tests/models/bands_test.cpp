#include "lindrift/lattice/bands.hpp"

#include <gtest/gtest.h>

#include <complex>

#include "lindrift/tgge/chain.hpp"
#include "lindrift/tgge/rashba.hpp"
#include "reference/bloch.hpp"
#include "support/random.hpp"
#include "support/two_bands.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<long double>;
using reference::HoppingTerm;

/// H(+1) of Eq. 10, from -2J cos k + (2 rashba_y sin k + h) sigma_z - 2 rashba_z sin k sigma_y, and its partners.
std::vector<HoppingTerm> hopping_terms(const TggeRashba& chain) {
  const long double j = chain.hopping, y = chain.rashba_y, z = chain.rashba_z, h = chain.zeeman_field;
  return {{{1}, 0, 0, {-j, -y}},  {{1}, 1, 1, {-j, y}}, {{1}, 0, 1, z},  {{1}, 1, 0, -z}, {{-1}, 0, 0, {-j, y}},
          {{-1}, 1, 1, {-j, -y}}, {{-1}, 0, 1, -z},     {{-1}, 1, 0, z}, {{0}, 0, 0, h},  {{0}, 1, 1, -h}};
}
std::vector<HoppingTerm> hopping_terms(const TggeChain& chain) {
  const long double j = chain.hopping;
  return {{{1}, 0, 0, -j}, {{-1}, 0, 0, -j}};
}

/// Every mode is a normalised eigenvector of the Bloch Hamiltonian, orthogonal to the others at its momentum, and its
/// velocities are expectation values of the derivative.
template <class Chain>
void expect_diagonal(const Chain& chain) {
  const Bands bands = TggeModel(chain).bands;
  const auto terms = hopping_terms(chain);
  const auto n = static_cast<std::size_t>(bands.orbitals);
  const auto u = [&](std::size_t orbital, std::size_t s) {
    return bands.eigenvector.empty() ? Complex(1.0L) : Complex(bands.eigenvector[orbital][s]);
  };
  // For energies up to 2 (J + h + ...), here below 10.
  constexpr double rounding = 4e-15;
  for (std::size_t s = 0; s < bands.modes(); ++s) {
    SCOPED_TRACE(s);
    const LatticeVector m = bands.lattice.momentum(bands.momentum_of(s));
    const auto h = reference::bloch_matrix(terms, n, m, {chain.sites});
    const auto slope = reference::bloch_matrix(terms, n, m, {chain.sites}, 0);
    long double velocity = 0.0L;
    for (std::size_t a = 0; a < n; ++a) {
      Complex image = 0.0L, moved = 0.0L;
      for (std::size_t b = 0; b < n; ++b) {
        image += h[a][b] * u(b, s);
        moved += slope[a][b] * u(b, s);
      }
      EXPECT_NEAR(static_cast<double>(std::abs(image - static_cast<long double>(bands.energy[s]) * u(a, s))), 0.0,
                  rounding);
      const long double share = (std::conj(u(a, s)) * moved).real();
      velocity += share;
      if (n > 1) {
        EXPECT_NEAR(bands.orbital_velocity[0][a][s], static_cast<double>(share), rounding);
      }
    }
    EXPECT_NEAR(bands.velocity[0][s], static_cast<double>(velocity), rounding);
    for (std::size_t band = 0; band < n; ++band) {
      const std::size_t other = bands.mode(band, bands.momentum_of(s));
      Complex overlap = 0.0L;
      for (std::size_t a = 0; a < n; ++a) overlap += std::conj(u(a, s)) * u(a, other);
      EXPECT_NEAR(static_cast<double>(std::abs(overlap)), other == s ? 1.0 : 0.0, 1e-15);
    }
  }
}

TEST(Bands, DiagonaliseTheBlochHamiltonianOfTheirHoppings) {
  Random random(91);
  for (const std::int64_t sites : {1, 2, 3, 8, 21, 40}) {
    SCOPED_TRACE(sites);
    expect_diagonal(random_chain(random, sites));
    TggeRashba chain = random_rashba(random, sites);
    expect_diagonal(chain);
    chain.rashba_z = 0.0;  // spins are good quantum numbers
    expect_diagonal(chain);
    chain.zeeman_field = 0.0;  // bands touch at k = 0 and pi
    expect_diagonal(chain);
  }
}

}  // namespace
}  // namespace lindrift::testing
