#pragma once

#include <cstdio>
#include <string>

namespace lindrift {

/// A number in a message, to three digits, however small: std::to_string() makes 0.000000 of most errors.
inline std::string short_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

}  // namespace lindrift
