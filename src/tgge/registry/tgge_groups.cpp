#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <optional>

#include "engine/device_thresholds.hpp"
#include "engine/side_by_side.hpp"
#include "engine/threads.hpp"
#include "tgge/hop_weights.hpp"
#include "tgge/point_batch.hpp"
#include "tgge/registry/tgge_point.hpp"

namespace lindrift {

using config::Point;
using config::read;

namespace {

/// Largest batch: large enough to keep the slots busy, small enough to leave batches for many ranks.
constexpr std::size_t max_batch = 1024;
/// Doubles that the host holds for each mode of a point in a thread block: bands, weights and what comes down, but for
/// the output times of a relaxation; and for a batch.
constexpr double batch_arrays = 16.0;
constexpr double max_batch_doubles = batch_arrays * (1 << 22);
/// Largest number of modes for which the spectrum is stored as a matrix, of 2 GiB. A table is in memory anyway.
constexpr std::size_t max_matrix_modes = 16384;

/// Doubles that the host holds for the levels and panels of a point in a thread block, and once more on their way to
/// the device: at most eight slots a level, most of them taken where there are many levels in a panel.
double panel_doubles(const Point& point) {
  if (point.text("bath.spectrum") == "exponential") return 0.0;
  const auto modes = static_cast<double>(modes_of(point));
  const double slots = std::min(8.0 * modes, 2.0 * modes + 8.0 * max_block_panels);
  constexpr double cores = 8192.0;
  return 2.0 * (3.0 * slots + 8.0 * modes + cores + max_block_panels);
}

/// Whether points that differ in this key can share a batch, because they have the same weights.
bool keeps_weights(const std::string& path) {
  for (const char* key :
       {"bath.coupling", "bath.nonequilibrium_fraction", "bath.equilibrium_fraction", "initial.filling"})
    if (path == key) return true;
  return false;
}

/// Sets of energies and hop weights, or of panels, among so many points of a sweep, one after the other: a set of its
/// own for each point that differs from the one before in more than the strength and, if it may, the temperature of the
/// baths.
std::size_t sets_of_modes(const config::Document& document, std::size_t points, bool any_temperature) {
  std::size_t alike = 1;
  const auto keeps = [&](const config::Axis& axis) {
    return keeps_weights(axis.path) || (any_temperature && axis.path == "bath.inverse_temperature");
  };
  const auto& axes = document.sweep.axes;
  if (document.sweep.mode == config::SweepMode::zip)
    alike = std::all_of(axes.begin(), axes.end(), keeps) ? points : 1;
  else
    for (auto axis = axes.rbegin(); axis != axes.rend() && keeps(*axis); ++axis) alike *= axis->values.size();
  return (points + alike - 1) / alike;
}

/// Host memory of a batch whose first point is `first`, in bytes.
double batch_bytes(const Point& first, std::size_t slots) {
  const auto modes = static_cast<double>(modes_of(first));
  const double matrices = (first.text("bath.jump") == "table" ? 3.0 : 0.0) +  // as read, and in both orders
                          (first.text("bath.spectrum") == "exponential" ? 0.0 : 1.0);
  return 8.0 * modes * (static_cast<double>(slots) * arrays_of(first) + matrices * modes);
}

/// Of all batches of up to `points` points, the size of one with the most slots.
std::size_t widest_batch(std::size_t points) {
  std::size_t widest = 1;
  for (std::size_t size = 2; size <= points; ++size)
    if (batch_slots(size) > batch_slots(widest)) widest = size;
  return widest;
}

/// Device memory of run_given_back(), in bytes; 0 where it leaves all points alone.
/// @param model  of the first point
double given_back_device_bytes(const config::Document& document, const TggeModel& model, const Execution& execution) {
  const Grouping grouping = batches(document);
  if (grouping.size == 1) return 0.0;
  try {
    return batch_device_bytes(model, widest_batch(grouping.size), execution);
  } catch (const DeviceMemoryError&) {
    return 0.0;
  }
}

}  // namespace

bool fits_a_block(const Point& point) {
  const std::string& jump = point.text("bath.jump");
  if (jump == "operators" || jump == "table" || modes_of(point) > max_block_modes) return false;
  if (!point.has("task.times")) return true;
  // A method that was asked for by name is taken.
  return point.text("solver.integrator") == name(Integrator::automatic) &&
         point.count("task.times") * static_cast<double>(modes_of(point)) <= max_block_results;
}

bool goes_to_a_block(const Point& point, const TggeModel& model, const Execution& execution) {
  return point.has("task.times") ? relaxed_in_a_block(model, execution) : found_in_a_block(model, execution);
}

bool found_in_blocks(const config::Document& document) {
  const Point first = document.point(0);
  if (!fits_a_block(first)) return false;
  const Execution execution = with_algorithm(first, {.backend = Backend::cuda});
  return with_model(first, [&](const TggeModel& model) { return goes_to_a_block(first, model, execution); });
}

Grouping batches(const config::Document& document) {
  if (document.sweep.empty()) return {};
  const bool zip = document.sweep.mode == config::SweepMode::zip;
  std::size_t alike = zip ? document.sweep.points() : 1;
  for (auto axis = document.sweep.axes.rbegin(); axis != document.sweep.axes.rend(); ++axis) {
    if (!keeps_weights(axis->path)) {
      if (zip) return {};
      break;
    }
    if (!zip) alike *= axis->values.size();
  }
  if (alike == 1) return {};
  const Point first = document.point(0);
  if (first.text("bath.jump") != "table" && modes_of(first) > max_matrix_modes) return {};
  if (!with_model(first, [&](const auto& model) { return gains_from_batching(model, with_algorithm(first, {})); }))
    return {};
  const std::size_t groups = (alike + max_batch - 1) / max_batch, size = (alike + groups - 1) / groups;
  Grouping grouping{
      .size = size, .row = alike, .at_once = batch_slots(size), .how = "their sums over pairs as matrix products"};
  grouping.memory_bytes = batch_bytes(first, grouping.at_once);
  return grouping;
}

double batch_device_bytes_of(const config::Document& document, const Grouping& grouping, const Execution& requested) {
  const Point first = document.point(0);
  const Execution execution = with_algorithm(first, requested);
  const auto bytes_of = [&](const TggeModel& model) {
    return point_batch_device_bytes(model, grouping.size, sets_of_modes(document, grouping.size, true),
                                    sets_of_modes(document, grouping.size, model.bath.spectrum != Spectrum::ohmic),
                                    static_cast<std::size_t>(first.count("task.times")), execution);
  };
  return with_model(first, [&](const TggeModel& model) {
    if (!fits_a_block(first) || !goes_to_a_block(first, model, execution))
      return std::max(batch_device_bytes(model, grouping.size, execution), bands_device_bytes_of(first, execution));
    // Along a sweep the panels become more or fewer.
    const double panels = panels_of(model.bands.energy, model.bath);
    if (panels == 0.0) return bytes_of(model);  // the exponential spectrum gains nothing from batches
    const double other = with_model(document.point(grouping.size - 1), [&](const TggeModel& last) {
      const bool larger = panels_of(last.bands.energy, last.bath) > panels && goes_to_a_block(first, last, execution);
      return larger ? bytes_of(last) : 0.0;
    });
    return std::max(other > 0.0 ? other : bytes_of(model), given_back_device_bytes(document, model, execution));
  });
}

void run_batch(Solve solve, const Group& group, const Execution& requested, const Monitor& monitor,
               const Finished& finished) {
  std::vector<std::optional<Point>> places(group.wanted.size());
  std::vector<std::optional<BathStrength>> strengths(places.size());
  const Point* first = nullptr;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!group.wanted[i]) continue;
    places[i] = group.point(i);
    if (first == nullptr) first = &*places[i];
    const TggeBath bath = read<TggeBath>(*places[i]);
    strengths[i] = BathStrength{bath.coupling, bath.nonequilibrium_fraction, bath.equilibrium_fraction};
  }
  if (first == nullptr) return;

  // `finished` is called only on this thread.
  std::mutex mutex;
  std::vector<std::pair<std::size_t, io::Result>> ready;
  const auto wanted = static_cast<double>(std::count(group.wanted.begin(), group.wanted.end(), true));
  double done = 0.0;
  const auto hand_over = [&] {
    std::vector<std::pair<std::size_t, io::Result>> taken;
    {
      const std::lock_guard lock(mutex);
      taken.swap(ready);
    }
    done += static_cast<double>(taken.size());
    for (auto& [place, result] : taken) finished(place, std::move(result));
  };
  const auto solve_one = [&](std::size_t place, const RateEquation& equation) {
    io::Result result = solve(*places[place], equation, {});
    const std::lock_guard lock(mutex);
    ready.emplace_back(place, std::move(result));
  };
  const auto go_on = [&] {
    hand_over();
    return !monitor.progress || monitor.progress(done / wanted);
  };
  try {
    with_model(*first, [&](const auto& model) {
      const Execution execution = with_algorithm(*first, requested);
      solve_batch(make_model(model, execution), strengths, execution, solve_one, go_on);
      return 0;
    });
  } catch (const Interruption&) {
    return hand_over();
  } catch (...) {
    hand_over();
    throw;
  }
  hand_over();
}

Grouping batches_or_chains(const config::Document& document) {
  Grouping grouping = batches(document);
  const std::int64_t asked = read<ChainOptions>(document.base).chain;
  if (asked == 1) return grouping;
  const auto without_effect = [&](const std::string& why) {
    grouping.note = fmt::format("solver.chain = {} has no effect: {}", asked, why);
    return grouping;
  };
  if (grouping.size > 1) return without_effect("points that advance together start alike");
  // Where the innermost axis starts again, the parameters jump. With zip, all points lie on one axis.
  const std::size_t row = document.sweep.empty() ? 1 : document.sweep.axes.back().values.size();
  if (row == 1) return without_effect("no point of the sweep has a neighbour");
  for (const config::Axis& axis : document.sweep.axes)
    if (document.resizes(axis) &&
        (&axis == &document.sweep.axes.back() || document.sweep.mode == config::SweepMode::zip))
      return without_effect("neighbouring points differ in size");
  return {.size = std::min(static_cast<std::size_t>(asked), row), .row = row, .chained = true};
}

namespace {

/// The grouping for thread blocks of a device if the sweep can use them; otherwise `grouping`.
Grouping block_batches(const config::Document& document, Grouping grouping) {
  if (grouping.chained || document.sweep.points() == 1 || !found_in_blocks(document)) return grouping;
  // Points of a batch have the same modes.
  const bool sized = std::any_of(document.sweep.axes.begin(), document.sweep.axes.end(), [](const config::Axis& axis) {
    return std::holds_alternative<std::int64_t>(axis.values.front());
  });
  if (sized && grouping.size == 1) return grouping;
  const Point first = document.point(0);
  const double arrays = batch_arrays + first.count("task.times"),
               doubles = static_cast<double>(modes_of(first)) * arrays + panel_doubles(first);
  Grouping blocks{.how = "each in one thread block of the device", .note = grouping.note};
  if (sized) {  // as many as differ only in numbers that are no sizes
    blocks.size = grouping.size;
    blocks.row = grouping.row;
  } else {
    const double fit = max_batch_doubles / (static_cast<double>(modes_of(first)) * arrays);
    const std::size_t points = document.sweep.points(),
                      most = std::clamp<std::size_t>(static_cast<std::size_t>(fit), 1, max_batch),
                      groups = (points + most - 1) / most;
    blocks.size = (points + groups - 1) / groups;
  }
  blocks.at_once = blocks.size;
  blocks.memory_bytes = 8.0 * static_cast<double>(blocks.size) * doubles;
  if (grouping.size > 1)  // for run_given_back(), when the blocks are done
    blocks.memory_bytes = std::max(blocks.memory_bytes, batch_bytes(first, batch_slots(widest_batch(grouping.size))));
  return blocks;
}

}  // namespace

Grouping device_batches(const config::Document& document) {
  return block_batches(document, batches_or_chains(document));
}
Grouping device_relaxations(const config::Document& document) { return block_batches(document, batches(document)); }

/// With an exponential spectrum the CPU solves a point, by moments, in little more time than it takes to make it ready
/// for the device.
bool gains_from_blocks(const config::Document& document) {
  const double fewest = device_thresholds().batch_modes;
  if (std::isinf(fewest) || document.base.text("bath.spectrum") == "exponential") return false;
  constexpr std::size_t looked_at = 64;
  const auto samples = document.sweep.sample(looked_at);
  double modes = 0.0;
  for (const std::size_t i : samples) modes += static_cast<double>(modes_of(document.point(i)));
  const auto at_once = static_cast<double>(device_batches(document).at_once);
  return at_once > 1.0 && at_once * modes / static_cast<double>(samples.size()) >= fewest && found_in_blocks(document);
}

namespace {

/// Completes an entry; false if a block cannot take it.
bool complete(PointBatchEntry& entry, const Point& point) {
  entry.number = conserved_number_of(point, entry.ingredients.equation);
  // A number that rounds to none or to all
  return entry.number > 0.0 && entry.number < static_cast<double>(entry.ingredients.equation.modes());
}
bool complete(RelaxationEntry& entry, const Point& point) {
  entry.start = initial_multipliers(point, entry.ingredients.equation);
  return true;
}

/// A point of a batch; nothing if no block can take it, or it fails: it is run alone then.
/// @tparam Entry  PointBatchEntry or RelaxationEntry
template <class Entry>
std::optional<Entry> entry_of(const Point& point, const Execution& requested) {
  try {
    const Execution execution = with_algorithm(point, requested);
    return with_model(point, [&](TggeModel model) -> std::optional<Entry> {
      if (!goes_to_a_block(point, model, execution)) return std::nullopt;
      Entry entry{.ingredients = ingredients_for_a_block(std::move(model), execution),
                  .options = read<decltype(Entry::options)>(point)};
      if (!complete(entry, point)) return std::nullopt;
      return entry;
    });
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// Points of a group that go to blocks together, and their places.
template <class Entry>
struct Batch {
  std::vector<Entry> entries;
  std::vector<std::size_t> places;
};
/// What a group gives to blocks.
template <class Entry>
struct Batches {
  /// Points without a thermal bath have another spectrum, and blocks take one at a time.
  std::map<kernels::SpectrumKind, Batch<Entry>> of_spectrum;
  std::vector<bool> given_back;  ///< for every place: wanted, but no block can take it or none has found it yet
};
/// Whether the device computes the bands of a point, or would if it had the memory.
bool bands_may_be_on_device(const Point& point, const Execution& execution) {
  try {
    return bands_device_bytes_of(point, execution) > 0.0;
  } catch (const DeviceMemoryError&) {
    return true;
  }
}

/// The points are made ready side by side: on one thread that would take longer than the device takes to solve them.
/// @return empty if the monitor says so
template <class Entry>
Batches<Entry> batches_of(const Group& group, const Execution& requested, const Monitor& monitor) {
  constexpr std::size_t points_between_checks = 64;
  Batches<Entry> batches;
  batches.given_back = group.wanted;
  std::vector<std::size_t> wanted;
  for (std::size_t place = 0; place < group.wanted.size(); ++place)
    if (group.wanted[place]) wanted.push_back(place);
  if (wanted.empty()) return batches;
  Execution execution = requested;
  const bool device_bands = bands_may_be_on_device(group.point(wanted.front()), requested);
  if (!device_bands) execution.threads = 1;
  const Calculation calculation(device_bands ? 1 : threads_of(requested));
  const std::size_t at_a_time = device_bands ? 1 : points_between_checks;
  for (std::size_t first = 0; first < wanted.size(); first += at_a_time) {
    if (monitor.progress && !monitor.progress(0.0)) return {};
    const std::size_t count = std::min(at_a_time, wanted.size() - first);
    auto entries = made_side_by_side(
        count, [&](std::size_t i) { return entry_of<Entry>(group.point(wanted[first + i]), execution); });
    for (std::size_t i = 0; i < count; ++i) {
      if (!entries[i]) continue;
      Batch<Entry>& batch = batches.of_spectrum[entries[i]->ingredients.tables.spectrum];
      batch.entries.push_back(std::move(*entries[i]));
      batch.places.push_back(wanted[first + i]);
    }
  }
  return batches;
}

}  // namespace

std::optional<io::Result> run_in_block(const Point& point, const Execution& requested) {
  if (!is_device(requested.backend) || !fits_a_block(point)) return std::nullopt;
  const auto entry = entry_of<PointBatchEntry>(point, requested);
  if (!entry) return std::nullopt;
  std::optional<SteadyState> state = std::move(steady_states_in_blocks({&*entry, 1}, requested).front());
  if (!state) return std::nullopt;
  return result_of(point, entry->ingredients.equation, *state);
}

std::vector<bool> run_in_blocks(const Group& group, const Execution& requested, const Monitor& monitor,
                                const Finished& finished) {
  auto [of_spectrum, given_back] = batches_of<PointBatchEntry>(group, requested, monitor);
  for (const auto& [spectrum, batch] : of_spectrum) {
    auto states = steady_states_in_blocks(batch.entries, requested);
    for (std::size_t i = 0; i < states.size(); ++i) {
      if (!states[i]) continue;
      const std::size_t place = batch.places[i];
      finished(place, result_of(group.point(place), batch.entries[i].ingredients.equation, *states[i]));
      given_back[place] = false;
    }
  }
  return given_back;
}

std::optional<io::Result> relax_in_block(const Point& point, const Execution& requested) {
  if (!is_device(requested.backend) || !fits_a_block(point)) return std::nullopt;
  const auto entry = entry_of<RelaxationEntry>(point, requested);
  if (!entry) return std::nullopt;
  std::optional<io::Result> result;
  relax_in_blocks({&*entry, 1}, read<OutputTimes>(point).times, requested, [&](std::size_t, RelaxResult trajectory) {
    result = result_of(point, entry->ingredients.equation, trajectory);
  });
  return result;
}

std::vector<bool> relax_in_blocks(const Group& group, const Execution& requested, const Monitor& monitor,
                                  const Finished& finished) {
  auto [of_spectrum, given_back] = batches_of<RelaxationEntry>(group, requested, monitor);
  for (const auto& [spectrum, batch] : of_spectrum) {
    // Lists cannot be swept: all points have the same times.
    const auto times = read<OutputTimes>(group.point(batch.places.front())).times;
    relax_in_blocks(batch.entries, times, requested,
                    [&, &batch = batch, &left = given_back](std::size_t i, RelaxResult trajectory) {
                      const std::size_t place = batch.places[i];
                      finished(place, result_of(group.point(place), batch.entries[i].ingredients.equation, trajectory));
                      left[place] = false;
                    });
  }
  return given_back;
}

std::vector<Group> parts_of(const Group& group, const Grouping& grouping) {
  std::vector<Group> parts;
  const std::size_t end = group.first + group.wanted.size();
  for (std::size_t first = group.first, next = 0; first < end; first = next) {
    const std::size_t in_row = first % grouping.row, last_in_row = (in_row / grouping.size + 1) * grouping.size;
    next = std::min(end, first - in_row + std::min(grouping.row, last_in_row));
    const auto place = group.wanted.begin() + static_cast<std::ptrdiff_t>(first - group.first);
    parts.push_back(
        {group.document, grouping.chained, first, {place, place + static_cast<std::ptrdiff_t>(next - first)}});
  }
  return parts;
}

void run_given_back(Solve solve, const Group& group, const Execution& requested, const Monitor& monitor,
                    const Finished& finished) {
  const auto any = [](const Group& points) {
    return std::find(points.wanted.begin(), points.wanted.end(), true) != points.wanted.end();
  };
  if (!any(group)) return;
  const Grouping grouping = batches(group.document);
  if (grouping.size == 1) return;
  for (const Group& part : parts_of(group, grouping)) {
    // A single wanted point among others takes part as well: its digits must not depend on which are wanted.
    if (part.wanted.size() == 1 || !any(part)) continue;
    if (monitor.progress && !monitor.progress(0.0)) return;
    bool any_finished = false;
    const auto run = [&] {
      run_batch(solve, part, requested, monitor, [&](std::size_t place, io::Result result) {
        any_finished = true;
        finished(part.first - group.first + place, std::move(result));
      });
    };
    try {
      try {
        run();
      } catch (const DeviceMemoryError&) {
        // Others may have had the memory for a moment. Fewer wanted points would take as much of it.
        if (!any_finished) run();
      }
    } catch (const DeviceMemoryError&) {
      // One by one, its points take less.
    } catch (const DeviceError&) {
      throw;
    } catch (const Error&) {
      // Running its points one by one will show which of them failed.
    }
  }
}

namespace {

/// Value of the innermost axis at a point.
config::Complex place_on_axis(const config::Document& document, std::size_t point) {
  const config::Value value = document.sweep.at(point).back();
  const auto* complex = std::get_if<config::Complex>(&value);
  return complex != nullptr ? *complex : std::get<double>(value);
}

}  // namespace

void run_chain(const Group& group, const Execution& requested, const Monitor& monitor, const Finished& finished) {
  std::size_t end = group.wanted.size();
  while (end > 0 && !group.wanted[end - 1]) --end;
  const Calculation calculation(threads_of(requested));
  Continuation line;
  for (std::size_t place = 0; place < end; ++place) {
    if (monitor.progress && !monitor.progress(0.0)) return;
    const config::Complex where = place_on_axis(group.document, group.first + place);
    std::optional<io::Result> result;
    try {
      const Point point = group.point(place);
      const RateEquation equation = equation_of(point, with_algorithm(point, requested));
      std::vector<double> start = line.start(where);
      const bool warm = !start.empty();
      SteadyState state = steady_state_of(point, equation, std::move(start), monitor);
      if (warm && !state.converged && !state.stopped) {  // a chain must not lose points that converge on their own
        const std::int64_t wasted = state.steps;
        state = steady_state_of(point, equation, {}, monitor);
        state.steps += wasted;
      }
      if (state.stopped) return;
      line.add(where, state);
      if (group.wanted[place]) result = result_of(point, equation, state);
    } catch (const std::exception&) {
      line.forget();
    }
    if (result) finished(place, std::move(*result));
  }
}

}  // namespace lindrift
