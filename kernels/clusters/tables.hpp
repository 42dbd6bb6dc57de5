#pragma once

#include <cstdint>

namespace lindrift::kernels {

/// What thread blocks compute with sparse matrices A and vectors b of their own.
enum class ClusterWork {
  linear,       ///< solve (A + b w) x = b, where the row w is the first probe
  frequencies,  ///< p (z - A)^-1 b for probes p, at z = broadening - i frequency
  times         ///< p e^{A t} b for probes p, at times t
};

/// Bounds of everything in a batch, which its memory follows from.
struct ClusterShape {
  ClusterWork work = ClusterWork::linear;
  std::int64_t matrices = 0;
  std::int64_t size = 0, elements = 0;  ///< rows and nonzero elements of a matrix
  std::int64_t starts = 1, probes = 1;  ///< vectors b and rows p of a matrix, probes <= max_cluster_probes
  std::int64_t vectors = 0;             ///< of a Krylov space; for `linear` before a restart
  std::int64_t arguments = 0;           ///< frequencies or times

  /// Doubles for each b: a residual, then x or the values at (arguments, probes), complex.
  std::int64_t result_size() const { return 1 + 2 * (work == ClusterWork::linear ? size : arguments * probes); }
};

inline constexpr int max_cluster_probes = 8;

/// Where the host puts one matrix and its vectors, which are interleaved complex numbers.
struct ClusterSlot {
  double* header;                 ///< rows of the matrix, upper bound of its norm
  std::uint32_t *first, *column;  ///< start of each row, (rows + 1,); column of each element
  double* value;                  ///< of each element
  double *starts, *probes;        ///< (starts, shape.size), (probes, shape.size)
};

struct ClusterOptions {
  double tolerance = 0.0;             ///< of the residuals, relative to |b|
  std::int64_t max_products = 0;      ///< for `linear`
  double broadening = 0.0;            ///< for `frequencies`
  const double* arguments = nullptr;  ///< (shape.arguments,); times ascend
};

/// Solves the equations of many small clusters on a device, each in one thread block, with one launch and two copies
/// for a batch. The numbers of a matrix depend on nothing else in the batch.
class ClusterDevice {
 public:
  virtual ~ClusterDevice();
  /// Makes room for a batch.
  virtual void begin(const ClusterShape& shape) = 0;
  /// For one of shape.matrices matrices; threads may fill several at once. Valid up to begin().
  virtual ClusterSlot slot(std::int64_t matrix) = 0;
  /// Solves for the first `matrices` of them.
  /// @return (matrices, shape.starts, shape.result_size()), valid up to the next call
  virtual const double* solve(std::int64_t matrices, const ClusterOptions& options) = 0;
};

}  // namespace lindrift::kernels
