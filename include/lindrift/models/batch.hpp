#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "lindrift/models/tgge_chain.hpp"
#include "lindrift/models/tgge_rashba.hpp"

namespace lindrift {

/// What problems that are solved together may differ in, beside their states: how strong the baths are. Field names as
/// in TggeBath.
struct BathStrength {
  double coupling = 0.05;
  double nonequilibrium_fraction = 0.0;
  std::optional<double> equilibrium_fraction;
};

/// True if problems with these baths gain from being solved together: their sums run over all pairs of some hundred
/// modes or more, with weights that take time to read or to compute. Otherwise `reason`, if not null, says why not.
bool gains_from_batching(const TggeChain& chain, const Execution& execution, std::string* reason = nullptr);
bool gains_from_batching(const TggeRashba& chain, const Execution& execution, std::string* reason = nullptr);

/// Places in which so many problems are solved: rows of the products are worth their time while they are full, so that
/// a place has at least two problems one after the other unless they are few, and products are fast from about 64 rows.
std::size_t batch_slots(std::size_t problems);

/// Solves problems that share everything but the strength of their baths side by side: solve(i, equation) is called
/// once for each of them and may drive relax(), steady_state() or the generator itself. Every place has a thread of its
/// own; problem i is solved in place i mod batch_slots(problems), when those of the place before it have ended.
/// Sums over pairs wait for each other and are evaluated for all places at once, as products of a matrix of weights
/// with a matrix of states, on the backend asked for. Results do not depend on the number of threads or of ranks
/// members, nor on which of the problems are there: a library's kernels, and with them the last bits, depend on the
/// shapes and on the place.
/// @param problems  what replaces the strengths of chain.bath in problem i; those without are left out
/// @param go_on     if not empty, called on the calling thread before each round of products; false makes every sum
///                  that is waited for throw an Interruption, and no other problem starts
/// @throws ParameterError, UnsupportedError, DeviceError before anything is solved; the first of what solve() throws,
///         or what ended the products, after all have ended
/// O(modes^2) memory: one matrix for a spectrum other than the exponential one, two for a table of weights. An
/// evaluation of n places takes 4 n modes^2 operations for each of the two kinds.
void solve_batch(const TggeChain& chain, std::span<const std::optional<BathStrength>> problems,
                 const Execution& execution, const std::function<void(std::size_t, const RateEquation&)>& solve,
                 const std::function<bool()>& go_on = {});
void solve_batch(const TggeRashba& chain, std::span<const std::optional<BathStrength>> problems,
                 const Execution& execution, const std::function<void(std::size_t, const RateEquation&)>& solve,
                 const std::function<bool()>& go_on = {});

}  // namespace lindrift
