#pragma once

#include <string>
#include <vector>

#include "lindrift/error.hpp"

namespace lindrift::config {

/// Where a value comes from: a line and column of the input file, a --set option, or neither.
struct Location {
  std::string file;  ///< as given on the command line
  int line = 0;      ///< 1-based; 0: not in the file
  int column = 0;
  std::string set_key{};  ///< nonempty: the value came from `--set KEY=...`
};

/// One error in the input.
struct Diagnostic {
  Location where;
  std::string message;  ///< "bath.coupling = -1: must be >= 0"

  /// "INPUT.toml:12:9: error: message", "INPUT.toml: error: message" or "--set KEY: error: message".
  std::string text() const;
};

/// The input is wrong: the program prints every diagnostic and exits with 2.
class InputError : public Error {
 public:
  explicit InputError(std::vector<Diagnostic> diagnostics);
  const std::vector<Diagnostic>& diagnostics() const noexcept { return diagnostics_; }

 private:
  std::vector<Diagnostic> diagnostics_;
};

}  // namespace lindrift::config
