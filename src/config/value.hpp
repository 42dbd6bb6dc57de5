#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/key.hpp"
#include "config/tree.hpp"

namespace lindrift::config {

inline constexpr std::int64_t most_grid_points = 100'000'000;

/// { start, stop, count } as given; long grids are written back in this form.
struct Grid {
  double start = 0.0;
  double stop = 0.0;
  std::int64_t count = 0;
};

/// The value of a key, and the grid that it was given as.
struct Reading {
  Value value;
  std::optional<Grid> grid{};
};

/// Reads and checks a value: type, finiteness, range, choices, order.
/// @param name    the key in messages
/// @param folder  base of relative paths
/// @return nothing after an error, which goes to the reporter
std::optional<Reading> read_value(const Node& node, const Key& key, const std::string& name, const std::string& folder,
                                  Reporter& reporter);

/// Reads the list or grid of a swept key; every value is checked like a value of the key.
/// @param[out] grid  set if it was given as { start, stop, count }
std::optional<std::vector<Value>> read_axis(const Node& node, const Key& key, const std::string& name,
                                            std::optional<Grid>& grid, Reporter& reporter);

}  // namespace lindrift::config
