#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "lindrift/tgge/rate_equation.hpp"

namespace lindrift {

/// What the points of a batch may differ in, beside their states: how strong the baths are. Field names as in TggeBath.
struct BathStrength {
  double coupling = 0.05;
  double nonequilibrium_fraction = 0.0;
  std::optional<double> equilibrium_fraction;
};

/// Whether points with these baths gain from being solved as a batch: their sums run over all pairs of some hundred
/// modes or more, with weights that take time to read or to compute. If not, `reason`, unless null, says why.
bool gains_from_batching(const TggeModel& model, const Execution& execution, std::string* reason = nullptr);

/// Slots in which a batch of so many points is solved. The rows of a slot are multiplied whether it is busy or not, so
/// that a slot takes at least two points in turn unless there are few; products are fast from about 64 rows.
std::size_t batch_slots(std::size_t points);

/// Bytes that a batch of so many points takes on the device.
/// @throws UnsupportedError without the CUDA backend, DeviceMemoryError if this process may not use as much
double batch_device_bytes(const TggeModel& model, std::size_t points, const Execution& execution);

/// Solves points that share everything but the strength of their baths: solve(i, equation) is called once for each and
/// may drive relax(), steady_state() or the generator itself. Every slot has a thread of its own; point i is solved in
/// slot i mod batch_slots(points), after those before it in that slot. Sums over pairs wait for each other and are
/// evaluated for all slots at once, as products of a matrix of weights with a matrix of states, on the backend asked
/// for. Results depend neither on the number of threads or of ranks, nor on which of the points are there: a
/// library's kernels, and with them the last bits, depend on the shapes and on the slot.
/// @param points  what replaces the strengths of model.bath at point i; those without are left out
/// @param go_on   if not empty, called on the calling thread before each round of products; false makes every sum that
///                is waited for throw an Interruption, and no other point starts
/// @throws ParameterError, UnsupportedError, DeviceError before anything is solved; the first of what solve() throws,
///         or what ended the products, after all have ended
/// O(modes^2) memory: one matrix for a spectrum other than the exponential one, two for a table of weights. An
/// evaluation of n slots takes 4 n modes^2 operations for each of the two kinds.
void solve_batch(const TggeModel& model, std::span<const std::optional<BathStrength>> points,
                 const Execution& execution, const std::function<void(std::size_t, const RateEquation&)>& solve,
                 const std::function<bool()>& go_on = {});

}  // namespace lindrift
