#include "sweep/journal_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>
#include <thread>

#include "engine/short_text.hpp"
#include "io/output.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/version.hpp"
#include "sweep/resume_map.hpp"

namespace lindrift::sweep {
namespace {

namespace fs = std::filesystem;

std::string input_path(const std::string& folder, int run) { return fmt::format("{}/input.{}.toml", folder, run); }

std::span<const unsigned char> bytes_of(const std::string& text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

/// Replaces a small file atomically: a reader sees either the old text or the new one.
/// @param durable  whether the text must be on disk before the file gets its name
void replace(const std::string& path, const std::string& text, bool durable) {
  const std::string temporary = path + ".tmp";
  const io::Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode_t{0666}));
  if (!file) io::fail_to_write(path, errno);
  try {
    io::write_all(file.get(), bytes_of(text), path);
    if (durable && ::fsync(file.get()) != 0) io::fail_to_write(path, errno);
    if (::rename(temporary.c_str(), path.c_str()) != 0) io::fail_to_write(path, errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

bool there(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

}  // namespace

bool JournalFolder::exists() const { return there(path_); }

bool JournalFolder::holds_work() const {
  const auto names = io::names_in(path_);
  return std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return name.ends_with(".records") || name.ends_with(".checkpoint");
  });
}

std::vector<int> JournalFolder::runs() const {
  std::set<int> numbers;
  for (const std::string& name : io::names_in(path_)) {
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
  return config::parse_stored(text, path, registry());
}

std::string JournalFolder::program_of(int run) const {
  std::string text;
  io::read_whole(input_path(path_, run), text);
  return text.substr(0, text.find('\n'));
}

std::string JournalFolder::program_line() {
  return fmt::format("# lindrift {} ({}), {}", version(), git_hash(), simd_level());
}

void JournalFolder::for_each_record(const config::Document& document, const std::function<void(Record)>& take,
                                    const Warn& warn) const {
  const auto names = io::names_in(path_);
  for (const int run : runs()) {
    std::vector<std::string> files;
    for (const std::string& name : names)
      if (name.ends_with(".records") && std::atoi(name.c_str()) == run) files.push_back(path_ + "/" + name);
    if (files.empty()) continue;
    std::optional<config::Document> input;
    try {
      input = input_of(run);
    } catch (const std::exception& failure) {
      warn(fmt::format("the points of {} cannot be used, because their input is lost: {}", files.front(),
                       failure.what()));
      continue;
    }
    const ResumeMap map(*input, document, path_);
    for (const std::string& file : files) {
      const JournalReading reading =
          read_journal(file, hash_of(input->resolved_text), [&](std::uint64_t point, const Bytes& data) {
            Record record = decode(data);
            if (record.point != point || point >= input->sweep.points())
              throw Error(file + ": a record of another point than it says");
            record.point = map(static_cast<std::size_t>(point));
            take(std::move(record));
          });
      if (!reading.readable)
        warn(fmt::format("{} is not a journal of this input and version: its points are computed again", file));
      if (reading.damaged_bytes > 0)
        warn(fmt::format("{} is damaged: the points in its last {} are computed again", file,
                         counted(reading.damaged_bytes, "byte")));
    }
  }
}

void JournalFolder::begin(int run, const config::Document& document) const {
  replace(input_path(path_, run), program_line() + "\n" + document.resolved_text, true);
}

void JournalFolder::wait_for(int run) const {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  while (!io::Descriptor(::open(input_path(path_, run).c_str(), O_RDONLY | O_CLOEXEC))) {
    if (Clock::now() - start > std::chrono::seconds(10))
      throw Error(fmt::format("{} cannot be seen from {}; the output must be in a folder that all machines share",
                              path_, io::host_name()));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

std::string JournalFolder::records_path(int run, int rank) const {
  return fmt::format("{}/{:05}.{:05}.records", path_, run, rank);
}

std::string JournalFolder::checkpoint_path(const config::Point& point) const {
  return fmt::format("{}/{:016x}.checkpoint", path_, hash_of(point));
}

std::vector<std::string> JournalFolder::checkpoints() const {
  std::vector<std::string> paths;
  for (const std::string& name : io::names_in(path_))
    if (name.ends_with(".checkpoint")) paths.push_back(path_ + "/" + name);
  return paths;
}

void JournalFolder::set_overwrites(bool overwrites) const {
  const std::string path = path_ + "/overwrites";
  if (overwrites)
    replace(path, "", false);
  else
    ::unlink(path.c_str());
}

bool JournalFolder::overwrites() const { return there(path_ + "/overwrites"); }

void JournalFolder::write_progress(const Tally& tally, double seconds) const {
  try {
    replace(path_ + "/progress",
            fmt::format("total {}\ndone {}\nfailed {}\nnot_converged {}\nbefore {}\nseconds {:.3f}\n", tally.total,
                        tally.done, tally.failed, tally.not_converged, tally.before, seconds),
            false);
  } catch (const Error&) {
    // Only people read it, so a failure is no reason to end a run.
  }
}

std::string JournalFolder::progress() const {
  std::string text;
  io::read_whole(path_ + "/progress", text);
  return text;
}

void JournalFolder::clear() const {
  std::error_code ignored;
  for (const std::string& name : io::names_in(path_))
    if (name != "lock") fs::remove(path_ + "/" + name, ignored);
  ::rmdir(path_.c_str());  // fails while the lock exists
}

RecordStore::RecordStore(const JournalFolder& folder, const config::Document& document, int run, int rank)
    : folder_(folder), document_(document), journal_(folder.records_path(run, rank), hash_of(document.resolved_text)) {
  const auto paths = folder.checkpoints();
  checkpoints_.insert(paths.begin(), paths.end());
}

void RecordStore::keep(const Record& record) {
  journal_.append(record.point, encode(record));
  if (checkpoints_.empty()) return;
  const std::string path = folder_.checkpoint_path(document_.point(static_cast<std::size_t>(record.point)));
  if (checkpoints_.erase(path) > 0) ::unlink(path.c_str());
}

void RecordStore::save_checkpoint(std::size_t point, const Bytes& state) {
  const std::uint64_t hash = hash_of(std::span(state));
  Bytes bytes(sizeof hash + state.size());
  std::memcpy(bytes.data(), &hash, sizeof hash);
  std::copy(state.begin(), state.end(), bytes.begin() + sizeof hash);
  const std::string path = folder_.checkpoint_path(document_.point(point));
  io::write_atomically(path, bytes);
  checkpoints_.insert(path);
}

Bytes RecordStore::checkpoint(std::size_t point) const {
  if (checkpoints_.empty()) return {};
  const std::string path = folder_.checkpoint_path(document_.point(point));
  std::string text;
  std::uint64_t hash = 0;
  try {
    if (checkpoints_.count(path) == 0 || !io::read_whole(path, text) || text.size() < sizeof hash) return {};
  } catch (const Error&) {
    return {};  // the point is computed from its start
  }
  std::memcpy(&hash, text.data(), sizeof hash);
  const auto state = bytes_of(text).subspan(sizeof hash);
  return hash_of(state) == hash ? Bytes(state.begin(), state.end()) : Bytes();
}

}  // namespace lindrift::sweep
