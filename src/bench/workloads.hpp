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

/// The workloads that the kernels are measured with, and the number of operations in each, for `lindrift bench` and for
/// benchmarks/.

namespace lindrift::benchmarks {

/// The chain at the published rates of its figures, and times until its fronts meet.
HatsugaiKohmoto driven_hatsugai_kohmoto(std::int64_t sites);
std::vector<double> times_until_fronts_meet(std::int64_t sites, std::size_t count);

/// The driven chain at the published rates.
HubbardChain driven_chain(std::int64_t sites, Approximation approximation = Approximation::second_order);
HubbardModes driven_hubbard(std::int64_t sites, Approximation approximation = Approximation::second_order);
std::vector<double> even_frequencies(double first, double last, std::size_t count);
inline constexpr std::size_t hubbard_direct_frequencies = 64;

/// The least work that one run takes on any machine.
struct Work {
  double items = 0.0;               ///< pairs, modes, ...: the unit of a rate
  double multiplications = 0.0;     ///< doubles through a multiplier, alone or in a fused multiply-add
  double product_operations = 0.0;  ///< in matrix products; a multiplication and an addition count as two
  double read_bytes = 0.0;          ///< from memory, in loops that write nothing
  double update_bytes = 0.0;        ///< in loops that write, including the read before each write
  double footprint = 0.0;           ///< bytes that the loops over memory touch
};

/// The rates that a machine reaches for each kind of work, with the workload's number of threads.
struct Ceilings {
  double multiplications = 0.0;     ///< per second
  double product_operations = 0.0;  ///< per second; 0 without a library
  Bandwidth memory{};               ///< for arrays as large as the footprint
};

/// Ceilings of a device, for arrays beyond any cache whatever the footprint.
Ceilings device_ceilings(int device);

/// Least time that the work takes, in seconds: the longer of its arithmetic and its memory traffic, each at its
/// ceiling.
double floor_seconds(const Work& work, const Ceilings& ceilings);

/// A workload, ready to run repeatedly.
struct Case {
  std::function<void()> run;
  Work work;
};

struct Workload {
  std::string_view name, item;    ///< `item` in the singular
  std::string_view description;   ///< one line
  std::int64_t size, quick_size;  ///< L, or what the description says
  bool on_device;                 ///< whether the device has such a kernel
  Case (*make)(std::int64_t size, const Execution& execution);
};

/// In the order of the theories.
const std::vector<Workload>& workloads();
/// The workload with this name, which must exist.
const Workload& workload(std::string_view name);

}  // namespace lindrift::benchmarks
