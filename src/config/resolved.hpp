#pragma once

#include <map>
#include <string>

#include "config/config.hpp"
#include "config/value.hpp"

namespace lindrift::config {

/// Grids as given, by the path of their key.
using Grids = std::map<std::string, Grid, std::less<>>;

/// The input with every default and --set filled in, as TOML that reads back as the same values, bit for bit.
std::string resolved_text(const Document& document, const Grids& grids);

}  // namespace lindrift::config
