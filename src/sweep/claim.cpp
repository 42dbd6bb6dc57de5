#include "sweep/claim.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <sstream>
#include <thread>
#include <vector>

#include "io/system.hpp"

namespace lindrift::sweep {
namespace {

namespace fs = std::filesystem;

std::string path_of(const std::string& folder, int number) { return fmt::format("{}/claim.{}", folder, number); }

/// Numbers of the claims in a folder; empty if there is no folder.
std::vector<int> numbers_in(const std::string& folder) {
  std::vector<int> numbers;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(folder, failure)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("claim.")) numbers.push_back(std::atoi(name.c_str() + 6));
  }
  return numbers;
}

int highest_in(const std::string& folder) {
  int highest = 0;
  for (const int number : numbers_in(folder)) highest = std::max(highest, number);
  return highest;
}

/// When a process of this machine was started, in the kernel's ticks; empty if it does not run any more.
std::string start_of(long process) {
  std::string status;
  try {
    if (!io::read_whole(fmt::format("/proc/{}/stat", process), status)) return "";
  } catch (const Error&) {
    return "";  // it ended while it was looked at
  }
  // The name of the program, in brackets, may hold anything.
  std::istringstream fields(status.substr(std::min(status.rfind(')') + 1, status.size())));
  std::string state, field;
  fields >> state;
  if (state == "Z" || state == "X") return "";  // dead, not yet buried
  constexpr int start_field = 22, state_field = 3;
  for (int i = state_field; i < start_field; ++i) fields >> field;
  return field;
}

std::string first_line(const std::string& path) {
  std::string text;
  try {
    io::read_whole(path, text);
  } catch (const Error&) {
  }
  return text.substr(0, text.find('\n'));
}

std::string link_target(const char* path) {
  std::error_code ignored;
  return fs::read_symlink(path, ignored).string();
}

Holding::Alive alive(const Holder& holder) {
  const Holder self = Holder::self();
  if (holder.machine == self.machine && !self.machine.empty())
    return start_of(holder.process) == holder.started ? Holding::Alive::yes : Holding::Alive::no;
  // A job that is started again has one start at a time: the batch system waits for the end of the last one.
  if (!self.job.empty() && holder.job == self.job) return Holding::Alive::no;
  return Holding::Alive::unknown;
}

/// Changes whenever the holder renews its claim. Opened each time: network file systems then look for the news.
std::string pulse_of(const std::string& path) {
  const io::Descriptor file(io::uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return "gone";
  return fmt::format("{}.{}", status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

[[noreturn]] void refuse(const std::string& folder, const Holder& holder) {
  throw OutputBusy(
      fmt::format("process {} on {} has been writing this output since {}; wait for it, end it, or name another output "
                  "with -o ({})",
                  holder.process, holder.host, holder.since, folder));
}

}  // namespace

std::string Holder::text() const {
  return fmt::format("host {}\nmachine {}\nprocess {}\nstarted {}\njob {}\nsince {}\n", host, machine, process, started,
                     job, since);
}

Holder Holder::of(const std::string& text) {
  Holder holder;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string name = line.substr(0, space), value = line.substr(std::min(space + 1, line.size()));
    if (name == "host") holder.host = value;
    if (name == "machine") holder.machine = value;
    if (name == "process") holder.process = std::atol(value.c_str());
    if (name == "started") holder.started = value;
    if (name == "job") holder.job = value;
    if (name == "since") holder.since = value;
  }
  return holder;
}

Holder Holder::self() {
  Holder self;
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  self.host = host.data();
  self.machine = first_line("/proc/sys/kernel/random/boot_id");
  if (!self.machine.empty()) self.machine += "/" + link_target("/proc/self/ns/pid");
  self.process = ::getpid();
  self.started = start_of(self.process);
  if (const char* job = std::getenv("SLURM_JOB_ID")) self.job = fmt::format("slurm {}", job);
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  self.since = text.data();
  return self;
}

std::optional<Holding> holding_of(const std::string& folder) {
  const int number = highest_in(folder);
  std::string text;
  if (number == 0 || !io::read_whole(path_of(folder, number), text)) return std::nullopt;
  Holding holding{.holder = Holder::of(text), .number = number};
  holding.alive = alive(holding.holder);
  return holding;
}

Claim::Claim(std::string folder, double patience) : folder_(std::move(folder)) {
  using Clock = std::chrono::steady_clock;
  constexpr auto glance = std::chrono::milliseconds(200);
  const std::string self = Holder::self().text();
  constexpr int attempts = 1000;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const int last = highest_in(folder_);
    if (last > 0) {
      const std::string path = path_of(folder_, last);
      std::string text;
      const auto watched = Clock::now();
      // A claim without a word is being made at this moment, or its maker died there: it is watched too.
      const bool there = io::read_whole(path, text);
      const Holder holder = Holder::of(text);
      Holding::Alive state = there ? alive(holder) : Holding::Alive::no;
      if (state == Holding::Alive::yes) refuse(folder_, holder);
      const std::string pulse = pulse_of(path);
      while (state == Holding::Alive::unknown) {
        std::this_thread::sleep_for(glance);
        if (pulse_of(path) != pulse) break;
        if (std::chrono::duration<double>(Clock::now() - watched).count() >= patience) state = Holding::Alive::no;
      }
      if (state == Holding::Alive::unknown) {
        if (!io::read_whole(path, text)) continue;  // let go of meanwhile
        refuse(folder_, Holder::of(text));
      }
    }
    if (::mkdir(folder_.c_str(), 0777) != 0 && errno != EEXIST) io::fail_to_write(folder_, errno);
    number_ = last + 1;
    const io::Descriptor file(io::uninterrupted(
        [&] { return ::open(path().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t{0666}); }));
    if (!file) {
      if (errno == EEXIST || errno == ENOENT) continue;  // another run was faster, or has just removed the folder
      const int reason = errno;
      ::rmdir(folder_.c_str());  // if it is ours, it is empty
      io::fail_to_write(folder_, reason);
    }
    try {
      io::write_all(file.get(), {reinterpret_cast<const unsigned char*>(self.data()), self.size()}, folder_);
    } catch (...) {
      ::unlink(path().c_str());
      ::rmdir(folder_.c_str());
      throw;
    }
    // A run that looked at an older state of the folder may hold a higher number by now.
    if (highest_in(folder_) != number_) {
      ::unlink(path().c_str());
      continue;
    }
    for (const int number : numbers_in(folder_))
      if (number < number_) ::unlink(path_of(folder_, number).c_str());
    return;
  }
  throw OutputBusy("other runs keep claiming this output: " + folder_);
}

Claim::~Claim() { ::unlink(path().c_str()); }

std::string Claim::path() const { return path_of(folder_, number_); }

bool Claim::renew() const {
  static_cast<void>(::utimensat(AT_FDCWD, path().c_str(), nullptr, 0));
  return highest_in(folder_) == number_;
}

}  // namespace lindrift::sweep
