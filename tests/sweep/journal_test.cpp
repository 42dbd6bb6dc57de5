#include "sweep/journal.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "lindrift/error.hpp"

namespace lindrift::sweep {
namespace {

namespace fs = std::filesystem;

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    std::string name = (fs::temp_directory_path() / "lindrift-journal-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~JournalTest() override { fs::remove_all(folder_); }

  static Bytes data_of(std::size_t point) {
    std::mt19937 random(static_cast<unsigned>(point));
    Bytes bytes(20 + point % 7 * 11);
    for (auto& byte : bytes) byte = static_cast<unsigned char>(random());
    return bytes;
  }
  std::string written(std::size_t records) {
    const std::string path = folder_ / std::to_string(records);
    JournalWriter writer(path, 77);
    for (std::size_t point = 0; point < records; ++point) writer.append(point, data_of(point), 0.0);
    writer.flush();
    return path;
  }
  /// Reads a journal; what it gives must be what was written, with none invented.
  static std::map<std::size_t, int> read(const std::string& path, JournalReading& reading) {
    std::map<std::size_t, int> found;
    reading = read_journal(path, 77, [&](std::uint64_t point, const Bytes& data) {
      EXPECT_EQ(data, data_of(static_cast<std::size_t>(point)));
      ++found[static_cast<std::size_t>(point)];
    });
    return found;
  }
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string file_with(const std::string& bytes) {
    const std::string path = folder_ / "spoilt";
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

  fs::path folder_;
};

TEST_F(JournalTest, GivesBackWhatWasWritten) {
  JournalReading reading;
  EXPECT_EQ(read(written(9), reading).size(), 9U);
  EXPECT_EQ(reading.records, 9U);
  EXPECT_EQ(reading.torn_bytes + reading.damaged_bytes, 0U);
}

TEST_F(JournalTest, SynchronisesAtOnceWhereThatIsCheap) {
  const std::string path = folder_ / "slow";
  JournalWriter writer(path, 77);
  for (std::size_t point = 0; point < 5; ++point) writer.append(point, data_of(point), 1e6);
  JournalReading reading;
  EXPECT_EQ(read(path, reading).size(), 5U);
}

TEST_F(JournalTest, CutsATornTailWhereverItIsTorn) {
  const std::string whole = content(written(4));
  std::size_t last = 0;
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    JournalReading reading;
    const auto found = read(file_with(whole.substr(0, length)), reading);
    EXPECT_GE(found.size(), last);  // a longer file never holds fewer records
    last = found.size();
    EXPECT_TRUE(reading.readable);
    EXPECT_EQ(reading.damaged_bytes, 0U);
  }
  EXPECT_EQ(last, 4U);
}

TEST_F(JournalTest, LeavesOutADamagedRecordAndKeepsTheOthers) {
  const std::string whole = content(written(5));
  constexpr std::size_t header = 24;
  for (std::size_t place = header; place < whole.size(); ++place)
    for (const unsigned bit : {0U, 6U}) {
      std::string spoilt = whole;
      spoilt[place] = static_cast<char>(spoilt[place] ^ static_cast<char>(1U << bit));
      JournalReading reading;
      const auto found = read(file_with(spoilt), reading);
      const bool reserved = found.size() == 5;  // four bytes of a record's head mean nothing
      if (!reserved) {
        EXPECT_EQ(found.size(), 4U) << "bit " << bit << " of byte " << place;
        EXPECT_GT(reading.damaged_bytes + reading.torn_bytes, 0U);
      }
    }
}

TEST_F(JournalTest, RefusesOtherInputsAndOtherFiles) {
  const std::string path = written(2);
  const auto nothing = [](std::uint64_t, const Bytes&) { FAIL() << "a record was given"; };
  EXPECT_FALSE(read_journal(path, 78, nothing).readable);
  EXPECT_FALSE(read_journal(file_with(std::string(100, 'x')), 77, nothing).readable);
  EXPECT_THROW(read_journal(folder_ / "missing", 77, nothing), Error);
}

TEST_F(JournalTest, NeverWritesIntoAFileThatIsThere) {
  const std::string path = written(1);
  JournalWriter other(path, 77);
  EXPECT_THROW(other.append(0, data_of(0), 0.0), Error);
  JournalReading reading;
  EXPECT_EQ(read(path, reading).size(), 1U);
}

}  // namespace
}  // namespace lindrift::sweep
