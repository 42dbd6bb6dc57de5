// The kernel of the Hubbard chain's self-energy in time: every instruction set and the device, compared with plain
// loops in extended precision.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <memory>

#include "hubbard/direct.hpp"
#include "hubbard/fft.hpp"
#include "hubbard/memory_kernel.hpp"
#include "hubbard/modes.hpp"
#include "hubbard/volterra.hpp"
#include "support/engines.hpp"
#include "support/hubbard.hpp"
#include "support/plain_lattice.hpp"
#include "support/ranks_as_threads.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;
using Exact = std::complex<long double>;

class TimeDeviceTest : public DeviceTest {
 protected:
  static std::unique_ptr<kernels::TimeDevice> device(const kernels::TimeTables& tables) {
    return std::unique_ptr<kernels::TimeDevice>(kernels::device_kernels().make_time_device(tables, 0));
  }
};

/// Chains with purely on-site or longer-ranged interaction, and with open or closed probes.
HubbardChain chain_of(Random& random, std::int64_t sites, int kind) {
  HubbardChain chain = random_hubbard(random, sites, kind % 2 == 1);
  if (kind < 2) chain.interaction = {0.7};
  return chain;
}

TEST(TimeKernel, AmplitudesOfEveryInstructionSetAreTheExponentials) {
  Random random(11);
  for (const auto& variant : kernels::all_cpu_kernels())
    for (const std::int64_t sites : {2, 3, 7, 8, 9, 31, 64})
      for (const double cut : {0.0, 1.0}) {
        const HubbardModes modes = hubbard_modes(random_hubbard(random, sites, true));
        const MemoryKernel kernel(modes, cut);
        const std::vector<double> times = {0.0, 0.3, -0.4, 7.0, 100.0};
        const auto row = modes.sites * static_cast<std::size_t>(kernel.tables().factors);
        std::vector<Complex> rows(times.size() * row, Complex(NAN, NAN));
        variant.time.amplitudes(kernel.tables(), times.data(), static_cast<std::int64_t>(times.size()),
                                reinterpret_cast<double*>(rows.data()));
        for (std::size_t t = 0; t < times.size(); ++t)
          for (std::size_t p = 0; p < modes.sites; ++p) {
            const std::size_t opposite = (modes.sites - p) % modes.sites;
            const auto wave = [&](std::size_t m, double sign, double rate, double size) {
              return static_cast<long double>(size) *
                     std::exp(Exact(-0.5L * rate, static_cast<long double>(sign) * modes.energy[m]) *
                              static_cast<long double>(times[t]));
            };
            const bool slow = modes.rate[p] < cut, slow_opposite = modes.rate[opposite] < cut;
            const std::vector<Exact> expected = {
                wave(p, 1.0, modes.rate[p], modes.occupation[p]),
                wave(opposite, -1.0, modes.rate[opposite], modes.hole[opposite]),
                wave(opposite, -1.0, modes.probe_loss[opposite], 1.0),
                slow ? wave(p, 1.0, modes.rate[p], modes.occupation[p]) : 0.0L,
                slow_opposite ? wave(opposite, -1.0, modes.rate[opposite], modes.hole[opposite]) : 0.0L};
            for (std::size_t f = 0; f < static_cast<std::size_t>(kernel.tables().factors); ++f) {
              // Two exponents whose rounding errors grow with time.
              const double allowed =
                  4e-16 * (2.0 + 4.0 * std::fabs(times[t])) * static_cast<double>(std::abs(expected[f]));
              EXPECT_LE(std::abs(Exact(rows[t * row + f * modes.sites + p]) - expected[f]), allowed)
                  << variant.instruction_set << ", " << sites << " sites, t = " << times[t] << ", row " << f << ", p "
                  << p;
            }
          }
      }
}

TEST(TimeKernel, AtRealTimesIsTheSumOverPairs) {
  Random random(12);
  for (const std::int64_t sites : {2, 3, 5, 8, 31})
    for (const int kind : {0, 1, 2, 3}) {
      const HubbardChain chain = chain_of(random, sites, kind);
      const HubbardModes modes = hubbard_modes(chain);
      const auto expected = reference_of(chain);
      const std::vector<double> times = {0.0, 0.3, 2.5, -0.4, 9.0};
      for (const int threads : {1, 2}) {
        std::vector<Complex> rows(times.size() * modes.sites);
        MemoryKernel(modes).evaluate(times, rows.data(), {.threads = threads});
        for (std::size_t t = 0; t < times.size(); ++t)
          for (std::int64_t k = 0; k < sites; ++k)
            EXPECT_LE(std::abs(Exact(rows[t * modes.sites + static_cast<std::size_t>(k)]) -
                               reference::time_kernel(expected, k, times[t])),
                      2e-14 * modes.first_moment)
                << sites << " sites, kind " << kind << ", t = " << times[t];
      }
    }
}

TEST_F(TimeDeviceTest, KernelIsThatOfTheHost) {
  Random random(13);
  for (const std::int64_t sites : {2, 3, 8, 31, 130})
    for (const int kind : {0, 1, 2, 3})
      for (const double cut : {0.0, 1.0}) {
        const HubbardModes modes = hubbard_modes(chain_of(random, sites, kind));
        const MemoryKernel kernel(modes, cut);
        const std::vector<double> times = {0.0, 0.3, -0.4, 2.5, 9.0, 11.0, 12.0};
        std::vector<Complex> expected(times.size() * modes.sites), actual(times.size() * modes.sites);
        kernel.evaluate(times, expected.data(), {.threads = 1});
        const auto card = device(kernel.tables());
        // Fewer times, all of them, and all again: transforms of different numbers of rows by one device.
        for (const std::int64_t count : {3, 7, 7}) {
          card->evaluate(times.data(), count);
          actual.assign(actual.size(), Complex());
          card->fetch(reinterpret_cast<double*>(actual.data()));
          for (std::size_t i = 0; i < static_cast<std::size_t>(count) * modes.sites; ++i)
            EXPECT_LE(std::abs(actual[i] - expected[i]), 1e-14 * modes.first_moment)
                << sites << " sites, kind " << kind;
        }
      }
}

TEST_F(TimeDeviceTest, KernelOfALatticeIsThatOfTheHost) {
  // Energies that differ between the spins and are not even in k.
  Random random(17);
  for (const plain::Vector& cells : some_lattices)
    for (const double cut : {0.0, 1.0}) {
      const HubbardModes modes = hubbard_modes(hubbard_of(random_model(random, cells)));
      const MemoryKernel kernel(modes, cut);
      const std::vector<double> times = {0.0, 0.3, -0.4, 2.5};
      std::vector<Complex> expected(times.size() * modes.sites), actual(times.size() * modes.sites);
      kernel.evaluate(times, expected.data(), {.threads = 1});
      const auto card = device(kernel.tables());
      card->evaluate(times.data(), static_cast<std::int64_t>(times.size()));
      card->fetch(reinterpret_cast<double*>(actual.data()));
      for (std::size_t i = 0; i < actual.size(); ++i)
        EXPECT_LE(std::abs(actual[i] - expected[i]), 1e-14 * modes.first_moment) << cells.size() << " directions";
    }
}

TEST_F(TimeDeviceTest, IntegralsAreSumsOverTheTimes) {
  Random random(14);
  const HubbardModes modes = hubbard_modes(random_hubbard(random, 13, true));
  const MemoryKernel kernel(modes);
  const auto card = device(kernel.tables());
  for (const std::size_t count : {5, 3}) {  // buffers are reused for fewer
    const std::vector<double> times = random.vector(count, 0.0, 4.0), weights = random.vector(count, -1.0, 1.0);
    std::vector<Complex> values(count * modes.sites);
    kernel.evaluate(times, values.data(), {.threads = 1});
    card->evaluate(times.data(), static_cast<std::int64_t>(count));
    for (const std::size_t columns : {4, 7}) {
      const std::vector<double> frequency = random.vector(columns, -5.0, 5.0);
      card->choose(0, 1, static_cast<std::int64_t>(count), weights.data(), frequency.data(),
                   static_cast<std::int64_t>(columns));
      for (const auto& [first, last] : {std::pair<std::size_t, std::size_t>{0, 13}, {3, 8}, {12, 13}}) {
        std::vector<Complex> sums((last - first) * columns);
        card->integrate(static_cast<std::int64_t>(first), static_cast<std::int64_t>(last),
                        reinterpret_cast<double*>(sums.data()));
        for (std::size_t m = first; m < last; ++m)
          for (std::size_t w = 0; w < columns; ++w) {
            Exact expected;
            for (std::size_t t = 0; t < count; ++t)
              expected += Exact(0.0L, -weights[t]) * Exact(values[t * modes.sites + m]) *
                          std::polar(1.0L, static_cast<long double>(frequency[w]) * times[t]);
            EXPECT_LE(std::abs(Exact(sums[(m - first) * columns + w]) - expected), 2e-14 * modes.first_moment);
          }
      }
    }
  }
}

TEST_F(TimeDeviceTest, PropagatorsAreThoseOfTheHost) {
  // Odd numbers of momenta, fewer and more than a group; closed and open probes; more steps than are added term by
  // term.
  Random random(16);
  for (const std::int64_t sites : {3, 13})
    for (const bool open : {false, true})
      for (const std::size_t steps : {90, 460}) {
        const HubbardModes modes = hubbard_modes(random_hubbard(random, sites, open));
        const std::vector<double> at = {0.0, 0.31, 1.1, 0.02 * static_cast<double>(steps)};
        const VolterraEquation equation(modes, at, steps, 0.02);
        const MemoryKernel kernel(modes);
        const std::vector<double> grid = equation.grid();
        std::vector<Complex> rows(grid.size() * modes.sites + 8), circles(2 * 96 * modes.sites + 8);
        kernel.evaluate(grid, rows.data(), {.threads = 1});
        kernel.evaluate(equation.circles(), circles.data());
        const VolterraSolver solver(equation.fine, equation.rough);
        VolterraSolver::Workspace workspace;
        std::vector<Complex> expected(modes.sites * at.size()), actual(modes.sites * at.size());
        std::vector<double> difference(16), own(modes.sites);
        for (std::size_t first = 0; first < modes.sites; first += VolterraSolver::group)
          solver.solve(first, rows.data(), rows.data(), circles.data(), workspace, expected.data(),
                       difference.data() + first);

        const auto card = device(kernel.tables());
        card->evaluate(grid.data(), static_cast<std::int64_t>(grid.size()));
        for (const auto& [first, last] : {std::pair<std::size_t, std::size_t>{0, 2}, {2, modes.sites}})
          card->propagate(equation.fine, equation.rough, reinterpret_cast<const double*>(circles.data()),
                          static_cast<std::int64_t>(first), static_cast<std::int64_t>(last),
                          reinterpret_cast<double*>(actual.data() + first * at.size()), own.data() + first);
        for (std::size_t i = 0; i < actual.size(); ++i)
          EXPECT_LE(std::abs(actual[i] - expected[i]), 1e-13) << sites << " sites, " << steps << " steps";
        for (std::size_t m = 0; m < modes.sites; ++m) {
          EXPECT_NEAR(own[m], difference[m], 1e-13);
          EXPECT_LE(std::abs(actual[m * at.size()] - Complex(0.0, -1.0)), 1e-14);
        }
      }
}

TEST_F(TimeDeviceTest, SelfEnergiesAgreeWithTheDoubleSum) {
  Random random(15);
  const Execution alone{Backend::cpu, Algorithm::direct, 1};
  for (const std::int64_t sites : {2, 3, 8, 13})
    for (const bool split : {false, true})
      for (const bool some : {false, true}) {
        // As on a real device; and so small that there are several batches of times, blocks of frequencies and of
        // momenta.
        const DeviceShape shape =
            sites == 13 ? DeviceShape{.values = 500, .momenta = 3, .frequencies = 2} : DeviceShape{};
        const HubbardModes modes = hubbard_modes(random_hubbard(random, sites, true));
        const std::vector<double> frequency = {-3.0, -1.1, 0.3, 1.1, 3.7};
        std::vector<Complex> expected(modes.sites * frequency.size()), actual = expected;
        std::vector<Complex*> to(modes.sites), from(modes.sites);
        for (std::size_t m = 0; m < modes.sites; ++m) {
          if (some && m % 3 == 1) continue;  // gaps between the requested momenta
          to[m] = expected.data() + m * frequency.size();
          from[m] = actual.data() + m * frequency.size();
        }
        DirectSelfEnergy(modes, alone).add_grid(to, frequency, 0.01);
        double largest = 0.0;
        for (const Complex z : expected) largest = std::max(largest, std::abs(z));
        const auto evaluate = [&](const Execution& execution, std::vector<Complex*> rows) {
          FftSelfEnergy fft(modes, frequency, 0.01, 1e-12 * largest, execution);
          fft.force(device, split ? 0.5 * (modes.slowest_rate + modes.fastest_rate) : 0.0, shape);
          EXPECT_LE(fft.add_grid(rows), 1e-11 * largest);
        };
        evaluate(alone, from);
        for (std::size_t i = 0; i < actual.size(); ++i)
          EXPECT_LE(std::abs(actual[i] - expected[i]), 1e-12 * largest) << sites << " sites";
        with_ranks(3, [&](Communicator& communicator) {
          Execution member = alone;
          member.communicator = &communicator;
          std::vector<Complex> shared(actual.size());
          std::vector<Complex*> rows(modes.sites);
          for (std::size_t m = 0; m < modes.sites; ++m)
            if (from[m] != nullptr) rows[m] = shared.data() + m * frequency.size();
          evaluate(member, rows);
          EXPECT_EQ(shared, actual);
        });
      }
}

}  // namespace
}  // namespace lindrift::testing
