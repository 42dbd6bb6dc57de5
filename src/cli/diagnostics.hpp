#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "io/output.hpp"

namespace lindrift::cli {

/// Root attributes of an output that follow from the parameters; those that vary over the sweep are NaN.
std::vector<std::pair<std::string, io::Attribute>> diagnostics(const config::Document& document);

}  // namespace lindrift::cli
