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

/// Derivatives of steady currents by every parameter at once (docs/physics.md, Eqs. 18a-18f).
///
///   const RateEquation equation = make_rate_equation(chain, execution);
///   const SteadyState state = steady_state(equation, 0.5);
///   const SteadyStateAdjoint adjoint(chain, equation, state, execution);
///   const Gradient<TggeChain> slope = gradient(chain, adjoint, Flow{});
///   slope.model.bath.inverse_temperature;                // dI/dbeta
///   std::get<RamanJump>(slope.model.jump).delta;         // dI/dRe delta + i dI/dIm delta

namespace lindrift {

/// A current per cell along one direction of the lattice: of particles, (1/cells) sum_s v_s n_s, or of their energy,
/// (1/cells) sum_s E_s v_s n_s.
struct Flow {
  bool of_energy = false;
  int direction = 0;  ///< from 0
};

/// The flow that an input file names: "current_1", "energy_current_2"; in one dimension also "current" and
/// "energy_current".
/// @throws ParameterError naming task.of
Flow flow_named(const std::string& name, int dimensions);

/// Names of all flows, those of particles first.
std::vector<std::string> flow_names(int dimensions);

/// The flows that a task asks for.
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

/// The parameters that a task differentiates by.
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

/// (1/cells) sum_s of the flow.
double flow(const RateEquation& equation, const Flow& of, std::span<const double> occupation);

/// Derivatives of one number by the parameters of a model, each in the place of its parameter: a real member holds the
/// derivative by it, a complex one that by its real part plus i times that by its imaginary part, an amplitude of a
/// jump operator likewise. A member whose default follows from another one (equilibrium_fraction,
/// dephasing_down) holds the derivative at fixed other one; where it was left to its default, the other one's
/// derivative counts both. Integers, words and tables are as in the model.
template <class Model>
struct Gradient {
  double value = 0.0;    ///< the number itself
  Model model{};         ///< derivatives by its parameters
  double filling = 0.0;  ///< derivative by the mean occupation of a mode
};

/// What a gradient is made for; leaving a part out saves its cost and leaves zeros.
struct GradientScope {
  bool temperature = true;
  bool width = true;  ///< of the spectrum
  bool bands = true;  ///< energies, velocities, eigenvectors, and what they depend on
};

/// The linear response of a steady state, seen from its observables: one linear system for each of them holds the
/// derivatives by all parameters, and the noise. Solved by GMRES with the transposed Jacobian, in the form that does
/// not leave the range of a double when it is cold.
class SteadyStateAdjoint {
 public:
  /// @param model      that `equation` is made from
  /// @param equation   must outlive the object
  /// @param state      of `equation`, converged
  /// @param execution  as for make_rate_equation()
  /// @throws UnsupportedError where the steady state is not a differentiable function of its parameters: it did not
  ///         converge, modes are exactly empty or full, or fall into sets that exchange no particles; or where bands
  ///         touch and jump operators mix them
  /// @param monitor    only stop() is asked, here and in gradient() and noise()
  /// @throws Interruption there, as soon as stop() says so: a part of a derivative is of no use
  SteadyStateAdjoint(TggeModel model, const RateEquation& equation, const SteadyState& state,
                     const Execution& execution = {}, Monitor monitor = {});
  ~SteadyStateAdjoint();
  SteadyStateAdjoint(SteadyStateAdjoint&&) noexcept;

  const TggeModel& model() const;

  /// The derivatives of a flow by everything in the model: ProductJump and JumpOperators, energies, velocities and
  /// eigenvectors (each mode's at fixed others, as if they were independent), baths, filling.
  /// One linear system, and about two evaluations of the rates. O(modes), unless the hop weights are a table.
  Gradient<TggeModel> gradient(const Flow& of, const GradientScope& scope = {}) const;

  /// Zero-frequency noise of the flows, shape (flows, flows): coupling N int dt <dI_a(t) dI_b(0)> for N cells, in
  /// units of energy, or of energy^2 and energy^3 where flows are of energy (docs/physics.md, Eq. 18g). One linear
  /// system for each.
  std::vector<double> noise(std::span<const Flow> flows) const;

 private:
  struct Point;
  std::unique_ptr<Point> point_;
};

/// From the derivatives by modes to those by the parameters of a preset.
/// @param model     that `chain` converts to
/// @param gradient  of `model`, with this scope
Gradient<TggeChain> chain_rule(const TggeChain& chain, const TggeModel& model, const Gradient<TggeModel>& gradient,
                               const GradientScope& scope = {});
/// Hopping terms hold the derivatives by their amplitudes, each varied together with its Hermitian partner; of a file
/// of Wannier90 there are none.
/// @throws UnsupportedError where the bands touch, if the scope has bands
Gradient<TggeLattice> chain_rule(const TggeLattice& lattice, const TggeModel& model,
                                 const Gradient<TggeModel>& gradient, const GradientScope& scope = {});
Gradient<TggeRashba> chain_rule(const TggeRashba& chain, const TggeModel& model, const Gradient<TggeModel>& gradient,
                                const GradientScope& scope = {});

/// Derivatives by the amplitudes of a Hamiltonian whose bands a model has. Each amplitude is varied together with its
/// Hermitian partner: d/dRe + i d/dIm; a real term on a site has no imaginary part.
/// @param model     with eigenvectors for more than one orbital
/// @param gradient  of `model`
/// @param terms     all terms, partners included: what the bands are made from
/// @throws UnsupportedError where bands touch
/// O(modes orbitals^2 + modes terms).
std::vector<std::complex<double>> hopping_gradient(const TggeModel& model, const Gradient<TggeModel>& gradient,
                                                   std::span<const HoppingTerm> terms);

/// Derivatives of a flow by every parameter of a preset.
/// @param adjoint  made for `model`
/// @throws UnsupportedError as above
template <class Model>
Gradient<Model> gradient(const Model& model, const SteadyStateAdjoint& adjoint, const Flow& of,
                         const GradientScope& scope = {}) {
  return chain_rule(model, adjoint.model(), adjoint.gradient(of, scope), scope);
}

}  // namespace lindrift
