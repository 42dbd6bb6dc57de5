#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "io/field.hpp"
#include "sweep/process_group.hpp"

namespace lindrift::sweep {

/// What became of a point; these numbers are written to the output file.
enum class Status : std::uint8_t { missing = 0, done = 1, failed = 2, not_converged = 3 };

/// One finished point, as stored.
struct Record {
  std::uint64_t point = 0;
  Status status = Status::missing;
  std::string message{};
  double seconds = 0.0;
  std::string backend{}, backend_reason{}, algorithm{}, algorithm_reason{};
  std::vector<io::Data> data{};  ///< one per kept field, in the order of the task's; empty if the point failed
  std::vector<std::pair<std::string, double>> summary{};
};

/// Bytes from which decode() restores the same record, bit for bit, on a machine of the same byte order.
Bytes encode(const Record& record);

/// @throws Error if the bytes are not a whole record
Record decode(const Bytes& bytes);

}  // namespace lindrift::sweep
