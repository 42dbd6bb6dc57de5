#include "lindrift/lattice/tight_binding.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "check_energy.hpp"
#include "engine/linear_algebra.hpp"
#include "engine/parallel.hpp"
#include "kernels/lattice/bands.hpp"
#include "lattice/device_bands.hpp"
#include "lattice/hopping_arrays.hpp"
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

double* doubles(Complex* values) { return reinterpret_cast<double*>(values); }

/// h(k) and its derivatives with respect to k.
class Hamiltonian {
 public:
  Hamiltonian(const TightBinding& model, const Lattice& lattice)
      : phases_(lattice), arrays_(model, lattice), tables_(arrays_.tables(phases_)) {}
  Hamiltonian(const Hamiltonian&) = delete;
  Hamiltonian& operator=(const Hamiltonian&) = delete;

  const kernels::HoppingTables& tables() const { return tables_; }

  /// h(k) and then d h(k)/dk_i: (1 + directions) matrices (Eqs. 100, 101), for consecutive momenta.
  class Walk {
   public:
    Walk(const Hamiltonian& hamiltonian, std::size_t k)
        : hamiltonian_(hamiltonian), number_(hamiltonian.number_), k_(k) {
      const kernels::HoppingTables& tables = hamiltonian.tables_;
      matrices_.resize(static_cast<std::size_t>((1 + tables.directions) * tables.elements()));
      walks_.reserve(hamiltonian.arrays_.displacements().size());
      for (const LatticeVector& displacement : hamiltonian.arrays_.displacements())
        walks_.emplace_back(hamiltonian.phases_, displacement, k);
      phases_.resize(walks_.size());
      set();
    }
    bool is_at(const Hamiltonian& hamiltonian, std::size_t k) const {
      return number_ == hamiltonian.number_ && k_ == k;
    }
    void operator++() {
      ++k_;
      for (auto& walk : walks_) ++walk;
      set();
    }
    Complex* matrices() { return matrices_.data(); }

   private:
    void set() {
      for (std::size_t i = 0; i < walks_.size(); ++i) {
        const Phase phase = *walks_[i];
        phases_[i] = {phase.cosine, phase.sine};
      }
      const kernels::HoppingTables& tables = hamiltonian_.tables_;
      for (kernels::Index e = 0; e < tables.elements(); ++e)
        kernels::lattice::set_element(tables, e, doubles(phases_.data()), doubles(matrices_.data()));
    }

    const Hamiltonian& hamiltonian_;
    std::uint64_t number_;
    std::size_t k_;
    std::vector<LatticePhases::Walk> walks_;
    std::vector<Complex> phases_, matrices_;
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
  static std::uint64_t next_number() {
    static std::atomic<std::uint64_t> made{0};
    return ++made;
  }

  std::uint64_t number_ = next_number();  ///< of this Hamiltonian among all
  LatticePhases phases_;
  HoppingArrays arrays_;
  kernels::HoppingTables tables_;
};

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
  if (n == kernels::closed_form_orbitals)
    kernels::lattice::eigen_of_two(doubles(matrices), energy.data());
  else
    linear_algebra::hermitian_eigen(n, matrices, energy.data());
  for (std::size_t band = 0; band < n; ++band) {
    const std::size_t s = bands.mode(band, k);
    bands.energy[s] = energy[band];
    for (std::size_t a = 0; a < n; ++a) bands.eigenvector[a][s] = matrices[a * n + band];
    for (std::size_t i = 0; i < directions; ++i) {
      const auto size = static_cast<kernels::Index>(n);
      bands.velocity[i][s] = kernels::lattice::band_velocity(
          size, doubles(matrices + (1 + i) * n * n), doubles(matrices), static_cast<kernels::Index>(band), size);
    }
  }
}

/// All modes, by the threads of the host.
void compute_on_host(const Hamiltonian& hamiltonian, Bands& bands) {
  if (bands.orbitals > kernels::closed_form_orbitals) linear_algebra::require_library();
  const std::size_t cells = bands.lattice.size();
  in_parts(
      parallel_threads(cells), cells,
      [&](std::size_t first, std::size_t last, std::size_t) {
        Hamiltonian::Walk walk(hamiltonian, first);
        for (std::size_t k = first;; ++walk) {
          diagonalise(walk.matrices(), k, bands);
          if (++k == last) break;
        }
      },
      parallel_block);
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

Bands make_bands(const TightBinding& model, const Lattice& lattice, const Execution& execution) {
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
  const auto hamiltonian = std::make_shared<const Hamiltonian>(model, lattice);
  if (bands_on_device(model, lattice, execution))
    compute_on_device(hamiltonian->tables(), execution, bands);
  else
    compute_on_host(*hamiltonian, bands);
  bands.degeneracy_tolerance = model.degeneracy_tolerance;
  bands.hamiltonian_derivative = [hamiltonian, n](std::size_t k, int direction, Complex* matrix) {
    const Complex* const matrices = hamiltonian->at_next(k);
    std::copy_n(matrices + (1 + static_cast<std::size_t>(direction)) * n * n, n * n, matrix);
  };
  return bands;
}

double bands_device_bytes(const TightBinding& model, const Lattice& lattice, const Execution& execution) {
  validate(model, lattice);
  if (!bands_on_device(model, lattice, execution)) return 0.0;
  return bands_on_device_bytes(Hamiltonian(model, lattice).tables(), execution);
}

}  // namespace lindrift
