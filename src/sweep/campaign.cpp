#include "sweep/campaign.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>

#include "io/output.hpp"
#include "sweep/resume_map.hpp"

namespace lindrift::sweep {
namespace {

namespace fs = std::filesystem;

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// Removes temporary files that killed runs left beside the output. While this run holds the lock, nobody else uses
/// them.
void remove_leftovers(const std::string& output) {
  std::error_code failure;
  const fs::path target = exists(output) ? fs::canonical(output, failure) : fs::path(output);
  const std::string prefix = "." + target.filename().string() + ".";
  for (const std::string& name : io::names_in(io::folder_of(target).string()))
    if (name.starts_with(prefix) && name.ends_with(".tmp")) fs::remove(io::folder_of(target) / name, failure);
}

/// @throws OutputRefused if there is an output, or if its journal holds points
void require_nothing(const std::string& output, const JournalFolder& folder) {
  if (exists(output))
    throw OutputRefused(output + " exists; --resume goes on with it, --overwrite replaces it, -o names another file");
  if (!folder.holds_work()) return;
  if (const auto state = lock_state(folder.path()); state && state->alive == LockState::Alive::yes)
    return;  // the lock will say more
  throw OutputRefused(
      fmt::format("{} holds points of a run that did not end; --resume goes on with it, --overwrite starts again, -o "
                  "names another file",
                  folder.path()));
}

/// The output that a run resumes.
StoredSweep read_earlier(const std::string& output) {
  try {
    return StoredSweep::read(output);
  } catch (const io::NotAResult& failure) {
    throw OutputRefused(fmt::format("{}; -o names another file, --overwrite replaces this one", failure.what()));
  }
}

}  // namespace

StoredSweep StoredSweep::read(const std::string& path) {
  StoredSweep stored{.output = io::read_output(path), .document = {}};
  const auto& attributes = stored.output.attributes;
  const auto input = attributes.find("resolved_input"), complete = attributes.find("complete");
  const auto* text = input == attributes.end() ? nullptr : std::get_if<std::string>(&input->second);
  const auto* flag = complete == attributes.end() ? nullptr : std::get_if<std::uint8_t>(&complete->second);
  if (text == nullptr || flag == nullptr) throw io::NotAResult(path + " is not an output of lindrift");
  stored.complete = *flag == 1;
  try {
    stored.document = config::parse_stored(*text, path, registry());
  } catch (const config::InputError&) {
    throw io::NotAResult(path + " comes from another version of lindrift, whose input this one cannot read");
  }
  return stored;
}

void StoredSweep::for_each_record(const config::Document& newer, const std::function<void(Record)>& take) const {
  const ResumeMap map(document, newer, document.path);
  // A single point has no status; it is present if the file is complete.
  if (!complete && newer.sweep.empty()) return;
  const TaskEntry& task = find_task(find_model(document.model), document.task);
  sweep::for_each_record(output, document, newer, task, [&](Record record) {
    record.point = map(static_cast<std::size_t>(record.point));
    take(std::move(record));
  });
}

Campaign::Campaign(std::string output, const config::Document& document, const TaskEntry& task, Existing existing,
                   Warn warn)
    : output_(std::move(output)),
      document_(document),
      task_(task),
      existing_(existing),
      warn_(std::move(warn)),
      folder_(output_),
      missing_(document.sweep.points()) {
  io::require_place(output_);
  if (existing == Existing::refuse) require_nothing(output_, folder_);
  const bool resumes = existing == Existing::resume || existing == Existing::retry_failed;
  if (resumes && exists(output_) && !folder_.exists()) {
    look_for_finished_points();
    if (complete()) return;  // needs no lock, and so no permission to write to the folder
  }
  io::check_writable(output_);
  lock_.emplace(folder_.path());
  try {
    if (existing == Existing::refuse) require_nothing(output_, folder_);  // another run may have finished meanwhile
    remove_leftovers(output_);
    if (resumes) {
      look_for_finished_points();
    } else {
      folder_.clear();
      folder_.set_overwrites(exists(output_));
    }
    const auto runs = folder_.runs();
    for (const int run : runs) {
      if (folder_.program_of(run) == JournalFolder::program_line()) continue;
      warn_("points of an earlier run were computed by another build or instruction set: bits may differ among them");
      break;
    }
    run_ = runs.empty() ? 1 : runs.back() + 1;
    if (!complete()) folder_.begin(run_, document);
  } catch (...) {
    lock_.reset();
    if (!folder_.holds_work()) folder_.clear();
    throw;
  }
}

Campaign::~Campaign() {
  heartbeat_ = {};
  if (!lock_) return;
  try {
    const bool clear = ended_ || !folder_.holds_work();
    if (clear) folder_.clear();
    lock_.reset();
    if (clear) folder_.clear();
  } catch (const Error&) {
    // The folder cannot be read now. It stays, and --resume goes on with it.
  }
}

void Campaign::look_for_finished_points() {
  const bool retry = existing_ == Existing::retry_failed;
  std::vector<Status> found(document_.sweep.points(), Status::missing);
  // What failed in a run that went to its end would only fail again, so it is repeated on request only.
  const auto note = [&](const Record& record, bool retry_failed) {
    const bool again =
        (record.status == Status::failed && retry_failed) || (record.status == Status::not_converged && retry);
    found[static_cast<std::size_t>(record.point)] = again ? Status::missing : record.status;
  };
  complete_ = ahead_ = false;
  resumes_output_ = exists(output_) && !folder_.overwrites();
  if (resumes_output_) {
    const StoredSweep stored = read_earlier(output_);
    earlier_attributes_ = stored.output.attributes;
    complete_ = stored.complete && ResumeMap(stored.document, document_, output_).identity();
    stored.for_each_record(document_, [&](const Record& record) { note(record, retry || !stored.complete); });
  }
  folder_.for_each_record(
      document_,
      [&](const Record& record) {
        ahead_ = true;
        note(record, true);
      },
      warn_);
  missing_ = PointSet(found.size());
  before_ = {};
  for (std::size_t p = 0; p < found.size(); ++p) {
    if (found[p] == Status::missing) continue;
    before_.count(found[p]);
    missing_.remove(p);
  }
}

SweepResult Campaign::collect(std::optional<Record> unfinished) const {
  ResultBuilder builder(document_, task_);
  const auto add = [&](Record record) { builder.add(std::move(record)); };
  if (resumes_output_) StoredSweep::read(output_).for_each_record(document_, add);
  folder_.for_each_record(document_, add, [](const auto&) {});
  if (unfinished && document_.sweep.empty()) builder.add(std::move(*unfinished));
  return builder.finish();
}

void Campaign::start_heartbeat(std::function<void()> lost) {
  shown_ = before_;
  shown_.total = document_.sweep.points();
  shown_.before = before_.finished();
  using Clock = std::chrono::steady_clock;
  heartbeat_ = std::jthread([this, lost = std::move(lost), start = Clock::now()](const std::stop_token& over) {
    constexpr auto interval = std::chrono::seconds(2);
    std::unique_lock guard(mutex_);
    while (!wake_.wait_for(guard, over, interval, [&] { return over.stop_requested(); })) {
      const Tally tally = shown_;
      guard.unlock();
      if (!lock_->renew()) lost();
      folder_.write_progress(tally, std::chrono::duration<double>(Clock::now() - start).count());
      guard.lock();
    }
  });
}

void Campaign::update(const Tally& tally) {
  const std::lock_guard guard(mutex_);
  shown_ = tally;
}

void Campaign::wrote_output(bool complete) {
  folder_.set_overwrites(false);
  if (complete) ended_ = true;
}

}  // namespace lindrift::sweep
