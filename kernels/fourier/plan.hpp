#pragma once

#include <cstdint>

namespace lindrift::kernels {

/// Discrete Fourier transforms of one length on bare pointers (src/engine/fourier.hpp documents them): what is compiled
/// once per instruction set sits behind this table of functions.
class FourierPlan {
 public:
  virtual ~FourierPlan();
  /// rows: (count, length) complex numbers, re and im in turn; in place.
  virtual void transform(double* rows, std::int64_t count, bool forward, int threads) const = 0;
};

}  // namespace lindrift::kernels
