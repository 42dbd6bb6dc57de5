#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "io/system.hpp"
#include "sweep/process_group.hpp"

/// Finished points that are not in the output yet: one append-only file per writer, little-endian.
///
///   header   8 bytes "LDRFTJNL", u32 version, u32 0, u64 hash of the resolved input
///   record   u32 magic, u32 0, u64 point, u64 length, u64 XXH3 of the data with the point as seed, the data
///
/// A record is written before append() returns, so the death of a process loses none. A crash of the machine can leave
/// an incomplete record at the end, or a damaged one; the reader stops there.

namespace lindrift::sweep {

/// XXH3 with a seed.
std::uint64_t hash_of(std::span<const unsigned char> bytes, std::uint64_t seed = 0);
std::uint64_t hash_of(const std::string& text, std::uint64_t seed = 0);

class JournalWriter {
 public:
  /// The file is created with the first record.
  JournalWriter(std::string path, std::uint64_t input) : path_(std::move(path)), input_(input) {}

  /// Writes a record. Calls fdatasync when that takes less than a hundredth of the time since the last call, so points
  /// that last a second or longer are on the disk when this returns. After a failure the file ends with the record
  /// before.
  /// @throws Error naming the file, the system's reason and what to do
  void append(std::uint64_t point, std::span<const unsigned char> data);

  /// Returns when everything is on the disk.
  /// @throws Error as append()
  void flush();

 private:
  using Clock = std::chrono::steady_clock;
  void create();

  std::string path_;
  std::uint64_t input_, end_ = 0;  ///< end_: bytes written
  io::Descriptor file_;
  bool in_folder_ = false, synchronised_ = true;
  Clock::time_point last_sync_ = Clock::now();
  Clock::duration sync_time_ = std::chrono::milliseconds(10);  ///< of the last fdatasync; a guess before the first
};

/// What a journal holds besides whole records.
struct JournalReading {
  bool readable = true;  ///< false: not a journal of this version, or of another input than expected
  std::size_t records = 0;
  std::uint64_t damaged_bytes = 0;  ///< from a damaged record to the end
  std::uint64_t torn_bytes = 0;     ///< of an incomplete record at the end
};

/// Calls take(point, data) for the whole records up to the first damaged or incomplete one.
/// @param input  hash of the resolved input that the header must bear
/// @throws Error if the file cannot be read
JournalReading read_journal(const std::string& path, std::uint64_t input,
                            const std::function<void(std::uint64_t, const Bytes&)>& take);

}  // namespace lindrift::sweep
