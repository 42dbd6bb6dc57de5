#include "solvers/ode.hpp"

#include <cvode/cvode.h>
#include <sunlinsol/sunlinsol_spgmr.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

#include <algorithm>
#include <cmath>
#include <exception>

#include "parallel.hpp"
#include "solvers/occupation.hpp"
#include "solvers/sundials_handles.hpp"

namespace lindrift {

OccupationState OccupationState::from_lagrange_multiplier(std::span<const double> lagrange_multiplier) {
  OccupationState state;
  state.smaller.resize(lagrange_multiplier.size());
  state.flipped.resize(lagrange_multiplier.size());
  for (std::size_t s = 0; s < lagrange_multiplier.size(); ++s) {
    state.flipped[s] = lagrange_multiplier[s] < 0.0;
    state.smaller[s] = occupation_of(std::fabs(lagrange_multiplier[s]));
  }
  return state;
}

void OccupationState::reorient() {
  for (std::size_t s = 0; s < modes(); ++s)
    if (smaller[s] > 0.5) {
      smaller[s] = 1.0 - smaller[s];
      flipped[s] = !flipped[s];
    }
}

void OccupationState::split(std::span<double> particles, std::span<double> holes) const {
  parallel_for(modes(), [&](std::size_t s) {
    const double small = smaller[s], large = 1.0 - smaller[s];
    particles[s] = flipped[s] ? large : small;
    holes[s] = flipped[s] ? small : large;
  });
}

double OccupationState::particle_number() const {
  return parallel_sum(modes(), [&](std::size_t s) { return flipped[s] ? -smaller[s] : smaller[s]; }) +
         parallel_sum(modes(), [&](std::size_t s) { return flipped[s] ? 1.0 : 0.0; });
}

void OccupationState::shift_particle_number(double change) {
  const double slope = parallel_sum(modes(), [&](std::size_t s) { return smaller[s] * (1.0 - smaller[s]); });
  if (!(slope > 0.0)) return;
  parallel_for(modes(), [&](std::size_t s) {
    const double part = change / slope * smaller[s] * (1.0 - smaller[s]);
    smaller[s] += flipped[s] ? -part : part;
  });
}

void OccupationState::lagrange_multiplier(std::span<double> result) const {
  for (std::size_t s = 0; s < modes(); ++s) {
    const double magnitude = std::log1p(-smaller[s]) - std::log(smaller[s]);
    result[s] = flipped[s] ? -magnitude : magnitude;
  }
}

namespace {

/// A side that has grown beyond this no longer holds the digits of the other one: CVODE starts anew with sides
/// exchanged.
constexpr double worn_side = 0.9;
/// Above this either side holds the digits of both, and the direction decides.
constexpr double undecided_side = 0.2;

}  // namespace

struct OccupationIntegrator::Implementation {
  Generator& generator;
  Integrator integrator;
  double tolerance;
  std::size_t modes;
  SundialsContext context;
  Sundials<N_Vector> state_vector;
  Sundials<SUNLinearSolver> linear_solver;
  Sundials<SUNNonlinearSolver> nonlinear_solver;
  void* cvode = nullptr;

  std::vector<char> flipped;
  std::vector<double> particles, holes, direction, diagonal;
  std::int64_t rate_evaluations = 0;
  double origin = 0.0;   ///< time at which CVODE's clock was set to zero: steps far below the time's last bit count
  double horizon = 0.0;  ///< of the search for the first step
  std::exception_ptr thrown;  ///< an exception must not cross the C library

  Implementation(Generator& g, Integrator chosen, double tol)
      : generator(g),
        integrator(chosen),
        tolerance(tol),
        modes(g.modes()),
        state_vector(make_vector(modes, context)),
        flipped(modes),
        particles(modes),
        holes(modes),
        direction(modes),
        diagonal(modes) {
    cvode = CVodeCreate(integrator == Integrator::bdf ? CV_BDF : CV_ADAMS, context);
    if (!cvode) throw std::bad_alloc();
  }
  ~Implementation() { CVodeFree(&cvode); }

  void set_up() {
    check_sundials(CVodeInit(cvode, rate_callback, 0.0, state_vector.get()), "CVodeInit");
    check_sundials(CVodeSetUserData(cvode, this), "CVodeSetUserData");
    check_sundials(CVodeWFtolerances(cvode, weight_callback), "CVodeWFtolerances");
#if SUNDIALS_VERSION_MAJOR < 7  // since 7 the context decides what is printed
    check_sundials(CVodeSetErrHandlerFn(cvode, silent_error_handler, nullptr), "CVodeSetErrHandlerFn");
#endif
    if (integrator == Integrator::bdf) {
      // The Jacobian is diagonal plus a few ranks: with the diagonal as preconditioner GMRES ends after as many
      // vectors.
      linear_solver.reset(SUNLinSol_SPGMR(state_vector.get(), SUN_PREC_LEFT, 30, context));
      check_sundials(CVodeSetLinearSolver(cvode, linear_solver.get(), nullptr), "CVodeSetLinearSolver");
      check_sundials(CVodeSetJacTimes(cvode, derivative_setup_callback, derivative_callback), "CVodeSetJacTimes");
      check_sundials(CVodeSetPreconditioner(cvode, precondition_setup_callback, precondition_callback),
                     "CVodeSetPreconditioner");
      // Tight linear solves: the exact Newton step conserves the number of particles, an inexact one only to its
      // accuracy.
      check_sundials(CVodeSetEpsLin(cvode, 1e-4), "CVodeSetEpsLin");
    } else {
      nonlinear_solver.reset(SUNNonlinSol_FixedPoint(state_vector.get(), 0, context));
      check_sundials(CVodeSetNonlinearSolver(cvode, nonlinear_solver.get()), "CVodeSetNonlinearSolver");
    }
  }

  /// Starts CVODE at `state` with its clock at zero, oriented for what comes: of n and 1-n the smaller one is
  /// integrated, or near 1/2 the one that shrinks.
  void start(OccupationState& state, double now, double stop) {
    origin = now;
    state.reorient();
    flipped = state.flipped;
    const auto y = values(state_vector.get());
    std::copy(state.smaller.begin(), state.smaller.end(), y.begin());
    split(state_vector.get());
    generator.occupation_rate(particles, holes, direction);
    ++rate_evaluations;
    for (std::size_t s = 0; s < modes; ++s)
      if (y[s] > undecided_side && (flipped[s] ? direction[s] < 0.0 : direction[s] > 0.0)) {
        y[s] = state.smaller[s] = 1.0 - y[s];
        flipped[s] = state.flipped[s] = !flipped[s];
      }
    check_sundials(CVodeReInit(cvode, 0.0, state_vector.get()), "CVodeReInit");
    check_sundials(CVodeSetStopTime(cvode, stop - now), "CVodeSetStopTime");
    // The first step is looked for within the time of the fastest rate, which may be e^{-60} of what is asked for.
    split(state_vector.get());
    generator.linearize(particles, holes, direction);
    const double fastest = *std::max_element(direction.begin(), direction.end());
    horizon = std::isfinite(fastest) && fastest * (stop - now) > 1.0 ? 1.0 / fastest : stop - now;
  }

  /// n and 1-n from CVODE's vector.
  void split(N_Vector y) {
    const auto smaller = values(y);
    parallel_for(modes, [&](std::size_t s) {
      const double small = smaller[s], large = 1.0 - smaller[s];
      particles[s] = flipped[s] ? large : small;
      holes[s] = flipped[s] ? small : large;
    });
  }
  void flip(std::span<const double> in, std::span<double> out) const {
    parallel_for(modes, [&](std::size_t s) { out[s] = flipped[s] ? -in[s] : in[s]; });
  }

  int rate(double time, N_Vector y, N_Vector ydot) {
    split(y);
    auto out = values(ydot);
    ++rate_evaluations;
    generator.occupation_rate(particles, holes, out);
    for (std::size_t s = 0; s < modes; ++s) {
      if (!std::isfinite(out[s])) {
        // A trial point outside [0, 1] may overflow; the integrator then takes a smaller step.
        const bool sane = std::all_of(particles.begin(), particles.end(), [](double n) { return n > -0.5 && n < 1.5; });
        if (!sane) return 1;
        throw NonFiniteRate(origin + time, s);
      }
    }
    flip(out, out);
    return 0;
  }

  // --- callbacks from C ---
  template <class Body>
  static int guarded(void* data, const Body& body) {
    auto& self = *static_cast<Implementation*>(data);
    try {
      return body(self);
    } catch (...) {
      self.thrown = std::current_exception();
      return -1;
    }
  }
  static int rate_callback(double time, N_Vector y, N_Vector ydot, void* data) {
    return guarded(data, [&](Implementation& self) { return self.rate(time, y, ydot); });
  }
  /// The error allowed in y is `tolerance` in lambda, dlambda = dy / (y (1-y)): small occupations keep their digits.
  static int weight_callback(N_Vector y, N_Vector weight, void* data) {
    const auto& self = *static_cast<Implementation*>(data);
    const auto in = values(y);
    auto out = values(weight);
    parallel_for(self.modes, [&](std::size_t s) {
      out[s] = 1.0 / (self.tolerance * std::max(std::fabs(in[s] * (1.0 - in[s])), 1e-30));
    });
    return 0;
  }
  static int derivative_setup_callback(double, N_Vector y, N_Vector, void* data) {
    return guarded(data, [&](Implementation& self) {
      self.split(y);
      self.generator.linearize(self.particles, self.holes, self.direction);
      return 0;
    });
  }
  static int derivative_callback(N_Vector v, N_Vector jv, double, N_Vector, N_Vector, void* data, N_Vector) {
    return guarded(data, [&](Implementation& self) {
      self.flip(values(v), self.direction);
      self.generator.occupation_rate_derivative(self.direction, values(jv));
      self.flip(values(jv), values(jv));
      return 0;
    });
  }
  static int precondition_setup_callback(double, N_Vector y, N_Vector, SundialsBoolean, SundialsBoolean* refreshed,
                                         double, void* data) {
    return guarded(data, [&](Implementation& self) {
      self.split(y);
      self.generator.linearize(self.particles, self.holes, self.diagonal);
      *refreshed = SUNTRUE;
      return 0;
    });
  }
  static int precondition_callback(double, N_Vector, N_Vector, N_Vector r, N_Vector z, double gamma, double, int,
                                   void* data) {
    const auto& self = *static_cast<Implementation*>(data);
    const auto in = values(r);
    auto out = values(z);
    parallel_for(self.modes, [&](std::size_t s) { out[s] = in[s] / (1.0 + gamma * self.diagonal[s]); });
    return 0;
  }
  static void silent_error_handler(int, const char*, const char*, char*, void*) {}
};

OccupationIntegrator::OccupationIntegrator(Generator& generator, Integrator integrator, double tolerance)
    : implementation_(std::make_unique<Implementation>(generator, integrator, tolerance)) {
  N_VConst(0.5, implementation_->state_vector.get());
  implementation_->set_up();
}

OccupationIntegrator::~OccupationIntegrator() = default;

std::int64_t OccupationIntegrator::rate_evaluations() const { return implementation_->rate_evaluations; }

bool OccupationIntegrator::advance(OccupationState& state, double from, double to, std::int64_t max_steps) {
  Implementation& self = *implementation_;
  self.thrown = nullptr;
  const auto y = values(self.state_vector.get());
  const double number = state.particle_number();
  double now = from;
  std::int64_t left = max_steps;
  bool oriented = false, reached = false;
  while (!reached) {
    if (left-- <= 0) return false;
    if (!oriented) self.start(state, now, to);
    double clock = 0.0;
    const int status = CVode(self.cvode, self.horizon, self.state_vector.get(), &clock, CV_ONE_STEP);
    self.horizon =
        to - self.origin;  // since SUNDIALS 6.7 a stop time counts only if the time asked for is not before it
    if (self.thrown) std::rethrow_exception(self.thrown);
    if (status < 0)
      throw NumericalError("the integrator stopped between times " + std::to_string(from) + " and " +
                           std::to_string(to) + ": " +
                           std::unique_ptr<char, void (*)(void*)>(CVodeGetReturnFlagName(status), std::free).get());
    ++steps_;
    reached = status == CV_TSTOP_RETURN;
    now = self.origin + clock;
    std::copy(y.begin(), y.end(), state.smaller.begin());
    oriented = std::all_of(y.begin(), y.end(), [](double side) { return side < worn_side; });
  }
  // The rates conserve the number, Newton's method inside a stiff step only to its own accuracy.
  if (self.integrator == Integrator::bdf) state.shift_particle_number(number - state.particle_number());
  return true;
}

}  // namespace lindrift
