#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/config.hpp"
#include "config/tree.hpp"

namespace lindrift::config {

inline constexpr std::int64_t most_grid_points = 100'000'000;

/// The value of a key, and the grid it was given as, if any.
struct Reading {
  Value value;
  std::optional<Grid> grid{};
};

/// Whether a long grid gets all its values, or only its ends: then its size can be checked before it takes memory.
enum class GridValues { all, ends };

/// Reads and checks a value: type, finiteness, range, choices, order.
/// @param name    the key's name in messages
/// @param folder  base folder of relative paths
/// @return nothing after an error, which goes to the reporter
std::optional<Reading> read_value(const Node& node, const Key& key, const std::string& name, const std::string& folder,
                                  Reporter& reporter, GridValues extent = GridValues::all);

/// Reads the list or grid of a swept key; every value is checked like a value of the key.
std::optional<AxisValues> read_axis(const Node& node, const Key& key, const std::string& name, Reporter& reporter);

}  // namespace lindrift::config
