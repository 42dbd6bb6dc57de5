#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lindrift/backend.hpp"
#include "lindrift/observable.hpp"
#include "lindrift/tgge/generator.hpp"
#include "lindrift/tgge/model.hpp"

namespace lindrift {

class MatrixRateEquation;  // lindrift/tgge/matrix_rate_equation.hpp

/// A tGGE model as the tasks see it: its modes, and what changes their occupations. Vectors over modes have shape
/// (modes,), in the order of Bands.
struct RateEquation {
  Bands bands;
  double rate_scale = 0.0;                  ///< epsilon J, units of energy
  double inverse_temperature = 0.0;         ///< beta of the thermal bath, 1/energy
  bool thermal = true;                      ///< the thermal bath is on, so that every mode reaches every other
  Backend backend = Backend::cpu;           ///< as resolved, never automatic
  Algorithm algorithm = Algorithm::direct;  ///< as resolved, never automatic
  std::string reason;                       ///< why this algorithm
  std::string backend_reason;               ///< why this backend
  int rank = 0;                             ///< of the hop weights; 0 for a table, where it is not looked for
  int threads = 1;                          ///< CPU threads of what is done with it, as resolved
  bool shared = false;                      ///< ranks share its sums
  /// Not null where bands are degenerate and jump operators may make them coherent, or where the thermal bath has
  /// operators: then the tasks solve this equation, and the generator's rates hold for a basis that nothing prefers.
  std::shared_ptr<const MatrixRateEquation> matrix;
  /// Between neighbouring bands that are not degenerate, energy; infinite for one band, and not looked for without
  /// jump operators. Coherences between them are neglected: it should be large against the rates.
  double smallest_gap = std::numeric_limits<double>::infinity();
  bool has_density_matrix = false;  ///< results include it: several orbitals, and hop weights that are no product
  std::unique_ptr<Generator> generator;
  /// Hop weight w(to, from) of two modes, without the factor 1/cells. For looking at a bath, not for summing.
  std::function<double(std::size_t to, std::size_t from)> hop_weight;
  /// A few of some modes, that exchange particles with every mode that any of them exchanges particles with.
  std::function<std::vector<std::size_t>(const std::vector<std::size_t>& modes)> representatives;

  std::size_t modes() const { return bands.modes(); }
};

/// The rate equation of a model on the backend and by the algorithm asked for; `automatic` takes separable where the
/// sums separate.
/// @throws ParameterError, UnsupportedError, DeviceError
/// O(modes) time and memory; O(modes^2) for a table.
RateEquation make_rate_equation(TggeModel model, const Execution& execution = {});

/// Backend that make_rate_equation() takes for so many modes, and why.
/// @param algorithm  not automatic
Backend rate_backend(Backend asked, Algorithm algorithm, std::size_t modes, std::string* reason = nullptr);

/// Bytes that the equation of a model takes on the device in relax() or steady_state(); 0 if `execution` takes the CPU.
/// @throws DeviceMemoryError if this process may not use as much
double rate_device_bytes(const TggeModel& model, const Execution& execution);

/// Particle current per cell along each direction of the lattice, (1/cells) sum_s v_s n_s (docs/physics.md, Eq. 9).
/// Units of energy.
std::vector<double> current(const RateEquation& equation, std::span<const double> occupation);

/// The shares of the orbitals in the current, shape (dimensions, orbitals); of the spins, up and down, for TggeRashba.
std::vector<double> orbital_current(const RateEquation& equation, std::span<const double> occupation);

/// (1/cells) sum_s E_s n_s.
double energy_per_cell(const RateEquation& equation, std::span<const double> occupation);

/// <c+_b c_a> of the orbitals a, b of every momentum, (cells, orbitals, orbitals), where bands are not degenerate.
std::vector<std::complex<double>> density_matrix(const RateEquation& equation, std::span<const double> occupation);

/// Everything that the tasks report of one state's occupations.
struct OccupationSums {
  std::vector<double> current;          ///< (dimensions,)
  std::vector<double> orbital_current;  ///< (dimensions, orbitals); empty for one orbital
  double particle_number = 0.0;
  double density_per_cell = 0.0;
  double energy_per_cell = 0.0;
};
OccupationSums occupation_sums(const RateEquation& equation, std::span<const double> occupation);

/// Observables of SteadyState, and with the dimension "time" of RelaxResult.
template <class Result>
auto occupation_observables(const std::vector<std::string>& rows) {
  const auto over = [&rows](std::vector<std::string> dimensions) {
    dimensions.insert(dimensions.begin(), rows.begin(), rows.end());
    return dimensions;
  };
  return std::tuple(
      observable(&Result::lagrange_multiplier, {.name = "lagrange_multiplier",
                                                .long_name = "Lagrange multiplier log((1-n)/n)",
                                                .dimensions = over({"mode"})}),
      observable(&Result::occupation,
                 {.name = "occupation", .long_name = "occupation n of the modes", .dimensions = over({"mode"})}),
      observable(&Result::current, {.name = "current",
                                    .units = "energy",
                                    .long_name = "particle current per site",
                                    .dimensions = over({"direction"}),
                                    .in_summary = true}),
      observable(&Result::orbital_current, {.name = "current_spin",
                                            .units = "energy",
                                            .long_name = "particle current per site of each spin",
                                            .dimensions = over({"direction", "spin"}),
                                            .in_summary = true}),
      observable(&Result::density_matrix, {.name = "density_matrix",
                                           .long_name = "<c+_b c_a> of the orbitals a, b of a momentum",
                                           .dimensions = over({"momentum", "orbital", "orbital_2"}),
                                           .several = "orbital"}),
      observable(
          &Result::particle_number,
          {.name = "particle_number", .long_name = "number of particles", .dimensions = rows, .in_summary = true}),
      observable(
          &Result::density_per_cell,
          {.name = "density_per_site", .long_name = "particles per site", .dimensions = rows, .without = "direction"}),
      observable(
          &Result::density_per_cell,
          {.name = "density_per_cell", .long_name = "particles per cell", .dimensions = rows, .with = "direction"}),
      observable(&Result::energy_per_cell, {.name = "energy_per_site",
                                            .units = "energy",
                                            .long_name = "energy per site",
                                            .dimensions = rows,
                                            .without = "direction"}),
      observable(&Result::energy_per_cell, {.name = "energy_per_cell",
                                            .units = "energy",
                                            .long_name = "energy per cell",
                                            .dimensions = rows,
                                            .with = "direction"}),
      observable(&Result::residual, {.name = "residual",
                                     .long_name = "largest relative imbalance of gain and loss",
                                     .dimensions = rows,
                                     .in_summary = true}),
      observable(&Result::converged, {.name = "converged", .long_name = "1 if the solver converged"}),
      observable(&Result::steps, {.name = "steps", .long_name = "steps of the solver", .in_summary = true}));
}

/// dn_s/dt from lambda_s = log((1-n_s)/n_s) (docs/physics.md, Eq. 7). Both shapes (modes,), units of energy.
void occupation_rate(const RateEquation& equation, std::span<const double> lagrange_multiplier, std::span<double> rate);

/// dlambda_s/dt (docs/physics.md, Eq. 8); infinite where it leaves the range of double precision. Both shapes (modes,),
/// units of energy.
void lagrange_multiplier_rate(const RateEquation& equation, std::span<const double> lagrange_multiplier,
                              std::span<double> rate);

/// Force on a mode, gamma_eq F^eq_s + gamma_neq F^neq_s = N (gain_s - loss_s e^{-lambda_s}) for N cells, in the
/// notation of Yamamoto et al., Eqs. (10)-(12), (20)-(22): dn_s/dt = (epsilon J / N) (1 - n_s) F_s. Both shapes
/// (modes,), dimensionless.
void force(const RateEquation& equation, std::span<const double> lagrange_multiplier, std::span<double> result);

/// sum_s n_s, by a fixed tree of partial sums.
double particle_number(std::span<const double> occupation);

/// max_s |gain_s (1-n_s) - loss_s n_s| / (gain_s (1-n_s) + loss_s n_s), in [0, 1]; modes without any rate count as
/// balanced. Evaluates the rates once.
double balance_residual(const RateEquation& equation, std::span<const double> lagrange_multiplier);

/// Symmetries of a nonequilibrium bath that forbid a current (docs/physics.md, section 6): largest violation over all
/// pairs of modes, relative to the largest hop weight.
struct ParityMeasures {
  double joint = 0.0;          ///< of w(s,s') = w(ps,ps'), p: k -> -k; zero, with even bands: no current
  double paper14 = 0.0;        ///< of w(s,s') = w(ps,s') and w(s,s') = w(s,ps'), Eq. (14) of Yamamoto et al.
  double particle_hole = 0.0;  ///< of w(s,s') = w(Ps',Ps), P: k -> Q-k with every component of Q equal to pi, bands in
                               ///< reverse; zero, with E_Ps = -E_s: no current at half filling. NaN if a direction has
                               ///< an odd number of cells, where P leaves the grid
};

/// O(modes^2) evaluations of a hop weight up to 2048 modes and for a table. Beyond, the maxima are over 2048 x 2048
/// pairs of evenly spread modes, and therefore lower bounds.
ParityMeasures parity_measures(const RateEquation& equation);

/// Sets of modes between which particles can hop, when the thermal bath is off; one set when it is on. Each conserves
/// its own number.
struct Components {
  std::vector<std::int32_t> of_mode;  ///< (modes,), 0 .. count-1; empty if there is one
  std::int32_t count = 1;
};

/// O(modes) evaluations of a hop weight for weights that hardly vanish, O(rank modes) for weights of low rank in any
/// case, O(modes^2) for a table at worst.
Components connected_components(const RateEquation& equation);

}  // namespace lindrift
