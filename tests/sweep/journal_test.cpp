#include "sweep/journal.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
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
    for (std::size_t point = 0; point < records; ++point) writer.append(point, data_of(point));
    writer.flush();
    return path;
  }
  /// Reads a journal and checks that every record equals one that was written.
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

TEST_F(JournalTest, HoldsARecordAsSoonAsItIsAppended) {
  const std::string path = folder_ / "growing";
  JournalWriter writer(path, 77);
  JournalReading reading;
  for (std::size_t point = 0; point < 5; ++point) {
    writer.append(point, data_of(point));
    EXPECT_EQ(read(path, reading).size(), point + 1);
  }
}

TEST_F(JournalTest, CutsATornTailWhereverItIsTorn) {
  const std::string whole = content(written(4));
  std::size_t last = 0;
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    JournalReading reading;
    const auto found = read(file_with(whole.substr(0, length)), reading);
    EXPECT_GE(found.size(), last);  // a longer file never contains fewer records
    last = found.size();
    EXPECT_TRUE(reading.readable);
    EXPECT_EQ(reading.damaged_bytes, 0U);
  }
  EXPECT_EQ(last, 4U);
}

/// Damage loses the rest of its file, is counted, and never yields a wrong record.
TEST_F(JournalTest, EndsAtADamagedRecord) {
  const std::string whole = content(written(5));
  constexpr std::size_t header = 24;
  std::vector<std::size_t> ends = {header};
  for (std::size_t point = 0; point < 5; ++point) ends.push_back(ends.back() + 32 + data_of(point).size());
  ASSERT_EQ(ends.back(), whole.size());
  for (std::size_t place = header; place < whole.size(); ++place)
    for (const unsigned bit : {0U, 6U}) {
      std::string spoilt = whole;
      spoilt[place] = static_cast<char>(spoilt[place] ^ static_cast<char>(1U << bit));
      JournalReading reading;
      const std::size_t found = read(file_with(spoilt), reading).size();
      if (found == 5) continue;  // four bytes of a record's head have no meaning
      const auto damaged =
          static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), place) - ends.begin()) - 1;
      EXPECT_EQ(found, damaged) << "bit " << bit << " of byte " << place;
      EXPECT_EQ(reading.damaged_bytes + reading.torn_bytes, whole.size() - ends[damaged]);
    }
}

/// A disk that fills up in the middle of a record and then has space again: no part of the failed record remains.
TEST_F(JournalTest, GoesOnAfterAFailedWrite) {
  const std::string path = folder_ / "limited";
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  JournalWriter writer(path, 77);
  writer.append(0, data_of(0));
  rlimit limit = before;
  limit.rlim_cur = 24 + 32 + data_of(0).size() + 40;  // the head of the next record, and some of its data
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  EXPECT_THROW(writer.append(1, data_of(1)), Error);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);
  writer.append(2, data_of(2));
  JournalReading reading;
  const auto found = read(path, reading);
  EXPECT_EQ(found.size(), 2U);
  EXPECT_EQ(found.count(2), 1U);
  EXPECT_EQ(reading.damaged_bytes + reading.torn_bytes, 0U);
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
  EXPECT_THROW(other.append(0, data_of(0)), Error);
  JournalReading reading;
  EXPECT_EQ(read(path, reading).size(), 1U);
}

}  // namespace
}  // namespace lindrift::sweep
