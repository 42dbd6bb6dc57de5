#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <map>
#include <optional>
#include <sstream>

#include "cli/progress.hpp"
#include "cli/verbs.hpp"
#include "sweep/campaign.hpp"
#include "sweep/stored_points.hpp"

namespace lindrift::cli {

namespace {

/// A number in the progress notes of a run; 0 if it is missing.
double number_in(const std::string& notes, const std::string& name) {
  std::istringstream lines(notes);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name + " ")) return std::atof(line.c_str() + name.size());
  return 0.0;
}

void print_points(const sweep::Tally& tally, const std::map<std::uint64_t, std::string>& messages) {
  fmt::print("points       {} of {} finished ({:.1f} %): {} done, {} failed, {} not converged\n", tally.finished(),
             tally.total, 100.0 * static_cast<double>(tally.finished()) / static_cast<double>(tally.total), tally.done,
             tally.failed, tally.not_converged);
  constexpr std::size_t max_messages = 10;
  std::size_t printed = 0;
  for (auto one = messages.begin(); one != messages.end() && printed < max_messages; ++one, ++printed)
    fmt::print("             point {}: {}\n", one->first, one->second);
  if (messages.size() > max_messages) fmt::print("             ... and {} more\n", messages.size() - max_messages);
}

void print_run(const sweep::JournalFolder& folder, const sweep::Tally& tally, bool complete) {
  const auto lock = sweep::lock_state(folder.path());
  if (!lock || lock->alive == sweep::LockState::Alive::no) {
    if (!complete || tally.finished() < tally.total)
      fmt::print("run          none; the command that started it goes on with --resume\n");
    return;
  }
  fmt::print("run          process {} on {}, since {}\n", lock->holder.process, lock->holder.host, lock->holder.since);
  const std::string notes = folder.progress();
  const double seconds = number_in(notes, "seconds");
  const double now = number_in(notes, "done") + number_in(notes, "failed") + number_in(notes, "not_converged") -
                     number_in(notes, "before");
  const auto left = static_cast<double>(tally.total - tally.finished());
  if (now >= 1.0 && seconds > 0.0)
    fmt::print("speed        {:.3g} points/s, about {} left\n", now / seconds, duration_text(left * seconds / now));
}

}  // namespace

int status(const std::string& file) {
  const sweep::JournalFolder folder(file);
  std::error_code ignored;
  const bool there = std::filesystem::exists(file, ignored) && !folder.overwrites();
  if (!there && !folder.exists())
    throw UsageError(fmt::format("neither {} nor {} is there: no run writes this output", file, folder.path()));

  std::optional<sweep::StoredSweep> stored;
  std::optional<config::Document> document;
  if (there) document = (stored = sweep::StoredSweep::read(file))->document;
  if (const auto runs = folder.runs(); !runs.empty()) document = folder.input_of(runs.back());
  const bool complete = stored && stored->complete;
  fmt::print("output       {}: {}\n", file, !there ? "not there yet" : complete ? "complete" : "incomplete");
  if (!document) {
    fmt::print("run          about to begin\n");
    return success;
  }

  std::vector<sweep::Status> statuses(document->sweep.points(), sweep::Status::missing);
  std::map<std::uint64_t, std::string> messages;
  const auto take = [&](sweep::Record record) {
    statuses.at(static_cast<std::size_t>(record.point)) = record.status;
    if (record.status == sweep::Status::done)
      messages.erase(record.point);
    else
      messages[record.point] = std::move(record.message);
  };
  if (stored) sweep::for_each_status(*stored, *document, take);
  folder.for_each_record(*document, take, [](const std::string& text) { spdlog::warn("{}", text); });

  sweep::Tally tally;
  tally.total = statuses.size();
  for (const sweep::Status status : statuses) tally.count(status);
  print_run(folder, tally, complete);
  print_points(tally, messages);
  return success;
}

}  // namespace lindrift::cli
