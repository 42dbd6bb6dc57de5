#include "tasks/times.hpp"

#include <omp.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>

#include "lindrift/error.hpp"
#include "tasks/saved_state.hpp"

namespace lindrift {

void validate_times(std::span<const double> times) {
  for (std::size_t i = 0; i < times.size(); ++i) {
    const std::string quantity = "task.times[" + std::to_string(i) + "]";
    if (!std::isfinite(times[i]) || times[i] < 0.0)
      throw ParameterError(quantity, std::to_string(times[i]) + " is not allowed: must be finite and >= 0");
    if (i > 0 && !(times[i] > times[i - 1]))
      throw ParameterError(quantity, std::to_string(times[i]) + " is not allowed: times must be strictly ascending");
  }
}

void validate_down_occupation(std::span<const double> occupation, std::size_t sites) {
  if (occupation.size() != sites)
    throw ShapeError("initial.down_occupation: " + std::to_string(occupation.size()) +
                     " entries were given; it must have one per momentum, " + std::to_string(sites));
  for (std::size_t i = 0; i < sites; ++i)
    if (!(occupation[i] >= 0.0 && occupation[i] <= 1.0))
      throw ParameterError("initial.down_occupation[" + std::to_string(i) + "]",
                           std::to_string(occupation[i]) + " is not allowed: must be in [0, 1]");
}

int threads_of(const Execution& execution) { return execution.threads > 0 ? execution.threads : omp_get_max_threads(); }

namespace {

/// What a checkpoint begins with; the rows up to `done` follow, one kind after the other.
struct Head {
  std::uint64_t mark = 0x4c44'5246'544d'5253, backend = 0, times = 0, widths = 0, done = 0;
  double last_time = 0.0;
};

Head head_of(const TimeRounds& run, std::size_t done) {
  Head head;
  head.backend = static_cast<std::uint64_t>(run.backend);
  head.times = run.times.size();
  // Which rows are kept, and how long they are.
  for (const TimeRows& rows : run.rows) head.widths = 31 * head.widths + (rows.values.empty() ? 0 : rows.width);
  head.done = done;
  head.last_time = done > 0 ? run.times[done - 1] : 0.0;
  return head;
}

std::size_t size_of(const TimeRounds& run, std::size_t done) {
  std::size_t numbers = 0;
  for (const TimeRows& rows : run.rows) numbers += rows.values.empty() ? 0 : rows.width * done;
  return sizeof(Head) + numbers * sizeof(double);
}

std::vector<unsigned char> bytes_of(const TimeRounds& run, std::size_t done) {
  StateWriter writer;
  writer.add(head_of(run, done));
  for (const TimeRows& rows : run.rows)
    if (!rows.values.empty()) writer.add(std::span<const double>(rows.values.first(rows.width * done)));
  return writer.take();
}

/// Fills in the rows that the bytes hold; the number of their times, 0 if the bytes are none of this problem.
std::size_t restore(const TimeRounds& run, std::size_t block) {
  StateReader reader(run.restored);
  Head head;
  if (!reader.read(head) || head.done == 0 || head.done >= run.times.size() || head.done % block != 0) return 0;
  const auto done = static_cast<std::size_t>(head.done);
  const Head expected = head_of(run, done);
  if (std::memcmp(&head, &expected, sizeof head) != 0 || run.restored.size() != size_of(run, done)) return 0;
  for (const TimeRows& rows : run.rows)
    if (!rows.values.empty()) reader.read(rows.values.first(rows.width * done));
  return done;
}

/// What the members wish for: rounds of as many blocks as any of them wants. Blocks are what the bits depend on.
std::size_t agree_on_blocks(Communicator& communicator, std::size_t block, std::size_t blocks) {
  std::vector<double> wishes(2 * static_cast<std::size_t>(communicator.size()));
  const auto own = 2 * static_cast<std::size_t>(communicator.rank());
  wishes[own] = static_cast<double>(block);
  wishes[own + 1] = static_cast<double>(blocks);
  communicator.all_gather(wishes, share_bounds(communicator, static_cast<std::size_t>(communicator.size()), 1, 2));
  double most = 1.0;
  for (std::size_t i = 0; i < wishes.size(); i += 2) {
    if (wishes[i] != static_cast<double>(block))
      throw UnsupportedError("processes that share a point must compute it on the same backend");
    most = std::max(most, wishes[i + 1]);
  }
  return static_cast<std::size_t>(most);
}

}  // namespace

bool TimeRounds::run(Communicator& communicator, std::size_t block, std::size_t blocks,
                     const std::function<void(std::size_t, std::size_t)>& part) const {
  const std::size_t round =
      block * agree_on_blocks(communicator, block, blocks) * static_cast<std::size_t>(communicator.size());
  const auto rank = static_cast<std::size_t>(communicator.rank());
  for (std::size_t done = restore(*this, block); done < times.size();) {
    const std::size_t count = std::min(round, times.size() - done);
    const auto bounds = share_bounds(communicator, count, block);
    part(done + bounds[rank], done + bounds[rank + 1]);
    for (const TimeRows& kind : rows)
      if (!kind.values.empty())
        communicator.all_gather(kind.values.subspan(done * kind.width, count * kind.width),
                                share_bounds(communicator, count, block, kind.width));
    done += count;
    const bool go_on = !on_time || on_time(done);
    if (done == times.size()) break;
    if (checkpoint) checkpoint([&] { return bytes_of(*this, done); });
    if (!go_on) return false;
  }
  return true;
}

}  // namespace lindrift
