#include "lindrift/lattice/tight_binding.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "check_energy.hpp"
#include "engine/complex_product.hpp"
#include "engine/linear_algebra.hpp"
#include "engine/parallel.hpp"
#include "lattice/lattice_phases.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

constexpr int max_orbitals = 256;
/// Largest deviation of a list of terms from Hermitian, relative to its largest element.
constexpr double hermitian_tolerance = 1e-12;

std::string quantity(std::size_t term) { return "model.hopping_terms[" + std::to_string(term) + "]"; }

/// An element, given by displacement and orbitals.
using Element = std::tuple<LatticeVector, int, int>;

LatticeVector opposite(const LatticeVector& r) { return {-r[0], -r[1], -r[2]}; }

std::string text_of(Complex value) {
  return "[" + std::to_string(value.real()) + ", " + std::to_string(value.imag()) + "]";
}

void check_term(const HoppingTerm& term, std::size_t number, int orbitals, const Lattice& lattice) {
  for (const int orbital : {term.to_orbital, term.from_orbital})
    if (orbital < 0 || orbital >= orbitals)
      throw ParameterError(quantity(number), "orbital " + std::to_string(orbital) +
                                                 " is not allowed: must be in 0 .. " + std::to_string(orbitals - 1));
  for (auto i = static_cast<std::size_t>(lattice.dimensions()); i < term.displacement.size(); ++i)
    if (term.displacement[i] != 0)
      throw ParameterError(quantity(number), "the displacement leaves the " + std::to_string(lattice.dimensions()) +
                                                 " directions of the lattice");
  check_energy(quantity(number), term.amplitude);
}

void check_hermitian(const std::vector<HoppingTerm>& terms) {
  std::map<Element, Complex> sum;
  double largest = 0.0;
  for (const HoppingTerm& term : terms) {
    Complex& element = sum[{term.displacement, term.to_orbital, term.from_orbital}];
    element += term.amplitude;
    largest = std::max(largest, std::abs(term.amplitude));
  }
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const HoppingTerm& term = terms[i];
    const Complex element = sum.at({term.displacement, term.to_orbital, term.from_orbital});
    const auto partner = sum.find({opposite(term.displacement), term.from_orbital, term.to_orbital});
    const Complex other = partner != sum.end() ? partner->second : 0.0;
    if (std::abs(element - std::conj(other)) <= hermitian_tolerance * largest) continue;
    throw ParameterError(quantity(i), "the Hamiltonian is not Hermitian: H_ab(R) = " + text_of(element) +
                                          ", but H_ba(-R) = " + text_of(other) +
                                          " is not its conjugate; list both, or set add_hermitian_conjugate = true");
  }
}

/// Terms grouped by displacement, with repeated ones added: the matrix H(R) for each R.
struct Block {
  LatticeVector displacement;
  std::vector<Complex> matrix;  ///< (orbitals, orbitals), row-major
};

/// h(k) and its derivatives with respect to k.
class Hamiltonian {
 public:
  Hamiltonian(const TightBinding& model, const Lattice& lattice)
      : lattice_(lattice),
        phases_(lattice),
        orbitals_(static_cast<std::size_t>(model.orbitals)),
        positions_(model.positions) {
    std::map<LatticeVector, std::vector<Complex>> blocks;
    for (const HoppingTerm& term : model.hopping_terms) {
      auto& matrix = blocks[term.displacement];
      matrix.resize(orbitals_ * orbitals_);
      matrix[static_cast<std::size_t>(term.to_orbital) * orbitals_ + static_cast<std::size_t>(term.from_orbital)] +=
          term.amplitude;
    }
    for (auto& [displacement, matrix] : blocks) blocks_.push_back({displacement, std::move(matrix)});
  }

  /// h(k) and then d h(k)/dk_i: (1 + directions) matrices (Eqs. 100, 101), for consecutive momenta.
  class Walk {
   public:
    Walk(const Hamiltonian& hamiltonian, std::size_t k)
        : hamiltonian_(hamiltonian), number_(hamiltonian.number_), k_(k) {
      const auto directions = static_cast<std::size_t>(hamiltonian.lattice_.dimensions());
      matrices_.resize((1 + directions) * hamiltonian.orbitals_ * hamiltonian.orbitals_);
      phases_.reserve(hamiltonian.blocks_.size());
      for (const Block& block : hamiltonian.blocks_) phases_.emplace_back(hamiltonian.phases_, block.displacement, k);
      set();
    }
    bool is_at(const Hamiltonian& hamiltonian, std::size_t k) const {
      return number_ == hamiltonian.number_ && k_ == k;
    }
    void operator++() {
      ++k_;
      for (auto& phase : phases_) ++phase;
      set();
    }
    Complex* matrices() { return matrices_.data(); }

   private:
    void set() {
      hamiltonian_.set(matrices_.data(), [&](std::size_t block) { return *phases_[block]; });
    }

    const Hamiltonian& hamiltonian_;
    std::uint64_t number_;
    std::size_t k_;
    std::vector<LatticePhases::Walk> phases_;
    std::vector<Complex> matrices_;
  };

  /// The matrices at a momentum, until the calling thread asks for another one. Fast if that is the next.
  const Complex* at_next(std::size_t k) const {
    thread_local std::optional<Walk> walk;
    if (walk && walk->is_at(*this, k)) return walk->matrices();
    if (walk && k > 0 && walk->is_at(*this, k - 1))
      ++*walk;
    else
      walk.emplace(*this, k);
    return walk->matrices();
  }

 private:
  /// @param phase_of  phase k.R of a block
  template <class PhaseOf>
  void set(Complex* matrices, const PhaseOf& phase_of) const {
    const std::size_t elements = orbitals_ * orbitals_, directions = static_cast<std::size_t>(lattice_.dimensions());
    std::fill(matrices, matrices + (1 + directions) * elements, Complex());
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      const Block& block = blocks_[b];
      const Phase phase = phase_of(b);
      for (std::size_t e = 0; e < elements; ++e) {
        if (block.matrix[e] == 0.0) continue;
        const Complex element = times({phase.cosine, phase.sine}, block.matrix[e]);
        matrices[e] += element;
        for (std::size_t i = 0; i < directions; ++i)
          matrices[(1 + i) * elements + e] += distance(block, e, i) * Complex(-element.imag(), element.real());
      }
    }
  }
  /// R + tau_b - tau_a along a direction.
  double distance(const Block& block, std::size_t element, std::size_t direction) const {
    const auto cells = static_cast<double>(block.displacement[direction]);
    if (positions_.empty()) return cells;
    return cells + positions_[element % orbitals_][direction] - positions_[element / orbitals_][direction];
  }

  static std::uint64_t next_number() {
    static std::atomic<std::uint64_t> made{0};
    return ++made;
  }

  std::uint64_t number_ = next_number();  ///< of this Hamiltonian among all
  Lattice lattice_;
  LatticePhases phases_;
  std::size_t orbitals_;
  std::vector<std::vector<double>> positions_;
  std::vector<Block> blocks_;
};

/// Eigenvalues of a Hermitian 2 x 2 matrix in ascending order; the eigenvectors replace its columns. Accurate to
/// rounding, without cancellation.
void eigen_of_two(Complex* h, double* energy) {
  const double mean = 0.5 * (h[0].real() + h[3].real()), half = 0.5 * (h[0].real() - h[3].real());
  const Complex off = h[1];
  const double coupling = std::abs(off), radius = std::hypot(half, coupling);
  energy[0] = mean - radius;
  energy[1] = mean + radius;
  const double larger = radius > 0.0 ? std::sqrt(0.5 * (1.0 + std::fabs(half) / radius)) : 1.0;
  const double smaller = radius > 0.0 ? coupling / (2.0 * radius * larger) : 0.0;
  const Complex direction = coupling > 0.0 ? off / coupling : 1.0;
  // The upper state; the lower one is orthogonal to it.
  const Complex upper_0 = half >= 0.0 ? Complex(larger) : smaller * direction;
  const Complex upper_1 = half >= 0.0 ? smaller * std::conj(direction) : Complex(larger);
  h[0] = -std::conj(upper_1);
  h[2] = std::conj(upper_0);
  h[1] = upper_0;
  h[3] = upper_1;
}

/// Writes the modes at one momentum.
/// @param matrices  of Hamiltonian; overwritten
void diagonalise(Complex* matrices, std::size_t k, Bands& bands) {
  const std::size_t n = static_cast<std::size_t>(bands.orbitals), directions = bands.velocity.size();
  if (n == 1) {
    bands.energy[k] = matrices[0].real();
    for (std::size_t i = 0; i < directions; ++i) bands.velocity[i][k] = matrices[1 + i].real();
    return;
  }
  std::array<double, max_orbitals> energy;
  if (n == 2)
    eigen_of_two(matrices, energy.data());
  else
    linear_algebra::hermitian_eigen(n, matrices, energy.data());
  for (std::size_t band = 0; band < n; ++band) {
    const std::size_t s = bands.mode(band, k);
    bands.energy[s] = energy[band];
    for (std::size_t a = 0; a < n; ++a) bands.eigenvector[a][s] = matrices[a * n + band];
    for (std::size_t i = 0; i < directions; ++i) {
      const Complex* derivative = matrices + (1 + i) * n * n;
      double velocity = 0.0;
      for (std::size_t a = 0; a < n; ++a) {
        Complex sum = 0.0;
        for (std::size_t b = 0; b < n; ++b) sum += times(derivative[a * n + b], matrices[b * n + band]);
        velocity += times(std::conj(matrices[a * n + band]), sum).real();
      }
      bands.velocity[i][s] = velocity;
    }
  }
}

}  // namespace

void validate(const TightBinding& model, const Lattice& lattice) {
  if (model.orbitals < 1 || model.orbitals > max_orbitals)
    throw ParameterError("model.orbitals", std::to_string(model.orbitals) + " is not allowed: must be in 1 .. " +
                                               std::to_string(max_orbitals));
  if (model.hopping_terms.empty()) throw ParameterError("model.hopping_terms", "at least one term is needed");
  for (std::size_t i = 0; i < model.hopping_terms.size(); ++i)
    check_term(model.hopping_terms[i], i, model.orbitals, lattice);
  check_hermitian(model.hopping_terms);
  const auto directions = static_cast<std::size_t>(lattice.dimensions());
  bool right = model.positions.empty() || model.positions.size() == static_cast<std::size_t>(model.orbitals);
  for (const auto& position : model.positions) right = right && position.size() == directions;
  if (!right)
    throw ParameterError("model.positions", "must have a row of " + std::to_string(directions) +
                                                " numbers for each of the " + std::to_string(model.orbitals) +
                                                " orbitals");
}

void add_hermitian_conjugates(std::vector<HoppingTerm>& terms) {
  const std::size_t given = terms.size();
  for (std::size_t i = 0; i < given; ++i) {
    const HoppingTerm term = terms[i];
    if (term.displacement == LatticeVector{} && term.to_orbital == term.from_orbital) continue;
    terms.push_back({opposite(term.displacement), term.from_orbital, term.to_orbital, std::conj(term.amplitude)});
  }
}

Bands make_bands(const TightBinding& model, const Lattice& lattice) {
  validate(model, lattice);
  Bands bands{.lattice = lattice, .orbitals = model.orbitals};
  const auto n = static_cast<std::size_t>(model.orbitals), directions = static_cast<std::size_t>(lattice.dimensions());
  const std::vector<double> zero(bands.modes());
  bands.energy = zero;
  bands.velocity.assign(directions, zero);
  if (n > 1) {
    bands.eigenvector.assign(n, std::vector<Complex>(bands.modes()));
    for (std::size_t band = 0; band < n; ++band) bands.names.push_back(std::to_string(band));
  }
  if (n > 2) linear_algebra::require_library();
  const auto hamiltonian = std::make_shared<const Hamiltonian>(model, lattice);
  in_parts(
      parallel_threads(lattice.size()), lattice.size(),
      [&](std::size_t first, std::size_t last, std::size_t) {
        Hamiltonian::Walk walk(*hamiltonian, first);
        for (std::size_t k = first;; ++walk) {
          diagonalise(walk.matrices(), k, bands);
          if (++k == last) break;
        }
      },
      parallel_block);
  bands.degeneracy_tolerance = model.degeneracy_tolerance;
  bands.hamiltonian_derivative = [hamiltonian, n](std::size_t k, int direction, Complex* matrix) {
    const Complex* const matrices = hamiltonian->at_next(k);
    std::copy_n(matrices + (1 + static_cast<std::size_t>(direction)) * n * n, n * n, matrix);
  };
  return bands;
}

}  // namespace lindrift
