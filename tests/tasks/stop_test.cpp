// Every task asks its monitor whether to stop, often and on the calling thread, and obeys.
#include <gtest/gtest.h>

#include <cmath>
#include <ctime>
#include <limits>
#include <thread>

#include "lindrift/lindrift.hpp"

namespace lindrift {
namespace {

/// Sanitizers make everything up to ten times slower.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr double slowness = 10.0;
#else
constexpr double slowness = 1.0;
#endif

/// Says stop on the third call, and records how long the calling thread has worked between two calls.
class Patience {
 public:
  Monitor monitor() {
    return {.stop = [this] { return over(); }, .progress = {}, .checkpoint = {}, .restored = {}};
  }
  /// To be called after the task has returned.
  void expect_it_was_asked_often() {
    over();
    EXPECT_EQ(asked_, 4);  // including this one
    EXPECT_LE(longest_, 0.1 * slowness) << "seconds of work without a question";
    EXPECT_TRUE(right_thread_);
  }

 private:
  bool over() {
    const double now = seconds();
    if (asked_ > 0) longest_ = std::max(longest_, now - last_);
    last_ = now;
    ++asked_;
    right_thread_ = right_thread_ && std::this_thread::get_id() == thread_;
    return asked_ >= 3;
  }
  /// CPU time of this thread, so that other programs do not count.
  static double seconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }

  double last_ = 0.0, longest_ = 0.0;
  int asked_ = 0;
  bool right_thread_ = true;
  std::thread::id thread_ = std::this_thread::get_id();
};

class StopTest : public ::testing::TestWithParam<int> {
 protected:
  Execution execution_{.backend = Backend::cpu, .threads = GetParam()};
  Patience patience_;

  /// Steps of about 0.1 s: checking only between them would be too rare.
  static TggeChain long_chain() {
    TggeChain chain;
    chain.sites = 20000;
    chain.bath.spectrum = Spectrum::lorentzian;
    chain.bath.nonequilibrium_fraction = 0.5;
    return chain;
  }
  static HatsugaiKohmoto open_chain() {
    HatsugaiKohmoto chain;
    chain.interaction = 1.0;
    chain.down.gain = 1.5;
    chain.down.two_site_loss = 0.5;
    return chain;
  }
  static HubbardChain driven_chain() {
    HubbardChain chain;
    chain.interaction = {1.0};
    chain.down.gain = 0.3;
    chain.down.two_site_loss = 0.5;
    return chain;
  }
  static std::vector<double> grid(double last, std::size_t count) {
    std::vector<double> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = last * static_cast<double>(i + 1) / static_cast<double>(count);
    return values;
  }
};

TEST_P(StopTest, SteadyState) {
  Execution execution = execution_;
  execution.algorithm = Algorithm::direct;
  const RateEquation equation = make_rate_equation(long_chain(), execution);
  const SteadyState state = steady_state(equation, 0.5, {.start = {}, .monitor = patience_.monitor()});
  patience_.expect_it_was_asked_often();
  EXPECT_TRUE(state.stopped);
  EXPECT_FALSE(state.converged);
  EXPECT_EQ(state.message, "stopped");
  EXPECT_TRUE(std::isnan(state.current.at(0)));
  EXPECT_TRUE(std::isnan(state.occupation.at(19999)));
}

/// Stops early and late, also within the C code that solves the linear systems.
TEST_P(StopTest, DegenerateBands) {
  TggeLattice lattice;
  lattice.cells = {72, 72};  // more momenta than a loop does between two questions
  lattice.orbitals = 2;
  lattice.hopping_terms = {{{1, 0}, 0, 0, 1.0}, {{1, 0}, 1, 1, 1.0}, {{0, 1}, 0, 0, 1.0}, {{0, 1}, 1, 1, 1.0}};
  lattice.add_hermitian_conjugate = true;
  lattice.bath.nonequilibrium_fraction = 0.5;
  lattice.jump = JumpOperators{{{{{0, 0}, 0, {0, 0}, 0, 0.8}, {{0, 0}, 1, {1, 0}, 0, {0.0, 0.5}}}}};
  const RateEquation equation = make_rate_equation(lattice, execution_);
  ASSERT_NE(equation.matrix, nullptr);
  bool stopped = true;
  for (int last = 1; stopped; last += 1 + last / 4) {
    int asked = 0;
    Monitor monitor;
    monitor.stop = [&] { return ++asked >= last; };
    const SteadyState state = steady_state(equation, 0.5, {.start = {}, .monitor = monitor});
    stopped = state.stopped;
    EXPECT_EQ(state.converged, !stopped) << state.message;
    ASSERT_LT(last, 2000);
  }
}

TEST_P(StopTest, Relaxation) {
  Execution execution = execution_;
  execution.algorithm = Algorithm::direct;
  for (const Integrator integrator : {Integrator::adams, Integrator::bdf}) {
    Patience patience;
    const RateEquation equation = make_rate_equation(long_chain(), execution);
    RelaxOptions options{.integrator = integrator};
    options.monitor = patience.monitor();
    const RelaxResult result = relax(equation, std::vector<double>(20000, 0.0), std::vector{0.0, 1e4}, options);
    patience.expect_it_was_asked_often();
    EXPECT_TRUE(result.stopped);
    EXPECT_FALSE(result.converged);
    EXPECT_TRUE(std::isnan(result.occupation.at(20000)));
    EXPECT_EQ(result.message, "stopped at time 0");
  }
}

/// Direct sums over 1.6e9 pairs for every vector of the linear system.
TEST_P(StopTest, GradientAndNoise) {
  TggeChain chain = long_chain();
  const RateEquation separable = make_rate_equation(chain, execution_);
  const SteadyState state = steady_state(separable, 0.5);
  ASSERT_TRUE(state.converged);
  Execution execution = execution_;
  execution.algorithm = Algorithm::direct;
  const RateEquation equation = make_rate_equation(chain, execution);
  const Flow flow;
  for (const bool noise : {false, true}) {
    Patience patience;
    EXPECT_THROW(
        {
          const SteadyStateAdjoint adjoint(chain, equation, state, execution, patience.monitor());
          if (noise)
            adjoint.noise({&flow, 1});
          else
            gradient(chain, adjoint, flow);
        },
        Interruption);
    patience.expect_it_was_asked_often();
  }
}

TEST_P(StopTest, GreenFunctionOfHatsugaiKohmoto) {
  HatsugaiKohmoto chain = open_chain();
  chain.sites = 1 << 20;
  GreenOptions options;
  options.keep_sites = options.keep_momenta = false;
  options.monitor = patience_.monitor();
  const GreenResult result = green(chain, grid(100.0, 2000), options, execution_);
  patience_.expect_it_was_asked_often();
  EXPECT_FALSE(result.converged);
  EXPECT_TRUE(std::isnan(result.drift.back()));
}

TEST_P(StopTest, SpectrumOfHatsugaiKohmoto) {
  HatsugaiKohmoto chain = open_chain();
  chain.sites = 2000;
  // A fast machine may be done before the third question.
  for (std::size_t count = 4000; count <= 64000; count *= 2) {
    Patience patience;
    SpectralOptions options;
    options.broadening = 0.1;
    options.keep_green = false;
    options.monitor = patience.monitor();
    const SpectralResult result = spectral(chain, grid(3.0, count), options, execution_);
    if (!result.stopped && count < 64000) continue;
    patience.expect_it_was_asked_often();
    EXPECT_TRUE(result.stopped);
    EXPECT_TRUE(std::isnan(result.spectral_function.front()));
    EXPECT_TRUE(std::isnan(result.self_energy.back().real()));
    break;
  }
}

TEST_P(StopTest, DensityOfHatsugaiKohmoto) {
  HatsugaiKohmoto chain = open_chain();
  chain.sites = 1500;
  // Any correlation: O(L^2) per time.
  UpCorrelation state;
  state.values.assign(1500 * 1500, 0.0);
  for (std::size_t k = 0; k < 1500; ++k) state.values[k * 1501] = 0.5;
  DensityOptions options;
  options.monitor = patience_.monitor();
  const DensityResult result = density(chain, state, grid(30.0, 1000), options, execution_);
  patience_.expect_it_was_asked_often();
  EXPECT_FALSE(result.converged);
  EXPECT_TRUE(std::isnan(result.drift.back()));
  EXPECT_TRUE(std::isnan(result.density.back()));
}

TEST_P(StopTest, SpectrumOfHubbard) {
  for (const Algorithm algorithm : {Algorithm::direct, Algorithm::fft}) {
    Patience patience;
    HubbardChain chain = driven_chain();
    chain.sites = algorithm == Algorithm::fft ? 2048 : 1024;
    HubbardSpectralOptions options;
    options.broadening = 0.05;
    options.monitor = patience.monitor();
    Execution execution = execution_;
    execution.algorithm = algorithm;
    const HubbardSpectrum result =
        spectral(chain, grid(4.0, algorithm == Algorithm::fft ? 1001 : 4001), options, execution);
    patience.expect_it_was_asked_often();
    EXPECT_TRUE(result.stopped);
    EXPECT_TRUE(std::isnan(result.self_energy.front().real()));
  }
}

TEST_P(StopTest, GreenFunctionOfHubbard) {
  HubbardChain chain = driven_chain();
  chain.sites = 512;
  HubbardGreenOptions options;
  options.monitor = patience_.monitor();
  const HubbardGreen result = green(chain, grid(300.0, 20), options, execution_);
  patience_.expect_it_was_asked_often();
  EXPECT_TRUE(result.stopped);
  EXPECT_FALSE(result.converged);
  EXPECT_TRUE(std::isnan(result.drift.back()));
}

TEST_P(StopTest, CollisionsOfTwoDrivenSpins) {
  HubbardChain chain = driven_chain();
  chain.sites = 192;
  chain.up.gain = 0.02;
  chain.up.loss = 0.08;
  HubbardSteadyStateOptions options;
  options.monitor = patience_.monitor();
  EXPECT_TRUE(steady_state(chain, options, execution_).stopped);
  patience_.expect_it_was_asked_often();
}

TEST_P(StopTest, TransportOfOneParticle) {
  HubbardChain chain = driven_chain();
  chain.sites = 256;
  TransportOptions options;
  options.exact_sites = 0;
  options.monitor = patience_.monitor();
  EXPECT_TRUE(transport(chain, options, execution_).stopped);
  patience_.expect_it_was_asked_often();
}

TEST_P(StopTest, ExactRing) {
  HubbardChain chain = driven_chain();
  chain.sites = 6;
  chain.up.gain = 0.02;
  chain.up.loss = 0.08;
  HubbardExactOptions options;
  options.monitor = patience_.monitor();
  EXPECT_TRUE(exact(chain, options, execution_).stopped);
  patience_.expect_it_was_asked_often();
}

TEST_P(StopTest, SpectrumOfSeveralOrbitals) {
  OrbitalHatsugaiKohmoto model;
  model.cells = {128};
  model.orbitals = 3;
  model.interaction = 1.0;
  model.hopping_terms = {{{0}, 0, 1, 1.0}, {{0}, 1, 2, 0.7}, {{1}, 2, 0, 0.5}};
  model.down.gain = 0.5;
  model.down.loss = 0.8;
  model.up.loss = 0.1;
  OrbitalOptions options;
  options.broadening = 0.1;
  options.monitor = patience_.monitor();
  EXPECT_TRUE(orbital_spectral(model, grid(3.0, 400), options, execution_).stopped);
  patience_.expect_it_was_asked_often();
}

TEST_P(StopTest, LeavesACheckpointThatGoesOnWithTheSameBits) {
  HatsugaiKohmoto chain = open_chain();
  chain.sites = 16384;
  const std::vector<double> times = grid(50.0, 2000);
  const auto run = [&](const Monitor& monitor) {
    GreenOptions options;
    options.keep_sites = options.keep_momenta = false;
    options.monitor = monitor;
    return green(chain, times, options, execution_);
  };
  const GreenResult whole = run({});
  std::vector<unsigned char> saved;
  double reached = 0.0;
  const GreenResult part = run({.stop = [&] { return reached > 0.3; },
                                .progress =
                                    [&](double fraction) {
                                      reached = fraction;
                                      return true;
                                    },
                                .checkpoint = [&](const auto& state) { saved = state(); },
                                .restored = {}});
  EXPECT_FALSE(part.converged);
  EXPECT_TRUE(std::isnan(part.norm.back()));
  ASSERT_FALSE(saved.empty());
  double first = 0.0;
  const GreenResult rest = run({.stop = {},
                                .progress =
                                    [&](double fraction) {
                                      if (first == 0.0) first = fraction;
                                      return true;
                                    },
                                .checkpoint = {},
                                .restored = saved});
  EXPECT_GT(first, 0.3);
  EXPECT_TRUE(rest.converged);
  EXPECT_EQ(rest.norm, whole.norm);
  EXPECT_EQ(rest.drift, whole.drift);
}

INSTANTIATE_TEST_SUITE_P(Threads, StopTest, ::testing::Values(1, 2));

}  // namespace
}  // namespace lindrift
