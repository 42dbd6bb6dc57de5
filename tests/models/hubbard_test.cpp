// The self-energy of the driven Hubbard chain by both algorithms: compared with plain loops in extended precision,
// stored numbers, and an exact propagator on the whole Fock space; and the properties that the physics guarantees.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <numbers>

#include "data/hubbard_exact_order.hpp"
#include "data/hubbard_figure.hpp"
#include "data/hubbard_small.hpp"
#include "hubbard/direct.hpp"
#include "hubbard/fft.hpp"
#include "hubbard/memory_kernel.hpp"
#include "hubbard/modes.hpp"
#include "hubbard/quadrature.hpp"
#include "lindrift/error.hpp"
#include "support/compare.hpp"
#include "support/engines.hpp"
#include "support/hubbard.hpp"
#include "support/ranks_as_threads.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;

const Execution alone{Backend::cpu, Algorithm::direct, 1};

/// A grid of self-energies, rows m = 0 .. L-1.
struct Grid {
  std::vector<double> frequency;
  std::size_t sites;
  std::vector<Complex> value;

  Grid(std::size_t rows, std::vector<double> frequencies)
      : frequency(std::move(frequencies)), sites(rows), value(rows * frequency.size()) {}
  std::vector<Complex*> rows() {
    std::vector<Complex*> result;
    for (std::size_t m = 0; m < sites; ++m) result.push_back(value.data() + m * frequency.size());
    return result;
  }
  Complex at(std::size_t m, std::size_t w) const { return value[m * frequency.size() + w]; }
  double largest() const {
    double result = 0.0;
    for (const Complex z : value) result = std::max(result, std::abs(z));
    return result;
  }
};

double difference(const Grid& a, const Grid& b) {
  double largest = 0.0;
  for (std::size_t i = 0; i < a.value.size(); ++i) {
    const double error = std::abs(a.value[i] - b.value[i]);
    if (!(error <= largest)) largest = std::isnan(error) ? INFINITY : error;
  }
  return largest / b.largest();
}

std::vector<double> uniform(double first, double last, std::size_t count) {
  std::vector<double> grid(count);
  for (std::size_t i = 0; i < count; ++i)
    grid[i] = first + (last - first) * static_cast<double>(i) / static_cast<double>(count - 1);
  return grid;
}

/// Exactly symmetric around 0.
std::vector<double> symmetric(double widest, std::size_t count) {
  std::vector<double> grid = uniform(-widest, widest, count);
  for (std::size_t i = 0; 2 * i < count; ++i) grid[count - 1 - i] = -grid[i];
  if (count % 2 == 1) grid[count / 2] = 0.0;
  return grid;
}

Grid direct(const HubbardModes& modes, std::vector<double> frequency, double broadening = 0.0,
            const Execution& execution = alone) {
  Grid grid(modes.sites, std::move(frequency));
  DirectSelfEnergy(modes, execution).add_grid(grid.rows(), grid.frequency, broadening);
  return grid;
}

// --- the direct sum on every engine ----------------------------------------------------------------------------------

std::vector<Engine> engines() {
  using enum Engine::Place;
  return {{"baseline", baseline, true}, {"v3", v3, true}, {"v4", v4, true}, {"cuda", cuda, true}};
}

std::unique_ptr<kernels::SelfEnergyKernel> make_self_energy_kernel(const Engine& engine,
                                                                   const kernels::SelfEnergyTables& tables) {
  return std::unique_ptr<kernels::SelfEnergyKernel>(find_kernels(engine.place)->make_self_energy_kernel(tables, 1, 0));
}

/// Arrays behind a kernel's tables, in the units of the chain.
struct SelfEnergyArrays {
  std::vector<double> half_rate, half_probe_loss, coupling;
  kernels::SelfEnergyTables tables;

  explicit SelfEnergyArrays(const HubbardModes& modes) {
    const auto sites = static_cast<double>(modes.sites);
    for (std::size_t m = 0; m < modes.sites; ++m) {
      half_rate.push_back(0.5 * modes.rate[m]);
      half_probe_loss.push_back(0.5 * modes.probe_loss[m]);
      coupling.push_back(modes.coupling[m] / (sites * sites));
    }
    tables.sites = static_cast<std::int64_t>(modes.sites);
    for (int i = 0; i < modes.lattice.dimensions(); ++i) tables.cells[i] = modes.lattice.cells(i);
    tables.energy = modes.energy.data();
    tables.down_energy = modes.down_energy.data();
    tables.half_rate = half_rate.data();
    tables.occupation = modes.occupation.data();
    tables.hole = modes.hole.data();
    tables.half_probe_loss = modes.open_probe() ? half_probe_loss.data() : nullptr;
    tables.coupling = coupling.data();
    tables.reflected = modes.reflected;
  }
};

class SelfEnergyKernelTest : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override { skip_unless_available(GetParam()); }
};

// Terms are accurate to a few roundings and keep the sign of their imaginary part; at most 1e-15 of the magnitudes is
// observed.
constexpr double sum_rounding = 4e-15;

TEST_P(SelfEnergyKernelTest, MatchesTheDoubleSum) {
  Random random(11);
  for (const std::int64_t sites : {2, 3, 5, 8, 31}) {
    for (const bool open : {false, true}) {
      const HubbardChain chain = random_hubbard(random, sites, open);
      const auto expected = reference_of(chain);
      const HubbardModes modes = hubbard_modes(chain);
      const SelfEnergyArrays arrays(modes);
      const auto kernel = make_self_energy_kernel(GetParam(), arrays.tables);
      // More pairs than lanes and packs, unordered, split over two calls by rows.
      std::vector<std::int64_t> momentum;
      std::vector<double> frequency;
      for (int i = 0; i < 37; ++i) {
        momentum.push_back(random.integer(0, sites - 1));
        frequency.push_back(random.uniform(-6.0, 6.0));
      }
      std::vector<double> re(37), im(37), more_re(37), more_im(37);
      kernel->points(momentum.data(), frequency.data(), 37, 0.03, 0, sites / 2, re.data(), im.data());
      kernel->points(momentum.data(), frequency.data(), 37, 0.03, sites / 2, sites, more_re.data(), more_im.data());
      for (std::size_t i = 0; i < 37; ++i) {
        const auto sum = reference::self_energy(expected, static_cast<std::int64_t>(momentum[i]), {frequency[i], 0.03});
        EXPECT_LE(std::abs(Complex(re[i] + more_re[i], im[i] + more_im[i]) - Complex(sum.value)),
                  sum_rounding * static_cast<double>(sum.magnitude))
            << sites << " sites, pair " << i;
      }
    }
  }
}

TEST_P(SelfEnergyKernelTest, FoldsAndMergesWithoutALoss) {
  // Even rings merge p and pi + q - p, whose midpoint is a momentum or lies between two; both parities of L/2.
  for (const std::int64_t sites : {2, 4, 6, 9, 32, 34}) {
    HubbardChain chain = published_chain(sites, 1.3, 0.2, 0.7, sites % 4 == 0 ? 1 : -1);
    chain.up.loss = sites % 3 == 0 ? 0.3 : 0.0;
    const auto expected = reference_of(chain);
    const HubbardModes modes = hubbard_modes(chain);
    EXPECT_EQ(modes.reflected, sites % 2 == 0);
    const SelfEnergyArrays arrays(modes);
    const auto kernel = make_self_energy_kernel(GetParam(), arrays.tables);
    const std::vector<double> frequency = uniform(-3.7, 4.1, 19);
    std::vector<double> re(modes.sites * 19), im(modes.sites * 19);
    kernel->grid(frequency.data(), 19, 0.0, 0, sites, re.data(), im.data());
    for (std::int64_t m = 0; m < sites; ++m)
      for (std::size_t w = 0; w < 19; ++w) {
        const auto sum = reference::self_energy(expected, m, frequency[w]);
        const std::size_t i = static_cast<std::size_t>(m) * 19 + w;
        EXPECT_LE(std::abs(Complex(re[i], im[i]) - Complex(sum.value)),
                  sum_rounding * static_cast<double>(sum.magnitude))
            << sites << " sites, m = " << m << ", w = " << frequency[w];
      }
  }
}

TEST_P(SelfEnergyKernelTest, SumsManyTermsInBlocks) {
  // More terms than fit into a tile, few arguments.
  Random random(3);
  const HubbardChain chain = random_hubbard(random, 1301, false);
  const auto expected = reference_of(chain);
  const HubbardModes modes = hubbard_modes(chain);
  const SelfEnergyArrays arrays(modes);
  const auto kernel = make_self_energy_kernel(GetParam(), arrays.tables);
  const std::int64_t momentum = 1300;
  const double frequency = 0.4;
  double re = 0.0, im = 0.0;
  kernel->points(&momentum, &frequency, 1, 0.0, 640, 643, &re, &im);
  reference::Complex sum = 0.0L;
  for (std::int64_t q = 640; q < 643; ++q) {
    const reference::Real coupling = std::norm(expected.potential(q));
    for (std::int64_t p = 0; p < 1301; ++p) {
      const reference::Complex pole(expected.energy(1300 + q) - expected.energy(p) + expected.energy(p - q),
                                    -(expected.rate(p) + expected.rate(p - q)) / 2.0L);
      sum +=
          coupling * expected.occupation(p) * expected.hole(p - q) / (static_cast<reference::Real>(frequency) - pole);
    }
  }
  sum /= 1301.0L * 1301.0L;
  EXPECT_LE(std::abs(Complex(re, im) - Complex(sum)), 1e-13 * std::abs(Complex(sum)));
}

INSTANTIATE_TEST_SUITE_P(Engines, SelfEnergyKernelTest, ::testing::ValuesIn(engines()),
                         [](const auto& engine) { return std::string(engine.param.name); });

// --- by way of time
// ----------------------------------------------------------------------------------------------------

TEST(MemoryKernel, IsTheSumOverPairsAtEveryTime) {
  Random random(21);
  for (const std::int64_t sites : {2, 3, 5, 8, 31}) {
    for (const bool open : {false, true}) {
      const HubbardChain chain = random_hubbard(random, sites, open);
      const HubbardModes modes = hubbard_modes(chain);
      const auto expected = reference_of(chain);
      const std::vector<Complex> times = {0.0, 0.3, 2.5, -0.4, {0.2, 0.3}, {0.0, -0.5}};
      std::vector<Complex> rows(times.size() * modes.sites);
      MemoryKernel(modes).evaluate(times, rows.data());
      // Energies of three particles, below 9, make it grow in imaginary time.
      for (std::size_t t = 0; t < times.size(); ++t)
        for (std::int64_t k = 0; k < sites; ++k)
          EXPECT_LE(std::abs(rows[t * modes.sites + static_cast<std::size_t>(k)] -
                             Complex(reference::time_kernel(expected, k, times[t]))),
                    2e-14 * modes.first_moment * std::exp(9.0 * std::fabs(times[t].imag())))
              << sites << " sites, t = " << times[t];
    }
  }
}

TEST(MemoryKernel, OfAUniformBathIsACubeOfBesselFunctions) {
  // U^2 n (1-n) e^{-Gamma t} sum_r i^r e^{-ikr} J_r(2Jt)^3 for L >> 4 J t.
  HubbardChain chain;
  chain.sites = 64;
  chain.interaction = {1.7};
  chain.down.gain = 0.3;
  chain.down.loss = 0.5;
  const HubbardModes modes = hubbard_modes(chain);
  std::vector<Complex> row(64);
  const double t = 3.0;
  MemoryKernel(modes).evaluate(std::vector<Complex>{t}, row.data());
  for (std::size_t m = 0; m < 64; ++m) {
    Complex sum = std::pow(std::cyl_bessel_j(0.0, 2.0 * t), 3.0);
    for (int r = 1; r < 32; ++r) {
      // J_{-r}^3 i^{-r} = (-1)^r J_r^3 (-i)^r = i^r J_r^3
      const double cube = std::pow(std::cyl_bessel_j(static_cast<double>(r), 2.0 * t), 3.0);
      sum += 2.0 * cube * std::pow(Complex(0.0, 1.0), r) *
             std::cos(2.0 * std::numbers::pi * static_cast<double>(m) * r / 64.0);
    }
    EXPECT_LE(std::abs(row[m] - 1.7 * 1.7 * 0.375 * 0.625 * std::exp(-0.8 * t) * sum), 1e-14);
  }
}

TEST(MemoryKernel, IsBoundedAndSoIsItsTail) {
  const HubbardModes modes = hubbard_modes(published_chain(32, 2.0, 0.2, 2.0));
  for (const double cut : {0.0, 1.0}) {
    const MemoryKernel kernel(modes, cut);
    EXPECT_EQ(kernel.slow().empty(), cut == 0.0);
    std::vector<Complex> row(32);
    double tail = 0.0;
    for (int i = 4000; i-- > 0;) {  // midpoints, from the end
      const double t = 0.01 * (i + 0.5);
      kernel.evaluate(std::vector<Complex>{t}, row.data());
      double largest = 0.0;
      for (const Complex value : row) largest = std::max(largest, std::abs(value));
      EXPECT_LE(largest, kernel.bound(t) * (1.0 + 1e-12) + 1e-16);
      tail += 0.01 * largest;
      if (i % 500 == 0) {
        EXPECT_LE(tail, kernel.tail(0.01 * i, 0.0) * 1.001);
      }
    }
  }
}

TEST(Quadrature, LegendreRulesAreExactForPolynomials) {
  for (const std::size_t points : {1, 2, 5, 20, 64, 301}) {
    const LegendreRule rule = legendre_rule(points);
    for (std::size_t power = 0; power < std::min<std::size_t>(2 * points, 40); ++power) {
      double sum = 0.0;
      for (std::size_t i = 0; i < points; ++i)
        sum += rule.weight[i] * std::pow(rule.node[i], static_cast<double>(power));
      EXPECT_NEAR(sum, power % 2 == 0 ? 2.0 / static_cast<double>(power + 1) : 0.0, 1e-14) << points << ", " << power;
    }
  }
}

/// Errors of both rules for exponentials all over the rectangle stay below their bounds, for rates that differ little
/// or strongly.
TEST(Quadrature, ErrorsStayWithinTheirBounds) {
  for (const double fastest : {0.3, 8.0, 400.0}) {
    // One exponential at a time: its own decay is the bound.
    for (const double rate : {0.2, 0.5 * fastest, fastest}) {
      const Exponents exponents{14.0, 0.2, fastest, [rate](double t) { return std::exp(-rate * t); }};
      const double end = 30.0 / rate;
      for (const double tolerance : {1e-6, 1e-12}) {
        const Quadrature panels = legendre_panels(exponents, end, tolerance);
        EXPECT_LE(panels.error, tolerance);
        const CorrectedTrapezoid trapezoid(exponents, end, tolerance);
        EXPECT_LE(trapezoid.error(), tolerance);
        for (const double frequency : {0.0, 3.0, 9.9, 13.0, 14.0}) {
          const Complex exponent(-rate, frequency);
          Complex sum = 0.0, steps = 0.0;
          for (std::size_t i = 0; i < panels.node.size(); ++i)
            sum += panels.weight[i] * std::exp(exponent * panels.node[i]);
          EXPECT_LE(std::abs(sum - (std::exp(exponent * end) - 1.0) / exponent), panels.error + 2e-14);
          for (std::ptrdiff_t j = -CorrectedTrapezoid::corrections; j < static_cast<std::ptrdiff_t>(trapezoid.nodes());
               ++j)
            steps += trapezoid.step() * CorrectedTrapezoid::weight(j) *
                     std::exp(exponent * (static_cast<double>(j) * trapezoid.step()));
          EXPECT_LE(std::abs(steps + 1.0 / exponent), trapezoid.error() + 1e-12);  // e^{-30} is left out
        }
      }
    }
  }
}

/// Methods from time to frequency.
struct Way {
  TimeTransform transform;
  bool split;
};

TEST(HubbardFft, AgreesWithTheDoubleSumOnEveryWay) {
  // Random rates, complex U_q, open and closed probes; frequencies without a pattern, uniform, and symmetric around 0,
  // the last with the symmetries of the published bath. 1e-12 is required; the bound must hold and must not be far too
  // large.
  Random random(31);
  for (const std::int64_t sites : {2, 3, 5, 8, 31, 128}) {
    for (const int kind : {0, 1, 2}) {
      const HubbardModes modes =
          hubbard_modes(kind == 2 ? published_chain(sites, 2.0, 0.2, 2.0) : random_hubbard(random, sites, kind == 1));
      for (const auto& frequency :
           {std::vector<double>{-3.0, -1.1, 0.3, 1.1, 3.7}, uniform(-3.0, 5.0, 70), symmetric(4.0, 33)}) {
        const Grid expected = direct(modes, frequency, 0.01);
        const double scale = expected.largest();
        FftSelfEnergy fft(modes, frequency, 0.01, 1e-12 * scale, alone);
        for (const Way way : {Way{TimeTransform::matrix, false},
                              {TimeTransform::matrix, true},
                              {TimeTransform::chirp, false},
                              {TimeTransform::chirp, true}}) {
          if (way.transform == TimeTransform::chirp && frequency.size() == 5) continue;
          fft.force(way.transform, way.split ? 0.5 * (modes.slowest_rate + modes.fastest_rate) : 0.0);
          Grid actual(modes.sites, frequency);
          const double bound = fft.add_grid(actual.rows()) / scale;
          EXPECT_LE(difference(actual, expected), 1e-12) << sites << " sites, kind " << kind;
          EXPECT_LE(difference(actual, expected), bound) << sites << " sites, kind " << kind;
          EXPECT_LE(bound, 1e-11);
        }
      }
    }
  }
}

TEST(HubbardFft, KeepsEveryToleranceThatIsAskedFor) {
  const HubbardModes modes = hubbard_modes(published_chain(24, 2.0, 0.2, 2.0));
  const auto frequency = uniform(-8.0, 7.0, 61);
  const Grid expected = direct(modes, frequency);
  double seconds = INFINITY;
  for (const double tolerance : {1e-13, 1e-10, 1e-6, 1e-2}) {
    FftSelfEnergy fft(modes, frequency, 0.0, tolerance * expected.largest(), alone);
    EXPECT_LT(fft.plan().seconds, seconds);  // a looser tolerance costs less
    seconds = fft.plan().seconds;
    Grid actual(modes.sites, frequency);
    fft.add_grid(actual.rows());
    EXPECT_LE(difference(actual, expected), tolerance);
  }
}

TEST(HubbardFft, PairsSlowMomentaDirectlyWhereTheyOutlastTheRest) {
  // kappa = 1e-3 and less: either the kernel lasts for thousands of 1/J, or slow pairs are cut out.
  for (const double gain : {1e-3, 2e-6}) {
    const HubbardModes modes = hubbard_modes(published_chain(32, 2.0, gain, 2.0));
    const auto frequency = symmetric(4.0, 65);
    const Grid expected = direct(modes, frequency);
    FftSelfEnergy fft(modes, frequency, 0.0, 1e-12 * expected.largest(), alone);
    EXPECT_GT(fft.plan().slow, 0u);
    EXPECT_LT(fft.plan().end, 300.0);
    Grid actual(modes.sites, frequency);
    fft.add_grid(actual.rows());
    EXPECT_LE(difference(actual, expected), 2e-12);
  }
}

TEST(HubbardFft, LeavesOutMomentaThatAreNotWanted) {
  const HubbardModes modes = hubbard_modes(published_chain(12, 2.0, 0.2, 2.0));
  const auto frequency = symmetric(4.0, 9);
  const Grid whole = direct(modes, frequency);
  for (const bool fft : {false, true}) {
    Grid some(modes.sites, frequency);
    auto rows = some.rows();
    for (std::size_t m = 0; m < 12; ++m)
      if (m % 5 != 2) rows[m] = nullptr;
    if (fft)
      FftSelfEnergy(modes, frequency, 0.0, 1e-13, alone).add_grid(rows);
    else
      DirectSelfEnergy(modes, alone).add_grid(rows, frequency, 0.0);
    for (std::size_t m = 0; m < 12; ++m)
      for (std::size_t w = 0; w < 9; ++w) {
        const Complex expected = m % 5 == 2 ? whole.at(m, w) : Complex(0.0);
        EXPECT_LE(std::abs(some.at(m, w) - expected), m % 5 == 2 ? 1e-12 : 0.0);
      }
  }
}

TEST(HubbardFft, RefusesFrequenciesThatItCannotResolve) {
  const HubbardModes modes = hubbard_modes(published_chain(8, 2.0, 1e-6, 1e-6));
  EXPECT_THROW(FftSelfEnergy(modes, std::vector<double>{1e3}, 0.0, 1e-10, alone), ParameterError);
}

TEST(HubbardBits, KnowNeitherThreadsNorProcesses) {
  Random random(7);
  for (const bool published : {true, false}) {
    const HubbardModes modes =
        hubbard_modes(published ? published_chain(70, 2.0, 0.2, 2.0) : random_hubbard(random, 67, true));
    // The middle of a hand-written list is not quite zero.
    auto frequency = symmetric(4.0, 37);
    frequency[18] = 5.55e-17;
    for (const int way : {0, 1, 2, 3}) {
      const auto evaluate = [&](const Execution& execution) {
        // The last method needs so many times that they are taken in several batches.
        Grid grid(modes.sites, way == 3 ? symmetric(120.0, 37) : frequency);
        if (way == 0) {
          DirectSelfEnergy(modes, execution).add_grid(grid.rows(), grid.frequency, 0.0);
        } else {
          FftSelfEnergy fft(modes, grid.frequency, 0.0, 1e-10, execution);
          fft.force(way == 2 ? TimeTransform::chirp : TimeTransform::matrix, way == 1 ? 0.5 : 0.0);
          if (way == 3) {
            EXPECT_GT(fft.plan().nodes, 2048u);
          }
          fft.add_grid(grid.rows());
        }
        return grid.value;
      };
      const auto one = evaluate(alone);
      Execution two = alone;
      two.threads = 2;
      EXPECT_EQ(evaluate(two), one) << "way " << way;
      for (const int size : {2, 3, 5})
        with_ranks(size, [&](Communicator& communicator) {
          Execution member = alone;
          member.communicator = &communicator;
          EXPECT_EQ(evaluate(member), one) << "way " << way << ", " << size << " processes";
        });
    }
  }
}

TEST(HubbardStages, GoOnWithTheSameBits) {
  Random random(8);
  for (const bool published : {true, false}) {
    for (const int way : {0, 1, 2, 3}) {
      const std::int64_t sites = (way == 0 ? 10 : 70) + (published ? 0 : 1);
      const HubbardModes modes =
          hubbard_modes(published ? published_chain(sites, 2.0, 0.2, 2.0) : random_hubbard(random, sites, true));
      // So many times or frequencies that they do not fit into one stage.
      const auto frequency = symmetric(way == 1 ? 120.0 : 4.0, way == 0 ? 60001 : 37);
      const auto evaluate = [&](const Execution& execution, Grid& grid, StagedSum& stages) {
        if (way == 0) {
          DirectSelfEnergy direct(modes, execution);
          stages.expect(direct.stage_count(modes.sites, frequency));
          direct.add_grid(grid.rows(), frequency, 0.0, stages);
          return;
        }
        FftSelfEnergy fft(modes, frequency, 0.0, 1e-10, execution);
        fft.force(way == 1 ? TimeTransform::matrix : TimeTransform::chirp, way == 3 ? 0.5 : 0.0);
        fft.add_grid(grid.rows(), stages);
      };
      Grid whole(modes.sites, frequency);
      std::size_t count = 1;
      StagedSum all([&](std::size_t done, std::size_t of, const auto&) {
        EXPECT_EQ(done, count);
        EXPECT_LT(done, of);
        ++count;
        return true;
      });
      evaluate(alone, whole, all);
      EXPECT_GT(count, 1u) << "way " << way;
      for (const int size : {1, 3})
        for (std::size_t stop = 1; stop < count; stop += 1 + count / 4) {
          std::vector<std::vector<Complex>> half(static_cast<std::size_t>(size));
          const auto first = [&](const Execution& execution, std::size_t rank) {
            Grid grid(modes.sites, frequency);
            StagedSum stages([&](std::size_t done, std::size_t, const auto& complete) {
              if (done < stop) return true;
              complete();
              return false;
            });
            evaluate(execution, grid, stages);
            EXPECT_TRUE(stages.stopped());
            half[rank] = grid.value;
          };
          if (size == 1)
            first(alone, 0);
          else
            with_ranks(size, [&](Communicator& communicator) {
              Execution member = alone;
              member.communicator = &communicator;
              first(member, static_cast<std::size_t>(communicator.rank()));
            });
          for (const auto& value : half) EXPECT_EQ(value, half[0]);  // all members have the same state
          Grid rest(modes.sites, frequency);
          rest.value = half[0];
          StagedSum stages({}, stop);
          evaluate(alone, rest, stages);
          EXPECT_EQ(rest.value, whole.value) << "way " << way << ", after stage " << stop << " of " << count;
        }
    }
  }
}

// --- stored and exact numbers
// ------------------------------------------------------------------------------------------

TEST(HubbardReference, StoredSelfEnergiesAndKernels) {
  for (const auto& c : data::hubbard_small::cases) {
    SCOPED_TRACE(c.id);
    std::vector<HubbardChain> chains = {chain_of_rates(c)};
    if (c.bond_loss > 0.0) {  // the bath as users specify it, and as rates
      chains.push_back(
          published_chain(c.sites, c.interaction[0], c.uniform_gain, c.bond_loss, static_cast<int>(c.sign)));
      chains.back().hopping = c.hopping;
    }
    for (const HubbardChain& chain : chains) {
      const HubbardModes modes = hubbard_modes(chain);
      EXPECT_NEAR(modes.mean_occupation, c.mean_occupation, 1e-14);
      EXPECT_NEAR(modes.first_moment, c.first_moment, 1e-14);
      if (c.hartree_shift != 0.0) {
        EXPECT_NEAR(modes.mean_field, c.hartree_shift, 1e-14);
      }
      std::vector<std::size_t> momentum;
      std::vector<double> frequency;
      for (const auto& row : c.self_energy) {
        momentum.push_back(static_cast<std::size_t>(row[0]));
        frequency.push_back(row[1]);
      }
      const auto values = DirectSelfEnergy(modes, alone).points(momentum, frequency, 0.0);
      for (std::size_t i = 0; i < values.size(); ++i) {
        const Complex expected(c.self_energy[i][2], c.self_energy[i][3]);
        EXPECT_LE(std::abs(values[i] - expected), 1e-12 * std::abs(expected));
      }
      for (const auto& row : c.kernel) {
        std::vector<Complex> all(modes.sites);
        MemoryKernel(modes).evaluate(std::vector<Complex>{row[1]}, all.data());
        EXPECT_LE(std::abs(all[static_cast<std::size_t>(row[0])] - Complex(row[2], row[3])), 1e-13);
      }
    }
  }
}

TEST(HubbardReference, FirstAndSecondOrderOfTheExactSelfEnergy) {
  for (const auto& c : data::hubbard_exact_order::cases) {
    SCOPED_TRACE(c.id);
    const HubbardChain chain = chain_of_rates(c);
    const HubbardModes modes = hubbard_modes(chain);
    for (const auto& row : c.rows) {
      EXPECT_NEAR(modes.mean_field, row[2], 1e-13);
      const std::vector<std::size_t> momentum = {static_cast<std::size_t>(row[0])};
      const auto value = DirectSelfEnergy(modes, alone).points(momentum, std::vector<double>{row[1]}, 0.0)[0];
      EXPECT_LE(std::abs(value - Complex(row[4], row[5])), 1e-11);
    }
  }
}

TEST(HubbardReference, DiffersFromTheExactPropagatorInThirdOrderOnly) {
  Random random(17);
  for (const std::int64_t sites : {2, 3}) {
    for (const bool open : {false, true}) {
      HubbardChain chain = random_hubbard(random, sites, open);
      const std::vector<double> interaction = chain.interaction;
      const reference::Complex frequency(0.3L, 0.0L);
      // Half the interaction leaves an eighth of the difference.
      std::vector<double> differences;
      for (const double scale : {0.02, 0.01}) {
        chain.interaction = interaction;
        for (double& v : chain.interaction) v *= scale;
        const HubbardModes modes = hubbard_modes(chain);
        const reference::ExactPropagator exact(reference_of(chain));
        const auto value =
            DirectSelfEnergy(modes, alone).points(std::vector<std::size_t>{1}, std::vector<double>{0.3}, 0.0);
        const Complex expected(exact.self_energy(1, frequency));
        differences.push_back(
            std::abs(value[0] + modes.mean_field - Complex(0.0, 0.5 * modes.probe_loss[1]) - expected));
      }
      EXPECT_GT(differences[1], 1e-12);  // there is a third order, larger than its rounding
      EXPECT_NEAR(differences[0] / differences[1], 8.0, 0.4);
    }
  }
}

/// A single value of the published figure, and the value that each of four mistakes would give: the result must agree
/// with the stored numbers of the right sum, not with those of the mistake.
TEST(HubbardReference, FourTraps) {
  const HubbardModes modes = hubbard_modes(published_chain(128, 2.0, 0.2, 2.0));
  const auto at = [&](std::size_t m, double w) {
    return DirectSelfEnergy(modes, alone).points(std::vector<std::size_t>{m}, std::vector<double>{w}, 0.0)[0];
  };
  // e_{k-q} for e_{k+q} would give Sigma(-k): -0.0968944 i.
  EXPECT_NEAR(at(32, 0.0).imag(), -0.2827680984373305, 1e-13);
  EXPECT_NEAR(at(96, 0.0).imag(), -0.0968943723585094, 1e-13);
  // Without q = 0: -0.1461619 i; with the sum of the rates for their mean: -0.105775 i.
  EXPECT_NEAR(at(0, -2.0).imag(), -0.1493555012092250, 1e-13);
  // n_{p-q} (1-n_p) makes no difference with this bath; random rates on an odd ring show it.
  Random random(2);
  const HubbardChain chain = random_hubbard(random, 7, false);
  HubbardModes exchanged = hubbard_modes(chain);
  const auto right =
      DirectSelfEnergy(exchanged, alone).points(std::vector<std::size_t>{2}, std::vector<double>{0.5}, 0.0)[0];
  const Complex expected(reference::self_energy(reference_of(chain), 2, 0.5L).value);
  EXPECT_LE(std::abs(right - expected), 1e-14);
  std::swap(exchanged.occupation, exchanged.hole);
  const auto wrong =
      DirectSelfEnergy(exchanged, alone).points(std::vector<std::size_t>{2}, std::vector<double>{0.5}, 0.0)[0];
  EXPECT_GT(std::abs(wrong - expected), 1e-3);
  for (const auto& row : data::hubbard_figure::self_energy) {
    const Complex stored(row[2], row[3]);
    EXPECT_LE(std::abs(at(static_cast<std::size_t>(row[0]), row[1]) - stored), 1e-12 * std::abs(stored));
  }
}

// --- invariants
// --------------------------------------------------------------------------------------------------------

TEST(HubbardInvariants, SymmetriesOfTheSelfEnergy) {
  const auto frequency = symmetric(5.0, 21);
  const std::size_t sites = 24, last = frequency.size() - 1;
  const HubbardModes modes = hubbard_modes(published_chain(24, 2.0, 0.2, 2.0));
  HubbardModes unfolded = modes;  // as if the symmetries were unknown
  unfolded.mirrored = unfolded.reflected = unfolded.even_probe = false;
  const Grid grid = direct(unfolded, frequency);
  const Grid mirror = direct(hubbard_modes(published_chain(24, 2.0, 0.2, 2.0, 1)), frequency);
  EXPECT_LE(difference(direct(modes, frequency), grid), 1e-15);
  const double scale = grid.largest();
  for (std::size_t m = 0; m < sites; ++m)
    for (std::size_t w = 0; w <= last; ++w) {
      EXPECT_LT(grid.at(m, w).imag(), 0.0);                                                                // S1
      EXPECT_LE(std::abs(grid.at((36 - m) % sites, last - w) + std::conj(grid.at(m, w))), 1e-14 * scale);  // S3
      EXPECT_LE(std::abs(mirror.at((sites - m) % sites, w) - grid.at(m, w)), 1e-14 * scale);               // S4
    }
  // S4: an even bath.
  HubbardChain even;
  even.sites = 10;
  even.interaction = {1.0, 0.4, -0.3};
  even.down.gain_table = {0.3, 0.5, 0.7, 0.2, 0.1, 0.9, 0.1, 0.2, 0.7, 0.5};  // m = -5 .. 4
  even.down.loss_table = {1.0, 0.2, 0.4, 0.8, 0.6, 0.3, 0.6, 0.8, 0.4, 0.2};
  const Grid symmetric_bath = direct(hubbard_modes(even), frequency);
  for (std::size_t m = 1; m < 10; ++m)
    for (std::size_t w = 0; w <= last; ++w)
      EXPECT_LE(std::abs(symmetric_bath.at(m, w) - symmetric_bath.at(10 - m, w)), 1e-14 * symmetric_bath.largest());
}

TEST(HubbardInvariants, ScalesWithTheInteractionAndWithAllEnergies) {
  Random random(5);
  HubbardChain chain = random_hubbard(random, 9, true);
  const std::vector<double> frequency = {-2.0, 0.3, 1.7};
  const Grid grid = direct(hubbard_modes(chain), frequency);
  HubbardChain stronger = chain;
  for (double& v : stronger.interaction) v *= -4.0;
  const Grid sixteen = direct(hubbard_modes(stronger), frequency);
  for (std::size_t i = 0; i < grid.value.size(); ++i) EXPECT_EQ(sixteen.value[i], 16.0 * grid.value[i]);
  // Factors of two are exact, even far from one: nothing leaves the range of double precision.
  for (const double factor : {0x1p40, 0x1p-60}) {
    HubbardChain scaled = chain;
    scaled.hopping *= factor;
    for (auto* values : {&scaled.interaction, &scaled.down.gain_table, &scaled.down.loss_table, &scaled.up.loss_table})
      for (double& v : *values) v *= factor;
    const Grid other = direct(hubbard_modes(scaled), {-2.0 * factor, 0.3 * factor, 1.7 * factor});
    for (std::size_t i = 0; i < grid.value.size(); ++i)
      EXPECT_LE(std::abs(other.value[i] / factor - grid.value[i]), 1e-15 * std::abs(grid.value[i]));
  }
}

TEST(HubbardInvariants, LargeRings) {
  // S6: nbar; S7: exponential convergence in L.
  const double gain = 0.2, loss = 2.0;
  const HubbardModes small = hubbard_modes(published_chain(256, 2.0, gain, loss));
  EXPECT_NEAR(small.mean_occupation, gain / std::sqrt(gain * gain + 4.0 * gain * loss), 1e-14);
  const auto at = [&](std::int64_t sites) {
    const HubbardModes modes = hubbard_modes(published_chain(sites, 2.0, gain, loss));
    return DirectSelfEnergy(modes, alone)
        .points(std::vector<std::size_t>{static_cast<std::size_t>(3 * sites / 4)}, std::vector<double>{0.0}, 0.0)[0];
  };
  const Complex limit = at(1024);
  EXPECT_NEAR(std::abs(at(128) - limit), 2.9e-6, 1e-7);
  EXPECT_NEAR(std::abs(at(256) - limit), 1.9e-9, 1e-10);
  EXPECT_LE(std::abs(at(512) - limit), 1e-13 * std::abs(limit));
}

TEST(HubbardInvariants, DownParticlesMoveOneWayWhereTheLossMatchesTheHopping) {
  // S9: at gamma = 2J, -i e_p - Gamma_p/2 contains only e^{-ip}: b_r = (1/L) sum_p e^{ipr - (i e_p + Gamma_p/2) t}
  // vanishes for one sign of r.
  const HubbardModes modes = hubbard_modes(published_chain(64, 1.0, 0.2, 2.0));
  double forbidden = 0.0, allowed = 0.0;
  for (int r = -8; r <= 8; ++r) {
    Complex sum = 0.0;
    for (std::size_t p = 0; p < 64; ++p) {
      const double k = 2.0 * std::numbers::pi * static_cast<double>(p) / 64.0;
      sum += std::exp(Complex(-0.5 * modes.rate[p], k * r - modes.energy[p])) / 64.0;
    }
    if (r < 0) forbidden = std::max(forbidden, std::abs(sum));
    if (r > 0) allowed = std::max(allowed, std::abs(sum));
  }
  EXPECT_LE(forbidden, 1e-15);
  EXPECT_GT(allowed, 1e-2);
}

// --- what is refused
// ---------------------------------------------------------------------------------------------------

std::string refusal(const HubbardChain& chain) {
  try {
    validate(chain);
  } catch (const ParameterError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(HubbardChain, RefusesWhatMakesNoSense) {
  const auto expect = [](const HubbardChain& chain, const std::string& says) {
    EXPECT_NE(refusal(chain).find(says), std::string::npos) << refusal(chain);
  };
  const HubbardChain good = published_chain(8, 1.0, 0.2, 1.0);
  EXPECT_EQ(refusal(good), "accepted");
  HubbardChain chain = good;
  chain.sites = 1;
  expect(chain, "model.sites: 1");
  chain = good;
  chain.hopping = 0.0;
  expect(chain, "model.hopping");
  chain = good;
  chain.interaction.assign(9, 1.0);
  expect(chain, "model.interaction: 9 values V_r were given, and a ring of 8 sites");
  chain.interaction = {};
  expect(chain, "model.interaction");
  chain.interaction = {INFINITY};
  expect(chain, "model.interaction");
  chain = good;
  chain.up.gain = 0.1;
  expect(chain, "bath.up.gain: 0.1");
  expect(chain, "outside the theory");
  chain = good;
  chain.up.two_site_gain = 0.1;
  expect(chain, "bath.up.two_site_gain");
  chain = good;
  chain.up.gain_table.assign(8, 0.0);
  EXPECT_EQ(refusal(chain), "accepted");
  chain.up.gain_table[3] = 0.1;
  expect(chain, "bath.up.gain_table");
  chain = good;
  chain.down.gain = 0.0;  // at k = pi/2 no rate remains
  expect(chain, "bath.down: gain and loss both vanish at k = 1.57");
  chain = good;
  chain.down.gain = 1e40;
  expect(chain, "1e30");
}

}  // namespace
}  // namespace lindrift::testing
