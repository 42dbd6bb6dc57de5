#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace lindrift::io {

/// A two-dimensional dataset of real numbers, in C order.
struct Matrix {
  std::size_t rows = 0, columns = 0;
  std::vector<double> values;
};

/// Reads "FILE.h5:/path/to/dataset".
/// @throws Error saying what is wrong: no such file, not HDF5, no such dataset, not a matrix of numbers, too large
Matrix read_matrix(const std::string& location);

}  // namespace lindrift::io
