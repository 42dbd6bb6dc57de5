#include "hubbard/registry/exact.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "clusters/lindbladian.hpp"
#include "clusters/mixed_momenta.hpp"
#include "config/read.hpp"
#include "engine/threads.hpp"
#include "hubbard/registry/rings.hpp"
#include "hubbard/rings.hpp"
#include "lindrift/lindrift.hpp"
#include "open_chain/registry/propagator.hpp"
#include "open_chain/registry/verify_sites.hpp"
#include "registry/cpu_task.hpp"
#include "registry/results.hpp"

namespace lindrift {

namespace {

using config::Point;
using config::read;

constexpr const char* on_the_cpu = "exact rings and lattices are solved on the CPU";
const Method method{"exact", "the Lindbladian of all momenta as a sparse matrix, and Krylov spaces of it"};

HubbardExactOptions options_of(const Point& point) { return read<HubbardExactOptions>(point); }

Coordinates coordinates_of(const Point& point) {
  return counted(point, exact_coordinates(lattice_of(point), options_of(point)));
}

io::Result empty_result(const Point& point) {
  return empty_result_of<HubbardExact>(coordinates_of(point), point.texts("output.fields"));
}

/// Without the Lindbladian of more sites than the task takes, which it refuses.
Footprint footprint_of(const Point& point, const Execution& execution) {
  Footprint needed = open_chain_footprint<HubbardExact>(point, coordinates_of(point));
  if (size_of(point) > clusters::max_orbitals) return needed;
  const std::size_t sites = sites_of(point);
  const auto chain = read<HubbardChain>(point);
  const bool green = point.has("task.times") || point.has("task.frequencies");
  needed.working = clusters::mixed_bytes(sites, has_no_gain(chain.up), 1.0, green ? static_cast<double>(sites) : 0.0,
                                         threads_of(execution));
  return needed;
}

Plan plan_point(const Point& point, const Execution& execution) {
  const HubbardExactPlan exact = plan_exact(read<HubbardChain>(point), options_of(point), execution);
  Plan plan;
  plan.backend = Backend::cpu;
  plan.backend_reason = on_the_cpu;
  plan.method = method;
  plan.work = "momenta";
  plan.rate_evaluations = size_of(point);
  plan.operations = exact.operations / plan.rate_evaluations;
  plan.bytes_moved = 3.0 * plan.operations;  // 24 bytes per matrix element for 8 operations
  plan.seconds_per_evaluation = exact.seconds / plan.rate_evaluations;
  plan.notes.push_back(exact.green_operators > 0.0
                           ? fmt::format("{:.0f} operators for the Green's function of a momentum, {:.0f} for the "
                                         "steady state",
                                         exact.green_operators, exact.state_operators)
                           : fmt::format("{:.0f} operators for the steady state", exact.state_operators));
  return plan;
}

io::Result run(const Point& point, const Execution& execution, const Monitor& monitor) {
  HubbardExactOptions options = options_of(point);
  options.monitor = monitor;
  HubbardExact ring = exact(read<HubbardChain>(point), options, execution);
  io::Result result = cpu_result(point, coordinates_of(point), ring, method, on_the_cpu);
  result.converged = ring.converged;
  if (!result.converged)
    result.message = fmt::format("a linear equation was solved to a relative residual of {:.1e} only", ring.residual);
  return result;
}

void verify(Verification& verification) {
  constexpr double allowed = 1e-11;
  verify_currents(verification, allowed, allowed);
  if (const auto* spectral = verification.reals("spectral_function"))
    for (const double a : *spectral) verification.note("spectral function >= 0", std::max(0.0, -a), allowed);
  verify_propagator_start(verification, allowed);
}

}  // namespace

void validate_exact_point(const Point& point) {
  const HubbardChain chain = read<HubbardChain>(point);
  constexpr const char* reason = "it approximates nothing";
  refuse_approximations(chain, "exact", reason, reason);
  exact_chain(chain, options_of(point));
}

TaskEntry hubbard_exact_task() {
  const Coordinates every{spin_coordinate(), momentum_coordinate(1), time_coordinate({}), site_coordinate(1),
                          frequency_coordinate({})};
  TaskEntry task = cpu_task<HubbardExact>(
      "exact", "steady state and Green's function of a ring or lattice of up to 8 sites, without approximation",
      config::keys_of<HubbardExactOptions>(), every, {footprint_of, empty_result, plan_point, run, verify});
  task.remarks = open_chain_remarks;
  task.shares_a_point = true;
  return task;
}

}  // namespace lindrift
