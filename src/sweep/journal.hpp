#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "io/system.hpp"
#include "sweep/process_group.hpp"

/// Finished points that are not yet in the output: one append-only file per writer, little-endian.
///
///   header   8 bytes "LDRFTJNL", u32 version, u32 0, u64 hash of the resolved input
///   record   u32 magic, u32 0, u64 point, u64 length, u64 XXH3 of the data with the point as seed, the data
///
/// A record is written before append() returns, so no record is lost when a process dies. A crash of the machine can
/// leave an incomplete or damaged record at the end; the reader stops there.

namespace lindrift::sweep {

/// XXH3 with a seed.
std::uint64_t hash_of(std::span<const unsigned char> bytes, std::uint64_t seed = 0);
std::uint64_t hash_of(const std::string& text, std::uint64_t seed = 0);

class JournalWriter {
 public:
  /// The file is created when the first record is written.
  JournalWriter(std::string path, std::uint64_t input) : path_(std::move(path)), input_(input) {}

  /// Writes a record. Calls fdatasync if that takes less than a hundredth of the time since the last call, so points
  /// that take a second or longer are on disk when this returns. After a failure the file ends with the previous
  /// record.
  /// @throws Error naming the file, the system's reason and what to do
  void append(std::uint64_t point, std::span<const unsigned char> data);

  /// Returns when everything is on disk.
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
  Clock::duration sync_time_ = std::chrono::milliseconds(10);  ///< of the last fdatasync; at first a guess
};

/// What read_journal() found.
struct JournalReading {
  bool readable = true;  ///< false: not a journal of this version, or one of another input
  std::size_t records = 0;
  std::uint64_t damaged_bytes = 0;  ///< from a damaged record to the end
  std::uint64_t torn_bytes = 0;     ///< of an incomplete record at the end
};

/// Calls take(point, data) for all whole records before the first damaged or incomplete one.
/// @param input  hash of the resolved input, which the header must contain
/// @throws Error if the file cannot be read
JournalReading read_journal(const std::string& path, std::uint64_t input,
                            const std::function<void(std::uint64_t, const Bytes&)>& take);

}  // namespace lindrift::sweep
