#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace lindrift::config {

/// The key of this dotted path, or null.
const Key* find_key(std::string_view path, const std::vector<Key>& keys);

/// True if some key lies inside the table of this dotted path.
bool is_section(std::string_view path, const std::vector<Key>& keys);

/// "bath" for "bath.coupling"; empty for a key without a section.
std::string parent_of(std::string_view path);

/// "coupling" for "bath.coupling".
std::string leaf_of(std::string_view path);

/// The key that was probably meant: a similar name in the same section, or the same name in another; else "".
std::string suggest_key(std::string_view path, const std::vector<Key>& keys);

/// The schema of a model and task, completed by model.kind, task.kind and the choices of output.fields.
Schema complete_schema(const Registry& registry, const std::string& model, const std::string& task);

Key kind_key(std::string path, std::vector<std::string> choices);

}  // namespace lindrift::config
