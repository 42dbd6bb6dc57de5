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

/// Tickets from here on say that the run is being stopped: whoever stops it moves the counter far beyond the last unit.
constexpr std::int64_t stop_mark = std::int64_t{1} << 40;

/// One rank's part of a run.
class Worker {
 public:
  Worker(const config::Document& document, const TaskEntry& task, const Execution& execution,
         ProcessGroup& communicator, const Wanted& wanted, const Tally& before, const Conduct& conduct)
      : document_(document),
        task_(task),
        execution_(execution),
        communicator_(communicator),
        conduct_(conduct),
        agenda_(document, task, wanted, communicator.size()),
        board_(communicator.make_board()),
        before_(before) {}

  Leaving run() {
    report();
    tell_of_idle_ranks();
    alone();
    const bool stopped = communicator_.maximum(stopping_ ? 1 : 0) != 0;
    if (!stopped && agenda_.teams() > 0) shared();
    wait_for_the_others();
    leaving_.stopped = communicator_.maximum(stopping_ ? 1 : 0) != 0;
    // Nobody but rank 0 touches the board from here on: it may take the board down.
    if (communicator_.rank() == 0) leaving_.tally = tally();
    report();
    return std::move(leaving_);
  }

 private:
  // --- taking units ---

  void tell_of_idle_ranks() const {
    const auto ranks = static_cast<std::size_t>(communicator_.size());
    const std::size_t units = agenda_.units();
    if (communicator_.rank() != 0 || !conduct_.warn || units >= ranks || agenda_.teams() > 0) return;
    const Grouping& grouping = agenda_.grouping();
    conduct_.warn(fmt::format("{} ranks for {} {}{}: {} of them idle", ranks, units,
                              grouping.chained    ? "chain"
                              : grouping.size > 1 ? "group"
                                                  : "point",
                              units == 1 ? "" : "s", ranks - units));
  }

  void alone() {
    if (conduct_.schedule == Schedule::dynamic && board_) {
      while (!stop_asked()) {
        const auto start = Clock::now();
        const std::int64_t ticket = board_->add(Board::next, 1);
        leaving_.claims.seconds += seconds_since(start);
        ++leaving_.claims.exchanges;
        if (ticket >= stop_mark) stopping_ = true;
        if (ticket >= static_cast<std::int64_t>(agenda_.alone())) return;
        take(static_cast<std::size_t>(ticket));
      }
    } else {
      for (const std::size_t place : agenda_.dealt(communicator_.rank(), communicator_.size())) {
        if (stop_asked() || (board_ && board_->read(Board::next) >= stop_mark)) stopping_ = true;
        if (stopping_) return;
        take(place);
      }
    }
  }

  void shared() {
    const int own = team_of(communicator_.rank(), communicator_.size(), agenda_.teams());
    const auto members = communicator_.split(own);
    std::optional<GuardedCommunicator> team;
    if (members->size() > 1) team.emplace(*members);
    team_ = team ? &*team : nullptr;
    take(agenda_.alone() + static_cast<std::size_t>(own));
    if (team) leaving_.team = team->traffic();
    team_ = nullptr;
  }

  /// Whether this rank must stop for a reason of its own; tells the others.
  bool stop_asked() {
    if (!stopping_ && conduct_.stop_wanted && conduct_.stop_wanted()) stop();
    return stopping_;
  }
  void stop() {
    stopping_ = true;
    if (board_) board_->add(Board::next, stop_mark);
  }

  void take(std::size_t place) {
    std::vector<std::size_t> points = agenda_.points(place);
    if (agenda_.grouping().size > 1 && task_.run_group) {
      const auto [first, size] = agenda_.group(place);
      together(points, first, size);
      return;
    }
    for (const std::size_t point : points) {
      if (stopping_) return;
      finish(compute(point));
    }
  }

  // --- computing ---

  /// Runs points of the group of so many points from the first one on; those that it leaves without a result, in
  /// smaller groups, at last one by one.
  void together(const std::vector<std::size_t>& points, std::size_t first_point, std::size_t size) {
    if (stopping_) return;
    Group group{document_, agenda_.grouping().chained, first_point, std::vector<bool>(size, false)};
    for (const std::size_t point : points) group.wanted[point - first_point] = true;
    std::vector<bool> finished(size, false);
    auto start = Clock::now();
    bool device_memory = false;
    try {
      const Monitor monitor{.progress = progress_of(), .checkpoint = {}, .restored = {}};
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
      device_memory = true;
      say_once(fmt::format("{}; trying fewer points at once", failure.what()));
    } catch (const std::exception&) {
      // Which point it was will show when they are tried one by one.
    }
    std::vector<std::size_t> rest;
    for (const std::size_t point : points)
      if (!finished[point - first_point]) rest.push_back(point);
    if (rest.empty() || stopping_) return;
    const std::size_t half = device_memory ? (rest.size() + 1) / 2 : 1;
    for (std::size_t first = 0; first < rest.size(); first += half) {
      if (half == 1 && !stopping_) finish(compute(rest[first]));
      if (half == 1) continue;
      const auto begin = rest.begin() + static_cast<std::ptrdiff_t>(first);
      together({begin, begin + static_cast<std::ptrdiff_t>(std::min(half, rest.size() - first))}, first_point, size);
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
    const auto& wanted = document_.base.texts("output.fields");
    for (io::Field& field : result.fields)
      if (wanted.empty() || std::find(wanted.begin(), wanted.end(), field.name) != wanted.end())
        record.data.push_back(std::move(field.data));
    return record;
  }

  /// Runs one point, on all members of the team if there is one; whatever it throws becomes its message.
  Record compute(std::size_t point) {
    Record record;
    record.point = point;
    const auto start = Clock::now();
    const auto run_on = [&](Execution execution) {
      execution.communicator = team_;
      io::Result result;
      const auto work = [&] { result = task_.run(document_.point(point), execution, monitor_of(point)); };
      if (team_ != nullptr)
        team_->together(work);
      else
        work();
      if (result.stopped) {
        stopping_ = true;
        leaving_.unfinished = result;
      }
      record = record_of(point, std::move(result));
    };
    try {
      try {
        run_on(execution_);
      } catch (const DeviceMemoryError& failure) {
        if (execution_.backend != Backend::automatic) throw;
        say_once(fmt::format("{}; such points are computed on the CPU", failure.what()));
        Execution on_cpu = execution_;
        on_cpu.backend = Backend::cpu;
        run_on(on_cpu);
        if (record.message.empty() && record.status != Status::missing)
          record.message = "computed on the CPU: the device has not enough free memory";
      }
    } catch (const CommunicationError&) {
      throw;
    } catch (const Interruption&) {  // it was asked to stop, and has nothing to show
      stopping_ = true;
    } catch (const std::bad_alloc&) {
      record.status = Status::failed;
      record.message = "out of memory";
    } catch (const std::exception& failure) {
      record.status = Status::failed;
      record.message = failure.what();
    }
    record.seconds = seconds_since(start);
    return record;
  }

  Monitor monitor_of(std::size_t point) {
    Monitor monitor;
    monitor.progress = progress_of();
    monitor.checkpoint = [this, point](const std::function<Bytes()>& state) {
      if (!save_due_) return;
      const Bytes bytes = state();
      if (keeps() && conduct_.save) guarded([&] { conduct_.save(point, bytes); });
      saved_ = Clock::now();
      save_due_ = false;
    };
    if (keeps() && conduct_.restored) monitor.restored = conduct_.restored(point);
    if (team_ != nullptr) team_->share(monitor.restored);
    saved_ = Clock::now();
    save_due_ = false;
    return monitor;
  }

  std::function<bool(double)> progress_of() {
    return [this](double fraction) {
      if (communicator_.rank() == 0) {
        fraction_ = fraction;
        report();
      }
      constexpr double glance = 0.2;  // seconds between looks at the board: others may have stopped the run
      bool stop = stop_asked();
      if (!stop && board_ && seconds_since(looked_) > glance) {
        looked_ = Clock::now();
        stop = stopping_ = board_->read(Board::next) >= stop_mark;
      }
      int wish = stop ? 2 : seconds_since(saved_) >= conduct_.checkpoint_seconds ? 1 : 0;
      if (team_ != nullptr) wish = team_->maximum(wish);
      save_due_ = wish > 0;
      return wish < 2;
    };
  }

  // --- what is done with it ---

  bool keeps() const { return team_ == nullptr || team_->rank() == 0; }

  /// A point that cannot be kept ends the run: there is no use in computing more.
  void guarded(const std::function<void()>& action) {
    try {
      action();
    } catch (...) {
      if (!leaving_.failure) leaving_.failure = std::current_exception();
      stop();
    }
  }

  void finish(Record record) {
    fraction_ = 0.0;
    if (record.status != Status::missing && keeps() && !leaving_.failure) {
      if (conduct_.keep) guarded([&] { conduct_.keep(record); });
      if (!leaving_.failure) {
        own_.count(record.status);
        if (board_) {
          board_->add(record.status == Status::done     ? Board::done
                      : record.status == Status::failed ? Board::failed
                                                        : Board::not_converged,
                      1);
        }
      }
    }
    report();
  }

  void say_once(const std::string& text) {
    if (conduct_.warn && keeps() && (board_ ? board_->add(Board::told, 1) == 0 : !std::exchange(told_, true)))
      conduct_.warn(text);
  }

  Tally tally() {
    Tally sum = board_ ? Tally{} : own_;
    if (board_) {
      sum.done = static_cast<std::size_t>(board_->read(Board::done));
      sum.failed = static_cast<std::size_t>(board_->read(Board::failed));
      sum.not_converged = static_cast<std::size_t>(board_->read(Board::not_converged));
    }
    sum.done += before_.done;
    sum.failed += before_.failed;
    sum.not_converged += before_.not_converged;
    sum.before = before_.finished();
    sum.total = document_.sweep.points();
    sum.fraction_of_current = fraction_;
    return sum;
  }
  void report() {
    if (communicator_.rank() == 0 && conduct_.report) conduct_.report(tally());
  }

  /// Rank 0 goes on showing how far the others are.
  void wait_for_the_others() {
    if (!board_) return;
    board_->add(Board::left, 1);
    auto pause = std::chrono::microseconds(50);
    constexpr auto longest_pause = std::chrono::milliseconds(50);
    while (communicator_.rank() == 0 && board_->read(Board::left) < communicator_.size()) {
      stop_asked();
      report();
      std::this_thread::sleep_for(pause);
      pause = std::min<std::chrono::microseconds>(2 * pause, longest_pause);
    }
  }

  const config::Document& document_;
  const TaskEntry& task_;
  const Execution& execution_;
  ProcessGroup& communicator_;
  const Conduct& conduct_;
  Agenda agenda_;
  std::unique_ptr<Board> board_;
  Tally before_, own_;
  Leaving leaving_;
  GuardedCommunicator* team_ = nullptr;
  bool stopping_ = false, save_due_ = false, told_ = false;
  double fraction_ = 0.0;
  Clock::time_point looked_ = Clock::now(), saved_ = Clock::now();
};

}  // namespace

Leaving run(const config::Document& document, const TaskEntry& task, const Execution& execution,
            ProcessGroup& communicator, const Wanted& wanted, const Tally& before, const Conduct& conduct) {
  Worker worker(document, task, execution, communicator, wanted, before, conduct);
  try {
    return worker.run();
  } catch (const std::exception& failure) {
    if (communicator.size() == 1) throw;
    // The others may be waiting for this rank, and letting go of what it shares with them would wait for them.
    fmt::print(stderr, "error: rank {}: {}\n", communicator.rank(), failure.what());
    communicator.abort(1);
    throw;
  }
}

}  // namespace lindrift::sweep
