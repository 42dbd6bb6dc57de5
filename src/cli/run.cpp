#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <thread>

#include "cli/diagnostics.hpp"
#include "cli/progress.hpp"
#include "cli/summary.hpp"
#include "cli/verbs.hpp"
#include "engine/device_thresholds.hpp"
#include "engine/short_text.hpp"
#include "engine/threads.hpp"
#include "io/output.hpp"
#include "io/system.hpp"
#include "lindrift/lindrift.hpp"
#include "sweep/campaign.hpp"
#include "sweep/stop.hpp"
#include "sweep/sweep.hpp"

namespace lindrift::cli {

namespace {

/// Threads and device of this rank: the ranks on a machine share its cores and devices.
Execution execution_of_rank(Execution execution, const sweep::ProcessGroup& ranks) {
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  if (execution.threads <= 0)
    execution.threads = ranks.local_size() > 1 ? std::max(1, cores / ranks.local_size()) : default_threads();
  resolve_backend(execution.backend);  // throws if the backend is not available
  if (const int devices = cuda_device_count(); devices > 0 && execution.backend != Backend::cpu) {
    execution.device = ranks.local_rank() % devices;
    execution.device_sharers = (ranks.local_size() - execution.device + devices - 1) / devices;
  }
  return execution;
}

const TaskEntry& task_of(const config::Document& document) {
  return find_task(find_model(document.model), document.task);
}

/// What rank 0 found out about the output, sent to every rank.
struct Findings {
  bool complete = false;
  int run = 0;
  sweep::PointSet missing{0};
  sweep::Tally before;
};

Findings broadcast_findings(const sweep::Campaign* campaign, std::size_t points, sweep::ProcessGroup& ranks) {
  std::array<std::uint64_t, 5> numbers{};
  sweep::Bytes bits, bytes(sizeof numbers);
  if (campaign != nullptr) {
    const sweep::Tally& before = campaign->before();
    numbers = {campaign->complete() ? 1U : 0U, static_cast<std::uint64_t>(campaign->run()), before.done, before.failed,
               before.not_converged};
    bits = campaign->missing().bytes();
  }
  std::memcpy(bytes.data(), numbers.data(), sizeof numbers);
  ranks.broadcast(bytes, 0);
  ranks.broadcast(bits, 0);
  std::memcpy(numbers.data(), bytes.data(), sizeof numbers);
  Findings findings{.complete = numbers[0] == 1,
                    .run = static_cast<int>(numbers[1]),
                    .missing = {points, std::move(bits)},
                    .before = {}};
  findings.before.done = numbers[2];
  findings.before.failed = numbers[3];
  findings.before.not_converged = numbers[4];
  return findings;
}

/// One run of the program, on one rank.
class Run {
 public:
  Run(const RunOptions& options, sweep::ProcessGroup& ranks)
      : options_(options), ranks_(ranks), is_root_(ranks.rank() == 0), watch_(start_, options.max_seconds) {
    output_ = options.output.empty() ? std::filesystem::path(options.input).filename().replace_extension(".h5").string()
                                     : options.output;
  }

  int run() {
    share_thresholds();
    agree(ranks_, [&] { prepare(); });
    share_group_backend();
    findings_ = broadcast_findings(campaign_ ? &*campaign_ : nullptr, document_.sweep.points(), ranks_);
    if (findings_.complete) return is_root_ ? report_complete() : success;
    if (is_root_) log_start();
    const sweep::JournalFolder folder(output_);
    std::optional<sweep::RecordStore> store;
    agree(ranks_, [&] {
      if (is_root_) write_what_is_left();
      folder.wait_for(findings_.run);
      store.emplace(folder, document_, findings_.run, ranks_.rank());
    });
    sweep::RunOutcome outcome = compute(*store);
    agree(ranks_, [&] {
      if (outcome.failure) std::rethrow_exception(outcome.failure);
      // What rank 0 is about to write to the output need not reach the disk twice.
      if (!is_root_ || outcome.stopped) store->flush();
    });
    if (!is_root_) return success;
    try {
      return finish(std::move(outcome));
    } catch (...) {
      throw Refusal{std::current_exception()};  // no rank waits for rank 0 any more: no reason to abort the job
    }
  }

 private:
  void prepare() {
    document_ = config::load(options_.input, options_.sets, registry());
    check_execution(document_, options_.execution);
    execution_ = execution_of_rank(options_.execution, ranks_);
    if (!is_root_) return;
    group_backend_ = group_backend(task_of(document_), document_, execution_.backend);
    std::error_code ignored;
    if (std::filesystem::equivalent(output_, options_.input, ignored))
      throw UsageError(output_ + " is the input; -o names another file");
    campaign_.emplace(output_, document_, task_of(document_), options_.existing, warn);
  }

  /// All ranks go by the thresholds of the first, whatever their environments say.
  void share_thresholds() {
    DeviceThresholds thresholds;
    agree(ranks_, [&] {
      if (is_root_) thresholds = device_thresholds();
    });
    sweep::Bytes bytes(sizeof thresholds);
    std::memcpy(bytes.data(), &thresholds, sizeof thresholds);
    ranks_.broadcast(bytes, 0);
    std::memcpy(&thresholds, bytes.data(), sizeof thresholds);
    use_device_thresholds(thresholds);
  }

  /// All ranks divide the sweep as the first one does, whatever their machines have.
  void share_group_backend() {
    sweep::Bytes bytes(1, static_cast<unsigned char>(group_backend_));
    ranks_.broadcast(bytes, 0);
    group_backend_ = static_cast<Backend>(bytes.front());
  }

  int report_complete() {
    campaign_->end();
    fmt::print("{} is complete: nothing is left to compute\n", output_);
    if (findings_.before.failed > 0)
      fmt::print("{} of its {} failed; --retry-failed computes them again\n", findings_.before.failed,
                 counted(document_.sweep.points(), "point"));
    return exit_code_of(findings_.before);
  }

  void log_start() const {
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    if (options_.execution.threads > cores)
      spdlog::warn("{} threads on {}: more threads than cores slow a run down", options_.execution.threads,
                   counted(static_cast<std::size_t>(cores), "core"));
    for (const std::string& warning : document_.warnings) spdlog::warn("{}", warning);
    const TaskEntry& task = task_of(document_);
    if (task.remarks)
      for (const std::string& remark : task.remarks(document_)) spdlog::warn("{}", remark);
    if (const std::string note = grouping_of(task, document_, group_backend_).note; !note.empty())
      spdlog::info("{}", note);
    if (findings_.before.finished() > 0)
      spdlog::info("{} of {} {} there already", findings_.before.finished(), counted(document_.sweep.points(), "point"),
                   findings_.before.finished() == 1 ? "is" : "are");
  }

  /// Writes what a killed run left behind as an incomplete output, which can be examined during this run.
  void write_what_is_left() {
    if (!campaign_->ahead_of_output() || document_.sweep.empty() || std::filesystem::exists(output_)) return;
    sweep::SweepResult result = campaign_->collect();
    write(result, false);
    campaign_->wrote_output(false);
  }

  sweep::RunOutcome compute(sweep::RecordStore& store) {
    if (is_root_) campaign_->start_heartbeat([&] { watch_.stop("another run, which has taken over this output"); });
    Progress progress(is_root_ ? options_.progress : "never");
    sweep::RunOptions options;
    options.schedule = options_.schedule;
    options.checkpoint_seconds = options_.checkpoint_seconds;
    options.group_backend = group_backend_;
    options.keep = [&](const sweep::Record& record) { store.keep(record); };
    options.save_checkpoint = [&](std::size_t point, const sweep::Bytes& state) {
      store.save_checkpoint(point, state);
    };
    options.checkpoint = [&](std::size_t point) { return store.checkpoint(point); };
    options.stop_requested = [&] { return watch_.wanted(); };
    options.warn = warn;
    if (is_root_)
      options.report = [&](const sweep::Tally& tally) {
        progress.update(tally);
        campaign_->update(tally);
      };
    sweep::RunOutcome outcome =
        sweep::run(document_, task_of(document_), execution_, ranks_, findings_.missing, findings_.before, options);
    if (is_root_ && ranks_.size() > 1) {
      spdlog::debug("rank 0 took points {} times in {:.6f} s", outcome.queue.exchanges, outcome.queue.seconds);
      spdlog::debug("sharing points took {} exchanges of {} bytes in {:.6f} s", outcome.sharing.exchanges,
                    outcome.sharing.bytes, outcome.sharing.seconds);
    }
    return outcome;
  }

  int finish(sweep::RunOutcome outcome) {
    sweep::SweepResult result = campaign_->collect(std::move(outcome.unfinished));
    const sweep::Tally& tally = result.tally;
    const bool complete = tally.finished() == tally.total;
    if (complete && document_.sweep.empty() && tally.failed > 0) {
      log_messages(document_, result);  // a file without a single number would look like a result
      campaign_->end();
      return run_failed;
    }
    if (!complete && !outcome.stopped)
      throw Error(fmt::format("{} holds {} of {}; --resume computes the others", campaign_->folder().path(),
                              tally.finished(), counted(tally.total, "point")));
    write(result, complete);
    campaign_->wrote_output(complete);
    if (const sweep::Record* how = result.how()) {
      spdlog::info("backend {}: {}", how->backend, how->backend_reason);
      spdlog::info("algorithm {}: {}", how->algorithm, how->algorithm_reason);
    }
    log_messages(document_, result);
    print_summary(document_, result, seconds(), output_);
    if (complete) return exit_code_of(tally);
    const std::string reason = watch_.reason();
    fmt::print("stopped by {}; the same command with --resume goes on\n",
               reason.empty() ? "a signal to another rank" : reason);
    return stopped_early;
  }

  /// The attributes that say how and by what the points were computed; if none was, those of the resumed output.
  std::vector<std::pair<std::string, io::Attribute>> provenance(const sweep::Record* how) const {
    const std::string none = "none";
    const bool on_device = how != nullptr && how->backend == name(Backend::cuda);
    std::vector<std::pair<std::string, io::Attribute>> attributes = {
        {"lindrift_version", std::string(version())},
        {"git_hash", std::string(git_hash())},
        {"ranks", std::int64_t{ranks_.size()}},
        {"threads", std::int64_t{execution_.threads}},
        {"host", io::host_name()},
        {"started", started_},
        {"elapsed_seconds", seconds()},
        {"algorithm", how != nullptr ? how->algorithm : none},
        {"algorithm_reason", how != nullptr ? how->algorithm_reason : none},
        {"backend", how != nullptr ? how->backend : none},
        {"simd", how != nullptr ? std::string(simd_level()) : none},
        {"device", on_device ? cuda_device_name(execution_.device) : none},
        {"device_thresholds", text_of(device_thresholds())}};
    if (how != nullptr) return attributes;
    const auto& earlier = campaign_->earlier_attributes();
    for (auto& [name, value] : attributes)
      if (const auto found = earlier.find(name); found != earlier.end()) value = found->second;
    return attributes;
  }

  /// The worst certificate of all points, and how many entries of each were evaluated again.
  std::vector<std::pair<std::string, io::Attribute>> certificate(const sweep::SweepResult& result) const {
    const auto& earlier = campaign_->earlier_attributes();
    const auto worst = earlier.find("certificate"), samples = earlier.find("certificate_samples");
    const auto* worst_before = worst != earlier.end() ? std::get_if<double>(&worst->second) : nullptr;
    const auto* samples_before = samples != earlier.end() ? std::get_if<std::int64_t>(&samples->second) : nullptr;
    const bool certified_before = worst_before != nullptr && samples_before != nullptr;
    if (execution_.certify <= 0 && !certified_before) return {};
    const bool certified_now = execution_.certify > 0 && result.how() != nullptr;
    const double none = std::numeric_limits<double>::quiet_NaN();  // fmax() ignores it
    return {{"certificate", std::fmax(result.worst_certificate, certified_before ? *worst_before : none)},
            {"certificate_samples",
             certified_now || !certified_before ? static_cast<std::int64_t>(execution_.certify) : *samples_before}};
  }

  void write(sweep::SweepResult& result, bool complete) const {
    io::OutputFile file;
    file.coordinates = std::move(result.coordinates);
    file.fields = std::move(result.fields);
    file.attributes = {{"input", document_.input_text},
                       {"resolved_input", document_.resolved_text},
                       {"complete", static_cast<std::uint8_t>(complete)}};
    for (auto& attribute : provenance(result.how())) file.attributes.push_back(std::move(attribute));
    for (auto& attribute : certificate(result)) file.attributes.push_back(std::move(attribute));
    for (auto& diagnostic : diagnostics(document_)) file.attributes.push_back(std::move(diagnostic));
    io::write_output(output_, std::move(file));
  }

  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }
  static int exit_code_of(const sweep::Tally& tally) {
    return tally.failed + tally.not_converged > 0 ? points_failed : success;
  }
  static void warn(const std::string& text) { spdlog::warn("{}", text); }

  const RunOptions& options_;
  sweep::ProcessGroup& ranks_;
  bool is_root_;
  std::string output_, started_ = io::utc_now();
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  sweep::StopRequest watch_;
  Execution execution_;
  Backend group_backend_ = Backend::automatic;
  config::Document document_;
  std::optional<sweep::Campaign> campaign_;  ///< on rank 0
  Findings findings_;
};

}  // namespace

std::vector<std::pair<std::string, io::Attribute>> diagnostics(const config::Document& document) {
  const TaskEntry& task = task_of(document);
  if (!task.diagnostics) return {};
  auto first = task.diagnostics(document.point(0));
  for (const config::Axis& axis : document.sweep.axes) {
    if (axis.values.size() < 2) continue;
    // If a key matters, its second value shows it.
    config::Point point = document.point(0);
    point.set(axis.path, axis.values[1]);
    const auto other = task.diagnostics(point);
    for (std::size_t i = 0; i < first.size(); ++i)
      if (first[i].second != other[i].second) first[i].second = std::numeric_limits<double>::quiet_NaN();
  }
  return first;
}

void agree(sweep::ProcessGroup& ranks, const std::function<void()>& check) {
  std::exception_ptr reason;
  try {
    check();
  } catch (...) {
    reason = std::current_exception();
  }
  const int size = ranks.size();
  const int speaker = size - ranks.maximum(reason ? size - ranks.rank() : 0);
  if (speaker < size) throw Refusal{reason, speaker != ranks.rank()};
}

void check_execution(const config::Document& document, const Execution& execution) {
  const TaskEntry& task = task_of(document);
  const std::string what = fmt::format("the task {} of {}", document.task, document.model);
  if (execution.certify > 0 && !task.certifies)
    throw UsageError(fmt::format("--certify: {} has no second way to evaluate its results", what));
  if (is_device(execution.backend) && task.cpu_only)
    throw UsageError(fmt::format("--backend cuda: {} runs on the CPU only; use cpu or auto", what));
  if (is_device(execution.backend) && task.require_device_work)
    for (const std::size_t point : document.sweep.sample(64)) task.require_device_work(document.point(point));
}

int run(const RunOptions& options, sweep::ProcessGroup& ranks) { return Run(options, ranks).run(); }

}  // namespace lindrift::cli
