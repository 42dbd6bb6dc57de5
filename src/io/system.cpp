#include "io/system.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>
#include <system_error>

#include "lindrift/error.hpp"

namespace lindrift::io {
namespace {

std::string_view remedy(int reason) {
  switch (reason) {
    case ENOSPC:
    case EDQUOT:
      return "free some room and run again, or choose another place with -o";
    case EFBIG:
      return "raise the limit on file sizes (ulimit -f) and run again";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a folder that you may write to with -o";
    case ENOENT:
    case ENOTDIR:
      return "create the folder first, or choose another one with -o";
    case EISDIR:
      return "name a file in it";
    case ENAMETOOLONG:
      return "choose a shorter name with -o";
    case EIO:
      return "the storage reports a fault: look at the system's log and choose another place with -o";
    case EMFILE:
    case ENFILE:
      return "raise the limit on open files (ulimit -n) and run again";
    default:
      return "choose another place with -o";
  }
}

}  // namespace

void fail_to_write(const std::string& path, int reason) {
  throw Error(fmt::format("cannot write {}: {}; {}", path, std::generic_category().message(reason), remedy(reason)));
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

Descriptor::~Descriptor() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void write_all(int descriptor, std::span<const unsigned char> bytes, const std::string& path) {
  constexpr std::size_t chunk_size = std::size_t{1} << 22U;
  while (!bytes.empty()) {
    const std::size_t length = std::min(bytes.size(), chunk_size);
    const ssize_t written = uninterrupted([&] { return ::write(descriptor, bytes.data(), length); });
    if (written < 0) fail_to_write(path, errno);
    if (written == 0) fail_to_write(path, EIO);  // no progress and no reason: do not loop forever
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failure))
    names.push_back(entry.path().filename().string());
  // A folder that may not be read looks empty, but one that could be read next time must not.
  if (failure.value() == EMFILE || failure.value() == ENFILE)
    throw Error(fmt::format("cannot read {}: {}; {}", folder, failure.message(), remedy(failure.value())));
  std::sort(names.begin(), names.end());
  return names;
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

void synchronise_folder(const std::string& path, const std::filesystem::path& folder) {
  const Descriptor descriptor(
      uninterrupted([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!descriptor) return;  // a folder that may be written but not read: nothing more can be done
  const int result = uninterrupted([&] { return ::fsync(descriptor.get()); });
  // Some network file systems cannot synchronise a folder and say so with EINVAL; their renames are synchronous.
  if (result != 0 && errno != EINVAL && errno != ENOTSUP) fail_to_write(path, errno);
}

std::string host_name() {
  std::array<char, 256> text{};
  ::gethostname(text.data(), text.size() - 1);
  return text.data();
}

std::string utc_now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

bool read_whole(const std::string& path, std::string& text) {
  const Descriptor file(uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return false;
  text.clear();
  std::array<char, 65536> buffer;
  for (ssize_t count = 1; file && count > 0;) {
    count = uninterrupted([&] { return ::read(file.get(), buffer.data(), buffer.size()); });
    if (count == 0) return true;
    if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  const int reason = errno;
  const bool too_many = reason == EMFILE || reason == ENFILE;
  throw Error(fmt::format("cannot read {}: {}{}{}", path, std::generic_category().message(reason), too_many ? "; " : "",
                          too_many ? remedy(reason) : ""));
}

}  // namespace lindrift::io
