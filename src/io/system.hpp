#pragma once

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

/// System calls on files, repeated if a signal interrupts them, with errors that say what to do.

namespace lindrift::io {

/// @param reason  errno
/// @throws Error "cannot write PATH: REASON; what to do", always
[[noreturn]] void fail_to_write(const std::string& path, int reason);

/// Repeats a system call that a signal interrupted.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

/// Owner of a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  Descriptor(Descriptor&& other) noexcept : descriptor_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int get() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_ = -1;
};

/// Writes all bytes, in as many calls as it takes.
/// @throws Error as fail_to_write()
void write_all(int descriptor, std::span<const unsigned char> bytes, const std::string& path);

/// Names of the files in a folder, sorted; none if the folder does not exist.
/// @throws Error if too many files are open
std::vector<std::string> names_in(const std::string& folder);

/// The folder that contains a file.
std::filesystem::path folder_of(const std::filesystem::path& file);

/// Makes new names in a folder survive a power failure.
/// @param path  path of the file, for the message
void synchronise_folder(const std::string& path, const std::filesystem::path& folder);

std::string host_name();
/// The current time, as in 2026-01-31T12:00:00Z.
std::string utc_now();

/// Reads a whole file; returns false if it does not exist.
bool read_whole(const std::string& path, std::string& text);

}  // namespace lindrift::io
