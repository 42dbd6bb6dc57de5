// Physical invariants of the Hatsugai-Kohmoto chain, on generic chains.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <random>

#include "lindrift/hatsugai_kohmoto/density.hpp"
#include "lindrift/hatsugai_kohmoto/green.hpp"
#include "lindrift/hatsugai_kohmoto/spectral.hpp"
#include "lindrift/lattice/lattice.hpp"
#include "support/compare.hpp"
#include "support/open_chains.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;
const Execution on_cpu{.backend = Backend::cpu};

// Phases are accurate to eps (1 + W t), with W t up to 100 here; sums over the sites add a few roundings.
constexpr double accuracy = 1e-13;

class HatsugaiKohmotoInvariants : public ::testing::Test {
 protected:
  static constexpr int cases = 12;
  Random random_{77};
  std::vector<double> times_{0.0, 0.37, 1.9, 6.3};

  HatsugaiKohmoto next(std::int64_t sites) { return random_hatsugai_kohmoto(random_, sites); }
  GreenResult run(const HatsugaiKohmoto& model, std::vector<double> down_occupation = {}) const {
    GreenOptions options;
    options.down_occupation = std::move(down_occupation);
    return green(model, times_, options, on_cpu);
  }
  /// G at the mirrored site; the antipode is its own mirror image.
  static Complex mirrored(const GreenResult& result, std::size_t time, std::size_t label, std::int64_t sites) {
    const std::int64_t j = static_cast<std::int64_t>(label) + first_momentum_index(sites);
    const std::int64_t k = (-j - first_momentum_index(sites) + sites) % sites;
    return result.green_retarded[time * static_cast<std::size_t>(sites) + static_cast<std::size_t>(k)];
  }
};

TEST_F(HatsugaiKohmotoInvariants, WithoutInteractionOneSpinDoesNotKnowOfTheOther) {
  for (int i = 0; i < cases; ++i) {
    HatsugaiKohmoto model = next(random_.integer(1, 40));
    model.interaction = 0.0;
    model.up = OpenBath{};
    model.up.loss = random_.uniform(0.0, 0.5);
    const auto result = run(model);
    model.down = OpenBath{};
    const auto without = run(model);
    EXPECT_LE(relative_difference(result.green_retarded, without.green_retarded), accuracy);
    const auto sites = static_cast<std::size_t>(model.sites);
    for (std::size_t t = 0; t < times_.size(); ++t) {
      EXPECT_NEAR(result.drift_symmetric[t], 0.0, accuracy * static_cast<double>(sites));
      for (std::size_t j = 0; j < sites; ++j)
        EXPECT_NEAR(std::abs(result.green_retarded[t * sites + j] - mirrored(result, t, j, model.sites)), 0.0,
                    accuracy);
    }
  }
}

TEST_F(HatsugaiKohmotoInvariants, AnEmptySpinDownIsNotThere) {
  for (int i = 0; i < cases; ++i) {
    HatsugaiKohmoto model = next(random_.integer(1, 40));
    model.down.gain = model.down.two_site_gain = 0.0;
    model.down.gain_table.clear();
    const auto result = run(model);
    model.interaction = 0.0;
    EXPECT_LE(relative_difference(result.green_retarded, run(model).green_retarded), accuracy);
  }
}

TEST_F(HatsugaiKohmotoInvariants, MirroredBathsMirrorTheProfile) {
  for (int i = 0; i < cases; ++i) {
    HatsugaiKohmoto model = next(random_.integer(1, 40));
    const auto sites = static_cast<std::size_t>(model.sites);
    for (OpenBath* bath : {&model.up, &model.down}) {
      bath->gain_table.clear();
      bath->loss_table.clear();
    }
    const auto result = run(model);
    for (OpenBath* bath : {&model.up, &model.down}) {
      bath->two_site_loss_phase *= -1.0;
      bath->two_site_gain_phase *= -1.0;
    }
    const auto other = run(model);
    for (std::size_t t = 0; t < times_.size(); ++t) {
      EXPECT_NEAR(result.drift_symmetric[t], -other.drift_symmetric[t], accuracy * static_cast<double>(sites));
      for (std::size_t j = 0; j < sites; ++j)
        EXPECT_NEAR(std::abs(result.green_retarded[t * sites + j] - mirrored(other, t, j, model.sites)), 0.0, accuracy);
    }
  }
}

/// Rates that are equal at k and pi - k, on an even ring: functions of sin k, but not of cos k.
HatsugaiKohmoto symmetric_about_half_pi(Random& random, std::int64_t sites) {
  HatsugaiKohmoto model = random_hatsugai_kohmoto(random, sites);
  for (OpenBath* bath : {&model.up, &model.down}) {
    bath->gain_table.clear();
    bath->loss_table.clear();
    bath->two_site_loss_phase = 0.5 * std::numbers::pi;
    bath->two_site_gain_phase = -0.5 * std::numbers::pi;
  }
  return model;
}

TEST_F(HatsugaiKohmotoInvariants, TheSignOfTheHoppingMirrors) {
  for (int i = 0; i < cases; ++i) {
    HatsugaiKohmoto model = symmetric_about_half_pi(random_, 2 * random_.integer(1, 20));
    const auto sites = static_cast<std::size_t>(model.sites);
    const auto result = run(model);
    model.hopping *= -1.0;
    const auto other = run(model);
    for (std::size_t t = 0; t < times_.size(); ++t)
      for (std::size_t j = 0; j < sites; ++j)
        EXPECT_NEAR(std::abs(result.green_retarded[t * sites + j]), std::abs(mirrored(other, t, j, model.sites)),
                    accuracy);
  }
}

TEST_F(HatsugaiKohmotoInvariants, TheSignOfTheInteractionDoesNotShowInTheModulus) {
  for (int i = 0; i < cases; ++i) {
    HatsugaiKohmoto model = symmetric_about_half_pi(random_, 2 * random_.integer(1, 20));
    const auto result = run(model);
    model.interaction *= -1.0;
    const auto other = run(model);
    for (std::size_t e = 0; e < result.green_retarded.size(); ++e)
      EXPECT_NEAR(std::abs(result.green_retarded[e]), std::abs(other.green_retarded[e]), accuracy);
  }
}

TEST_F(HatsugaiKohmotoInvariants, HolesOfSpinDownAreParticlesOfTheOtherSign) {
  // f(U; kappa, gamma, n0) = e^{-iUt} conj f(U; gamma, kappa, 1 - n0), f = g e^{i eps t}.
  for (int i = 0; i < cases; ++i) {
    HatsugaiKohmoto model = next(random_.integer(1, 40));
    const auto sites = static_cast<std::size_t>(model.sites);
    const auto occupation = random_.vector(sites, 0.0, 1.0);
    const auto result = run(model, occupation);
    HatsugaiKohmoto holes = model;
    holes.down.gain = model.down.loss;
    holes.down.loss = model.down.gain;
    holes.down.two_site_gain = model.down.two_site_loss;
    holes.down.two_site_loss = model.down.two_site_gain;
    holes.down.two_site_gain_phase = -model.down.two_site_loss_phase;
    holes.down.two_site_loss_phase = -model.down.two_site_gain_phase;
    std::swap(holes.down.gain_table, holes.down.loss_table);
    std::vector<double> empty(sites);
    for (std::size_t k = 0; k < sites; ++k) empty[k] = 1.0 - occupation[k];
    const auto other = run(holes, empty);
    const auto energies = modes_of(model).energy;
    for (std::size_t t = 0; t < times_.size(); ++t)
      for (std::size_t k = 0; k < sites; ++k) {
        const Complex turn = std::polar(1.0, energies[k] * times_[t]), i_unit(0.0, 1.0);
        const Complex f = i_unit * result.green_retarded_momentum[t * sites + k] * turn;
        const Complex h = i_unit * other.green_retarded_momentum[t * sites + k] * turn;
        EXPECT_NEAR(std::abs(f - std::polar(1.0, -model.interaction * times_[t]) * std::conj(h)), 0.0, accuracy);
      }
  }
}

TEST_F(HatsugaiKohmotoInvariants, UnitsOfEnergyCancel) {
  for (int i = 0; i < cases; ++i) {
    HatsugaiKohmoto model = next(random_.integer(1, 40));
    const auto result = run(model);
    const double c = random_.uniform(0.1, 10.0);
    model.hopping *= c;
    model.interaction *= c;
    for (OpenBath* bath : {&model.up, &model.down}) {
      for (double* rate : {&bath->gain, &bath->loss, &bath->two_site_gain, &bath->two_site_loss}) *rate *= c;
      for (auto* table : {&bath->gain_table, &bath->loss_table})
        for (double& rate : *table) rate *= c;
    }
    std::vector<double> times = times_;
    for (double& t : times) t /= c;
    EXPECT_LE(relative_difference(green(model, times, {}, on_cpu).green_retarded, result.green_retarded), accuracy);
  }
}

TEST_F(HatsugaiKohmotoInvariants, UniformBathsGiveBesselFunctionsAndNoDrift) {
  for (int i = 0; i < cases; ++i) {
    HatsugaiKohmoto model;
    model.sites = random_.integer(40, 90);
    model.hopping = random_.uniform(0.3, 1.0);
    model.interaction = random_.uniform(-5.0, 5.0);
    model.up.loss = random_.uniform(0.0, 0.3);
    model.up.gain = random_.uniform(0.0, 0.3);
    model.down.loss = random_.uniform(0.0, 1.0);
    model.down.gain = random_.uniform(0.0, 1.0);
    const auto sites = static_cast<std::size_t>(model.sites);
    const auto result = run(model);
    // f(t) is the same at every momentum, so it can be read off at any of them.
    const auto energies = modes_of(model).energy;
    for (std::size_t t = 0; t < times_.size(); ++t) {
      const double x = 2.0 * model.hopping * times_[t];
      const Complex f =
          Complex(0.0, 1.0) * result.green_retarded_momentum[t * sites] * std::polar(1.0, energies[0] * times_[t]);
      EXPECT_NEAR(result.drift_symmetric[t], 0.0, 1e-11);
      for (std::size_t label = 0; label < sites; ++label) {
        const std::int64_t j = static_cast<std::int64_t>(label) + first_momentum_index(model.sites);
        // Adds the images of the ring's neighbouring copies; i^j J_j is even in j.
        double bessel_re = 0.0, bessel_im = 0.0;
        for (int image = -1; image <= 1; ++image) {
          const std::int64_t n = std::abs(j + image * model.sites);
          const double value = std::cyl_bessel_j(static_cast<double>(n), x);
          const Complex turn = n % 4 == 0   ? Complex(1, 0)
                               : n % 4 == 1 ? Complex(0, 1)
                               : n % 4 == 2 ? Complex(-1, 0)
                                            : Complex(0, -1);
          bessel_re += (turn * value).real();
          bessel_im += (turn * value).imag();
        }
        const Complex expected = Complex(0.0, -1.0) * Complex(bessel_re, bessel_im) * f;
        EXPECT_NEAR(std::abs(result.green_retarded[t * sites + label] - expected), 0.0, accuracy);
      }
    }
  }
}

TEST_F(HatsugaiKohmotoInvariants, LossOfSpinUpMovesAllInteractionsAlike) {
  // For a uniform spin down |G|^2 is |f(t)|^2 times its value without interaction, and the drift does not depend on U.
  for (int i = 0; i < cases; ++i) {
    HatsugaiKohmoto model = next(random_.integer(4, 60));
    const double gain = model.down.gain, loss = model.down.loss;
    model.down = OpenBath{};
    model.down.gain = gain;
    model.down.loss = loss;
    const auto result = run(model);
    model.interaction = 0.0;
    const auto without = run(model);
    for (std::size_t t = 0; t < times_.size(); ++t) {
      EXPECT_NEAR(result.drift[t], without.drift[t], 1e-12 * static_cast<double>(model.sites));
      EXPECT_LE(result.norm[t], without.norm[t] * (1.0 + accuracy));
    }
  }
}

TEST_F(HatsugaiKohmotoInvariants, ClosedFormsOfOneSidedAndClosedSpinDown) {
  for (int i = 0; i < 3 * cases; ++i) {
    HatsugaiKohmoto model;
    model.sites = 5;
    model.interaction = random_.uniform(-5.0, 5.0);
    const double u = model.interaction, rate = random_.uniform(0.05, 2.0);
    if (i % 3 == 1) model.down.loss = rate;
    if (i % 3 == 2) model.down.gain = rate;
    const auto n0 = random_.vector(5, 0.0, 1.0);
    const auto result = run(model, n0);
    const auto energies = modes_of(model).energy;
    for (std::size_t t = 0; t < times_.size(); ++t)
      for (std::size_t k = 0; k < 5; ++k) {
        const double time = times_[t], n = n0[k];
        const Complex turn = std::polar(1.0, -u * time), loss(rate, u), gain(rate, -u), iu(0.0, u);
        Complex f = 1.0 - n + n * turn;
        if (i % 3 == 1) f = 1.0 - n + n * (rate + iu * std::exp(-loss * time)) / loss;
        if (i % 3 == 2) f = n * turn + (1.0 - n) * (rate * turn - iu * std::exp(-rate * time)) / gain;
        const Complex g = Complex(0.0, 1.0) * result.green_retarded_momentum[5 * t + k];
        EXPECT_NEAR(std::abs(g - f * std::polar(1.0, -energies[k] * time)), 0.0, accuracy);
      }
  }
}

TEST_F(HatsugaiKohmotoInvariants, ParsevalAndTheBoundOfEveryMomentum) {
  for (int i = 0; i < cases; ++i) {
    const HatsugaiKohmoto model = next(random_.integer(1, 60));
    const auto sites = static_cast<std::size_t>(model.sites);
    const auto n0 = random_.vector(sites, 0.0, 1.0);
    const auto result = run(model, n0);
    const auto modes = modes_of(model);
    for (std::size_t t = 0; t < times_.size(); ++t) {
      double sum = 0.0;
      for (std::size_t k = 0; k < sites; ++k) {
        const double modulus = std::abs(result.green_retarded_momentum[t * sites + k]);
        sum += modulus * modulus / static_cast<double>(sites);
        EXPECT_LE(modulus, std::exp(-0.5 * (modes.up.gain[k] + modes.up.loss[k]) * times_[t]) * (1.0 + accuracy));
      }
      EXPECT_NEAR(result.norm[t], sum, 1e-14 * sum);
    }
    EXPECT_NEAR(result.norm[0], 1.0, 1e-14);
  }
}

TEST_F(HatsugaiKohmotoInvariants, DriftIsTheMeanGradientOfThePhase) {
  // X = -sum_k Im(conj(g) dg/dk) / sum |g|^2 as long as nothing has wrapped around. Five-point differences of g(k) have
  // an error of (2 pi / L)^4 (2 J t)^5 / 30 = 6e-9.
  for (const double interaction : {0.7, -3.0}) {
    const std::vector<double> times = {4.0};
    const auto sites = std::size_t{4096};
    const auto result = green(published_chain(static_cast<std::int64_t>(sites), interaction), times, {}, on_cpu);
    Complex sum = 0.0;
    double norm = 0.0;
    const double step = 2.0 * std::numbers::pi / static_cast<double>(sites);
    for (std::size_t k = 0; k < sites; ++k) {
      const Complex here = result.green_retarded_momentum[k];
      const auto at = [&](std::size_t shift) { return result.green_retarded_momentum[(k + sites + shift) % sites]; };
      const Complex slope = (8.0 * (at(1) - at(sites - 1)) - (at(2) - at(sites - 2))) / (12.0 * step);
      sum += std::conj(here) * slope;
      norm += std::norm(here);
    }
    EXPECT_NEAR(result.drift[0], -sum.imag() / norm, 1e-7);
    EXPECT_GT(std::fabs(result.drift[0]), 0.1);
  }
}

TEST_F(HatsugaiKohmotoInvariants, InteractionIsTheNoiseOfAJumpingParticle) {
  // f = E[exp(-iU int n(s) ds)] over a two-state process: 20000 paths, five standard errors.
  HatsugaiKohmoto model;
  model.sites = 1;
  model.interaction = 1.7;
  model.down.gain = 0.8;
  model.down.loss = 0.5;
  const double n0 = 0.3, time = 1.9;
  std::mt19937_64 engine(5);
  std::exponential_distribution<double> waiting(1.0);
  Complex sum = 0.0;
  constexpr int paths = 20000;
  for (int path = 0; path < paths; ++path) {
    bool occupied = random_.uniform(0.0, 1.0) < n0;
    double now = 0.0, filled = 0.0;
    while (now < time) {
      const double step = std::min(waiting(engine) / (occupied ? model.down.loss : model.down.gain), time - now);
      if (occupied) filled += step;
      now += step;
      occupied = !occupied;
    }
    sum += std::polar(1.0 / paths, -model.interaction * filled);
  }
  GreenOptions options;
  options.down_occupation = {n0};
  const auto result = green(model, std::vector<double>{time}, options, on_cpu);
  const Complex f = Complex(0.0, 1.0) * result.green_retarded[0] * std::polar(1.0, -2.0 * time);
  EXPECT_NEAR(std::abs(f - sum), 0.0, 5.0 / std::sqrt(double{paths}));
}

TEST_F(HatsugaiKohmotoInvariants, WeakInteractionIsMotionalNarrowing) {
  // l1 = -i U n - U^2 n (1 - n) / Gamma + O(U^3): the slowest decay of a ring whose momenta are all equivalent.
  HatsugaiKohmoto model;
  model.sites = 6;
  model.down.gain = 0.8;
  model.down.loss = 0.5;
  const double n = 0.8 / 1.3;
  for (const double u : {1e-2, -1e-3, 1e-5}) {
    model.interaction = u;
    EXPECT_NEAR(slowest_decay(modes_of(model)), -u * u * n * (1.0 - n) / 1.3, 2.0 * std::pow(std::fabs(u), 3));
  }
  // Strong interaction, nearly full: a free particle whose amplitude decays at the rate of the loss.
  model.interaction = 1e6;
  model.down.loss = 1e-3;
  EXPECT_NEAR(slowest_decay(modes_of(model)), -1e-3, 1e-9);
}

TEST_F(HatsugaiKohmotoInvariants, LateTimesFollowThePublishedAsymptotics) {
  // alpha = g U^2 / (U^2 + kappa^2): P -> 1/sqrt(8 pi alpha t), X -> 2 J t - J/(4 alpha) + O(1/t).
  const double alpha = 0.5 * 16.0 / (16.0 + 2.25), time = 400.0;
  const auto result = green(published_chain(2048, 4.0), std::vector<double>{time}, {}, on_cpu);
  EXPECT_NEAR(result.drift[0], 799.430299, 1e-6);
  EXPECT_NEAR(result.drift[0], 2.0 * time - 0.25 / alpha, 2e-3);
  EXPECT_NEAR(result.norm[0], 0.0150564, 1e-7);
  EXPECT_NEAR(result.norm[0], 1.0 / std::sqrt(8.0 * std::numbers::pi * alpha * time), 1e-5);
}

TEST_F(HatsugaiKohmotoInvariants, DensityConservesWhatIsConservedAndStaysADensity) {
  for (int i = 0; i < cases; ++i) {
    HatsugaiKohmoto model = next(random_.integer(2, 60));
    const auto sites = static_cast<std::size_t>(model.sites);
    if (i % 2 == 0) model.up = OpenBath{};
    UpSites state;
    state.sites.clear();
    for (std::int64_t label = first_momentum_index(model.sites);
         label < first_momentum_index(model.sites) + model.sites; ++label)
      if (random_.uniform(0.0, 1.0) < 0.4 || state.sites.empty()) state.sites.push_back(label);
    DensityOptions options;
    if (i % 3 == 0) options.down_sites = {0, -1};
    const auto result = density(model, state, times_, options, on_cpu);
    const auto modes = modes_of(model);
    for (std::size_t t = 0; t < times_.size(); ++t) {
      const std::span<const double> row(result.density.data() + t * sites, sites);
      double number = 0.0;
      for (std::size_t k = 0; k < sites; ++k) {
        const double rate = modes.up.gain[k] + modes.up.loss[k], steady = rate > 0.0 ? modes.up.gain[k] / rate : 0.0;
        const double start = static_cast<double>(state.sites.size()) / static_cast<double>(sites);
        number += steady + (start - steady) * std::exp(-rate * times_[t]);
      }
      EXPECT_NEAR(static_cast<double>(sum(row)), number, accuracy * static_cast<double>(sites));
      EXPECT_NEAR(result.particle_number[t], number, accuracy * static_cast<double>(sites));
      if (i % 2 == 0) {
        EXPECT_NEAR(number, static_cast<double>(state.sites.size()), 1e-12);
      }
      for (const double n : row) {
        EXPECT_GE(n, -1e-15);
        EXPECT_LE(n, 1.0 + 1e-15);
      }
    }
    for (std::size_t j = 0; j < sites; ++j) {
      const bool filled =
          std::find(state.sites.begin(), state.sites.end(),
                    static_cast<std::int64_t>(j) + first_momentum_index(model.sites)) != state.sites.end();
      EXPECT_NEAR(result.density[j], filled ? 1.0 : 0.0, 1e-14);
    }
  }
}

TEST_F(HatsugaiKohmotoInvariants, OneClosedParticleDriftsByItsNorm) {
  for (const std::int64_t length : {63, 64}) {
    const auto model = published_chain(length, 4.0);
    const auto g = green(model, times_, {}, on_cpu);
    const auto n = density(model, UpSites{}, times_, {}, on_cpu);
    for (std::size_t t = 0; t < times_.size(); ++t) {
      EXPECT_NEAR(n.norm[t], g.norm[t], 1e-14);
      EXPECT_NEAR(n.drift_symmetric[t], g.norm[t] * g.drift_symmetric[t], 1e-12);
      const double background = length % 2 == 0 ? 0.5 * (1.0 - g.norm[t]) : 0.0;
      EXPECT_NEAR(n.drift[t], g.norm[t] * g.drift[t] - background, 1e-12);
    }
  }
}

/// Integral of f(w) dw / 2 pi with w = scale tan x: the trapezoidal rule for a periodic function, which converges
/// exponentially for the rational functions of frequency.
template <class Function>
double integral(const Function& f, double scale, int points) {
  double sum = 0.0;
  for (int i = 0; i < points; ++i) {
    const double x = (i + 0.5) / points - 0.5, tangent = std::tan(std::numbers::pi * x);
    sum += f(i, scale * tangent) * scale * (1.0 + tangent * tangent) * std::numbers::pi / points;
  }
  return sum / (2.0 * std::numbers::pi);
}

TEST_F(HatsugaiKohmotoInvariants, SpectralFunctionIsPositiveAndObeysItsSumRules) {
  constexpr int points = 4000;
  for (int i = 0; i < cases; ++i) {
    HatsugaiKohmoto model = next(random_.integer(1, 5));
    model.down.gain += 0.3;  // peaks wide enough for the sum to replace the integral
    model.down.loss += 0.3;
    const bool closed = i % 2 == 0;
    if (closed)
      model.up = OpenBath{};
    else
      model.up.loss += 0.2;
    if (closed && std::fabs(model.interaction) < 1.5) model.interaction = 2.0;
    const double scale = 3.0;
    std::vector<double> frequencies;
    for (int p = 0; p < points; ++p)
      frequencies.push_back(scale * std::tan(std::numbers::pi * ((p + 0.5) / points - 0.5)));
    const auto result = spectral(model, frequencies, {}, on_cpu);
    const auto modes = modes_of(model);
    const auto n = steady_occupation(modes.down);
    for (std::size_t k = 0; k < n.size(); ++k) {
      const double* a = result.spectral_function.data() + k * points;
      for (int p = 0; p < points; ++p) EXPECT_GE(a[p], 0.0);
      EXPECT_NEAR(integral([&](int p, double) { return a[p]; }, scale, points), 1.0, 1e-12);
      const double first = integral([&](int p, double w) { return a[p] * w; }, scale, points);
      EXPECT_NEAR(first, modes.energy[k] + model.interaction * n[k], 1e-11);
      if (!closed) continue;  // the second moment of a Lorentzian diverges
      const double second = integral(
          [&](int p, double w) { return a[p] * (w - modes.energy[k]) * (w - modes.energy[k]); }, scale, points);
      EXPECT_NEAR(second, model.interaction * model.interaction * n[k], 1e-10);
    }
  }
}

TEST_F(HatsugaiKohmotoInvariants, SpectralFunctionIsTheFourierIntegralOfTheGreensFunction) {
  HatsugaiKohmoto model = next(3);
  model.up.loss += 1.0;
  // G decays at least as e^{-t/2}; Simpson's rule with a step far below the periods.
  constexpr std::size_t steps = 40000;
  std::vector<double> times(steps + 1);
  const double step = 70.0 / steps;
  for (std::size_t i = 0; i <= steps; ++i) times[i] = step * static_cast<double>(i);
  GreenOptions options;
  options.keep_sites = false;
  const auto g = green(model, times, options, on_cpu);
  const std::vector<double> frequencies = {-3.0, -0.4, 1.2, 5.0};
  const auto a = spectral(model, frequencies, {}, on_cpu);
  for (std::size_t k = 0; k < 3; ++k)
    for (std::size_t w = 0; w < frequencies.size(); ++w) {
      Complex sum = 0.0;
      for (std::size_t i = 0; i <= steps; ++i) {
        const double weight = i == 0 || i == steps ? 1.0 : i % 2 == 1 ? 4.0 : 2.0;
        sum += weight * step / 3.0 * std::polar(1.0, frequencies[w] * times[i]) * g.green_retarded_momentum[3 * i + k];
      }
      EXPECT_NEAR(std::abs(sum - a.green_retarded[k * frequencies.size() + w]), 0.0, 1e-9);
    }
}

}  // namespace
}  // namespace lindrift::testing
