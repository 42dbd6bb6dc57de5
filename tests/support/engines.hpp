#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "kernels/table.hpp"

namespace lindrift::testing {

/// One way to evaluate a rate equation: on what, and by which algorithm.
struct Engine {
  enum class Place { baseline, v3, v4, cuda };
  const char* name;
  Place place;
  bool direct;

  friend void PrintTo(const Engine& engine, std::ostream* stream) { *stream << engine.name; }
};

/// All engines, whether this machine has them or not: missing ones are skipped with a message.
inline std::vector<Engine> all_engines() {
  using enum Engine::Place;
  return {{"baseline_direct", baseline, true},
          {"baseline_separable", baseline, false},
          {"v3_direct", v3, true},
          {"v3_separable", v3, false},
          {"v4_direct", v4, true},
          {"v4_separable", v4, false},
          {"cuda_direct", cuda, true},
          {"cuda_separable", cuda, false}};
}

/// Null if this build or this processor lacks it.
inline const kernels::CpuKernels* find_cpu_kernels(Engine::Place place) {
  const auto& all = kernels::all_cpu_kernels();
  const auto index = static_cast<std::size_t>(place);
  return index < all.size() ? &all[index] : nullptr;
}
inline const kernels::Kernels* find_kernels(Engine::Place place) {
  if (place != Engine::Place::cuda) return find_cpu_kernels(place);
  return cuda_device_count() > 0 ? kernels::find_device_kernels() : nullptr;
}

/// For a fixture's SetUp(): skips the test if its engine is missing, or fails it if LINDRIFT_REQUIRE_CUDA=1 says that
/// the machine should have it.
inline void skip_unless_available(Engine::Place place) {
  if (find_kernels(place) != nullptr) return;
  const char* required = std::getenv("LINDRIFT_REQUIRE_CUDA");
  if (place == Engine::Place::cuda && required && std::string(required) == "1")
    FAIL() << "LINDRIFT_REQUIRE_CUDA=1, but there is no CUDA device";
  GTEST_SKIP() << "not in this build, or not on this machine";
}
inline void skip_unless_available(const Engine& engine) { skip_unless_available(engine.place); }

/// A test that needs a CUDA device.
class DeviceTest : public ::testing::Test {
 protected:
  void SetUp() override { skip_unless_available(Engine::Place::cuda); }
};

/// The kernel of an available engine.
inline std::unique_ptr<kernels::RateKernel> make_kernel(const Engine& engine, const kernels::RateTables& tables,
                                                        int threads = 1) {
  return std::unique_ptr<kernels::RateKernel>(
      find_kernels(engine.place)->make_rate_kernel(tables, engine.direct, threads, 0));
}

}  // namespace lindrift::testing
