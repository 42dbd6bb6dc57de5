#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>

#include "config/read.hpp"
#include "lindrift/lindrift.hpp"
#include "lindrift/tgge/initial.hpp"
#include "registry/registry.hpp"
#include "registry/results.hpp"
#include "registry/verification.hpp"

/// Points of the tGGE models.

namespace lindrift {

/// Options for starting steady states from each other along a sweep.
struct ChainOptions {
  std::int64_t chain = 1;
};

template <>
inline auto description<ChainOptions>() {
  return std::tuple(
      field(&ChainOptions::chain,
            {.path = "solver.chain",
             .help = "number of consecutive sweep points of which each starts from the solution of the one before",
             .range = {.low = 1.0, .high = 1e6},
             .details = "1: every point starts from the thermal state. See [sweep]"}));
}

bool has_two_bands(const config::Point& point);
bool is_lattice(const config::Point& point);
/// Orbitals per cell.
std::size_t orbitals_of(const config::Point& point);
/// Cells, or sites of a chain.
double cells_of(const config::Point& point);
std::size_t modes_of(const config::Point& point);

/// Calls `use` with the parameters of the point's model, which is one of the two chains.
template <class Use>
auto with_chain(const config::Point& point, const Use& use) {
  return has_two_bands(point) ? use(config::read<TggeRashba>(point)) : use(config::read<TggeChain>(point));
}

/// Calls `use` with the parameters of the point's model.
template <class Use>
auto with_model(const config::Point& point, const Use& use) {
  return is_lattice(point) ? use(config::read<TggeLattice>(point)) : with_chain(point, use);
}

/// @throws ParameterError if the table of a point does not have the shape (modes, modes)
void check_shape(const config::Point& point);

RateEquation equation_of(const config::Point& point, const Execution& execution);

/// Dimensions of a point's results.
Coordinates coordinates_of(const config::Point& point);

/// The additional observables of a lattice, one state after the other.
LatticeObservables lattice_observables(const config::Point& point, const RateEquation& equation,
                                       const std::vector<double>& lagrange_multiplier,
                                       const std::vector<double>& occupation,
                                       const std::vector<double>& block_multiplier);

/// The currents of a lattice's operators for a file, one dataset current_NAME per operator.
/// @param currents  LatticeObservables::operator_current; empty: the values are missing
io::Result operator_currents(const config::Point& point, std::vector<double> currents);

/// Adds the fields and the summary of `more`.
void append(io::Result& result, io::Result more);

/// Adds whether the state converged, and how it was computed.
template <class State>
void add_outcome(io::Result& result, const State& state, const RateEquation& equation) {
  result.converged = state.converged;
  result.message = state.message;
  result.backend = name(equation.backend);
  result.backend_reason = equation.backend_reason;
  result.algorithm = name(equation.algorithm);
  result.algorithm_reason = equation.reason;
}

/// The results of a steady state or a relaxation, and how they were computed.
template <class State>
io::Result result_of(const config::Point& point, const RateEquation& equation, State& state) {
  const Coordinates coordinates = coordinates_of(point);
  LatticeObservables beside;
  if (is_lattice(point))
    beside = lattice_observables(point, equation, state.lagrange_multiplier, state.occupation, state.block_multiplier);
  io::Result result = collect(coordinates, point.texts("output.fields"), state);
  if (is_lattice(point)) {
    append(result, collect(coordinates, point.texts("output.fields"), beside));
    append(result, operator_currents(point, std::move(beside.operator_current)));
  }
  add_outcome(result, state, equation);
  return result;
}

/// The steady state of a point.
/// @param start, monitor  as in SteadyStateOptions
SteadyState steady_state_of(const config::Point& point, const RateEquation& equation, std::vector<double> start,
                            const Monitor& monitor);

/// The number of particles that it conserves.
double conserved_number_of(const config::Point& point, const RateEquation& equation);

/// log((1-n)/n) of every mode in the initial state.
std::vector<double> initial_multipliers(const config::Point& point, const RateEquation& equation);

// --- tgge_verify.cpp ---

/// Checks stored results: sums over the modes, conservation, and the balance of some modes.
void verify_occupations(Verification& verification);

// --- tgge_cost.cpp ---

/// Doubles per mode that a point needs, without the hop weights.
double arrays_of(const config::Point& point);
/// Checks the keys that set the sizes of a lattice, before anything is computed from them.
/// @throws ParameterError
void check_lattice(const config::Point& point);
/// What a point of any task needs.
Footprint footprint_of(const config::Point& point, const Execution& execution);
/// @throws ParameterError if parameters contradict each other
void validate_point(const config::Point& point);
Plan plan_point(const config::Point& point, const Execution& requested);
/// The backend of plan_point(), without measuring.
Backend backend_of(const config::Point& point, const Execution& requested);
/// Device memory that the bands of a point take while they are computed there, in bytes; otherwise 0.
double bands_device_bytes_of(const config::Point& point, const Execution& execution);
/// Whether occupations are matrices, as far as a lattice of moderate size shows: bands of a large one may touch at
/// momenta that a smaller one does not have.
bool seems_to_need_matrices(const config::Point& point);
double relative_cost(const config::Point& point);
std::vector<std::pair<std::string, io::Attribute>> diagnostics_of(const config::Point& point);

/// Says that no current is possible, if that follows from the strength of the baths.
std::vector<std::string> remarks_on(const config::Document& document);

// --- tgge_groups.cpp ---

/// Solves one task for a given equation.
using Solve = io::Result (*)(const config::Point&, const RateEquation&, const Monitor&);
using Finished = std::function<void(std::size_t place, io::Result)>;

/// Batches of neighbouring points that differ only in the strength of the baths and in the filling, if that is faster.
Grouping batches(const config::Document& document);
/// Device memory of a batch, in bytes.
double batch_device_bytes_of(const config::Document& document, const Grouping& grouping, const Execution& execution);
void run_batch(Solve solve, const Group& group, const Execution& requested, const Monitor& monitor,
               const Finished& finished);

/// The same, or chains of points that start from each other's solution if solver.chain asks for them.
Grouping batches_or_chains(const config::Document& document);
/// A point that throws gets no result here and is solved on its own later. The next point starts from the thermal
/// state, as it does after a point that does not converge.
void run_chain(const Group& group, const Execution& requested, const Monitor& monitor, const Finished& finished);

/// As batches_or_chains() where a device is asked for, which finds steady states in its thread blocks: then any points
/// of the same size.
Grouping device_batches(const config::Document& document);
/// As batches() where a device is asked for, which integrates relaxations in its thread blocks.
Grouping device_relaxations(const config::Document& document);
/// Whether the batches of a sweep have enough points of enough modes to be worth a device's thread blocks.
bool gains_from_blocks(const config::Document& document);
/// Whether thread blocks can be asked at all, from sizes and names alone: no bands are computed in vain.
bool fits_a_block(const config::Point& point);
/// Whether a block can solve a point that fits_a_block().
bool goes_to_a_block(const config::Point& point, const TggeModel& model, const Execution& execution);
/// Whether run_in_blocks() or relax_in_blocks() can take the groups of a sweep.
bool found_in_blocks(const config::Document& document);
/// @return for every place, whether blocks give the point back: they cannot take it, or it does not converge there
std::vector<bool> run_in_blocks(const Group& group, const Execution& requested, const Monitor& monitor,
                                const Finished& finished);
/// A point alone, with the same numbers; nothing if it is not of that kind or does not converge so.
std::optional<io::Result> run_in_block(const config::Point& point, const Execution& requested);
/// The same for relaxations.
std::vector<bool> relax_in_blocks(const Group& group, const Execution& requested, const Monitor& monitor,
                                  const Finished& finished);
std::optional<io::Result> relax_in_block(const config::Point& point, const Execution& requested);
/// Cuts a group where a group of `grouping`, or one of its rows, ends. The parts follow from the places of the group
/// alone, not from which of them are wanted.
/// @param grouping  with row > 0
std::vector<Group> parts_of(const Group& group, const Grouping& grouping);
/// Runs the points that blocks give back as batches, where batches() has some: the parts of the group that lie in one
/// batch. Points of other parts, of batches that fail, and of those for which the device has too little memory get no
/// result here and are tried on their own later.
/// @param group  of blocks; wanted are the points given back
void run_given_back(Solve solve, const Group& group, const Execution& requested, const Monitor& monitor,
                    const Finished& finished);

}  // namespace lindrift
