#include "sweep/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "engine/machine_memory.hpp"
#include "engine/short_text.hpp"
#include "engine/threads.hpp"
#include "lindrift/error.hpp"
#include "sweep/guarded_communicator.hpp"

namespace lindrift::sweep {

namespace {

using Clock = std::chrono::steady_clock;
using Lock = std::lock_guard<std::recursive_mutex>;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// A queue head beyond this mark means that the run is stopping; the rank that stops it adds the mark to the head.
constexpr std::int64_t stop_mark = std::int64_t{1} << 40;

/// How long ago a thread that computes looked whether to stop, and saved its point.
struct Watch {
  bool checkpoint_due = false;
  double fraction = 0.0;  ///< of its point that is done
  Clock::time_point last_look = Clock::now(), last_checkpoint = Clock::now();
};

/// One rank's part of a run. Points of their own run on several threads where there are enough of them; what the
/// threads share is used under a lock.
class Worker {
 public:
  Worker(const config::Document& document, const TaskEntry& task, const Execution& execution, ProcessGroup& ranks,
         const PointSet& missing, const Tally& before, const RunOptions& options)
      : document_(document),
        task_(task),
        execution_(execution),
        ranks_(ranks),
        options_(options),
        queue_(document, task, missing, ranks.size(), options.group_backend),
        counters_(ranks.make_counters()),
        before_(before) {}

  RunOutcome run() {
    report();
    warn_of_idle_ranks();
    run_single_units();
    const bool stopped = ranks_.maximum(stopping_ ? 1 : 0) != 0;
    if (!stopped && queue_.shared() > 0) run_shared_unit();
    wait_for_others();
    outcome_.stopped = ranks_.maximum(stopping_ ? 1 : 0) != 0;
    // From here on only rank 0 uses the counters, so it may destroy them.
    if (is_root()) outcome_.tally = tally();
    report();
    return std::move(outcome_);
  }

 private:
  bool is_root() const { return ranks_.rank() == 0; }

  // --- taking units ---

  void warn_of_idle_ranks() const {
    const auto ranks = static_cast<std::size_t>(ranks_.size());
    const std::size_t units = queue_.units();
    if (!is_root() || !options_.warn || units == 0 || units >= ranks || queue_.shared() > 0) return;
    const char* unit = queue_.grouping().chained ? "chain" : queue_.grouping().size > 1 ? "group" : "point";
    options_.warn(fmt::format("{} ranks for {}: {} of them idle", ranks, counted(units, unit), ranks - units));
  }

  void run_single_units() {
    if (options_.schedule == Schedule::static_even) {
      assigned_ = queue_.assigned_to(ranks_.rank(), ranks_.size());
      std::reverse(assigned_.begin(), assigned_.end());
    }
    at_once_ = points_at_once(queue_, document_, task_, execution_, ranks_);
    const int threads = threads_of(execution_);
    execution_.threads = threads / at_once_;
    std::exception_ptr failure;
    const auto work = [&] {
      try {
        Watch watch;
        while (const auto unit = next_unit()) run_unit(*unit, watch);
      } catch (...) {
        const Lock lock(mutex_);
        if (!failure) failure = std::current_exception();
        stopping_ = true;
      }
    };
    {
      std::vector<std::jthread> others;
      try {
        while (static_cast<int>(others.size()) + 1 < at_once_) others.emplace_back(work);
      } catch (const std::system_error&) {
        // With fewer threads it only takes longer.
      }
      work();
    }
    at_once_ = 1;
    execution_.threads = threads;
    if (failure) std::rethrow_exception(failure);
  }

  /// The next unit of this rank; none if it must stop or there is no more.
  std::optional<std::size_t> next_unit() {
    const Lock lock(mutex_);
    if (stop_requested() || gave_up_) return {};
    if (options_.schedule == Schedule::static_even) {
      if (run_is_stopping() || assigned_.empty()) return {};
      const std::size_t unit = assigned_.back();
      assigned_.pop_back();
      return unit;
    }
    const auto start = Clock::now();
    const std::int64_t head = counters_->add(SharedCounters::queue_head, 1);
    outcome_.queue.seconds += seconds_since(start);
    ++outcome_.queue.exchanges;
    if (head >= stop_mark) stopping_ = true;
    if (head >= static_cast<std::int64_t>(queue_.first_shared())) return {};
    return static_cast<std::size_t>(head);
  }

  void run_shared_unit() {
    const int unit = shared_unit_of(ranks_.rank(), ranks_.size(), queue_.shared());
    const auto group = ranks_.split(unit);
    GuardedCommunicator communicator(*group);
    if (group->size() > 1) communicator_ = &communicator;
    Watch watch;
    run_unit(queue_.first_shared() + static_cast<std::size_t>(unit), watch);
    outcome_.sharing = communicator.traffic();
    communicator_ = nullptr;
  }

  void run_unit(std::size_t unit, Watch& watch) {
    const std::vector<std::size_t> points = queue_.points(unit);
    if (queue_.grouping().size > 1 && task_.run_group) {
      const auto [first, size] = queue_.group(unit);
      run_group(points, first, size, watch);
    } else {
      for (const std::size_t point : points) {
        if (stopping_ || gave_up_) return;
        finish(run_point(point, watch), watch);
      }
    }
  }

  // --- stopping ---

  /// Whether this rank must stop for a reason of its own; if so, it tells the others.
  bool stop_requested() {
    const Lock lock(mutex_);
    if (!stopping_ && options_.stop_requested && options_.stop_requested()) stop();
    return stopping_;
  }
  bool run_is_stopping() {
    const Lock lock(mutex_);
    stopping_ = stopping_ || counters_->read(SharedCounters::queue_head) >= stop_mark;
    return stopping_;
  }
  void stop() {
    stopping_ = true;
    counters_->add(SharedCounters::queue_head, stop_mark);
  }

  // --- computing ---

  bool is_allowed(std::size_t point) const {
    try {
      document_.examined_point(point);
      return true;
    } catch (const Error&) {
      return false;
    }
  }

  /// Runs points of a group together. Points left without a result are run again: in smaller groups if the device had
  /// too little memory, otherwise one by one.
  void run_group(const std::vector<std::size_t>& points, std::size_t first_point, std::size_t size, Watch& watch) {
    if (stopping_) return;
    const Execution asked = current_execution();
    Execution execution = asked;
    // A sweep that was divided for a device, even by `automatic`, has groups that only a device can run.
    const bool for_device = is_device(options_.group_backend);
    if (for_device) execution.backend = options_.group_backend;
    Group group{document_, queue_.grouping().chained, first_point, std::vector<bool>(size, false)};
    bool any = false;
    for (const std::size_t point : points) any |= group.wanted[point - first_point] = is_allowed(point);
    std::vector<bool> finished(size, false);
    auto start = Clock::now();
    std::size_t next_size = 1;
    bool short_of_memory = false;
    try {
      const Monitor monitor{.stop = stop_at_once(watch), .progress = progress(watch), .checkpoint = {}, .restored = {}};
      const auto take = [&](std::size_t i, io::Result result) {
        if (result.stopped) return;
        Record record = record_of(first_point + i, std::move(result));
        record.seconds = seconds_since(start);
        start = Clock::now();
        finished.at(i) = true;
        finish(std::move(record), watch);
      };
      if (any && !(for_device && device_lost_)) task_.run_group(group, execution, monitor, take);
    } catch (const CommunicationError&) {
      throw;
    } catch (const DeviceMemoryError& failure) {
      next_size = (points.size() + 1) / 2;
      short_of_memory = true;
      warn_once(SharedCounters::memory_warnings, fmt::format("{}; trying fewer points at once", failure.what()));
    } catch (const DeviceLostError& failure) {
      next_size = points.size();
      leave_device(failure, asked.backend);
    } catch (const std::exception&) {
      // Running them one by one will show which point failed.
    }
    std::vector<std::size_t> rest;
    for (const std::size_t point : points)
      if (!finished[point - first_point]) rest.push_back(point);
    // A point that fits a device alone must not run elsewhere only because it was together with others.
    const bool alone = next_size == 1 && !(for_device && short_of_memory && points.size() > 1);
    for (auto first = rest.begin(); first != rest.end() && !stopping_ && !gave_up_;) {
      const auto last = first + std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(next_size), rest.end() - first);
      if (alone)
        finish(run_point(*first, watch), watch);
      else
        run_group({first, last}, first_point, size, watch);
      first = last;
    }
  }

  Execution current_execution() {
    const Lock lock(mutex_);
    return execution_;
  }

  /// Handles a device that this process has lost: the rank continues on the CPU if allowed, and otherwise takes no more
  /// points. --resume computes what it leaves missing.
  /// @param asked  for the work that lost it; other threads may have noticed before
  void leave_device(const DeviceLostError& failure, Backend asked) {
    const Lock lock(mutex_);
    if (asked == Backend::automatic) {
      device_lost_ = true;
      execution_.backend = Backend::cpu;
      warn_once(SharedCounters::lost_devices,
                fmt::format("{}; rank {} continues on the CPU", failure.what(), ranks_.rank()));
    } else {
      gave_up_ = true;
      warn_once(SharedCounters::lost_devices,
                fmt::format("{}; rank {} computes no more points", failure.what(), ranks_.rank()));
    }
  }

  Record record_of(std::size_t point, io::Result result) const {
    Record record;
    record.point = point;
    record.status = result.stopped ? Status::missing : result.converged ? Status::done : Status::not_converged;
    record.message = std::move(result.message);
    record.summary = std::move(result.summary);
    record.backend = std::move(result.backend);
    record.backend_reason = std::move(result.backend_reason);
    record.algorithm = std::move(result.algorithm);
    record.algorithm_reason = std::move(result.algorithm_reason);
    const auto& kept = document_.base.texts("output.fields");
    for (io::Field& field : result.fields)
      if (kept.empty() || std::find(kept.begin(), kept.end(), field.name) != kept.end())
        record.data.push_back(std::move(field.data));
    return record;
  }

  /// Runs one point, together with the ranks that share it, if any. An exception becomes the point's message.
  Record run_point(std::size_t point, Watch& watch) {
    const auto start = Clock::now();
    Record record;
    const Execution execution = current_execution();
    try {
      try {
        record = run_point_on(execution, point, watch);
      } catch (const DeviceMemoryError& failure) {
        if (execution.backend != Backend::automatic) throw;
        warn_once(SharedCounters::memory_warnings,
                  fmt::format("{}; such points are computed on the CPU", failure.what()));
        Execution on_cpu = execution;
        on_cpu.backend = Backend::cpu;
        record = run_point_on(on_cpu, point, watch);
        if (record.message.empty() && record.status != Status::missing)
          record.message = "computed on the CPU: the device has not enough free memory";
      } catch (const DeviceLostError& failure) {
        leave_device(failure, execution.backend);
        if (!gave_up_) record = run_point_on(current_execution(), point, watch);
      }
    } catch (const CommunicationError&) {
      throw;
    } catch (const Interruption&) {  // it was asked to stop and has no partial result
      stopping_ = true;
    } catch (const std::bad_alloc&) {
      record.status = Status::failed;
      record.message = "out of memory";
    } catch (const std::exception& failure) {
      record.status = Status::failed;
      record.message = failure.what();
    }
    record.point = point;
    record.seconds = seconds_since(start);
    return record;
  }

  Record run_point_on(Execution execution, std::size_t point, Watch& watch) {
    execution.communicator = communicator_;
    io::Result result;
    const auto work = [&] { result = task_.run(document_.examined_point(point), execution, monitor_of(point, watch)); };
    if (communicator_ != nullptr)
      communicator_->run_on_all(work);
    else
      work();
    Record record = record_of(point, std::move(result));
    if (device_lost_ && record.message.empty()) record.message = "computed on the CPU: the device was lost";
    if (record.status == Status::missing) {
      const Lock lock(mutex_);
      stopping_ = true;
      outcome_.unfinished = record;
    }
    return record;
  }

  Monitor monitor_of(std::size_t point, Watch& watch) {
    Monitor monitor;
    monitor.stop = stop_at_once(watch);
    monitor.progress = progress(watch);
    monitor.checkpoint = [this, point, &watch](const std::function<Bytes()>& state) {
      if (!watch.checkpoint_due) return;
      const Bytes bytes = state();
      const Lock lock(mutex_);
      if (keeps() && options_.save_checkpoint) stop_on_failure([&] { options_.save_checkpoint(point, bytes); });
      watch.last_checkpoint = Clock::now();
      watch.checkpoint_due = false;
    };
    const Lock lock(mutex_);
    if (keeps() && options_.checkpoint) monitor.restored = options_.checkpoint(point);
    if (communicator_ != nullptr) communicator_->broadcast(monitor.restored);
    watch.last_checkpoint = Clock::now();
    watch.checkpoint_due = false;
    return monitor;
  }

  /// Whether this rank or another must stop; reads the shared counters only now and then.
  bool must_stop(Watch& watch) {
    constexpr double interval = 0.2;  // seconds
    if (stop_requested()) return true;
    if (seconds_since(watch.last_look) <= interval) return false;
    watch.last_look = Clock::now();
    return run_is_stopping();
  }

  /// For calculations on this rank alone, whose state is then worth a checkpoint.
  std::function<bool()> stop_at_once(Watch& watch) {
    return [this, &watch] { return watch.checkpoint_due = must_stop(watch); };
  }

  std::function<bool(double)> progress(Watch& watch) {
    return [this, &watch](double fraction) {
      if (is_root()) {
        const Lock lock(mutex_);
        fraction_ += fraction - std::exchange(watch.fraction, fraction);
        report();
      }
      const bool stop = must_stop(watch);
      enum Wish : int { go_on, checkpoint, checkpoint_and_stop };
      int wish = stop                                                                  ? checkpoint_and_stop
                 : seconds_since(watch.last_checkpoint) >= options_.checkpoint_seconds ? checkpoint
                                                                                       : go_on;
      if (communicator_ != nullptr) wish = communicator_->maximum(wish);
      watch.checkpoint_due = wish != go_on;
      return wish != checkpoint_and_stop;
    };
  }

  // --- keeping ---

  bool keeps() const { return communicator_ == nullptr || communicator_->rank() == 0; }

  /// Stops the run if `action` fails: there is no point in computing what cannot be stored.
  void stop_on_failure(const std::function<void()>& action) {
    try {
      action();
    } catch (...) {
      if (!outcome_.failure) outcome_.failure = std::current_exception();
      stop();
    }
  }

  void finish(const Record& record, Watch& watch) {
    const Lock lock(mutex_);
    fraction_ -= std::exchange(watch.fraction, 0.0);
    if (record.status != Status::missing && keeps() && !outcome_.failure) {
      if (options_.keep) stop_on_failure([&] { options_.keep(record); });
      if (!outcome_.failure)
        counters_->add(record.status == Status::done     ? SharedCounters::done
                       : record.status == Status::failed ? SharedCounters::failed
                                                         : SharedCounters::not_converged,
                       1);
    }
    report();
  }

  /// Warns, unless some rank has already done so for the same reason.
  void warn_once(SharedCounters::Counter reason, const std::string& text) {
    const Lock lock(mutex_);
    if (options_.warn && keeps() && counters_->add(reason, 1) == 0) options_.warn(text);
  }

  Tally tally() {
    const auto read = [&](SharedCounters::Counter counter) {
      return static_cast<std::size_t>(counters_->read(counter));
    };
    Tally sum;
    sum.total = document_.sweep.points();
    sum.done = before_.done + read(SharedCounters::done);
    sum.failed = before_.failed + read(SharedCounters::failed);
    sum.not_converged = before_.not_converged + read(SharedCounters::not_converged);
    sum.before = before_.finished();
    sum.fraction_of_current = fraction_;
    return sum;
  }
  void report() {
    if (is_root() && options_.report) options_.report(tally());
  }

  /// Waits until all ranks are ready; meanwhile rank 0 shows their progress.
  void wait_for_others() {
    counters_->add(SharedCounters::ranks_ready, 1);
    auto pause = std::chrono::microseconds(50);
    constexpr auto max_pause = std::chrono::milliseconds(50);
    while (is_root() && counters_->read(SharedCounters::ranks_ready) < ranks_.size()) {
      stop_requested();
      report();
      std::this_thread::sleep_for(pause);
      pause = std::min<std::chrono::microseconds>(2 * pause, max_pause);
    }
  }

  const config::Document& document_;
  const TaskEntry& task_;
  Execution execution_;
  ProcessGroup& ranks_;
  const RunOptions& options_;
  WorkQueue queue_;
  std::unique_ptr<SharedCounters> counters_;
  Tally before_;
  RunOutcome outcome_;
  GuardedCommunicator* communicator_ = nullptr;  ///< of the ranks that share the current point; null if alone
  std::vector<std::size_t> assigned_;  ///< units that the static schedule leaves to this rank, the next one last
  int at_once_ = 1;                    ///< points that run at the same time
  std::recursive_mutex mutex_;         ///< recursive: storing a point that fails stops the run
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> device_lost_ = false;  ///< leave_device() has gone on with the CPU
  std::atomic<bool> gave_up_ = false;      ///< leave_device() has given up
  double fraction_ = 0.0;                  ///< sum of what is done of the points that run
};

}  // namespace

Footprint largest_footprint(const config::Document& document, const TaskEntry& task, const Execution& execution) {
  constexpr std::size_t looked_at = 1000;
  const auto bytes = [](const Footprint& one) { return one.growth * one.working + one.results; };
  Footprint largest = task.footprint(document.point(0), execution);
  for (const std::size_t point : document.sweep.sample(looked_at)) {
    try {
      if (Footprint one = task.footprint(document.point(point), execution); bytes(one) > bytes(largest))
        largest = std::move(one);
    } catch (const Error&) {  // the point will fail, and needs nothing
    }
  }
  return largest;
}

namespace {

/// Whether points of a sweep run on a device, as far as some of them tell.
bool needs_device(const config::Document& document, const TaskEntry& task, const Execution& execution) {
  if (execution.backend != Backend::automatic || task.cpu_only || cuda_device_count() == 0)
    return is_device(execution.backend);
  const auto samples = document.sweep.sample(task.backend ? 1000 : 8);
  return std::any_of(samples.begin(), samples.end(), [&](std::size_t i) {
    try {
      const config::Point point = document.point(i);
      return is_device(task.backend ? task.backend(point, execution) : task.plan(point, execution).backend);
    } catch (const Error&) {  // the run says so of this point
      return false;
    }
  });
}

}  // namespace

int points_at_once(const WorkQueue& queue, const config::Document& document, const TaskEntry& task,
                   const Execution& execution, const ProcessGroup& ranks) {
  /// Share of a thread's time that is of use within a point.
  constexpr double inner_efficiency = 0.8;
  constexpr std::size_t few = 4096;
  const int threads = threads_of(execution);
  const bool in_groups = queue.grouping().size > 1 && task.run_group;
  if (threads == 1 || in_groups || !ranks.serves_threads() || queue.first_shared() == 0) return 1;
  if (needs_device(document, task, execution)) return 1;
  // Points of unknown costs and different sizes: the largest may take longer than all others together.
  const auto& axes = document.sweep.axes;
  if (!task.cost && std::any_of(axes.begin(), axes.end(), [&](const auto& axis) { return document.resizes(axis); }))
    return 1;
  // Half of the memory is left to results and other programs.
  const Footprint needed = largest_footprint(document, task, execution);
  const double room = 0.5 * machine_memory() / ranks.local_size(),
               fitting = room / std::max(1.0, needed.growth * needed.working + needed.results);
  const int most = std::clamp(static_cast<int>(std::min(fitting, 1e6)), 1, threads);
  int best = 1;
  double shortest = std::numeric_limits<double>::infinity();
  for (int at_once = most; at_once >= 1; at_once = queue.first_shared() > few ? at_once / 2 : at_once - 1) {
    const double time = queue.makespan(ranks.size() * at_once) / (1.0 + inner_efficiency * (threads / at_once - 1));
    if (time < shortest) {
      shortest = time;
      best = at_once;
    }
  }
  return best;
}

RunOutcome run(const config::Document& document, const TaskEntry& task, const Execution& execution, ProcessGroup& ranks,
               const PointSet& missing, const Tally& before, const RunOptions& options) {
  Worker worker(document, task, execution, ranks, missing, before, options);
  try {
    return worker.run();
  } catch (const std::exception& failure) {
    if (ranks.size() == 1) throw;
    // The others may be waiting for this rank, and releasing what it shares with them would in turn wait for them.
    fmt::print(stderr, "error: rank {}: {}\n", ranks.rank(), failure.what());
    ranks.abort(1);
    throw;
  }
}

}  // namespace lindrift::sweep
