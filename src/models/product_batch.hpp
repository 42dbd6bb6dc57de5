#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
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

/// The matrices of Eq. 6, empty where the kernels do without; (modes, modes) those of hops.
struct PairMatrices {
  EnergyLevels levels;           ///< between which ...
  std::vector<double> spectrum;  ///< ... sigma is, (levels, levels), symmetric
  std::vector<double> by_to;     ///< w(to, from) at [to * modes + from]
  std::vector<double> by_from;   ///< w(to, from) at [from * modes + to]
};

/// Sums over pairs of several problems that share their matrices. Each problem runs in a thread of its own; its sums
/// wait until every other problem has asked for one or has left, and one thread then multiplies for all of them. Which
/// sums meet depends on the problems alone.
class ProductBatch {
 public:
  /// @param places     rows of each product, whoever fills them: a library's kernels, and with them the last bits,
  ///                   depend on the shapes
  /// @param problems   how many of the places are taken
  /// @param execution  backend resolved; a team shares the columns of the products
  ProductBatch(std::size_t modes, std::size_t places, std::size_t problems, PairMatrices matrices,
               const Execution& execution);
  ~ProductBatch();

  /// To be used by one thread, until leave().
  kernels::RowProducts& problem(std::size_t place);
  /// A problem will ask for nothing more. Once for each problem, whatever happened to it.
  void leave();
  /// Multiplies until all problems have left. What fails here fails in every problem that waits for a sum, and an
  /// Interruption does from the moment at which `go_on` has said false.
  void serve(const std::function<bool()>& go_on);

 private:
  class Problem;
  void multiply_all();

  std::size_t modes_;
  EnergyLevels levels_;
  bool has_spectrum_, has_weight_;
  std::unique_ptr<Multiplier> spectrum_, by_to_, by_from_;
  std::vector<std::unique_ptr<Problem>> problems_;
  std::vector<double> rows_, product_;

  std::mutex mutex_;
  std::condition_variable asked_, answered_;
  std::size_t active_, waiting_ = 0;
  std::exception_ptr failure_;
};

}  // namespace lindrift
