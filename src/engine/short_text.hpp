#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

namespace lindrift {

/// A number for a message, to three digits, however small it is: std::to_string() turns most errors into 0.000000.
inline std::string short_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

/// "1 point", "2 points"; a plural that is not the singular with an s is given.
inline std::string counted(std::size_t count, const std::string& one, const std::string& several = "") {
  return std::to_string(count) + " " + (count == 1 ? one : several.empty() ? one + "s" : several);
}

/// Adds a part to a message, which keeps what it already says.
inline void add_to_message(std::string& message, const std::string& part) {
  if (!message.empty() && !part.empty()) message += "; ";
  message += part;
}

}  // namespace lindrift
