#pragma once

#include <cstdint>

namespace lindrift::kernels {

/// Plain data of a tGGE rate equation with factorised hop weights. Arrays are on the host, of shape (modes,), and are
/// copied.
struct FactorisedRateTables {
  std::int64_t modes = 0;
  double over_sites = 1.0;  ///< 1/L
  double scale = 0.0;       ///< epsilon J
  double inverse_temperature = 0.0;
  double thermal_weight = 0.0;         ///< gamma_eq
  double nonequilibrium_weight = 0.0;  ///< gamma_neq
  const double* energy = nullptr;
  const double* in = nullptr;  ///< w(to, from) = in_to out_from
  const double* out = nullptr;
};

/// Generator (include/lindrift/generator.hpp, which documents the functions) on bare pointers: what is compiled once
/// per backend and instruction set sits behind this table of functions and shares no inline code with the rest.
class RateKernel {
 public:
  virtual ~RateKernel();
  virtual void occupation_rate(const double* particles, const double* holes, double* rate) = 0;
  virtual void linearize(const double* particles, const double* holes, double* relaxation_rate) = 0;
  virtual void occupation_rate_derivative(const double* direction, double* derivative) = 0;
  virtual void log_rates(const double* lagrange_multiplier, double* log_gain, double* log_loss) = 0;
  virtual void log_balance_derivative(const double* direction, double* derivative) = 0;
};

/// Makers of each variant; the caller owns the result. `direct` takes every pair, otherwise moments are used.
/// threads is read by the CPU variants, device by CUDA's.
#define LINDRIFT_DECLARE_VARIANT(isa)                                                                     \
  namespace isa {                                                                                         \
  RateKernel* make_rate_kernel(const FactorisedRateTables& tables, bool direct, int threads, int device); \
  }
LINDRIFT_DECLARE_VARIANT(baseline)
LINDRIFT_DECLARE_VARIANT(v3)
LINDRIFT_DECLARE_VARIANT(v4)
LINDRIFT_DECLARE_VARIANT(cuda_device)
#undef LINDRIFT_DECLARE_VARIANT

}  // namespace lindrift::kernels
