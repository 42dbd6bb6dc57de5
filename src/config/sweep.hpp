#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/tree.hpp"
#include "config/value.hpp"

namespace lindrift::config {

inline constexpr std::size_t most_points = 1'000'000'000;
/// Memory for the status, the message and the summary of a point, in bytes.
inline constexpr double bytes_of_status = 850.0;

/// One key of [sweep], not yet read.
struct SweepEntry {
  std::string path;  ///< of the swept key
  std::string name;  ///< its name in messages: sweep."bath.coupling"
  Place place;       ///< of the key in [sweep]
  const Node* node;
  Place order{};  ///< first occurrence of the key
};

/// Keys of [sweep] in the order of the file; a --set of a key keeps its position. `bath.coupling` and `"bath.coupling"`
/// are the same key.
std::vector<SweepEntry> sweep_entries(const Table& table, const std::vector<Key>& keys, Reporter& reporter);

/// A swept value as real numbers, for comparing: real and imaginary part, entries of a list. -0 becomes 0.
std::vector<double> numbers_of(const Value& value);

/// [sweep], checked except for the conditions of its keys.
struct SweepReading {
  Sweep sweep;
  std::size_t points = 1;                          ///< also where long grids have no values yet
  std::map<std::string, Grid, std::less<>> grids;  ///< axes given as { start, stop, count }
  bool complete = true;                            ///< false if there were errors
  std::vector<std::string> warnings{};
};

SweepReading read_sweep(const Table& table, const std::vector<SweepEntry>& entries, const std::vector<Key>& keys,
                        Reporter& reporter, GridValues extent);

}  // namespace lindrift::config
