#include "sweep/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "lindrift/error.hpp"
#include "sweep/guarded_communicator.hpp"

namespace lindrift::sweep {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// A queue head beyond this mark means that the run is stopping; the rank that stops it adds the mark to the head.
constexpr std::int64_t stop_mark = std::int64_t{1} << 40;

/// One rank's part of a run.
class Worker {
 public:
  Worker(const config::Document& document, const TaskEntry& task, const Execution& execution, ProcessGroup& ranks,
         const PointSet& missing, const Tally& before, const RunOptions& options)
      : document_(document),
        task_(task),
        execution_(execution),
        ranks_(ranks),
        options_(options),
        queue_(document, task, missing, ranks.size(), execution.backend),
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
    if (!is_root() || !options_.warn || units >= ranks || queue_.shared() > 0) return;
    const char* unit = queue_.grouping().chained ? "chain" : queue_.grouping().size > 1 ? "group" : "point";
    options_.warn(
        fmt::format("{} ranks for {} {}{}: {} of them idle", ranks, units, unit, units == 1 ? "" : "s", ranks - units));
  }

  void run_single_units() {
    if (options_.schedule == Schedule::static_even) {
      for (const std::size_t unit : queue_.assigned_to(ranks_.rank(), ranks_.size())) {
        if (stop_requested() || run_is_stopping() || gave_up_) return;
        run_unit(unit);
      }
      return;
    }
    while (!stop_requested() && !gave_up_) {
      const auto start = Clock::now();
      const std::int64_t head = counters_->add(SharedCounters::queue_head, 1);
      outcome_.queue.seconds += seconds_since(start);
      ++outcome_.queue.exchanges;
      if (head >= stop_mark) stopping_ = true;
      if (head >= static_cast<std::int64_t>(queue_.first_shared())) return;
      run_unit(static_cast<std::size_t>(head));
    }
  }

  void run_shared_unit() {
    const int unit = shared_unit_of(ranks_.rank(), ranks_.size(), queue_.shared());
    const auto group = ranks_.split(unit);
    GuardedCommunicator communicator(*group);
    if (group->size() > 1) communicator_ = &communicator;
    run_unit(queue_.first_shared() + static_cast<std::size_t>(unit));
    outcome_.sharing = communicator.traffic();
    communicator_ = nullptr;
  }

  void run_unit(std::size_t unit) {
    const std::vector<std::size_t> points = queue_.points(unit);
    if (queue_.grouping().size > 1 && task_.run_group) {
      const auto [first, size] = queue_.group(unit);
      run_group(points, first, size);
    } else {
      for (const std::size_t point : points) {
        if (stopping_ || gave_up_) return;
        finish(run_point(point));
      }
    }
  }

  // --- stopping ---

  /// Whether this rank must stop for a reason of its own; if so, it tells the others.
  bool stop_requested() {
    if (!stopping_ && options_.stop_requested && options_.stop_requested()) stop();
    return stopping_;
  }
  bool run_is_stopping() {
    stopping_ = stopping_ || counters_->read(SharedCounters::queue_head) >= stop_mark;
    return stopping_;
  }
  void stop() {
    stopping_ = true;
    counters_->add(SharedCounters::queue_head, stop_mark);
  }

  // --- computing ---

  /// Runs points of a group together. Points left without a result are run again: in smaller groups if the device had
  /// too little memory, otherwise one by one.
  void run_group(const std::vector<std::size_t>& points, std::size_t first_point, std::size_t size) {
    if (stopping_) return;
    Group group{document_, queue_.grouping().chained, first_point, std::vector<bool>(size, false)};
    for (const std::size_t point : points) group.wanted[point - first_point] = true;
    std::vector<bool> finished(size, false);
    auto start = Clock::now();
    std::size_t next_size = 1;
    try {
      const Monitor monitor{.stop = stop_at_once(), .progress = progress(), .checkpoint = {}, .restored = {}};
      task_.run_group(group, execution_, monitor, [&](std::size_t i, io::Result result) {
        if (result.stopped) return;
        Record record = record_of(first_point + i, std::move(result));
        record.seconds = seconds_since(start);
        start = Clock::now();
        finished.at(i) = true;
        finish(std::move(record));
      });
    } catch (const CommunicationError&) {
      throw;
    } catch (const DeviceMemoryError& failure) {
      next_size = (points.size() + 1) / 2;
      warn_once(SharedCounters::memory_warnings, fmt::format("{}; trying fewer points at once", failure.what()));
    } catch (const DeviceLostError& failure) {
      next_size = points.size();
      leave_device(failure);
    } catch (const std::exception&) {
      // Running them one by one will show which point failed.
    }
    std::vector<std::size_t> rest;
    for (const std::size_t point : points)
      if (!finished[point - first_point]) rest.push_back(point);
    for (auto first = rest.begin(); first != rest.end() && !stopping_ && !gave_up_;) {
      const auto last = first + std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(next_size), rest.end() - first);
      if (next_size == 1)
        finish(run_point(*first));
      else
        run_group({first, last}, first_point, size);
      first = last;
    }
  }

  /// Handles a device that this process has lost: the rank continues on the CPU if allowed, and otherwise takes no more
  /// points. --resume computes what it leaves missing.
  void leave_device(const DeviceLostError& failure) {
    if (execution_.backend == Backend::automatic && !device_lost_) {
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
  Record run_point(std::size_t point) {
    const auto start = Clock::now();
    Record record;
    try {
      try {
        record = run_point_on(execution_, point);
      } catch (const DeviceMemoryError& failure) {
        if (execution_.backend != Backend::automatic) throw;
        warn_once(SharedCounters::memory_warnings,
                  fmt::format("{}; such points are computed on the CPU", failure.what()));
        Execution on_cpu = execution_;
        on_cpu.backend = Backend::cpu;
        record = run_point_on(on_cpu, point);
        if (record.message.empty() && record.status != Status::missing)
          record.message = "computed on the CPU: the device has not enough free memory";
      } catch (const DeviceLostError& failure) {
        leave_device(failure);
        if (!gave_up_) record = run_point_on(execution_, point);
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

  Record run_point_on(Execution execution, std::size_t point) {
    execution.communicator = communicator_;
    io::Result result;
    const auto work = [&] { result = task_.run(document_.point(point), execution, monitor_of(point)); };
    if (communicator_ != nullptr)
      communicator_->run_on_all(work);
    else
      work();
    Record record = record_of(point, std::move(result));
    if (device_lost_ && record.message.empty()) record.message = "computed on the CPU: the device was lost";
    if (record.status == Status::missing) {
      stopping_ = true;
      outcome_.unfinished = record;
    }
    return record;
  }

  Monitor monitor_of(std::size_t point) {
    Monitor monitor;
    monitor.stop = stop_at_once();
    monitor.progress = progress();
    monitor.checkpoint = [this, point](const std::function<Bytes()>& state) {
      if (!checkpoint_due_) return;
      const Bytes bytes = state();
      if (keeps() && options_.save_checkpoint) stop_on_failure([&] { options_.save_checkpoint(point, bytes); });
      last_checkpoint_ = Clock::now();
      checkpoint_due_ = false;
    };
    if (keeps() && options_.checkpoint) monitor.restored = options_.checkpoint(point);
    if (communicator_ != nullptr) communicator_->broadcast(monitor.restored);
    last_checkpoint_ = Clock::now();
    checkpoint_due_ = false;
    return monitor;
  }

  /// Whether this rank or another must stop; reads the shared counters only now and then.
  bool must_stop() {
    constexpr double interval = 0.2;  // seconds
    if (stop_requested()) return true;
    if (seconds_since(last_look_) <= interval) return false;
    last_look_ = Clock::now();
    return run_is_stopping();
  }

  /// For calculations on this rank alone, whose state is then worth a checkpoint.
  std::function<bool()> stop_at_once() {
    return [this] { return checkpoint_due_ = must_stop(); };
  }

  std::function<bool(double)> progress() {
    return [this](double fraction) {
      if (is_root()) {
        fraction_ = fraction;
        report();
      }
      const bool stop = must_stop();
      enum Wish : int { go_on, checkpoint, checkpoint_and_stop };
      int wish = stop                                                             ? checkpoint_and_stop
                 : seconds_since(last_checkpoint_) >= options_.checkpoint_seconds ? checkpoint
                                                                                  : go_on;
      if (communicator_ != nullptr) wish = communicator_->maximum(wish);
      checkpoint_due_ = wish != go_on;
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

  void finish(const Record& record) {
    fraction_ = 0.0;
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
  bool stopping_ = false, checkpoint_due_ = false;
  bool device_lost_ = false, gave_up_ = false;  ///< what leave_device() decided
  double fraction_ = 0.0;
  Clock::time_point last_look_ = Clock::now(), last_checkpoint_ = Clock::now();
};

}  // namespace

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
