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

/// A tGGE model as the tasks see it: its modes and the rates that change their occupations. Vectors over modes have
/// shape (modes,), in the order of Bands.
struct RateEquation {
  Bands bands;
  double rate_scale = 0.0;                  ///< epsilon J, units of energy
  double inverse_temperature = 0.0;         ///< beta of the thermal bath, 1/energy
  bool thermal = true;                      ///< the thermal bath is on, so that every mode reaches every other
  Backend backend = Backend::cpu;           ///< resolved, never automatic
  Algorithm algorithm = Algorithm::direct;  ///< resolved, never automatic
  std::string reason;                       ///< why this algorithm
  std::string backend_reason;               ///< why this backend
  int rank = 0;                             ///< of the hop weights; 0 for a table, whose rank is not determined
  int threads = 1;                          ///< CPU threads used for this equation, resolved
  bool shared = false;                      ///< ranks share the sums
  /// Not null where bands are degenerate and jump operators may make them coherent, or where the thermal bath has
  /// operators. The tasks then solve this equation instead; the rates of the generator would depend on an arbitrary
  /// choice of basis.
  std::shared_ptr<const MatrixRateEquation> matrix;
  /// Gap between neighbouring bands that are not degenerate, energy; infinite for one band, and not determined without
  /// jump operators. Coherences between such bands are neglected, so it should be large compared with the rates.
  double smallest_gap = std::numeric_limits<double>::infinity();
  bool has_density_matrix = false;  ///< results include it: several orbitals, hop weights not a ProductJump
  std::unique_ptr<Generator> generator;
  /// Hop weight w(to, from) of two modes, without the factor 1/cells. For inspecting a bath, not for sums.
  std::function<double(std::size_t to, std::size_t from)> hop_weight;
  /// A few of the given modes that hops connect, taken together, to every mode that the given modes are connected to.
  std::function<std::vector<std::size_t>(const std::vector<std::size_t>& modes)> representatives;

  std::size_t modes() const { return bands.modes(); }
};

/// The rate equation of a model on the given backend and by the given algorithm; `automatic` takes separable where the
/// sums factorise.
/// @throws ParameterError, UnsupportedError, DeviceError
/// O(modes) time and memory; O(modes^2) for a table.
RateEquation make_rate_equation(TggeModel model, const Execution& execution = {});

/// The backend that make_rate_equation() chooses for this number of modes, and why.
/// @param algorithm  not automatic
Backend rate_backend(Backend asked, Algorithm algorithm, std::size_t modes, std::string* reason = nullptr);

/// Device memory of a model's equation in relax() or steady_state(), in bytes; 0 if `execution` resolves to the CPU.
/// @param steady  in steady_state(), which takes the vectors of Newton's method
/// @param modes   of a system of this kind that is larger than `model`; 0: as many as the model has
/// @throws DeviceMemoryError if this process may not use as much
double rate_device_bytes(const TggeModel& model, const Execution& execution, bool steady = true, std::size_t modes = 0);

/// Particle current per cell along each direction of the lattice, (1/cells) sum_s v_s n_s (docs/physics.md, Eq. 9).
/// Units of energy.
std::vector<double> current(const RateEquation& equation, std::span<const double> occupation);

/// The shares of the orbitals in the current, shape (dimensions, orbitals). For TggeRashba these are spin up and down.
std::vector<double> orbital_current(const RateEquation& equation, std::span<const double> occupation);

/// (1/cells) sum_s E_s n_s.
double energy_per_cell(const RateEquation& equation, std::span<const double> occupation);

/// <c+_b c_a> of the orbitals a, b of every momentum, (cells, orbitals, orbitals), where bands are not degenerate.
std::vector<std::complex<double>> density_matrix(const RateEquation& equation, std::span<const double> occupation);

/// The observables that the tasks report for the occupations of one state.
struct OccupationSums {
  std::vector<double> current;          ///< (dimensions,)
  std::vector<double> orbital_current;  ///< (dimensions, orbitals); empty for one orbital
  double particle_number = 0.0;
  double density_per_cell = 0.0;
  double energy_per_cell = 0.0;
};
OccupationSums occupation_sums(const RateEquation& equation, std::span<const double> occupation);

/// Observables of SteadyState, and of RelaxResult with the leading dimension "time".
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
                                    .long_name = "particle current per cell",
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

/// dn_s/dt from lambda_s = log((1-n_s)/n_s) (docs/physics.md, Eq. 7). Both of shape (modes,), units of energy.
void occupation_rate(const RateEquation& equation, std::span<const double> lagrange_multiplier, std::span<double> rate);

/// dlambda_s/dt (docs/physics.md, Eq. 8); infinite beyond the range of double precision. Both of shape (modes,), units
/// of energy.
void lagrange_multiplier_rate(const RateEquation& equation, std::span<const double> lagrange_multiplier,
                              std::span<double> rate);

/// Force on a mode in the notation of Yamamoto et al., Eqs. (10)-(12), (20)-(22): gamma_eq F^eq_s + gamma_neq F^neq_s =
/// N (gain_s - loss_s e^{-lambda_s}) for N cells, so that dn_s/dt = (epsilon J / N) (1 - n_s) F_s. Both of shape
/// (modes,), dimensionless.
void force(const RateEquation& equation, std::span<const double> lagrange_multiplier, std::span<double> result);

/// sum_s n_s, summed in a fixed tree.
double particle_number(std::span<const double> occupation);

/// max_s |gain_s (1-n_s) - loss_s n_s| / (gain_s (1-n_s) + loss_s n_s), in [0, 1]. Modes with zero rates count as
/// balanced. One evaluation of the rates.
double balance_residual(const RateEquation& equation, std::span<const double> lagrange_multiplier);

/// Violation of the symmetries of a nonequilibrium bath that forbid a current (docs/physics.md, section 6): the largest
/// over all pairs of modes, relative to the largest hop weight.
struct ParityMeasures {
  double joint = 0.0;          ///< of w(s,s') = w(ps,ps'), p: k -> -k; if zero and the bands are even, no current flows
  double paper14 = 0.0;        ///< of w(s,s') = w(ps,s') and w(s,s') = w(s,ps'), Eq. (14) of Yamamoto et al.
  double particle_hole = 0.0;  ///< of w(s,s') = w(Ps',Ps), where P maps k -> Q-k with every component of Q equal to pi
                               ///< and reverses the order of the bands; if zero and E_Ps = -E_s, no current flows at
                               ///< half filling. NaN if a direction has an odd number of cells, because P then leaves
                               ///< the grid
};

/// O(modes^2) evaluations of a hop weight up to 2048 modes and for a table. For more modes the maxima run over 2048 x
/// 2048 pairs of evenly spaced modes and are therefore lower bounds.
ParityMeasures parity_measures(const RateEquation& equation);

/// Connected components of the modes under hops of the nonequilibrium bath; a single one if the thermal bath is on.
/// Each conserves its own particle number.
struct Components {
  std::vector<std::int32_t> of_mode;  ///< (modes,), 0 .. count-1; empty if count is 1
  std::int32_t count = 1;
};

/// O(modes) evaluations of a hop weight if few weights vanish, O(rank modes) for weights of low rank in any case,
/// O(modes^2) in the worst case for a table.
Components connected_components(const RateEquation& equation);

}  // namespace lindrift
