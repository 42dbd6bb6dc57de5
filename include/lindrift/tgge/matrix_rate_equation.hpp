#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lindrift/backend.hpp"
#include "lindrift/tgge/model.hpp"

namespace lindrift {

/// Sets of bands that share one energy at a momentum, up to a tolerance. Single bands are omitted.
struct DegenerateBlocks {
  std::vector<std::size_t> first;   ///< (count() + 1,): block b has the members first[b] .. first[b + 1] - 1
  std::vector<std::size_t> member;  ///< modes, momentum by momentum, in ascending order of energy within a momentum
  double smallest_gap = 0.0;        ///< between neighbouring bands that share no block, energy; infinite if none

  std::size_t count() const { return first.empty() ? 0 : first.size() - 1; }
  std::span<const std::size_t> modes(std::size_t block) const {
    return std::span(member).subspan(first[block], first[block + 1] - first[block]);
  }
};

/// Groups the sorted energies at every momentum: neighbours whose gap is at most Bands::degeneracy_tolerance times the
/// bandwidth belong together (docs/physics.md, section 11). O(modes log orbitals).
DegenerateBlocks degenerate_blocks(const Bands& bands);

/// Whether the tasks solve a MatrixRateEquation for a model: bands are degenerate and the bath is given by jump
/// operators, or the thermal bath has operators.
bool needs_matrices(const TggeModel& model);

/// The backend for such a model, which is the CPU, and why.
/// @throws UnsupportedError if cuda is asked for
Backend matrix_backend(Backend asked, std::string* reason = nullptr);

/// @throws ParameterError naming the key if the entries of a block differ: which band has which value would depend on
///         the choice of basis
void require_equal_in_blocks(const Bands& bands, const DegenerateBlocks& blocks,
                             std::span<const double> lagrange_multiplier,
                             const std::string& key = "initial.lagrange_multiplier");

/// Largest beta times bandwidth for which the Boltzmann factors stay in range.
inline constexpr double coldest_degenerate_bath = 600.0;

/// Hermitian matrices, one per block, packed into a real vector. The first modes() elements are the diagonals, in the
/// order of Bands and in the basis of its eigenvectors. Then follow, block by block and for each pair i < j of a
/// block's modes, sqrt(2) times the real and the imaginary part of the element (i, j). With this factor the dot product
/// of two such vectors is the trace of the product. A band outside the blocks is a single number.
using BlockMatrices = std::vector<double>;

/// What drives the occupations of the blocks: gain G, loss Lambda and mean field h^H, dimensionless.
struct BlockRates {
  BlockMatrices gain, loss, mean_field;
};

/// The baths that a sum includes.
struct BathParts {
  bool thermal = true, nonequilibrium = true;
};

/// The rate equation of bands that are degenerate at some momenta. Their occupations are Hermitian matrices
/// (n_k)_ab = <c+_{k,b} c_{k,a}>, block diagonal in the energies (docs/physics.md, Eqs. 90-96):
///
///   dn/dt = epsilon J Pi{ {G, 1-n}/2 - {Lambda, n}/2 - i [h^H, n] }
///
/// Bands outside the blocks obey the scalar rate equation and enter the same sums. Results do not depend on the basis
/// that Bands::eigenvector chooses within a block. The sums use the moments of displacements, or with Algorithm::direct
/// every pair of momenta. Not safe to call from two threads at once.
class MatrixRateEquation {
 public:
  /// @param model  with JumpOperators; its bands need eigenvectors unless there is one orbital
  /// @throws ParameterError, UnsupportedError
  MatrixRateEquation(const TggeModel& model, DegenerateBlocks blocks, const Execution& execution = {});
  ~MatrixRateEquation();
  MatrixRateEquation(const MatrixRateEquation&) = delete;
  MatrixRateEquation& operator=(const MatrixRateEquation&) = delete;

  std::size_t modes() const;
  /// Length of BlockMatrices.
  std::size_t size() const;
  const Bands& bands() const;
  const DegenerateBlocks& blocks() const;
  double rate_scale() const;           ///< epsilon J, energy
  double inverse_temperature() const;  ///< beta
  bool thermal() const;                ///< the thermal bath is on
  Algorithm algorithm() const;         ///< direct or separable

  /// The same value in every diagonal element, zeros elsewhere.
  BlockMatrices diagonal(double value) const;
  /// Matrices from one number per mode. Within a block the numbers are replaced by their mean, which is independent of
  /// the basis.
  BlockMatrices from_modes(std::span<const double> values) const;
  /// Projects a Hermitian function of the momentum, (orbitals, orbitals) row-major, onto the blocks.
  BlockMatrices pack(const std::function<void(std::size_t momentum, std::complex<double>* matrix)>& function) const;
  /// Back to orbitals: (cells, orbitals, orbitals). For occupations the element (a, b) is <c+_b c_a>.
  std::vector<std::complex<double>> in_orbitals(std::span<const double> matrices) const;

  /// G and h^H from the particles n, Lambda from the holes 1-n. Linear in both, which may be any Hermitian matrices.
  /// O(modes orbitals displacements); O(modes^2) with Algorithm::direct.
  void rates(std::span<const double> particles, std::span<const double> holes, BlockRates& result,
             const BathParts& parts = {}) const;
  /// {G, 1-n}/2 - {Lambda, n}/2 - i [h^H, n] in every block, dimensionless.
  void balance(const BlockRates& rates, std::span<const double> particles, std::span<const double> holes,
               std::span<double> result) const;
  /// dn/dt, energy.
  void occupation_rate(std::span<const double> particles, std::span<double> rate, const BathParts& parts = {}) const;
  /// The n and 1-n that balance given rates: in every block Gamma n + n Gamma^+ = G with Gamma = (G + Lambda)/2 + i
  /// h^H, and Gamma (1-n) + (1-n) Gamma^+ = Lambda (docs/physics.md, Eq. 95).
  void fixed_point(const BlockRates& rates, BlockMatrices& particles, BlockMatrices& holes) const;
  /// Solves A x + x A^+ = right with A = scale Gamma + shift.
  void solve_sylvester(const BlockRates& rates, std::span<const double> right, std::span<double> x, double scale = 1.0,
                       double shift = 0.0) const;

  /// Eigenvalues of every block, which are independent of the basis, in ascending order in the places of its modes.
  std::vector<double> ascending_eigenvalues(std::span<const double> matrices) const;
  /// log((1-n)/n) of every block, computed from the smaller of n and 1-n.
  BlockMatrices multiplier(std::span<const double> particles, std::span<const double> holes) const;
  /// n and 1-n from the multipliers.
  void occupations(std::span<const double> multiplier, BlockMatrices& particles, BlockMatrices& holes) const;

  /// The change of n with the multiplier in every block: a negative operator, symmetric under the dot product.
  void occupation_derivative(std::span<const double> multiplier, std::span<const double> direction,
                             std::span<double> change) const;
  /// The change of the multiplier with n, the inverse of occupation_derivative().
  void multiplier_derivative(std::span<const double> multiplier, std::span<const double> direction,
                             std::span<double> change) const;
  /// The scale of changes of n: n (1-n) of each band; for every element of a block, that of its mean occupation.
  void spread(std::span<const double> particles, std::span<double> result) const;
  /// Largest Frobenius norm of any block.
  double largest(std::span<const double> matrices) const;
  /// 0 where gain and loss balance, at most 1: tanh(x/2), where x is the largest difference in any block between the
  /// multiplier and that of fixed_point(). For bands outside the blocks this is lindrift::balance_residual().
  double balance_residual(std::span<const double> multiplier) const;

  /// Particle current per cell along each direction, (1/cells) sum_k Tr[(d_i h) n_k], energy.
  std::vector<double> current(std::span<const double> particles) const;
  /// The shares of the orbitals in the current, (dimensions, orbitals); empty for one orbital.
  std::vector<double> orbital_current(std::span<const double> particles) const;
  /// (1/cells) sum_k Tr[h (d_i h) n_k], energy squared.
  std::vector<double> energy_current(std::span<const double> particles) const;
  /// Heat absorbed by the thermal bath and entropy change due to each bath, per cell and time in units of epsilon J.
  struct EntropyRates {
    double heat_to_bath = 0.0, thermal = 0.0, nonequilibrium = 0.0;
  };
  EntropyRates entropy_rates(std::span<const double> multiplier) const;

 private:
  struct Data;
  std::unique_ptr<Data> data_;
};

}  // namespace lindrift
