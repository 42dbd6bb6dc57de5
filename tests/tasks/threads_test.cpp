// Several threads of one program, each with its own problem and its own worker threads, give the same results as
// running the problems one after the other.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <thread>

#include "lindrift/lindrift.hpp"
#include "support/random.hpp"

namespace lindrift {
namespace {

using Numbers = std::vector<double>;

void add(Numbers& all, const std::vector<double>& values) { all.insert(all.end(), values.begin(), values.end()); }
void add(Numbers& all, const std::vector<std::complex<double>>& values) {
  for (const std::complex<double> value : values) {
    all.push_back(value.real());
    all.push_back(value.imag());
  }
}

/// The kinds of problems, smaller and larger than what threads share, each with its own parameters.
Numbers solve(int problem, int threads) {
  const double part = 0.1 + 0.05 * problem;
  const Execution execution{.backend = Backend::cpu, .threads = threads};
  Numbers all;
  TggeChain chain;
  chain.bath.nonequilibrium_fraction = part;
  HatsugaiKohmoto open;
  open.interaction = 1.0 + part;
  open.down.gain = 1.5;
  open.down.two_site_loss = 0.5;
  SpectralOptions broadened;
  broadened.broadening = 0.1;
  switch (problem % 8) {
    case 0: {
      chain.sites = 1500 + problem;
      chain.bath.spectrum = Spectrum::lorentzian;
      const SteadyState state = steady_state(make_rate_equation(chain, execution), 0.5);
      add(all, state.lagrange_multiplier);
      add(all, state.current);
      break;
    }
    case 1: {
      chain.sites = 70000 + problem;
      add(all, steady_state(make_rate_equation(chain, execution), 0.4).occupation);
      break;
    }
    case 2: {
      chain.sites = 1100 + problem;
      chain.bath.spectrum = Spectrum::ohmic;
      const RateEquation equation = make_rate_equation(chain, execution);
      const std::vector<double> start(equation.modes(), 0.3);
      add(all, relax(equation, start, std::vector{0.5, 1.0}).occupation);
      break;
    }
    case 3: {
      open.sites = 9000 + problem;
      const GreenResult result = green(open, std::vector{0.5, 1.0, 3.0, 9.0}, {}, execution);
      add(all, result.green_retarded);
      add(all, result.drift);
      break;
    }
    case 4: {
      open.sites = 300 + problem;
      add(all, spectral(open, std::vector{-1.0, 0.1, 0.5, 2.0}, broadened, execution).self_energy);
      add(all, density(open, UpSites{}, std::vector{0.5, 1.0, 3.0, 9.0, 11.0}, {}, execution).density);
      break;
    }
    case 5: {
      TggeLattice lattice;
      lattice.cells = {40 + problem, 9};
      lattice.preset = LatticePreset::rashba_zeeman;
      lattice.rashba = 0.4;
      lattice.zeeman_z = 0.7;
      lattice.bath.nonequilibrium_fraction = part;
      lattice.jump = JumpOperators{{{{{0, 0}, 0, {0, 0}, 0, 1.0}, {{1, 0}, 0, {0, 1}, 1, {0.5, 0.3}}}}};
      const SteadyState state = steady_state(make_rate_equation(lattice, execution), 0.4);
      add(all, state.lagrange_multiplier);
      add(all, state.current);
      break;
    }
    case 6: {
      chain.sites = 900 + problem;
      chain.bath.spectrum = Spectrum::lorentzian;
      const RateEquation equation = make_rate_equation(chain, execution);
      const SteadyState state = steady_state(equation, 0.5);
      const SteadyStateAdjoint adjoint(chain, equation, state, execution);
      const auto slope = adjoint.gradient(Flow{});
      add(all, slope.model.bands.energy);
      add(all,
          Numbers{slope.value, slope.filling, slope.model.bath.inverse_temperature, slope.model.bath.spectrum_width});
      const Flow flows[] = {{false, 0}, {true, 0}};
      add(all, adjoint.noise(flows));
      break;
    }
    default: {
      HubbardChain hubbard;
      hubbard.sites = 64 + problem;
      hubbard.interaction = {part};
      hubbard.down = open.down;
      Execution fft = execution;
      fft.algorithm = Algorithm::fft;
      HubbardSpectralOptions options;
      options.broadening = 0.2;
      add(all, spectral(hubbard, std::vector{-2.0, -0.3, 0.4, 2.5}, options, fft).self_energy);
      add(all, green(hubbard, std::vector{0.5, 2.0}, {}, execution).green_retarded);
    }
  }
  return all;
}

TEST(Threads, SolveDifferentProblemsAtOnceAsOneAfterTheOther) {
  constexpr int problems = 16;
  std::vector<Numbers> alone, together(problems);
  for (int i = 0; i < problems; ++i) {
    alone.push_back(solve(i, 1));
    ASSERT_GT(alone.back().size(), 100U);
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < problems; ++i)
    threads.emplace_back([&, i] { together[static_cast<std::size_t>(i)] = solve(i, 1 + i % 3); });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < problems; ++i) {
    ASSERT_EQ(together[i].size(), alone[i].size());
    EXPECT_EQ(std::memcmp(together[i].data(), alone[i].data(), alone[i].size() * sizeof(double)), 0)
        << "problem " << i << " differs";
  }
}

}  // namespace
}  // namespace lindrift
