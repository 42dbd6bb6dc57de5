#include <fmt/format.h>
#include <omp.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <limits>
#include <optional>
#include <thread>

#include "cli/progress.hpp"
#include "cli/verbs.hpp"
#include "io/output.hpp"
#include "lindrift/lindrift.hpp"
#include "sweep/campaign.hpp"
#include "sweep/stop.hpp"
#include "sweep/sweep.hpp"

namespace lindrift::cli {

namespace {

std::string timestamp() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

std::string host_name() {
  char text[256] = {};
  gethostname(text, sizeof text - 1);
  return text;
}

/// Threads and device of this rank: the ranks of a machine share its cores and its cards.
Execution execution_of_rank(Execution execution, const sweep::ProcessGroup& communicator) {
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  if (execution.threads <= 0)
    execution.threads =
        communicator.local_size() > 1 ? std::max(1, cores / communicator.local_size()) : omp_get_max_threads();
  omp_set_num_threads(execution.threads);  // the solvers' loops over modes take OpenMP's default
  resolve_backend(execution.backend);      // refuses what cannot be had
  if (const int devices = cuda_device_count(); devices > 0 && execution.backend != Backend::cpu)
    execution.device = communicator.local_rank() % devices;
  return execution;
}

/// At most this many rows of a sweep are printed, evenly chosen; all are in the file.
constexpr std::size_t most_rows = 11;

/// Names of the scalars of a point, from one that was computed now if there is one.
std::vector<std::string> scalar_names(const std::vector<sweep::Record>& points) {
  const sweep::Record* best = nullptr;
  for (const sweep::Record& record : points)
    if (!record.summary.empty() && (best == nullptr || (best->algorithm.empty() && !record.algorithm.empty())))
      best = &record;
  std::vector<std::string> names;
  if (best != nullptr)
    for (const auto& scalar : best->summary) names.push_back(scalar.first);
  return names;
}

std::string scalar_text(const sweep::Record& record, const std::string& name) {
  if (record.status == sweep::Status::missing) return "missing";
  if (record.status == sweep::Status::failed) return "failed";
  for (const auto& [known, value] : record.summary)
    if (known == name) return std::isnan(value) ? "undefined" : fmt::format("{:.10g}", value);
  return "in the file";  // from an earlier run, and not a scalar of the output
}

void print_table(const config::Document& document, const std::vector<sweep::Record>& points) {
  const std::size_t rows = std::min(points.size(), most_rows);
  const auto names = scalar_names(points);
  std::vector<std::size_t> widths;
  for (const config::Axis& axis : document.sweep.axes) {
    const std::string heading = fmt::format("{:>14}", axis.path.substr(axis.path.find('.') + 1));
    widths.push_back(heading.size());
    fmt::print("{}  ", heading);
  }
  for (const std::string& name : names) fmt::print("{:>16}  ", name);
  fmt::print("\n");
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t p = rows > 1 ? row * (points.size() - 1) / (rows - 1) : 0;
    const auto values = document.sweep.at(p);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto* complex = std::get_if<config::Complex>(&values[i]);
      const std::string text = complex ? fmt::format("{:.4g}{:+.4g}i", complex->real(), complex->imag())
                                       : fmt::format("{:.6g}", std::get<double>(values[i]));
      fmt::print("{:>{}}  ", text, widths[i]);
    }
    for (const std::string& name : names) fmt::print("{:>16}  ", scalar_text(points[p], name));
    fmt::print("\n");
  }
  if (rows < points.size()) fmt::print("({} of {} points shown)\n", rows, points.size());
}

void print_summary(const config::Document& document, const sweep::Outcome& outcome, double seconds,
                   const std::string& output) {
  const auto& points = outcome.points;
  if (!document.sweep.empty()) {
    print_table(document, points);
  } else {
    for (const auto& [name, value] : points.front().summary) {
      if (std::isnan(value))
        fmt::print("{:<18} undefined\n", name);
      else
        fmt::print("{:<18} {:.12g}\n", name, value);
    }
  }
  const sweep::Tally& tally = outcome.tally;
  fmt::print("{} of {} point{} done", tally.done, tally.total, tally.total == 1 ? "" : "s");
  if (tally.not_converged > 0) fmt::print(", {} not converged", tally.not_converged);
  if (tally.failed > 0) fmt::print(", {} failed", tally.failed);
  fmt::print(" in {}; written to {}\n", duration_text(seconds), output);
}

void print_failures(const config::Document& document, const sweep::Outcome& outcome) {
  constexpr std::size_t most = 10;
  std::size_t shown = 0;
  for (const sweep::Record& record : outcome.points) {
    if (record.message.empty()) continue;
    const bool caution = record.status == sweep::Status::done;
    if (++shown > most) break;
    std::string where;
    if (!document.sweep.empty()) where = fmt::format("point {}: ", record.point);
    const std::string text = where + record.message;
    if (caution)
      spdlog::warn("{}", text);
    else
      spdlog::error("{}", text);
  }
  if (shown > most) spdlog::error("... more of these are in the dataset `error`");
}

/// What the ranks must know of a campaign, which rank 0 finds out.
struct Part {
  bool complete = false;
  int run = 0;
  sweep::Wanted wanted{0};
  sweep::Tally before;
};

Part agreed_part(const sweep::Campaign* campaign, std::size_t points, sweep::ProcessGroup& communicator) {
  std::vector<std::uint64_t> head(5);
  sweep::Bytes bits;
  if (campaign != nullptr) {
    const sweep::Tally& before = campaign->before();
    head = {campaign->complete() ? 1U : 0U, static_cast<std::uint64_t>(campaign->run()), before.done, before.failed,
            before.not_converged};
    bits = campaign->wanted().bytes();
  }
  sweep::Bytes bytes(head.size() * sizeof(std::uint64_t));
  std::memcpy(bytes.data(), head.data(), bytes.size());
  communicator.broadcast(bytes, 0);
  std::memcpy(head.data(), bytes.data(), bytes.size());
  communicator.broadcast(bits, 0);
  Part part{
      .complete = head[0] == 1, .run = static_cast<int>(head[1]), .wanted = {points, std::move(bits)}, .before = {}};
  part.before.done = head[2];
  part.before.failed = head[3];
  part.before.not_converged = head[4];
  return part;
}

/// Diagnostics of the parameters that hold for every point: those that differ between the ends of a sweep are NaN.
std::vector<std::pair<std::string, io::Attribute>> diagnostics(const config::Document& document) {
  const TaskEntry& task = find_task(find_model(document.model), document.task);
  if (!task.diagnostics) return {};
  auto first = task.diagnostics(document.point(0));
  for (const config::Axis& axis : document.sweep.axes) {
    if (axis.values.size() < 2) continue;
    // A key that shapes the bath shows in its second value; the point is looked at by itself, without the rest of the
    // sweep.
    config::Point point = document.point(0);
    point.set(axis.path, axis.values[1]);
    const auto other = task.diagnostics(point);
    for (std::size_t i = 0; i < first.size(); ++i)
      if (first[i].second != other[i].second) first[i].second = std::numeric_limits<double>::quiet_NaN();
  }
  return {first.begin(), first.end()};
}

/// Largest of the points' certificates; NaN if there is none.
double worst_certificate(const std::vector<sweep::Record>& points) {
  double worst = std::numeric_limits<double>::quiet_NaN();
  for (const sweep::Record& record : points)
    for (const auto& [name, value] : record.summary)
      if (name == "certificate" && !(value <= worst)) worst = value;
  return worst;
}

/// Where a run is, when it was begun, and by what.
struct Circumstances {
  std::string output, started;
  std::chrono::steady_clock::time_point start;
  int ranks = 1;
  Execution execution;

  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); }
};

/// Writes the output; gives the record that tells how its points were computed.
sweep::Record write(const config::Document& document, sweep::Outcome& outcome, const Circumstances& here,
                    bool complete) {
  // What `auto` chose is the same for every point: it depends on the kind of bath and the size only.
  const auto computed = std::find_if(outcome.points.begin(), outcome.points.end(),
                                     [](const sweep::Record& record) { return !record.algorithm.empty(); });
  sweep::Record how;
  how.algorithm = how.backend = "none";
  how.algorithm_reason = how.backend_reason = "no point was computed";
  if (computed != outcome.points.end()) how = *computed;
  io::OutputFile file;
  file.coordinates = std::move(outcome.coordinates);
  file.fields = std::move(outcome.fields);
  file.attributes = {
      {"lindrift_version", std::string(version())},
      {"git_hash", std::string(git_hash())},
      {"input", document.input_text},
      {"resolved_input", document.resolved_text},
      {"algorithm", how.algorithm},
      {"algorithm_reason", how.algorithm_reason},
      {"backend", how.backend},
      {"simd", std::string(simd_level())},
      {"ranks", std::int64_t{here.ranks}},
      {"threads", std::int64_t{here.execution.threads}},
      {"host", host_name()},
      {"device", how.backend == name(Backend::cuda) ? cuda_device_name(here.execution.device) : std::string("none")},
      {"started", here.started},
      {"elapsed_seconds", here.seconds()},
      {"complete", static_cast<std::uint8_t>(complete)}};
  if (here.execution.certify > 0) {
    file.attributes.emplace_back("certificate", worst_certificate(outcome.points));
    file.attributes.emplace_back("certificate_samples", static_cast<std::int64_t>(here.execution.certify));
  }
  for (auto& diagnostic : diagnostics(document)) file.attributes.emplace_back(std::move(diagnostic));
  io::write_output(here.output, file);
  return how;
}

int exit_code_of(const sweep::Tally& tally) { return tally.failed + tally.not_converged > 0 ? points_failed : success; }

}  // namespace

void agree(sweep::ProcessGroup& communicator, const std::function<void()>& look) {
  std::exception_ptr reason;
  try {
    look();
  } catch (...) {
    reason = std::current_exception();
  }
  const int size = communicator.size();
  const int speaker = size - communicator.maximum(reason ? size - communicator.rank() : 0);
  if (speaker < size) throw Refusal{reason, speaker != communicator.rank()};
}

void check_execution(const config::Document& document, const Execution& execution) {
  const TaskEntry& task = find_task(find_model(document.model), document.task);
  const std::string what = fmt::format("the task {} of {}", document.task, document.model);
  if (execution.certify > 0 && !task.certifies)
    throw UsageError(fmt::format("--certify: nothing of {} can be evaluated in two ways", what));
  if (execution.backend == Backend::cuda && task.cpu_only)
    throw UsageError(fmt::format("--backend cuda: {} runs on the CPU only; use cpu or auto", what));
}

int run(const RunOptions& options, sweep::ProcessGroup& communicator) {
  const bool root = communicator.rank() == 0;
  Circumstances here{.output = options.output,
                     .started = timestamp(),
                     .start = std::chrono::steady_clock::now(),
                     .ranks = communicator.size(),
                     .execution = {}};
  sweep::StopWatch watch(here.start, options.max_seconds);
  if (here.output.empty())
    here.output = std::filesystem::path(options.input).filename().replace_extension(".h5").string();
  const auto warn = [](const std::string& text) { spdlog::warn("{}", text); };
  config::Document document;
  std::optional<sweep::Campaign> campaign;
  agree(communicator, [&] {
    document = config::load(options.input, options.sets, menu());
    check_execution(document, options.execution);
    here.execution = execution_of_rank(options.execution, communicator);
    if (!root) return;
    std::error_code ignored;
    if (std::filesystem::equivalent(here.output, options.input, ignored))
      throw UsageError(here.output + " is the input; -o names another file");
    const TaskEntry& task = find_task(find_model(document.model), document.task);
    campaign.emplace(here.output, document, task, options.existing, warn);
  });
  const TaskEntry& task = find_task(find_model(document.model), document.task);
  const Part part = agreed_part(campaign ? &*campaign : nullptr, document.sweep.points(), communicator);
  if (part.complete) {
    if (!root) return success;
    campaign->end();
    fmt::print("{} is complete: nothing is left to compute\n", here.output);
    if (part.before.failed > 0)
      fmt::print("{} of its {} points failed; --retry-failed computes them again\n", part.before.failed,
                 document.sweep.points());
    return exit_code_of(part.before);
  }
  if (root) {
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    if (options.execution.threads > cores)
      spdlog::warn("{} threads on {} cores: more threads than cores slow a run down", options.execution.threads, cores);
    if (const std::string note = task.grouping ? task.grouping(document).note : ""; !note.empty())
      spdlog::info("{}", note);
    if (part.before.finished() > 0)
      spdlog::info("{} of {} points are there already", part.before.finished(), document.sweep.points());
  }

  const sweep::JournalFolder folder(here.output);
  std::optional<sweep::Keeper> keeper;
  agree(communicator, [&] {
    if (root && campaign->ahead_of_output() && !document.sweep.empty() && !std::filesystem::exists(here.output)) {
      sweep::Outcome outcome = campaign->collect();  // what a run that was killed has left, for whoever looks
      write(document, outcome, here, false);
      campaign->wrote_output();
    }
    folder.wait_for(part.run);
    keeper.emplace(folder, document, part.run, communicator.rank());
  });
  if (root) campaign->show([&watch] { watch.stop("another run, which has taken over this output"); });
  sweep::Leaving leaving;
  {
    Progress progress(root ? options.progress : "never");
    sweep::Conduct conduct;
    conduct.schedule = options.schedule;
    conduct.checkpoint_seconds = options.checkpoint_seconds;
    conduct.keep = [&](const sweep::Record& record) { keeper->keep(record); };
    conduct.save = [&](std::size_t point, const sweep::Bytes& state) { keeper->save(point, state); };
    conduct.restored = [&](std::size_t point) { return keeper->restored(point); };
    conduct.stop_wanted = [&] { return watch.wanted(); };
    conduct.warn = warn;
    if (root)
      conduct.report = [&](const sweep::Tally& tally) {
        progress.update(tally);
        campaign->update(tally);
      };
    leaving = sweep::run(document, task, here.execution, communicator, part.wanted, part.before, conduct);
  }
  if (root && communicator.size() > 1) {
    spdlog::debug("rank 0 took points {} times in {:.6f} s", leaving.claims.exchanges, leaving.claims.seconds);
    spdlog::debug("its team made {} exchanges of {} bytes in {:.6f} s", leaving.team.exchanges, leaving.team.bytes,
                  leaving.team.seconds);
  }
  agree(communicator, [&] {
    if (leaving.failure) std::rethrow_exception(leaving.failure);
    // What rank 0 is about to write itself need not go to the disk twice.
    if (!root || leaving.stopped) keeper->flush();
  });
  if (!root) return success;

  sweep::Outcome outcome = campaign->collect(std::move(leaving.unfinished));
  const bool complete = outcome.tally.finished() == outcome.tally.total;
  if (complete && document.sweep.empty() && outcome.tally.failed > 0) {
    print_failures(document, outcome);  // a file without a single number would only look like a result
    campaign->end();
    return run_failed;
  }
  if (!complete && !leaving.stopped)
    throw Error(fmt::format("{} of {} points are not in {}; --resume computes them",
                            outcome.tally.total - outcome.tally.finished(), outcome.tally.total, folder.path()));
  const sweep::Record how = write(document, outcome, here, complete);
  campaign->wrote_output();
  if (complete) campaign->end();
  spdlog::info("backend {}: {}", how.backend, how.backend_reason);
  spdlog::info("algorithm {}: {}", how.algorithm, how.algorithm_reason);
  print_failures(document, outcome);
  print_summary(document, outcome, here.seconds(), here.output);
  if (complete) return exit_code_of(outcome.tally);
  const std::string reason = watch.reason();
  fmt::print("stopped by {}; the same command with --resume goes on\n",
             reason.empty() ? "a signal to another rank" : reason);
  return stopped_early;
}

}  // namespace lindrift::cli
