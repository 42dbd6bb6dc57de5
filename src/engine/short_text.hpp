#pragma once

#include <cstdio>
#include <string>

namespace lindrift {

/// A number for a message, to three digits, however small it is: std::to_string() turns most errors into 0.000000.
inline std::string short_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

}  // namespace lindrift
