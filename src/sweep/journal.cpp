#include "sweep/journal.hpp"

#define XXH_INLINE_ALL
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstring>
#include <string_view>
#include <system_error>

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

/// A file that is read at any place.
class Source {
 public:
  explicit Source(const std::string& path)
      : path_(path), file_(io::uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); })) {
    struct stat status {};
    if (!file_ || ::fstat(file_.get(), &status) != 0) fail();
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
  std::uint64_t size() const { return size_; }

  /// False if the file ends before.
  bool read(std::uint64_t place, void* target, std::uint64_t length) const {
    if (place > size_ || length > size_ - place) return false;
    auto* bytes = static_cast<unsigned char*>(target);
    while (length > 0) {
      const ssize_t count =
          io::uninterrupted([&] { return ::pread(file_.get(), bytes, length, static_cast<off_t>(place)); });
      if (count < 0) fail();
      if (count == 0) return false;
      bytes += count;
      place += static_cast<std::uint64_t>(count);
      length -= static_cast<std::uint64_t>(count);
    }
    return true;
  }

  /// Reads the record at a place; false if there is no whole one.
  bool read_record(std::uint64_t place, RecordHead& head, Bytes& data) const {
    if (!read(place, &head, sizeof head) || head.magic != record_magic) return false;
    if (head.length > size_ - place - sizeof head) return false;
    data.resize(static_cast<std::size_t>(head.length));
    return read(place + sizeof head, data.data(), head.length) && hash_of(data, head.point) == head.hash;
  }

  /// First place from `place` on where a whole record begins; the size if there is none.
  std::uint64_t next_record(std::uint64_t place, RecordHead& head, Bytes& data) const {
    constexpr std::uint64_t window = std::uint64_t{1} << 20U;
    const std::string_view mark(reinterpret_cast<const char*>(&record_magic), sizeof record_magic);
    std::string bytes;
    while (place + sizeof(RecordHead) <= size_) {
      bytes.resize(static_cast<std::size_t>(std::min(window, size_ - place)));
      if (!read(place, bytes.data(), bytes.size())) break;
      for (std::size_t found = bytes.find(mark); found != std::string::npos; found = bytes.find(mark, found + 1))
        if (read_record(place + found, head, data)) return place + found;
      place += bytes.size() - (mark.size() - 1);
    }
    return size_;
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(fmt::format("cannot read {}: {}", path_, std::generic_category().message(errno)));
  }

  std::string path_;
  io::Descriptor file_;
  std::uint64_t size_ = 0;
};

}  // namespace

std::uint64_t hash_of(std::span<const unsigned char> bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}
std::uint64_t hash_of(const std::string& text, std::uint64_t seed) {
  return XXH3_64bits_withSeed(text.data(), text.size(), seed);
}

JournalWriter::~JournalWriter() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void JournalWriter::open() {
  constexpr mode_t readable_as_umask_allows = 0666;
  // A name belongs to one run and one rank: a file that is there already is somebody else's.
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
  thread_ = std::thread([this] { synchronise(); });
}

/// The thread: brings what is written to the disk, at once if somebody waits for it.
void JournalWriter::synchronise() {
  constexpr auto gather = std::chrono::milliseconds(20);  // many small records share one synchronisation
  bool in_folder = false;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return over_ || (refusal_ == 0 && synchronised_ < end_); });
    changed_.wait_for(lock, gather, [this] { return over_ || urgent_; });
    if (over_) return;
    const std::uint64_t written = end_;
    lock.unlock();
    const auto start = std::chrono::steady_clock::now();
    int refusal = io::uninterrupted([&] { return ::fdatasync(file_.get()); }) == 0 ? 0 : errno;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (!in_folder && refusal == 0) {
      try {
        io::synchronise_folder(path_, io::folder_of(path_));
      } catch (const Error&) {
        refusal = EIO;
      }
      in_folder = true;
    }
    lock.lock();
    refusal_ = refusal;
    if (refusal == 0) synchronised_ = written;
    if (synchronised_ == end_) urgent_ = false;
    sync_time_ += 0.2 * (seconds - sync_time_);
    changed_.notify_all();
  }
}

void JournalWriter::wait_until_synchronised(std::unique_lock<std::mutex>& lock) {
  urgent_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return refusal_ != 0 || synchronised_ == end_; });
  if (refusal_ != 0) io::fail_to_write(path_, refusal_);
}

void JournalWriter::flush() {
  std::unique_lock lock(mutex_);
  if (thread_.joinable() && synchronised_ < end_) wait_until_synchronised(lock);
}

void JournalWriter::append(std::uint64_t point, std::span<const unsigned char> data, double seconds) {
  if (!file_) open();
  RecordHead head{.point = point, .length = data.size(), .hash = hash_of(data, point)};
  std::array<iovec, 2> parts = {iovec{&head, sizeof head},
                                iovec{const_cast<unsigned char*>(data.data()), data.size()}};  // writev only reads
  const std::size_t whole = sizeof head + data.size();
  try {
    const ssize_t written = io::uninterrupted([&] { return ::writev(file_.get(), parts.data(), 2); });
    if (written < 0) io::fail_to_write(path_, errno);
    // A disk that is nearly full, or a record too large for one call: the rest tells.
    auto done = static_cast<std::size_t>(written);
    if (done < sizeof head) {
      io::write_all(file_.get(), {reinterpret_cast<const unsigned char*>(&head) + done, sizeof head - done}, path_);
      done = sizeof head;
    }
    if (done < whole) io::write_all(file_.get(), data.subspan(done - sizeof head), path_);
  } catch (...) {
    // Only to leave a tidy file, or none: whoever reads cuts a torn record anyway.
    const std::lock_guard lock(mutex_);
    if (end_ == sizeof(Header)) ::unlink(path_.c_str());
    if (::ftruncate(file_.get(), static_cast<off_t>(end_)) == 0)
      static_cast<void>(::lseek(file_.get(), static_cast<off_t>(end_), SEEK_SET));
    throw;
  }
  constexpr double affordable = 0.01;
  std::unique_lock lock(mutex_);
  end_ += whole;
  if (refusal_ != 0) io::fail_to_write(path_, refusal_);
  if (sync_time_ > affordable * seconds) {
    changed_.notify_all();
    return;
  }
  const auto start = std::chrono::steady_clock::now();
  wait_until_synchronised(lock);
  // On a busy machine the thread had to wait for a processor as well: points that are as short as that do not wait
  // again before it has been faster for a while.
  sync_time_ = std::max(sync_time_, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

JournalReading read_journal(const std::string& path, std::uint64_t input,
                            const std::function<void(std::uint64_t, const Bytes&)>& take) {
  const Source source(path);
  JournalReading reading;
  Header header{};
  if (source.size() < sizeof header) {  // its writer died before the first record
    reading.torn_bytes = source.size();
    return reading;
  }
  source.read(0, &header, sizeof header);
  if (header.magic != journal_magic || header.version != journal_version || header.input != input) {
    reading.readable = false;
    return reading;
  }
  RecordHead head;
  Bytes data;
  for (std::uint64_t place = sizeof header; place < source.size();) {
    if (!source.read_record(place, head, data)) {
      const std::uint64_t next = source.next_record(place + 1, head, data);
      (next == source.size() ? reading.torn_bytes : reading.damaged_bytes) += next - place;
      place = next;
      if (next == source.size()) break;
    }
    take(head.point, data);
    ++reading.records;
    place += sizeof head + head.length;
  }
  return reading;
}

}  // namespace lindrift::sweep
