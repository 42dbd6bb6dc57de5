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

/// Checks that the presets have in common.
/// @throws ParameterError
void validate_bath(const TggeBath& bath);
/// Operators of a thermal bath in every cell: closed under Hermitian conjugation.
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

/// The rate equation of a model whose hop weights are at hand.
/// @param pair_sum  if not null, makes the sums over pairs for the generator; must outlive it
RateEquation make_rate_equation(Bands bands, double rate_unit, const TggeBath& bath,
                                const std::shared_ptr<const HopWeights>& weights, const Execution& execution,
                                kernels::ExternalPairSum* pair_sum = nullptr);

/// Most panels of energies: their moments take 50 MB.
inline constexpr double max_panels = 1 << 16;
/// Panels of energies (tgge/energy_panels.hpp) that the sums over a thermal spectrum take; 0 where they need none, for
/// the exponential spectrum or without a thermal bath.
/// At most max_panels are possible.
double panels_of(const std::vector<double>& energy, const TggeBath& bath);
/// Whether sums by panels are faster than over pairs of levels, as measured.
bool panels_pay(std::size_t levels, double panels, Spectrum spectrum);

/// Bytes on the device of a generator that relax() or steady_state() uses.
/// @param execution  resolved: the backend is cuda, the algorithm not automatic
/// @throws DeviceMemoryError if this process may not use as much
double generator_device_bytes(const kernels::RateTables& tables, const Execution& execution);

/// A generator of the same rates and the order of its modes, see Generator::reordered().
struct Reordering {
  std::vector<std::size_t> mode;
  std::unique_ptr<Generator> generator;
};

/// A Generator on the kernel variant for this backend and processor. Checks the shapes of every call.
/// @param execution  resolved: neither backend nor algorithm is automatic
/// @param reorder    makes what reordered() gives, when it is asked for the first time; may be empty
std::unique_ptr<Generator> make_generator(const kernels::RateTables& tables, const Execution& execution,
                                          std::function<Reordering()> reorder = {});

}  // namespace lindrift
