#include "hubbard/ladder.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/parallel.hpp"
#include "hubbard/volterra.hpp"
#include "kernels/hubbard/ladder.hpp"
#include "kernels/table.hpp"
#include "lindrift/communicator.hpp"

namespace lindrift {

kernels::LadderDevice::~LadderDevice() = default;

namespace {

using Complex = std::complex<double>;
using kernels::LadderLines, kernels::LadderTables, kernels::VolterraTables;

constexpr auto margin = static_cast<std::size_t>(VolterraTables::margin);
constexpr auto start = static_cast<std::size_t>(VolterraTables::start);
constexpr auto circle_points = static_cast<std::size_t>(VolterraTables::circle_points);
constexpr std::size_t group = VolterraMarch::group;
static_assert(margin <= start, "the series around t = 0 gives the rows before it");

/// Number of times that a thread transforms together.
constexpr std::size_t times_at_once = 16;

/// Calls work(first, count) for every block of times of this rank, on the threads of the execution.
template <class Work>
void share_times(std::size_t first, std::size_t last, const Execution& execution, const Work& work) {
  const std::size_t blocks = (last - first + times_at_once - 1) / times_at_once;
  in_parts(threads_of(execution), blocks, [&](std::size_t block, std::size_t end, std::size_t) {
    for (; block < end; ++block) {
      const std::size_t begin = first + block * times_at_once;
      work(begin, std::min(times_at_once, last - begin));
    }
  });
}

/// Propagation of free pairs by total momentum Q, from the transforms of their lines                      (Eq. 81)
void free_pairs(const Fourier& fourier, const LadderLines& lines, std::size_t count, const Complex* transforms,
                Complex* pairs) {
  const auto sites = static_cast<std::int64_t>(fourier.length()), times = static_cast<std::int64_t>(count);
  const double over = 1.0 / static_cast<double>(sites);
  const kernels::hubbard::FreePairs free{sites, lines.partner, over * over, reinterpret_cast<const double*>(transforms),
                                         reinterpret_cast<double*>(pairs)};
  for (std::int64_t t = 0; t < times; ++t)
    for (std::int64_t r = 0; r < sites; ++r) free.at(t, r);
  fourier.forward(pairs, count);
}

/// K(k,t) from tau(Q,t), in place: times the line that closes the pair, summed over its momentum         (Eq. 83)
void close_pairs(const Fourier& fourier, const LadderLines& lines, std::size_t count, const Complex* transforms,
                 Complex* pairs) {
  const auto sites = static_cast<std::int64_t>(fourier.length()), times = static_cast<std::int64_t>(count);
  const double over = 1.0 / static_cast<double>(sites);
  const kernels::hubbard::ClosedPairs closed{
      sites, lines.closing, over * over, reinterpret_cast<const double*>(transforms), reinterpret_cast<double*>(pairs)};
  fourier.backward(pairs, count);
  for (std::int64_t t = 0; t < times; ++t)
    for (std::int64_t r = 0; r < sites; ++r) closed.at(t, r);
  fourier.forward(pairs, count);
}

/// Solves the integral equations of pairs, a group of momenta at a time: what Collisions does for one momentum in one
/// go, with Fourier transforms around the circle and without divisions at every step.
class PairEquations {
 public:
  PairEquations(const LadderTables& tables, Complex* rows, Complex* circle)
      : tables_(tables), march_(tables.equation), around_(circle_points), rows_(rows), circle_(circle) {}

  struct Workspace {
    VolterraMarch::Workspace march;
    std::vector<Complex> circle;
  };

  /// Replaces the propagation of free pairs by tau.                                                      (Eq. 82)
  void solve(std::size_t first, Workspace& workspace) const {
    const VolterraTables& equation = tables_.equation;
    const auto sites = static_cast<std::size_t>(equation.sites), lanes = std::min(group, sites - first);
    const kernels::VolterraArrays arrays = march_.arrays(workspace.march);
    const Functor functor{tables_,
                          arrays,
                          static_cast<std::int64_t>(first),
                          reinterpret_cast<double*>(rows_),
                          reinterpret_cast<double*>(circle_ + first),
                          equation.sites};
    std::array<Times, group> divided;
    std::array<Value, group> factor{};
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      factor[lane] = functor.factor(static_cast<std::int64_t>(lane));
      divided[lane] = {kernels::quotient({1.0, 0.0}, factor[lane])};
    }
    for (std::size_t lane = lanes; lane < group; ++lane)
      for (std::int64_t n = 0; n < equation.count; ++n)
        for (double* array : {arrays.q_re, arrays.q_im, arrays.g_re, arrays.g_im})
          array[static_cast<std::size_t>(n) * group + lane] = 0.0;
    for (std::int64_t n = 0; n < equation.count; ++n)
      for (std::size_t lane = 0; lane < lanes; ++lane) functor.drive(n, static_cast<std::int64_t>(lane), divided[lane]);
    begin(functor, first, lanes, factor, workspace.circle);
    march_.advance(first, arrays, workspace.march);
    for (std::int64_t n = VolterraTables::start; n < equation.count; ++n)
      for (std::size_t lane = 0; lane < lanes; ++lane)
        functor.finish(n, static_cast<std::int64_t>(lane), divided[lane]);
  }

 private:
  using Functor = kernels::hubbard::Collisions;
  using Value = Functor::Complex;
  struct Times {
    Value inverse;
    Value operator()(Value z) const { return z * inverse; }
  };

  /// Starting values, and tau on the circle, from the series around t = 0.                               (Eq. 85)
  void begin(const Functor& functor, std::size_t first, std::size_t lanes, const std::array<Value, group>& factor,
             std::vector<Complex>& around) const {
    constexpr double over = 1.0 / static_cast<double>(circle_points);
    constexpr auto terms = static_cast<std::size_t>(VolterraTables::series_terms);
    const auto sites = static_cast<std::size_t>(tables_.equation.sites);
    around.resize(group * circle_points);
    const auto each = [&](const auto& use) {
      for (std::size_t l = 0; l < circle_points; ++l)
        for (std::size_t lane = 0; lane < lanes; ++lane)
          use(circle_[l * sites + first + lane], around[lane * circle_points + l]);
    };
    each([](const Complex& at, Complex& own) { own = at; });
    around_.forward(around.data(), lanes);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      Complex* row = around.data() + lane * circle_points;
      Value free[terms], tau[terms];
      for (std::size_t n = 0; n < terms; ++n) free[n] = {over * row[n].real(), over * row[n].imag()};
      functor.solve_series(free, tau);
      functor.begin(static_cast<std::int64_t>(lane), tau, factor[lane]);
      for (std::size_t n = 0; n < terms; ++n) row[n] = {tau[n].re, tau[n].im};
      std::fill(row + terms, row + circle_points, Complex(0.0));
    }
    around_.backward(around.data(), lanes);
    each([](Complex& at, const Complex& own) { at = own; });
  }

  const LadderTables& tables_;
  VolterraMarch march_;
  Fourier around_;
  Complex *rows_, *circle_;
};

std::vector<double> times_of_rows(double step, std::size_t rows) {
  std::vector<double> times(rows);
  for (std::size_t i = 0; i < rows; ++i) times[i] = (static_cast<double>(i) - static_cast<double>(margin)) * step;
  return times;
}

const LadderLines& lines_of(bool hole) { return hole ? kernels::hole_lines : kernels::particle_lines; }

}  // namespace

LadderEquation::LadderEquation(const HubbardModes& modes, bool hole, double step, std::size_t count)
    : turns_(turns_of_circle()) {
  tables.interaction = modes.interaction;
  tables.rate = hole ? -modes.interaction : modes.interaction;
  tables.equation.sites = static_cast<std::int64_t>(modes.sites);
  tables.equation.count = static_cast<std::int64_t>(count + margin);
  tables.equation.step = step;
  tables.equation.driven = true;
  tables.equation.turns = turns_.data();
  const auto corrections = gregory_corrections();
  std::copy(corrections.begin(), corrections.end(), tables.equation.end);
}

LadderKernel::Run LadderKernel::evaluate(double step, std::size_t count, const Execution& execution) const {
  const std::size_t sites = modes_.sites, times = count + 2 * margin;
  // Vectors of momenta read beyond the last momentum.
  Run run{std::vector<Complex>(times * sites + group), std::vector<Complex>(circle_points * sites + group)};
  if (modes_.ladder != Ladder::hole) add_ladder(false, step, count, execution, run);
  if (modes_.ladder != Ladder::particle) add_ladder(true, step, count, execution, run);
  if (modes_.ladder == Ladder::both) {
    std::vector<Complex> second(std::max(times, circle_points) * sites);
    second_order_.evaluate(times_of_rows(step, times), second.data(), execution);
    for (std::size_t i = 0; i < times * sites; ++i) run.rows[i] -= second[i];
    second_order_.evaluate(circle_of_times(step), second.data());
    for (std::size_t i = 0; i < circle_points * sites; ++i) run.circle[i] -= second[i];
  }
  return run;
}

void LadderKernel::add_ladder(bool hole, double step, std::size_t count, const Execution& execution, Run& run) const {
  const std::size_t sites = modes_.sites, times = count + 2 * margin;
  const LadderLines& lines = lines_of(hole);
  const Fourier fourier(modes_.order);
  Communicator& communicator = communicator_of(execution);
  const auto rank = static_cast<std::size_t>(communicator.rank());
  const auto shares = share_bounds(communicator, times);
  const std::vector<double> at = times_of_rows(step, times);
  std::vector<Complex> rows(times * sites + group), circle(circle_points * sites), on_circle(3 * circle_points * sites);
  const auto each_time = [&](const auto& use) {
    share_times(shares[rank], shares[rank + 1], execution, [&](std::size_t first, std::size_t some) {
      std::vector<Complex> transforms(3 * some * sites);
      second_order_.transforms(std::span<const double>(at).subspan(first, some), transforms.data());
      use(some, transforms.data(), rows.data() + first * sites);
    });
    communicator.all_gather({reinterpret_cast<double*>(rows.data()), 2 * times * sites},
                            share_bounds(communicator, times, 1, 2 * sites));
  };
  each_time([&](std::size_t some, const Complex* transforms, Complex* pairs) {
    free_pairs(fourier, lines, some, transforms, pairs);
  });
  second_order_.transforms(circle_of_times(step), on_circle.data());
  free_pairs(fourier, lines, circle_points, on_circle.data(), circle.data());

  const LadderEquation equation(modes_, hole, step, count);
  const PairEquations equations(equation.tables, rows.data(), circle.data());
  const std::size_t groups = (sites + group - 1) / group;
  const int threads = threads_of(execution);
  std::vector<PairEquations::Workspace> workspaces(static_cast<std::size_t>(threads));
  in_parts(threads, groups, [&](std::size_t g, std::size_t last, std::size_t thread) {
    for (; g < last; ++g) equations.solve(g * group, workspaces[thread]);
  });

  each_time([&](std::size_t some, const Complex* transforms, Complex* pairs) {
    close_pairs(fourier, lines, some, transforms, pairs);
  });
  close_pairs(fourier, lines, circle_points, on_circle.data(), circle.data());
  for (std::size_t i = 0; i < times * sites; ++i) run.rows[i] += rows[i];
  for (std::size_t i = 0; i < circle_points * sites; ++i) run.circle[i] += circle[i];
}

void LadderKernel::evaluate_on(kernels::LadderDevice& device, double step, std::size_t count,
                               const Execution& execution, Complex* circle) const {
  const std::size_t size = circle_points * modes_.sites;
  if (circle != nullptr) std::fill_n(circle, size, Complex(0.0));
  if (modes_.ladder != Ladder::hole) add_ladder_on(device, false, step, count, execution, circle);
  if (modes_.ladder != Ladder::particle) add_ladder_on(device, true, step, count, execution, circle);
  if (modes_.ladder != Ladder::both) return;
  device.subtract_second_order();
  if (circle == nullptr) return;
  std::vector<Complex> second(size);
  second_order_.evaluate(circle_of_times(step), second.data());
  for (std::size_t i = 0; i < size; ++i) circle[i] -= second[i];
}

void LadderKernel::add_ladder_on(kernels::LadderDevice& device, bool hole, double step, std::size_t count,
                                 const Execution& execution, Complex* circle) const {
  const std::size_t sites = modes_.sites, times = count + 2 * margin;
  const LadderLines& lines = lines_of(hole);
  const LadderEquation equation(modes_, hole, step, count);
  device.pair(times_of_rows(step, times).data(), static_cast<std::int64_t>(times), lines);
  if (circle == nullptr) {
    device.collide(equation.tables, 0, static_cast<std::int64_t>(sites), nullptr, nullptr);
    return device.close(lines);
  }
  // The circle has a few complex times: on the host.
  const Fourier fourier(modes_.order);
  std::vector<Complex> pairs(circle_points * sites), transforms(3 * circle_points * sites);
  second_order_.transforms(circle_of_times(step), transforms.data());
  free_pairs(fourier, lines, circle_points, transforms.data(), pairs.data());
  collide_on(device, equation.tables, times, execution, pairs);
  device.close(lines);
  close_pairs(fourier, lines, circle_points, transforms.data(), pairs.data());
  for (std::size_t i = 0; i < circle_points * sites; ++i) circle[i] += pairs[i];
}

/// Ranks share the momenta, and every device gets all of tau.
void LadderKernel::collide_on(kernels::LadderDevice& device, const LadderTables& tables, std::size_t times,
                              const Execution& execution, std::vector<Complex>& circle) const {
  const std::size_t sites = modes_.sites;
  Communicator& communicator = communicator_of(execution);
  if (communicator.size() == 1)
    return device.collide(tables, 0, tables.equation.sites, reinterpret_cast<double*>(circle.data()), nullptr);
  const auto shares = share_bounds(communicator, sites);
  const auto rank = static_cast<std::size_t>(communicator.rank()),
             ranks = static_cast<std::size_t>(communicator.size());
  std::vector<Complex> tau(times * sites), columns(circle.size());
  const auto values = [](std::vector<Complex>& array, std::size_t at) {
    return reinterpret_cast<double*>(array.data() + at);
  };
  // Every rank's share is contiguous in these arrays.
  const auto each_column = [&](std::size_t r, const auto& use) {
    const std::size_t lanes = shares[r + 1] - shares[r];
    for (std::size_t l = 0; l < circle_points; ++l)
      for (std::size_t i = 0; i < lanes; ++i)
        use(circle[l * sites + shares[r] + i], columns[circle_points * shares[r] + l * lanes + i]);
  };
  each_column(rank, [](const Complex& all, Complex& own) { own = all; });
  device.collide(tables, static_cast<std::int64_t>(shares[rank]), static_cast<std::int64_t>(shares[rank + 1]),
                 values(columns, circle_points * shares[rank]), values(tau, times * shares[rank]));
  communicator.all_gather({values(tau, 0), 2 * tau.size()}, share_bounds(communicator, sites, 1, 2 * times));
  communicator.all_gather({values(columns, 0), 2 * columns.size()},
                          share_bounds(communicator, sites, 1, 2 * circle_points));
  for (std::size_t r = 0; r < ranks; ++r) {
    each_column(r, [](Complex& all, const Complex& own) { all = own; });
    if (r != rank)
      device.place(static_cast<std::int64_t>(shares[r]), static_cast<std::int64_t>(shares[r + 1]),
                   values(tau, times * shares[r]));
  }
}

double LadderKernel::bound(double time) const {
  double particles = 0.0, holes = 0.0;
  for (std::size_t p = 0; p < modes_.sites; ++p) {
    particles += modes_.occupation[p] * std::exp(-0.5 * modes_.rate[p] * time);
    holes += modes_.hole[p] * std::exp(-0.5 * modes_.rate[p] * time);
  }
  const double over = 1.0 / static_cast<double>(modes_.sites), square = modes_.interaction * modes_.interaction;
  const double slowest = std::exp(-0.5 * modes_.slowest_rate * time);
  // |tau| <= U^2 mean e^{-slowest t / 2}: the pair's matrix is symmetric, and its anti-Hermitian part contains only the
  // rates.
  double sum = 0.0;
  if (modes_.ladder != Ladder::hole) sum += square * over * particles * (1.0 - modes_.mean_occupation) * slowest;
  if (modes_.ladder != Ladder::particle) sum += square * over * holes * modes_.mean_occupation * slowest;
  if (modes_.ladder == Ladder::both) sum += square * over * particles * over * holes;
  return sum;
}

double LadderKernel::tail(double time, double broadening) const {
  return bound(time) * std::exp(-broadening * time) / (slowest_decay() + broadening);
}

double LadderKernel::bytes(double sites, double steps) {
  return 16.0 * sites * (2.0 * steps + 5.0 * static_cast<double>(circle_points));
}

double ladder_bandwidth(const HubbardModes& modes) { return modes.kernel_bandwidth + std::fabs(modes.interaction); }

double ladder_step(const HubbardModes& modes, double tolerance) {
  const double fastest = std::hypot(ladder_bandwidth(modes), modes.fastest_rate + 0.5 * modes.fastest_probe_loss);
  return volterra_step(fastest, tolerance);
}

}  // namespace lindrift
