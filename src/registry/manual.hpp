#pragma once

#include <string>

#include "lindrift/description.hpp"

namespace lindrift {

/// The default of a parameter as an input would have it, or what takes its place, or "required".
std::string default_text(const Parameter& key);

/// The tables of keys in docs/input.md, one for each section and set of models and tasks that share it.
std::string key_tables();

/// The table of datasets there.
std::string dataset_table();

}  // namespace lindrift
