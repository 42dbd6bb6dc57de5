#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lindrift/arguments.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/baths/open_bath.hpp"
#include "lindrift/lattice/tight_binding.hpp"
#include "lindrift/monitor.hpp"
#include "lindrift/observable.hpp"

namespace lindrift {

/// One term of a bath operator: amplitude c_{j + displacement, orbital}, or c+.
struct OrbitalTerm {
  LatticeVector displacement{};
  int orbital = 0;
  std::complex<double> amplitude;
  int directions = 0;  ///< number of components given for the displacement; 0: as many as the lattice has
};

/// Reads the indices of `given`: the displacement, then the orbital.
inline void assign(OrbitalTerm& term, const Term& given) {
  const std::size_t directions = given.indices.size() - 1;
  term = {};
  for (std::size_t i = 0; i < directions && i < term.displacement.size(); ++i) term.displacement[i] = given.indices[i];
  term.orbital = static_cast<int>(given.indices[directions]);
  term.amplitude = given.amplitude;
  term.directions = static_cast<int>(directions);
}

/// One operator of a bath at every cell j: sum a_{R,a} c_{j+R,a}, or sum b_{R,a} c+_{j+R,a}; amplitudes in
/// sqrt(energy).
struct OrbitalBathOperator {
  BathOperatorKind kind = BathOperatorKind::loss;
  std::vector<OrbitalTerm> terms{};
};

/// The first index of each term is the kind; displacement and orbital follow.
inline void assign(OrbitalBathOperator& channel, const std::vector<Term>& terms) {
  channel = {};
  for (Term term : terms) {
    channel.kind = term.indices.front() == 0 ? BathOperatorKind::loss : BathOperatorKind::gain;
    term.indices.erase(term.indices.begin());
    assign(channel.terms.emplace_back(), term);
  }
}

/// Bath of one spin: gain and loss of every orbital, plus any operators. Rates are >= 0, in units of energy.
struct OrbitalBath {
  double gain = 0.0;
  double loss = 0.0;
  std::vector<OrbitalBathOperator> operators{};
};

template <>
inline auto description<OrbitalBath>() {
  const auto rate = [](std::string path, std::string help) {
    return Parameter{
        .path = std::move(path), .help = std::move(help), .range = from_zero, .sweepable = true, .units = "energy"};
  };
  return std::tuple(field(&OrbitalBath::gain, rate("gain", "rate of local gain of every orbital")),
                    field(&OrbitalBath::loss, rate("loss", "rate of local loss of every orbital")),
                    field(&OrbitalBath::operators,
                          {.path = "operator",
                           .help = "one table per operator, kind = \"loss\" or \"gain\", terms = [[R.., a, Re, Im], "
                                   "...] of c_{j+R,a} or c+_{j+R,a} at every cell j",
                           .derived = "no such operators",
                           .term_length = 2,
                           .kinds = {"loss", "gain"}}));
}

/// Number of orbitals of the Hatsugai-Kohmoto model, and the interaction between them.
struct Orbitals {
  std::int64_t orbitals = 1;
  std::vector<std::vector<double>> interaction_matrix{};
};

inline Parameter orbitals_parameter() {
  return {.path = "model.orbitals",
          .help = "orbitals n in a cell, each for both spins",
          .range = {.low = 1.0, .high = 8.0},
          .details =
              "more than one: needs model.cells, rows [R.., a, b, Re, Im] of model.hopping_terms and "
              "[R.., a, Re, Im] of operators; tasks green, spectral and steady_state; physics.md Eq. 152"};
}

inline Parameter interaction_matrix_parameter() {
  return {.path = "model.interaction_matrix",
          .help = "U_ab of n_{a,up} n_{b,down}, one row for each orbital, instead of model.interaction",
          .derived = "model.interaction for a = b, else 0",
          .details = "with model.orbitals > 1"};
}

template <>
inline auto description<Orbitals>() {
  return std::tuple(field(&Orbitals::orbitals, orbitals_parameter()),
                    field(&Orbitals::interaction_matrix, interaction_matrix_parameter()));
}

/// Open Hatsugai-Kohmoto model with several orbitals per cell (docs/physics.md, Eq. 152),
///   H = sum_{k,s,ab} h^s_ab(k) c+_{k,a,s} c_{k,b,s} + sum_{k,ab} U_ab n_{k,a,up} n_{k,b,down},
/// with a bath on each spin. Momenta do not couple, but unlike in the one-orbital model the steady state depends on U.
/// Field names are the TOML names.
struct OrbitalHatsugaiKohmoto {
  std::vector<std::int64_t> cells{64};  ///< along one to three directions, any parity
  std::int64_t orbitals = 2;            ///< n, 1 to 8, limited by memory: matrices have binomial(2n, n)^2 rows
  /// x c+_{j,a} c_{j+R,b} + h.c. for both spins.
  std::vector<HoppingTerm> hopping_terms{};
  std::vector<HoppingTerm> hopping_terms_up{}, hopping_terms_down{};  ///< instead, if the spins differ
  double interaction = 0.0;                                           ///< U of two spins in the same orbital, energy
  std::vector<std::vector<double>> interaction_matrix{};              ///< U_ab, (orbitals, orbitals); replaces
                                                                      ///< `interaction`
  OrbitalBath up, down;

  Lattice lattice() const;
  /// Hopping terms of one spin, including their Hermitian conjugates.
  std::vector<HoppingTerm> terms(Spin spin) const;
  /// U_ab, (orbitals, orbitals), row-major.
  std::vector<double> interactions() const;
};

template <>
inline auto description<OrbitalHatsugaiKohmoto>() {
  using Model = OrbitalHatsugaiKohmoto;
  const auto terms = [](std::string path, std::string help, std::string derived, std::vector<std::string> unless) {
    return Parameter{
        .path = std::move(path), .help = std::move(help), .derived = std::move(derived), .unless = std::move(unless)};
  };
  return std::tuple(field(&Model::cells, {.path = "model.cells",
                                          .help = "number of cells along each of one to three directions",
                                          .range = {.low = 1.0, .high = 4294967296.0},
                                          .repeats = true}),
                    field(&Model::orbitals, orbitals_parameter()),
                    field(&Model::hopping_terms,
                          terms("model.hopping_terms", "[[R.., a, b, Re, Im], ...] of c+_{j,a} c_{j+R,b} + h.c.",
                                "none", {"model.hopping_terms_up", "model.hopping_terms_down"})),
                    field(&Model::hopping_terms_up, terms("model.hopping_terms_up", "the same for spin up only",
                                                          "model.hopping_terms", {"model.hopping_terms"})),
                    field(&Model::hopping_terms_down, terms("model.hopping_terms_down", "the same for spin down only",
                                                            "model.hopping_terms", {"model.hopping_terms"})),
                    field(&Model::interaction, {.path = "model.interaction",
                                                .help = "interaction U of two spins in one orbital at one momentum",
                                                .sweepable = true,
                                                .units = "energy"}),
                    field(&Model::interaction_matrix, interaction_matrix_parameter()), part(&Model::up, "bath.up"),
                    part(&Model::down, "bath.down"));
}

/// @throws ParameterError naming the key, its value and what is allowed
void validate(const OrbitalHatsugaiKohmoto& model);

/// Steady state of both spins.
struct OrbitalSteadyState {
  std::vector<double> occupation_spin;  ///< n_{k,a}, (2, momenta, orbitals): spin up, spin down
  /// <c+_b c_a> at every momentum, (2, momenta, orbitals a, orbitals b).
  std::vector<std::complex<double>> density_matrix;
  std::vector<double> current_spin;  ///< (1/N) sum_k sum_ab (dh_ab/dk_i) <c+_a c_b>, (2, directions), energy
  std::vector<double> density_spin;  ///< particles in a cell, (2,)
  double residual = 0.0;             ///< largest relative residual of the master equation over all momenta
  bool stopped = false;              ///< stopped by the monitor; every number is then NaN
  Backend backend = Backend::cpu;    ///< resolved
  std::string backend_reason;
};

template <>
inline auto description<OrbitalSteadyState>() {
  using Result = OrbitalSteadyState;
  return std::tuple(
      observable(&Result::occupation_spin, {.name = "occupation_spin",
                                            .long_name = "steady occupation of each spin and orbital",
                                            .dimensions = {"spin", "momentum", "orbital"}}),
      observable(&Result::density_matrix, {.name = "density_matrix",
                                           .long_name = "<c+_b c_a> of each spin at every momentum",
                                           .dimensions = {"spin", "momentum", "orbital", "orbital_2"}}),
      observable(&Result::current_spin, {.name = "current_spin",
                                         .units = "energy",
                                         .long_name = "steady current of each spin",
                                         .dimensions = {"spin", "direction"}}),
      observable(&Result::density_spin, {.name = "density_spin",
                                         .long_name = "steady particles per cell of each spin",
                                         .dimensions = {"spin"},
                                         .in_summary = true}),
      observable(&Result::residual,
                 {.name = "residual", .long_name = "residual of the master equation, relative", .in_summary = true}));
}

/// Results of spin up on a grid of frequencies.
struct OrbitalSpectrum {
  std::vector<double> spectral_function;             ///< -2 Im Tr G >= 0, (momenta, frequencies), 1/energy
  std::vector<std::complex<double>> self_energy;     ///< w + i eta - h - 1/G, (momenta, frequencies, a, b), energy
  std::vector<std::complex<double>> green_retarded;  ///< G_ab(k,w), the same shape, 1/energy
  double residual = 0.0;                             ///< largest relative residual of the linear equations
  bool stopped = false;
  Backend backend = Backend::cpu;  ///< resolved
  std::string backend_reason;
};

template <>
inline auto description<OrbitalSpectrum>() {
  using Result = OrbitalSpectrum;
  const std::vector<std::string> matrix = {"momentum", "frequency", "orbital", "orbital_2"};
  return std::tuple(
      observable(&Result::spectral_function, {.name = "spectral_function",
                                              .units = "1/energy",
                                              .long_name = "spectral function of spin up",
                                              .dimensions = {"momentum", "frequency"}}),
      observable(
          &Result::self_energy,
          {.name = "self_energy", .units = "energy", .long_name = "self energy of spin up", .dimensions = matrix}),
      observable(&Result::green_retarded, {.name = "green_retarded_frequency",
                                           .units = "1/energy",
                                           .long_name = "retarded Green's function G(k,w)",
                                           .dimensions = matrix}),
      observable(&Result::residual,
                 {.name = "residual", .long_name = "residual of the linear equations, relative", .in_summary = true}));
}

/// Retarded Green's function of spin up on a grid of times.
struct OrbitalGreen {
  std::vector<std::complex<double>> green_retarded;           ///< G_ab(j,t), (times, cells, a, b), cells in the order
                                                              ///< of their labels
  std::vector<std::complex<double>> green_retarded_momentum;  ///< G_ab(k,t), (times, cells, a, b), momenta ascending
  /// For a particle that starts in orbital b, (times, b, directions) and (times, b); see Spreading.
  std::vector<double> drift, drift_symmetric, norm;
  bool stopped = false;
  Backend backend = Backend::cpu;  ///< resolved
  std::string backend_reason;
};

template <>
inline auto description<OrbitalGreen>() {
  using Result = OrbitalGreen;
  const auto drift = [](std::string name, std::string long_name) {
    return Observable{.name = std::move(name),
                      .long_name = std::move(long_name),
                      .dimensions = {"time", "orbital_2", "direction"},
                      .with = "time"};
  };
  return std::tuple(
      observable(&Result::green_retarded, {.name = "green_retarded",
                                           .long_name = "retarded Green's function G(j,t)",
                                           .dimensions = {"time", "site", "orbital", "orbital_2"},
                                           .with = "time"}),
      observable(&Result::green_retarded_momentum, {.name = "green_retarded_momentum",
                                                    .long_name = "retarded Green's function G(k,t)",
                                                    .dimensions = {"time", "momentum", "orbital", "orbital_2"},
                                                    .with = "time"}),
      observable(&Result::drift, drift("drift", "drift, sum of j |G|^2 over sum of |G|^2")),
      observable(&Result::drift_symmetric, drift("drift_symmetric", "drift with the antipode at 0")),
      observable(&Result::norm, {.name = "norm",
                                 .long_name = "sum of |G|^2 over sites and orbitals",
                                 .dimensions = {"time", "orbital_2"},
                                 .with = "time"}));
}

/// Options of the tasks.
struct OrbitalOptions {
  std::vector<std::int64_t> momenta;  ///< orbital_spectral(): see SpectralOptions::momenta, for a lattice
  double broadening = 0.0;            ///< orbital_spectral(): eta >= 0, energy
  Monitor monitor = {};               ///< only stop() is called
};

/// Exact steady state of the open Hatsugai-Kohmoto model with several orbitals: the master equation of each momentum
/// (docs/physics.md, Eqs. 130 to 132), solved by GMRES to a relative residual of 1e-12. Ranks of execution.communicator
/// share the momenta. On a device, each momentum is solved by one thread block, many at a time.
/// @throws ParameterError, UnsupportedError if the steady state is not unique, NumericalError, DeviceError
OrbitalSteadyState orbital_steady_state(const OrbitalHatsugaiKohmoto& model, const OrbitalOptions& options = {},
                                        const Execution& execution = {});

/// G_ab(k,w) of spin up in that steady state (Eq. 133), to a relative residual of 1e-13.
/// @param frequencies  finite, strictly ascending, energy
OrbitalSpectrum orbital_spectral(const OrbitalHatsugaiKohmoto& model, std::span<const double> frequencies,
                                 const OrbitalOptions& options = {}, const Execution& execution = {});

/// G_ab(j,t) of spin up in that steady state, and its moments.
/// @param times  >= 0, strictly ascending, in 1/energy
OrbitalGreen orbital_green(const OrbitalHatsugaiKohmoto& model, std::span<const double> times,
                           const OrbitalOptions& options = {}, const Execution& execution = {});

/// Estimated cost of one of these functions, from the sizes alone.
struct OrbitalPlan {
  double operators = 0.0;  ///< number of |ket><bra| in the largest matrix
  double operations = 0.0, memory_bytes = 0.0, seconds = 0.0;
  Backend backend = Backend::cpu;  ///< resolved
  std::string backend_reason;
};

/// @param momenta  number of momenta with a Green's function; 0 for the steady state alone
/// @param frequencies, times  numbers of points at which each is evaluated; last_time is the largest time
OrbitalPlan plan_orbitals(const OrbitalHatsugaiKohmoto& model, std::size_t momenta, std::size_t frequencies,
                          std::size_t times, double last_time, const Execution& execution);

/// Bytes on a device for the same.
/// @throws DeviceMemoryError if it has too little for a single momentum
double orbital_device_bytes(const OrbitalHatsugaiKohmoto& model, std::size_t momenta, std::size_t frequencies,
                            std::size_t times, const Execution& execution);

/// Dimensions of the results of each.
std::vector<Coordinate> orbital_steady_state_coordinates(const OrbitalHatsugaiKohmoto& model);
std::vector<Coordinate> orbital_spectral_coordinates(const OrbitalHatsugaiKohmoto& model,
                                                     const std::vector<std::int64_t>& momenta,
                                                     const std::vector<double>& frequencies);
std::vector<Coordinate> orbital_green_coordinates(const OrbitalHatsugaiKohmoto& model,
                                                  const std::vector<double>& times);

}  // namespace lindrift
