#pragma once

#include <complex>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace lindrift::io {

using Data = std::variant<std::vector<double>, std::vector<std::complex<double>>, std::vector<std::int64_t>,
                          std::vector<std::uint8_t>, std::vector<std::string>>;

/// A named array with named dimensions, in C order: a dataset of the output file.
struct Field {
  std::string name;                     ///< HDF5 dataset name
  std::vector<std::string> dimensions;  ///< names of coordinate fields, outermost first; empty for a scalar
  std::vector<std::size_t> shape;       ///< one length per dimension
  Data data;                            ///< as many elements as the product of the shape
  std::string units;                    ///< "1" if dimensionless
  std::string long_name;                ///< description, for an axis label
};

/// The result of one point of a run. A coordinate is a field whose only dimension has its own name.
struct Result {
  std::vector<Field> coordinates;
  std::vector<Field> fields;
  bool converged = true;
  bool stopped = false;          ///< stopped early; the values it holds are right
  std::string message;           ///< why it did not converge, or a warning
  std::string backend;           ///< as resolved
  std::string backend_reason;    ///< why
  std::string algorithm;         ///< as resolved
  std::string algorithm_reason;  ///< why
  /// Scalars for the summary on stdout, in order.
  std::vector<std::pair<std::string, double>> summary;
};

}  // namespace lindrift::io
