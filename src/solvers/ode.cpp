#include "solvers/ode.hpp"

#include <cvode/cvode.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "engine/parallel.hpp"
#include "solvers/occupation.hpp"
#include "solvers/sundials_handles.hpp"

namespace lindrift {

ModeState ModeState::of_multipliers(std::span<const double> lagrange_multiplier) {
  return {{lagrange_multiplier.begin(), lagrange_multiplier.end()},
          std::vector<Stored>(lagrange_multiplier.size(), Stored::multiplier)};
}

ModeState ModeState::of_occupations(std::span<const double> lagrange_multiplier) {
  ModeState state;
  state.value.resize(lagrange_multiplier.size());
  state.stored.resize(lagrange_multiplier.size());
  for (std::size_t s = 0; s < lagrange_multiplier.size(); ++s) {
    state.stored[s] = lagrange_multiplier[s] < 0.0 ? Stored::holes : Stored::particles;
    state.value[s] = occupation_of(std::fabs(lagrange_multiplier[s]));
  }
  return state;
}

void ModeState::reorient() {
  for (std::size_t s = 0; s < modes(); ++s)
    if (stored[s] != Stored::multiplier && value[s] > 0.5) {
      value[s] = 1.0 - value[s];
      stored[s] = stored[s] == Stored::holes ? Stored::particles : Stored::holes;
    }
}

void ModeState::split(std::span<double> particles, std::span<double> holes) const {
  parallel_for(modes(), [&](std::size_t s) {
    if (stored[s] == Stored::multiplier) {
      particles[s] = occupation_of(value[s]);
      holes[s] = occupation_of(-value[s]);
      return;
    }
    const double small = value[s], large = 1.0 - value[s];
    const bool flipped = stored[s] == Stored::holes;
    particles[s] = flipped ? large : small;
    holes[s] = flipped ? small : large;
  });
}

void ModeState::lagrange_multiplier(std::span<double> result) const {
  for (std::size_t s = 0; s < modes(); ++s) {
    result[s] = value[s];
    if (stored[s] == Stored::multiplier) continue;
    const double magnitude = std::log1p(-value[s]) - std::log(value[s]);
    result[s] = stored[s] == Stored::holes ? -magnitude : magnitude;
  }
}

void OccupationIntegrator::give_up(int cvode_status, double from, double to) {
  std::ostringstream text;
  text << "the integrator stopped between times " << from << " and " << to << ": "
       << std::unique_ptr<char, void (*)(void*)>(CVodeGetReturnFlagName(cvode_status), std::free).get();
  throw NumericalError(text.str());
}

namespace {

/// Above this a stored side (n or 1-n) no longer determines the other to full accuracy: CVODE restarts with the sides
/// exchanged.
constexpr double worn_side = 0.9;
/// Above this either side determines the other, and the sign of the rate decides which one to store.
constexpr double undecided_side = 0.2;
/// CVODE squares the interval in which it looks for the first step; shorter intervals are rescaled.
constexpr double smallest_horizon = 1e-100;

class AdamsIntegrator final : public OccupationIntegrator {
 public:
  AdamsIntegrator(Generator& generator, double tolerance)
      : generator_(generator),
        tolerance_(tolerance),
        modes_(generator.modes()),
        state_vector_(make_vector(modes_, context_)),
        nonlinear_solver_(SUNNonlinSol_FixedPoint(state_vector_.get(), 0, context_)),
        cvode_(CVodeCreate(CV_ADAMS, context_)),
        flipped_(modes_),
        particles_(modes_),
        holes_(modes_),
        direction_(modes_) {
    if (!cvode_ || !nonlinear_solver_) throw std::bad_alloc();
    N_VConst(0.5, state_vector_.get());
    check_sundials(CVodeInit(cvode_.get(), rate_callback, 0.0, state_vector_.get()), "CVodeInit");
    check_sundials(CVodeSetUserData(cvode_.get(), this), "CVodeSetUserData");
    check_sundials(CVodeWFtolerances(cvode_.get(), weight_callback), "CVodeWFtolerances");
    be_silent(cvode_.get());
    check_sundials(CVodeSetNonlinearSolver(cvode_.get(), nonlinear_solver_.get()), "CVodeSetNonlinearSolver");
  }

  bool advance(ModeState& state, double from, double to, std::int64_t max_steps) override {
    const auto y = values(state_vector_.get());
    double now = from;
    std::int64_t left = max_steps;
    bool oriented = false, reached = false;
    while (!reached) {
      if (left-- <= 0) return false;
      if (!oriented) start(state, now, to);
      double clock = 0.0;
      const int status = CVode(cvode_.get(), horizon_, state_vector_.get(), &clock, CV_ONE_STEP);
      horizon_ = (to - origin_) / unit_;  // since SUNDIALS 6.7 a stop time after the requested time is ignored
      thrown_.rethrow();
      if (status < 0) give_up(status, from, to);
      ++steps_;
      reached = status == CV_TSTOP_RETURN;
      now = origin_ + unit_ * clock;
      std::copy(y.begin(), y.end(), state.value.begin());
      oriented = std::all_of(y.begin(), y.end(), [](double side) { return side < worn_side; });
    }
    return true;
  }

 private:
  /// Restarts CVODE at `state` with its clock at zero, on the smaller of n and 1-n, or near 1/2 on the one that
  /// shrinks.
  void start(ModeState& state, double now, double stop) {
    origin_ = now;
    const double duration = stop - now;
    unit_ = duration < smallest_horizon ? duration : 1.0;
    state.reorient();
    for (std::size_t s = 0; s < modes_; ++s) flipped_[s] = state.stored[s] == Stored::holes;
    const auto y = values(state_vector_.get());
    std::copy(state.value.begin(), state.value.end(), y.begin());
    split(state_vector_.get());
    generator_.occupation_rate(particles_, holes_, direction_);
    ++rate_evaluations_;
    for (std::size_t s = 0; s < modes_; ++s)
      if (y[s] > undecided_side && (flipped_[s] ? direction_[s] < 0.0 : direction_[s] > 0.0)) {
        y[s] = state.value[s] = 1.0 - y[s];
        flipped_[s] = !flipped_[s];
        state.stored[s] = flipped_[s] ? Stored::holes : Stored::particles;
      }
    check_sundials(CVodeReInit(cvode_.get(), 0.0, state_vector_.get()), "CVodeReInit");
    check_sundials(CVodeSetStopTime(cvode_.get(), duration / unit_), "CVodeSetStopTime");
    // The first step is looked for within the time of the fastest rate, which may be e^{-60} of the whole interval.
    split(state_vector_.get());
    generator_.relaxation_rate(particles_, holes_, direction_);
    const double fastest = *std::max_element(direction_.begin(), direction_.end());
    horizon_ = (std::isfinite(fastest) && fastest * duration > 1.0 ? 1.0 / fastest : duration) / unit_;
  }

  /// Computes n and 1-n from CVODE's vector.
  void split(N_Vector y) {
    const auto smaller = values(y);
    parallel_for(modes_, [&](std::size_t s) {
      const double small = smaller[s], large = 1.0 - smaller[s];
      particles_[s] = flipped_[s] ? large : small;
      holes_[s] = flipped_[s] ? small : large;
    });
  }
  int rate(double time, N_Vector y, N_Vector ydot) {
    Calculation::look_up();
    split(y);
    auto out = values(ydot);
    ++rate_evaluations_;
    generator_.occupation_rate(particles_, holes_, out);
    for (std::size_t s = 0; s < modes_; ++s) {
      if (!std::isfinite(out[s])) {
        // A trial point outside [0, 1] may overflow; the integrator then takes a smaller step.
        const bool sane =
            std::all_of(particles_.begin(), particles_.end(), [](double n) { return n > -0.5 && n < 1.5; });
        if (!sane) return 1;
        throw NonFiniteRate(origin_ + unit_ * time, s);
      }
    }
    parallel_for(modes_, [&](std::size_t s) { out[s] *= flipped_[s] ? -unit_ : unit_; });
    return 0;
  }

  // --- callbacks from C ---
  template <class Body>
  static int guarded(void* data, const Body& body) {
    auto& self = *static_cast<AdamsIntegrator*>(data);
    return self.thrown_.keep([&] { return body(self); });
  }
  static int rate_callback(double time, N_Vector y, N_Vector ydot, void* data) {
    return guarded(data, [&](AdamsIntegrator& self) { return self.rate(time, y, ydot); });
  }
  /// The error allowed in y corresponds to `tolerance` in lambda, dlambda = dy / (y (1-y)): small occupations keep
  /// their digits.
  static int weight_callback(N_Vector y, N_Vector weight, void* data) {
    const Calculation::Undisturbed undisturbed;
    const auto& self = *static_cast<AdamsIntegrator*>(data);
    const auto in = values(y);
    auto out = values(weight);
    parallel_for(self.modes_, [&](std::size_t s) {
      out[s] = 1.0 / (self.tolerance_ * std::max(std::fabs(in[s] * (1.0 - in[s])), 1e-30));
    });
    return 0;
  }

  Generator& generator_;
  double tolerance_;
  std::size_t modes_;
  SundialsContext context_;
  Sundials<N_Vector> state_vector_;
  Sundials<SUNNonlinearSolver> nonlinear_solver_;
  CvodeHandle cvode_;
  std::vector<char> flipped_;
  std::vector<double> particles_, holes_, direction_;
  double origin_ = 0.0;   ///< time at which CVODE's clock is zero: steps far below the time's last bit still count
  double unit_ = 1.0;     ///< of CVODE's clock
  double horizon_ = 0.0;  ///< interval in which the first step is looked for
  Thrown thrown_;
};

}  // namespace

std::unique_ptr<OccupationIntegrator> make_adams_integrator(Generator& generator, double tolerance) {
  return std::make_unique<AdamsIntegrator>(generator, tolerance);
}

}  // namespace lindrift
