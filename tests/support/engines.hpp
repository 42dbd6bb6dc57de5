#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "kernels/tgge/rate_kernel.hpp"
#include "kernels/tgge/rate_kernel_on.hpp"
#include "lindrift/backend.hpp"
#include "support/emulated_engine.hpp"

namespace lindrift::testing {

/// One way to evaluate a rate equation: where, and by which algorithm.
struct Engine {
  enum class Place { baseline, v3, v4, emulated, cuda };
  const char* name;
  Place place;
  bool direct;
  int shape = 0;  ///< which of the emulated blocks

  friend void PrintTo(const Engine& engine, std::ostream* stream) { *stream << engine.name; }
};

/// All of them, whether this machine has them or not: what is missing is skipped and says so.
inline std::vector<Engine> all_engines() {
  using enum Engine::Place;
  return {{"baseline_direct", baseline, true},
          {"baseline_separable", baseline, false},
          {"v3_direct", v3, true},
          {"v3_separable", v3, false},
          {"v4_direct", v4, true},
          {"v4_separable", v4, false},
          {"emulated_direct_as_on_the_card", emulated, true, 0},
          {"emulated_direct_32_lanes", emulated, true, 1},
          {"emulated_direct_odd_rows", emulated, true, 2},
          {"emulated_direct_backward", emulated, true, 3},
          {"emulated_separable_as_on_the_card", emulated, false, 0},
          {"emulated_separable_small_blocks", emulated, false, 3},
          {"cuda_direct", cuda, true},
          {"cuda_separable", cuda, false}};
}

inline bool cuda_is_required() {
  const char* wanted = std::getenv("LINDRIFT_REQUIRE_CUDA");
  return wanted && std::string(wanted) == "1";
}

/// Why an engine cannot run here; empty if it can.
inline std::string obstacle(const Engine& engine) {
  switch (engine.place) {
    case Engine::Place::baseline:
    case Engine::Place::emulated:
      return "";
    case Engine::Place::v3:
#ifdef LINDRIFT_SIMD_VARIANTS
      return __builtin_cpu_supports("x86-64-v3") ? "" : "this processor has no AVX2";
#else
      return "built without SIMD variants";
#endif
    case Engine::Place::v4:
#ifdef LINDRIFT_SIMD_VARIANTS
      return __builtin_cpu_supports("x86-64-v4") ? "" : "this processor has no AVX-512";
#else
      return "built without SIMD variants";
#endif
    case Engine::Place::cuda:
#ifdef LINDRIFT_HAVE_CUDA
      return cuda_device_count() > 0 ? "" : "no CUDA device";
#else
      return "built without CUDA";
#endif
  }
  return "unknown engine";
}

/// For a fixture's SetUp(): leaves the test out where its engine is missing, or fails it where LINDRIFT_REQUIRE_CUDA=1
/// says that a machine was meant to have the engine.
inline void skip_unless_available(const Engine& engine) {
  const std::string why = obstacle(engine);
  if (why.empty()) return;
  if (engine.place == Engine::Place::cuda && cuda_is_required())
    FAIL() << "LINDRIFT_REQUIRE_CUDA=1, but engine " << engine.name << " cannot run: " << why;
  GTEST_SKIP() << engine.name << ": " << why;
}

inline kernels::RateKernel* make_emulated_kernel(int shape, const kernels::RateTables& tables, bool direct) {
  using kernels::tgge::make_kernel;
  switch (shape) {
    case 0:
      return make_kernel<EmulatedEngine<128, 2, 16, 3, false>>(tables, direct, 1, 0);
    case 1:
      return make_kernel<EmulatedEngine<32, 1, 4, 1, false>>(tables, direct, 1, 0);
    case 2:
      return make_kernel<EmulatedEngine<64, 3, 1, 7, false>>(tables, direct, 1, 0);
    default:
      return make_kernel<EmulatedEngine<16, 2, 2, 64, true>>(tables, direct, 1, 0);
  }
}

/// The kernel of an available engine.
inline std::unique_ptr<kernels::RateKernel> make_kernel(const Engine& engine, const kernels::RateTables& tables,
                                                        int threads = 1) {
  kernels::RateKernel* kernel = nullptr;
  switch (engine.place) {
    case Engine::Place::baseline:
      kernel = kernels::baseline::make_rate_kernel(tables, engine.direct, threads, 0);
      break;
    case Engine::Place::emulated:
      kernel = make_emulated_kernel(engine.shape, tables, engine.direct);
      break;
    case Engine::Place::v3:
#ifdef LINDRIFT_SIMD_VARIANTS
      kernel = kernels::v3::make_rate_kernel(tables, engine.direct, threads, 0);
#endif
      break;
    case Engine::Place::v4:
#ifdef LINDRIFT_SIMD_VARIANTS
      kernel = kernels::v4::make_rate_kernel(tables, engine.direct, threads, 0);
#endif
      break;
    case Engine::Place::cuda:
#ifdef LINDRIFT_HAVE_CUDA
      kernel = kernels::cuda_device::make_rate_kernel(tables, engine.direct, threads, 0);
#endif
      break;
  }
  return std::unique_ptr<kernels::RateKernel>(kernel);
}

}  // namespace lindrift::testing
