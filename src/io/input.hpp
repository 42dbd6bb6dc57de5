#pragma once

#include <complex>
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

/// A two-dimensional dataset of complex numbers, in C order.
struct ComplexMatrix {
  std::size_t rows = 0, columns = 0;
  std::vector<std::complex<double>> values;
};

/// The same of complex numbers, the compound {r, i} of floating-point numbers that h5py writes, or of real ones.
ComplexMatrix read_complex_matrix(const std::string& location);

}  // namespace lindrift::io
