#include "hatsugai_kohmoto/registry/poles.hpp"

#include <fmt/format.h>

#include <cmath>

#include "config/read.hpp"
#include "lindrift/lindrift.hpp"
#include "open_chain/registry/propagator.hpp"
#include "open_chain/registry/verify_sites.hpp"
#include "registry/cpu_task.hpp"

namespace lindrift {

namespace {

using config::Point;
using config::read;

constexpr const char* on_the_cpu = "poles are found on the CPU";
const Method method{"exact",
                    "the closed form of every momentum; exceptional points by the turns of S^2 and Newton's method"};

PolesOptions options_of(const Point& point) {
  auto options = read<PolesOptions>(point);
  if (options.down_occupation.size() == 1) options.down_occupation.assign(sites_of(point), options.down_occupation[0]);
  return options;
}

Coordinates coordinates_of(const Point& point) {
  return poles_coordinates(lattice_of(point), read<PolesOptions>(point));
}

io::Result empty_result(const Point& point) {
  return empty_result_of<PolesResult>(coordinates_of(point), point.texts("output.fields"));
}

Footprint footprint_of(const Point& point, const Execution&) {
  const Coordinates coordinates = coordinates_of(point);
  Footprint needed = open_chain_footprint<PolesResult>(point, coordinates);
  needed.working = unkept_bytes<PolesResult>(coordinates, point.texts("output.fields"));
  if (!needed.is_too_much()) needed.working += poles_bytes(read<HatsugaiKohmoto>(point));
  return needed;
}

Plan plan_point(const Point& point, const Execution& execution) {
  const auto model = read<HatsugaiKohmoto>(point);
  Plan plan;
  plan.backend = only_on_cpu(execution.backend, "poles are found", &plan.backend_reason);
  plan.method = method;
  plan.work = "momenta";
  plan.rate_evaluations = static_cast<double>(model.size());
  plan.operations = 500.0 * (1.0 + static_cast<double>(options_of(point).base_energies.size()));
  plan.bytes_moved = 200.0;
  constexpr double operations_per_second = 5e8;  // of one core; mostly trigonometric functions
  plan.seconds_per_evaluation = plan.operations / operations_per_second;
  return plan;
}

io::Result run(const Point& point, const Execution& execution, const Monitor& monitor) {
  PolesOptions options = options_of(point);
  options.monitor = monitor;
  PolesResult found = poles(read<HatsugaiKohmoto>(point), options, execution);
  io::Result result = cpu_result(point, coordinates_of(point), found, method, on_the_cpu);
  result.message = found.message;
  return result;
}

/// Checks poles against the characteristic polynomial of the generator, and residues through their sum and first
/// moment, in extended precision. Exceptional points and windings are only compared with a second run.
void verify(Verification& verification) {
  using Real = PlainMomentum::Real;
  using Complex = std::complex<Real>;
  constexpr double allowed = 1e-12;
  const Point& point = verification.point;
  const auto model = read<HatsugaiKohmoto>(point);
  const PolesOptions options = options_of(point);
  const Lattice lattice = model.lattice();
  const auto *pole = verification.complex("pole"), *residue = verification.complex("residue");
  const std::size_t size = lattice.size();
  for (const std::size_t k : verification.some_of(size)) {
    const PlainMomentum momentum(lattice, k);
    const auto up = momentum.rates(model.up), down = momentum.rates(model.down);
    const Real energy = momentum.energy(model, Spin::up), u = model.interaction;
    const Real occupation = options.down_occupation.empty() ? down.occupation() : options.down_occupation[k];
    const Real scale = std::fabs(energy) + 2.0L * std::fabs(u) + up.total() + 2.0L * down.total() + 1e-300L;
    if (pole == nullptr) continue;
    for (const std::size_t branch : {0, 1}) {
      const Complex e((*pole)[branch * size + k]), x = e - energy + Complex(0.0L, 0.5L * up.total());
      const Complex determinant = x * (x - u + Complex(0.0L, down.total())) - Complex(0.0L, u * down.gain);
      // Where the poles merge, each has an error of the square root of rounding, but the determinant only of rounding.
      verification.note("poles are eigenvalues of the generator",
                        static_cast<double>(std::abs(determinant) / (scale * scale)), allowed);
      verification.note("poles lie below the real axis", static_cast<double>(std::max(Real(0.0L), e.imag() / scale)),
                        allowed);
    }
    if (residue == nullptr || !std::isfinite(std::abs((*residue)[k]))) continue;
    const Complex z1((*residue)[k]), z2((*residue)[size + k]), e1((*pole)[k]), e2((*pole)[size + k]);
    const Real size_of = std::abs(z1) + std::abs(z2);
    verification.note("residues add up to 1", static_cast<double>(std::abs(z1 + z2 - 1.0L) / size_of), allowed);
    const Complex moment = energy + u * occupation - Complex(0.0L, 0.5L * up.total());
    verification.note("first moment of the spectrum",
                      static_cast<double>(std::abs(z1 * e1 + z2 * e2 - moment) / (scale * size_of)), allowed);
  }
}

}  // namespace

void validate_poles_point(const Point& point) {
  const OpenLattice lattice = lattice_of(point);
  if (point.has("initial.down_occupation")) {
    const std::size_t given = point.reals("initial.down_occupation").size();
    if (given > 1 && given != lattice.size())
      throw ParameterError("initial.down_occupation", fmt::format("{} entries were given; it must have one per "
                                                                  "momentum, {}",
                                                                  given, lattice.size()));
  }
  validate_poles(read<HatsugaiKohmoto>(point), options_of(point));
}

TaskEntry hatsugai_kohmoto_poles_task() {
  PolesOptions options;
  options.base_energies = {{0.0, 0.0}};
  Coordinates every = poles_coordinates(OpenLattice{}, options);
  every.push_back({"direction", "1", "direction of the lattice", 1, [] { return std::vector<std::int64_t>{1}; }});
  TaskEntry task = cpu_task<PolesResult>(
      "poles", "poles and residues of the Green's function of spin up, exceptional points and windings",
      config::keys_of<PolesOptions>(), every, {footprint_of, empty_result, plan_point, run, verify});
  task.remarks = open_chain_remarks;
  return task;
}

}  // namespace lindrift
