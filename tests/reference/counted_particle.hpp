#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

/// One particle that nothing adds or removes, on a ring of sites with driven fermions of another kind: its hops are
/// counted by the master equation in real space. Uses no momenta.
namespace lindrift::reference {

class CountedParticle {
 public:
  using Complex = std::complex<double>;
  /// Jump operators sqrt(rate) c_j, or sqrt(rate) (c_j + e^{i phase} c_{j+1}) for the second of a pair; c+ for gains.
  struct Channel {
    double rate, phase;
  };

  /// @param gains, losses  the local channel, then that of bonds
  CountedParticle(std::size_t sites, double hopping, double interaction, const std::vector<Channel>& gains,
                  const std::vector<Channel>& losses)
      : sites_(sites), states_(std::size_t{1} << sites), size_(sites * states_) {
    for (std::size_t x = 0; x < sites; ++x)
      for (std::size_t c = 0; c < states_; ++c) {
        const std::size_t here = x * states_ + c, right = (x + 1) % sites * states_ + c;
        hamiltonian_.push_back({right, here, -hopping});
        hamiltonian_.push_back({here, right, -hopping});
        // First and second derivatives by i chi of -J (e^{i chi/2} R + e^{-i chi/2} R^+), R a hop to the right.
        first_.push_back({right, here, -0.5 * hopping});
        first_.push_back({here, right, 0.5 * hopping});
        second_.push_back({right, here, -0.25 * hopping});
        second_.push_back({here, right, -0.25 * hopping});
        if (c >> x & 1U) hamiltonian_.push_back({here, here, interaction});
        for (std::size_t j = 0; j < sites; ++j) {  // the other fermions hop
          const std::size_t next = (j + 1) % sites;
          for (const auto& [from, to] : {std::pair{j, next}, {next, j}})
            if (const auto [moved, sign] = annihilated(c, from); sign != 0)
              if (const auto [end, other] = created(moved, to); other != 0)
                hamiltonian_.push_back({x * states_ + end, here, -hopping * sign * other});
        }
      }
    for (std::size_t j = 0; j < sites; ++j)
      for (const bool gain : {false, true})
        for (std::size_t bond = 0; bond < 2; ++bond) {
          const Channel& channel = (gain ? gains : losses)[bond];
          Operator jump;
          for (std::size_t end = 0; end <= bond; ++end) {
            const std::size_t site = (j + end) % sites;
            const Complex amplitude = std::polar(std::sqrt(channel.rate), end == 0 ? 0.0 : channel.phase);
            for (std::size_t x = 0; x < sites; ++x)
              for (std::size_t c = 0; c < states_; ++c) {
                const auto [to, sign] = gain ? created(c, site) : annihilated(c, site);
                if (sign != 0) jump.push_back({x * states_ + to, x * states_ + c, amplitude * double(sign)});
              }
          }
          jumps_.push_back(jump);
        }
  }

  /// d<x>/dt and half of d Var x / dt between two late times. The mean and the mean square are the derivatives of
  /// Tr rho(chi) by i chi, where rho -> e^{i chi x/2} rho e^{i chi x/2} makes the hops of ket and bra count.
  std::pair<double, double> drift_and_diffusion(double from, double interval) const {
    std::vector<Matrix> rho(3, Matrix(size_ * size_));  // rho and its two derivatives
    for (std::size_t i = 0; i < size_; ++i) rho[0][i * size_ + i] = 1.0 / static_cast<double>(size_);
    evolve(rho, from);
    const double mean = trace(rho[1]), variance = trace(rho[2]) - mean * mean;
    evolve(rho, interval);
    const double later = trace(rho[1]);
    return {(later - mean) / interval, 0.5 * (trace(rho[2]) - later * later - variance) / interval};
  }

 private:
  struct Element {
    std::size_t row, column;
    Complex value;
  };
  using Operator = std::vector<Element>;
  using Matrix = std::vector<Complex>;

  static std::pair<std::size_t, int> annihilated(std::size_t state, std::size_t site) {
    if ((state >> site & 1U) == 0) return {state, 0};
    return {state ^ (std::size_t{1} << site), std::popcount(state & ((std::size_t{1} << site) - 1)) % 2 == 0 ? 1 : -1};
  }
  static std::pair<std::size_t, int> created(std::size_t state, std::size_t site) {
    if (state >> site & 1U) return {state, 0};
    return {state | (std::size_t{1} << site), std::popcount(state & ((std::size_t{1} << site) - 1)) % 2 == 0 ? 1 : -1};
  }

  /// sum += factor a rho
  void left(Matrix& sum, Complex factor, const Operator& a, const Matrix& rho) const {
    for (const auto& [row, column, value] : a)
      for (std::size_t j = 0; j < size_; ++j) sum[row * size_ + j] += factor * value * rho[column * size_ + j];
  }
  /// sum += factor rho a
  void right(Matrix& sum, Complex factor, const Matrix& rho, const Operator& a) const {
    for (const auto& [row, column, value] : a)
      for (std::size_t i = 0; i < size_; ++i) sum[i * size_ + column] += factor * value * rho[i * size_ + row];
  }
  static Operator adjoint(Operator a) {
    for (Element& element : a) element = {element.column, element.row, std::conj(element.value)};
    return a;
  }

  /// d/dt of rho and of its derivatives by i chi.
  std::vector<Matrix> rates(const std::vector<Matrix>& rho) const {
    const Complex i(0.0, 1.0);
    std::vector<Matrix> result(3, Matrix(size_ * size_));
    for (std::size_t n = 0; n < 3; ++n) {
      left(result[n], -i, hamiltonian_, rho[n]);
      right(result[n], i, rho[n], hamiltonian_);
      for (const Operator& jump : jumps_) {
        const Operator back = adjoint(jump);
        Matrix after(size_ * size_), once(size_ * size_);
        left(after, 1.0, jump, rho[n]);
        right(result[n], 1.0, after, back);
        left(once, 1.0, jump, rho[n]);
        left(result[n], -0.5, back, once);
        Matrix other(size_ * size_);
        right(other, 1.0, rho[n], back);
        right(result[n], -0.5, other, jump);
      }
    }
    // In the bra the field has the opposite sign: odd derivatives anticommute, even ones commute.
    for (const auto& [target, source, factor] :
         {std::tuple<std::size_t, std::size_t, double>{1, 0, 1.0}, {2, 1, 2.0}}) {
      left(result[target], -i * factor, first_, rho[source]);
      right(result[target], -i * factor, rho[source], first_);
    }
    left(result[2], -i, second_, rho[0]);
    right(result[2], i, rho[0], second_);
    return result;
  }

  void evolve(std::vector<Matrix>& rho, double time) const {
    const int steps = static_cast<int>(4.0 * time);
    const double step = time / steps;
    for (int s = 0; s < steps; ++s) {
      std::vector<Matrix> term = rho;
      for (int order = 1; order <= 48; ++order) {
        term = rates(term);
        double largest = 0.0;
        for (std::size_t n = 0; n < 3; ++n)
          for (std::size_t e = 0; e < term[n].size(); ++e) {
            term[n][e] *= step / order;
            rho[n][e] += term[n][e];
            largest = std::max(largest, std::abs(term[n][e]));
          }
        if (largest < 1e-18) break;
      }
    }
  }

  double trace(const Matrix& a) const {
    double sum = 0.0;
    for (std::size_t i = 0; i < size_; ++i) sum += a[i * size_ + i].real();
    return sum;
  }

  std::size_t sites_, states_, size_;
  Operator hamiltonian_, first_, second_;
  std::vector<Operator> jumps_;
};

}  // namespace lindrift::reference
