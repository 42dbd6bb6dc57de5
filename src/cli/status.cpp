#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <sstream>

#include "cli/progress.hpp"
#include "cli/verbs.hpp"
#include "io/stored.hpp"
#include "sweep/campaign.hpp"

namespace lindrift::cli {

namespace {

/// A number in the notes of a running run; 0 if it is not there.
double number_in(const std::string& notes, const std::string& name) {
  std::istringstream lines(notes);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name + " ")) return std::atof(line.c_str() + name.size());
  return 0.0;
}

/// What is finished, and the first messages of what is not well.
struct Standing {
  sweep::Tally tally;
  std::vector<std::string> messages;
};

Standing standing_of(const config::Document& document, const std::vector<sweep::Record>& records) {
  Standing standing;
  standing.tally.total = document.sweep.points();
  for (const sweep::Record& record : records) {
    standing.tally.count(record.status);
    if (record.status == sweep::Status::failed || record.status == sweep::Status::not_converged)
      standing.messages.push_back(fmt::format("point {}: {}", record.point, record.message));
  }
  return standing;
}

void print(const Standing& standing) {
  const sweep::Tally& tally = standing.tally;
  fmt::print("points       {} of {} finished ({:.1f} %): {} done, {} failed, {} not converged\n", tally.finished(),
             tally.total, 100.0 * static_cast<double>(tally.finished()) / static_cast<double>(tally.total), tally.done,
             tally.failed, tally.not_converged);
  constexpr std::size_t most = 10;
  for (std::size_t i = 0; i < std::min(most, standing.messages.size()); ++i)
    fmt::print("             {}\n", standing.messages[i]);
  if (standing.messages.size() > most) fmt::print("             ... and {} more\n", standing.messages.size() - most);
}

}  // namespace

int status(const std::string& file) {
  const sweep::JournalFolder folder(file);
  std::error_code ignored;
  const bool there = std::filesystem::exists(file, ignored) && !folder.overwrites();
  if (!there && !folder.exists())
    throw UsageError(fmt::format("neither {} nor {} is there: no run writes this output", file, folder.path()));

  std::optional<config::Document> document;
  if (folder.exists())
    if (const auto runs = folder.runs(); !runs.empty()) document = folder.input_of(runs.back());
  std::optional<io::StoredOutput> stored;
  bool whole = false;
  if (there) {
    stored = io::read_output(file);
    const auto flag = stored->attributes.find("complete"), input = stored->attributes.find("resolved_input");
    if (flag == stored->attributes.end() || input == stored->attributes.end())
      throw UsageError(file + " is not an output of lindrift");
    whole = std::get<std::uint8_t>(flag->second) == 1;
    if (!document) document = config::parse(std::get<std::string>(input->second), file, {}, menu());
  }
  fmt::print("output       {}: {}\n", file, !there ? "not there yet" : whole ? "complete" : "incomplete");
  if (!document) {  // a run that is just about to begin
    fmt::print("run          about to begin\n");
    return success;
  }

  std::vector<sweep::Record> records(document->sweep.points());
  const auto take = [&](sweep::Record record) {
    record.data = {};
    record.summary = {};
    const auto place = static_cast<std::size_t>(record.point);
    records.at(place) = std::move(record);
  };
  if (stored) sweep::for_each_stored_record(*stored, file, *document, take);
  folder.for_each_record(*document, take, [](const std::string& text) { spdlog::warn("{}", text); });
  const Standing standing = standing_of(*document, records);

  const auto holding = sweep::holding_of(folder.path());
  const std::string notes = folder.progress();
  if (holding && holding->alive != sweep::Holding::Alive::no) {
    fmt::print("run          process {} on {}, since {}\n", holding->holder.process, holding->holder.host,
               holding->holder.since);
    const double seconds = number_in(notes, "seconds");
    const double now = number_in(notes, "done") + number_in(notes, "failed") + number_in(notes, "not_converged") -
                       number_in(notes, "before");
    const auto left = static_cast<double>(standing.tally.total - standing.tally.finished());
    if (now >= 1.0 && seconds > 0.0)
      fmt::print("speed        {:.3g} points/s, about {} left\n", now / seconds, duration_text(left * seconds / now));
  } else if (standing.tally.finished() < standing.tally.total || !whole) {
    fmt::print("run          none is at work; the command it was started with and --resume go on\n");
  }
  print(standing);
  return success;
}

}  // namespace lindrift::cli
