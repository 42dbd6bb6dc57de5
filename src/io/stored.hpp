#pragma once

#include <map>
#include <string>

#include "io/output.hpp"

namespace lindrift::io {

/// The contents of an output file.
struct StoredOutput {
  std::map<std::string, Data> datasets;  ///< by name, without shapes
  std::map<std::string, Attribute> attributes;
};

/// Reads every dataset and attribute of the root whose type write_output() makes.
/// @throws Error naming the file if it is not there, or not such a file
StoredOutput read_output(const std::string& path);

}  // namespace lindrift::io
