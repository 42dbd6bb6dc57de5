#include "solvers/matrix_ode.hpp"

#include <cvode/cvode.h>
#include <cvode/cvode_ls.h>
#include <sunlinsol/sunlinsol_spgmr.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sstream>

#include "engine/parallel.hpp"
#include "engine/threads.hpp"
#include "solvers/sundials_handles.hpp"

namespace lindrift {

namespace {

/// Smallest error of n that the weights resolve: n is of order one, and 1-n is not stored separately.
constexpr double smallest_error = 1e-15;

class CvodeMatrixIntegrator final : public MatrixIntegrator {
 public:
  CvodeMatrixIntegrator(const MatrixRateEquation& equation, bool implicit, double tolerance)
      : equation_(equation),
        tolerance_(tolerance),
        size_(equation.size()),
        state_(make_vector(size_, context_)),
        cvode_(CVodeCreate(implicit ? CV_BDF : CV_ADAMS, context_)),
        work_(size_),
        other_(size_) {
    if (!cvode_) throw std::bad_alloc();
    N_VConst(0.5, state_.get());
    check_sundials(CVodeInit(cvode_.get(), rate_callback, 0.0, state_.get()), "CVodeInit");
    check_sundials(CVodeSetUserData(cvode_.get(), this), "CVodeSetUserData");
    check_sundials(CVodeWFtolerances(cvode_.get(), weight_callback), "CVodeWFtolerances");
    be_silent(cvode_.get());
    if (!implicit) {
      nonlinear_solver_.reset(SUNNonlinSol_FixedPoint(state_.get(), 0, context_));
      if (!nonlinear_solver_) throw std::bad_alloc();
      check_sundials(CVodeSetNonlinearSolver(cvode_.get(), nonlinear_solver_.get()), "CVodeSetNonlinearSolver");
      return;
    }
    linear_solver_.reset(SUNLinSol_SPGMR(state_.get(), SUN_PREC_LEFT, 0, context_));
    if (!linear_solver_) throw std::bad_alloc();
    check_sundials(CVodeSetLinearSolver(cvode_.get(), linear_solver_.get(), nullptr), "CVodeSetLinearSolver");
    check_sundials(CVodeSetJacTimes(cvode_.get(), jacobian_setup_callback, jacobian_callback), "CVodeSetJacTimes");
    check_sundials(CVodeSetPreconditioner(cvode_.get(), preconditioner_setup_callback, preconditioner_callback),
                   "CVodeSetPreconditioner");
  }

  bool advance(BlockMatrices& particles, double from, double to, std::int64_t max_steps) override {
    const auto y = values(state_.get());
    std::copy(particles.begin(), particles.end(), y.begin());
    check_sundials(CVodeReInit(cvode_.get(), 0.0, state_.get()), "CVodeReInit");
    check_sundials(CVodeSetStopTime(cvode_.get(), to - from), "CVodeSetStopTime");
    for (std::int64_t left = max_steps; left > 0; --left) {
      Calculation::look_up();
      double clock = 0.0;
      const int status = CVode(cvode_.get(), to - from, state_.get(), &clock, CV_ONE_STEP);
      thrown_.rethrow();
      if (status < 0) {
        std::ostringstream text;
        text << "the integrator stopped between times " << from << " and " << to << ": "
             << std::unique_ptr<char, void (*)(void*)>(CVodeGetReturnFlagName(status), std::free).get();
        throw NumericalError(text.str());
      }
      ++steps_;
      std::copy(y.begin(), y.end(), particles.begin());
      if (status == CV_TSTOP_RETURN) return true;
    }
    return false;
  }

 private:
  void rate(std::span<const double> particles, std::span<double> out) {
    ++rate_evaluations_;
    equation_.occupation_rate(particles, out);
  }

  /// The rate is bilinear: J d = balance(rates of d; n, 1-n) + balance(rates of n; d, -d).
  void multiply(std::span<const double> direction, std::span<double> out) {
    ++rate_evaluations_;
    parallel_for(size_, [&](std::size_t e) { other_[e] = -direction[e]; });
    equation_.rates(direction, other_, changed_rates_);
    equation_.balance(rates_, direction, other_, work_);
    equation_.balance(changed_rates_, particles_, holes_, out);
    parallel_for(size_, [&](std::size_t e) { out[e] = equation_.rate_scale() * (out[e] + work_[e]); });
  }
  void linearize(std::span<const double> particles) {
    ++rate_evaluations_;
    particles_.assign(particles.begin(), particles.end());
    holes_ = equation_.diagonal(1.0);
    parallel_for(size_, [&](std::size_t e) { holes_[e] -= particles_[e]; });
    equation_.rates(particles_, holes_, rates_);
  }

  // --- callbacks from C ---
  template <class Body>
  static int guarded(void* data, const Body& body) {
    auto& self = *static_cast<CvodeMatrixIntegrator*>(data);
    const Calculation::Undisturbed undisturbed;
    return self.thrown_.keep([&] { return body(self); });
  }
  static int rate_callback(double, N_Vector y, N_Vector ydot, void* data) {
    return guarded(data, [&](CvodeMatrixIntegrator& self) { self.rate(values(y), values(ydot)); });
  }
  static int jacobian_setup_callback(double, N_Vector y, N_Vector, void* data) {
    return guarded(data, [&](CvodeMatrixIntegrator& self) { self.linearize(values(y)); });
  }
  static int jacobian_callback(N_Vector v, N_Vector jv, double, N_Vector, N_Vector, void* data, N_Vector) {
    return guarded(data, [&](CvodeMatrixIntegrator& self) { self.multiply(values(v), values(jv)); });
  }
  static int preconditioner_setup_callback(double, N_Vector y, N_Vector, int, int* current, double, void* data) {
    *current = 1;
    return guarded(data, [&](CvodeMatrixIntegrator& self) { self.linearize(values(y)); });
  }
  /// Solves x + gamma (Gamma x + x Gamma^+) = right.
  static int preconditioner_callback(double, N_Vector, N_Vector, N_Vector right, N_Vector x, double gamma, double, int,
                                     void* data) {
    return guarded(data, [&](CvodeMatrixIntegrator& self) {
      self.equation_.solve_sylvester(self.rates_, values(right), values(x), gamma * self.equation_.rate_scale(), 0.5);
    });
  }
  /// The error allowed in n corresponds to `tolerance` in the multiplier, and is the same for all elements of a block.
  static int weight_callback(N_Vector y, N_Vector weight, void* data) {
    return guarded(data, [&](CvodeMatrixIntegrator& self) {
      self.equation_.spread(values(y), values(weight));
      const auto out = values(weight);
      parallel_for(out.size(), [&](std::size_t e) {
        out[e] = 1.0 / std::max(self.tolerance_ * std::fabs(out[e]), smallest_error);
      });
    });
  }

  const MatrixRateEquation& equation_;
  double tolerance_;
  std::size_t size_;
  SundialsContext context_;
  Sundials<N_Vector> state_;
  Sundials<SUNNonlinearSolver> nonlinear_solver_;
  Sundials<SUNLinearSolver> linear_solver_;
  CvodeHandle cvode_;
  BlockMatrices particles_, holes_, work_, other_;  ///< the point of the Jacobian; work space
  BlockRates rates_, changed_rates_;
  Thrown thrown_;
};

}  // namespace

std::unique_ptr<MatrixIntegrator> make_matrix_integrator(const MatrixRateEquation& equation, bool implicit,
                                                         double tolerance) {
  return std::make_unique<CvodeMatrixIntegrator>(equation, implicit, tolerance);
}

}  // namespace lindrift
