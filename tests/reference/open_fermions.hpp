#pragma once

#include <bit>
#include <cmath>
#include <complex>
#include <cstddef>
#include <vector>

/// A master equation in the Fock space of a few orbitals: operators as matrices between configurations, evolved by the
/// Lindbladian itself. Uses no momenta, no rates and no closed hierarchies.
namespace lindrift::reference {

class OpenFermions {
 public:
  using Scalar = std::complex<double>;
  using Operator = std::vector<Scalar>;  ///< row-major square matrix

  explicit OpenFermions(std::size_t orbitals) : dimension_(std::size_t{1} << orbitals), hamiltonian_(zero()) {
    for (std::size_t p = 0; p < orbitals; ++p) {
      Operator c = zero();
      for (std::size_t state = 0; state < dimension_; ++state) {
        if (!(state >> p & 1U)) continue;
        const int before = std::popcount(state & ((std::size_t{1} << p) - 1));
        c[(state ^ (std::size_t{1} << p)) * dimension_ + state] = before % 2 == 0 ? 1.0 : -1.0;
      }
      annihilate_.push_back(c);
    }
  }

  std::size_t dimension() const { return dimension_; }
  Operator zero() const { return Operator(dimension_ * dimension_); }
  Operator one() const {
    Operator a = zero();
    for (std::size_t i = 0; i < dimension_; ++i) a[i * dimension_ + i] = 1.0;
    return a;
  }
  const Operator& c(std::size_t orbital) const { return annihilate_[orbital]; }
  Operator create(std::size_t orbital) const { return adjoint(annihilate_[orbital]); }
  Operator number(std::size_t orbital) const { return product(create(orbital), c(orbital)); }

  Operator adjoint(const Operator& a) const {
    Operator result(a.size());
    for (std::size_t i = 0; i < dimension_; ++i)
      for (std::size_t j = 0; j < dimension_; ++j) result[j * dimension_ + i] = std::conj(a[i * dimension_ + j]);
    return result;
  }
  /// Skips the zeros of a; fermion operators are mostly zeros.
  Operator product(const Operator& a, const Operator& b) const {
    Operator result(a.size());
    for (std::size_t i = 0; i < dimension_; ++i)
      for (std::size_t k = 0; k < dimension_; ++k) {
        const Scalar x = a[i * dimension_ + k];
        if (x == 0.0) continue;
        for (std::size_t j = 0; j < dimension_; ++j) {
          const Scalar y = b[k * dimension_ + j];
          result[i * dimension_ + j] +=
              Scalar(x.real() * y.real() - x.imag() * y.imag(), x.real() * y.imag() + x.imag() * y.real());
        }
      }
    return result;
  }
  static void add(Operator& sum, Scalar factor, const Operator& a) {
    for (std::size_t i = 0; i < a.size(); ++i) sum[i] += factor * a[i];
  }

  void add_to_hamiltonian(Scalar factor, const Operator& a) { add(hamiltonian_, factor, a); }
  void add_jump(const Operator& jump) {
    jumps_.push_back(jump);
    adjoints_.push_back(adjoint(jump));
    add(decay_.empty() ? decay_ = zero() : decay_, 0.5, product(adjoints_.back(), jump));
  }

  /// O(t) in the Heisenberg picture,
  ///   dO/dt = i [H, O] + sum_L ( s L^+ O L - {L^+ L, O}/2 ),
  /// with s = +1 for an even number of fermions in O and -1 for an odd one: the jump operators are odd and must be
  /// exchanged with O.
  Operator evolved(Operator o, double time, bool odd) const {
    double size = 0.0;
    for (const Operator* a : {&hamiltonian_, &decay_})
      for (std::size_t i = 0; i < dimension_; ++i) {
        double row = 0.0;
        for (std::size_t j = 0; j < dimension_ && !a->empty(); ++j) row += std::abs((*a)[i * dimension_ + j]);
        size = std::max(size, row);
      }
    const int steps = 1 + static_cast<int>(1.5 * size * time);
    const double step = time / steps;
    for (int s = 0; s < steps; ++s) {
      Operator term = o;
      for (int n = 1; n < 60; ++n) {
        term = derivative(term, odd);
        double largest = 0.0;
        for (Scalar& x : term) {
          x *= step / n;
          largest = std::max(largest, std::abs(x));
        }
        add(o, 1.0, term);
        if (largest < 1e-19) break;
      }
    }
    return o;
  }

  /// drho/dt = -i [H, rho] + sum_L ( L rho L^+ - {L^+ L, rho}/2 ) of a density operator.
  Operator rate(const Operator& rho) const {
    Operator result = zero();
    const Scalar i(0.0, 1.0);
    const Operator adjoint_rho = adjoint(rho);  // rho A = (A^+ rho^+)^+ has the sparse factor on the left
    add(result, -i, product(hamiltonian_, rho));
    add(result, i, adjoint(product(hamiltonian_, adjoint_rho)));
    for (const Operator& jump : jumps_) add(result, 1.0, adjoint(product(jump, adjoint(product(jump, rho)))));
    if (decay_.empty()) return result;
    add(result, -1.0, product(decay_, rho));
    add(result, -1.0, adjoint(product(decay_, adjoint_rho)));
    return result;
  }

  Scalar expectation(const Operator& a, const Operator& rho) const {
    Scalar trace = 0.0;
    for (std::size_t i = 0; i < dimension_; ++i)
      for (std::size_t j = 0; j < dimension_; ++j) trace += a[i * dimension_ + j] * rho[j * dimension_ + i];
    return trace;
  }

 private:
  Operator derivative(const Operator& o, bool odd) const {
    Operator result = zero();
    const Scalar i(0.0, 1.0);
    add(result, i, product(hamiltonian_, o));
    // o H = (H o^+)^+ has the sparse factor on the left.
    const Operator adjoint_o = adjoint(o);
    add(result, -i, adjoint(product(hamiltonian_, adjoint_o)));
    for (std::size_t l = 0; l < jumps_.size(); ++l)
      add(result, odd ? -1.0 : 1.0, product(adjoints_[l], adjoint(product(adjoints_[l], adjoint_o))));
    if (decay_.empty()) return result;
    add(result, -1.0, product(decay_, o));
    add(result, -1.0, adjoint(product(decay_, adjoint_o)));
    return result;
  }

  std::size_t dimension_;
  Operator hamiltonian_, decay_;
  std::vector<Operator> annihilate_, jumps_, adjoints_;
};

}  // namespace lindrift::reference
