#pragma once

#include <cstdint>

namespace lindrift {
class Communicator;
}

namespace lindrift::kernels {

/// The engines' view of a Communicator. Both functions are compiled once, outside the variants of the kernels.

/// Items [first, last) of `count` that this rank computes: whole blocks of `block` items.
void own_items(const Communicator& communicator, std::int64_t count, std::int64_t block, std::int64_t& first,
               std::int64_t& last);

/// Completes a host array of `width` doubles for each of `count` items, of which every rank has written its own.
void gather_items(Communicator& communicator, double* values, std::int64_t count, std::int64_t block,
                  std::int64_t width);

/// Block of rows assigned to a rank, and the smallest number of rows worth an exchange: 512 rows squared take about 20
/// microseconds, as long as an exchange within a machine.
inline constexpr std::int64_t shared_row_block = 64, min_shared_rows = 512;

}  // namespace lindrift::kernels
