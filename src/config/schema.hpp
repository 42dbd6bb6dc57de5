#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace lindrift::config {

/// The key with this dotted path, or null.
const Key* find_key(std::string_view path, const std::vector<Key>& keys);

/// True if any key lies inside the table with this dotted path.
bool is_section(std::string_view path, const std::vector<Key>& keys);

/// "bath" for "bath.coupling"; empty for a key without a section.
std::string parent_of(std::string_view path);

/// "coupling" for "bath.coupling".
std::string leaf_of(std::string_view path);

/// The candidate that is most likely meant: one with this other common name, or with the closest spelling; or "".
std::string nearest_or_usual(std::string_view word, const std::vector<std::string>& candidates);

/// The key that was probably meant: a common or similar name in the same section, or else in another; otherwise "".
std::string suggest_key(std::string_view path, const std::vector<Key>& keys);

/// "bath.table_hash" for "bath.table": the key with a hash of the content that a key with file_path names.
std::string hash_path(std::string_view path);

/// The key "bath.jump_operator.N.scale" of a channel, if a path has this form.
struct ChannelScale {
  std::string channels;  ///< path of the channels
  std::size_t channel;   ///< N, from 0
};
std::optional<ChannelScale> channel_scale(std::string_view path);

/// The schema of a model and task, with model.kind, task.kind, the choices of output.fields and the hashes of tables
/// added.
Schema complete_schema(const Registry& registry, const std::string& model, const std::string& task);

Key kind_key(std::string path, std::vector<std::string> choices);

}  // namespace lindrift::config
