#include <cvode/cvode.h>
#include <cvode/cvode_ls.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>

#include "engine/parallel.hpp"
#include "engine/threads.hpp"
#include "solvers/gmres.hpp"
#include "solvers/matrix_ode.hpp"
#include "solvers/occupation.hpp"
#include "solvers/sundials_handles.hpp"
#include "tgge/block_flow.hpp"

namespace lindrift {

namespace {

// As for non-degenerate bands (log_time_bdf.cpp).
constexpr double rounded_places = 4.0;
constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr double large_multiplier = 64.0;
constexpr double first_change = 0.01;
/// Inverse temperature times bandwidth up to which every kind of bath was seen to work (docs/physics.md, section 11).
constexpr double largest_sure_range = 100.0;
constexpr int krylov_restarts = 3;
constexpr double linear_accuracy = 1e-2, linear_reduction = 1e-5;

/// Time integration in the multipliers over x = log(1 + t / t_0), as LogTimeBdf for scalar occupations
/// (docs/physics.md, sections 5 and 11).
class MatrixLogTimeBdf final : public MatrixIntegrator {
 public:
  MatrixLogTimeBdf(const MatrixRateEquation& equation, double number, double tolerance)
      : equation_(equation),
        flow_(equation, number, std::max(tolerance, 1e-13)),
        number_(number),
        tolerance_(tolerance),
        rounding_(rounded_places * epsilon * equation.inverse_temperature() *
                  parallel_maximum(equation.modes(), 0.0,
                                   [&](std::size_t s) { return std::fabs(equation.bands().energy[s]); })),
        state_(make_vector(equation.size(), context_)),
        right_(make_vector(equation.size(), context_)),
        solution_(make_vector(equation.size(), context_)),
        cvode_(CVodeCreate(CV_BDF, context_)),
        linear_solver_(SUNLinSolNewEmpty(context_)),
        work_(equation.size()) {
    if (!cvode_ || !linear_solver_) throw std::bad_alloc();
    N_VConst(0.0, state_.get());
    check_sundials(CVodeInit(cvode_.get(), rate_callback, 0.0, state_.get()), "CVodeInit");
    check_sundials(CVodeSetUserData(cvode_.get(), this), "CVodeSetUserData");
    check_sundials(CVodeWFtolerances(cvode_.get(), weight_callback), "CVodeWFtolerances");
    be_silent(cvode_.get());
    embed_linear_solver(cvode_.get(), linear_solver_.get(), this, solve_callback);
    gmres_.set_up(right_.get(), context_, krylov_restarts,
                  [this](std::span<const double> in, std::span<double> out) { multiply(in, out); });
  }

  BlockMatrices to_state(BlockMatrices multiplier) const override {
    BlockMatrices state(multiplier.size());
    flow_.to_frame(multiplier, state);
    return state;
  }
  BlockMatrices from_state(BlockMatrices state) const override {
    BlockMatrices multiplier(state.size());
    flow_.from_frame(state, multiplier);
    return multiplier;
  }

  bool advance(BlockMatrices& state, double from, double to, std::int64_t max_steps) override {
    const auto y = values(state_.get());
    std::copy(state.begin(), state.end(), y.begin());
    const double last = start(to - from);
    double asked = std::min(1.0, last);  // range in which CVODE looks for its first step
    bool reached = false;
    for (std::int64_t left = max_steps; left > 0 && !reached; --left) {
      Calculation::look_up();
      double clock = 0.0;
      const int status = CVode(cvode_.get(), asked, state_.get(), &clock, CV_ONE_STEP);
      asked = last;
      thrown_.rethrow();
      if (status < 0) matrix_integrator_gave_up(status, from, to, advice());
      ++steps_;
      reached = status == CV_TSTOP_RETURN;
    }
    std::copy(y.begin(), y.end(), state.begin());
    // Newton's method conserves the number only to its own accuracy.
    const double shift = log_fugacity_at(equation_.ascending_eigenvalues(state), number_);
    for (std::size_t s = 0; s < equation_.modes(); ++s) state[s] -= shift;
    return reached;
  }

 private:
  std::string advice() const {
    const auto& energy = equation_.bands().energy;
    if (energy.empty()) return {};
    const auto [low, high] = std::minmax_element(energy.begin(), energy.end());
    const double range = equation_.inverse_temperature() * (*high - *low);
    if (!(range > largest_sure_range)) return {};
    std::ostringstream text;
    text << ". bath.inverse_temperature times the bandwidth is " << range
         << ": relaxation of degenerate bands may fail above " << largest_sure_range
         << ". Take a warmer bath, or the task steady_state, which does not integrate";
    return text.str();
  }

  /// Restarts CVODE. Returns its clock after `duration`.
  double start(double duration) {
    flow_.set_point(values(state_.get()));
    const double log_duration = std::log(duration);
    log_origin_ = std::min(log_duration, std::log(first_change) - flow_.log_fastest(tolerance_));
    const double ratio = log_duration - log_origin_, last = ratio > 40.0 ? ratio : std::log1p(std::exp(ratio));
    check_sundials(CVodeReInit(cvode_.get(), 0.0, state_.get()), "CVodeReInit");
    check_sundials(CVodeSetStopTime(cvode_.get(), last), "CVodeSetStopTime");
    return last;
  }

  int rate(double clock, std::span<const double> multiplier, std::span<double> out) {
    for (const double value : multiplier)
      if (!std::isfinite(value)) return 1;
    ++rate_evaluations_;
    flow_.set_point(multiplier);
    // At the start a block in balance does not move: its remaining rate is rounding error, which must not determine
    // the first step.
    flow_.flow(BlockFlow::Clock::time, log_origin_ + clock, clock == 0.0 ? tolerance_ : 0.0, work_);
    flow_.from_inside(work_, out);
    for (const double value : out)
      if (!std::isfinite(value)) return 1;
    return 0;
  }

  /// Newton update: (1 - gamma J) delta = b, with the number of particles as one more equation. The equations of each
  /// block are solved with its own derivative, which holds all that is fast; what remains is the identity plus the
  /// dependence of gain, loss and mean field on the other blocks.
  bool solve(N_Vector update, N_Vector b) {
    check_sundials(CVodeGetCurrentGamma(cvode_.get(), &gamma_), "CVodeGetCurrentGamma");
    const auto right = values(right_.get());
    flow_.factorize(true, gamma_);
    flow_.to_inside(values(b), right);
    flow_.solve_local(right);
    const double size = std::sqrt(N_VDotProd(right_.get(), right_.get()));
    if (!std::isfinite(size)) return false;
    const auto& lambda = flow_.eigenvalues();
    const auto sums = parallel_sums<5>(equation_.modes(), [&](std::size_t s) {
      const double n = occupation_of(lambda[s]), h = occupation_of(-lambda[s]);
      return n < h ? std::array{n, 0.0, 0.0, n * h, 0.0} : std::array{0.0, h, 1.0, 0.0, n * h};
    });
    filling_ = {sums[0], sums[1], sums[2], sums[3], sums[4], 0.0};
    // A right-hand side that is small altogether still has to reach elements that must be much smaller.
    const double accuracy = std::max(linear_reduction * size, linear_accuracy * tolerance_);
    const bool is_small = size <= accuracy;
    if (!is_small) gmres_.solve(right_.get(), solution_.get(), accuracy);
    const auto found = is_small ? right : values(solution_.get());
    const double excess = log_fugacity_excess(filling_, number_),
                 shift = std::isfinite(excess) ? excess - mean(found) : 0.0;
    for (std::size_t s = 0; s < equation_.modes(); ++s) found[s] += shift;
    flow_.from_inside(found, values(update));
    return true;
  }

  void multiply(std::span<const double> in, std::span<double> out) {
    flow_.multiply_rates(in, work_);
    parallel_for(work_.size(), [&](std::size_t e) { work_[e] *= gamma_; });
    flow_.solve_local(work_);
    const double shift = mean(in);
    parallel_for(work_.size(),
                 [&](std::size_t e) { out[e] = in[e] - work_[e] + (e < equation_.modes() ? shift : 0.0); });
  }

  /// Common shift that changes the number as much as `inside` does.
  double mean(std::span<const double> inside) const {
    const auto& lambda = flow_.eigenvalues();
    const double weight = filling_.particle_slope + filling_.hole_slope;
    const double sum = parallel_sum(equation_.modes(), [&](std::size_t s) {
      return occupation_of(lambda[s]) * occupation_of(-lambda[s]) * inside[s];
    });
    return weight > 0.0 ? sum / weight : 0.0;
  }

  // --- callbacks from C ---
  template <class Body>
  static int guarded(void* data, const Body& body) {
    auto& self = *static_cast<MatrixLogTimeBdf*>(data);
    const Calculation::Undisturbed undisturbed;
    return self.thrown_.keep([&] { return body(self); });
  }
  static int rate_callback(double clock, N_Vector y, N_Vector rate, void* data) {
    return guarded(data, [&](MatrixLogTimeBdf& self) { return self.rate(clock, values(y), values(rate)); });
  }
  static int solve_callback(SUNLinearSolver solver, SUNMatrix, N_Vector update, N_Vector b, double) {
    auto& self = *static_cast<MatrixLogTimeBdf*>(solver->content);
    const Calculation::Undisturbed undisturbed;
    return self.thrown_.keep_solution([&] { return self.solve(update, b); });
  }
  static int weight_callback(N_Vector y, N_Vector weight, void* data) {
    return guarded(data, [&](MatrixLogTimeBdf& self) { self.set_weights(values(y), values(weight)); });
  }
  /// The same for all elements of a block.
  void set_weights(std::span<const double> multiplier, std::span<double> weight) const {
    const auto weight_of = [&](double size) {
      return 1.0 / (tolerance_ * std::max(1.0, size / large_multiplier) + rounding_ + rounded_places * epsilon * size);
    };
    parallel_for(equation_.modes(), [&](std::size_t s) { weight[s] = weight_of(std::fabs(multiplier[s])); });
    std::size_t at = equation_.modes();
    for (std::size_t b = 0; b < equation_.blocks().count(); ++b) {
      const auto modes = equation_.blocks().modes(b);
      const std::size_t end = at + modes.size() * (modes.size() - 1);
      double square = 0.0;
      for (const std::size_t s : modes) square += multiplier[s] * multiplier[s];
      for (std::size_t e = at; e < end; ++e) square += multiplier[e] * multiplier[e];
      const double common = weight_of(std::sqrt(square)), accuracy = flow_.angle_accuracy(b) / common;
      for (const std::size_t s : modes) weight[s] = common;
      for (; at < end; ++at) weight[at] = 1.0 / (accuracy + rounded_places * epsilon * std::fabs(multiplier[at]));
    }
  }

  const MatrixRateEquation& equation_;
  BlockFlow flow_;  ///< at the point of the last call of rate()
  double number_, tolerance_;
  double rounding_;  ///< rounding error of log gain and log loss
  SundialsContext context_;
  Sundials<N_Vector> state_, right_, solution_;
  CvodeHandle cvode_;
  Sundials<SUNLinearSolver> linear_solver_;
  Gmres gmres_;
  BlockMatrices work_;
  double log_origin_ = 0.0;  ///< log t_0
  double gamma_ = 0.0;       ///< step size times a coefficient of the method
  kernels::MomentBalance::Filling filling_{};
  Thrown thrown_;
};

}  // namespace

std::unique_ptr<MatrixIntegrator> make_matrix_bdf(const MatrixRateEquation& equation, double number, double tolerance) {
  return std::make_unique<MatrixLogTimeBdf>(equation, number, tolerance);
}

}  // namespace lindrift
