#include "solvers/matrix_ode.hpp"

#include <cvode/cvode.h>
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

class MatrixAdams final : public MatrixIntegrator {
 public:
  MatrixAdams(const MatrixRateEquation& equation, double tolerance)
      : equation_(equation),
        tolerance_(tolerance),
        size_(equation.size()),
        state_(make_vector(size_, context_)),
        cvode_(CVodeCreate(CV_ADAMS, context_)) {
    if (!cvode_) throw std::bad_alloc();
    N_VConst(0.5, state_.get());
    check_sundials(CVodeInit(cvode_.get(), rate_callback, 0.0, state_.get()), "CVodeInit");
    check_sundials(CVodeSetUserData(cvode_.get(), this), "CVodeSetUserData");
    check_sundials(CVodeWFtolerances(cvode_.get(), weight_callback), "CVodeWFtolerances");
    be_silent(cvode_.get());
    nonlinear_solver_.reset(SUNNonlinSol_FixedPoint(state_.get(), 0, context_));
    if (!nonlinear_solver_) throw std::bad_alloc();
    check_sundials(CVodeSetNonlinearSolver(cvode_.get(), nonlinear_solver_.get()), "CVodeSetNonlinearSolver");
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
        matrix_integrator_gave_up(status, from, to);
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

  // --- callbacks from C ---
  template <class Body>
  static int guarded(void* data, const Body& body) {
    auto& self = *static_cast<MatrixAdams*>(data);
    const Calculation::Undisturbed undisturbed;
    return self.thrown_.keep([&] { return body(self); });
  }
  static int rate_callback(double, N_Vector y, N_Vector ydot, void* data) {
    return guarded(data, [&](MatrixAdams& self) { self.rate(values(y), values(ydot)); });
  }
  /// The error allowed in n corresponds to `tolerance` in the multiplier, and is the same for all elements of a block.
  static int weight_callback(N_Vector y, N_Vector weight, void* data) {
    return guarded(data, [&](MatrixAdams& self) {
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
  CvodeHandle cvode_;
  Thrown thrown_;
};

}  // namespace

void matrix_integrator_gave_up(int cvode_status, double from, double to, const std::string& advice) {
  std::ostringstream text;
  text << "the integrator stopped between times " << from << " and " << to << ": "
       << std::unique_ptr<char, void (*)(void*)>(CVodeGetReturnFlagName(cvode_status), std::free).get() << advice;
  throw NumericalError(text.str());
}

std::unique_ptr<MatrixIntegrator> make_matrix_adams(const MatrixRateEquation& equation, double tolerance) {
  return std::make_unique<MatrixAdams>(equation, tolerance);
}

}  // namespace lindrift
