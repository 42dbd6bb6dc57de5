#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "lindrift/tgge/rate_equation.hpp"

namespace lindrift {

/// The bath strengths of one point. Points of a batch may differ only in these and in their states. Field names as in
/// TggeBath.
struct BathStrength {
  double coupling = 0.05;
  double nonequilibrium_fraction = 0.0;
  std::optional<double> equilibrium_fraction;
};

/// Whether points with these baths are solved faster as a batch. They are if their sums run over all pairs of some
/// hundred modes or more, with weights that are expensive to read or to compute. If not, `reason`, unless null, says
/// why.
bool gains_from_batching(const TggeModel& model, const Execution& execution, std::string* reason = nullptr);

/// Number of slots in which a batch of `points` points is solved. The rows of a slot are multiplied whether it is busy
/// or idle, so a slot gets at least two points in turn unless there are few. Products run at full speed from about 64
/// rows.
std::size_t batch_slots(std::size_t points);

/// Device memory of a batch of `points` points, in bytes.
/// @throws UnsupportedError without the CUDA backend, DeviceMemoryError if this process may not use as much
double batch_device_bytes(const TggeModel& model, std::size_t points, const Execution& execution);

/// Solves points that share everything but the strength of their baths. solve(i, equation) is called once per point and
/// may call relax(), steady_state() or the generator directly. Every slot has its own thread; point i is solved in slot
/// i mod batch_slots(points), after the earlier points of that slot. The sums over pairs of all slots are collected and
/// evaluated together, as products of a weight matrix with a matrix of states, on the chosen backend. Results depend
/// neither on the number of threads or ranks nor on which of the points are present: the last bits of a library's
/// products depend only on their shapes and on the slot.
/// @param points  strengths that replace those of model.bath at point i; points without a value are skipped
/// @param go_on   if not empty, called on the calling thread before each round of products; once it returns false,
///                every pending sum throws an Interruption and no further point starts
/// @throws ParameterError, UnsupportedError, DeviceError before anything is solved; otherwise, after all slots have
///         ended, the first exception of solve() or the failure that ended the products
/// O(modes^2) memory: one matrix for a spectrum other than the exponential one, two for a table of weights. An
/// evaluation for n slots takes 4 n modes^2 operations for each of the two kinds.
void solve_batch(const TggeModel& model, std::span<const std::optional<BathStrength>> points,
                 const Execution& execution, const std::function<void(std::size_t, const RateEquation&)>& solve,
                 const std::function<bool()>& go_on = {});

}  // namespace lindrift
