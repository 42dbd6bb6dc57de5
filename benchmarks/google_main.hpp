#pragma once

#include <benchmark/benchmark.h>

namespace lindrift::benchmarks {

/// Runs the benchmarks that the command line selects, with the machine's ceilings and the build in the JSON's context.
int run(int argc, char** argv);

}  // namespace lindrift::benchmarks
