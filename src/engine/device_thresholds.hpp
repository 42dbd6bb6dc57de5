#pragma once

#include <cstddef>

/// How much work makes a device worthwhile: what Backend::automatic goes by, and the devices' own methods. A launch
/// takes some 5 microseconds, a copy some 10, a core some 1e10 operations a second. All are estimates from such counts,
/// because no card has been measured yet; `backend` overrides those of Backend::automatic.
namespace lindrift::device_thresholds {

/// Modes of a rate equation with sums over pairs. An evaluation takes three launches and three copies, as long as a
/// core takes for the pairs of 600 modes, and 40 cores for those of 4096.
inline constexpr std::size_t pair_modes = 4096;

/// Modes from which Newton's method runs in the memory of a device that was asked for. That takes more launches, and
/// more copies of single numbers, than the host's; in turn it saves most copies of vectors, and the host's algebra.
inline constexpr std::size_t newton_modes = 4096;

/// Modes from which a device that was asked for computes the bands. It takes a few launches and two copies, and pinned
/// memory, which is slow to get. The host takes 0.1 to 0.6 microseconds for a mode in closed form and 4 for one that
/// LAPACK finds: for 4096 of them a millisecond or more, as long as all that.
inline constexpr std::size_t band_modes = 4096;

/// Elements of a Hatsugai-Kohmoto chain's Green's function or spectrum: a few nanoseconds each on a core, and the copy
/// of the results alone takes one.
inline constexpr double green_elements = 1e7;

/// Operations, and equations, of clusters, each of which takes a thread block. Fewer blocks leave most of a device
/// idle.
inline constexpr double cluster_operations = 2e10, cluster_equations = 16.0;
inline constexpr const char* too_little_for_clusters = "too little work to gain from a device";

/// Terms of the Hubbard chain's double sum: seconds of a core.
inline constexpr double self_energy_terms = 1e10;
/// Seconds that its sums by time take on the CPU.
inline constexpr double self_energy_seconds = 1.0;

/// Whether a device gains from an integral equation for every momentum: there one thread adds all steps of a momentum
/// term by term, which needs many momenta and not too many steps.
inline constexpr bool enough_propagators(std::size_t momenta, std::size_t steps) {
  return momenta >= 16384 && steps <= 8192;
}
inline constexpr const char* too_little_for_propagators = "too few momenta, or too many steps, to gain from a device";

}  // namespace lindrift::device_thresholds
