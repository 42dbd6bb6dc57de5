#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <span>
#include <vector>

#include "lindrift/tgge/matrix_rate_equation.hpp"
#include "tgge/small_matrix.hpp"

namespace lindrift {

/// d ell / dt of the multipliers ell = log((1-n)/n) of a MatrixRateEquation and its derivative, in the eigenvectors of
/// ell (docs/physics.md, Eqs. 99a-99c). There no element is the difference of larger ones, so that rates and
/// occupations of any spread keep their digits. A band outside of the blocks counts as a block of its own.
///
/// All vectors are packed like BlockMatrices. Where a bath does not couple to all states of a block, elements of ell
/// between those it couples to and the others are as small as the rates of one bath over those of another, and they
/// decide the occupations of the others. Vectors that are `framed` hold the matrix elements between those states, so
/// that small elements keep their digits. The frame of other blocks is that of BlockMatrices. Vectors `inside` hold the
/// matrix elements between the eigenvectors of ell.
class BlockFlow {
 public:
  /// @param number    of particles, which says which blocks become empty
  /// @param accuracy  error of the elements of ell. In blocks without a frame, what it adds to the rates of small
  ///                  occupations counts as none.
  BlockFlow(const MatrixRateEquation& equation, double number, double accuracy = 1e-13);

  void to_frame(std::span<const double> matrices, std::span<double> framed) const;
  void from_frame(std::span<const double> framed, std::span<double> matrices) const;

  /// Computes everything below at `multiplier`, which is framed.
  void set_point(std::span<const double> multiplier);

  /// Eigenvalues of ell, shape (modes,).
  const std::vector<double>& eigenvalues() const { return value_; }
  /// Largest rate of a block that is not in balance to within `accuracy`, energy; its logarithm. -inf if none.
  double log_fastest(double accuracy) const;
  /// How far the blocks are from balance: the largest difference in any block between ell and the multipliers that
  /// balance its gain and loss, to first order in the elements off the diagonal.
  double imbalance() const;

  /// What a block's rates are multiplied by.
  enum class Clock {
    time,     ///< e^{log_time}, but no rate above e^300: such a block has long been in balance
    balanced  ///< one over the largest rate of the block
  };
  /// d ell / dt times the clock, inside. At most as large as doubles are.
  /// @param rest  blocks in balance to within this do not move
  void flow(Clock clock, double log_time, double rest, std::span<double> inside);
  /// Factorises identity - step D of every block, where D is the derivative of flow() at given gain, loss and mean
  /// field; without `identity` it is -D.
  void factorize(bool identity, double step);
  /// Solves with these matrices, in place.
  void solve_local(std::span<double> inside) const;
  /// The change of flow() with ell by way of gain, loss and mean field.
  void multiply_rates(std::span<const double> inside, std::span<double> change);

  /// Accuracy that the elements of ell off the diagonal of a block must have, in units of that of its eigenvalues, so
  /// that the rates of all eigenvalues follow: |G_ij| <= sqrt(G_ii G_jj) for i != j.
  double angle_accuracy(std::size_t block) const;

  void to_inside(std::span<const double> framed, std::span<double> inside) const;
  void from_inside(std::span<const double> inside, std::span<double> framed) const;

 private:
  using Complex = std::complex<double>;
  struct Unit {
    std::size_t first, order;   ///< members in member_
    std::size_t pairs, square;  ///< where its elements off the diagonal, and its matrices, begin
    std::size_t factors;        ///< where its factorised matrix begins
  };

  void choose_frame(double number);
  bool has_frame(const Unit& unit) const;
  /// A block of a matrix that is not framed, as it is in the frame.
  SmallMatrix framed(const Unit& unit, std::span<const double> packed) const;
  SmallMatrix load(const Unit& unit, std::span<const double> packed) const;
  void store(const Unit& unit, const SmallMatrix& matrix, std::span<double> packed) const;
  SmallMatrix read(const Unit& unit, const std::vector<Complex>& all) const;
  void write(const Unit& unit, const SmallMatrix& matrix, std::vector<Complex>& all) const;
  template <class Body>
  void for_units(const Body& body) const;
  double value(const Unit& unit, std::size_t i) const { return value_[member_[unit.first + i]]; }
  /// log of {h}/(2 |df|) and of {n}/(2 |df|): what multiplies gain and loss in d ell / dt.
  double log_gain_factor(double x, double y) const;
  double log_loss_factor(double x, double y) const { return log_gain_factor(-x, -y); }
  void set_clock(const Unit& unit, Clock clock, double log_time);
  SmallMatrix apply_local(const Unit& unit, const SmallMatrix& direction) const;
  SmallMatrix without_small(const Unit& unit, SmallMatrix rates, std::vector<Complex>& kept);
  void sum_parts(const Unit& unit, const SmallMatrix& thermal, const SmallMatrix& driven, double least,
                 std::vector<Complex>& all, std::vector<Complex>& directions, std::vector<char>& small);
  double imbalance(const Unit& unit) const;
  bool in_balance(const Unit& unit, double accuracy) const;
  double log_rate(const Unit& unit) const;

  const MatrixRateEquation& equation_;
  double squared_angle_;  ///< between eigenvectors, that the accuracy of ell leaves
  std::vector<Unit> unit_;
  std::vector<std::size_t> member_;
  std::vector<double> value_;
  std::vector<char> has_frame_;   ///< (units,)
  std::vector<Complex> frame_;    ///< its states
  std::vector<Complex> vectors_;  ///< of ell, in the frame
  std::vector<Complex> gain_, loss_, field_, flow_;
  std::array<std::vector<Complex>, 2> kept_gain_, kept_loss_;  ///< factors, of the thermal and the driven bath
  std::vector<Complex> driven_gain_, driven_loss_;             ///< eigenvectors, of eigenvalues that are not small
  std::vector<char> small_gain_, small_loss_;                  ///< (modes,): of the driven gain and loss
  std::vector<double> log_clock_;                              ///< (units,)
  std::vector<double> factors_;
  std::vector<std::size_t> pivots_;
  BlockMatrices particles_, holes_;
  BlockRates thermal_, driven_;
};

}  // namespace lindrift
