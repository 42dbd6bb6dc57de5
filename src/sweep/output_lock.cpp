#include "sweep/output_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <sstream>
#include <string_view>
#include <thread>
#include <utility>

namespace lindrift::sweep {
namespace {

/// Lines of the lock file, in order.
constexpr std::array<std::pair<const char*, std::string LockHolder::*>, 5> holder_fields = {
    {{"host", &LockHolder::host},
     {"boot", &LockHolder::boot},
     {"process", &LockHolder::process},
     {"job", &LockHolder::job},
     {"since", &LockHolder::since}}};

std::string path_in(const std::string& folder) { return folder + "/lock"; }

std::string read_or_empty(const std::string& path) {
  std::string text;
  try {
    io::read_whole(path, text);
  } catch (const Error&) {
  }
  return text;
}

/// A text that changes when the holder renews its lock or another takes it over. The file is opened anew, because
/// network file systems then ask their server.
std::string heartbeat_of(const std::string& path) {
  const io::Descriptor file(io::uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return "gone";
  return fmt::format("{} {}.{}", status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

bool is_same_file(int descriptor, const std::string& path) {
  struct stat own {};
  struct stat there {};
  return ::fstat(descriptor, &own) == 0 && ::stat(path.c_str(), &there) == 0 && own.st_ino == there.st_ino &&
         own.st_dev == there.st_dev;
}

struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

enum class Attempt { acquired, refused, unsupported };

/// Uses locks of open files, not of processes: any close() in the process would release the latter.
Attempt try_lock(int descriptor) {
  struct flock lock = whole_file();
  if (io::uninterrupted([&] { return ::fcntl(descriptor, F_OFD_SETLK, &lock); }) == 0) return Attempt::acquired;
  return errno == EAGAIN || errno == EACCES ? Attempt::refused : Attempt::unsupported;
}

[[noreturn]] void refuse(const std::string& folder, const LockHolder& holder) {
  throw OutputBusy(
      fmt::format("process {} on {} has been writing this output since {}; wait for it, end it, or name "
                  "another output with -o ({})",
                  holder.process, holder.host, holder.since, folder));
}

}  // namespace

std::string LockHolder::text() const {
  std::string text;
  for (const auto& [name, member] : holder_fields) text += fmt::format("{} {}\n", name, this->*member);
  return text;
}

LockHolder LockHolder::parse(const std::string& text) {
  LockHolder holder;
  std::istringstream lines(text);
  for (const auto& [name, member] : holder_fields) {
    std::string line;
    if (!std::getline(lines, line) || !line.starts_with(name)) return {};
    holder.*member = line.substr(std::min(std::string_view(name).size() + 1, line.size()));
  }
  return holder;
}

LockHolder LockHolder::self() {
  const std::string boot = read_or_empty("/proc/sys/kernel/random/boot_id");
  const char* job = std::getenv("SLURM_JOB_ID");
  return {.host = io::host_name(),
          .boot = boot.substr(0, boot.find('\n')),
          .process = std::to_string(::getpid()),
          .job = job != nullptr ? fmt::format("slurm {}", job) : "",
          .since = io::utc_now()};
}

std::optional<LockState> lock_state(const std::string& folder) {
  const std::string path = path_in(folder), text = read_or_empty(path);
  const io::Descriptor file(io::uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
  if (!file || text.empty()) return std::nullopt;
  LockState state{.holder = LockHolder::parse(text)};
  if (state.holder.boot != LockHolder::self().boot) return state;
  struct flock lock = whole_file();
  if (::fcntl(file.get(), F_OFD_GETLK, &lock) == 0)
    state.alive = lock.l_type != F_UNLCK ? LockState::Alive::yes : LockState::Alive::no;
  return state;
}

OutputLock::OutputLock(std::string folder, double patience) : folder_(std::move(folder)) {
  using Clock = std::chrono::steady_clock;
  const std::string path = path_in(folder_);
  const LockHolder self = LockHolder::self();
  text_ = self.text();
  while (true) {
    if (::mkdir(folder_.c_str(), 0777) != 0 && errno != EEXIST) io::fail_to_write(folder_, errno);
    file_ = io::Descriptor(
        io::uninterrupted([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, mode_t{0666}); }));
    if (!file_) {
      if (errno == ENOENT) continue;  // another run has just ended and removed the folder
      const int reason = errno;
      ::rmdir(folder_.c_str());  // if it is ours, it is empty
      io::fail_to_write(folder_, reason);
    }
    const Attempt attempt = try_lock(file_.get());
    const LockHolder holder = LockHolder::parse(read_or_empty(path));
    // On a file system without locks, even a holder on this machine must be watched.
    const bool here = holder.boot == self.boot && attempt != Attempt::unsupported;
    const bool restarted = !self.job.empty() && holder.job == self.job;
    if (here && attempt == Attempt::refused) refuse(folder_, holder);
    if (attempt == Attempt::refused && holder.boot.empty()) {  // its holder is about to write its name
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    const std::string heartbeat = heartbeat_of(path);
    const auto start = Clock::now();
    while (!here && !restarted && !holder.boot.empty() &&
           std::chrono::duration<double>(Clock::now() - start).count() < patience) {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      if (heartbeat_of(path) != heartbeat) break;
    }
    const std::string heartbeat_now = heartbeat_of(path);
    if (heartbeat_now == "gone") continue;
    if (heartbeat_now != heartbeat) refuse(folder_, holder);
    if (attempt == Attempt::refused) {  // a file server still holds a dead machine's lock: a new file has none
      ::unlink(path.c_str());
      continue;
    }
    if (!is_same_file(file_.get(), path)) continue;  // its holder removed it between our open() and the lock
    try {
      if (::ftruncate(file_.get(), 0) != 0) io::fail_to_write(folder_, errno);
      io::write_all(file_.get(), {reinterpret_cast<const unsigned char*>(text_.data()), text_.size()}, folder_);
    } catch (...) {
      ::unlink(path.c_str());
      ::rmdir(folder_.c_str());
      throw;
    }
    return;
  }
}

OutputLock::~OutputLock() {
  if (is_same_file(file_.get(), path_in(folder_))) ::unlink(path_in(folder_).c_str());
}

bool OutputLock::renew() const {
  static_cast<void>(::futimens(file_.get(), nullptr));
  std::string text;
  try {
    return io::read_whole(path_in(folder_), text) && text == text_;
  } catch (const Error&) {
    return true;  // the file system has a problem, which is no sign of another run
  }
}

}  // namespace lindrift::sweep
