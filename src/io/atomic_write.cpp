#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
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

/// The file to replace, and its mode if it exists.
struct Target {
  fs::path path;
  std::optional<mode_t> mode;
};

/// Follows symbolic links, even to a file that does not exist yet, so that the file is replaced and not the link.
fs::path follow_links(const std::string& path) {
  fs::path target = path;
  std::error_code failure;
  constexpr int max_links = 40;  // as in the kernel
  for (int links = 0; fs::is_symlink(target, failure); ++links) {
    if (links == max_links) fail_to_write(path, ELOOP);
    target = target.parent_path() / fs::read_symlink(target, failure);
    if (failure) fail_to_write(path, failure.value());
  }
  return target;
}

/// @throws Error if the path leads to anything but a writable regular file
Target resolve_target(const std::string& path) {
  if (path.empty()) throw Error("cannot write a file without a name; give one with -o");
  if (path.back() == '/') fail_to_write(path, EISDIR);
  fs::path target = follow_links(path);
  struct stat status {};
  if (::stat(target.c_str(), &status) != 0) {
    if (errno != ENOENT) fail_to_write(path, errno);
    return {target, std::nullopt};
  }
  if (S_ISDIR(status.st_mode)) fail_to_write(path, EISDIR);
  if (!S_ISREG(status.st_mode))
    throw Error(fmt::format("cannot write {}: it is not a regular file; choose another name with -o", path));
  // A rename would replace a file that its owner has write-protected; root could even write to it.
  const bool nobody_writes = (status.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)) == 0;
  if (nobody_writes || ::access(target.c_str(), W_OK) != 0)
    throw Error(fmt::format(
        "cannot write {}: it is read-only; make it writable (chmod u+w) or choose another name with -o", path));
  return {target, status.st_mode & mode_t{07777}};
}

/// A new file beside the target, removed unless it replaces the target.
class TemporaryFile {
 public:
  TemporaryFile(std::string path, Target target) : path_(std::move(path)), target_(std::move(target.path)) {
    // An existing file of this name is not reused: it may belong to a process with the same number on another machine.
    constexpr int attempts = 100;
    for (int attempt = 0; attempt < attempts; ++attempt) {
      name_ = candidate(attempt);
      constexpr mode_t readable_as_umask_allows = 0666;
      descriptor_ = Descriptor(uninterrupted(
          [&] { return ::open(name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, readable_as_umask_allows); }));
      if (descriptor_ || errno != EEXIST) break;
    }
    if (!descriptor_) fail_to_write(path_, errno);
    // If the file system has no modes, the file is written anyway.
    if (target.mode) static_cast<void>(::fchmod(descriptor_.get(), *target.mode));
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
    // Asks the kernel to read from the disk what is still in memory.
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
    // The added characters must not make a valid name too long.
    constexpr std::size_t longest_base = 200;
    const std::string base = target_.filename().string().substr(0, longest_base);
    const std::string number = attempt == 0 ? "" : fmt::format(".{}", attempt);
    return (folder_of(target_) / fmt::format(".{}.{}{}.tmp", base, ::getpid(), number)).string();
  }

  std::string path_;  ///< as given, for messages
  fs::path target_;
  std::string name_;
  Descriptor descriptor_;
  bool renamed_ = false;
};

}  // namespace

void write_atomically(const std::string& path, const std::vector<unsigned char>& bytes) {
  const Target target = resolve_target(path);
  TemporaryFile file(path, target);
  file.write(bytes);
  file.synchronise();
  file.require_content(bytes);
  file.take_the_place_of_target();
  synchronise_folder(path, folder_of(target.path));
}

void require_place(const std::string& path) {
  if (path.empty()) throw WrongPlace("cannot write a file without a name; give one with -o");
  const fs::path target = follow_links(path), folder = folder_of(target);
  std::error_code ignored;
  if (fs::is_directory(target, ignored))
    throw WrongPlace(fmt::format("cannot write {}: it is a folder; name a file in it", path));
  if (fs::exists(target, ignored) && !fs::is_regular_file(target, ignored))
    throw WrongPlace(fmt::format("cannot write {}: it is not a regular file; choose another name with -o", path));
  // A folder that cannot be looked at may exist: writing will give the reason.
  const fs::file_type kind = fs::status(folder, ignored).type();
  if (kind != fs::file_type::directory && kind != fs::file_type::none)
    throw WrongPlace(
        fmt::format("cannot write {}: there is no folder {}; create it first, or choose another one with -o", path,
                    folder.string()));
}

void check_writable(const std::string& path) { const TemporaryFile probe(path, resolve_target(path)); }

}  // namespace lindrift::io
