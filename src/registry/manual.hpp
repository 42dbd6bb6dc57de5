#pragma once

#include <string>

#include "lindrift/description.hpp"

namespace lindrift {

/// The default of a parameter as written in an input, or the text for a derived one, or "required".
std::string default_text(const Parameter& key);

/// The tables of keys in docs/input.md, one for each section and each set of models and tasks that share it.
std::string key_tables();

/// The table of datasets in docs/input.md.
std::string dataset_table();

}  // namespace lindrift
