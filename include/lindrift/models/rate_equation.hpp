#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lindrift/backend.hpp"
#include "lindrift/generator.hpp"

namespace lindrift {

/// What every tGGE model is to the tasks: its modes, their energies and velocities, and their rate equation.
/// Modes are ordered by band (+ first), then by ascending momentum; all vectors have shape (bands * sites,).
struct RateEquation {
  std::int64_t sites = 0;
  int bands = 1;
  std::vector<double> energy;               ///< E_s, in the units of the input
  std::vector<double> velocity;             ///< v_s = dE_s/dk, units of energy
  double inverse_temperature = 0.0;         ///< beta of the thermal bath, 1/energy
  bool thermal = true;                      ///< the thermal bath is on, so that every mode reaches every other
  Backend backend = Backend::cpu;           ///< as resolved, never automatic
  Algorithm algorithm = Algorithm::direct;  ///< as resolved, never automatic
  std::string reason;                       ///< why this algorithm and backend
  std::unique_ptr<Generator> generator;

  std::size_t modes() const noexcept { return energy.size(); }
};

/// Particle current per site towards larger site labels, (1/L) sum_s v_s n_s (docs/physics.md, Eq. 9).
double current(const RateEquation& equation, std::span<const double> occupation);

/// sum_s n_s, by a fixed tree of partial sums.
double particle_number(std::span<const double> occupation);

/// max_s |gain_s (1-n_s) - loss_s n_s| / (gain_s (1-n_s) + loss_s n_s), in [0, 1]; modes without any rate count as
/// balanced. Evaluates the rates once.
double balance_residual(const RateEquation& equation, std::span<const double> lagrange_multiplier);

}  // namespace lindrift
