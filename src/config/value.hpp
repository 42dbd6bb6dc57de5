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

/// What was read for a key.
struct Reading {
  Value value;
  std::optional<Grid> grid{};
};

/// Reads the value of a key in full: type, finiteness, range, choices, order.
/// @param name    how messages call the key
/// @param folder  what relative paths are relative to
/// @return nothing if it was wrong; then the reporter knows why
std::optional<Reading> read_value(const Node& node, const Key& key, const std::string& name, const std::string& folder,
                                  Reporter& reporter);

/// Reads the list or grid that a real or complex key takes in a sweep; every value is checked as the key's own.
/// @param[out] grid  set if it was given as { start, stop, count }
std::optional<std::vector<Value>> read_axis(const Node& node, const Key& key, const std::string& name,
                                            std::optional<Grid>& grid, Reporter& reporter);

}  // namespace lindrift::config
