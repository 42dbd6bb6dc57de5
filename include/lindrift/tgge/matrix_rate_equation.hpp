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

/// Sets of bands that have one energy at one momentum, up to a tolerance. Sets of one band are left out.
struct DegenerateBlocks {
  std::vector<std::size_t> first;   ///< (count() + 1,): members first[b] .. first[b + 1] - 1 are those of block b
  std::vector<std::size_t> member;  ///< modes, momentum by momentum, ascending in energy within a momentum
  double smallest_gap = 0.0;        ///< between neighbouring bands outside of the blocks, energy; infinite if none

  std::size_t count() const { return first.empty() ? 0 : first.size() - 1; }
  std::span<const std::size_t> modes(std::size_t block) const {
    return std::span(member).subspan(first[block], first[block + 1] - first[block]);
  }
};

/// Chains the sorted energies of every momentum whose gaps are at most Bands::degeneracy_tolerance times the
/// bandwidth (docs/physics.md, section 11). O(modes log orbitals).
DegenerateBlocks degenerate_blocks(const Bands& bands);

/// Whether the tasks solve a MatrixRateEquation for a model: its jump operators are known, and bands are degenerate or
/// the thermal bath has operators.
bool needs_matrices(const TggeModel& model);

/// Backend of such a model: the CPU, and why.
/// @throws UnsupportedError if cuda is asked for
Backend matrix_backend(Backend asked, std::string* reason = nullptr);

/// @throws ParameterError naming initial.lagrange_multiplier unless the entries of a block are one number: which of its
///         bands would have which is for no basis to say
void require_equal_in_blocks(const Bands& bands, const DegenerateBlocks& blocks,
                             std::span<const double> lagrange_multiplier);

/// Largest beta times bandwidth for which Boltzmann factors stay in range.
inline constexpr double coldest_degenerate_bath = 600.0;

/// Hermitian matrices on the blocks, one for each: packed into a vector of reals whose first modes() elements are the
/// diagonal, in the order of Bands and in the basis of its eigenvectors; then, block by block, for each pair i < j of
/// a block's modes sqrt(2) times the real and the imaginary part of the element (i, j). The dot product of two such
/// vectors is the trace of the product. A band outside of the blocks is a number.
using BlockMatrices = std::vector<double>;

/// What drives the occupations of the blocks: gain G, loss Lambda and the mean field h^H, dimensionless.
struct BlockRates {
  BlockMatrices gain, loss, mean_field;
};

/// Which baths a sum runs over.
struct BathParts {
  bool thermal = true, nonequilibrium = true;
};

/// The rate equation of bands that are degenerate somewhere: their occupations are Hermitian matrices
/// (n_k)_ab = <c+_{k,b} c_{k,a}>, block diagonal in the energies (docs/physics.md, Eqs. 90-96):
///
///   dn/dt = epsilon J Pi{ {G, 1-n}/2 - {Lambda, n}/2 - i [h^H, n] }
///
/// Bands outside of the blocks obey the scalar rate equation, in the same sums. No result depends on the basis that
/// Bands::eigenvector chooses within a block. Sums go through the moments of displacements, or with Algorithm::direct
/// over every pair of momenta. Not safe to call from two threads at once.
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

  /// The same number on the diagonal everywhere, and nothing beside it.
  BlockMatrices diagonal(double value) const;
  /// Numbers of the modes as matrices. Numbers within a block are replaced by their mean, which no basis changes.
  BlockMatrices from_modes(std::span<const double> values) const;
  /// A function of each momentum's orbitals, (orbitals, orbitals) row-major and Hermitian, cut down to the blocks.
  BlockMatrices pack(const std::function<void(std::size_t momentum, std::complex<double>* matrix)>& function) const;
  /// Back to orbitals: (cells, orbitals, orbitals), whose element (a, b) is <c+_b c_a> for an occupation.
  std::vector<std::complex<double>> in_orbitals(std::span<const double> matrices) const;

  /// G and h^H from the particles n, Lambda from the holes 1-n: linear in each, which may be any Hermitian matrices.
  /// O(modes orbitals displacements); O(modes^2) with Algorithm::direct.
  void rates(std::span<const double> particles, std::span<const double> holes, BlockRates& result,
             const BathParts& parts = {}) const;
  /// {G, 1-n}/2 - {Lambda, n}/2 - i [h^H, n] in every block, dimensionless.
  void balance(const BlockRates& rates, std::span<const double> particles, std::span<const double> holes,
               std::span<double> result) const;
  /// dn/dt, energy.
  void occupation_rate(std::span<const double> particles, std::span<double> rate, const BathParts& parts = {}) const;
  /// The n and 1-n that given rates would lead to: Gamma n + n Gamma^+ = G with Gamma = (G + Lambda)/2 + i h^H in
  /// every block, and Gamma (1-n) + (1-n) Gamma^+ = Lambda (docs/physics.md, Eq. 95).
  void fixed_point(const BlockRates& rates, BlockMatrices& particles, BlockMatrices& holes) const;
  /// x of A x + x A^+ = right with A = scale Gamma + shift.
  void solve_sylvester(const BlockRates& rates, std::span<const double> right, std::span<double> x, double scale = 1.0,
                       double shift = 0.0) const;

  /// Eigenvalues of every block, which no basis changes, in the places of its modes: ascending in their order.
  std::vector<double> ascending_eigenvalues(std::span<const double> matrices) const;
  /// log((1-n)/n) of every block, from whichever of n and 1-n is the smaller.
  BlockMatrices multiplier(std::span<const double> particles, std::span<const double> holes) const;
  /// n and 1-n of multipliers.
  void occupations(std::span<const double> multiplier, BlockMatrices& particles, BlockMatrices& holes) const;

  /// The change of n with that of the multiplier, in every block: negative, and symmetric in the dot product.
  void occupation_derivative(std::span<const double> multiplier, std::span<const double> direction,
                             std::span<double> change) const;
  /// The change of the multiplier with that of n, the inverse.
  void multiplier_derivative(std::span<const double> multiplier, std::span<const double> direction,
                             std::span<double> change) const;
  /// n (1-n) of each band, or of the mean occupation of its block for every element: the size of changes of n.
  void spread(std::span<const double> particles, std::span<double> result) const;
  /// Largest size of a matrix in any block, in the root of the sum of squares.
  double largest(std::span<const double> matrices) const;
  /// 0 where gain and loss balance, at most 1: tanh(x/2) of the largest x by which the multiplier and that of
  /// fixed_point() differ in a block. For bands outside of blocks it is that of balance_residual().
  double balance_residual(std::span<const double> multiplier) const;

  /// Particle current per cell along each direction, (1/cells) sum_k Tr[(d_i h) n_k], energy.
  std::vector<double> current(std::span<const double> particles) const;
  /// The orbitals' shares, (dimensions, orbitals); empty for one orbital.
  std::vector<double> orbital_current(std::span<const double> particles) const;
  /// (1/cells) sum_k Tr[h (d_i h) n_k], energy squared.
  std::vector<double> energy_current(std::span<const double> particles) const;
  /// Heat that the thermal bath takes per cell and time, and the entropy that each bath brings, energy.
  struct EntropyRates {
    double heat_to_bath = 0.0, thermal = 0.0, nonequilibrium = 0.0;
  };
  EntropyRates entropy_rates(std::span<const double> particles, std::span<const double> holes) const;

 private:
  struct Data;
  std::unique_ptr<Data> data_;
};

}  // namespace lindrift
