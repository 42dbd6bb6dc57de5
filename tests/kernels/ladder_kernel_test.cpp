// The kernel of the ladder in time on a device, and what follows from it, compared with the CPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <memory>
#include <string>
#include <vector>

#include "hubbard/ladder.hpp"
#include "hubbard/ladder_self_energy.hpp"
#include "hubbard/modes.hpp"
#include "hubbard/volterra.hpp"
#include "kernels/hubbard/ladder.hpp"
#include "support/engines.hpp"
#include "support/hubbard.hpp"
#include "support/plain_lattice.hpp"
#include "support/ranks_as_threads.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;
using kernels::VolterraTables;

constexpr auto points = static_cast<std::size_t>(VolterraTables::circle_points);
constexpr auto margin = static_cast<std::size_t>(VolterraTables::margin);
constexpr Ladder ladders[] = {Ladder::particle, Ladder::hole, Ladder::both};
/// As on a real device; and so small that times and momenta take several batches.
constexpr std::int64_t large_buffer = std::int64_t{1} << 25, small_buffer = 1 << 9;

HubbardModes modes_of(Random& random, std::int64_t sites, Ladder ladder) {
  HubbardChain chain = random_hubbard(random, sites, sites % 2 == 1);
  chain.interaction = {random.uniform(0.5, 3.0) * (random.integer(0, 1) == 0 ? 1.0 : -1.0)};
  chain.approximation = Approximation::ladder;
  chain.ladder = ladder;
  return hubbard_modes(chain);
}

std::unique_ptr<kernels::LadderDevice> device(const LadderKernel& kernel, std::int64_t buffer) {
  kernels::TimeTables tables = kernel.tables();
  tables.device_buffer = buffer;
  return std::unique_ptr<kernels::LadderDevice>(kernels::device_kernels().make_ladder_device(tables, 0));
}

double largest_of(const std::vector<Complex>& values) {
  double largest = 0.0;
  for (const Complex& value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

void expect_near(const std::vector<Complex>& actual, const std::vector<Complex>& expected, double tolerance,
                 std::size_t size) {
  double worst = 0.0;
  for (std::size_t i = 0; i < size; ++i) {
    const double away = std::abs(actual[i] - expected[i]);
    worst = away <= worst ? worst : away;
  }
  EXPECT_LE(worst, tolerance);
}

class LadderDeviceTest : public DeviceTest {};

TEST(Ladder, QuotientIsThatOfTheLibrary) {
  Random random(50);
  for (int i = 0; i < 1000; ++i) {
    const Complex x(random.uniform(-2.0, 2.0), random.uniform(-2.0, 2.0)),
        y(random.uniform(-2.0, 2.0), random.uniform(-2.0, 2.0));
    const auto quotient = kernels::quotient({x.real(), x.imag()}, {y.real(), y.imag()});
    EXPECT_EQ(Complex(quotient.re, quotient.im), x / y);
  }
}

TEST_F(LadderDeviceTest, KernelIsThatOfTheHost) {
  Random random(51);
  for (const std::int64_t sites : {2, 3, 8, 13, 67})
    for (const Ladder ladder : ladders)
      for (const std::int64_t buffer : {large_buffer, small_buffer}) {
        SCOPED_TRACE(std::to_string(sites) + " sites, " + std::string(name(ladder)));
        const HubbardModes modes = modes_of(random, sites, ladder);
        const LadderKernel kernel(modes);
        const double step = ladder_step(modes, 1e-12);
        const auto card = device(kernel, buffer);
        std::vector<Complex> circle(points * modes.sites);
        // A run, one with half as many steps, and more steps than the CPU adds term by term.
        for (const std::size_t count : {60, 31, sites == 13 ? 700 : 100}) {
          const LadderKernel::Run expected = kernel.evaluate(step, count, {.threads = 1});
          kernel.evaluate_on(*card, step, count, {}, circle.data());
          const std::size_t size = (count + 2 * margin) * modes.sites;
          std::vector<Complex> rows(size);
          card->fetch(reinterpret_cast<double*>(rows.data()));
          card->set_aside();
          expect_near(rows, expected.rows, 1e-13 * largest_of(expected.rows), size);
          expect_near(circle, expected.circle, 1e-13 * largest_of(expected.circle), circle.size());
        }
      }
}

TEST_F(LadderDeviceTest, KernelOfALatticeIsThatOfTheHost) {
  Random random(57);
  for (const plain::Vector& cells : some_lattices)
    for (const Ladder ladder : ladders) {
      HubbardChain chain = hubbard_of(random_model(random, cells));
      chain.approximation = Approximation::ladder;
      chain.ladder = ladder;
      const HubbardModes modes = hubbard_modes(chain);
      const LadderKernel kernel(modes);
      const double step = ladder_step(modes, 1e-12);
      constexpr std::size_t count = 40;
      const LadderKernel::Run expected = kernel.evaluate(step, count, {.threads = 1});
      const auto card = device(kernel, small_buffer);
      std::vector<Complex> circle(points * modes.sites), rows((count + 2 * margin) * modes.sites);
      kernel.evaluate_on(*card, step, count, {}, circle.data());
      card->fetch(reinterpret_cast<double*>(rows.data()));
      expect_near(rows, expected.rows, 1e-13 * largest_of(expected.rows), rows.size());
      expect_near(circle, expected.circle, 1e-13 * largest_of(expected.circle), circle.size());
    }
}

TEST_F(LadderDeviceTest, RanksShareTheMomentaAndGetTheSameBits) {
  Random random(52);
  for (const std::int64_t sites : {2, 13})
    for (const Ladder ladder : ladders) {
      const HubbardModes modes = modes_of(random, sites, ladder);
      const LadderKernel kernel(modes);
      const double step = ladder_step(modes, 1e-12);
      constexpr std::size_t count = 50;
      const auto run = [&](Communicator* communicator, std::vector<Complex>& rows, std::vector<Complex>& circle) {
        const auto card = device(kernel, small_buffer);
        rows.resize((count + 2 * margin) * modes.sites);
        circle.resize(points * modes.sites);
        kernel.evaluate_on(*card, step, count, {.threads = 1, .communicator = communicator}, circle.data());
        card->fetch(reinterpret_cast<double*>(rows.data()));
      };
      std::vector<Complex> rows, circle;
      run(nullptr, rows, circle);
      with_ranks(3, [&](Communicator& communicator) {
        std::vector<Complex> own_rows, own_circle;
        run(&communicator, own_rows, own_circle);
        EXPECT_EQ(own_rows, rows) << sites << " sites";
        EXPECT_EQ(own_circle, circle) << sites << " sites";
      });
    }
}

TEST_F(LadderDeviceTest, ComparesTheRunsAtTheirCommonTimes) {
  Random random(53);
  const HubbardModes modes = modes_of(random, 9, Ladder::particle);
  const LadderKernel kernel(modes);
  const auto card = device(kernel, large_buffer);
  constexpr std::size_t count = 25;
  const double step = ladder_step(modes, 1e-6);  // so long that the runs differ
  std::vector<Complex> circle(points * modes.sites);
  kernel.evaluate_on(*card, 2.0 * step, count, {}, circle.data());
  card->set_aside();
  kernel.evaluate_on(*card, step, 2 * count, {}, circle.data());
  std::vector<double> largest(count);
  card->compare(count, largest.data());
  const auto rough = kernel.evaluate(2.0 * step, count, {.threads = 1}),
             fine = kernel.evaluate(step, 2 * count, {.threads = 1});
  for (std::size_t i = 0; i < count; ++i) {
    double expected = 0.0;
    for (std::size_t m = 0; m < modes.sites; ++m)
      expected = std::max(expected, std::abs(fine.rows[(margin + 2 * i) * modes.sites + m] -
                                             rough.rows[(margin + i) * modes.sites + m]));
    EXPECT_NEAR(largest[i], expected, 1e-13 * modes.first_moment);
  }
  EXPECT_GT(*std::max_element(largest.begin(), largest.end()), 1e-11 * modes.first_moment);
}

TEST_F(LadderDeviceTest, PropagatorsAreThoseOfTheHost) {
  Random random(54);
  for (const std::int64_t sites : {3, 13})
    for (const Ladder ladder : ladders) {
      const HubbardModes modes = modes_of(random, sites, ladder);
      constexpr std::size_t steps = 90;
      const double step = 0.5 * ladder_step(modes, 1e-12);
      const std::vector<double> at = {0.0, 0.31 * step, 11.0 * step, static_cast<double>(steps) * step};
      VolterraEquation equation(modes, at, steps, step);
      equation.rough.stride = 1;
      const LadderKernel kernel(modes);
      const auto count = [](const VolterraTables& run) { return static_cast<std::size_t>(run.count); };
      const auto fine = kernel.evaluate(step, count(equation.fine), {.threads = 1}),
                 rough = kernel.evaluate(2.0 * step, count(equation.rough), {.threads = 1});
      std::vector<Complex> circles(fine.circle.begin(), fine.circle.begin() + points * sites);
      circles.insert(circles.end(), rough.circle.begin(), rough.circle.end());
      const VolterraSolver solver(equation.fine, equation.rough);
      VolterraSolver::Workspace workspace;
      std::vector<Complex> expected(modes.sites * at.size()), actual = expected;
      std::vector<double> difference(16), own(modes.sites);
      for (std::size_t first = 0; first < modes.sites; first += VolterraSolver::group)
        solver.solve(first, fine.rows.data(), rough.rows.data(), circles.data(), workspace, expected.data(),
                     difference.data() + first);

      const auto card = device(kernel, small_buffer);
      std::vector<Complex> own_circles(2 * points * modes.sites);
      kernel.evaluate_on(*card, 2.0 * step, count(equation.rough), {}, own_circles.data() + points * modes.sites);
      card->set_aside();
      kernel.evaluate_on(*card, step, count(equation.fine), {}, own_circles.data());
      card->propagate(equation.fine, equation.rough, reinterpret_cast<const double*>(own_circles.data()), 0, sites,
                      reinterpret_cast<double*>(actual.data()), own.data());
      expect_near(actual, expected, 1e-12, actual.size());
      for (std::size_t m = 0; m < modes.sites; ++m) EXPECT_NEAR(own[m], difference[m], 1e-12);
    }
}

TEST_F(LadderDeviceTest, SelfEnergiesAgreeWithTheSumInFrequency) {
  Random random(55);
  const std::vector<double> frequency = {-3.0, -1.1, 0.3, 1.1, 3.7};
  constexpr double broadening = 0.5;  // few times
  for (const std::int64_t sites : {2, 5, 13})
    for (const Ladder ladder : ladders) {
      SCOPED_TRACE(std::to_string(sites) + " sites, " + std::string(name(ladder)));
      const HubbardModes modes = modes_of(random, sites, ladder);
      std::vector<Complex> expected;
      for (std::size_t m = 0; m < modes.sites; ++m) {
        const std::vector<std::size_t> momentum(frequency.size(), m);
        const auto row = ladder_self_energy(modes, momentum, frequency, broadening, 1);
        expected.insert(expected.end(), row.begin(), row.end());
      }
      const double largest = largest_of(expected);
      const auto evaluate = [&](Backend backend, Communicator* communicator, std::vector<Complex>& values) {
        Execution execution{.backend = backend, .threads = 1, .communicator = communicator};
        LadderSelfEnergy ladder_in_time(modes, frequency, broadening, 1e-11 * largest, execution);
        if (sites == 13) ladder_in_time.force({.values = 700, .momenta = 3, .frequencies = 2});
        values.assign(expected.size(), 0.0);
        std::vector<Complex*> rows(modes.sites);
        for (std::size_t m = 0; m < modes.sites; ++m)
          if (m % 3 != 1) rows[m] = values.data() + m * frequency.size();  // gaps between the momenta
        StagedSum stages;
        return ladder_in_time.add_grid(rows, stages);
      };
      std::vector<Complex> whole, on_host;
      const double error = evaluate(Backend::cuda, nullptr, whole), of_host = evaluate(Backend::cpu, nullptr, on_host);
      EXPECT_LE(error, 2e-9 * largest);
      EXPECT_NEAR(error, of_host, 1e-13 * largest);
      expect_near(whole, on_host, 1e-13 * largest, whole.size());
      for (std::size_t i = 0; i < whole.size(); ++i)
        EXPECT_LE(std::abs(whole[i] - (i / frequency.size() % 3 != 1 ? expected[i] : 0.0)), error);
      with_ranks(2, [&](Communicator& communicator) {
        std::vector<Complex> shared;
        evaluate(Backend::cuda, &communicator, shared);
        EXPECT_EQ(shared, whole);
      });
    }
}

TEST_F(LadderDeviceTest, GoesOnWithTheSameBitsAfterEveryStage) {
  Random random(56);
  const std::vector<double> frequency = {-1.1, 0.3, 3.7};
  const HubbardModes modes = modes_of(random, 7, Ladder::particle);
  LadderSelfEnergy ladder(modes, frequency, 0.5, 1e-9 * modes.first_moment, {.backend = Backend::cuda, .threads = 1});
  ladder.force({.values = 700, .momenta = 3, .frequencies = 2});
  std::vector<Complex> values(modes.sites * frequency.size());
  std::vector<Complex*> rows;
  for (std::size_t m = 0; m < modes.sites; ++m) rows.push_back(values.data() + m * frequency.size());
  std::vector<std::vector<Complex>> saved;
  StagedSum whole([&](std::size_t, std::size_t, const auto& complete) {
    complete();
    saved.push_back(values);
    return true;
  });
  ladder.add_grid(rows, whole);
  const std::vector<Complex> expected = values;
  ASSERT_GE(saved.size(), 2U);
  for (std::size_t stage = 0; stage < saved.size(); ++stage) {
    std::copy(saved[stage].begin(), saved[stage].end(), values.begin());
    StagedSum rest({}, stage + 1);
    ladder.add_grid(rows, rest);
    EXPECT_EQ(values, expected);
  }
}

}  // namespace
}  // namespace lindrift::testing
