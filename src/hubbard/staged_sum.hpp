#pragma once

#include <complex>
#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace lindrift {

class Communicator;

/// A long sum over the chain in stages. It can stop between stages, and later continue from the current content of its
/// rows.
class StagedSum {
 public:
  /// @param done      stages completed; @param of  total number
  /// @param complete  updates the rows of this process if ranks hold parts of them; all ranks must call it, or none
  /// @return false to stop the sum
  using OnStage = std::function<bool(std::size_t done, std::size_t of, const std::function<void()>& complete)>;

  /// @param on_stage  called after each stage but the last, on every rank that shares the problem; may be empty
  /// @param begin     stages completed earlier
  explicit StagedSum(OnStage on_stage = {}, std::size_t begin = 0) : on_stage_(std::move(on_stage)), begin_(begin) {}

  void expect(std::size_t stages) { of_ += stages; }
  bool stopped() const { return stopped_; }
  /// Whether to skip the next stage: it was completed earlier, or the sum has stopped.
  bool skips() {
    if (!stopped_ && done_ >= begin_) return false;
    ++done_;
    return true;
  }
  void finished(const std::function<void()>& complete = {}) {
    ++done_;
    stopped_ = on_stage_ && done_ < of_ &&
               !on_stage_(
                   done_, of_, complete ? complete : [] {});
  }

 private:
  OnStage on_stage_;
  std::size_t begin_, of_ = 0, done_ = 0;
  bool stopped_ = false;
};

/// Rows of Sigma(k,w) by momentum. Half of them follow from the others if Sigma(pi-k,-w) = -conj Sigma(k,w); ranks
/// share the rest.
class SharedRows {
 public:
  /// A momentum to compute.
  struct Momentum {
    std::size_t m;
    std::complex<double>* row;     ///< target of its sum, or null if only its mirror image is requested
    std::complex<double>* mirror;  ///< target for pi - k, or null
  };
  struct Range {
    std::size_t first, last;
  };

  /// @param rows   m = 0 .. L-1, `count` values each; a row may be null
  /// @param communicator   null for a single process
  SharedRows(std::span<std::complex<double>* const> rows, std::size_t count, bool mirrored, Communicator* communicator);

  std::size_t size() const { return momenta_.size(); }
  /// Targets of momentum i; if ranks share, they belong to this rank alone until gather().
  const Momentum& operator[](std::size_t i) const { return targets_[i]; }
  /// This process's share of the momenta in `range`, in whole tiles, so that the bits do not depend on the ranks.
  Range share(Range range, std::size_t tile) const;
  /// Completes the momenta in `range` after every rank has computed its share.
  void gather(Range range, std::size_t tile);

 private:
  std::size_t count_;
  Communicator* communicator_;
  std::vector<Momentum> momenta_, targets_;
  std::vector<std::complex<double>> own_;  ///< if ranks share: shape (momenta, count)
};

}  // namespace lindrift
