#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "kernels/tgge/rate_kernel.hpp"
#include "lindrift/backend.hpp"
#include "tgge/energy_levels.hpp"

namespace lindrift {

/// Writes elements of one row of a matrix, starting at a column. Called by several threads at once.
using MatrixRow = std::function<void(std::size_t row, std::size_t first_column, std::span<double> values)>;

/// The matrices of Eq. 6, by which row vectors are multiplied. Null if the kernels need none.
struct PairMatrices {
  EnergyLevels levels;
  MatrixRow spectrum;  ///< sigma between levels, (levels, levels), symmetric
  MatrixRow by_to;     ///< w(to, from), (modes, modes), row = to
  MatrixRow by_from;   ///< the same, row = from
};

/// Sums over pairs for a batch of points that share their matrices. Each slot has a thread, which solves its points one
/// after the other. A sum waits until every other slot has asked for one or has left; then one thread multiplies for
/// all. Which sums meet depends on the points alone.
class BatchedPairSum {
 public:
  /// @param slots      fix the shapes of the products, on which a library's last bits depend, however many are taken
  /// @param taken      slots that will ask and leave
  /// @param execution  backend resolved; ranks share the columns of the products
  BatchedPairSum(std::size_t modes, std::size_t slots, std::size_t taken, PairMatrices matrices,
                 const Execution& execution);
  ~BatchedPairSum();

  /// Bytes of these matrices and their rows on a device.
  static double device_bytes(std::size_t modes, std::size_t slots, const PairMatrices& matrices, int device);

  /// The sums of the points in a slot, one point after the other, until leave(). For one thread.
  kernels::ExternalPairSum& slot(std::size_t index);
  /// Ends a slot, which asks for nothing more. To be called once for each slot taken, whatever happened in it.
  void leave(std::size_t slot);
  /// Whether a product has failed or serve() was interrupted. For the thread of a slot that has not left.
  bool failed() const { return failure_ != nullptr; }
  /// After serve(): throws what the products have failed with, if they have.
  void rethrow_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }
  /// Multiplies until every slot has left. What fails here is thrown in every slot that waits for a sum; once `go_on`
  /// has returned false, that is an Interruption.
  void serve(const std::function<bool()>& go_on);

 private:
  class Product;
  class Slot;
  /// One slot fewer for serve() to wait for.
  void one_less();

  EnergyLevels levels_;
  std::unique_ptr<Product> spectrum_, by_to_, by_from_;
  std::vector<std::unique_ptr<Slot>> slots_;

  std::atomic<int> missing_;  ///< slots that neither wait for a product nor have left
  std::exception_ptr failure_;
};

}  // namespace lindrift
