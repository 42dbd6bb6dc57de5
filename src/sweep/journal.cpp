#include "sweep/journal.hpp"

#define XXH_INLINE_ALL
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <array>
#include <bit>
#include <system_error>
#include <utility>

#include "lindrift/error.hpp"

namespace lindrift::sweep {
namespace {

static_assert(std::endian::native == std::endian::little, "journals are little-endian");

constexpr std::array<char, 8> journal_magic = {'L', 'D', 'R', 'F', 'T', 'J', 'N', 'L'};
constexpr std::uint32_t journal_version = 1;
constexpr std::uint32_t record_magic = 0x5244'4c91;

struct Header {
  std::array<char, 8> magic = journal_magic;
  std::uint32_t version = journal_version;
  std::uint32_t reserved = 0;
  std::uint64_t input = 0;
};
struct RecordHead {
  std::uint32_t magic = record_magic;
  std::uint32_t reserved = 0;
  std::uint64_t point = 0;
  std::uint64_t length = 0;
  std::uint64_t hash = 0;
};
static_assert(sizeof(Header) == 24 && sizeof(RecordHead) == 32);

/// Reads exactly `length` bytes.
/// @return false if the file ends too early
bool read_exactly(int descriptor, void* target, std::uint64_t length, const std::string& path) {
  auto* bytes = static_cast<unsigned char*>(target);
  while (length > 0) {
    const ssize_t count = io::uninterrupted([&] { return ::read(descriptor, bytes, length); });
    if (count < 0) throw Error(fmt::format("cannot read {}: {}", path, std::generic_category().message(errno)));
    if (count == 0) return false;
    bytes += count;
    length -= static_cast<std::uint64_t>(count);
  }
  return true;
}

}  // namespace

std::uint64_t hash_of(std::span<const unsigned char> bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}
std::uint64_t hash_of(const std::string& text, std::uint64_t seed) {
  return XXH3_64bits_withSeed(text.data(), text.size(), seed);
}

void JournalWriter::create() {
  constexpr mode_t readable_as_umask_allows = 0666;
  // A name belongs to one rank of one run: an existing file belongs to another.
  file_ = io::Descriptor(io::uninterrupted(
      [&] { return ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, readable_as_umask_allows); }));
  if (!file_) io::fail_to_write(path_, errno);
  try {
    const Header header{.input = input_};
    io::write_all(file_.get(), {reinterpret_cast<const unsigned char*>(&header), sizeof header}, path_);
    end_ = sizeof header;
  } catch (...) {
    ::unlink(path_.c_str());
    file_ = {};
    throw;
  }
}

void JournalWriter::append(std::uint64_t point, std::span<const unsigned char> data) {
  if (!file_) create();
  const RecordHead head{.point = point, .length = data.size(), .hash = hash_of(data, point)};
  try {
    io::write_all(file_.get(), {reinterpret_cast<const unsigned char*>(&head), sizeof head}, path_);
    io::write_all(file_.get(), data, path_);
  } catch (...) {
    // Leave a file of whole records, or none; a reader would cut off the incomplete record anyway.
    if (end_ == sizeof(Header)) ::unlink(path_.c_str());
    if (::ftruncate(file_.get(), static_cast<off_t>(end_)) == 0)
      static_cast<void>(::lseek(file_.get(), static_cast<off_t>(end_), SEEK_SET));
    throw;
  }
  end_ += sizeof head + data.size();
  synchronised_ = false;
  if (Clock::now() - last_sync_ > 100 * sync_time_) flush();
}

void JournalWriter::flush() {
  if (synchronised_) return;
  const auto start = Clock::now();
  if (io::uninterrupted([&] { return ::fdatasync(file_.get()); }) != 0) io::fail_to_write(path_, errno);
  if (!std::exchange(in_folder_, true)) {
    const auto folder = io::folder_of(path_);
    io::synchronise_folder(path_, folder);
    io::synchronise_folder(path_, io::folder_of(folder));
  }
  synchronised_ = true;
  last_sync_ = Clock::now();
  sync_time_ = last_sync_ - start;
}

JournalReading read_journal(const std::string& path, std::uint64_t input,
                            const std::function<void(std::uint64_t, const Bytes&)>& take) {
  const io::Descriptor file(io::uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0)
    throw Error(fmt::format("cannot read {}: {}", path, std::generic_category().message(errno)));
  auto left = static_cast<std::uint64_t>(status.st_size);
  JournalReading reading;
  Header header{};
  if (left < sizeof header || !read_exactly(file.get(), &header, sizeof header, path)) {
    reading.torn_bytes = left;  // the writer died before its first record
    return reading;
  }
  reading.readable = header.magic == journal_magic && header.version == journal_version && header.input == input;
  if (!reading.readable) return reading;
  left -= sizeof header;
  RecordHead head;
  Bytes data;
  while (left > 0) {
    const bool has_head = left >= sizeof head && read_exactly(file.get(), &head, sizeof head, path);
    if (!has_head || (head.magic == record_magic && head.length > left - sizeof head)) {
      reading.torn_bytes = left;
      break;
    }
    bool whole = head.magic == record_magic;
    if (whole) {
      data.resize(static_cast<std::size_t>(head.length));
      whole = read_exactly(file.get(), data.data(), head.length, path) && hash_of(data, head.point) == head.hash;
    }
    if (!whole) {
      reading.damaged_bytes = left;
      break;
    }
    take(head.point, data);
    ++reading.records;
    left -= sizeof head + head.length;
  }
  return reading;
}

}  // namespace lindrift::sweep
