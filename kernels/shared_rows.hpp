#pragma once

#include <cstdint>

namespace lindrift {
class Communicator;
}

namespace lindrift::kernels {

/// A Communicator as the engines use it. Both functions are compiled once, outside the variants of the kernels.

/// Items [first, last) of `count` that this rank computes: whole blocks of `block` items.
void own_items(const Communicator& communicator, std::int64_t count, std::int64_t block, std::int64_t& first,
               std::int64_t& last);

/// Completes an array on the host, `width` doubles for each of `count` items, of which every rank has written its own.
void gather_items(Communicator& communicator, double* values, std::int64_t count, std::int64_t block,
                  std::int64_t width);

/// Rows that are shared together, and the least number of rows worth the exchange: 512 rows squared take some 20
/// microseconds, as an exchange inside a machine does.
inline constexpr std::int64_t shared_row_block = 64, min_shared_rows = 512;

}  // namespace lindrift::kernels
