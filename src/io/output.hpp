#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "io/field.hpp"
#include "lindrift/error.hpp"

namespace lindrift::io {

using Attribute = std::variant<std::string, double, std::int64_t, std::uint8_t>;

/// A whole output file: coordinates (dimension scales), fields, and root attributes.
struct OutputFile {
  std::vector<Field> coordinates;
  std::vector<Field> fields;
  std::vector<std::pair<std::string, Attribute>> attributes;
};

/// Builds an HDF5 file in memory. Every dataset has its dimension scales attached, `units` and `long_name`; complex
/// numbers are the compound {r, i}, strings variable-length UTF-8. A dot in the name of a dataset or attribute has no
/// special meaning. Frees each field once it is written, so that large results are not held twice.
/// @throws Error if HDF5 reports one
std::vector<unsigned char> hdf5_image(OutputFile file);

/// Replaces a file so that `path` is always either absent, the old file, or the complete new one: writes a temporary
/// file in the same folder, fsync, reads it back and compares, renames it, fsync of the folder. The new file has the
/// mode of the old one, and symbolic links are followed. On failure the temporary file is removed.
/// @throws Error naming the path, the system's reason and what to do; also if the old file is read-only
void write_atomically(const std::string& path, const std::vector<unsigned char>& bytes);

/// No file can have the path that the user gave.
class WrongPlace : public Error {
 public:
  using Error::Error;
};

/// Checks that a path, or the symbolic link there, leads to a name in a folder that exists.
/// @throws WrongPlace if it names a folder, a device or a pipe, or a file in no folder; Error if it is a ring of links
void require_place(const std::string& path);

/// Checks before a long computation that write_atomically() can succeed. Leaves nothing behind.
/// @throws Error like write_atomically()
void check_writable(const std::string& path);

/// hdf5_image() and write_atomically().
void write_output(const std::string& path, OutputFile file);

}  // namespace lindrift::io
