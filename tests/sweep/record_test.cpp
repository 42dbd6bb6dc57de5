#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "lindrift/error.hpp"
#include "sweep/record.hpp"

namespace lindrift::sweep {
namespace {

using Complex = std::complex<double>;

/// A quiet NaN with an unusual payload, which must be preserved.
const double odd_nan = std::bit_cast<double>(std::uint64_t{0x7FF8'0000'DEAD'BEEF});

Record every_kind() {
  Record record;
  record.point = 123'456'789'012;
  record.status = Status::not_converged;
  record.message = "no balance: \"quoted\"\n\tand \xC3\xA9";
  record.seconds = 0.1;
  record.data = {std::vector<double>{1.0, -0.0, odd_nan, std::numeric_limits<double>::infinity(), 5e-324},
                 std::vector<Complex>{{0.5, -0.25}, {odd_nan, -0.0}},
                 std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::min(), 0, 7},
                 std::vector<std::uint8_t>{0, 1, 255}, std::vector<std::string>{"", "up", std::string("a\0b", 3)}};
  record.summary = {{"current", odd_nan}, {"", 1e300}};
  return record;
}

Record nothing_in_it() {
  Record record;
  record.status = Status::failed;
  record.data = {std::vector<double>{}, std::vector<Complex>{}, std::vector<std::int64_t>{},
                 std::vector<std::uint8_t>{}, std::vector<std::string>{}};
  return record;
}

bool same_bits(double left, double right) {
  return std::bit_cast<std::uint64_t>(left) == std::bit_cast<std::uint64_t>(right);
}

TEST(Record, KeepsEveryKindOfData) {
  const Record record = every_kind();
  const Record copy = decode(encode(record));
  EXPECT_EQ(copy.point, record.point);
  EXPECT_EQ(copy.status, record.status);
  EXPECT_EQ(copy.message, record.message);
  EXPECT_EQ(copy.seconds, record.seconds);
  ASSERT_EQ(copy.data.size(), record.data.size());
  const auto& reals = std::get<std::vector<double>>(copy.data[0]);
  for (std::size_t i = 0; i < reals.size(); ++i)
    EXPECT_TRUE(same_bits(reals[i], std::get<std::vector<double>>(record.data[0])[i])) << i;
  const auto& complexes = std::get<std::vector<Complex>>(copy.data[1]);
  ASSERT_EQ(complexes.size(), 2U);
  EXPECT_EQ(complexes[0], Complex(0.5, -0.25));
  EXPECT_TRUE(same_bits(complexes[1].real(), odd_nan));
  EXPECT_TRUE(same_bits(complexes[1].imag(), -0.0));
  for (const std::size_t kind : {2, 3, 4}) EXPECT_EQ(copy.data[kind], record.data[kind]) << kind;
  ASSERT_EQ(copy.summary.size(), 2U);
  EXPECT_EQ(copy.summary[0].first, "current");
  EXPECT_TRUE(same_bits(copy.summary[0].second, odd_nan));
  EXPECT_EQ(copy.summary[1], record.summary[1]);
  EXPECT_EQ(encode(copy), encode(record));
}

TEST(Record, KeepsEmptyData) {
  Record bare;
  bare.status = Status::done;
  for (const Record& record : {nothing_in_it(), bare}) {
    const Record copy = decode(encode(record));
    EXPECT_EQ(copy.data, record.data);
    EXPECT_TRUE(copy.message.empty());
    EXPECT_TRUE(copy.summary.empty());
  }
}

TEST(Record, RefusesEveryTruncation) {
  for (const Record& record : {every_kind(), nothing_in_it()}) {
    const Bytes bytes = encode(record);
    for (std::size_t length = 0; length < bytes.size(); ++length)
      EXPECT_THROW(decode(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length))), Error) << length;
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_THROW(decode(longer), Error);
  }
}

/// Whatever can still be read as a record encodes to the same bytes; everything else throws. Nothing reads beyond the
/// bytes: the sanitizers would notice.
void expect_sound(const Bytes& bytes) {
  try {
    EXPECT_EQ(encode(decode(bytes)), bytes);
  } catch (const Error&) {
  }
}

TEST(Record, SurvivesFlippedBits) {
  const Bytes bytes = encode(every_kind());
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    Bytes flipped = bytes;
    flipped[bit / 8] = static_cast<unsigned char>(flipped[bit / 8] ^ (1U << bit % 8));
    expect_sound(flipped);
  }
  std::mt19937 random(3);
  for (int round = 0; round < 20000; ++round) {
    Bytes junk = bytes;
    for (int i = 0; i < 4; ++i) junk[random() % junk.size()] = static_cast<unsigned char>(random());
    expect_sound(junk);
  }
}

TEST(Record, RefusesAStatusThatNoPointHas) {
  Bytes bytes = encode(every_kind());
  for (const int status : {0, 4, 255}) {
    bytes[sizeof(std::uint64_t)] = static_cast<unsigned char>(status);
    EXPECT_THROW(decode(bytes), Error) << status;
  }
}

}  // namespace
}  // namespace lindrift::sweep
