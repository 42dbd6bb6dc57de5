#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "io/field.hpp"

namespace lindrift::io {

using Attribute = std::variant<std::string, double, std::int64_t, std::uint8_t>;

/// A whole output file: coordinates (dimension scales), fields, and root attributes.
struct OutputFile {
  std::vector<Field> coordinates;
  std::vector<Field> fields;
  std::vector<std::pair<std::string, Attribute>> attributes;
};

/// Builds an HDF5 file in memory: every dataset with its dimension scales attached, `units` and `long_name`; complex
/// numbers as the compound {r, i}; strings variable-length UTF-8. Datasets and attributes named with a dot are plain
/// names.
/// @throws Error if HDF5 refuses
std::vector<unsigned char> hdf5_image(const OutputFile& file);

/// Replaces a file so that `path` is at every moment absent, the old file, or the whole new one: a temporary file in
/// the same folder, write, fsync, read back and compare, rename, fsync of the folder. The new file has the mode of the
/// old one, and symbolic links are followed. On failure the temporary file is removed.
/// @throws Error naming the path, the system's reason and what to do; also where the old file is read-only
void write_atomically(const std::string& path, const std::vector<unsigned char>& bytes);

/// Checks before a long computation that write_atomically() could work. Leaves nothing behind.
/// @throws Error as write_atomically() would
void check_writable(const std::string& path);

/// hdf5_image() and write_atomically().
void write_output(const std::string& path, const OutputFile& file);

}  // namespace lindrift::io
