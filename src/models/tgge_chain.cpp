#include "lindrift/models/tgge_chain.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "lindrift/error.hpp"
#include "lindrift/lattice.hpp"
#include "models/rate_generator.hpp"

namespace lindrift {

namespace {

void require(bool condition, const char* quantity, double value, const char* allowed) {
  if (!condition) throw ParameterError(quantity, std::to_string(value) + " is not allowed: must be " + allowed);
}

/// Weights this far below the largest are what rounding leaves of an exact zero: such a mode must count as unreachable.
constexpr double rounding_of_zero = 1e-28;

void clear_rounded_zeros(std::vector<double>& weight) {
  const double threshold = rounding_of_zero * *std::max_element(weight.begin(), weight.end());
  for (double& w : weight)
    if (w < threshold) w = 0.0;
}

/// |1 + z e^{-ik}|^2 from cos k and sin k, as a sum of squares: never negative, and exact where it vanishes.
double squared_modulus(std::complex<double> z, double cosine, double sine) {
  const double real = 1.0 + z.real() * cosine + z.imag() * sine;
  const double imaginary = z.imag() * cosine - z.real() * sine;
  return real * real + imaginary * imaginary;
}

}  // namespace

void validate(const TggeChain& chain) {
  const TggeBath& bath = chain.bath;
  if (chain.sites < 1)
    throw ParameterError("model.sites", std::to_string(chain.sites) + " is not allowed: must be >= 1");
  require(std::isfinite(chain.hopping) && chain.hopping > 0.0, "model.hopping", chain.hopping, "> 0");
  require(std::isfinite(bath.coupling) && bath.coupling >= 0.0, "bath.coupling", bath.coupling, ">= 0");
  require(std::isfinite(bath.inverse_temperature) && bath.inverse_temperature >= 0.0, "bath.inverse_temperature",
          bath.inverse_temperature, ">= 0");
  require(bath.nonequilibrium_fraction >= 0.0 && bath.nonequilibrium_fraction <= 1.0, "bath.nonequilibrium_fraction",
          bath.nonequilibrium_fraction, "in [0, 1]");
  require(std::isfinite(bath.thermal_weight()) && bath.thermal_weight() >= 0.0, "bath.equilibrium_fraction",
          bath.thermal_weight(), ">= 0");
  if (bath.thermal_weight() == 0.0 && bath.nonequilibrium_fraction == 0.0)
    throw ParameterError("bath.equilibrium_fraction",
                         "0 is not allowed with bath.nonequilibrium_fraction = 0: no bath would be left");
  for (const auto& [quantity, value] :
       {std::pair{"bath.delta", chain.jump.delta}, {"bath.delta_prime", chain.jump.delta_prime}})
    require(std::isfinite(value.real()) && std::isfinite(value.imag()), quantity, std::abs(value), "finite");
}

RateEquation make_rate_equation(const TggeChain& chain, const Execution& execution) {
  validate(chain);
  RateEquation equation;
  equation.sites = chain.sites;
  equation.bands = 1;
  equation.inverse_temperature = chain.bath.inverse_temperature;
  equation.thermal = chain.bath.thermal_weight() > 0.0;
  equation.backend = resolve_backend(execution.backend);
  equation.algorithm = execution.algorithm == Algorithm::automatic ? Algorithm::separable : execution.algorithm;
  equation.reason =
      execution.algorithm != Algorithm::automatic
          ? "as asked"
          : "the Raman bath factorises and the exponential spectrum has rank one: 4 moments replace L^2 pairs";

  const auto modes = static_cast<std::size_t>(chain.sites);
  equation.energy.resize(modes);
  equation.velocity.resize(modes);
  std::vector<double> in(modes), out(modes);
  for (std::size_t s = 0; s < modes; ++s) {
    const std::int64_t m = first_momentum_index(chain.sites) + static_cast<std::int64_t>(s);
    const double cosine = cos_pi(2 * m, chain.sites), sine = sin_pi(2 * m, chain.sites);
    equation.energy[s] = -2.0 * chain.hopping * cosine;
    equation.velocity[s] = 2.0 * chain.hopping * sine;
    in[s] = squared_modulus(chain.jump.delta, cosine, sine);           // |1 + delta e^{-iq}|^2
    out[s] = squared_modulus(-chain.jump.delta_prime, cosine, -sine);  // |1 - delta' e^{ik}|^2
  }

  clear_rounded_zeros(in);
  clear_rounded_zeros(out);

  kernels::FactorisedRateTables tables;
  tables.modes = chain.sites;
  tables.over_sites = 1.0 / static_cast<double>(chain.sites);
  tables.scale = chain.bath.coupling * chain.hopping;
  tables.inverse_temperature = chain.bath.inverse_temperature;
  tables.thermal_weight = chain.bath.thermal_weight();
  tables.nonequilibrium_weight = chain.bath.nonequilibrium_fraction;
  tables.energy = equation.energy.data();
  tables.in = in.data();
  tables.out = out.data();
  Execution resolved = execution;
  resolved.backend = equation.backend;
  resolved.algorithm = equation.algorithm;
  equation.generator = make_rate_generator(tables, resolved);
  return equation;
}

}  // namespace lindrift
