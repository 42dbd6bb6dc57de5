#pragma once

#include <cstdint>

namespace lindrift::kernels {

/// Discrete Fourier transforms of one length (documented in src/engine/fourier.hpp). Compiled once per instruction set,
/// hence the plain pointers.
class FourierPlan {
 public:
  virtual ~FourierPlan();
  /// rows: (count, length) interleaved complex numbers; in place.
  virtual void transform(double* rows, std::int64_t count, bool forward, int threads) const = 0;
};

}  // namespace lindrift::kernels
