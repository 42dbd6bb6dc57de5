#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>

#include "io/system.hpp"
#include "sweep/process_group.hpp"

/// What is finished and not yet in the output: one append-only file of each writer. A file is a header and records,
/// little-endian as the machines that this program runs on:
///
///   header   8 bytes "LDRFTJNL", u32 version, u32 0, u64 hash of the resolved input
///   record   u32 magic, u32 0, u64 point, u64 length, u64 XXH3 of the data with the point as seed, the data
///
/// A record is written by one call before append() returns: no death of a process loses it, and what a crash of the
/// machine leaves of the last ones is cut by whoever reads. A damaged record is left out, and what follows it is found
/// again.

namespace lindrift::sweep {

/// XXH3 with a seed.
std::uint64_t hash_of(std::span<const unsigned char> bytes, std::uint64_t seed = 0);
std::uint64_t hash_of(const std::string& text, std::uint64_t seed = 0);

class JournalWriter {
 public:
  /// The file is made with the first record.
  JournalWriter(std::string path, std::uint64_t input) : path_(std::move(path)), input_(input) {}
  /// What was not flushed may still be on its way to the disk.
  ~JournalWriter();
  JournalWriter(const JournalWriter&) = delete;
  JournalWriter& operator=(const JournalWriter&) = delete;

  /// Writes a record. It is on the disk, by one fdatasync, when this returns, if that costs less than a hundredth of
  /// the time that its point took; else a thread brings it there within some hundredths of a second while the next
  /// points are computed. After a failure the file ends with the record before.
  /// @param seconds  that the point took
  /// @throws Error naming the file, the system's reason and what to do; also for what the disk refused meanwhile
  void append(std::uint64_t point, std::span<const unsigned char> data, double seconds);

  /// Returns when everything is on the disk.
  /// @throws Error as append()
  void flush();

 private:
  void open();
  void synchronise();
  void wait_until_synchronised(std::unique_lock<std::mutex>& lock);

  std::string path_;
  std::uint64_t input_;
  io::Descriptor file_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t end_ = 0, synchronised_ = 0;  ///< bytes written, and known to be on the disk
  bool urgent_ = false, over_ = false;
  int refusal_ = 0;          ///< errno of a synchronisation
  double sync_time_ = 0.01;  ///< seconds that one takes, as far as is known
  std::thread thread_;
};

/// What was found in a journal besides whole records.
struct JournalReading {
  bool readable = true;  ///< false: not a journal of this version, or of another input than expected
  std::size_t records = 0;
  std::uint64_t damaged_bytes = 0;  ///< between whole records
  std::uint64_t torn_bytes = 0;     ///< after the last whole record
};

/// Calls take(point, data) for every whole record, in the order of the file.
/// @param input  hash of the resolved input that the header must bear
/// @throws Error if the file cannot be read
JournalReading read_journal(const std::string& path, std::uint64_t input,
                            const std::function<void(std::uint64_t, const Bytes&)>& take);

}  // namespace lindrift::sweep
