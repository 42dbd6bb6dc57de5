#pragma once

#include <map>
#include <string>

#include "io/output.hpp"

namespace lindrift::io {

/// A file that the user named is no result of this program, or cannot be read. A usage error.
class NotAResult : public Error {
 public:
  using Error::Error;
};

/// The contents of an output file.
struct StoredOutput {
  std::string path;
  std::map<std::string, Data> datasets;  ///< by name, without shapes
  std::map<std::string, Attribute> attributes;
};

/// Reads every dataset and attribute of the root group whose type write_output() writes.
/// @throws NotAResult naming the file if it does not exist or is not such a file
StoredOutput read_output(const std::string& path);

}  // namespace lindrift::io
