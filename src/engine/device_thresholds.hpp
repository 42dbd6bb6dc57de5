#pragma once

#include <cstddef>
#include <filesystem>
#include <limits>
#include <span>
#include <string>

namespace lindrift {

/// How much work makes a device worthwhile: what Backend::automatic goes by, and the devices' own methods; a `backend`
/// that was asked for overrides the former. The values are estimates, because no card has been measured yet: a launch
/// takes some 5 microseconds, a copy some 10, a core some 1e10 operations a second. A file that the environment
/// variable LINDRIFT_DEVICE_THRESHOLDS names replaces them by what `lindrift bench --thresholds` has measured.
struct DeviceThresholds {
  /// Modes of a rate equation with sums over pairs. An evaluation takes three launches and three copies, as long as a
  /// core takes for the pairs of 600 modes, and 40 cores for those of 4096.
  double pair_modes = 4096.0;

  /// Modes of all points of a batch whose steady states or relaxations thread blocks find, measured for steady states
  /// with a lorentzian bath. On a card only the start should take long; but no card has run them yet, so they must be
  /// asked for until one has been measured.
  double batch_modes = std::numeric_limits<double>::infinity();

  /// Modes from which Newton's method runs in the memory of a device that was asked for. That takes more launches, and
  /// more copies of single numbers, than the host's; in turn it saves most copies of vectors, and the host's algebra.
  double newton_modes = 4096.0;

  /// Modes from which a device that was asked for computes the bands. It takes a few launches and two copies, and
  /// pinned memory, which is slow to get. The host takes 0.1 to 0.6 microseconds for a mode in closed form and 4 for
  /// one that LAPACK finds: for 4096 of them a millisecond or more, as long as all that.
  double band_modes = 4096.0;

  /// Elements of a Hatsugai-Kohmoto chain's Green's function or spectrum: a few nanoseconds each on a core, and the
  /// copy of the results alone takes one.
  double green_elements = 1e7;

  /// Operations, and equations, of clusters, each of which takes a thread block. Fewer blocks leave most of a device
  /// idle.
  double cluster_operations = 2e10, cluster_equations = 16.0;

  /// Terms of the Hubbard chain's double sum: seconds of a core.
  double self_energy_terms = 1e10;
  /// Seconds that its sums by time take on the CPU.
  double self_energy_seconds = 1.0;

  /// Integral equations, one for every momentum, and most steps: one thread of a device adds all steps of a momentum
  /// term by term, which needs many momenta and not too many steps.
  double propagator_momenta = 16384.0, propagator_steps = 8192.0;

  bool enough_for_clusters(double operations, double equations) const {
    return operations >= cluster_operations && equations >= cluster_equations;
  }
  bool enough_propagators(std::size_t momenta, std::size_t steps) const {
    return static_cast<double>(momenta) >= propagator_momenta && static_cast<double>(steps) <= propagator_steps;
  }
};

/// What is said where the CPU is chosen for want of these.
inline constexpr const char* too_little_for_clusters = "too little work to gain from a device";
inline constexpr const char* too_little_for_propagators = "too few momenta, or too many steps, to gain from a device";

/// A threshold as files name it.
struct DeviceThreshold {
  const char* name;
  double DeviceThresholds::*value;
  const char* meaning;  ///< a few words, with the unit
};
std::span<const DeviceThreshold> all_device_thresholds();

/// Those in use: of the file, else the estimates above.
/// @throws ParameterError as read_device_thresholds()
const DeviceThresholds& device_thresholds();
/// Replaces them, while no other thread asks.
void use_device_thresholds(const DeviceThresholds& thresholds);

/// Those that differ from the estimates, as in "pair_modes = 2048, band_modes = 1000"; if none does, "estimates".
std::string text_of(const DeviceThresholds& thresholds);

/// Reads lines of a name and a number, as in `pair_modes = 2048`; `inf` stands for a device that never gains, `#`
/// starts a comment. Thresholds that the file leaves out keep their estimates.
/// @throws ParameterError naming the file, the line, the threshold and what is allowed
DeviceThresholds read_device_thresholds(const std::filesystem::path& file);

}  // namespace lindrift
