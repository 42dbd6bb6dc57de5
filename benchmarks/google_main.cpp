#include "benchmarks/google_main.hpp"

#include <cstdio>
#include <string>

#include "bench/ceiling.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/version.hpp"

namespace lindrift::benchmarks {

int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const auto number = [](double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", value);
    return std::string(text);
  };
  benchmark::AddCustomContext("lindrift_version", std::string(version()));
  benchmark::AddCustomContext("lindrift_git_hash", std::string(git_hash()));
  benchmark::AddCustomContext("lindrift_compiler", std::string(compiler()));
  benchmark::AddCustomContext("lindrift_build_type", std::string(build_type()));
  benchmark::AddCustomContext("simd", std::string(simd_level()));
  for (const int threads : {1, all_threads()}) {
    const std::string suffix = "_threads_" + std::to_string(threads);
    const Bandwidth memory = bandwidth(threads);
    benchmark::AddCustomContext("multiply_add_per_second" + suffix, number(multiplication_rate(threads)));
    benchmark::AddCustomContext("read_bytes_per_second" + suffix, number(memory.read));
    benchmark::AddCustomContext("triad_bytes_per_second" + suffix, number(memory.triad));
    if (all_threads() == 1) break;
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace lindrift::benchmarks
