#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/key.hpp"
#include "config/tree.hpp"

namespace lindrift::config {

/// Shortest text that reads back as the same double, always with '.' or 'e'.
std::string format_real(double value);

/// A TOML basic string, quotes included.
std::string quote(std::string_view text);

/// quote() for messages, truncated to about 60 characters.
std::string quote_short(std::string_view text);

/// A key as TOML, without quotes if possible.
std::string format_key(std::string_view key);

/// A value as TOML for messages, truncated to about 60 characters.
std::string show(const Node& node);
std::string show(const Value& value);

/// Terms of one jump operator as TOML: [[0, 1, -1.0, -0.5], ...].
std::string format_terms(const std::vector<Term>& terms);

/// A value as TOML, not truncated.
std::string format_value(const Value& value);

/// The same, with an empty list written as the key's word for it.
std::string format_value(const Value& value, const Key& key);

/// "raman", "operators" or "table"
std::string format_choices(const std::vector<std::string>& choices);

/// " (help of the key)", or nothing.
std::string format_help(const Key& key);

}  // namespace lindrift::config
