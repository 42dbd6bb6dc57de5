#pragma once

#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

/// The rate equations of the driven chain as plain loops over pairs of momenta in extended precision, written from the
/// equations and not from the code; includes nothing from the library. Deliberately slow.
///
/// The equations are used in the published form, with forces F between a mode q and all partners k,
///
///   F_eq(q)  = sum_k [ e^{beta (E_k - E_q)/2 - lambda_k} - e^{beta (E_q - E_k)/2 - lambda_q} ] / (1 + e^{-lambda_k})
///   F_neq(q) = sum_k [ w(q,k) e^{-lambda_k} - w(k,q) e^{-lambda_q} ] / (1 + e^{-lambda_k})
///   dn_q/dt  = (epsilon J / L) (1 - n_q) ( gamma_eq F_eq(q) + gamma_neq F_neq(q) )
///
/// whereas the kernels sum gains and losses, so agreement of the two is a real test. The exponent range of long double
/// (e^{+-11000}) covers beta J = 1000 and |lambda| = 1500 without rescaling.
namespace lindrift::reference {

using Real = long double;
using Complex = std::complex<long double>;
using Vector = std::vector<Real>;

struct Chain {
  std::int64_t sites = 1;
  Real hopping = 1.0L;
  Real inverse_temperature = 2.0L;
  Real coupling = 0.05L;
  Real gamma_eq = 1.0L;
  Real gamma_neq = 0.0L;
  Complex delta{1.0L, 1.0L};
  Complex delta_prime{1.0L, 0.5L};
};

/// k_m = 2 pi m / L with m = -floor(L/2) .. ceil(L/2)-1.
inline Real momentum(const Chain& chain, std::int64_t s) {
  const std::int64_t m = s - chain.sites / 2;
  return 2.0L * std::numbers::pi_v<Real> * static_cast<Real>(m) / static_cast<Real>(chain.sites);
}

/// A rate problem with `size` modes: the general form of the chain, which tests may modify.
struct Problem {
  std::size_t size = 0;
  std::size_t bands = 1;  ///< there are size / bands sites
  Real scale = 0.0L;      ///< epsilon J
  Real inverse_temperature = 0.0L;
  Real gamma_eq = 0.0L, gamma_neq = 0.0L;
  Vector energy, velocity;
  Vector weight;   ///< w(to, from), row = to
  Vector thermal;  ///< e^{beta (E_from - E_to)/2}, row = to; see fill_thermal()

  Real sites() const { return static_cast<Real>(size / bands); }
  Real w(std::size_t to, std::size_t from) const { return weight[to * size + from]; }
  Real boltzmann(std::size_t to, std::size_t from) const { return thermal[to * size + from]; }
  /// W(to, from) without epsilon J: both baths, including 1/L.
  Real hop(std::size_t to, std::size_t from) const {
    return (gamma_eq * boltzmann(to, from) + gamma_neq * w(to, from)) / sites();
  }
  void fill_thermal() {
    thermal.clear();
    for (std::size_t to = 0; to < size; ++to)
      for (std::size_t from = 0; from < size; ++from)
        thermal.push_back(std::exp(inverse_temperature * (energy[from] - energy[to]) / 2.0L));
  }
};

inline Problem problem_of(const Chain& chain) {
  Problem problem;
  problem.size = static_cast<std::size_t>(chain.sites);
  problem.scale = chain.coupling * chain.hopping;
  problem.inverse_temperature = chain.inverse_temperature;
  problem.gamma_eq = chain.gamma_eq;
  problem.gamma_neq = chain.gamma_neq;

  // L_j = sqrt(J) sum_ab A_ab c+_{j+a} c_{j+b}, here (c+_j + delta c+_{j+1}) (c_j - delta' c_{j+1}).
  const Complex amplitude[2][2] = {{1.0L, -chain.delta_prime}, {chain.delta, -chain.delta * chain.delta_prime}};
  std::vector<Complex> phase[2];
  for (std::int64_t s = 0; s < chain.sites; ++s) {
    const Real k = momentum(chain, s);
    problem.energy.push_back(-2.0L * chain.hopping * std::cos(k));
    problem.velocity.push_back(2.0L * chain.hopping * std::sin(k));
    phase[0].push_back(1.0L);
    phase[1].push_back({std::cos(k), std::sin(k)});
  }
  problem.weight.resize(problem.size * problem.size);
  for (std::size_t q = 0; q < problem.size; ++q)
    for (std::size_t k = 0; k < problem.size; ++k) {
      Complex d = 0.0L;  // D(q,k) = sum_ab A_ab e^{-iqa} e^{ikb}
      for (int a = 0; a < 2; ++a)
        for (int b = 0; b < 2; ++b) d += amplitude[a][b] * std::conj(phase[a][q]) * phase[b][k];
      problem.weight[q * problem.size + k] = d.real() * d.real() + d.imag() * d.imag();
    }
  problem.fill_thermal();
  return problem;
}

inline Real occupation(Real lambda) { return 1.0L / (1.0L + std::exp(lambda)); }
inline Real hole(Real lambda) { return 1.0L / (1.0L + std::exp(-lambda)); }

inline Vector occupations(const Vector& lambda) {
  Vector n;
  for (const Real l : lambda) n.push_back(occupation(l));
  return n;
}
inline Vector holes(const Vector& lambda) {
  Vector h;
  for (const Real l : lambda) h.push_back(hole(l));
  return h;
}
inline Vector exponentials(const Vector& lambda) {
  Vector x;
  for (const Real l : lambda) x.push_back(std::exp(-l));
  return x;
}

inline Vector force_eq(const Problem& p, const Vector& lambda) {
  Vector force(p.size, 0.0L);
  const Vector x = exponentials(lambda);
  for (std::size_t q = 0; q < p.size; ++q)
    for (std::size_t k = 0; k < p.size; ++k)
      force[q] += (p.boltzmann(q, k) * x[k] - p.boltzmann(k, q) * x[q]) / (1.0L + x[k]);
  return force;
}

inline Vector force_neq(const Problem& p, const Vector& lambda) {
  Vector force(p.size, 0.0L);
  const Vector x = exponentials(lambda);
  for (std::size_t q = 0; q < p.size; ++q)
    for (std::size_t k = 0; k < p.size; ++k) force[q] += (p.w(q, k) * x[k] - p.w(k, q) * x[q]) / (1.0L + x[k]);
  return force;
}

inline Vector occupation_rate_from_forces(const Problem& p, const Vector& lambda) {
  const Vector eq = force_eq(p, lambda), neq = force_neq(p, lambda);
  Vector rate;
  for (std::size_t q = 0; q < p.size; ++q)
    rate.push_back(p.scale / p.sites() * hole(lambda[q]) * (p.gamma_eq * eq[q] + p.gamma_neq * neq[q]));
  return rate;
}

/// d(lambda_q)/dt = -(epsilon J / L) (1 + e^{-lambda_q}) / e^{-lambda_q} ( gamma_eq F_eq + gamma_neq F_neq )
inline Vector lambda_rate_from_forces(const Problem& p, const Vector& lambda) {
  const Vector eq = force_eq(p, lambda), neq = force_neq(p, lambda);
  Vector rate;
  for (std::size_t q = 0; q < p.size; ++q)
    rate.push_back(-p.scale / p.sites() * (1.0L + std::exp(-lambda[q])) / std::exp(-lambda[q]) *
                   (p.gamma_eq * eq[q] + p.gamma_neq * neq[q]));
  return rate;
}

/// gain_s = sum_s' W(s,s') n_s', without epsilon J.
inline Vector gain(const Problem& p, const Vector& lambda) {
  Vector result(p.size, 0.0L);
  const Vector n = occupations(lambda);
  for (std::size_t q = 0; q < p.size; ++q)
    for (std::size_t k = 0; k < p.size; ++k) result[q] += p.hop(q, k) * n[k];
  return result;
}

/// loss_s = sum_s' W(s',s) (1 - n_s'), without epsilon J.
inline Vector loss(const Problem& p, const Vector& lambda) {
  Vector result(p.size, 0.0L);
  const Vector h = holes(lambda);
  for (std::size_t q = 0; q < p.size; ++q)
    for (std::size_t k = 0; k < p.size; ++k) result[q] += p.hop(k, q) * h[k];
  return result;
}

inline Real current(const Problem& p, const Vector& n) {
  Real sum = 0.0L;
  for (std::size_t s = 0; s < p.size; ++s) sum += p.velocity[s] * n[s];
  return sum / p.sites();
}

/// A number and the sum of the magnitudes of its terms, the scale of its rounding error.
struct Sum {
  Vector value, magnitude;
};

/// dn/dt as gain (1-n) - loss n.
inline Sum occupation_rate(const Problem& p, const Vector& lambda) {
  const Vector g = gain(p, lambda), l = loss(p, lambda), n = occupations(lambda), h = holes(lambda);
  Sum sum;
  for (std::size_t s = 0; s < p.size; ++s) {
    const Real in = p.scale * g[s] * h[s], out = p.scale * l[s] * n[s];
    sum.value.push_back(in - out);
    sum.magnitude.push_back(in + out);
  }
  return sum;
}

/// sum_j d(dn_s/dt)/dn_j v_j with
///   d(dn_s/dt)/dn_j = epsilon J [ -(gain_s + loss_s) delta_sj + (1-n_s) W(s,j) + n_s W(j,s) ].
inline Sum occupation_rate_derivative(const Problem& p, const Vector& lambda, const Vector& direction) {
  const Vector g = gain(p, lambda), l = loss(p, lambda), n = occupations(lambda), h = holes(lambda);
  Sum sum;
  for (std::size_t s = 0; s < p.size; ++s) {
    Real value = -p.scale * (g[s] + l[s]) * direction[s], magnitude = std::fabs(value);
    for (std::size_t j = 0; j < p.size; ++j) {
      const Real entry = p.scale * (h[s] * p.hop(s, j) + n[s] * p.hop(j, s));
      value += entry * direction[j];
      magnitude += std::fabs(entry * direction[j]);
    }
    sum.value.push_back(value);
    sum.magnitude.push_back(magnitude);
  }
  return sum;
}

/// Sums over hops into or out of every mode: epsilon J sum_j W(s,j) x_j, or W(j,s).
inline Sum transition_sum(const Problem& p, const Vector& x, bool into) {
  Sum sum;
  for (std::size_t s = 0; s < p.size; ++s) {
    Real value = 0.0L, magnitude = 0.0L;
    for (std::size_t j = 0; j < p.size; ++j) {
      const Real term = p.scale * (into ? p.hop(s, j) : p.hop(j, s)) * x[j];
      value += term;
      magnitude += std::fabs(term);
    }
    sum.value.push_back(value);
    sum.magnitude.push_back(magnitude);
  }
  return sum;
}

/// The average of x over the modes that a mode gains from, sum_j W(s,j) n_j x_j / gain_s, or loses to, sum_j W(j,s)
/// (1-n_j) x_j / loss_s. Zero where the rate is zero.
inline Sum relative_transition_sum(const Problem& p, const Vector& lambda, const Vector& x, bool into) {
  const Vector rate = into ? gain(p, lambda) : loss(p, lambda);
  Vector filled;
  for (std::size_t s = 0; s < p.size; ++s) filled.push_back((into ? occupation(lambda[s]) : hole(lambda[s])) * x[s]);
  Sum sum = transition_sum(p, filled, into);
  for (std::size_t s = 0; s < p.size; ++s)
    for (Vector* values : {&sum.value, &sum.magnitude})
      (*values)[s] = rate[s] > 0.0L ? (*values)[s] / (p.scale * rate[s]) : 0.0L;
  return sum;
}

/// sum_j d(log loss_s - log gain_s)/d lambda_j v_j with
///   d/d lambda_j = chi_j [ W(s,j) / gain_s + W(j,s) / loss_s ],   chi = n (1-n).
/// A zero rate stays zero and contributes nothing. The first term alone is -d log gain, the second d log loss.
inline Sum log_balance_derivative(const Problem& p, const Vector& lambda, const Vector& direction, bool of_gain = true,
                                  bool of_loss = true) {
  const Vector g = gain(p, lambda), l = loss(p, lambda), n = occupations(lambda), h = holes(lambda);
  Sum sum;
  for (std::size_t s = 0; s < p.size; ++s) {
    Real value = 0.0L, magnitude = 0.0L;
    for (std::size_t j = 0; j < p.size; ++j) {
      const Real chi = n[j] * h[j];
      Real entry = 0.0L;
      if (of_gain && g[s] > 0.0L) entry += chi * p.hop(s, j) / g[s];
      if (of_loss && l[s] > 0.0L) entry += chi * p.hop(j, s) / l[s];
      value += entry * direction[j];
      magnitude += std::fabs(entry * direction[j]);
    }
    sum.value.push_back(value);
    sum.magnitude.push_back(magnitude);
  }
  return sum;
}

/// Jacobian of d(lambda)/dt with respect to lambda, row s, column j:
///   epsilon J [ -(gain_s e^{lambda_s} + loss_s e^{-lambda_s}) delta_sj + chi_j ( W(s,j)/n_s + W(j,s)/(1-n_s) ) ].
inline Vector lambda_rate_jacobian(const Problem& p, const Vector& lambda) {
  const Vector g = gain(p, lambda), l = loss(p, lambda), n = occupations(lambda), h = holes(lambda);
  Vector jacobian(p.size * p.size);
  for (std::size_t s = 0; s < p.size; ++s)
    for (std::size_t j = 0; j < p.size; ++j) {
      const Real chi = n[j] * h[j];
      Real entry = chi * (p.hop(s, j) / n[s] + p.hop(j, s) / h[s]);
      if (s == j) entry -= g[s] * std::exp(lambda[s]) + l[s] * std::exp(-lambda[s]);
      jacobian[s * p.size + j] = p.scale * entry;
    }
  return jacobian;
}

/// sum_s [ beta E n + n log n + (1-n) log(1-n) ]: never increases if only the thermal bath acts.
inline Real free_energy(const Problem& p, const Vector& lambda) {
  Real sum = 0.0L;
  for (std::size_t s = 0; s < p.size; ++s) {
    const Real n = occupation(lambda[s]), h = hole(lambda[s]);
    sum += p.inverse_temperature * p.energy[s] * n + (n > 0.0L ? n * std::log(n) : 0.0L) +
           (h > 0.0L ? h * std::log(h) : 0.0L);
  }
  return sum;
}

/// dn/dt from occupations, for a time integration that shares nothing with that of the library.
inline Vector occupation_rate_at(const Problem& p, const Vector& n) {
  Vector rate(p.size);
  for (std::size_t q = 0; q < p.size; ++q) {
    Real in = 0.0L, out = 0.0L;
    for (std::size_t k = 0; k < p.size; ++k) {
      in += p.hop(q, k) * n[k];
      out += p.hop(k, q) * (1.0L - n[k]);
    }
    rate[q] = p.scale * (in * (1.0L - n[q]) - out * n[q]);
  }
  return rate;
}

/// Lagrange multipliers at time `duration` by Gragg's midpoint rule with Richardson extrapolation: nine columns in even
/// powers, order 18, with steps so short (a third of the fastest time scale) that the truncation error is below 1e-17.
/// For problems that are not stiff.
inline Vector trajectory_end(const Problem& p, const Vector& lambda, Real duration) {
  const Vector g = gain(p, lambda), l = loss(p, lambda);
  Real fastest = 0.0L;
  for (std::size_t s = 0; s < p.size; ++s) fastest = std::fmax(fastest, p.scale * (g[s] + l[s]));
  const int steps = 1 + static_cast<int>(3.0L * fastest * duration);
  const Real step = duration / static_cast<Real>(steps);
  constexpr int columns = 9;

  Vector n = occupations(lambda);
  for (int i = 0; i < steps; ++i) {
    std::vector<Vector> row(columns);
    for (int j = 0; j < columns; ++j) {
      const int parts = 2 * (j + 1);
      const Real h = step / static_cast<Real>(parts);
      Vector before = n, now = n;
      const Vector first = occupation_rate_at(p, n);
      for (std::size_t s = 0; s < p.size; ++s) now[s] += h * first[s];
      for (int part = 1; part < parts; ++part) {
        const Vector rate = occupation_rate_at(p, now);
        for (std::size_t s = 0; s < p.size; ++s) before[s] += 2.0L * h * rate[s];
        std::swap(before, now);
      }
      const Vector last = occupation_rate_at(p, now);
      for (std::size_t s = 0; s < p.size; ++s) now[s] = (before[s] + now[s] + h * last[s]) / 2.0L;
      // Aitken-Neville extrapolation: eliminates h^2, h^4, ...
      for (int c = j - 1; c >= 0; --c) {
        const Real ratio = static_cast<Real>(j + 1) / static_cast<Real>(c + 1);
        for (std::size_t s = 0; s < p.size; ++s) {
          const Real finer = c == j - 1 ? now[s] : row[static_cast<std::size_t>(c + 1)][s];
          row[static_cast<std::size_t>(c)][s] =
              finer + (finer - row[static_cast<std::size_t>(c)][s]) / (ratio * ratio - 1.0L);
        }
      }
      row[static_cast<std::size_t>(j)] = now;
    }
    n = row[0];
  }
  Vector result;
  for (const Real occupied : n) result.push_back(std::log((1.0L - occupied) / occupied));
  return result;
}

}  // namespace lindrift::reference
