#pragma once

#include "kernels/clusters/solve_on.hpp"
#include "kernels/tgge/multiplier_newton.hpp"

/// Newton's method in the multipliers (docs/physics.md, Eqs. 15-18) on an engine whose verbs are those of one thread
/// block, with GMRES on its exact derivative.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// Before a restart of GMRES, and in all.
inline constexpr Index multiplier_vectors = 30, multiplier_products = 180;

/// Memory of MultiplierGmres.
struct MultiplierMemory {
  double *trial, *log_gain, *log_loss;
  double *right, *update;  ///< (modes + 1,), the last for the fugacity
  clusters::LinearMemory linear;

  LINDRIFT_HD static MultiplierMemory from(Carver& carver, Index modes) {
    MultiplierMemory memory{};
    memory.trial = carver.take(modes);
    memory.log_gain = carver.take(modes);
    memory.log_loss = carver.take(modes);
    memory.right = carver.take(modes + 1);
    memory.update = carver.take(modes + 1);
    memory.linear = clusters::LinearMemory::from(carver, modes + 1, multiplier_vectors);
    return memory;
  }
};

/// The balance in the multipliers as newton() sees it.
template <class Engine, class Rates>
class MultiplierGmres {
 public:
  LINDRIFT_HD MultiplierGmres(Engine& engine, Rates& rates, Index modes, const MultiplierMemory& memory)
      : engine_(engine), modes_(modes), memory_(memory), newton_(engine, rates, modes) {}

  /// @param start   Lagrange multipliers, (modes,), up to a constant; overwritten
  /// @param number  of particles, strictly between 0 and modes
  /// @return as MultiplierNewton::begin()
  LINDRIFT_ANY_ENGINE bool begin(double* start, double number) {
    return newton_.begin({start, memory_.trial, memory_.log_gain, memory_.log_loss}, number);
  }

  LINDRIFT_HD double size() const { return newton_.size(); }

  LINDRIFT_ANY_ENGINE void solve(double accuracy) {
    newton_.linearise();
    engine_.map(modes_, ScaledResidual{newton_.residual(), -1.0, memory_.right});
    engine_.map(1, clusters::Fill{0.0, memory_.right + modes_});
    Bordered matrix{newton_, modes_ + 1};
    clusters::SolverOn<Engine, Bordered, double> solver(engine_, matrix);
    // A solution that misses the accuracy is still a direction worth trying; newton() tests the step.
    solver.solve_linear(memory_.right, maximum(accuracy, attainable_accuracy), multiplier_vectors, multiplier_products,
                        memory_.linear, memory_.update);
  }

  LINDRIFT_ANY_ENGINE double try_step(double step) {
    return newton_.try_step(step, memory_.update, memory_.update[modes_]);
  }
  LINDRIFT_ANY_ENGINE double try_fixed_point() { return newton_.try_fixed_point(); }
  LINDRIFT_HD void accept() { newton_.accept(); }

  /// Writes multipliers and occupations of the current point, (modes,). Returns its log fugacity.
  LINDRIFT_ANY_ENGINE double finish(double* lagrange_multiplier, double* occupation) {
    engine_.map(modes_, ShiftedState{newton_.vectors().current, 0.0, lagrange_multiplier, occupation});
    return newton_.log_fugacity();
  }
  /// balance_residual() of the rate equation at the current point; NaN if it is not finite. Ends the method.
  LINDRIFT_ANY_ENGINE double residual() { return std::tanh(0.5 * newton_.imbalance(newton_.vectors())); }

 private:
  using Newton = MultiplierNewton<Engine, Rates>;

  /// The bordered matrix, on vectors whose last element is the border.
  struct Bordered {
    Newton& newton;
    Index size;
    LINDRIFT_ANY_ENGINE void multiply(Engine& engine, const double* in, double* out) {
      const Index border = size - 1;
      engine.map(1, clusters::Fill{newton.multiply(in, in[border], out), out + border});
    }
  };

  Engine& engine_;
  Index modes_;
  MultiplierMemory memory_;
  Newton newton_;
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
