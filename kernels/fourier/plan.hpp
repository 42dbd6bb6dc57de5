#pragma once

#include <cstdint>

namespace lindrift::kernels {

/// Discrete Fourier transforms of one length on bare pointers (src/fourier.hpp documents them): what is compiled once
/// per instruction set sits behind this table of functions.
class FourierPlan {
 public:
  virtual ~FourierPlan();
  /// rows: (count, length) complex numbers, re and im in turn; in place.
  virtual void transform(double* rows, std::int64_t count, bool forward, int threads) const = 0;
};

#define LINDRIFT_DECLARE_VARIANT(isa)                  \
  namespace isa {                                      \
  FourierPlan* make_fourier_plan(std::int64_t length); \
  }
LINDRIFT_DECLARE_VARIANT(baseline)
LINDRIFT_DECLARE_VARIANT(v3)
LINDRIFT_DECLARE_VARIANT(v4)
#undef LINDRIFT_DECLARE_VARIANT

}  // namespace lindrift::kernels
