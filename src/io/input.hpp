#pragma once

#include <complex>
#include <cstddef>
#include <string>
#include <vector>

namespace lindrift::io {

struct Shape {
  std::size_t rows = 0, columns = 0;
};

/// A two-dimensional dataset in C order.
template <class Number>
struct Table {
  std::size_t rows = 0, columns = 0;
  std::vector<Number> values;
};
using Matrix = Table<double>;
using ComplexMatrix = Table<std::complex<double>>;

/// Reads real numbers from "FILE.h5:/path/to/dataset".
/// @throws Error that says what is wrong: no such file, not HDF5, no such dataset, not a matrix of numbers, too large
Matrix read_matrix(const std::string& location);

/// The same for complex numbers, stored as h5py's compound {r, i} of floating-point numbers, or for real ones.
ComplexMatrix read_complex_matrix(const std::string& location);

/// The shape of such a dataset, without its numbers.
/// @throws Error like read_complex_matrix()
Shape matrix_shape(const std::string& location);

/// 16 hexadecimal digits that identify the shape and the numbers of a matrix, real or complex, independent of how they
/// are stored. Holds one row at a time in memory.
/// @throws Error like read_complex_matrix()
std::string content_hash(const std::string& location);

/// Hash of the bytes of a file, of which it holds a part at a time in memory.
/// @throws Error if it cannot be read
std::string file_hash(const std::string& path);

}  // namespace lindrift::io
