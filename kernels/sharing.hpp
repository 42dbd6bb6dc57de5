#pragma once

#include <cstdint>

namespace lindrift::kernels {

/// lindrift::Team as the engines see it: this process computes some blocks of a sum, and then everyone gets all of
/// them.
class Sharing {
 public:
  virtual ~Sharing();
  /// Items [first, last) of `count` that are this process's own: whole blocks of `block` items.
  virtual void own(std::int64_t count, std::int64_t block, std::int64_t& first, std::int64_t& last) const = 0;
  /// Completes an array on the host, `width` doubles for each of `count` items, of which everyone has written their
  /// own.
  virtual void gather(double* values, std::int64_t count, std::int64_t block, std::int64_t width) const = 0;
};

/// Rows that are shared together, and the least number of rows worth the exchange: 512 rows squared take some 20
/// microseconds, as an exchange inside a machine does.
inline constexpr std::int64_t shared_row_block = 64, min_shared_rows = 512;

}  // namespace lindrift::kernels
