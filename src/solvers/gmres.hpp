#pragma once

#include <sunlinsol/sunlinsol_spgmr.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <new>
#include <span>
#include <utility>

#include "engine/threads.hpp"
#include "solvers/sundials_handles.hpp"

namespace lindrift {

/// GMRES for a matrix that is known by its products with vectors.
class Gmres {
 public:
  using Multiply = std::function<void(std::span<const double> in, std::span<double> out)>;

  /// @param pattern   a vector of the right length
  /// @param multiply  may throw
  /// @param restarts  after every `krylov_dimension` products; of long vectors fewer at a time are kept
  void set_up(N_Vector pattern, SUNContext context, int restarts, Multiply multiply) {
    multiply_ = std::move(multiply);
    const std::size_t size = values(pattern).size();
    const auto dimension = static_cast<int>(std::min(size > long_vector ? few_vectors : krylov_dimension, size));
    if (size > long_vector) restarts = (restarts + 1) * static_cast<int>(krylov_dimension / few_vectors) - 1;
    solver_.reset(SUNLinSol_SPGMR(pattern, SUN_PREC_NONE, dimension, context));
    if (!solver_) throw std::bad_alloc();
    check_sundials(SUNLinSol_SPGMRSetMaxRestarts(solver_.get(), restarts), "SUNLinSol_SPGMRSetMaxRestarts");
    // Classical Gram-Schmidt takes all products with the new vector at once, and reorthogonalizes where it must.
    check_sundials(SUNLinSol_SPGMRSetGSType(solver_.get(), SUN_CLASSICAL_GS), "SUNLinSol_SPGMRSetGSType");
    check_sundials(SUNLinSolSetATimes(solver_.get(), this, multiply_callback), "SUNLinSolSetATimes");
    check_sundials(SUNLinSolInitialize(solver_.get()), "SUNLinSolInitialize");
    check_sundials(SUNLinSolSetup(solver_.get(), nullptr), "SUNLinSolSetup");
  }

  /// Solves from a start of zero. If it misses the accuracy, `solution` is the best that was found.
  /// @param accuracy  largest 2-norm of the residual; rounding allows no less than 1e-13 of that of `right`
  /// @throws what `multiply` throws, Interruption
  void solve(N_Vector right, N_Vector solution, double accuracy) {
    // Asked for less, it would go on with all restarts for nothing.
    const double allowed = std::max(accuracy, attainable * std::sqrt(N_VDotProd(right, right)));
    N_VConst(0.0, solution);
    check_sundials(SUNLinSolSetZeroGuess(solver_.get(), 1), "SUNLinSolSetZeroGuess");
    SUNLinSolSolve(solver_.get(), nullptr, solution, right, allowed);
    thrown_.rethrow();
  }

 private:
  static constexpr std::size_t krylov_dimension = 60;
  /// Vectors of 64 MB, of which a machine may not hold that many.
  static constexpr std::size_t long_vector = std::size_t{1} << 23, few_vectors = 20;
  static constexpr double attainable = 1e-13;

  static int multiply_callback(void* data, N_Vector in, N_Vector out) {
    auto& self = *static_cast<Gmres*>(data);
    return self.thrown_.keep([&] {
      Calculation::look_up();
      self.multiply_(values(in), values(out));
    });
  }

  Multiply multiply_;
  Sundials<SUNLinearSolver> solver_;
  Thrown thrown_;
};

}  // namespace lindrift
