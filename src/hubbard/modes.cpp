#include "hubbard/modes.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>

#include "engine/fourier.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// Reorders ascending momenta to m = 0 .. L-1.
std::vector<double> by_transform(const std::vector<double>& ascending, const TransformOrder& order) {
  std::vector<double> result(ascending.size());
  for (std::size_t i = 0; i < result.size(); ++i) result[order.position(i)] = ascending[i];
  return result;
}

/// |U_q|^2, U_q = sum_r V_r e^{iqr}.
std::vector<double> couplings(const std::vector<double>& interaction, std::size_t sites) {
  std::vector<double> coupling(sites, interaction.empty() ? 0.0 : interaction[0] * interaction[0]);
  if (std::all_of(interaction.begin() + 1, interaction.end(), [](double v) { return v == 0.0; })) return coupling;
  std::vector<Complex> potential(sites);
  std::copy(interaction.begin(), interaction.end(), potential.begin());
  Fourier(sites).backward(potential.data(), 1);
  for (std::size_t q = 0; 2 * q <= sites; ++q) coupling[(sites - q) % sites] = coupling[q] = std::norm(potential[q]);
  return coupling;
}

/// (1/L^2) sum_{q,p} |U_q|^2 n_p (1 - n_{p-q}).
double first_moment(const HubbardModes& modes) {
  const auto over = 1.0 / static_cast<double>(modes.sites);
  if (modes.on_site) {
    double holes = 0.0;
    for (const double h : modes.hole) holes += h;
    return modes.coupling[0] * modes.mean_occupation * holes * over;
  }
  // The correlation of n and 1-n, from the transforms of both.
  std::vector<Complex> transforms(2 * modes.sites);
  std::copy(modes.occupation.begin(), modes.occupation.end(), transforms.begin());
  std::copy(modes.hole.begin(), modes.hole.end(), transforms.begin() + static_cast<std::ptrdiff_t>(modes.sites));
  const Fourier fourier(modes.sites);
  fourier.forward(transforms.data(), 2);
  for (std::size_t r = 0; r < modes.sites; ++r) transforms[r] *= std::conj(transforms[modes.sites + r]);
  fourier.backward(transforms.data(), 1);
  double sum = 0.0, couplings = 0.0, particles = 0.0, holes = 0.0;
  for (std::size_t q = 0; q < modes.sites; ++q) {
    sum += modes.coupling[q] * transforms[q].real();
    couplings += modes.coupling[q];
    particles += modes.occupation[q] * modes.occupation[q];
    holes += modes.hole[q] * modes.hole[q];
  }
  // Rounding errors of vanishing sums are not an interaction.
  const double rounding = 1e-15 * (1.0 + std::log2(static_cast<double>(modes.sites))) * couplings *
                          std::sqrt(particles * holes) * over * over;
  const double moment = sum * over * over * over;
  return moment > rounding ? moment : 0.0;
}

/// The maps p -> pi - p on an even ring, and k -> -k.
std::size_t reflection(std::size_t m, std::size_t sites) { return (sites + sites / 2 - m) % sites; }
std::size_t inversion(std::size_t m, std::size_t sites) { return (sites - m) % sites; }

/// Whether values are invariant under p -> pi - p on an even ring, or only change their sign.
bool is_reflected(const std::vector<double>& values, double sign = 1.0) {
  const std::size_t sites = values.size();
  if (sites % 2 != 0) return false;
  for (std::size_t m = 0; m < sites; ++m)
    if (values[m] != sign * values[reflection(m, sites)]) return false;
  return true;
}

/// Whether values are invariant under k -> -k.
bool is_even(const std::vector<double>& values, const TransformOrder& order) {
  for (std::size_t m = 0; m < values.size(); ++m)
    if (values[m] != values[order.opposite(m)]) return false;
  return true;
}

/// Makes a symmetry exact if it holds to rounding, as in a table computed by another program. Values stay as they are
/// if they differ by more than rounding of the largest, or by so much relative to themselves that results at the
/// tightest tolerances would show it.
void symmetrise(std::vector<double>& values, std::size_t (*partner)(std::size_t, std::size_t)) {
  constexpr double of_largest = 8.0 * std::numeric_limits<double>::epsilon(), of_itself = 1e-11;
  const double largest = *std::max_element(values.begin(), values.end());
  for (std::size_t m = 0; m < values.size(); ++m) {
    const double one = values[m], other = values[partner(m, values.size())];
    if (!(std::fabs(one - other) <= std::min(of_largest * largest, of_itself * std::max(one, other)))) return;
  }
  for (std::size_t m = 0; m < values.size(); ++m) {
    double& other = values[partner(m, values.size())];
    values[m] = other = 0.5 * (values[m] + other);
  }
}

/// Finds the symmetries that save work in one direction.
void find_symmetries(HubbardModes& modes) {
  modes.same_energies = modes.energy == modes.down_energy && is_even(modes.energy, modes.order);
  const bool one_direction = modes.lattice.dimensions() == 1;
  modes.even_probe = one_direction && is_even(modes.energy, modes.order) && is_even(modes.probe_loss, modes.order);
  modes.reflected = one_direction && is_reflected(modes.rate) && is_reflected(modes.down_energy, -1.0);
  modes.mirrored = !modes.is_ladder() && modes.reflected && is_reflected(modes.energy, -1.0) &&
                   is_reflected(modes.occupation) && is_reflected(modes.probe_loss);
}

}  // namespace

double energy_unit_of(const OpenLattice& lattice) {
  if (lattice.is_ring()) return std::fabs(lattice.hopping);
  const double size = std::max(largest_energy(lattice.terms(Spin::up)), largest_energy(lattice.terms(Spin::down)));
  return size > 0.0 ? 0.5 * size : 1.0;
}

HubbardModes hubbard_modes(const HubbardChain& chain) {
  validate(chain);
  HubbardModes modes;
  modes.lattice = chain.lattice();
  modes.order = TransformOrder(modes.lattice);
  modes.sites = modes.lattice.size();
  modes.hartree = chain.hartree;
  modes.approximation = chain.approximation;
  modes.interaction = chain.interaction.front();
  const auto sites = static_cast<double>(modes.sites);
  const auto up = chain.terms(Spin::up), down_terms = chain.terms(Spin::down);
  modes.energy_unit = energy_unit_of(chain);
  const double up_size = largest_energy(up), down_size = largest_energy(down_terms);
  modes.kernel_bandwidth = chain.is_ring() ? 6.0 * modes.energy_unit : up_size + 2.0 * down_size;
  modes.equation_bandwidth = chain.is_ring() ? 8.0 * modes.energy_unit : 2.0 * (up_size + down_size);
  modes.energy = by_transform(hopping_energies(up, modes.lattice), modes.order);
  modes.down_energy = by_transform(hopping_energies(down_terms, modes.lattice), modes.order);
  const BathRates down = bath_rates(chain.down, modes.lattice, "bath.down");
  auto gain = by_transform(down.gain, modes.order), loss = by_transform(down.loss, modes.order);
  modes.probe_loss = by_transform(bath_rates(chain.up, modes.lattice, "bath.up").loss, modes.order);
  if (modes.lattice.dimensions() == 1) {
    symmetrise(modes.probe_loss, inversion);
    if (modes.sites % 2 == 0)
      for (auto* rates : {&gain, &loss, &modes.probe_loss}) symmetrise(*rates, reflection);
  }
  for (std::size_t m = 0; m < modes.sites; ++m) {
    modes.rate.push_back(gain[m] + loss[m]);
    modes.occupation.push_back(gain[m] / modes.rate[m]);
    modes.hole.push_back(loss[m] / modes.rate[m]);
    modes.mean_occupation += modes.occupation[m] / sites;
  }
  modes.ladder = chain.ladder != Ladder::automatic ? chain.ladder
                 : modes.mean_occupation <= 0.5    ? Ladder::particle
                                                   : Ladder::hole;
  modes.coupling = couplings(chain.interaction, modes.sites);
  double potential = 0.0;
  for (const double v : chain.interaction) potential += v;
  modes.mean_field = potential * modes.mean_occupation;
  modes.strongest_coupling = *std::max_element(modes.coupling.begin(), modes.coupling.end());
  modes.slowest_rate = *std::min_element(modes.rate.begin(), modes.rate.end());
  modes.fastest_rate = *std::max_element(modes.rate.begin(), modes.rate.end());
  modes.fastest_probe_loss = *std::max_element(modes.probe_loss.begin(), modes.probe_loss.end());
  modes.on_site =
      std::all_of(modes.coupling.begin(), modes.coupling.end(), [&](double c) { return c == modes.coupling.front(); });
  find_symmetries(modes);
  modes.first_moment = first_moment(modes);
  return modes;
}

}  // namespace lindrift
