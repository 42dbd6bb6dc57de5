#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "kernels/tgge/rate_kernel.hpp"
#include "lindrift/tgge/rate_equation.hpp"
#include "tgge/energy_levels.hpp"
#include "tgge/energy_panels.hpp"

namespace lindrift {

struct HopWeights;

/// Checks shared by the presets.
/// @throws ParameterError
void validate_bath(const TggeBath& bath);
/// Checks the operators of local thermal baths, which must be closed under Hermitian conjugation.
void validate_thermal_operators(const JumpOperators& operators, const Lattice& lattice, int orbitals);
void validate_jump(const RamanJump& jump, const Lattice& lattice, int orbitals);
void validate_jump(const DephasingJump& jump, const Lattice& lattice, int orbitals);
void validate_jump(const ProductJump& jump, const Lattice& lattice, int orbitals);
void validate_jump(const JumpOperators& jump, const Lattice& lattice, int orbitals);
void validate_jump(const TableJump& jump, const Lattice& lattice, int orbitals);

/// An equation without its generator, and what that is made of. The tables point into the equation, its weights, the
/// levels and the panels.
struct RateIngredients {
  RateEquation equation;
  EnergyLevels levels;
  std::optional<EnergyPanels> panels;
  std::unique_ptr<kernels::PanelTables> panel_tables;
  kernels::RateTables tables;
};
/// As make_rate_equation().
RateIngredients rate_ingredients(Bands bands, double rate_unit, const TggeBath& bath,
                                 const std::shared_ptr<const HopWeights>& weights, const Execution& execution,
                                 kernels::ExternalPairSum* pair_sum = nullptr);

/// The rate equation of a model whose hop weights are already known.
/// @param pair_sum  if not null, evaluates the sums over pairs for the generator; must outlive it
RateEquation make_rate_equation(Bands bands, double rate_unit, const TggeBath& bath,
                                const std::shared_ptr<const HopWeights>& weights, const Execution& execution,
                                kernels::ExternalPairSum* pair_sum = nullptr);

/// The thermal bath alone, for any modes, in units of its coupling; the hop weights do not matter.
/// @param execution  its communicator is not used
RateEquation thermal_bath_alone(const Bands& bands, std::vector<double> energy, TggeBath bath, Execution execution);

/// Largest number of energy panels; their moments take 50 MB.
inline constexpr double max_panels = 1 << 16;
/// Number of energy panels (tgge/energy_panels.hpp) for the sums over a thermal spectrum. 0 where none are needed: for
/// the exponential spectrum or without a thermal bath. May exceed max_panels, which are then not possible.
double panels_of(const std::vector<double>& energy, const TggeBath& bath);
/// Whether sums by panels are faster than sums over pairs of levels, from measured times.
bool panels_pay(std::size_t levels, double panels, Spectrum spectrum);

/// Device memory of a generator in relax() or steady_state(), in bytes.
/// @param execution  resolved: the backend is cuda, the algorithm not automatic
/// @param newton     with the vectors of Newton's method, if it runs on the device
double generator_device_bytes(const kernels::RateTables& tables, const Execution& execution, bool newton);

/// A Generator that runs the kernel variant for this backend and processor. Checks the shapes in every call.
/// @param execution  resolved: neither backend nor algorithm is automatic
std::unique_ptr<Generator> make_generator(const kernels::RateTables& tables, const Execution& execution);

/// The generator of all modes from one that has them in another order, where mode i is mode[i].
std::unique_ptr<Generator> in_other_order(std::unique_ptr<Generator> ordered, std::vector<std::size_t> mode);

}  // namespace lindrift
