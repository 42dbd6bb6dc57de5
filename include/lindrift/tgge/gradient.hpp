#pragma once

#include <complex>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lindrift/lattice/tight_binding.hpp"
#include "lindrift/monitor.hpp"
#include "lindrift/tgge/chain.hpp"
#include "lindrift/tgge/lattice_model.hpp"
#include "lindrift/tgge/rashba.hpp"
#include "lindrift/tgge/steady_state.hpp"

/// Derivatives of steady currents with respect to all parameters at once (docs/physics.md, Eqs. 18a-18f).
///
///   const RateEquation equation = make_rate_equation(chain, execution);
///   const SteadyState state = steady_state(equation, 0.5);
///   const SteadyStateAdjoint adjoint(chain, equation, state, execution);
///   const Gradient<TggeChain> slope = gradient(chain, adjoint, Flow{});
///   slope.model.bath.inverse_temperature;                // dI/dbeta
///   std::get<RamanJump>(slope.model.jump).delta;         // dI/dRe delta + i dI/dIm delta

namespace lindrift {

/// A current per cell along one lattice direction: of particles, (1/cells) sum_s v_s n_s, or of their energy, (1/cells)
/// sum_s E_s v_s n_s.
struct Flow {
  bool of_energy = false;
  int direction = 0;  ///< counted from 0
};

/// The flow with a name as in the input file: "current_1", "energy_current_2"; in one dimension also "current" and
/// "energy_current".
/// @throws ParameterError naming task.of
Flow flow_named(const std::string& name, int dimensions);

/// Names of all flows, particle currents first.
std::vector<std::string> flow_names(int dimensions);

/// The flows that a task differentiates.
struct FlowOptions {
  std::vector<std::string> of;  ///< names; empty: all
};

template <>
inline auto description<FlowOptions>() {
  return std::tuple(field(&FlowOptions::of, {.path = "task.of",
                                             .help = "currents of particles or energy along a direction of the lattice",
                                             .scalar = true,
                                             .details = "physics.md Eq. 18a"}));
}

/// The parameters with respect to which a task differentiates.
struct GradientOptions {
  std::vector<std::string> with_respect_to;  ///< their keys; empty: all
};

template <>
inline auto description<GradientOptions>() {
  return std::tuple(
      field(&GradientOptions::with_respect_to,
            {.path = "task.with_respect_to",
             .help = "parameters to differentiate by",
             .scalar = true,
             .details = "complex ones: the derivative by the real part plus i times that by the imaginary "
                        "part; jump operators: by the amplitude of every term"}));
}

/// Value of the flow in a state.
double flow(const RateEquation& equation, const Flow& of, std::span<const double> occupation);

/// Derivatives of one number with respect to the parameters of a model, each stored in the place of its parameter. A
/// real member holds the derivative with respect to that parameter; a complex one holds the derivative with respect to
/// the real part plus i times the derivative with respect to the imaginary part, and so does each amplitude of a jump
/// operator. If a member has a default that follows from another one (equilibrium_fraction, dephasing_down), it holds
/// the derivative with the other one fixed; where the default is used, the derivative with respect to the other one
/// includes both. Integers, enumerations, strings and tables are as in the model.
template <class Model>
struct Gradient {
  double value = 0.0;    ///< the number itself
  Model model{};         ///< derivatives with respect to the parameters
  double filling = 0.0;  ///< derivative with respect to the mean occupation of a mode
};

/// What to differentiate with respect to; parts that are switched off cost nothing and hold zeros.
struct GradientScope {
  bool temperature = true;
  bool width = true;  ///< of the spectrum
  bool bands = true;  ///< energies, velocities, eigenvectors, and the parameters that they depend on
};

/// The linear response of a steady state to all parameters, as seen by its observables. One linear system per
/// observable yields its derivatives with respect to all parameters, and the noise. GMRES solves it with the transposed
/// Jacobian, in the form of Eq. 18b, which stays in range at low temperature.
class SteadyStateAdjoint {
 public:
  /// @param model      from which `equation` was made
  /// @param equation   must outlive this object
  /// @param state      steady state of `equation`, converged
  /// @param execution  as for make_rate_equation()
  /// @throws UnsupportedError where the steady state is not a differentiable function of the parameters: it did not
  ///         converge; modes are exactly empty or full, or fall into sets that exchange no particles; or bands touch
  ///         and jump operators mix them
  /// @param monitor    only stop() is called, here and in gradient() and noise()
  /// @throws Interruption as soon as stop() returns true: an unfinished derivative is of no use
  SteadyStateAdjoint(TggeModel model, const RateEquation& equation, const SteadyState& state,
                     const Execution& execution = {}, Monitor monitor = {});
  ~SteadyStateAdjoint();
  SteadyStateAdjoint(SteadyStateAdjoint&&) noexcept;

  const TggeModel& model() const;

  /// Derivatives of a flow with respect to everything in the model: the numbers of ProductJump and JumpOperators,
  /// energies, velocities and eigenvectors (of each mode with those of the others fixed, as if they were independent),
  /// baths, filling. Costs one linear system and about two evaluations of the rates. O(modes), unless the hop weights
  /// are a table.
  Gradient<TggeModel> gradient(const Flow& of, const GradientScope& scope = {}) const;

  /// Zero-frequency noise of the flows, shape (flows, flows): coupling N int dt <dI_a(t) dI_b(0)> for N cells, in units
  /// of energy; energy^2 if one of the two flows is an energy current, energy^3 if both are (docs/physics.md, Eq. 18g).
  /// One linear system per flow.
  std::vector<double> noise(std::span<const Flow> flows) const;

 private:
  struct Point;
  std::unique_ptr<Point> point_;
};

/// Converts derivatives with respect to the quantities of the modes into derivatives with respect to the parameters of
/// a preset.
/// @param model     the model that `chain` converts to
/// @param gradient  of `model`, with this scope
Gradient<TggeChain> chain_rule(const TggeChain& chain, const TggeModel& model, const Gradient<TggeModel>& gradient,
                               const GradientScope& scope = {});
/// Hopping terms hold the derivatives with respect to their amplitudes; each amplitude is varied together with its
/// Hermitian partner. For a Wannier90 file there are no such derivatives.
/// @throws UnsupportedError where the bands touch, if the scope has bands
Gradient<TggeLattice> chain_rule(const TggeLattice& lattice, const TggeModel& model,
                                 const Gradient<TggeModel>& gradient, const GradientScope& scope = {});
Gradient<TggeRashba> chain_rule(const TggeRashba& chain, const TggeModel& model, const Gradient<TggeModel>& gradient,
                                const GradientScope& scope = {});

/// Derivatives with respect to the amplitudes of the Hamiltonian from which the bands of a model were made. Each
/// amplitude is varied together with its Hermitian partner: d/dRe + i d/dIm. A real on-site term has no imaginary part.
/// @param model     with eigenvectors if there is more than one orbital
/// @param gradient  of `model`
/// @param terms     all terms of the Hamiltonian, Hermitian partners included
/// @throws UnsupportedError where bands touch
/// O(modes orbitals^2 + modes terms).
std::vector<std::complex<double>> hopping_gradient(const TggeModel& model, const Gradient<TggeModel>& gradient,
                                                   std::span<const HoppingTerm> terms);

/// Derivatives of a flow with respect to every parameter of a preset.
/// @param adjoint  of `model`
/// @throws UnsupportedError as above
template <class Model>
Gradient<Model> gradient(const Model& model, const SteadyStateAdjoint& adjoint, const Flow& of,
                         const GradientScope& scope = {}) {
  return chain_rule(model, adjoint.model(), adjoint.gradient(of, scope), scope);
}

}  // namespace lindrift
