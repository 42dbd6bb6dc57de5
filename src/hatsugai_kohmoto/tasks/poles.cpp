#include "lindrift/hatsugai_kohmoto/poles.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/parallel.hpp"
#include "engine/validate.hpp"
#include "hatsugai_kohmoto/exceptional_points.hpp"
#include "hatsugai_kohmoto/windings.hpp"
#include "lindrift/error.hpp"
#include "open_chain/eigenvalues.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

/// Residues z_1 = (S + q) / 2S and z_2 = (S - q) / 2S (Eq. 40) with q = Gamma + iU(1 - 2 n0). The smaller one follows
/// from the product (S + q)(S - q) = 4iU (n0 Gamma - kappa) - 4U^2 n0 (1 - n0), without cancellation.
std::pair<Complex, Complex> residues(double gain, double loss, double u, double n, double hole, Complex s) {
  if (s == 0.0) return {{missing, missing}, {missing, missing}};
  const double rate = gain + loss;
  const Complex q(rate, u * (hole - n));
  const Complex product(-4.0 * u * u * n * hole, 4.0 * u * (n * loss - hole * gain));
  const Complex sum = s + q, difference = s - q;
  if (std::abs(sum) >= std::abs(difference)) return {sum / (2.0 * s), product / sum / (2.0 * s)};
  return {product / difference / (2.0 * s), difference / (2.0 * s)};
}

/// Poles and residues of all momenta (Eqs. 36, 37, 40, 148).
void fill_momenta(const HatsugaiKohmotoModes& modes, std::span<const double> occupation, PolesResult& result) {
  const std::size_t size = modes.energy.size();
  result.pole.resize(2 * size);
  result.residue.resize(2 * size);
  std::vector<double> separation(size);
  parallel_for(size, [&](std::size_t k) {
    const double gain = modes.down.gain[k], loss = modes.down.loss[k], rate = gain + loss, n = occupation[k];
    const Eigenvalues root = eigenvalues(gain, loss, modes.interaction);
    const Complex base(modes.energy[k], -0.5 * (modes.up.gain[k] + modes.up.loss[k]));
    const auto energy = [&](Complex l) { return base + Complex(-l.imag(), l.real()); };
    result.pole[k] = energy(root.slow);
    result.pole[size + k] = energy(-0.5 * (Complex(rate, modes.interaction) + root.splitting));
    // For a steady state, avoids the cancellation in 1 - n.
    const double hole = rate > 0.0 && n == gain / rate ? loss / rate : 1.0 - n;
    std::tie(result.residue[k], result.residue[size + k]) =
        residues(gain, loss, modes.interaction, n, hole, root.splitting);
    separation[k] = std::abs(root.splitting);
  });
  result.smallest_separation = *std::min_element(separation.begin(), separation.end());
}

void fill_exceptional_points(const Zone& zone, std::size_t room, PolesResult& result) {
  const auto directions = static_cast<std::size_t>(zone.dimensions());
  result.exceptional_point.assign(room * directions, missing);
  result.exceptional_point_charge.assign(room, missing);
  result.exceptional_point_energy.assign(room, {missing, missing});
  if (exceptional_everywhere_balanced(zone)) {
    result.message =
        "gain or loss of spin down is uniform and |U| twice that: every momentum where gain and loss are equal is an "
        "exceptional point, and they are not listed";
    return;
  }
  const std::vector<ExceptionalPoint> points = exceptional_points(zone);
  result.exceptional_points = static_cast<std::int64_t>(points.size());
  for (std::size_t i = 0; i < std::min(room, points.size()); ++i) {
    const ZoneMode mode = zone.at(points[i].momentum);
    for (std::size_t d = 0; d < directions; ++d) result.exceptional_point[i * directions + d] = points[i].momentum[d];
    result.exceptional_point_charge[i] = points[i].charge;
    result.exceptional_point_energy[i] = {mode.energy.value + 0.5 * zone.interaction(),
                                          -0.5 * (mode.up_rate.value + mode.gain.value + mode.loss.value)};
  }
  if (points.size() > room)
    result.message = std::to_string(points.size()) + " exceptional points were found, the first " +
                     std::to_string(room) + " are listed: task.max_exceptional_points";
}

Coordinate words(std::string name, std::string long_name, std::vector<std::string> values) {
  const std::size_t size = values.size();
  return {std::move(name), "1", std::move(long_name), size, [values = std::move(values)] { return values; }};
}

}  // namespace

std::vector<Coordinate> poles_coordinates(const OpenLattice& lattice, const PolesOptions& options) {
  std::vector<Coordinate> all{words("branch", "pole, by its distance to the real axis", {"slow", "fast"})};
  const std::vector<Coordinate> momenta = momentum_coordinates(lattice);
  all.insert(all.end(), momenta.begin(), momenta.end());
  const std::vector<Coordinate> sites = site_coordinates(lattice);
  if (sites.back().name == "direction") all.push_back(sites.back());
  all.push_back(integer_coordinate("number", "number of the exceptional point",
                                   static_cast<std::size_t>(options.max_exceptional_points)));
  if (!options.base_energies.empty())
    all.push_back(integer_coordinate("base_energy", "row of task.base_energies", options.base_energies.size()));
  if (lattice.is_ring() || lattice.cells.size() == 1)
    all.push_back(words("loop", "pole, followed from the one of this name at k = -pi", {"slow", "fast"}));
  return all;
}

double poles_bytes(const HatsugaiKohmoto& model) {
  const Lattice lattice = model.lattice();
  double grid = 1.0;
  for (int i = 0; i < lattice.dimensions(); ++i)
    grid *= static_cast<double>(std::max<std::int64_t>(128, lattice.cells(i)));
  return 72.0 * static_cast<double>(lattice.size()) + 40.0 * grid;
}

void validate_poles(const HatsugaiKohmoto& model, const PolesOptions& options) {
  validate_fields(options);
  validate(model);
  if (model.cluster != 1)
    throw ParameterError("model.cluster", std::to_string(model.cluster) +
                                              " is not allowed with poles: a group of momenta that mix has more than "
                                              "two; it must be 1");
  for (std::size_t i = 0; i < options.base_energies.size(); ++i)
    if (options.base_energies[i].size() != 2)
      throw ParameterError("task.base_energies[" + std::to_string(i) + "]", "must be a row [Re, Im]");
  if (!options.down_occupation.empty()) validate_down_occupation(options.down_occupation, model.size());
}

PolesResult poles(const HatsugaiKohmoto& model, const PolesOptions& options, const Execution& execution) {
  validate_poles(model, options);
  only_on_cpu(execution.backend, "poles are found");
  const Calculation calculation(execution, options.monitor);
  PolesResult result;
  try {
    const HatsugaiKohmotoModes modes = modes_of(model);
    fill_momenta(modes, options.down_occupation.empty() ? steady_occupation(modes.down) : options.down_occupation,
                 result);
    const Zone zone(model);
    fill_exceptional_points(zone, static_cast<std::size_t>(options.max_exceptional_points), result);
    for (const std::vector<double>& energy : options.base_energies)
      for (int i = 0; i < zone.dimensions(); ++i) result.winding.push_back(winding(zone, {energy[0], energy[1]}, i));
    if (zone.dimensions() == 1) {
      const auto areas = loop_areas(zone);
      result.loop_area.assign(areas.begin(), areas.end());
    }
  } catch (const Interruption&) {
    const std::size_t size = model.size();
    const auto directions = static_cast<std::size_t>(model.lattice().dimensions());
    const auto room = static_cast<std::size_t>(options.max_exceptional_points);
    result = {};
    result.pole.assign(2 * size, {missing, missing});
    result.residue = result.pole;
    result.smallest_separation = missing;
    result.exceptional_point.assign(room * directions, missing);
    result.exceptional_point_charge.assign(room, missing);
    result.exceptional_point_energy.assign(room, {missing, missing});
    result.winding.assign(options.base_energies.size() * directions, missing);
    if (directions == 1) result.loop_area.assign(2, missing);
    result.stopped = true;
  }
  return result;
}

}  // namespace lindrift
