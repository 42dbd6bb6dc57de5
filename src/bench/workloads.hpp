#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "bench/ceiling.hpp"
#include "bench/models.hpp"
#include "hubbard/modes.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/hatsugai_kohmoto/chain.hpp"

/// The workloads that the kernels are measured with, and the operations that each takes: stated here for `lindrift
/// bench` and for the benchmarks in benchmarks/.

namespace lindrift::benchmarks {

/// The chain at the published rates of its figures, and times up to which every front is on its way.
HatsugaiKohmoto driven_hatsugai_kohmoto(std::int64_t sites);
std::vector<double> times_until_fronts_meet(std::int64_t sites, std::size_t count);

/// The driven chain at the published rates.
HubbardModes driven_hubbard(std::int64_t sites, Approximation approximation = Approximation::second_order);
std::vector<double> even_frequencies(double first, double last, std::size_t count);
inline constexpr std::size_t hubbard_direct_frequencies = 64;

/// What one run takes at least, whatever the machine.
struct Work {
  double items = 0.0;               ///< pairs, modes, ...: what a rate counts
  double multiplications = 0.0;     ///< doubles through a multiplier, alone or in a fused multiply-add
  double product_operations = 0.0;  ///< of products of matrices, a multiplication and an addition counted as two
  double read_bytes = 0.0;          ///< from memory, by loops that write nothing
  double update_bytes = 0.0;        ///< by loops that write, the read before each write included
  double footprint = 0.0;           ///< bytes that the loops over memory go through
};

/// The rates that a machine reaches in each, for the number of threads that the workload has.
struct Ceilings {
  double multiplications = 0.0;     ///< a second
  double product_operations = 0.0;  ///< a second; 0 without a library
  Bandwidth memory{};               ///< of arrays as large as the footprint
};

/// Of a device, apart from the footprint: of arrays beyond any cache.
/// @throws UnsupportedError, DeviceError
Ceilings device_ceilings(int device);

/// Seconds that the work takes at least: arithmetic at its rates or memory at its own, whichever is longer.
double floor_seconds(const Work& work, const Ceilings& ceilings);

/// A workload, ready to be run again and again.
struct Case {
  std::function<void()> run;
  Work work;
};

struct Workload {
  std::string_view name, item;    ///< `item` in the singular
  std::string_view description;   ///< one line
  std::int64_t size, quick_size;  ///< L, or what it says
  bool on_device;                 ///< there is such a kernel for the device
  Case (*make)(std::int64_t size, const Execution& execution);
};

/// In the order of the theories.
const std::vector<Workload>& workloads();
/// The one with this name, which must be there.
const Workload& workload(std::string_view name);

}  // namespace lindrift::benchmarks
