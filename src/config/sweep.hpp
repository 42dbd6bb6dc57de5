#pragma once

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/tree.hpp"
#include "config/value.hpp"

namespace lindrift::config {

inline constexpr std::size_t most_points = 1'000'000'000;
/// Memory for the status, the message and the summary of a point, in bytes.
inline constexpr double bytes_of_status = 115.0;

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

/// Values of one dimension of a sweep, an axis or all axes of a zip, as rows of real numbers: real and imaginary parts,
/// entries of lists. -0 becomes 0.
struct Rows {
  std::size_t columns = 0;
  std::vector<double> numbers{};

  std::size_t size() const { return numbers.size() / columns; }
  std::span<const double> operator[](std::size_t i) const { return {numbers.data() + i * columns, columns}; }
};
Rows rows_of(std::span<const Axis> axes);

/// Numbers of the rows in ascending order, equal ones in the order in which they stand.
std::vector<std::size_t> sorted(const Rows& rows);

inline constexpr double few_ulps = 4.0 * std::numeric_limits<double>::epsilon();

/// Whether two numbers are the same up to rounding: within few_ulps of `scale`, their own size or the largest number
/// of a list. Two small numbers of a list must also be close to each other: 1e-20 and 1e-19 beside 1 are not the same.
bool same_number(double one, double other, double scale);

/// [sweep], checked except for the conditions of its keys.
struct SweepReading {
  Sweep sweep;
  bool complete = true;  ///< false if there were errors
  std::vector<std::string> warnings{};
};

SweepReading read_sweep(const Table& table, const std::vector<SweepEntry>& entries, const std::vector<Key>& keys,
                        Reporter& reporter);

}  // namespace lindrift::config
