#include "sweep/campaign.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <set>

#include "io/output.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/version.hpp"
#include "sweep/match.hpp"

namespace lindrift::sweep {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr auto pulse_interval = std::chrono::seconds(2);
constexpr auto gather = std::chrono::milliseconds(20);

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(folder, failure)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string input_path(const std::string& folder, int run) { return fmt::format("{}/input.{}.toml", folder, run); }

std::string maker() { return fmt::format("# lindrift {} ({}), {}", version(), git_hash(), simd_level()); }

/// A mapping that a user asked for in vain is a fault of the command line.
PointMap map_points(const config::Document& older, const config::Document& newer, const std::string& what) {
  try {
    return {older, newer, what};
  } catch (const Error& failure) {
    throw OutputRefused(failure.what());
  }
}

std::span<const unsigned char> bytes_of(const std::string& text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

/// Puts a new text in the place of an old one. It may take its time to the disk.
/// @return 0, or errno
int replace(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".tmp";
  const io::Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode_t{0666}));
  if (!file) return errno;
  const ssize_t written = io::uninterrupted([&] { return ::write(file.get(), text.data(), text.size()); });
  int refusal = written < 0 ? errno : written < static_cast<ssize_t>(text.size()) ? ENOSPC : 0;
  if (refusal == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) refusal = errno;
  if (refusal != 0) ::unlink(temporary.c_str());
  return refusal;
}

/// Temporary files beside the output that killed runs left: with the claim in hand, nobody else's.
void remove_leftovers(const std::string& output) {
  std::error_code failure;
  const fs::path target = exists(output) ? fs::canonical(output, failure) : fs::path(output);
  const std::string prefix = "." + target.filename().string() + ".";
  for (const std::string& name : names_in(io::folder_of(target).string()))
    if (name.starts_with(prefix) && name.ends_with(".tmp")) fs::remove(io::folder_of(target) / name, failure);
}

/// An output of an earlier run, with the input it was made from.
struct Stored {
  const io::StoredOutput& output;
  config::Document document;
  bool whole = false;
};

Stored look_at(const io::StoredOutput& output, const std::string& path) {
  const auto& attributes = output.attributes;
  const auto input = attributes.find("resolved_input"), complete = attributes.find("complete");
  const auto* text = input == attributes.end() ? nullptr : std::get_if<std::string>(&input->second);
  const auto* flag = complete == attributes.end() ? nullptr : std::get_if<std::uint8_t>(&complete->second);
  if (text == nullptr || flag == nullptr)
    throw OutputRefused(path + " is not an output of lindrift; -o names another file");
  try {
    return {output, config::parse(*text, path, {}, menu()), *flag == 1};
  } catch (const config::InputError&) {
    throw OutputRefused(path + " comes from another version of lindrift, whose input this one does not read");
  }
}

void for_each_record_of(const Stored& stored, const std::string& path, const config::Document& document,
                        const std::function<void(Record)>& take) {
  const PointMap map = map_points(stored.document, document, path);
  // A single point has no status; it is there if the file is whole.
  if (!stored.whole && document.sweep.empty()) return;
  const TaskEntry& task = find_task(find_model(document.model), document.task);
  for_each_record(stored.output, stored.document, task, [&](Record record) {
    record.point = map(static_cast<std::size_t>(record.point));
    take(std::move(record));
  });
}

}  // namespace

void for_each_stored_record(const io::StoredOutput& output, const std::string& path, const config::Document& document,
                            const std::function<void(Record)>& take) {
  for_each_record_of(look_at(output, path), path, document, take);
}

// --- the folder ------------------------------------------------------------------------------------------------------

bool JournalFolder::exists() const { return sweep::exists(path_); }

bool JournalFolder::holds_work() const {
  const auto names = names_in(path_);
  return std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return name.ends_with(".records") || name.ends_with(".checkpoint");
  });
}

std::vector<int> JournalFolder::runs() const {
  std::set<int> numbers;
  for (const std::string& name : names_in(path_)) {
    if (name.starts_with("input.") && name.ends_with(".toml")) numbers.insert(std::atoi(name.c_str() + 6));
    if (name.ends_with(".records")) numbers.insert(std::atoi(name.c_str()));
  }
  return {numbers.begin(), numbers.end()};
}

config::Document JournalFolder::input_of(int run) const {
  const std::string path = input_path(path_, run);
  std::string text;
  if (!io::read_whole(path, text)) throw Error(path + ": no such file");
  text.erase(0, std::min(text.find('\n'), text.size() - 1) + 1);
  return config::parse(text, path, {}, menu());
}

std::string JournalFolder::maker_of(int run) const {
  std::string text;
  io::read_whole(input_path(path_, run), text);
  return text.substr(0, text.find('\n'));
}

void JournalFolder::mark_overwriting() const {
  const std::string path = path_ + "/overwrites";
  if (const int refusal = replace(path, ""); refusal != 0) io::fail_to_write(path, refusal);
}

void JournalFolder::unmark_overwriting() const { static_cast<void>(::unlink((path_ + "/overwrites").c_str())); }

bool JournalFolder::overwrites() const { return sweep::exists(path_ + "/overwrites"); }

void JournalFolder::for_each_record(const config::Document& document, const std::function<void(Record)>& take,
                                    const Warn& warn) const {
  const auto names = names_in(path_);
  for (const int run : runs()) {
    std::vector<std::string> files;
    for (const std::string& name : names)
      if (name.ends_with(".records") && std::atoi(name.c_str()) == run) files.push_back(path_ + "/" + name);
    if (files.empty()) continue;
    std::optional<config::Document> other;
    try {
      other = input_of(run);
    } catch (const std::exception& failure) {
      warn(fmt::format("the points of {} cannot be used, for their input is lost: {}", files.front(), failure.what()));
      continue;
    }
    const PointMap map = map_points(*other, document, path_);
    const std::uint64_t input = hash_of(other->resolved_text);
    for (const std::string& file : files) {
      const JournalReading reading = read_journal(file, input, [&](std::uint64_t point, const Bytes& data) {
        Record record = decode(data);
        if (record.point != point || point >= other->sweep.points())
          throw Error(file + ": a record of another point than it says");
        record.point = map(static_cast<std::size_t>(point));
        take(std::move(record));
      });
      if (!reading.readable)
        warn(fmt::format("{} is not a journal of this input and version: its points are computed again", file));
      if (reading.damaged_bytes > 0)
        warn(fmt::format("{}: {} bytes are damaged; the points that stood there are computed again", file,
                         reading.damaged_bytes));
    }
  }
}

void JournalFolder::begin(int run, const config::Document& document) const {
  const std::string path = input_path(path_, run);
  const int refusal = replace(path, maker() + "\n" + document.resolved_text);
  if (refusal != 0) io::fail_to_write(path, refusal);
}

void JournalFolder::synchronise(int run) const {
  const std::string path = input_path(path_, run);
  const io::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file) static_cast<void>(::fsync(file.get()));
  io::synchronise_folder(path, path_);
  io::synchronise_folder(path, io::folder_of(path_));
}

std::string JournalFolder::records_path(int run, int rank) const {
  return fmt::format("{}/{:05}.{:05}.records", path_, run, rank);
}

std::string JournalFolder::checkpoint_path(const config::Point& point) const {
  return fmt::format("{}/{:016x}.checkpoint", path_, hash_of(point));
}

void JournalFolder::wait_for(int run) const {
  const std::string path = input_path(path_, run);
  const auto start = Clock::now();
  while (!io::Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC))) {
    if (Clock::now() - start > std::chrono::seconds(10))
      throw Error(fmt::format("{} cannot be seen from {}; the output must be in a folder that all machines share",
                              path_, Holder::self().host));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

void JournalFolder::write_progress(const Tally& tally, double seconds) const {
  const std::string text =
      fmt::format("total {}\ndone {}\nfailed {}\nnot_converged {}\nbefore {}\nseconds {:.3f}\n", tally.total,
                  tally.done, tally.failed, tally.not_converged, tally.before, seconds);
  static_cast<void>(replace(path_ + "/progress", text));  // only for people to look at: not worth an error
}

std::string JournalFolder::progress() const {
  std::string text;
  io::read_whole(path_ + "/progress", text);
  return text;
}

void JournalFolder::clear() const {
  std::error_code ignored;
  for (const std::string& name : names_in(path_))
    if (!name.starts_with("claim.")) fs::remove(path_ + "/" + name, ignored);
  ::rmdir(path_.c_str());  // fails while there is a claim
}

// --- the rank's part -------------------------------------------------------------------------------------------------

Keeper::Keeper(const JournalFolder& folder, const config::Document& document, int run, int rank)
    : folder_(folder), document_(document), journal_(folder.records_path(run, rank), hash_of(document.resolved_text)) {
  for (const std::string& name : names_in(folder.path()))
    if (name.ends_with(".checkpoint")) checkpoints_.insert(folder.path() + "/" + name);
}

void Keeper::keep(const Record& record) {
  journal_.append(record.point, encode(record), record.seconds);
  if (checkpoints_.empty()) return;
  const std::string path = folder_.checkpoint_path(document_.point(static_cast<std::size_t>(record.point)));
  if (checkpoints_.erase(path) > 0) static_cast<void>(::unlink(path.c_str()));
}

void Keeper::save(std::size_t point, const Bytes& state) {
  Bytes bytes(sizeof(std::uint64_t));
  const std::uint64_t hash = hash_of(std::span(state));
  std::memcpy(bytes.data(), &hash, sizeof hash);
  bytes.insert(bytes.end(), state.begin(), state.end());
  const std::string path = folder_.checkpoint_path(document_.point(point));
  io::write_atomically(path, bytes);
  checkpoints_.insert(path);
}

Bytes Keeper::restored(std::size_t point) const {
  if (checkpoints_.empty()) return {};
  const std::string path = folder_.checkpoint_path(document_.point(point));
  if (checkpoints_.count(path) == 0) return {};
  std::string text;
  std::uint64_t hash = 0;
  try {
    if (!io::read_whole(path, text) || text.size() < sizeof hash) return {};
  } catch (const Error&) {
    return {};  // the point starts again
  }
  std::memcpy(&hash, text.data(), sizeof hash);
  const auto state = bytes_of(text).subspan(sizeof hash);
  if (hash_of(state) != hash) return {};
  return {state.begin(), state.end()};
}

// --- rank 0 ----------------------------------------------------------------------------------------------------------

void check_existing(const std::string& output, Existing existing) {
  if (existing != Existing::refuse) return;
  std::error_code ignored;
  if (exists(output) && !fs::is_directory(output, ignored))
    throw OutputRefused(output + " exists; --resume goes on with it, --overwrite replaces it, -o names another file");
  const JournalFolder folder(output);
  if (!folder.holds_work()) return;
  if (const auto holding = holding_of(folder.path()); holding && holding->alive == Holding::Alive::yes)
    return;  // the claim says more
  throw OutputRefused(fmt::format(
      "{} holds points of a run that did not end; --resume goes on with it, --overwrite starts again, -o names another "
      "file",
      folder.path()));
}

Campaign::Campaign(const std::string& output, const config::Document& document, const TaskEntry& task,
                   Existing existing, JournalFolder::Warn warn)
    : output_(output),
      document_(document),
      task_(task),
      warn_(std::move(warn)),
      folder_(output),
      wanted_(document.sweep.points()) {
  check_existing(output, existing);
  const bool goes_on = existing == Existing::resume || existing == Existing::retry_failed;
  std::vector<Status> found(document.sweep.points(), Status::missing);
  const auto look = [&] {
    std::fill(found.begin(), found.end(), Status::missing);
    complete_ = ahead_ = false;
    takes_output_ = exists(output_) && !folder_.overwrites();
    if (takes_output_) {
      const io::StoredOutput output_there = io::read_output(output_);
      const Stored stored = look_at(output_there, output_);
      complete_ = stored.whole && map_points(stored.document, document_, output_).identity();
      for_each_record_of(stored, output_, document_, [&](const Record& record) {
        // What failed in a run that went to its end would only fail again, unless that is asked for.
        const bool again = (record.status == Status::failed && (!stored.whole || existing == Existing::retry_failed)) ||
                           (record.status == Status::not_converged && existing == Existing::retry_failed);
        if (!again) found[static_cast<std::size_t>(record.point)] = record.status;
      });
    }
    folder_.for_each_record(
        document_,
        [&](const Record& record) {
          ahead_ = true;
          const bool again = record.status == Status::failed ||
                             (record.status == Status::not_converged && existing == Existing::retry_failed);
          found[static_cast<std::size_t>(record.point)] = again ? Status::missing : record.status;
        },
        warn_);
  };
  const auto count = [&] {
    wanted_ = Wanted(document_.sweep.points());
    before_ = {};
    for (std::size_t p = 0; p < found.size(); ++p) {
      if (found[p] == Status::missing) continue;
      before_.count(found[p]);
      wanted_.remove(p);
    }
  };
  if (goes_on && exists(output_) && !folder_.exists()) {
    // A finished output is looked at without a claim, for which its folder need not be writable.
    look();
    count();
    if (complete()) return;
  }
  io::check_writable(output);
  claim_.emplace(folder_.path());
  try {
    check_existing(output, existing);  // a run that was faster may have finished meanwhile
    remove_leftovers(output);
    if (goes_on) {
      look();
      count();
      for (const int run : folder_.runs())
        if (folder_.maker_of(run) != maker()) {
          warn_(
              "points of an earlier run were computed by another build or instruction set: bits may differ among them");
          break;
        }
    } else {
      folder_.clear();
      if (exists(output_)) folder_.mark_overwriting();
    }
    const auto runs = folder_.runs();
    run_ = runs.empty() ? 1 : runs.back() + 1;
    if (!complete()) folder_.begin(run_, document);
  } catch (...) {
    claim_.reset();
    if (!folder_.holds_work()) folder_.clear();
    throw;
  }
}

Campaign::~Campaign() {
  if (pulse_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    over_.notify_all();
    pulse_.join();
  }
  const bool clear = claim_ && (ended_ || !folder_.holds_work());
  if (clear) folder_.clear();
  claim_.reset();
  if (clear) folder_.clear();
}

Outcome Campaign::collect(std::optional<io::Result> unfinished) const {
  Assembly assembly(document_, task_);
  const auto place = [&](Record record) { assembly.place(std::move(record)); };
  if (takes_output_) for_each_stored_record(io::read_output(output_), output_, document_, place);
  folder_.for_each_record(document_, place, [](const auto&) {});
  if (unfinished) {
    std::vector<io::Data> data;
    const auto& kept = document_.base.texts("output.fields");
    for (io::Field& field : unfinished->fields)
      if (kept.empty() || std::find(kept.begin(), kept.end(), field.name) != kept.end())
        data.push_back(std::move(field.data));
    assembly.place_unfinished(0, std::move(data));
  }
  return assembly.finish();
}

void Campaign::show(std::function<void()> lost) {
  shown_ = before_;
  shown_.total = document_.sweep.points();
  shown_.before = before_.finished();
  pulse_ = std::thread([this, lost = std::move(lost), start = Clock::now()] {
    std::unique_lock lock(mutex_);
    // A run that is over at once leaves nothing here that should last.
    over_.wait_for(lock, gather, [this] { return is_over_; });
    if (is_over_) return;
    lock.unlock();
    try {
      folder_.synchronise(run_);
    } catch (const Error&) {
      // The disk that refuses this will refuse the points too, which is said then.
    }
    lock.lock();
    while (!is_over_) {
      const Tally tally = shown_;
      lock.unlock();
      if (!claim_->renew()) lost();
      folder_.write_progress(tally, std::chrono::duration<double>(Clock::now() - start).count());
      lock.lock();
      over_.wait_for(lock, pulse_interval, [this] { return is_over_; });
    }
  });
}

void Campaign::update(const Tally& tally) {
  const std::lock_guard lock(mutex_);
  shown_ = tally;
}

void Campaign::wrote_output() const { folder_.unmark_overwriting(); }

void Campaign::end() { ended_ = true; }

}  // namespace lindrift::sweep
