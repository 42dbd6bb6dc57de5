#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace lindrift::config {

inline constexpr std::size_t largest_input = std::size_t{16} << 20;  ///< bytes

/// Text that must not reach the parser.
struct Rejection {
  int line = 0;
  int column = 0;
  std::string message;
};

/// Length of the UTF-8 sequence that starts here, or 0 if it is invalid.
std::size_t utf8_length(std::string_view text, std::size_t at);

bool is_utf8(std::string_view text);

/// Finds input on which toml++ 3.3 would abort or overflow its stack instead of reporting an error. Expects no byte
/// order mark. O(size).
std::optional<Rejection> precheck(std::string_view text);

}  // namespace lindrift::config
