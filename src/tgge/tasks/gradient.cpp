#include "lindrift/tgge/gradient.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "engine/parallel.hpp"
#include "engine/short_text.hpp"
#include "lindrift/error.hpp"
#include "solvers/adjoint_system.hpp"
#include "tgge/chain_rule.hpp"
#include "tgge/hop_weights.hpp"
#include "tgge/spectrum_slope.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;
using Matrix = std::vector<Complex>;  ///< square, C order

void require_differentiable(const RateEquation& equation, const SteadyState& state) {
  if (!state.converged)
    throw UnsupportedError("there are no derivatives of a steady state that did not converge: " + state.message);
  if (state.lagrange_multiplier.size() != equation.modes())
    throw ShapeError("the steady state has " + counted(state.lagrange_multiplier.size(), "mode") + "; it must be " +
                     std::to_string(equation.modes()));
  if (equation.matrix)
    throw UnsupportedError(
        "there are no derivatives where bands touch and jump operators mix them, nor for a thermal bath of operators");
  if (state.components > 1)
    throw UnsupportedError("the steady state has no derivatives: without the thermal bath its modes fall into " +
                           std::to_string(state.components) +
                           " sets that exchange no particles; give bath.equilibrium_fraction > 0");
  if (state.empty_modes + state.full_modes + state.frozen_modes > 0)
    throw UnsupportedError(
        "the steady state has no derivatives: without the thermal bath some modes are exactly empty or full; give "
        "bath.equilibrium_fraction > 0");
}

/// The model's thermal bath alone, with unit strength. Its hop weights do not matter, so it gets the simplest ones.
RateEquation thermal_equation(const TggeModel& model, const RateEquation& equation, const Execution& execution) {
  TggeModel thermal{
      model.bands, model.rate_unit, model.bath,
      ProductJump{1, std::vector<double>(model.bands.modes(), 1.0), std::vector<double>(model.bands.modes(), 1.0)}};
  thermal.bath.equilibrium_fraction = 1.0;
  thermal.bath.nonequilibrium_fraction = 0.0;
  Execution how = execution;
  how.backend = equation.backend;
  if (how.algorithm == Algorithm::separable)
    how.algorithm = Algorithm::automatic;  // separable may have been possible only without a thermal bath
  return make_rate_equation(std::move(thermal), how);
}

// --- square matrices with d rows ---

Matrix product(const Matrix& left, const Matrix& right, std::size_t d) {
  Matrix result(d * d, 0.0);
  for (std::size_t i = 0; i < d; ++i)
    for (std::size_t k = 0; k < d; ++k)
      if (const Complex factor = left[i * d + k]; factor != 0.0)
        for (std::size_t j = 0; j < d; ++j) result[i * d + j] += factor * right[k * d + j];
  return result;
}

Matrix adjoint_of(const Matrix& matrix, std::size_t d) {
  Matrix result(d * d);
  for (std::size_t i = 0; i < d; ++i)
    for (std::size_t j = 0; j < d; ++j) result[i * d + j] = std::conj(matrix[j * d + i]);
  return result;
}

void add(Matrix& target, const Matrix& other) {
  for (std::size_t e = 0; e < target.size(); ++e) target[e] += other[e];
}

}  // namespace

Flow flow_named(const std::string& name, int dimensions) {
  const std::string energy = "energy_";
  const bool of_energy = name.rfind(energy, 0) == 0;
  const std::string rest = of_energy ? name.substr(energy.size()) : name;
  if (rest == "current" && dimensions == 1) return {of_energy, 0};
  for (int direction = 0; direction < dimensions; ++direction)
    if (rest == "current_" + std::to_string(direction + 1)) return {of_energy, direction};
  const std::string index = dimensions == 1 ? "" : "_1";
  throw ParameterError("task.of", "\"" + name + "\" is not allowed: must be current" + index + " or energy_current" +
                                      index + (dimensions > 1 ? ", or another direction" : ""));
}

std::vector<std::string> flow_names(int dimensions) {
  std::vector<std::string> names;
  for (const char* kind : {"", "energy_"})
    for (int direction = 0; direction < dimensions; ++direction)
      names.push_back(kind + ("current_" + std::to_string(direction + 1)));
  return names;
}

namespace {

/// The weight of a mode's occupation in a flow, times the number of cells.
double flow_weight(const Bands& bands, const Flow& of, std::size_t s) {
  const double velocity = bands.velocity[static_cast<std::size_t>(of.direction)][s];
  return of.of_energy ? bands.energy[s] * velocity : velocity;
}

void check_direction(const Bands& bands, const Flow& of) {
  if (of.direction < 0 || of.direction >= bands.lattice.dimensions())
    throw ParameterError("direction", std::to_string(of.direction) + " is not allowed: must be in 0 .. " +
                                          std::to_string(bands.lattice.dimensions() - 1));
}

}  // namespace

double flow(const RateEquation& equation, const Flow& of, std::span<const double> occupation) {
  const Bands& bands = equation.bands;
  check_direction(bands, of);
  const Calculation calculation(equation.threads);
  return parallel_sum(bands.modes(), [&](std::size_t s) { return flow_weight(bands, of, s) * occupation[s]; }) /
         static_cast<double>(bands.lattice.size());
}

/// The steady state and the data that all its derivatives share.
struct SteadyStateAdjoint::Point {
  TggeModel model;
  const RateEquation& equation;
  Monitor monitor;
  std::shared_ptr<const HopWeights> weights;  ///< of the jump operators
  std::vector<double> lambda, n, h;
  std::unique_ptr<AdjointSystem> system;
  double over_cells;

  Point(TggeModel of, const RateEquation& full, const SteadyState& state, const Execution& execution, Monitor asked)
      : model(std::move(of)),
        equation(full),
        monitor(std::move(asked)),
        lambda(state.lagrange_multiplier),
        n(full.modes()),
        h(full.modes()),
        over_cells(1.0 / static_cast<double>(model.bands.lattice.size())) {
    parallel_for(modes(), [&](std::size_t s) {
      const double x = std::exp(-std::fabs(lambda[s])), larger = 1.0 / (1.0 + x);
      n[s] = lambda[s] > 0.0 ? x * larger : larger;
      h[s] = lambda[s] > 0.0 ? larger : x * larger;
    });
    if (std::holds_alternative<JumpOperators>(model.jump)) weights = make_hop_weights(model.bands, model.jump);
    const bool moments = std::holds_alternative<ProductJump>(model.jump) &&
                         model.bath.spectrum == Spectrum::exponential && full.algorithm == Algorithm::separable;
    if (moments) system = make_moment_adjoint(model, lambda, n, h);
    if (!system) system = make_generator_adjoint(full, thermal_equation(model, full, execution), lambda);
  }

  std::size_t modes() const { return model.bands.modes(); }
  Calculation calculation() const { return {equation.threads, monitor, equation.shared}; }
  AdjointSystem::Solution solve(const Flow& of) {
    check_direction(model.bands, of);
    std::vector<double> weight(modes());
    parallel_for(modes(), [&](std::size_t s) { weight[s] = flow_weight(model.bands, of, s) * over_cells; });
    return system->solve(weight);
  }

  void add_thermal(const std::vector<double>& y, const GradientScope& scope, Gradient<TggeModel>& result);
  void add_hops(const std::vector<double>& y, const GradientScope& scope, Gradient<TggeModel>& result);
  void add_bands(const Flow& of, Gradient<TggeModel>& result);
  double hops(const ProductJump& jump, const std::vector<double>& y, ProductJump& slope) const;
  double hops(const JumpOperators& jump, const std::vector<double>& y, bool bands, Gradient<TggeModel>& result) const;
  struct Grams;
  Grams grams(const std::vector<double>& y) const;
  void add_eigenvectors(const JumpOperators& jump, const std::vector<double>& y, const Grams& gram, Bands& by) const;
  /// A^c, (dimension, dimension).
  Matrix amplitudes(std::size_t c) const {
    const auto square = static_cast<std::size_t>(weights->dimension) * static_cast<std::size_t>(weights->dimension);
    Matrix result(square);
    for (std::size_t e = 0; e < square; ++e)
      result[e] = {weights->amplitude_re[c * square + e], weights->amplitude_im[c * square + e]};
    return result;
  }
  double hops(const TableJump& jump, const std::vector<double>& y) const;
};

/// Strength, temperature, width and energies of the thermal bath (Eqs. 18c, 18d).
void SteadyStateAdjoint::Point::add_thermal(const std::vector<double>& y, const GradientScope& scope,
                                            Gradient<TggeModel>& result) {
  const std::size_t size = modes();
  TggeBath& bath = result.model.bath;
  const double strength = model.bath.effective_equilibrium_fraction();
  const bool more = strength > 0.0 && (scope.temperature || scope.width || scope.bands);
  if (more && model.bath.spectrum != Spectrum::ohmic) {  // S = e^{beta x/2} times an even function of x
    std::vector<double> slope(size);
    bath.equilibrium_fraction = system->thermal_slopes(y, slope);
    const auto& energy = model.bands.energy;
    const double half_beta = 0.5 * model.bath.inverse_temperature;
    bath.inverse_temperature = 0.5 * strength * parallel_sum(size, [&](std::size_t s) {
                                 if (scope.bands) result.model.bands.energy[s] += strength * half_beta * slope[s];
                                 return energy[s] * slope[s];
                               });
    if (model.bath.spectrum == Spectrum::exponential || !(scope.width || scope.bands)) return;
  } else {
    std::vector<double> in(size), out(size);  // flows into and out of each mode
    system->flows(AdjointSystem::Hops::thermal, in, out);
    bath.equilibrium_fraction = parallel_sum(size, [&](std::size_t s) { return y[s] * (in[s] - out[s]); });
    if (!more) return;
  }
  const SpectrumSlope slope = spectrum_slope(model, lambda, y);
  bath.inverse_temperature += strength * slope.inverse_temperature;
  bath.spectrum_width = strength * slope.width;
  if (scope.bands)
    parallel_for(size, [&](std::size_t s) { result.model.bands.energy[s] += strength * slope.energy[s]; });
}

/// Hop weights that are a sum of products: writes the derivatives with respect to `in` and `out`, and returns the
/// derivative with respect to the strength of the bath.
double SteadyStateAdjoint::Point::hops(const ProductJump& jump, const std::vector<double>& y,
                                       ProductJump& slope) const {
  const double gamma = model.bath.nonequilibrium_fraction;
  double strength = 0.0;
  for (std::size_t r = 0; r < static_cast<std::size_t>(jump.rank); ++r) {
    const double *in = jump.in.data() + r * modes(), *out = jump.out.data() + r * modes();
    const auto sums = parallel_sums<4>(modes(), [&](std::size_t s) {
      const double given = out[s] * n[s], taken = in[s] * h[s];
      return std::array<double, 4>{given, given * y[s], taken, taken * y[s]};
    });
    double *by_in = slope.in.data() + r * modes(), *by_out = slope.out.data() + r * modes();
    strength += parallel_sum(modes(), [&](std::size_t s) {
      const double of_unit_strength = over_cells * h[s] * (y[s] * sums[0] - sums[1]);
      by_in[s] = gamma * of_unit_strength;
      by_out[s] = gamma * over_cells * n[s] * (sums[3] - y[s] * sums[2]);
      return in[s] * of_unit_strength;
    });
  }
  return strength;
}

/// A table has only the derivative with respect to the strength.
double SteadyStateAdjoint::Point::hops(const TableJump& jump, const std::vector<double>& y) const {
  const double* table = jump.weights().data();
  std::vector<double> rows(modes());
  parallel_rows(modes(), [&](std::size_t to) {
    double sum = 0.0;
    for (std::size_t from = 0; from < modes(); ++from) sum += table[to * modes() + from] * n[from] * (y[to] - y[from]);
    rows[to] = h[to] * sum;
  });
  return over_cells * parallel_sum(modes(), [&](std::size_t s) { return rows[s]; });
}

/// Gram matrices sum_s f_s v_s v_s^+ of the vectors that the jump operators act on.
struct SteadyStateAdjoint::Point::Grams {
  Matrix n, ny, h, hy;  ///< f = n, n y, 1-n, (1-n) y
};

SteadyStateAdjoint::Point::Grams SteadyStateAdjoint::Point::grams(const std::vector<double>& y) const {
  const auto d = static_cast<std::size_t>(weights->dimension);
  Grams result{Matrix(d * d), Matrix(d * d), Matrix(d * d), Matrix(d * d)};
  for (std::size_t a = 0; a < d; ++a)
    for (std::size_t b = a; b < d; ++b) {
      const double *ar = weights->vector_re.data() + a * modes(), *ai = weights->vector_im.data() + a * modes(),
                   *br = weights->vector_re.data() + b * modes(), *bi = weights->vector_im.data() + b * modes();
      const auto sums = parallel_sums<8>(modes(), [&](std::size_t s) {
        const double re = ar[s] * br[s] + ai[s] * bi[s], im = ai[s] * br[s] - ar[s] * bi[s];
        const double ny = n[s] * y[s], hy = h[s] * y[s];
        return std::array<double, 8>{re * n[s], im * n[s], re * ny, im * ny, re * h[s], im * h[s], re * hy, im * hy};
      });
      std::size_t next = 0;
      for (Matrix* gram : {&result.n, &result.ny, &result.h, &result.hy}) {
        (*gram)[a * d + b] = {sums[next], sums[next + 1]};
        (*gram)[b * d + a] = {sums[next], -sums[next + 1]};
        next += 2;
      }
    }
  return result;
}

/// Jump operators: writes the derivatives with respect to the amplitudes (Eq. 18e), and to the eigenvectors if
/// `with_bands`; returns the derivative with respect to the strength.
double SteadyStateAdjoint::Point::hops(const JumpOperators& jump, const std::vector<double>& y, bool with_bands,
                                       Gradient<TggeModel>& result) const {
  const auto d = static_cast<std::size_t>(weights->dimension);
  const Grams gram = grams(y);
  Matrix slope(static_cast<std::size_t>(weights->channels) * d * d, 0.0);
  double strength = 0.0;
  for (std::size_t c = 0; c < static_cast<std::size_t>(weights->channels); ++c) {
    const Matrix a = amplitudes(c);
    const Matrix gained = product(product(gram.hy, a, d), gram.n, d), lost = product(product(gram.h, a, d), gram.ny, d);
    for (std::size_t e = 0; e < d * d; ++e) {
      slope[c * d * d + e] = 2.0 * over_cells * (gained[e] - lost[e]);
      // The weight is quadratic in the amplitudes, hence the factor 1/2 in the derivative with respect to its strength.
      strength += 0.5 * std::real(std::conj(a[e]) * slope[c * d * d + e]);
    }
  }
  const double gamma = model.bath.nonequilibrium_fraction;
  auto& terms = std::get<JumpOperators>(result.model.jump);
  for_each_term(jump, model.bands, [&](std::size_t c, std::size_t term, std::size_t to, std::size_t from) {
    terms.channels[c][term].amplitude = gamma * slope[(c * d + to) * d + from];
  });
  if (with_bands && model.bands.orbitals > 1) add_eigenvectors(jump, y, gram, result.model.bands);
  return strength;
}

/// The eigenvectors appear on both sides of the operators.
void SteadyStateAdjoint::Point::add_eigenvectors(const JumpOperators& jump, const std::vector<double>& y,
                                                 const Grams& gram, Bands& by) const {
  const auto d = static_cast<std::size_t>(weights->dimension);
  Matrix gain(d * d, 0.0), gain_y = gain, loss = gain, loss_y = gain;
  for (std::size_t c = 0; c < static_cast<std::size_t>(weights->channels); ++c) {
    const Matrix a = amplitudes(c), adjoint = adjoint_of(a, d);
    add(gain, product(product(a, gram.n, d), adjoint, d));
    add(gain_y, product(product(a, gram.ny, d), adjoint, d));
    add(loss, product(product(adjoint, gram.h, d), a, d));
    add(loss_y, product(product(adjoint, gram.hy, d), a, d));
  }
  const auto orbitals = static_cast<std::size_t>(model.bands.orbitals);
  const auto displacements = displacements_of(jump, model.bands.lattice);
  const double gamma = model.bath.nonequilibrium_fraction;
  parallel_rows(modes(), [&](std::size_t s) {
    const double by_gain = 2.0 * gamma * over_cells * h[s], by_loss = 2.0 * gamma * over_cells * n[s];
    for (const auto& [displacement, index] : displacements) {
      const Phase phase = model.bands.lattice.phase(model.bands.momentum_of(s), displacement);
      for (std::size_t a = 0; a < orbitals; ++a) {
        const std::size_t row = (index * orbitals + a) * d;
        Complex sum = 0.0;
        for (std::size_t j = 0; j < d; ++j) {
          const Complex v(weights->vector_re[j * modes() + s], weights->vector_im[j * modes() + s]);
          sum += (by_gain * (y[s] * gain[row + j] - gain_y[row + j]) +
                  by_loss * (loss_y[row + j] - y[s] * loss[row + j])) *
                 v;
        }
        by.eigenvector[a][s] += Complex(phase.cosine, -phase.sine) * sum;
      }
    }
  });
}

void SteadyStateAdjoint::Point::add_hops(const std::vector<double>& y, const GradientScope& scope,
                                         Gradient<TggeModel>& result) {
  double& strength = result.model.bath.nonequilibrium_fraction;
  if (const auto* product = std::get_if<ProductJump>(&model.jump)) {
    strength = hops(*product, y, std::get<ProductJump>(result.model.jump));
  } else if (const auto* operators = std::get_if<JumpOperators>(&model.jump)) {
    strength = hops(*operators, y, scope.bands, result);
  } else {
    strength = hops(std::get<TableJump>(model.jump), y);
  }
}

/// The explicit dependence of a flow on the bands: at fixed occupations it is linear in the velocities, and in the
/// energies.
void SteadyStateAdjoint::Point::add_bands(const Flow& of, Gradient<TggeModel>& result) {
  const auto direction = static_cast<std::size_t>(of.direction);
  const Bands& bands = model.bands;
  Bands& by = result.model.bands;
  parallel_for(modes(), [&](std::size_t s) {
    by.velocity[direction][s] = over_cells * n[s] * (of.of_energy ? bands.energy[s] : 1.0);
    if (of.of_energy) by.energy[s] += over_cells * n[s] * bands.velocity[direction][s];
  });
}

SteadyStateAdjoint::SteadyStateAdjoint(TggeModel model, const RateEquation& equation, const SteadyState& state,
                                       const Execution& execution, Monitor monitor) {
  validate(model);
  if (model.bands.modes() != equation.modes())
    throw ShapeError("the model has " + counted(model.bands.modes(), "mode") + ", its rate equation " +
                     std::to_string(equation.modes()));
  require_differentiable(equation, state);
  if (std::holds_alternative<JumpOperators>(model.jump)) require_separate_bands(model.bands);
  const Calculation calculation(equation.threads, monitor, equation.shared);
  point_ = std::make_unique<Point>(std::move(model), equation, state, execution, monitor);
}

SteadyStateAdjoint::~SteadyStateAdjoint() = default;
SteadyStateAdjoint::SteadyStateAdjoint(SteadyStateAdjoint&&) noexcept = default;

const TggeModel& SteadyStateAdjoint::model() const { return point_->model; }

Gradient<TggeModel> SteadyStateAdjoint::gradient(const Flow& of, const GradientScope& scope) const {
  Point& point = *point_;
  const Calculation calculation = point.calculation();
  const AdjointSystem::Solution adjoint = point.solve(of);
  Gradient<TggeModel> result;
  result.value = flow(point.equation, of, point.n);
  result.filling = -adjoint.alpha * static_cast<double>(point.modes());
  result.model = zeros_like(point.model);
  point.add_thermal(adjoint.y, scope, result);
  point.add_hops(adjoint.y, scope, result);
  if (scope.bands) point.add_bands(of, result);
  // If gamma_eq is left at its default 1 - gamma_neq, it changes with gamma_neq.
  TggeBath& bath = result.model.bath;
  if (!point.model.bath.equilibrium_fraction) bath.nonequilibrium_fraction -= *bath.equilibrium_fraction;
  return result;
}

std::vector<double> SteadyStateAdjoint::noise(std::span<const Flow> flows) const {
  Point& point = *point_;
  const Calculation calculation = point.calculation();
  const std::size_t size = point.modes(), count = flows.size();
  std::vector<std::vector<double>> y, fluctuation;
  std::vector<double> from(size), to(size), in(size), out(size);
  point.system->flows(AdjointSystem::Hops::all, in, out);
  for (const Flow& of : flows) {
    y.push_back(point.solve(of).y);
    point.system->averages(AdjointSystem::Hops::all, y.back(), from, to);
    auto& part = fluctuation.emplace_back(size);
    parallel_for(size,
                 [&](std::size_t s) { part[s] = in[s] * (y.back()[s] - from[s]) + out[s] * (y.back()[s] - to[s]); });
  }
  std::vector<double> result(count * count);
  for (std::size_t a = 0; a < count; ++a)
    for (std::size_t b = 0; b < count; ++b)
      result[a * count + b] = parallel_sum(size, [&](std::size_t s) { return y[a][s] * fluctuation[b][s]; }) /
                              (point.over_cells * point.model.rate_unit);
  return result;
}

}  // namespace lindrift
