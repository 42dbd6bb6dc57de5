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

/// Writes elements of one row of a matrix, starting at a given column. Called by several threads at once.
using MatrixRow = std::function<void(std::size_t row, std::size_t first_column, std::span<double> values)>;

/// The matrices of Eq. 6 that multiply row vectors. Null where the kernels need none.
struct PairMatrices {
  EnergyLevels levels;
  MatrixRow spectrum;  ///< sigma between levels, (levels, levels), symmetric
  MatrixRow by_to;     ///< w(to, from), (modes, modes), row = to
  MatrixRow by_from;   ///< the same, row = from
};

/// Sums over pairs for a batch of points that share their matrices. Each slot has a thread, which solves its points one
/// after the other. A sum waits until every other slot has requested one or has left; then one thread multiplies for
/// all of them. Which sums are evaluated together depends only on the points.
class BatchedPairSum {
 public:
  /// @param slots      sets the shapes of the products, which determine a library's last bits, however many slots are
  ///                   used
  /// @param taken      number of slots that are used
  /// @param execution  with the backend resolved; ranks share the columns of the products
  BatchedPairSum(std::size_t modes, std::size_t slots, std::size_t taken, PairMatrices matrices,
                 const Execution& execution);
  ~BatchedPairSum();

  /// Device memory of these matrices and their rows, in bytes.
  static double device_bytes(std::size_t modes, std::size_t slots, const PairMatrices& matrices, int device);

  /// The sums of the points in a slot, one point after the other, until leave(). To be used by one thread.
  kernels::ExternalPairSum& slot(std::size_t index);
  /// Ends a slot, which makes no further request. Must be called once for each slot taken, also after an exception.
  void leave(std::size_t slot);
  /// Whether a product has failed or serve() was interrupted. To be called by a slot's thread before it leaves.
  bool failed() const { return failure_ != nullptr; }
  /// After serve(): rethrows the failure of the products, if any.
  void rethrow_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }
  /// Multiplies until every slot has left. An exception thrown here is rethrown in every slot that waits for a sum;
  /// after `go_on` has returned false, that is an Interruption.
  void serve(const std::function<bool()>& go_on);

 private:
  class Product;
  class Slot;
  /// Reduces the number of slots that serve() waits for by one.
  void one_less();

  EnergyLevels levels_;
  std::unique_ptr<Product> spectrum_, by_to_, by_from_;
  std::vector<std::unique_ptr<Slot>> slots_;

  std::atomic<int> missing_;  ///< slots that have neither requested a product nor left
  std::exception_ptr failure_;
};

}  // namespace lindrift
