#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "io/output.hpp"
#include "lindrift/error.hpp"
#include "sample_output.hpp"

// Replacements for C library functions that inject failures of system calls.
namespace {

/// Which call fails next, counted from zero over all calls of its kind; negative: none.
struct Fault {
  int countdown = -1;
  int reason = 0;

  bool strikes() { return countdown >= 0 && countdown-- == 0; }
};

Fault write_fault;
Fault fsync_fault;
Fault read_fault;
Fault rename_fault;
Fault close_fault;
bool corrupt_read = false;
std::size_t longest_write = 0;  // 0: as long as requested

template <class Function>
Function* original(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

bool strikes(Fault& fault) {
  if (!fault.strikes()) return false;
  errno = fault.reason;
  return true;
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* data, size_t length) {
  static auto* const call = original<ssize_t(int, const void*, size_t)>("write");
  if (strikes(write_fault)) return -1;
  return call(descriptor, data, longest_write == 0 ? length : std::min(length, longest_write));
}

ssize_t pread(int descriptor, void* data, size_t length, off_t offset) {
  static auto* const call = original<ssize_t(int, void*, size_t, off_t)>("pread");
  if (strikes(read_fault)) return -1;
  const ssize_t got = call(descriptor, data, length, offset);
  if (corrupt_read && got > 0) static_cast<unsigned char*>(data)[got - 1] ^= 1U;
  return got;
}

int fsync(int descriptor) {
  static auto* const call = original<int(int)>("fsync");
  return strikes(fsync_fault) ? -1 : call(descriptor);
}

int rename(const char* from, const char* to) noexcept {
  static auto* const call = original<int(const char*, const char*)>("rename");
  return strikes(rename_fault) ? -1 : call(from, to);
}

int close(int descriptor) {
  static auto* const call = original<int(int)>("close");
  if (!close_fault.strikes()) return call(descriptor);
  call(descriptor);
  errno = close_fault.reason;
  return -1;
}

}  // extern "C"

namespace lindrift::io {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::vector<unsigned char> bytes_of(std::size_t size, unsigned seed) {
  std::vector<unsigned char> bytes(size);
  for (std::size_t index = 0; index < size; ++index) {
    bytes[index] = static_cast<unsigned char>((index * 131U + seed + (index >> 8U)) & 0xFFU);
  }
  return bytes;
}

std::vector<unsigned char> content(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  return names;
}

class AtomicWrite : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::path(testing::TempDir()) / "atomic_write_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = (folder_ / "result.h5").string();
  }
  void TearDown() override {
    write_fault = fsync_fault = read_fault = rename_fault = close_fault = Fault{};
    corrupt_read = false;
    longest_write = 0;
    fs::remove_all(folder_);
  }

  /// The old file is unchanged, and there is nothing beside it.
  void expect_untouched(const std::vector<unsigned char>& old) const {
    EXPECT_THAT(names_in(folder_), testing::ElementsAre("result.h5"));
    EXPECT_EQ(content(path_), old);
  }

  fs::path folder_;
  std::string path_;
};

/// Limits the size of files that this process writes: the write that crosses the limit stops there, the next one fails.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::size_t bytes) {
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_limit_);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = old_limit_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_limit_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_limit_{};
  void (*old_handler_)(int) = nullptr;
};

TEST_F(AtomicWrite, MakesANewFileAndReplacesAnOldOne) {
  const auto first = bytes_of(1000, 1);
  write_atomically(path_, first);
  expect_untouched(first);

  const auto second = bytes_of(10, 2);
  write_atomically(path_, second);
  expect_untouched(second);
}

TEST_F(AtomicWrite, TakesEmptyAndLargeContent) {
  write_atomically(path_, {});
  expect_untouched({});
  const auto large = bytes_of((std::size_t{9} << 20U) + 17, 3);  // several chunks and a remainder
  write_atomically(path_, large);
  expect_untouched(large);
}

TEST_F(AtomicWrite, WorksInTheCurrentFolder) {
  const auto before = fs::current_path();
  fs::current_path(folder_);
  EXPECT_NO_THROW(write_atomically("result.h5", bytes_of(100, 4)));
  EXPECT_NO_THROW(check_writable("result.h5"));
  fs::current_path(before);
  expect_untouched(bytes_of(100, 4));
}

TEST_F(AtomicWrite, GoesOnAfterShortAndInterruptedWrites) {
  const auto bytes = bytes_of(1000, 5);
  longest_write = 7;
  write_fault = {.countdown = 3, .reason = EINTR};
  read_fault = {.countdown = 0, .reason = EINTR};
  write_atomically(path_, bytes);
  expect_untouched(bytes);
}

TEST_F(AtomicWrite, KeepsTheOldFileWhereverAWriteStops) {
  const auto old = bytes_of(5000, 6);
  write_atomically(path_, old);
  const auto fresh = bytes_of(3 * 4096 + 5, 7);
  std::vector<std::size_t> positions = {0, 1, 2, 511, 512, 4095, 4096, 4097, 8191, 8192, 12287, 12288, 12289};
  for (std::size_t position = 3; position < fresh.size(); position += 613) positions.push_back(position);
  positions.push_back(fresh.size() - 1);

  for (const std::size_t position : positions) {
    {
      const FileSizeLimit limit(position);
      EXPECT_THAT(
          [&] { write_atomically(path_, fresh); },
          ThrowsMessage<Error>(AllOf(HasSubstr("cannot write " + path_ + ": File too large"), HasSubstr("ulimit"))))
          << position;
    }
    expect_untouched(old);
  }
  const FileSizeLimit limit(fresh.size());
  write_atomically(path_, fresh);
  expect_untouched(fresh);
}

TEST_F(AtomicWrite, KeepsTheOldFileWhicheverCallFails) {
  const auto old = bytes_of(5000, 8);
  write_atomically(path_, old);
  const auto fresh = bytes_of(100, 9);
  longest_write = 10;

  const auto expect_failure = [&](const std::string& message) {
    EXPECT_THAT([&] { write_atomically(path_, fresh); },
                ThrowsMessage<Error>(AllOf(HasSubstr("cannot write " + path_), HasSubstr(message))));
    expect_untouched(old);
  };
  for (int call = 0; call < 10; ++call) {
    write_fault = {.countdown = call, .reason = ENOSPC};
    expect_failure("No space left on device; free some room");
  }
  write_fault = {.countdown = 2, .reason = EIO};
  expect_failure("Input/output error; the storage reports a fault");
  fsync_fault = {.countdown = 0, .reason = EIO};
  expect_failure("Input/output error");
  read_fault = {.countdown = 0, .reason = EIO};
  expect_failure("Input/output error");
  close_fault = {.countdown = 0, .reason = EDQUOT};
  expect_failure("Disk quota exceeded; free some room");
  rename_fault = {.countdown = 0, .reason = EROFS};
  expect_failure("Read-only file system; choose a folder");
  corrupt_read = true;
  expect_failure("what was read back differs");
  corrupt_read = false;
  write_atomically(path_, fresh);
  expect_untouched(fresh);
}

TEST_F(AtomicWrite, LeavesNothingWhereThereWasNothing) {
  write_fault = {.countdown = 0, .reason = ENOSPC};
  EXPECT_THROW(write_atomically(path_, bytes_of(10, 1)), Error);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(AtomicWrite, SaysWhenTheFolderCouldNotBeSynchronised) {
  const auto fresh = bytes_of(100, 9);
  fsync_fault = {.countdown = 1, .reason = EIO};
  EXPECT_THROW(write_atomically(path_, fresh), Error);
  expect_untouched(fresh);                           // it may not survive a power failure, but it is complete
  fsync_fault = {.countdown = 1, .reason = EINVAL};  // a file system without this operation
  EXPECT_NO_THROW(write_atomically(path_, fresh));
}

TEST_F(AtomicWrite, IsNotHinderedByWhatAKilledProcessLeft) {
  const fs::path left = folder_ / (".result.h5." + std::to_string(::getpid()) + ".tmp");
  std::ofstream(left) << "half";
  const auto fresh = bytes_of(100, 10);
  check_writable(path_);
  write_atomically(path_, fresh);
  EXPECT_EQ(content(path_), fresh);
  EXPECT_THAT(names_in(folder_), testing::UnorderedElementsAre("result.h5", left.filename().string()));
}

TEST_F(AtomicWrite, TakesNamesAsLongAsTheFileSystemDoes) {
  const std::string longest(255, 'n');
  write_atomically((folder_ / longest).string(), bytes_of(10, 11));
  EXPECT_THAT(names_in(folder_), testing::ElementsAre(longest));
  EXPECT_THAT([&] { write_atomically((folder_ / (longest + "n")).string(), bytes_of(10, 11)); },
              ThrowsMessage<Error>(HasSubstr("File name too long; choose a shorter name")));
}

TEST_F(AtomicWrite, WritesThroughASymbolicLink) {
  fs::create_directory(folder_ / "scratch");
  const fs::path real = folder_ / "scratch" / "real.h5";
  write_atomically(real.string(), bytes_of(10, 12));
  fs::create_symlink(real, path_);
  write_atomically(path_, bytes_of(20, 13));
  EXPECT_TRUE(fs::is_symlink(path_));
  EXPECT_EQ(content(real), bytes_of(20, 13));
}

TEST_F(AtomicWrite, LeavesNoOpenDescriptor) {
  const auto open_descriptors = [] { return names_in("/proc/self/fd").size(); };
  const auto before = open_descriptors();
  write_atomically(path_, bytes_of(10, 14));
  write_fault = {.countdown = 0, .reason = ENOSPC};
  EXPECT_THROW(write_atomically(path_, bytes_of(10, 14)), Error);
  check_writable(path_);
  EXPECT_EQ(open_descriptors(), before);
}

/// Places where nobody can write a file, not even root.
TEST_F(AtomicWrite, RefusesUnusablePlacesBeforeAndAfterTheComputation) {
  const std::string plain = (folder_ / "plain").string();
  std::ofstream(plain) << "text";
  const std::string pipe = (folder_ / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const auto before = names_in(folder_);

  const auto refuses = [&](const std::string& path, const std::string& message) {
    EXPECT_THAT([&] { write_atomically(path, bytes_of(10, 15)); }, ThrowsMessage<Error>(HasSubstr(message))) << path;
    EXPECT_THAT([&] { check_writable(path); }, ThrowsMessage<Error>(HasSubstr(message))) << path;
  };
  refuses(plain + "/result.h5", "Not a directory");
  refuses((folder_ / "missing" / "result.h5").string(), "No such file or directory; create the folder first");
  refuses(folder_.string(), "Is a directory; name a file in it");
  refuses(folder_.string() + "/", "Is a directory; name a file in it");
  refuses("/proc/result.h5", "cannot write /proc/result.h5: ");
  refuses("/dev/null", "not a regular file");
  refuses(pipe, "not a regular file");
  refuses("", "without a name");
  EXPECT_EQ(names_in(folder_), before);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(AtomicWrite, TellsAPlaceThatHoldsNoFileFromOneThatCannotBeWritten) {
  const std::string plain = (folder_ / "plain").string();
  std::ofstream(plain) << "text";
  const fs::path link = folder_ / "link";
  const auto refuses = [&](const std::string& path, const std::string& message) {
    EXPECT_THAT([&] { require_place(path); }, ThrowsMessage<WrongPlace>(HasSubstr(message))) << path;
  };
  refuses(folder_.string(), "it is a folder; name a file in it");
  refuses("/dev/null", "it is not a regular file");
  refuses("", "without a name");
  refuses((folder_ / "missing" / "result.h5").string(), "there is no folder " + (folder_ / "missing").string());
  refuses(plain + "/result.h5", "there is no folder " + plain);
  refuses(path_ + "/", "there is no folder " + path_);
  for (const char* target : {"missing/result.h5", "."}) {  // relative to the folder of the link
    fs::create_symlink(target, link);
    refuses(link.string(), *target == '.' ? "it is a folder" : "there is no folder");
    fs::remove(link);
  }
  fs::create_symlink("result.h5", link);
  for (const auto& path : {path_, plain, link.string(), std::string("result.h5"), std::string("/proc/result.h5")})
    EXPECT_NO_THROW(require_place(path)) << path;
  fs::create_symlink("ring", folder_ / "ring");
  EXPECT_THROW(require_place((folder_ / "ring").string()), Error);
}

TEST_F(AtomicWrite, KeepsTheModeOfTheFile) {
  for (const mode_t mode : {0600U, 0640U, 0755U}) {
    std::ofstream(path_) << "old";
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    write_atomically(path_, bytes_of(10, 17));
    struct stat status {};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, mode);
  }
}

TEST_F(AtomicWrite, RefusesAReadOnlyFile) {
  std::ofstream(path_) << "precious";
  ASSERT_EQ(::chmod(path_.c_str(), 0444), 0);
  EXPECT_THAT([&] { write_atomically(path_, bytes_of(10, 18)); }, ThrowsMessage<Error>(HasSubstr("read-only")));
  EXPECT_THAT([&] { check_writable(path_); }, ThrowsMessage<Error>(HasSubstr("chmod u+w")));
  std::ifstream file(path_);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "precious");
}

TEST_F(AtomicWrite, FollowsALinkToAFileThatIsNotThereYet) {
  const fs::path real = folder_ / "real.h5";
  fs::create_symlink("real.h5", folder_ / "middle");  // relative to its own folder
  fs::create_symlink(folder_ / "middle", path_);
  write_atomically(path_, bytes_of(10, 19));
  EXPECT_TRUE(fs::is_symlink(path_));
  EXPECT_TRUE(fs::is_symlink(folder_ / "middle"));
  EXPECT_EQ(fs::file_size(real), 10U);
  EXPECT_FALSE(fs::is_symlink(real));
}

TEST_F(AtomicWrite, CheckLeavesNoTrace) {
  check_writable(path_);
  EXPECT_TRUE(fs::is_empty(folder_));
  write_atomically(path_, bytes_of(10, 16));
  check_writable(path_);
  expect_untouched(bytes_of(10, 16));
}

TEST_F(AtomicWrite, WriteOutputPutsTheImageInTheFile) {
  write_output(path_, sample::every_kind());
  expect_untouched(hdf5_image(sample::every_kind()));
}

}  // namespace
}  // namespace lindrift::io
