#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "io/output.hpp"
#include "io/system.hpp"
#include "lindrift/error.hpp"

namespace lindrift::io {
namespace {

namespace fs = std::filesystem;

/// The file that a path stands for: where it is a symbolic link to a file, that file is replaced and not the link.
/// @throws Error if something other than a regular file is there, which a rename would destroy
fs::path resolved_target(const std::string& path) {
  if (path.empty()) throw Error("cannot write a file without a name; give one with -o");
  if (path.back() == '/') fail_to_write(path, EISDIR);
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT) fail_to_write(path, errno);
    return path;
  }
  if (S_ISDIR(status.st_mode)) fail_to_write(path, EISDIR);
  if (!S_ISREG(status.st_mode)) {
    throw Error(fmt::format("cannot write {}: it is not a regular file; choose another name with -o", path));
  }
  std::error_code error;
  fs::path target = fs::canonical(path, error);
  if (error) fail_to_write(path, error.value());
  return target;
}

/// A new file beside the target, removed again unless it took the target's place.
class TemporaryFile {
 public:
  TemporaryFile(std::string path, fs::path target) : path_(std::move(path)), target_(std::move(target)) {
    // A file that a killed process with the same number left behind is not reused: its owner may live on another
    // machine.
    constexpr int attempts = 100;
    for (int attempt = 0; attempt < attempts; ++attempt) {
      name_ = candidate(attempt);
      constexpr mode_t readable_as_umask_allows = 0666;
      descriptor_ = Descriptor(uninterrupted(
          [&] { return ::open(name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, readable_as_umask_allows); }));
      if (descriptor_) return;
      if (errno != EEXIST) break;
    }
    fail_to_write(path_, errno);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!renamed_) ::unlink(name_.c_str());
  }

  void write(const std::vector<unsigned char>& bytes) { write_all(descriptor_.get(), bytes, path_); }

  void synchronise() {
    if (uninterrupted([&] { return ::fsync(descriptor_.get()); }) != 0) fail_to_write(path_, errno);
  }

  void require_content(const std::vector<unsigned char>& bytes) {
    // Only advice: asks the system to read from the disk what it still has in memory.
    static_cast<void>(::posix_fadvise(descriptor_.get(), 0, 0, POSIX_FADV_DONTNEED));
    std::vector<unsigned char> buffer(std::min(bytes.size(), chunk_size));
    for (std::size_t done = 0; done < bytes.size();) {
      const std::size_t length = std::min(bytes.size() - done, buffer.size());
      const ssize_t got =
          uninterrupted([&] { return ::pread(descriptor_.get(), buffer.data(), length, static_cast<off_t>(done)); });
      if (got < 0) fail_to_write(path_, errno);
      if (got == 0 || std::memcmp(buffer.data(), bytes.data() + done, static_cast<std::size_t>(got)) != 0) {
        throw Error(fmt::format(
            "cannot write {}: what was read back differs from what was written; choose another disk with -o", path_));
      }
      done += static_cast<std::size_t>(got);
    }
  }

  void take_the_place_of_target() {
    // Network file systems may report a full disk only here.
    if (::close(descriptor_.release()) != 0 && errno != EINTR) fail_to_write(path_, errno);
    if (::rename(name_.c_str(), target_.c_str()) != 0) fail_to_write(path_, errno);
    renamed_ = true;
  }

 private:
  static constexpr std::size_t chunk_size = std::size_t{1} << 22U;

  std::string candidate(int attempt) const {
    // The addition must not make a name too long that the file system takes as it is.
    constexpr std::size_t longest_base = 200;
    const std::string base = target_.filename().string().substr(0, longest_base);
    const std::string number = attempt == 0 ? "" : fmt::format(".{}", attempt);
    return (folder_of(target_) / fmt::format(".{}.{}{}.tmp", base, ::getpid(), number)).string();
  }

  std::string path_;  // as the user gave it, for messages
  fs::path target_;
  std::string name_;
  Descriptor descriptor_;
  bool renamed_ = false;
};

}  // namespace

void write_atomically(const std::string& path, const std::vector<unsigned char>& bytes) {
  const fs::path target = resolved_target(path);
  TemporaryFile file(path, target);
  file.write(bytes);
  file.synchronise();
  file.require_content(bytes);
  file.take_the_place_of_target();
  synchronise_folder(path, folder_of(target));
}

void check_writable(const std::string& path) { const TemporaryFile probe(path, resolved_target(path)); }

}  // namespace lindrift::io
