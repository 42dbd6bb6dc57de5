#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "lindrift/tgge/relax.hpp"
#include "lindrift/tgge/steady_state.hpp"
#include "tgge/model.hpp"

namespace lindrift {

/// Steady states of many points on a device, each found by one thread block from the thermal state on, by Newton's
/// method: in the moments (docs/physics.md, Eqs. 17a-17c) for the exponential spectrum of the thermal bath, else in the
/// multipliers with sums over panels of energies (Eqs. 12a-12d). One launch and two copies for all of them. The numbers
/// of a point depend on nothing but the point. Likewise relaxations of many points, by an explicit Runge-Kutta method.

/// Beyond, the passes of one block over the modes take longer than the launches of a whole device.
inline constexpr std::size_t max_block_modes = 16384;
/// The same for panels; more also take too much memory for each block.
inline constexpr double max_block_panels = 1024.0;

/// Whether steady states of a model are found so: where the device is asked for, there is a thermal bath, the hop
/// weights are a short sum of products, and modes and panels are not too many for one block.
bool found_in_a_block(const TggeModel& model, const Execution& execution);

/// The same for relaxations, as far as the model tells: a block gives back those that are stiff. No thermal bath is
/// needed, but it must not be so cold that few particles and holes are left.
bool relaxed_in_a_block(const TggeModel& model, const Execution& execution);

/// Output times of a relaxation times modes, beyond which a batch would be a few points of large results.
inline constexpr double max_block_results = 1 << 24;

/// The ingredients of a model that is found_in_a_block(): those of make_rate_equation(), but with panels for any number
/// of modes unless the spectrum is exponential.
RateIngredients ingredients_for_a_block(TggeModel model, Execution execution);

/// A point: an equation without its generator, and what steady_state() conserves.
struct PointBatchEntry {
  RateIngredients ingredients;
  double number = 0.0;  ///< of particles
  SteadyStateOptions options{};
};

/// The steady states of points that are found_in_a_block(), all with the same spectrum and as many modes, products and
/// steps at most, as many at a time as the device's memory allows. Empty where Newton's method does not converge there:
/// such a point is for steady_state().
/// @throws DeviceMemoryError, DeviceError
std::vector<std::optional<SteadyState>> steady_states_in_blocks(std::span<const PointBatchEntry> points,
                                                                const Execution& execution);

/// A point of which the time evolution is wanted.
struct RelaxationEntry {
  RateIngredients ingredients;
  std::vector<double> start{};  ///< Lagrange multipliers
  RelaxOptions options{};
};

/// The trajectories of points that are relaxed_in_a_block(), under the same conditions, at the same times.
/// @param finished  called with the place of each point that has reached the last time; the others are for relax()
/// @throws DeviceMemoryError, DeviceError
void relax_in_blocks(std::span<const RelaxationEntry> points, std::span<const double> times, const Execution& execution,
                     const std::function<void(std::size_t place, RelaxResult)>& finished);

/// Bytes that so many points with the shape of a model take on the device.
/// @param sets, panel_sets  of energies and weights, and of panels, that differ
/// @param times             of a relaxation; 0: steady states
/// @throws DeviceMemoryError if this process may not use as much
double point_batch_device_bytes(const TggeModel& model, std::size_t points, std::size_t sets, std::size_t panel_sets,
                                std::size_t times, const Execution& execution);

}  // namespace lindrift
