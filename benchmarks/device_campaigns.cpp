// Campaigns of many points of the chain on a CUDA device, where a thread block takes each point, beside the same points
// one by one on the device, driven by the host, and beside the CPU of this machine, on one thread, on all, and, where
// the program would do so, on all with the sums of many points as products of matrices. Needs SUNDIALS, but not the
// rest of the program.
//
//   device_campaigns [--out FILE] [--quick] [--only NAME] [--seconds S] [--points N] [--sites L]
//     --only NAME   the cases with this in their names
//     --seconds S   about as long for each way of each case (default: 3); a slow way gets fewer of the points
//     --points N    no case has more points
//     --sites L     no chain has more sites
//
// Everything from the parameters of a point to its observables counts in every way. `seconds` are those of all points
// in blocks; what the host does before the launch, on all threads as in the program, is told as
// seconds_a_point_preparing.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bench/models.hpp"
#include "benchmarks/device_report.hpp"
#include "engine/side_by_side.hpp"
#include "lindrift/error.hpp"
#include "lindrift/tgge/batch.hpp"
#include "lindrift/tgge/initial.hpp"
#include "lindrift/tgge/relax.hpp"
#include "lindrift/tgge/steady_state.hpp"
#include "tgge/point_batch.hpp"
#include "tgge/tasks/steady_state_of.hpp"

namespace lindrift::benchmarks {
namespace {

constexpr const char* program = "device_campaigns";
constexpr double filling = 0.5;
/// Of two occupations: the tolerance of all solvers is a tenth of it.
constexpr double agreement = 1e-9;
static_assert(10.0 * default_tolerance <= agreement);

struct Options {
  const char* file = nullptr;
  std::string only{};
  bool quick = false;
  double seconds = 3.0;
  std::size_t points = std::numeric_limits<std::size_t>::max();
  std::int64_t sites = std::numeric_limits<std::int64_t>::max();
};

/// Ten output times, until 1 / (epsilon J), in which most of the relaxation happens.
constexpr std::array output_times = {2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0};

/// Points that differ in nonequilibrium fraction and temperature, in the order of a sweep of both.
struct Campaign {
  std::string name;
  Spectrum spectrum;
  std::int64_t sites;
  std::size_t points;
  bool relaxes = false;

  /// Points of one temperature.
  std::size_t columns() const { return static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(points)))); }
  TggeChain point(std::size_t place) const {
    const std::size_t size = columns();
    const auto part = [&](std::size_t i) { return (static_cast<double>(i) + 0.5) / static_cast<double>(size); };
    TggeChain result = chain(sites, spectrum);
    result.bath.inverse_temperature = 1.0 + 2.0 * part(place / size);
    result.bath.nonequilibrium_fraction = 0.1 + 0.8 * part(place % size);
    return result;
  }
  /// Some of the groups of so many points in a row, evenly spread.
  std::vector<std::size_t> some(std::size_t groups, std::size_t size) const {
    std::vector<std::size_t> places;
    for (std::size_t g = 0; g < groups; ++g)
      for (std::size_t i = 0; i < size; ++i) places.push_back(g * (points / size) / groups * size + i);
    return places;
  }
};

/// A displaced Fermi sea, as in a quench of the current.
std::vector<double> start_of(const RateEquation& equation) {
  const std::int64_t shift = static_cast<std::int64_t>(equation.modes()) / 8;
  return multipliers_of({.kind = InitialKind::thermal, .momentum_shift = {shift}}, equation.bands, filling);
}

/// Of every mode, at every output time.
using Occupations = std::vector<double>;

/// On the backend of the equation.
Occupations solve(const Campaign& campaign, const RateEquation& equation) {
  if (campaign.relaxes) {
    RelaxResult result = relax(equation, start_of(equation), output_times);
    if (!result.converged) throw Error(campaign.name + ": " + result.message);
    return std::move(result.occupation);
  }
  SteadyState result = steady_state(equation, filling);
  if (!result.converged) throw Error(campaign.name + ": " + result.message);
  return std::move(result.occupation);
}

void complete(PointBatchEntry& entry) { entry.number = conserved_number(entry.ingredients.equation.modes(), filling); }
void complete(RelaxationEntry& entry) { entry.start = start_of(entry.ingredients.equation); }

template <class Entry>
std::vector<Entry> entries_of(const Campaign& campaign, const Execution& execution) {
  const Calculation calculation(default_threads());
  Execution alone = execution;
  alone.threads = 1;
  return made_side_by_side(campaign.points, [&](std::size_t place) {
    TggeModel model = campaign.point(place);
    if (!(campaign.relaxes ? relaxed_in_a_block : found_in_a_block)(model, alone))
      throw Error(campaign.name + ": no block takes a point");
    Entry entry{.ingredients = ingredients_for_a_block(std::move(model), alone)};
    complete(entry);
    return entry;
  });
}

/// All points of a campaign in thread blocks.
struct Blocks {
  std::vector<Occupations> occupations{};
  double preparing = 0.0;  ///< seconds until the points are ready for the device

  explicit Blocks(const Campaign& campaign) : occupations(campaign.points) {
    const Execution execution{.backend = Backend::cuda};
    const auto prepared = [&](auto make) {
      decltype(make()) entries;
      preparing = seconds_of([&] { entries = make(); });
      return entries;
    };
    if (campaign.relaxes) {
      const auto entries = prepared([&] { return entries_of<RelaxationEntry>(campaign, execution); });
      relax_in_blocks(entries, output_times, execution, [&](std::size_t place, RelaxResult result) {
        if (result.converged) occupations[place] = std::move(result.occupation);
      });
    } else {
      const auto entries = prepared([&] { return entries_of<PointBatchEntry>(campaign, execution); });
      auto states = steady_states_in_blocks(entries, execution);
      for (std::size_t i = 0; i < states.size(); ++i)
        if (states[i]) occupations[i] = std::move(states[i]->occupation);
    }
    // The program would run such a point alone; none of these should be one.
    for (const Occupations& each : occupations)
      if (each.empty()) throw Error(campaign.name + ": a block has given back a point");
  }
};

/// At least three samples, more if they are done within the limit.
template <class Sample>
std::vector<double> samples_within(double limit, const Sample& sample) {
  std::vector<double> samples;
  for (double sum = 0.0; samples.size() < 3 || (samples.size() < 9 && sum < limit); sum += samples.back())
    samples.push_back(sample());
  return samples;
}

/// Infinite if there is a NaN.
double largest_difference(const Occupations& one, const Occupations& other) {
  double largest = 0.0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    const double difference = std::fabs(one[i] - other.at(i));
    largest = std::max(largest, std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference);
  }
  return largest;
}

/// A way without thread blocks.
struct Way {
  double seconds = 0.0;  ///< a point
  std::size_t points = 0;
  double difference = 0.0;  ///< largest, from the blocks
};

/// Points of a campaign, and their occupations.
struct Some {
  std::vector<std::size_t> places{};
  std::vector<Occupations> occupations{};
};

/// @param size    points of a group, of which the way takes all together
/// @param groups  least number of groups that keeps all threads busy
/// @param solve   fills in the occupations of Some
template <class Solve>
Way time_way(const Campaign& campaign, const Blocks& blocks, double limit, std::size_t size, std::size_t groups,
             const Solve& solve) {
  Some some;
  const auto choose = [&](std::size_t count) {
    some.places = campaign.some(count, size);
    some.occupations.assign(some.places.size(), {});
  };
  const auto sample = [&] { return seconds_of([&] { solve(some); }); };
  choose(groups);
  sample();  // the first is slower: it loads kernels and touches memory
  const double fitting = static_cast<double>(groups) * limit / 3.0 / std::max(sample(), 1e-7);
  const auto most = static_cast<double>(campaign.points / size);
  choose(static_cast<std::size_t>(std::clamp(fitting, static_cast<double>(groups), most)));
  Way way{.points = some.places.size()};
  way.seconds = summary(samples_within(limit, sample)).median / static_cast<double>(way.points);
  for (std::size_t i = 0; i < way.points; ++i)
    way.difference =
        std::max(way.difference, largest_difference(some.occupations[i], blocks.occupations[some.places[i]]));
  return way;
}

/// One point after the other, or several side by side on threads of their own.
Way time_alone(const Campaign& campaign, const Blocks& blocks, double limit, std::size_t at_once,
               const Execution& execution) {
  const Calculation calculation(static_cast<int>(at_once));
  return time_way(campaign, blocks, limit, 1, at_once, [&](Some& some) {
    side_by_side(some.places.size(), [&](std::size_t i) {
      some.occupations[i] = solve(campaign, make_rate_equation(campaign.point(some.places[i]), execution));
    });
  });
}

/// The points of one temperature together, their sums over pairs as products of matrices.
Way time_products(const Campaign& campaign, const Blocks& blocks, double limit, const Execution& execution) {
  const std::size_t size = campaign.columns();
  return time_way(campaign, blocks, limit, size, 1, [&](Some& some) {
    for (std::size_t first = 0; first < some.places.size(); first += size) {
      std::vector<std::optional<BathStrength>> strengths;
      for (std::size_t i = 0; i < size; ++i) {
        const TggeBath bath = campaign.point(some.places[first + i]).bath;
        strengths.push_back(BathStrength{bath.coupling, bath.nonequilibrium_fraction, bath.equilibrium_fraction});
      }
      solve_batch(campaign.point(some.places[first]), strengths, execution,
                  [&](std::size_t i, const RateEquation& equation) {
                    some.occupations[first + i] = solve(campaign, equation);
                  });
    }
  });
}

Result measure(const Campaign& campaign, double limit) {
  std::optional<Blocks> blocks(campaign);  // the first is slower
  std::vector<double> preparing;
  const Times seconds = summary(samples_within(limit, [&] {
    const double sample = seconds_of([&] { blocks.emplace(campaign); });
    preparing.push_back(blocks->preparing);
    return sample;
  }));

  const auto threads = static_cast<std::size_t>(default_threads()), at_once = std::min(threads, campaign.points);
  const Execution on_cpu{.backend = Backend::cpu, .threads = static_cast<int>(threads / at_once)};
  std::vector<std::pair<std::string, Way>> ways = {
      {"one_by_one", time_alone(campaign, *blocks, limit, 1, {.backend = Backend::cuda})},
      {"one_thread", time_alone(campaign, *blocks, limit, 1, {.backend = Backend::cpu, .threads = 1})},
      {"all_threads", time_alone(campaign, *blocks, limit, at_once, on_cpu)}};
  if (campaign.points > 1 && gains_from_batching(campaign.point(0), {.backend = Backend::cpu}))
    ways.emplace_back("products_on_all_threads", time_products(campaign, *blocks, limit, {.backend = Backend::cpu}));

  const auto points = static_cast<double>(campaign.points);
  const double a_point = seconds.median / points;
  Result result{campaign.name, campaign.sites, seconds, {}};
  result.numbers = {{"points", points},
                    {"seconds_a_point_in_blocks", a_point},
                    {"seconds_a_point_preparing", summary(preparing).median / points}};
  double from_cpu = 0.0;
  for (const auto& [name, way] : ways) {
    result.numbers.emplace_back("points_" + name, static_cast<double>(way.points));
    result.numbers.emplace_back("seconds_a_point_" + name, way.seconds);
    result.numbers.emplace_back("times_faster_than_" + name, way.seconds / a_point);
    if (name != "one_by_one") from_cpu = std::max(from_cpu, way.difference);
  }
  result.numbers.emplace_back("difference_from_one_by_one", ways.front().second.difference);
  result.numbers.emplace_back("difference_from_cpu", from_cpu);
  return result;
}

std::vector<Campaign> campaigns(const Options& options) {
  using enum Spectrum;
  std::vector<Campaign> all = {
      {"steady_states_lorentzian", lorentzian, 128, 10000}, {"steady_states_lorentzian", lorentzian, 1024, 1000},
      {"steady_states_lorentzian", lorentzian, 1024, 131},  {"steady_states_lorentzian", lorentzian, 1024, 2},
      {"steady_states_lorentzian", lorentzian, 1024, 1},    {"steady_states_exponential", exponential, 1024, 1000},
      {"steady_states_ohmic", ohmic, 1024, 1000},           {"relaxations_lorentzian", lorentzian, 128, 1000, true}};
  std::erase_if(all, [&](const Campaign& each) { return each.name.find(options.only) == std::string::npos; });
  for (Campaign& each : all) {
    each.points = std::min(each.points, options.quick ? std::min<std::size_t>(options.points, 200) : options.points);
    each.sites = std::min(each.sites, options.sites);
  }
  return all;
}

int run(const Options& options) {
  if (const auto code = without_device(program)) return *code;
  Context context = machine_context();
  context.add("agreement", agreement);
  const std::vector<Campaign> all = campaigns(options);
  if (all.empty()) throw Error("no case has " + options.only + " in its name");
  std::vector<Result> results;
  bool agree = true;
  for (const Campaign& each : all) {
    results.push_back(measure(each, options.quick ? options.seconds / 3.0 : options.seconds));
    print(results.back());
    agree = agrees(results.back(), agreement) && agree;
    // After each case, so that a run that is stopped keeps its results.
    if (!write(program, options.file, json(context, results))) return 1;
  }
  if (!agree) std::fprintf(stderr, "%s: two ways to the same occupations differ by more than %g\n", program, agreement);
  return agree ? 0 : 1;
}

/// Nothing if the arguments make no sense.
std::optional<Options> options_from(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--quick") {
      options.quick = true;
      continue;
    }
    if (i + 1 == argc) return std::nullopt;
    const char* value = argv[++i];
    const double number = std::atof(value);
    if (argument == "--out") {
      options.file = value;
    } else if (argument == "--only") {
      options.only = value;
    } else if (argument == "--seconds" && number > 0.0) {
      options.seconds = number;
    } else if (argument == "--points" && number >= 1.0) {
      options.points = static_cast<std::size_t>(number);
    } else if (argument == "--sites" && number >= 1.0) {
      options.sites = static_cast<std::int64_t>(number);
    } else {
      return std::nullopt;
    }
  }
  return options;
}

}  // namespace
}  // namespace lindrift::benchmarks

int main(int argc, char** argv) {
  namespace benchmarks = lindrift::benchmarks;
  const auto options = benchmarks::options_from(argc, argv);
  if (!options) {
    std::fprintf(stderr, "usage: %s [--out FILE] [--quick] [--only NAME] [--seconds S] [--points N] [--sites L]\n",
                 benchmarks::program);
    return 2;
  }
  try {
    return benchmarks::run(*options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", benchmarks::program, error.what());
    return 1;
  }
}
