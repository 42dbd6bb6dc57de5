#include <fmt/format.h>
#include <omp.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <limits>
#include <thread>

#include "catalogue/memory.hpp"
#include "cli/progress.hpp"
#include "cli/verbs.hpp"
#include "io/output.hpp"
#include "lindrift/lindrift.hpp"
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
Execution execution_of_rank(Execution execution, const sweep::Communicator& communicator) {
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

void print_summary(const config::Document& document, const sweep::Outcome& outcome, double seconds,
                   const std::string& output) {
  const auto& points = outcome.points;
  const std::size_t rows = std::min(points.size(), most_rows);
  std::vector<std::string> names;
  for (const sweep::Record& record : points)
    if (!record.summary.empty()) {
      for (const auto& scalar : record.summary) names.push_back(scalar.first);
      break;
    }
  if (document.sweep.empty()) {
    for (const auto& [name, value] : points.front().summary) {
      if (std::isnan(value))
        fmt::print("{:<18} undefined\n", name);
      else
        fmt::print("{:<18} {:.12g}\n", name, value);
    }
  } else {
    std::vector<std::string> headings;
    for (const config::Axis& axis : document.sweep.axes) {
      const std::string name = axis.path.substr(axis.path.find('.') + 1);
      headings.push_back(fmt::format("{:>14}", name));
      fmt::print("{}  ", headings.back());
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
        fmt::print("{:>{}}  ", text, headings[i].size());
      }
      for (std::size_t i = 0; i < names.size(); ++i) {
        const auto& summary = points[p].summary;
        const bool known = i < summary.size();
        if (known && !std::isnan(summary[i].second))
          fmt::print("{:>16.10g}  ", summary[i].second);
        else
          fmt::print("{:>16}  ", known ? "undefined" : "failed");
      }
      fmt::print("\n");
    }
    if (rows < points.size()) fmt::print("({} of {} points shown)\n", rows, points.size());
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

/// Rank 0 looks at the place of the output before anything is computed.
void check_output(const std::string& output, const RunOptions& options) {
  std::error_code ignored;
  if (std::filesystem::equivalent(output, options.input, ignored))
    throw UsageError(output + " is the input; -o names another file");
  const bool exists = std::filesystem::exists(output, ignored) && !std::filesystem::is_directory(output, ignored);
  if (exists && !options.overwrite)
    throw UsageError(output + " exists; --overwrite replaces it, -o names another file");
  io::check_writable(output);
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

}  // namespace

void agree(sweep::Communicator& communicator, const std::function<void()>& look) {
  std::exception_ptr reason;
  try {
    look();
  } catch (...) {
    reason = std::current_exception();
  }
  const bool root = communicator.rank() == 0;
  if (communicator.maximum(reason ? 1 : 0) == 0) return;
  const bool root_speaks = communicator.maximum(root && reason ? 1 : 0) == 1;
  throw Refusal{reason, !reason || (root_speaks && !root)};
}

int run(const RunOptions& options, sweep::Communicator& communicator) {
  const bool root = communicator.rank() == 0;
  const std::string started = timestamp();
  const auto start = std::chrono::steady_clock::now();
  std::string output = options.output;
  if (output.empty()) output = std::filesystem::path(options.input).filename().replace_extension(".h5").string();
  config::Document document;
  Execution execution;
  agree(communicator, [&] {
    document = config::load(options.input, options.sets, menu());
    execution = execution_of_rank(options.execution, communicator);
    if (root) check_output(output, options);
  });
  if (root) {
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    if (options.execution.threads > cores)
      spdlog::warn("{} threads on {} cores: more threads than cores slow a run down", options.execution.threads, cores);
    const std::size_t points = document.sweep.points();
    if (static_cast<std::size_t>(communicator.size()) > points)
      spdlog::warn("{} ranks for {} point{}: {} of them idle", communicator.size(), points, points == 1 ? "" : "s",
                   static_cast<std::size_t>(communicator.size()) - points);
  }

  sweep::Outcome outcome;
  {
    Progress progress(root ? options.progress : "never");
    outcome = sweep::run(document, execution, communicator, [&](const sweep::Tally& tally) { progress.update(tally); });
  }
  if (!root) return success;
  if (document.sweep.empty() && outcome.tally.failed > 0) {
    print_failures(document, outcome);  // a file without a single number would only look like a result
    return run_failed;
  }

  // What `auto` chose is the same for every point: it depends on the kind of bath and the size only.
  const auto computed = std::find_if(outcome.points.begin(), outcome.points.end(),
                                     [](const sweep::Record& record) { return !record.algorithm.empty(); });
  sweep::Record how;
  how.algorithm = how.backend = "none";
  how.algorithm_reason = how.backend_reason = "no point was computed";
  if (computed != outcome.points.end()) how = *computed;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
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
      {"ranks", std::int64_t{communicator.size()}},
      {"threads", std::int64_t{execution.threads}},
      {"host", host_name()},
      {"device", how.backend == name(Backend::cuda) ? cuda_device_name(execution.device) : std::string("none")},
      {"started", started},
      {"elapsed_seconds", seconds},
      {"complete", std::uint8_t{1}}};
  for (auto& diagnostic : diagnostics(document)) file.attributes.emplace_back(std::move(diagnostic));
  io::write_output(output, file);

  spdlog::info("backend {}: {}", how.backend, how.backend_reason);
  spdlog::info("algorithm {}: {}", how.algorithm, how.algorithm_reason);
  print_failures(document, outcome);
  print_summary(document, outcome, seconds, output);
  return outcome.tally.failed + outcome.tally.not_converged > 0 ? points_failed : success;
}

}  // namespace lindrift::cli
