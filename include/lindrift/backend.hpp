#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lindrift {

class Communicator;

/// Where the sums over momenta run.
enum class Backend { automatic, cpu, cuda };

/// How the sums over pairs of momenta are evaluated.
enum class Algorithm {
  automatic,
  direct,     ///< every pair, O(modes^2)
  separable,  ///< through the moments of low-rank weights and of panels of energies, O(modes)
  fft         ///< through the times at which sums over pairs of momenta factorise, O(modes log modes) each
};

/// How to run. Backend::automatic takes a CUDA device for pair sums that are large enough to gain from it. The numbers
/// depend on backend and algorithm (to rounding), never on the number of threads.
struct Execution {
  Backend backend = Backend::automatic;
  Algorithm algorithm = Algorithm::automatic;
  int threads = 0;         ///< CPU threads; 0: OMP_NUM_THREADS, else one for each core that may be used
  int device = 0;          ///< CUDA device index
  int device_sharers = 1;  ///< processes that use this device: each plans with its share of the memory
  /// Processes that share this one problem (lindrift/communicator.hpp); null for a process on its own. Not owned.
  Communicator* communicator = nullptr;
  /// Entries of a result that the direct algorithm evaluates again, chosen at random, where a task can; 0: none.
  std::size_t certify = 0;
};

std::string_view name(Backend backend);
std::string_view name(Algorithm algorithm);

/// True if this build contains the CUDA backend.
bool cuda_compiled() noexcept;

/// Number of usable CUDA devices: 0 without the CUDA backend, without a driver or without a card. Never throws.
int cuda_device_count() noexcept;

/// Name of a CUDA device, as the driver reports it.
/// @throws DeviceError if there is no such device
std::string cuda_device_name(int device);

/// Bytes of the device's memory that this process may plan with: most of what is free, and no more than its share.
/// @throws UnsupportedError without the CUDA backend, DeviceError
double usable_device_memory(const Execution& execution);

/// Replaces Backend::automatic by cuda if a device can be used, else by cpu.
/// @param[out] reason if not null, receives one sentence that says why
/// @throws UnsupportedError if cuda is asked for and cannot be had; the message says why
Backend resolve_backend(Backend requested, std::string* reason = nullptr);

/// resolve_backend() for work that may be too little for a device: then `automatic` takes the CPU.
/// @param too_little  the reason given for that
Backend choose_backend(Backend requested, bool enough_work, const char* too_little, std::string* reason = nullptr);

/// The CPU, for work that no device does.
/// @param what  that work: "the ladder runs"
/// @throws UnsupportedError if a device is asked for
Backend only_on_cpu(Backend requested, const std::string& what, std::string* reason = nullptr);

/// Instruction set of the CPU kernels chosen for this processor: "baseline", "x86-64-v3" (AVX2) or "x86-64-v4"
/// (AVX-512). The environment variable LINDRIFT_SIMD selects a lower one.
std::string_view simd_level();

}  // namespace lindrift
