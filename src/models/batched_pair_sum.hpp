#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "kernels/tgge/rate_kernel.hpp"
#include "lindrift/backend.hpp"
#include "models/energy_levels.hpp"

namespace lindrift {

/// A square matrix on the backend on which it is multiplied.
class Multiplier {
 public:
  virtual ~Multiplier() = default;
  /// product = rows * matrix; both (count, size) on the host.
  virtual void multiply(const std::vector<double>& rows, std::size_t count, std::vector<double>& product) = 0;
};

/// Writes elements of one row of a matrix, from a column on; called from several threads at once.
using MatrixRow = std::function<void(std::size_t row, std::size_t first_column, std::span<double> values)>;

/// The matrices of Eq. 6, as row vectors are multiplied by them; null where the kernels do without.
struct PairMatrices {
  EnergyLevels levels;  ///< between which ...
  MatrixRow spectrum;   ///< ... sigma is, (levels, levels), symmetric
  MatrixRow by_to;      ///< w(to, from), (modes, modes)
  MatrixRow by_from;    ///< w(to, from) in row `from`
};

/// Sums over pairs of several problems that share their matrices. Each runs in a slot with a thread of its own; its
/// sums wait until every other slot has asked for one or has left, and one thread then multiplies for all of them.
/// Which sums meet depends on the problems alone.
class BatchedPairSum {
 public:
  /// @param slots     rows of each product, whoever fills them: a library's kernels, and with them the last bits,
  ///                   depend on the shapes
  /// @param taken      how many of the slots will ask and leave
  /// @param execution  backend resolved; ranks share the columns of the products
  BatchedPairSum(std::size_t modes, std::size_t slots, std::size_t taken, PairMatrices matrices,
                 const Execution& execution);
  ~BatchedPairSum();

  /// What the problems at a slot ask, one after the other, until leave(); to be used by one thread.
  kernels::ExternalPairSum& slot(std::size_t index);
  /// A slot will ask for nothing more. Once for each that is taken, whatever happened in it.
  void leave(std::size_t slot);
  /// Whether products have failed, or were ended; to be asked by the thread of a slot that has not left.
  bool failed() const { return failure_ != nullptr; }
  /// Throws what products have failed with, if they have; after serve().
  void rethrow_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }
  /// Multiplies until all problems have left. What fails here fails in every problem that waits for a sum, and an
  /// Interruption does from the moment at which `go_on` has said false.
  void serve(const std::function<bool()>& go_on);

 private:
  class Product;
  class Slot;
  /// Of those for which serve() waits.
  void one_less();

  EnergyLevels levels_;
  std::unique_ptr<Product> spectrum_, by_to_, by_from_;
  std::vector<std::unique_ptr<Slot>> slots_;

  std::atomic<std::size_t> missing_;  ///< slots that neither wait for a product nor have left
  std::mutex mutex_;
  std::condition_variable asked_;
  std::exception_ptr failure_;
};

}  // namespace lindrift
