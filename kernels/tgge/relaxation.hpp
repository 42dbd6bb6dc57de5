#pragma once

#include <cmath>

#include "kernels/carver.hpp"
#include "kernels/logarithm.hpp"
#include "kernels/tgge/source_mode.hpp"

/// Time integration of the occupations (docs/physics.md, Eq. 7 and section 5) on an engine whose verbs are those of one
/// thread block: the explicit Runge-Kutta method DOP853 of order 8 (E. Hairer, S. P. Norsett and G. Wanner, Solving
/// Ordinary Differential Equations I, 2nd edition, section II.5 and appendix). At the small tolerances that are usual
/// here, its steps are so much longer than those of a pair of order 5 that it takes far fewer rates.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// A mode is stored as n where n <= 1/2 and else as n - 1, so that the smaller of n and 1-n keeps its digits; both have
/// the same derivative. A mode that is exactly empty or full cannot be stored.
struct SplitModes {
  const double* state;
  double *particles, *holes;
  LINDRIFT_HD void operator()(Index s) const { set(s, state[s], state[s]); }
  /// @param stored  says which of the two `moved` is: the larger one is the rounded difference to 1
  LINDRIFT_HD void set(Index s, double stored, double moved) const {
    particles[s] = stored > 0.0 ? moved : 1.0 + moved;
    holes[s] = stored > 0.0 ? 1.0 - moved : -moved;
  }
};
/// The inverse. Exact also where the sides change: the difference of 1 and a number between 1/2 and 1 is not rounded.
struct JoinModes {
  const double *particles, *holes;
  double* state;
  LINDRIFT_HD void operator()(Index s) const { state[s] = particles[s] <= holes[s] ? particles[s] : -holes[s]; }
};

/// n and 1-n of the state plus a combination of slopes.
template <int Count>
struct MoveModes {
  SplitModes split;
  const double* slope[Count];
  double factor[Count];
  LINDRIFT_HD void operator()(Index s) const {
    double change = factor[0] * slope[0][s];
    LINDRIFT_UNROLL
    for (int i = 1; i < Count; ++i) change += factor[i] * slope[i][s];
    split.set(s, split.state[s], split.state[s] + change);
  }
};

/// Squares of the two estimates of the error of a step, in units of the error allowed, and what speaks against it.
template <class T>
struct StepErrors {
  T fifth{}, third{};
  T outside{};  ///< number of modes that leave (0, 1), or whose stored side no longer determines the other
  LINDRIFT_HD StepErrors& operator+=(const StepErrors& other) {
    fifth += other.fifth;
    third += other.third;
    outside += other.outside;
    return *this;
  }
  LINDRIFT_HD StepErrors<double> lane(int i) const { return {fifth[i], third[i], outside[i]}; }
};
struct StepErrorTerm {
  template <class T>
  using Sum = StepErrors<T>;
  /// Slopes 1 and 6 .. 12.
  static constexpr int count = 8;
  /// Above this the larger side, computed from the smaller one, has lost too much of its accuracy.
  static constexpr double worn_side = 0.9;
  /// Smaller n (1-n) are allowed the error of this one.
  static constexpr double smallest_slope = 1e-30;

  const double *state, *particles, *holes;  ///< before the step; after it
  const double* slope[count];
  double step;

  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    constexpr double of_fifth[count] = {0.01312004499419488, -1.2251564463762044,  -0.4957589496572502,
                                        1.6643771824549864,  -0.35032884874997366, 0.3341791187130175,
                                        0.08192320648511571, -0.022355307863886294};
    constexpr double of_third[count] = {-0.18980075407240762, 4.450312892752409,   1.8915178993145003,
                                        -5.801203960010585,   -0.4226823213237919, -0.1521609496625161,
                                        0.20136540080403034,  0.02265179219836082};
    const T zero = T{}, x = load<T>(state, s), n = load<T>(particles, s), hole = load<T>(holes, s);
    T fifth = zero, third = zero;
    LINDRIFT_UNROLL
    for (int i = 0; i < count; ++i) {
      const T k = load<T>(slope[i], s);
      fifth += of_fifth[i] * k;
      third += of_third[i] * k;
    }
    // dlambda = dn / (n (1-n)), at the end of the step where that is smaller.
    const T small = magnitude(x), before = small * (1.0 - small), after = n * hole;
    const T smaller = after < before ? after : before, floor = zero + smallest_slope;
    const T unit = step / (smaller > floor ? smaller : floor);
    const T stored = x > zero ? n : hole;
    const T left = stored > zero ? zero : zero + 1.0, worn = stored > zero + worn_side ? zero + 1.0 : zero;
    fifth *= unit;
    third *= unit;
    sum += Sum<T>{fifth * fifth, third * third, left + worn};
  }
};

/// What the first state says about those to come.
template <class T>
struct Outlook {
  T fastest{};   ///< largest relaxation rate
  T largest{};   ///< estimate of the largest multiplier to come
  T quickest{};  ///< largest |dlambda/dt|
  T not_finite{};
  LINDRIFT_HD Outlook& operator+=(const Outlook& other) {
    fastest = fastest > other.fastest ? fastest : other.fastest;
    largest = largest > other.largest ? largest : other.largest;
    quickest = quickest > other.quickest ? quickest : other.quickest;
    not_finite += other.not_finite;
    return *this;
  }
  LINDRIFT_HD Outlook<double> lane(int i) const { return {fastest[i], largest[i], quickest[i], not_finite[i]}; }
};
struct OutlookTerm {
  template <class T>
  using Sum = Outlook<T>;
  const double *particles, *holes, *rate, *relaxation;
  double duration;
  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    const T n = load<T>(particles, s), hole = load<T>(holes, s), r = load<T>(relaxation, s);
    const T whole = T{} + duration, lambda = magnitude(logarithm(hole / n)),
            velocity = magnitude(load<T>(rate, s)) / (n * hole);
    // The change of this multiplier if the other modes stayed as they are.
    const T change = velocity * (r * duration > T{} + 1.0 ? 1.0 / r : whole);
    sum += Sum<T>{r, lambda > change ? lambda : change, velocity, (r - r) + (lambda - lambda) + (velocity - velocity)};
  }
};

struct WriteState {
  const double* state;
  double* row;
  LINDRIFT_HD void operator()(Index s) const { row[s] = state[s]; }
};
struct WriteNumber {
  double value;
  double* target;
  LINDRIFT_HD void operator()(Index i) const { target[i] = value; }
};

/// Limits of an integration.
struct RelaxationLimits {
  double tolerance;           ///< root mean square of the error of a step in lambda, where multipliers reach 1
  double smallest_tolerance;  ///< where they stay small
  double stiff_steps;         ///< times that the fastest rate may pass: beyond, an implicit method is better
  double max_steps;           ///< that are accepted
};

/// Memory of a Relaxation, vectors over the modes.
struct RelaxationMemory {
  double *state, *particles, *holes;
  double* slope[10];

  LINDRIFT_HD static RelaxationMemory from(Carver& carver, Index modes) {
    RelaxationMemory memory{};
    memory.state = carver.take(modes);
    memory.particles = carver.take(modes);
    memory.holes = carver.take(modes);
    for (double*& slope : memory.slope) slope = carver.take(modes);
    return memory;
  }
};

/// One trajectory.
/// @tparam Rates  has the functions of PlainRates
template <class Engine, class Rates>
class Relaxation {
 public:
  LINDRIFT_HD Relaxation(Engine& engine, Rates& rates, Index modes, const RelaxationMemory& memory)
      : engine_(engine), rates_(rates), modes_(modes), memory_(memory) {}

  LINDRIFT_HD double steps() const { return steps_; }
  LINDRIFT_HD double rate_evaluations() const { return evaluations_; }
  /// Estimate of the largest multiplier to come, at most 1: the scale of absolute errors.
  LINDRIFT_HD double scale() const { return scale_; }

  /// @param start  as SplitModes has it, none of them zero
  /// @return false if that is not for an explicit method: stiff, or beyond the range of a double
  LINDRIFT_ANY_ENGINE bool begin(const double* start, double duration, const RelaxationLimits& limits) {
    engine_.map(modes_, WriteState{start, memory_.state});
    engine_.map(modes_, split());
    double* const relaxation = memory_.slope[1];
    rates_.relaxation_rate_at(memory_.particles, memory_.holes, relaxation);
    evaluate(memory_.slope[0]);
    const Outlook<double> ahead =
        engine_.reduce(modes_, OutlookTerm{memory_.particles, memory_.holes, memory_.slope[0], relaxation, duration});
    if (!(ahead.not_finite == 0.0 && ahead.fastest * duration <= limits.stiff_steps)) return false;
    scale_ = ahead.largest > 0.0 && ahead.largest < 1.0 ? ahead.largest : 1.0;
    tolerance_ = maximum(limits.tolerance * scale_, limits.smallest_tolerance);
    max_steps_ = limits.max_steps;
    // The rates may grow, or their changes be followed in detail, but not without end.
    trials_left_ = 2.0 * limits.stiff_steps;
    const double first = maximum(ahead.fastest, ahead.quickest);
    planned_ = first > 0.0 ? first_change / first : INFINITY;
    return true;
  }

  /// Follows the trajectory for this time.
  /// @return false if that takes too many steps; the method ends then
  LINDRIFT_ANY_ENGINE bool advance(double duration) {
    double passed = 0.0;  // since the last call: steps far below the last bit of the whole time still count
    trials_left_ += trials_of_an_output;
    for (int rejected = 0;;) {
      const double left = duration - passed;
      const bool last = planned_ >= left;
      // Two equal steps rather than a long one and a tiny one.
      const double step = last ? left : planned_ > 0.5 * left ? 0.5 * left : planned_;
      if (!(steps_ < max_steps_ && trials_left_ > 0.0 && rejected < most_rejected && step > 0.0)) return false;
      trials_left_ -= 1.0;
      const double error = try_step(step);
      if (!(error <= 1.0)) {
        ++rejected;
        planned_ = step * maximum(shortest, std::isfinite(error) ? safety * std::pow(error, -1.0 / order) : 0.0);
        continue;
      }
      accept(error, step, rejected > 0);
      rejected = 0;
      if (last) return true;
      passed += step;
    }
  }

  /// Writes the state and its balance_residual(). Returns false if that is not finite.
  LINDRIFT_ANY_ENGINE bool write(double* row, double* residual) {
    const double imbalance = rates_.imbalance_at(memory_.particles, memory_.holes);
    engine_.map(modes_, WriteState{memory_.state, row});
    engine_.map(1, WriteNumber{imbalance, residual});
    return std::isfinite(imbalance);
  }

  /// Computes the state after a step, which accept() takes. Returns the error in units of the one allowed; infinite if
  /// no error says enough.
  LINDRIFT_ANY_ENGINE double try_step(double step) {
    // Slopes 2 and 3 are not needed beyond the fifth stage, and their memory becomes that of slopes 11 and 12.
    double *const *const k = memory_.slope, *const k1 = k[0], *const k4 = k[3], *const k5 = k[4], *const k6 = k[5],
                         *const k7 = k[6], *const k8 = k[7], *const k9 = k[8], *const k10 = k[9], *const k11 = k[1],
                         *const k12 = k[2];
    stage<1>(step, {k1}, {0.05260015195876773}, k[1]);
    stage<2>(step, {k1, k[1]}, {0.0197250569845379, 0.0591751709536137}, k[2]);
    stage<2>(step, {k1, k[2]}, {0.02958758547680685, 0.08876275643042054}, k4);
    stage<3>(step, {k1, k[2], k4}, {0.2413651341592667, -0.8845494793282861, 0.924834003261792}, k5);
    stage<3>(step, {k1, k4, k5}, {0.037037037037037035, 0.17082860872947386, 0.12546768756682242}, k6);
    stage<4>(step, {k1, k4, k5, k6}, {0.037109375, 0.17025221101954405, 0.06021653898045596, -0.017578125}, k7);
    stage<5>(
        step, {k1, k4, k5, k6, k7},
        {0.03709200011850479, 0.17038392571223998, 0.10726203044637328, -0.015319437748624402, 0.008273789163814023},
        k8);
    stage<6>(step, {k1, k4, k5, k6, k7, k8},
             {0.6241109587160757, -3.3608926294469414, -0.868219346841726, 27.59209969944671, 20.154067550477894,
              -43.48988418106996},
             k9);
    stage<7>(step, {k1, k4, k5, k6, k7, k8, k9},
             {0.47766253643826434, -2.4881146199716677, -0.590290826836843, 21.230051448181193, 15.279233632882423,
              -33.28821096898486, -0.020331201708508627},
             k10);
    stage<8>(step, {k1, k4, k5, k6, k7, k8, k9, k10},
             {-0.9371424300859873, 5.186372428844064, 1.0914373489967295, -8.149787010746927, -18.52006565999696,
              22.739487099350505, 2.4936055526796523, -3.0467644718982196},
             k11);
    stage<9>(step, {k1, k4, k5, k6, k7, k8, k9, k10, k11},
             {2.273310147516538, -10.53449546673725, -2.0008720582248625, -17.9589318631188, 27.94888452941996,
              -2.8589982771350235, -8.87285693353063, 12.360567175794303, 0.6433927460157636},
             k12);
    move<8>(step, {k1, k6, k7, k8, k9, k10, k11, k12},
            {0.054293734116568765, 4.450312892752409, 1.8915178993145003, -5.801203960010585, 0.3111643669578199,
             -0.1521609496625161, 0.20136540080403034, 0.04471061572777259});
    return error_of(engine_.reduce(
        modes_,
        StepErrorTerm{memory_.state, memory_.particles, memory_.holes, {k1, k6, k7, k8, k9, k10, k11, k12}, step}));
  }

  /// Takes the state of try_step(), and the rates there.
  LINDRIFT_ANY_ENGINE void take_step() {
    engine_.map(modes_, JoinModes{memory_.particles, memory_.holes, memory_.state});
    evaluate(memory_.slope[0]);
  }

 private:
  /// Of the error estimate of a step.
  static constexpr double order = 8.0;
  /// Share of the last error in the choice of a step, which quiets steps that stability limits.
  static constexpr double memory_of_errors = 0.04;
  static constexpr double safety = 0.9, shortest = 1.0 / 3.0, longest = 6.0;
  /// Change of a multiplier, and of a deviation from balance, in the first step that is tried.
  static constexpr double first_change = 0.02;
  static constexpr int most_rejected = 40;
  static constexpr double trials_of_an_output = 4.0;

  LINDRIFT_HD SplitModes split() const { return {memory_.state, memory_.particles, memory_.holes}; }
  LINDRIFT_ANY_ENGINE void evaluate(double* rate) {
    rates_.occupation_rate_at(memory_.particles, memory_.holes, rate);
    evaluations_ += 1.0;
  }
  LINDRIFT_UNCHECKED
  template <int Count>
  LINDRIFT_BOTH void move(double step, const double* const (&slope)[Count], const double (&factor)[Count]) {
    MoveModes<Count> moved{split(), {}, {}};
    LINDRIFT_UNROLL
    for (int i = 0; i < Count; ++i) {
      moved.slope[i] = slope[i];
      moved.factor[i] = step * factor[i];
    }
    engine_.map(modes_, moved);
  }
  LINDRIFT_UNCHECKED
  template <int Count>
  LINDRIFT_BOTH void stage(double step, const double* const (&slope)[Count], const double (&factor)[Count],
                           double* rate) {
    move<Count>(step, slope, factor);
    evaluate(rate);
  }

  LINDRIFT_HD double error_of(const StepErrors<double>& sums) const {
    const double whole = sums.fifth + 0.01 * sums.third;
    if (!(sums.outside == 0.0 && std::isfinite(whole))) return INFINITY;
    return whole > 0.0 ? sums.fifth / (tolerance_ * std::sqrt(static_cast<double>(modes_) * whole)) : 0.0;
  }

  LINDRIFT_ANY_ENGINE void accept(double error, double step, bool after_rejection) {
    take_step();
    steps_ += 1.0;
    constexpr double least = 1e-10;
    const double now = maximum(error, least);
    double factor =
        safety * std::pow(now, 0.2 * memory_of_errors - 1.0 / order) * std::pow(last_error_, memory_of_errors);
    factor = maximum(shortest, factor < longest ? factor : longest);
    if (after_rejection && factor > 1.0) factor = 1.0;
    last_error_ = maximum(error, 1e-4);
    // A step that an output time cut short says little about the length of the next.
    planned_ = step < planned_ ? maximum(planned_, step * factor) : step * factor;
  }

  Engine& engine_;
  Rates& rates_;
  Index modes_;
  RelaxationMemory memory_;
  double tolerance_ = 1.0, max_steps_ = 0.0, scale_ = 1.0;
  double planned_ = 0.0;  ///< length of the next step
  double last_error_ = 1e-4, trials_left_ = 0.0;
  double steps_ = 0.0, evaluations_ = 0.0;
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
