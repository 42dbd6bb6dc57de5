#include "clusters/cluster_state.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <utility>

#include "clusters/krylov.hpp"
#include "engine/complex_product.hpp"
#include "engine/short_text.hpp"
#include "lindrift/error.hpp"

namespace lindrift::clusters {

namespace {

constexpr double accepted_residual = 1e-12;

/// The momentum of a sector: that of one orbital, or none.
std::optional<LatticeVector> momentum_of(const Cluster& cluster, std::optional<int> orbital) {
  if (cluster.momentum.empty()) return std::nullopt;
  return orbital ? cluster.momentum[static_cast<std::size_t>(*orbital)] : LatticeVector{};
}

/// Product of the orbitals' occupations gain_aa / (gain_aa + loss_aa), or 1/2 for an orbital without a bath of its own;
/// a single particle of spin up is equally likely anywhere.
std::vector<Complex> product_state(const Cluster& cluster, const Lindbladian& sector, UpState up) {
  const int n = cluster.orbitals;
  std::vector<double> occupation;
  for (std::size_t s = 0; s < 2; ++s)
    for (int a = 0; a < n; ++a) {
      const auto diagonal = static_cast<std::size_t>(a * n + a);
      const double gain = cluster.gain[s][diagonal].real(), loss = cluster.loss[s][diagonal].real();
      occupation.push_back(s == 0 && up == UpState::empty ? 0.0 : gain + loss > 0.0 ? gain / (gain + loss) : 0.5);
    }
  std::vector<Complex> density(sector.size());
  for (std::size_t i = 0; i < density.size(); ++i) {
    const Pair pair = sector.basis()[i];
    if (pair.ket != pair.bra) continue;
    const bool one = up == UpState::one_particle;
    double weight = one ? 1.0 / n : 1.0;
    for (int p = one ? n : 0; p < 2 * n; ++p) {
      const double filled = occupation[static_cast<std::size_t>(p)];
      weight *= pair.ket >> p & 1U ? filled : 1.0 - filled;
    }
    density[i] = weight;
  }
  return density;
}

Complex trace_of(const Lindbladian& sector, std::span<const Complex> density) {
  Complex trace = 0.0;
  for (std::size_t i = 0; i < density.size(); ++i)
    if (sector.basis()[i].ket == sector.basis()[i].bra) trace += density[i];
  return trace;
}

double largest(std::span<const Complex> values) {
  double result = 0.0;
  for (const Complex value : values) result = std::max(result, std::abs(value));
  return result;
}

}  // namespace

bool relaxes(const Cluster& cluster, int spin) {
  // No eigenvector of h may lie in the kernel of the damping G = loss^T + gain; equivalently sum_j h^j G h^j, j <
  // orbitals, has no kernel. Cholesky's pivots decide.
  const auto s = static_cast<std::size_t>(spin), n = static_cast<std::size_t>(cluster.orbitals);
  using Matrix = std::vector<Complex>;
  const auto product = [n](const Matrix& x, const Matrix& y) {
    Matrix result(n * n);
    for (std::size_t a = 0; a < n; ++a)
      for (std::size_t c = 0; c < n; ++c)
        for (std::size_t b = 0; b < n; ++b) result[a * n + b] += times(x[a * n + c], y[c * n + b]);
    return result;
  };
  Matrix h = cluster.hamiltonian[s], term(n * n);
  double norm = 0.0;
  for (const Complex element : h) norm += std::abs(element);
  if (norm > 0.0)
    for (Complex& element : h) element /= norm;
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = 0; b < n; ++b) term[a * n + b] = cluster.loss[s][b * n + a] + cluster.gain[s][a * n + b];
  Matrix sum = term;
  for (std::size_t j = 1; j < n; ++j) {
    term = product(product(h, term), h);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += term[i];
  }
  double trace = 0.0;
  for (std::size_t a = 0; a < n; ++a) trace += sum[a * n + a].real();
  for (std::size_t a = 0; a < n; ++a) {
    const double pivot = sum[a * n + a].real();
    if (!(pivot > 1e-13 * trace)) return false;
    for (std::size_t b = a + 1; b < n; ++b)
      for (std::size_t c = a + 1; c < n; ++c) sum[b * n + c] -= times(sum[b * n + a], sum[a * n + c]) / pivot;
  }
  return true;
}

namespace {

std::vector<Complex> diagonal_of(const Lindbladian& sector) {
  std::vector<Complex> diagonal(sector.size());
  for (std::size_t i = 0; i < sector.size(); ++i)
    diagonal[i] = std::abs(sector.diagonal(i)) > 0.0 ? sector.diagonal(i) : 1.0;
  return diagonal;
}

/// Solves D x - rho_0 Tr x = right for a rho_0 with Tr rho_0 = 1. Taking the trace gives Tr x = -Tr right, because D
/// conserves the trace.
void solve_beside_trace(const Lindbladian& sector, std::span<const Complex> start, std::span<const Complex> right,
                        std::span<const Complex> diagonal, std::span<Complex> x) {
  const LinearMap map = [&](std::span<const Complex> in, std::span<Complex> out) {
    sector.apply(in, out);
    const Complex trace = trace_of(sector, in);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] -= times(start[i], trace);
  };
  solve_linear(map, right, diagonal, state_tolerance, state_restart, state_products, x);
}

void require_residual(double residual, const std::string& what) {
  if (!(residual <= accepted_residual))
    throw NumericalError(what + " was found to a relative residual of " + short_text(residual) + " only, more than " +
                         short_text(accepted_residual));
}

}  // namespace

Lindbladian state_sector(const Cluster& cluster, UpState up) {
  SpinSector up_pairs;
  if (up != UpState::driven) up_pairs.bra_particles = up == UpState::empty ? 0 : 1;
  return {cluster, up_pairs, SpinSector{}, momentum_of(cluster, std::nullopt)};
}

Lindbladian green_sector(const Cluster& cluster, bool up_empty, int orbital) {
  SpinSector up_pairs{1};
  if (up_empty) up_pairs.bra_particles = 0;
  return {cluster, up_pairs, SpinSector{}, momentum_of(cluster, orbital)};
}

StateEquation::StateEquation(const Cluster& cluster, UpState up)
    : sector([&] {
        for (int spin = up == UpState::driven ? 0 : 1; spin < 2; ++spin)
          if (!relaxes(cluster, spin))
            throw UnsupportedError(std::string("the steady state is not unique: some state of spin ") +
                                   (spin == 0 ? "up" : "down") + " neither gains nor loses particles");
        return state_sector(cluster, up);
      }()),
      start(product_state(cluster, sector, up)),
      diagonal(diagonal_of(sector)) {}

ClusterState state_from(StateEquation equation, std::vector<Complex> density) {
  ClusterState state{std::move(equation.sector), std::move(density)};
  const Lindbladian& sector = state.sector;
  const Complex trace = trace_of(sector, state.density);
  for (Complex& element : state.density) element /= trace;
  std::vector<Complex> rate(sector.size());
  sector.apply(state.density, rate);
  state.residual = largest(rate) / (sector.norm() * largest(state.density));
  require_residual(state.residual, "the steady state");
  return state;
}

namespace {

ClusterState state_of(const Cluster& cluster, UpState up) {
  StateEquation equation(cluster, up);
  const std::size_t size = equation.sector.size();
  std::vector<Complex> right(size), density(size);
  for (std::size_t i = 0; i < size; ++i) right[i] = -equation.start[i];
  solve_beside_trace(equation.sector, equation.start, right, equation.diagonal, density);
  return state_from(std::move(equation), std::move(density));
}

}  // namespace

ClusterState steady_state(const Cluster& cluster, bool up_empty) {
  return state_of(cluster, up_empty ? UpState::empty : UpState::driven);
}

ClusterState one_particle_state(const Cluster& cluster) { return state_of(cluster, UpState::one_particle); }

std::vector<Complex> counting_response(const ClusterState& state, std::span<const double> velocity) {
  const Lindbladian& sector = state.sector;
  const std::uint32_t up = (std::uint32_t{1} << sector.orbitals()) - 1;
  const auto of_particle = [&](std::uint32_t configuration) {
    return velocity[static_cast<std::size_t>(std::countr_zero(configuration & up))];
  };
  std::vector<Complex> right(sector.size());
  for (std::size_t i = 0; i < sector.size(); ++i) {
    const Pair pair = sector.basis()[i];
    right[i] = 0.5 * (of_particle(pair.ket) + of_particle(pair.bra)) * state.density[i];
  }
  const Complex mean = trace_of(sector, right);
  for (std::size_t i = 0; i < sector.size(); ++i) right[i] -= times(mean, state.density[i]);
  std::vector<Complex> response(sector.size()), rate(sector.size());
  if (largest(right) == 0.0) return response;  // as on two sites
  solve_beside_trace(sector, state.density, right, diagonal_of(sector), response);
  sector.apply(response, rate);
  for (std::size_t i = 0; i < sector.size(); ++i) rate[i] -= right[i];
  // Where all velocities are alike up to rounding, so is the right side, and the response vanishes.
  double fastest = 0.0;
  for (const double v : velocity) fastest = std::max(fastest, std::fabs(v));
  const double scale = sector.norm() * largest(response) + fastest * largest(state.density);
  require_residual(largest(rate) / scale, "the response to a counting field");
  return response;
}

std::vector<Complex> one_body(const ClusterState& state, int spin) {
  return one_body(state.sector, state.density, spin);
}

std::vector<Complex> one_body(const Lindbladian& sector, std::span<const Complex> elements, int spin) {
  const int n = sector.orbitals();
  std::vector<Complex> result(static_cast<std::size_t>(n * n));
  for (std::size_t i = 0; i < elements.size(); ++i)
    for (int a = 0; a < n; ++a)
      for (int b = 0; b < n; ++b) {
        // <bra| c+_a c_b |ket>
        std::uint32_t configuration = sector.basis()[i].ket;
        int sign = annihilate(configuration, b + spin * n);
        if (sign != 0) sign *= create(configuration, a + spin * n);
        if (sign != 0 && configuration == sector.basis()[i].bra)
          result[static_cast<std::size_t>(a * n + b)] += elements[i] * static_cast<double>(sign);
      }
  return result;
}

ClusterGreen::ClusterGreen(const Cluster& cluster, const ClusterState& state, bool up_empty, std::vector<int> orbitals)
    : sector_(green_sector(cluster, up_empty, orbitals.front())), orbitals_(std::move(orbitals)) {
  for (const int orbital : orbitals_) {
    sources_.push_back(source(state, orbital));
    probes_.push_back(probe(orbital));
  }
}

std::vector<Complex> ClusterGreen::source(const ClusterState& state, int orbital) const {
  std::vector<Complex> result(sector_.size());
  const auto add = [&](Pair pair, Complex value) {
    if (const auto index = sector_.index_of(pair)) result[*index] += value;
  };
  for (std::size_t i = 0; i < state.density.size(); ++i) {
    const Pair pair = state.sector.basis()[i];
    if (Pair to = pair; const int sign = create(to.ket, orbital)) add(to, state.density[i] * static_cast<double>(sign));
    if (Pair to = pair; const int sign = annihilate(to.bra, orbital))
      add(to, state.density[i] * static_cast<double>(sign));
  }
  return result;
}

std::vector<ClusterGreen::Element> ClusterGreen::probe(int orbital) const {
  std::vector<Element> result;
  for (std::size_t i = 0; i < sector_.size(); ++i) {
    Pair pair = sector_.basis()[i];
    if (const int sign = annihilate(pair.ket, orbital); sign != 0 && pair.ket == pair.bra)
      result.push_back({i, static_cast<double>(sign)});
  }
  return result;
}

void ClusterGreen::copy_to(std::span<Complex> sources, std::span<Complex> probes, std::size_t stride) const {
  std::ranges::fill(probes, Complex{});
  for (std::size_t a = 0; a < orbitals_.size(); ++a) {
    std::ranges::copy(sources_[a], sources.begin() + static_cast<std::ptrdiff_t>(a * stride));
    for (const Element& element : probes_[a]) probes[a * stride + element.index] = element.sign;
  }
}

Complex ClusterGreen::trace(std::size_t a, std::span<const Complex> y) const {
  Complex sum = 0.0;
  for (const Element& element : probes_[a]) sum += element.sign * y[element.index];
  return sum;
}

double ClusterGreen::spectral(std::span<const double> frequencies, double broadening, std::size_t max_vectors,
                              std::span<Complex> green) const {
  const std::size_t n = orbitals_.size();
  const LinearMap map = [this](std::span<const Complex> in, std::span<Complex> out) { sector_.apply(in, out); };
  double worst = 0.0;
  std::vector<Complex> y;
  for (std::size_t b = 0; b < n; ++b) {
    KrylovSpace space(map, sources_[b]);
    const auto shift = [&](std::size_t w) { return Complex(broadening, -frequencies[w]); };
    const auto residual = [&] {
      double largest = 0.0;
      for (std::size_t w = 0; w < frequencies.size(); ++w)
        largest = std::max(largest, space.solve_shifted(shift(w), y));
      return largest;
    };
    // The residual is checked whenever the space has grown by a third: the checks then cost less than the growth.
    for (std::size_t next = 8; space.vectors() < max_vectors && !space.invariant();) {
      space.grow();
      if (space.vectors() < next) continue;
      next = space.vectors() + std::max<std::size_t>(8, space.vectors() / 3);
      if (residual() <= krylov_tolerance) break;
    }
    std::vector<Complex> traces;  // Tr[c_a v], (vectors, n)
    for (std::size_t j = 0; j < space.vectors(); ++j)
      for (std::size_t a = 0; a < n; ++a) traces.push_back(trace(a, space.vector(j)));
    for (std::size_t w = 0; w < frequencies.size(); ++w) {
      worst = std::max(worst, space.solve_shifted(shift(w), y));
      for (std::size_t a = 0; a < n; ++a) {
        Complex sum = 0.0;
        for (std::size_t j = 0; j < y.size(); ++j) sum += times(traces[j * n + a], y[j]);
        green[(w * n + a) * n + b] = times({0.0, -1.0}, sum);
      }
    }
  }
  return worst;
}

void ClusterGreen::at_times(std::span<const double> times_of, std::span<Complex> green) const {
  const std::size_t n = orbitals_.size();
  const LinearMap map = [this](std::span<const Complex> in, std::span<Complex> out) { sector_.apply(in, out); };
  for (std::size_t b = 0; b < n; ++b) {
    std::vector<Complex> state = sources_[b];
    double time = 0.0;
    for (std::size_t t = 0; t < times_of.size(); ++t) {
      if (times_of[t] > time) propagate(map, sector_.norm(), times_of[t] - time, state);
      time = times_of[t];
      for (std::size_t a = 0; a < n; ++a) green[(t * n + a) * n + b] = times({0.0, -1.0}, trace(a, state));
    }
  }
}

}  // namespace lindrift::clusters
