#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "lindrift/tgge/rate_equation.hpp"
#include "support/engines.hpp"

namespace lindrift::testing {

/// A backend and an algorithm.
struct Way {
  const char* name;
  Backend backend;
  Algorithm algorithm;
  friend void PrintTo(const Way& way, std::ostream* stream) { *stream << way.name; }
};

/// Tests of rate equations on each backend and by each algorithm:
///   INSTANTIATE_TEST_SUITE_P(EveryWay, Suite, every_way(), name_of_way);
class EveryWayTest : public ::testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    if (GetParam().backend == Backend::cuda) skip_unless_available(Engine::Place::cuda);
  }
  template <class Chain>
  static RateEquation make(const Chain& chain, int threads = 0) {
    return make_rate_equation(chain,
                              {.backend = GetParam().backend, .algorithm = GetParam().algorithm, .threads = threads});
  }
};

inline auto every_way() {
  return ::testing::Values(
      Way{"cpu_direct", Backend::cpu, Algorithm::direct}, Way{"cpu_separable", Backend::cpu, Algorithm::separable},
      Way{"cuda_direct", Backend::cuda, Algorithm::direct}, Way{"cuda_separable", Backend::cuda, Algorithm::separable});
}
inline std::string name_of_way(const ::testing::TestParamInfo<Way>& instance) { return instance.param.name; }

}  // namespace lindrift::testing
