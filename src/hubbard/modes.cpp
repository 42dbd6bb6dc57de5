#include "hubbard/modes.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <string>

#include "engine/fourier.hpp"
#include "lindrift/error.hpp"
#include "lindrift/lattice/lattice.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// Rates and frequencies further apart from the hopping than this would take products of their squares out of range.
constexpr double largest_ratio = 1e30;

/// From ascending momenta to m = 0 .. L-1.
std::vector<double> by_transform(const std::vector<double>& ascending) {
  std::vector<double> result(ascending.size());
  for (std::size_t i = 0; i < result.size(); ++i) result[transform_order(i, result.size())] = ascending[i];
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
  // The correlation of n and 1-n, by the transforms of both.
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
  // What the transforms leave of sums that vanish is no interaction.
  const double rounding = 1e-15 * (1.0 + std::log2(static_cast<double>(modes.sites))) * couplings *
                          std::sqrt(particles * holes) * over * over;
  const double moment = sum * over * over * over;
  return moment > rounding ? moment : 0.0;
}

/// p -> pi - p on an even ring, k -> -k.
std::size_t reflection(std::size_t m, std::size_t sites) { return (sites + sites / 2 - m) % sites; }
std::size_t inversion(std::size_t m, std::size_t sites) { return (sites - m) % sites; }

/// Whether values do not change under p -> pi - p on an even ring.
bool is_reflected(const std::vector<double>& values) {
  const std::size_t sites = values.size();
  if (sites % 2 != 0) return false;
  for (std::size_t m = 0; m < sites; ++m)
    if (values[m] != values[reflection(m, sites)]) return false;
  return true;
}

/// Makes a symmetry exact that holds to rounding, as in a table that another program computed. Values that differ by
/// more than rounding of the largest, or by so much of themselves that results within the tightest tolerances would
/// show it, stay as they are.
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

}  // namespace

void validate(const HubbardChain& chain) {
  validate_fields(chain);
  if (chain.interaction.empty()) throw ParameterError("model.interaction", "an empty list: at least V_0 = U is needed");
  if (static_cast<std::int64_t>(chain.interaction.size()) > chain.sites)
    throw ParameterError("model.interaction",
                         std::to_string(chain.interaction.size()) + " values V_r were given, and a ring of " +
                             std::to_string(chain.sites) + " sites has only as many distances r = 0 .. " +
                             std::to_string(chain.sites - 1));
  if (chain.approximation == Approximation::ladder)
    for (std::size_t r = 1; r < chain.interaction.size(); ++r)
      if (chain.interaction[r] != 0.0)
        throw ParameterError("model.interaction",
                             "V_" + std::to_string(r) + " = " + std::to_string(chain.interaction[r]) +
                                 " is not allowed with model.approximation = ladder: the ladder is known for an "
                                 "interaction on site only; use second_order");
  for (const double gain : {chain.up.gain, chain.up.two_site_gain})
    if (gain != 0.0)
      throw ParameterError(gain == chain.up.gain ? "bath.up.gain" : "bath.up.two_site_gain",
                           std::to_string(gain) +
                               " is not allowed: a gain of spin up is outside the theory, which "
                               "follows one probe particle on an empty sector");
  if (std::any_of(chain.up.gain_table.begin(), chain.up.gain_table.end(), [](double gain) { return gain != 0.0; }))
    throw ParameterError("bath.up.gain_table",
                         "a gain of spin up is outside the theory, which follows one probe "
                         "particle on an empty sector");
  validate(chain.up, chain.sites, "bath.up");
  const BathRates rates = bath_rates(chain.down, chain.sites, "bath.down");
  const std::vector<double> k = momenta(chain.sites);
  for (std::size_t i = 0; i < k.size(); ++i) {
    const double rate = rates.gain[i] + rates.loss[i];
    if (!(rate > 0.0))
      throw ParameterError("bath.down", "gain and loss both vanish at k = " + std::to_string(k[i]) +
                                            " (m = " + std::to_string(static_cast<std::int64_t>(i) - chain.sites / 2) +
                                            "): the steady occupation there is not defined; every momentum needs one");
    const double ratio = rate / std::fabs(chain.hopping);
    if (!(ratio < largest_ratio && ratio > 1.0 / largest_ratio))
      throw ParameterError("bath.down", "the total rate " + std::to_string(rate) + " at k = " + std::to_string(k[i]) +
                                            " and the hopping are more than a factor of 1e30 apart");
  }
  const BathRates up = bath_rates(chain.up, chain.sites, "bath.up");
  for (const double loss : up.loss)
    if (!(loss < largest_ratio * std::fabs(chain.hopping)))
      throw ParameterError(
          "bath.up", "the loss " + std::to_string(loss) + " and the hopping are more than a factor of 1e30 apart");
  for (const double v : chain.interaction)
    if (!(std::fabs(v) < largest_ratio * std::fabs(chain.hopping)))
      throw ParameterError("model.interaction",
                           std::to_string(v) + " is not allowed: must be within 1e30 times the hopping");
}

HubbardModes hubbard_modes(const HubbardChain& chain) {
  validate(chain);
  HubbardModes modes;
  modes.sites = static_cast<std::size_t>(chain.sites);
  modes.hopping = chain.hopping;
  modes.hartree = chain.hartree;
  modes.approximation = chain.approximation;
  modes.interaction = chain.interaction.front();
  const auto sites = static_cast<double>(modes.sites);
  modes.energy.resize(modes.sites);
  for (std::size_t m = 0; m < modes.sites; ++m)
    modes.energy[m] = -2.0 * chain.hopping * cos_pi(2 * static_cast<std::int64_t>(m), chain.sites);
  const BathRates down = bath_rates(chain.down, chain.sites, "bath.down");
  auto gain = by_transform(down.gain), loss = by_transform(down.loss);
  modes.probe_loss = by_transform(bath_rates(chain.up, chain.sites, "bath.up").loss);
  symmetrise(modes.probe_loss, inversion);
  if (chain.sites % 2 == 0)
    for (auto* rates : {&gain, &loss, &modes.probe_loss}) symmetrise(*rates, reflection);
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
  for (std::size_t m = 1; m < modes.sites; ++m)
    modes.even_probe = modes.even_probe && modes.probe_loss[m] == modes.probe_loss[modes.sites - m];
  modes.reflected = is_reflected(modes.rate);
  modes.mirrored =
      !modes.is_ladder() && modes.reflected && is_reflected(modes.occupation) && is_reflected(modes.probe_loss);
  modes.first_moment = first_moment(modes);
  return modes;
}

}  // namespace lindrift
