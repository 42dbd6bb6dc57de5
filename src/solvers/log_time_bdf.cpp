#include <cvode/cvode.h>
#include <cvode/cvode_ls.h>
#include <sunlinsol/sunlinsol_spgmr.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/parallel.hpp"
#include "solvers/newton.hpp"
#include "solvers/occupation.hpp"
#include "solvers/ode.hpp"
#include "solvers/sundials_handles.hpp"

namespace lindrift {

namespace {

/// Rounding error of exponents, in units in the last place of the largest; no step can be more accurate.
constexpr double rounded_places = 4.0;
constexpr double epsilon = std::numeric_limits<double>::epsilon();
/// A rate times the elapsed time above e^{600} is clipped to e^{600}: such a mode has long been in balance.
constexpr double max_exponent = 600.0;
/// Beyond this value the error allowed in a multiplier grows in proportion to it: occupations of e^{-64} affect
/// nothing.
constexpr double large_multiplier = 64.0;
/// t_0 is the time in which the fastest multiplier changes by this much.
constexpr double first_change = 0.01;
constexpr int krylov_dimension = 30, krylov_restarts = 3;
/// Residual at which GMRES stops: in units of the tolerance, and relative to the right-hand side.
constexpr double linear_accuracy = 1e-2, linear_reduction = 1e-5;

/// Time integration in lambda_s over x = log(1 + t / t_0), docs/physics.md, section 5:
///
///   d lambda_s / dx = (t_0 + t) epsilon J [ loss_s (1 + e^{-lambda_s}) - gain_s (1 + e^{lambda_s}) ].
class LogTimeBdf final : public OccupationIntegrator {
 public:
  LogTimeBdf(const RateEquation& equation, std::span<const double> conserved, double tolerance)
      : generator_(*equation.generator),
        modes_(equation.modes()),
        log_scale_(std::log(equation.rate_scale)),
        tolerance_(tolerance),
        rounding_(rounded_places * epsilon * equation.inverse_temperature *
                  parallel_maximum(modes_, 0.0, [&](std::size_t s) { return std::fabs(equation.bands.energy[s]); })),
        components_(connected_components(equation)),
        groups_(static_cast<std::size_t>(components_.count)),
        state_vector_(make_vector(modes_, context_)),
        right_(make_vector(modes_, context_)),
        solution_(make_vector(modes_, context_)),
        cvode_(CVodeCreate(CV_BDF, context_)),
        linear_solver_(SUNLinSolNewEmpty(context_)),
        krylov_solver_(SUNLinSol_SPGMR(right_.get(), SUN_PREC_NONE,
                                       static_cast<int>(std::min<std::size_t>(krylov_dimension, modes_)), context_)) {
    if (!cvode_ || !linear_solver_ || !krylov_solver_) throw std::bad_alloc();
    for (auto* array : {&log_gain_, &log_loss_, &particles_, &holes_, &loss_term_, &gain_term_, &over_diagonal_,
                        &gain_decrease_, &loss_increase_})
      array->resize(modes_);
    for (std::size_t s = 0; s < modes_; ++s) {
      groups_[component(s)].members.push_back(s);
      groups_[component(s)].number += occupation_of(conserved[s]);
    }
    // With a single component use total_number(), which is exact to rounding for equal multipliers.
    if (groups_.size() == 1) groups_[0].number = total_number(InitialState(conserved), modes_);

    N_VConst(0.0, state_vector_.get());
    check_sundials(CVodeInit(cvode_.get(), rate_callback, 0.0, state_vector_.get()), "CVodeInit");
    check_sundials(CVodeSetUserData(cvode_.get(), this), "CVodeSetUserData");
    check_sundials(CVodeWFtolerances(cvode_.get(), weight_callback), "CVodeWFtolerances");
    be_silent(cvode_.get());
    embed_linear_solver(cvode_.get(), linear_solver_.get(), this, solve_callback);
    check_sundials(SUNLinSolSetATimes(krylov_solver_.get(), this, multiply_callback), "SUNLinSolSetATimes");
    check_sundials(SUNLinSol_SPGMRSetGSType(krylov_solver_.get(), SUN_CLASSICAL_GS), "SUNLinSol_SPGMRSetGSType");
    check_sundials(SUNLinSol_SPGMRSetMaxRestarts(krylov_solver_.get(), krylov_restarts),
                   "SUNLinSol_SPGMRSetMaxRestarts");
    check_sundials(SUNLinSolInitialize(krylov_solver_.get()), "SUNLinSolInitialize");
    check_sundials(SUNLinSolSetup(krylov_solver_.get(), nullptr), "SUNLinSolSetup");
  }

  bool advance(ModeState& state, double from, double to, std::int64_t max_steps) override {
    const auto lambda = values(state_vector_.get());
    state.lagrange_multiplier(lambda);
    state = ModeState::of_multipliers(lambda);
    const double last = start(from, to);
    double asked = std::min(1.0, last);  // range in which CVODE looks for its first step
    bool reached = false;
    for (std::int64_t left = max_steps; left > 0 && !reached; --left) {
      double clock = 0.0;
      const int status = CVode(cvode_.get(), asked, state_vector_.get(), &clock, CV_ONE_STEP);
      asked = last;
      thrown_.rethrow();
      if (status < 0) give_up(status, from, to);
      ++steps_;
      reached = status == CV_TSTOP_RETURN;
    }
    settle_numbers(lambda);
    std::copy(lambda.begin(), lambda.end(), state.value.begin());
    return reached;
  }

 private:
  /// Modes that exchange particles. Their number is conserved, and nothing else fixes a common shift of their
  /// multipliers.
  struct Group {
    double number = 0.0;
    std::vector<std::size_t> members;
    kernels::MomentBalance::Filling sums;
    double shift = 0.0;  ///< common to all multipliers
  };

  std::size_t component(std::size_t s) const {
    return components_.of_mode.empty() ? 0 : static_cast<std::size_t>(components_.of_mode[s]);
  }

  /// Restarts CVODE at time `from`. Returns its clock at time `to`.
  double start(double from, double to) {
    from_ = from;
    const auto lambda = values(state_vector_.get());
    evaluate_log_rates(lambda, 0.0);
    double fastest = -std::numeric_limits<double>::infinity();
    for (std::size_t s = 0; s < modes_; ++s) {
      const Terms terms = terms_of(lambda[s], s, 0.0);
      if (!in_balance(terms, lambda[s])) fastest = std::max(fastest, std::max(terms.log_loss, terms.log_gain));
    }
    const double log_duration = std::log(to - from);
    log_origin_ = std::min(log_duration, std::log(first_change) - fastest);
    const double ratio = log_duration - log_origin_, last = ratio > 40.0 ? ratio : std::log1p(std::exp(ratio));
    check_sundials(CVodeReInit(cvode_.get(), 0.0, state_vector_.get()), "CVodeReInit");
    check_sundials(CVodeSetStopTime(cvode_.get(), last), "CVodeSetStopTime");
    return last;
  }

  /// Shifts the multipliers of each group so that it holds its number of particles exactly; Newton's method conserves
  /// the number only to its own accuracy.
  void settle_numbers(std::span<double> lambda) const {
    std::vector<double> multipliers;
    for (const Group& group : groups_) {
      if (!(group.number > 0.0 && group.number < static_cast<double>(group.members.size()))) continue;
      multipliers.clear();
      for (const std::size_t s : group.members) multipliers.push_back(lambda[s]);
      const double shift = log_fugacity_at(multipliers, group.number);
      for (const std::size_t s : group.members) lambda[s] -= shift;
    }
  }

  /// Logarithms of the two terms of d lambda / dt, each times e^{log_clock}.
  struct Terms {
    double log_loss, log_gain, excess;  ///< excess: log_loss - log_gain, without the rounding of either
  };
  Terms terms_of(double lambda, std::size_t s, double log_clock) const {
    const double common = std::log1p(std::exp(-std::fabs(lambda))) + log_scale_ + log_clock;
    return {log_loss_[s] + std::max(-lambda, 0.0) + common, log_gain_[s] + std::max(lambda, 0.0) + common,
            (log_loss_[s] - log_gain_[s]) - lambda};
  }
  bool in_balance(const Terms& terms, double lambda) const {
    // Without gain and loss the excess is NaN; such a mode does not move.
    return !(std::fabs(terms.excess) > std::max(tolerance_, 64.0 * epsilon * (1.0 + std::fabs(lambda))));
  }

  void evaluate_log_rates(std::span<const double> lambda, double clock) {
    Calculation::look_up();
    ++rate_evaluations_;
    generator_.log_rates(lambda, log_gain_, log_loss_);
    constexpr double infinity = std::numeric_limits<double>::infinity();
    for (std::size_t s = 0; s < modes_; ++s)
      if (!(log_gain_[s] < infinity && log_loss_[s] < infinity))
        throw NonFiniteRate(from_ + std::exp(log_origin_) * std::expm1(clock), s);
  }

  int rate(double clock, std::span<const double> lambda, std::span<double> out) {
    for (const double value : lambda)
      if (!std::isfinite(value)) return 1;
    evaluate_log_rates(lambda, clock);
    parallel_for(modes_, [&](std::size_t s) {
      const Terms terms = terms_of(lambda[s], s, log_origin_ + clock);
      const double largest = std::max(terms.log_loss, terms.log_gain), over = std::max(largest - max_exponent, 0.0);
      loss_term_[s] = std::exp(terms.log_loss - over);
      gain_term_[s] = std::exp(terms.log_gain - over);
      particles_[s] = occupation_of(lambda[s]);
      holes_[s] = occupation_of(-lambda[s]);
      // At the start a mode in balance does not move: its remaining rate is rounding error, which must not
      // determine the first step.
      if (!(largest > -std::numeric_limits<double>::infinity()) || (clock == 0.0 && in_balance(terms, lambda[s])))
        out[s] = 0.0;
      else
        out[s] =
            terms.excess > 0.0 ? -std::expm1(-terms.excess) * loss_term_[s] : std::expm1(terms.excess) * gain_term_[s];
    });
    return 0;
  }

  /// Newton update: (1 - gamma J) delta = b, with the number of particles as one more equation. Each row is divided by
  /// its diagonal, however large; what remains is the identity plus a matrix of low rank if the weights have low rank.
  /// A common shift of all multipliers then restores the number of particles.
  bool solve(N_Vector update, N_Vector b) {
    check_sundials(CVodeGetCurrentGamma(cvode_.get(), &gamma_), "CVodeGetCurrentGamma");
    const auto in = values(b), right = values(right_.get()), lambda = values(solution_.get());
    parallel_for(modes_, [&](std::size_t s) {
      over_diagonal_[s] = 1.0 / (1.0 + gamma_ * (loss_term_[s] * particles_[s] + gain_term_[s] * holes_[s]));
      right[s] = in[s] * over_diagonal_[s];
    });
    const double size = std::sqrt(N_VDotProd(right_.get(), right_.get()));
    if (!std::isfinite(size)) return false;
    sum_groups<5>(
        [&](std::size_t s) {
          const double n = particles_[s], h = holes_[s];
          return n < h ? std::array{n, 0.0, 0.0, n * h, 0.0} : std::array{0.0, h, 1.0, 0.0, n * h};
        },
        [](Group& group, const std::array<double, 5>& sums) {
          group.sums = {sums[0], sums[1], sums[2], sums[3], sums[4], 0.0};
        });
    N_VConst(0.0, solution_.get());
    const double accuracy = std::max(linear_reduction * size, linear_accuracy * tolerance_);
    const int status = SUNLinSolSolve(krylov_solver_.get(), nullptr, solution_.get(), right_.get(), accuracy);
    if (status != SUNLS_SUCCESS && status != SUNLS_RES_REDUCED) return false;
    take_means(lambda);
    for (Group& group : groups_) {
      const double excess = log_fugacity_excess(group.sums, group.number);
      group.shift = std::isfinite(excess) ? excess - group.shift : 0.0;
    }
    const auto out = values(update);
    parallel_for(modes_, [&](std::size_t s) { out[s] = lambda[s] + groups_[component(s)].shift; });
    return true;
  }

  int multiply(std::span<const double> in, std::span<double> out) {
    generator_.log_rate_derivatives(in, gain_decrease_, loss_increase_);
    take_means(in);
    parallel_for(modes_, [&](std::size_t s) {
      out[s] = in[s] + groups_[component(s)].shift -
               gamma_ * over_diagonal_[s] * (loss_term_[s] * loss_increase_[s] + gain_term_[s] * gain_decrease_[s]);
    });
    return 0;
  }

  /// Calls take(group, sum of term(s) over the group's modes) for each group.
  template <std::size_t Count, class Term, class Take>
  void sum_groups(const Term& term, const Take& take) {
    if (groups_.size() == 1) return take(groups_[0], parallel_sums<Count>(modes_, term));
    std::vector<std::array<double, Count>> sums(groups_.size());
    for (std::size_t s = 0; s < modes_; ++s) {
      const auto value = term(s);
      for (std::size_t k = 0; k < Count; ++k) sums[component(s)][k] += value[k];
    }
    for (std::size_t c = 0; c < groups_.size(); ++c) take(groups_[c], sums[c]);
  }
  /// Sets the shift of each group to the mean of `vector`, weighted by n (1-n).
  void take_means(std::span<const double> vector) {
    sum_groups<1>([&](std::size_t s) { return std::array{particles_[s] * holes_[s] * vector[s]}; },
                  [](Group& group, const std::array<double, 1>& sum) {
                    const double weight = group.sums.particle_slope + group.sums.hole_slope;
                    group.shift = weight > 0.0 ? sum[0] / weight : 0.0;
                  });
  }

  // --- callbacks from C ---
  template <class Body>
  static int guarded(void* data, const Body& body) {
    auto& self = *static_cast<LogTimeBdf*>(data);
    return self.thrown_.keep([&] { return body(self); });
  }
  static int rate_callback(double clock, N_Vector lambda, N_Vector rate, void* data) {
    return guarded(data, [&](LogTimeBdf& self) { return self.rate(clock, values(lambda), values(rate)); });
  }
  static int weight_callback(N_Vector lambda, N_Vector weight, void* data) {
    const Calculation::Undisturbed undisturbed;
    const auto& self = *static_cast<LogTimeBdf*>(data);
    const auto in = values(lambda), out = values(weight);
    parallel_for(self.modes_, [&](std::size_t s) {
      const double size = std::fabs(in[s]);
      out[s] = 1.0 / (self.tolerance_ * std::max(1.0, size / large_multiplier) + self.rounding_ +
                      rounded_places * epsilon * size);
    });
    return 0;
  }
  static int solve_callback(SUNLinearSolver solver, SUNMatrix, N_Vector update, N_Vector b, double) {
    auto& self = *static_cast<LogTimeBdf*>(solver->content);
    return self.thrown_.keep_solution([&] { return self.solve(update, b); });
  }
  static int multiply_callback(void* data, N_Vector in, N_Vector out) {
    return guarded(data, [&](LogTimeBdf& self) { return self.multiply(values(in), values(out)); });
  }

  Generator& generator_;
  std::size_t modes_;
  double log_scale_;  ///< log(epsilon J)
  double tolerance_;
  double rounding_;  ///< rounding error of log gain and log loss
  Components components_;
  std::vector<Group> groups_;  ///< one for each component
  SundialsContext context_;
  Sundials<N_Vector> state_vector_, right_, solution_;
  CvodeHandle cvode_;
  Sundials<SUNLinearSolver> linear_solver_, krylov_solver_;
  double from_ = 0.0, log_origin_ = 0.0;  ///< time at which the clock is zero; log t_0
  double gamma_ = 0.0;                    ///< step size times a coefficient of the method
  // At the point of the last call of rate(), where the generator is too:
  std::vector<double> log_gain_, log_loss_, particles_, holes_, loss_term_, gain_term_;
  std::vector<double> over_diagonal_, gain_decrease_, loss_increase_;
  Thrown thrown_;
};

}  // namespace

std::unique_ptr<OccupationIntegrator> make_bdf_integrator(const RateEquation& equation,
                                                          std::span<const double> lagrange_multiplier,
                                                          double tolerance) {
  return std::make_unique<LogTimeBdf>(equation, lagrange_multiplier, tolerance);
}

}  // namespace lindrift
