#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "kernels/lattice/phase.hpp"
#include "lindrift/lattice/lattice.hpp"

namespace lindrift {

/// Lattice::phase() for momenta one after the other: the same bits, by additions of integers and a table of all phases
/// of the lattice unless that is long.
class LatticePhases {
 public:
  explicit LatticePhases(const Lattice& lattice) : lattice_(lattice) {
    for (int i = 0; i < lattice.dimensions(); ++i) {
      cells_[static_cast<std::size_t>(i)] = lattice.cells(i);
      period_ = std::lcm(period_, lattice.cells(i));
    }
    if (period_ > longest) return;
    phases_.reserve(static_cast<std::size_t>(period_));
    for (std::int64_t turns = 0; turns < period_; ++turns) phases_.push_back(phase_of(turns));
  }

  /// The least common multiple of the numbers of cells.
  std::int64_t period() const { return period_; }
  /// The phases 2 pi j / period, (period,); null if they are too many to be stored.
  const Phase* all() const { return phases_.empty() ? nullptr : phases_.data(); }

  /// The phases k.R for one displacement R.
  class Walk {
   public:
    /// @param k  where the walk starts
    Walk(const LatticePhases& table, const LatticeVector& displacement, std::size_t k)
        : table_(table), displacement_(displacement), k_(k) {
      const auto last = static_cast<std::size_t>(table.lattice_.dimensions() - 1);
      row_ = static_cast<std::size_t>(table.lattice_.cells(static_cast<int>(last)));
      LatticeVector next{};
      next[last] = 1;
      step_ = table.turns(next, displacement);
      begin();
    }
    Phase operator*() const {
      return table_.phases_.empty() ? table_.phase_of(turns_) : table_.phases_[static_cast<std::size_t>(turns_)];
    }
    void operator++() {
      ++k_;
      if (--left_ == 0) return begin();
      turns_ += step_;
      if (turns_ >= table_.period_) turns_ -= table_.period_;
    }

   private:
    void begin() {
      turns_ = table_.turns(table_.lattice_.momentum(k_), displacement_);
      left_ = row_ - k_ % row_;
    }

    const LatticePhases& table_;
    LatticeVector displacement_;
    std::size_t k_, row_ = 1, left_ = 1;  ///< momenta in a row, and until its end
    std::int64_t step_ = 0, turns_ = 0;
  };

 private:
  static constexpr std::int64_t longest = 1 << 16;

  Phase phase_of(std::int64_t turns) const { return {cos_pi(2 * turns, period_), sin_pi(2 * turns, period_)}; }
  /// The phase k.R of a momentum with integers m, in units of 2 pi / period, from 0 up to the period.
  std::int64_t turns(const LatticeVector& momentum, const LatticeVector& displacement) const {
    const LatticeVector r = lattice_.wrapped(displacement);
    return kernels::lattice::turns_of(lattice_.dimensions(), cells_.data(), period_, momentum.data(), r.data());
  }

  Lattice lattice_;
  LatticeVector cells_{1, 1, 1};
  std::int64_t period_ = 1;
  std::vector<Phase> phases_;
};

}  // namespace lindrift
