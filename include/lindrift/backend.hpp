#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lindrift {

class Communicator;

/// Hardware on which the sums over momenta run.
enum class Backend { automatic, cpu, cuda };

/// Whether a backend is a device with memory of its own. `automatic` is not: resolve_backend() first.
constexpr bool is_device(Backend backend) { return backend == Backend::cuda; }

/// How sums over pairs of momenta are evaluated.
enum class Algorithm {
  automatic,
  direct,     ///< every pair, O(modes^2)
  separable,  ///< through moments of low-rank weights and of energy panels, O(modes)
  fft         ///< through times at which the sums over pairs of momenta factorise, O(modes log modes) per time
};

/// How to run a calculation. Backend::automatic uses a CUDA device for pair sums that are large enough to benefit.
/// Results depend on backend and algorithm (to rounding), never on the number of threads.
struct Execution {
  Backend backend = Backend::automatic;
  Algorithm algorithm = Algorithm::automatic;
  int threads = 0;         ///< CPU threads; 0: OMP_NUM_THREADS, or else one per available core
  int device = 0;          ///< CUDA device index
  int device_sharers = 1;  ///< number of processes that use this device; each plans with its share of the memory
  /// Processes that share this one problem (lindrift/communicator.hpp); null for a single process. Not owned.
  Communicator* communicator = nullptr;
  /// Number of randomly chosen entries of the result to recompute by the direct algorithm, for tasks that can; 0: none.
  std::size_t certify = 0;
};

std::string_view name(Backend backend);
std::string_view name(Algorithm algorithm);

/// Whether this build contains the CUDA backend.
bool cuda_compiled() noexcept;

/// Number of usable CUDA devices: 0 without the CUDA backend, without a driver or without a card. Never throws.
int cuda_device_count() noexcept;

/// Name of a CUDA device, as the driver reports it.
/// @throws DeviceError if there is no such device
std::string cuda_device_name(int device);

/// Device memory that this process may plan with, in bytes: most of the free memory, and at most its share.
/// @throws UnsupportedError without the CUDA backend, DeviceError
double usable_device_memory(const Execution& execution);

/// Replaces Backend::automatic by cuda if a device can be used, else by cpu.
/// @param[out] reason if not null, receives one sentence that says why
/// @throws UnsupportedError if cuda is requested but not available; the message says why
Backend resolve_backend(Backend requested, std::string* reason = nullptr);

/// resolve_backend() for work that may be too small for a device; `automatic` then takes the CPU.
/// @param too_little  the reason given in that case, as in "too few modes to gain from a device"
Backend choose_backend(Backend requested, bool enough_work, const std::string& too_little,
                       std::string* reason = nullptr);

/// Backend::cpu, for work that has CPU code only.
/// @param what  that work, as in "the ladder runs"
/// @throws UnsupportedError if a device is requested
Backend only_on_cpu(Backend requested, const std::string& what, std::string* reason = nullptr);

/// Instruction set of the CPU kernels chosen for this processor: "baseline", "x86-64-v3" (AVX2) or "x86-64-v4"
/// (AVX-512). The environment variable LINDRIFT_SIMD can select a lower one.
std::string_view simd_level();

}  // namespace lindrift
