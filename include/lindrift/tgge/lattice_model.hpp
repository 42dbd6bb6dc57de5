#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lindrift/lattice/tight_binding.hpp"
#include "lindrift/observable.hpp"
#include "lindrift/tgge/rate_equation.hpp"

namespace lindrift {

/// Hamiltonians that need no list of hopping terms (docs/physics.md, section 12).
enum class LatticePreset {
  none,              ///< hopping_terms, or a file
  chain,             ///< one orbital, one direction: -J (c+_j c_{j+x} + h.c.)
  square,            ///< the same in two directions
  cubic,             ///< the same in three directions
  rashba_zeeman,     ///< two dimensions, spin up and down, Rashba coupling and a magnetic field
  honeycomb_haldane  ///< two dimensions, sublattices A and B, complex hops to second neighbours
};

template <>
inline constexpr auto names_of<LatticePreset> =
    std::array{std::pair{LatticePreset::none, "none"},
               std::pair{LatticePreset::chain, "chain"},
               std::pair{LatticePreset::square, "square"},
               std::pair{LatticePreset::cubic, "cubic"},
               std::pair{LatticePreset::rashba_zeeman, "rashba_zeeman"},
               std::pair{LatticePreset::honeycomb_haldane, "honeycomb_haldane"}};

/// The thermal bath moves particles between any two modes.
struct UniformCoupling {};
template <>
inline auto description<UniformCoupling>() {
  return std::tuple<>();
}

/// Every cell couples to a thermal bath of its own, through operators whose set contains the adjoint of each.
struct LocalCoupling {
  std::vector<std::vector<JumpTerm>> operators;  ///< one list of terms for each operator
};
template <>
inline auto description<LocalCoupling>() {
  return std::tuple(
      field(&LocalCoupling::operators, {.path = "bath.thermal_operator",
                                        .help = "one table per operator, terms = [[R.., a, R'.., b, Re, Im], ...] of "
                                                "c+_{j+R,a} c_{j+R',b}; Hermitian as a set",
                                        .differentiable = false,  // their steady states are not
                                        .term_length = 0}));
}

/// Fermions on a lattice in one to three dimensions with any number of orbitals, between a thermal and a nonequilibrium
/// bath. Field names are the TOML names. Bands are numbered from 0, in ascending order of energy at every momentum.
struct TggeLattice {
  std::vector<std::int64_t> cells{64};  ///< number along each direction, any parity
  LatticePreset preset = LatticePreset::none;
  // presets
  double hopping = 1.0;  ///< J > 0, energy
  double rashba = 0.0;   ///< rashba_zeeman
  double zeeman_x = 0.0, zeeman_y = 0.0, zeeman_z = 0.0;
  double second_neighbour_hopping = 0.0;  ///< honeycomb_haldane
  double flux = 0.0;                      ///< phase of the second-neighbour hops, radians
  double sublattice_energy = 0.0;         ///< +M on A, -M on B
  // no preset
  std::int64_t orbitals = 1;  ///< per cell
  std::vector<HoppingTerm> hopping_terms{};
  bool add_hermitian_conjugate = false;      ///< adds the conjugate of every hopping term
  std::optional<std::string> hamiltonian{};  ///< path of a Wannier90 file *_hr.dat, instead of hopping_terms
  // all
  std::vector<std::vector<double>> lattice_vectors{};  ///< Cartesian, (directions, dimensions); orthonormal if empty
  std::vector<std::vector<double>> positions{};        ///< of the orbitals, (orbitals, directions), in units of the
                                                       ///< lattice vectors; zero if empty
  std::optional<double> degeneracy_tolerance{};        ///< as a fraction of the bandwidth
  TggeBath bath{};
  std::variant<UniformCoupling, LocalCoupling> thermal_coupling{};
  std::variant<JumpOperators, TableJump> jump{};
  NamedMatrices operators{};  ///< Hermitian matrices over the orbitals whose currents are reported

  /// Orbitals per cell, however the Hamiltonian is given.
  int orbitals_in_cell() const;
  /// The Hamiltonian with all of its terms, Hermitian partners included.
  /// @throws ParameterError naming the key, and for a file its line
  TightBinding tight_binding() const;
  /// @throws ParameterError as validate() does
  operator TggeModel() const;
};

template <>
inline auto description<TggeLattice>() {
  const auto number = [](const char* path, const char* help, std::vector<std::string> presets,
                         const char* units = "energy") {
    return Parameter{
        .path = path, .help = help, .when = {{"model.preset", std::move(presets)}}, .sweepable = true, .units = units};
  };
  Parameter hopping = number("model.hopping", "hopping J between nearest neighbours, and the unit of the rates",
                             {"chain", "square", "cubic", "rashba_zeeman", "honeycomb_haldane"});
  hopping.range = above_zero;
  const std::vector<Condition> no_preset = {{"model.preset", {"none"}}};
  return std::tuple(
      field(&TggeLattice::cells, cells_parameter()),
      field(&TggeLattice::preset,
            {.path = "model.preset", .help = "a built-in Hamiltonian", .details = "physics.md section 12"}),
      field(&TggeLattice::hopping, hopping),
      field(&TggeLattice::rashba, number("model.rashba", "Rashba coupling alpha", {"rashba_zeeman"})),
      field(&TggeLattice::zeeman_x, number("model.zeeman_x", "magnetic field B_x", {"rashba_zeeman"})),
      field(&TggeLattice::zeeman_y, number("model.zeeman_y", "magnetic field B_y", {"rashba_zeeman"})),
      field(&TggeLattice::zeeman_z, number("model.zeeman_z", "magnetic field B_z", {"rashba_zeeman"})),
      field(&TggeLattice::second_neighbour_hopping,
            number("model.second_neighbour_hopping", "modulus t2 of the hops to second neighbours",
                   {"honeycomb_haldane"})),
      field(&TggeLattice::flux,
            number("model.flux", "phase of the hops to second neighbours, radians", {"honeycomb_haldane"}, "")),
      field(&TggeLattice::sublattice_energy,
            number("model.sublattice_energy", "energy +M on sublattice A, -M on B", {"honeycomb_haldane"})),
      field(&TggeLattice::hamiltonian,
            {.path = "model.hamiltonian",
             .type = Type::text,
             .help = "a file *_hr.dat of Wannier90, instead of orbitals and hopping_terms",
             .derived = "from model.hopping_terms",
             .when = no_preset,
             .file_path = true,
             .details = "its elements are divided by the weights and made Hermitian; further than 1e-4 from that is an "
                        "error"}),
      field(&TggeLattice::orbitals, {.path = "model.orbitals",
                                     .help = "orbitals in a cell; a spin is an orbital",
                                     .range = {.low = 1.0, .high = 256.0},
                                     .when = no_preset,
                                     .unless = {"model.hamiltonian"}}),
      field(&TggeLattice::hopping_terms, {.path = "model.hopping_terms",
                                          .help = "[[R.., a, b, Re, Im], ...] of c+_{j,a} c_{j+R,b}, orbitals from 0",
                                          .when = no_preset,
                                          .unless = {"model.hamiltonian"},
                                          .details = "H_ab(R) of Wannier90; repeated terms add up"}),
      field(&TggeLattice::add_hermitian_conjugate,
            {.path = "model.add_hermitian_conjugate",
             .help = "adds the Hermitian conjugate of every term except on-site energies",
             .when = no_preset,
             .unless = {"model.hamiltonian"}}),
      field(&TggeLattice::lattice_vectors, {.path = "model.lattice_vectors",
                                            .help = "Cartesian lattice vectors, one row per direction",
                                            .derived = "orthonormal",
                                            .details = "for current_cartesian"}),
      field(&TggeLattice::positions,
            {.path = "model.positions",
             .help = "positions of the orbitals in units of the lattice vectors, one row per orbital",
             .derived = "all at the origin of the cell",
             .details = "for orbital_current"}),
      field(&TggeLattice::degeneracy_tolerance,
            {.path = "model.degeneracy_tolerance",
             .help = "bands closer than this, in units of the bandwidth, count as degenerate",
             .derived = "1e-9; 1e-5 for a file",
             .range = {.low = 0.0, .high = 1e-2},
             .differentiable = false}),
      part(&TggeLattice::bath),
      one_of(&TggeLattice::thermal_coupling,
             {.path = "bath.thermal_coupling",
              .help = "uniform: one bath couples any two modes; operators: every cell has its own thermal bath"},
             alternative<UniformCoupling>("uniform"), alternative<LocalCoupling>("operators")),
      one_of(&TggeLattice::jump, {.path = "bath.jump", .help = "jump operators of the nonequilibrium bath"},
             alternative<JumpOperators>(
                 "operators", field(&JumpOperators::channels,
                                    {.path = "bath.jump_operator",
                                     .help = "one table per channel, terms = [[R.., a, R'.., b, Re, Im], ...] of "
                                             "c+_{j+R,a} c_{j+R',b}, orbitals from 0",
                                     .term_length = 0})),
             alternative<TableJump>("table")),
      field(&TggeLattice::operators,
            {.path = "output.operators",
             .help = "Hermitian matrices of the orbitals by name, { NAME = [[x, ...], ...] } with elements x or [re, "
                     "im]: their currents, dataset current_NAME",
             .derived = "none",
             .makes = "current_",
             .details = "in steady_state and relax; physics.md Eq. 103a"}));
}

/// Checks ranges, cells, Hamiltonian, baths and array shapes.
/// @throws ParameterError naming the first invalid quantity
void validate(const TggeLattice& lattice);

/// The model with bands that the backend of `execution` computes, as make_bands() does. The conversion to TggeModel
/// takes the CPU.
TggeModel make_model(const TggeLattice& lattice, const Execution& execution);
RateEquation make_rate_equation(const TggeLattice& lattice, const Execution& execution = {});

/// Dimensions of the results: momentum_1.., band, orbital, orbital_2, direction, and operator if there are operators.
std::vector<Coordinate> coordinates(const TggeLattice& lattice);

/// Observables of a state on a lattice in addition to those of SteadyState and RelaxResult (docs/physics.md, Eqs.
/// 103-105). Per cell; for relax() every one but `energy` has one row per time.
struct LatticeObservables {
  std::vector<double> energy;             ///< (modes,)
  std::vector<double> current_cartesian;  ///< (directions,), energy times the unit of lattice_vectors
  std::vector<double> orbital_current;    ///< (orbitals, directions), energy; they add up to the current
  /// Currents of TggeLattice::operators, (operators, directions), energy times the unit of the operator. For the
  /// projectors on the orbitals they equal orbital_current.
  std::vector<double> operator_current;
  std::vector<double> energy_current;                      ///< (directions,), energy squared
  std::vector<std::complex<double>> local_density_matrix;  ///< (orbitals, orbitals), <c+_b c_a> in one cell
  std::vector<double> heat_to_bath;                        ///< absorbed by the thermal bath, energy times epsilon J
  std::vector<double> entropy_rate_thermal;                ///< entropy change due to this bath, units of epsilon J
  std::vector<double> entropy_rate_nonequilibrium;
  std::vector<double> entropy_production;  ///< entropy_rate_thermal + beta heat_to_bath, never negative
};

template <>
inline auto description<LatticeObservables>() {
  using Result = LatticeObservables;
  return std::tuple(
      observable(&Result::energy,
                 {.name = "energy", .units = "energy", .long_name = "energy of the modes", .dimensions = {"mode"}}),
      observable(&Result::current_cartesian, {.name = "current_cartesian",
                                              .units = "energy",
                                              .long_name = "particle current per cell, Cartesian components",
                                              .dimensions = {"time", "cartesian"}}),
      observable(&Result::orbital_current, {.name = "orbital_current",
                                            .units = "energy",
                                            .long_name = "shares of the orbitals in the particle current per cell",
                                            .dimensions = {"time", "orbital", "direction"}}),
      observable(&Result::operator_current, {.name = "operator_current",
                                             .units = "energy",
                                             .long_name = "currents of the operators per cell",
                                             .dimensions = {"time", "operator", "direction"}}),
      observable(&Result::energy_current, {.name = "energy_current",
                                           .units = "energy^2",
                                           .long_name = "energy current per cell",
                                           .dimensions = {"time", "direction"}}),
      observable(&Result::local_density_matrix, {.name = "local_density_matrix",
                                                 .long_name = "<c+_b c_a> of the orbitals a, b of one cell",
                                                 .dimensions = {"time", "orbital", "orbital_2"}}),
      observable(&Result::heat_to_bath, {.name = "heat_to_bath",
                                         .units = "energy * coupling",
                                         .long_name = "heat per cell and time that the thermal bath takes",
                                         .dimensions = {"time"},
                                         .in_summary = true}),
      observable(&Result::entropy_rate_thermal,
                 {.name = "entropy_rate_thermal",
                  .units = "coupling",
                  .long_name = "change of the entropy per cell and time by the thermal bath",
                  .dimensions = {"time"}}),
      observable(&Result::entropy_rate_nonequilibrium,
                 {.name = "entropy_rate_nonequilibrium",
                  .units = "coupling",
                  .long_name = "change of the entropy per cell and time by the nonequilibrium bath",
                  .dimensions = {"time"}}),
      observable(&Result::entropy_production, {.name = "entropy_production",
                                               .units = "coupling",
                                               .long_name = "entropy production per cell and time of the thermal bath",
                                               .dimensions = {"time"},
                                               .in_summary = true}));
}

/// Computes these observables, with two evaluations of the rates per state.
class LatticeObserver {
 public:
  /// @param equation   of `lattice`; must outlive this object
  /// @param execution  as for make_rate_equation()
  LatticeObserver(const TggeLattice& lattice, const RateEquation& equation, const Execution& execution = {});

  /// Appends the observables of one state as a row of `result`.
  /// @param lagrange_multiplier, occupation  shape (modes,); NaN in the first occupation gives a row of NaN
  void add(std::span<const double> lagrange_multiplier, std::span<const double> occupation,
           LatticeObservables& result) const;
  /// The same where bands are degenerate or the thermal bath is local.
  /// @param block_multiplier  SteadyState::block_multiplier, or one row of RelaxResult::block_multiplier
  void add_blocks(std::span<const double> block_multiplier, LatticeObservables& result) const;
  /// Appends all rows of a task's result, by whichever of the two functions the equation needs.
  void add_rows(std::span<const double> lagrange_multiplier, std::span<const double> occupation,
                std::span<const double> block_multiplier, LatticeObservables& result) const;

 private:
  void add_vectors(std::span<const double> along, std::span<const double> shares, LatticeObservables& result) const;
  /// @param density_matrix  at every momentum, in the basis of the orbitals
  void add_operators(const std::vector<std::complex<double>>& density_matrix, LatticeObservables& result) const;
  void add_missing(LatticeObservables& result) const;
  void add_currents(std::span<const double> occupation, LatticeObservables& result) const;
  void add_entropies(std::span<const double> lagrange_multiplier, std::span<const double> occupation,
                     LatticeObservables& result) const;

  const RateEquation& equation_;
  RateEquation thermal_;  ///< the thermal bath alone, in units of epsilon J
  std::vector<std::vector<double>> lattice_vectors_;
  NamedMatrices operators_;
  bool has_thermal_ = true;
};

}  // namespace lindrift
