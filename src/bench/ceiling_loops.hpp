#pragma once

#include <cstdint>

/// The loops behind ceiling.hpp, once per instruction set.

namespace lindrift::benchmarks {

struct Multiplications {
  std::int64_t instructions;  ///< vector instructions executed
  int width;                  ///< doubles per instruction
  double result;              ///< depends on all instructions
};

#define LINDRIFT_DECLARE_LOOPS(isa)                                                               \
  namespace isa {                                                                                 \
  /** Fused multiply-adds (multiplications where there are none) on registers alone. */           \
  Multiplications multiply_in_registers(std::int64_t rounds, double factor, double term);         \
  void triad(double* target, const double* a, const double* b, double factor, std::int64_t size); \
  double dot(const double* a, const double* b, std::int64_t size);                                \
  }
LINDRIFT_DECLARE_LOOPS(baseline)
LINDRIFT_DECLARE_LOOPS(v3)
LINDRIFT_DECLARE_LOOPS(v4)
#undef LINDRIFT_DECLARE_LOOPS

}  // namespace lindrift::benchmarks
