#pragma once

#include "kernels/tgge/source_mode.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// Hop weight that is a short sum of products, w(to, from) = sum_r in_r(to) out_r(from) with in, out >= 0: one product
/// for the Raman bath (Eq. 5), two for spin dephasing (Eq. 11).
template <int Rank>
struct ProductWeight {
  const double* in;   ///< shape (Rank, modes)
  const double* out;  ///< shape (Rank, modes)
  Index size;         ///< modes

  /// A column of 16 bytes a product takes longer to read than two rows of products with it.
  static constexpr int rows_per_lane = 4;

  template <class T>
  struct Mode {
    T in[Rank], out[Rank];
  };
  using Row = Mode<double>;
  /// A source mode, whose particles and holes are multiplied into its factors once for all rows.
  template <class T>
  struct Column {
    T out_particle[Rank], in_hole[Rank];
  };
  template <class T>
  LINDRIFT_HD Mode<T> mode(Index s) const {
    Mode<T> result;
    for (int r = 0; r < Rank; ++r) {
      result.in[r] = load<T>(in + r * size, s);
      result.out[r] = load<T>(out + r * size, s);
    }
    return result;
  }
  LINDRIFT_HD Row row(Index s) const { return mode<double>(s); }
  template <class T>
  LINDRIFT_HD Column<T> column(Index s, T particle, T hole) const {
    Column<T> result;
    for (int r = 0; r < Rank; ++r) {
      result.out_particle[r] = load<T>(out + r * size, s) * particle;
      result.in_hole[r] = load<T>(in + r * size, s) * hole;
    }
    return result;
  }
  template <class T>
  LINDRIFT_HD void accumulate(const Row& row, const Column<T>& column, BathSums<T>& sum) const {
    for (int r = 0; r < Rank; ++r) {
      sum.gain += row.in[r] * column.out_particle[r];
      sum.loss += row.out[r] * column.in_hole[r];
    }
  }
};

/// Moments of the source modes (Eq. 12). The sums of Eq. 6 are linear in them and in the row's in_r and out_r.
template <int Rank, class T>
struct ProductMoments {
  T thermal_gain{}, thermal_loss{};
  T gain[Rank]{}, loss[Rank]{};

  LINDRIFT_HD ProductMoments& operator+=(const ProductMoments& other) {
    thermal_gain += other.thermal_gain;
    thermal_loss += other.thermal_loss;
    add_each(gain, other.gain);
    add_each(loss, other.loss);
    return *this;
  }
  LINDRIFT_HD ProductMoments<Rank, double> lane(int i) const {
    ProductMoments<Rank, double> result;
    result.thermal_gain = thermal_gain[i];
    result.thermal_loss = thermal_loss[i];
    lane_of_each(result.gain, gain, i);
    lane_of_each(result.loss, loss, i);
    return result;
  }
};

/// The reduction over the source modes that yields the moments.
template <int Rank, class Source>
struct ProductMomentTerm {
  template <class T>
  using Sum = ProductMoments<Rank, T>;

  ProductWeight<Rank> weight;
  Source source;

  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& moments) const {
    const SourceMode<T> from = source.template mode<T>(s);
    const auto mode = weight.template mode<T>(s);
    moments.thermal_gain += from.thermal_particle;
    moments.thermal_loss += from.thermal_hole;
    for (int r = 0; r < Rank; ++r) {
      moments.gain[r] += mode.out[r] * from.particle;
      moments.loss[r] += mode.in[r] * from.hole;
    }
  }
};

/// The sums of each row from the moments.
template <int Rank>
struct ProductRowSums {
  ProductWeight<Rank> weight;
  ProductMoments<Rank, double> moments;

  template <class T>
  LINDRIFT_HD PairSums<T> at(Index s) const {
    const auto mode = weight.template mode<T>(s);
    PairSums<T> sum;
    sum.thermal_gain += moments.thermal_gain;
    sum.thermal_loss += moments.thermal_loss;
    for (int r = 0; r < Rank; ++r) {
      sum.gain += mode.in[r] * moments.gain[r];
      sum.loss += mode.out[r] * moments.loss[r];
    }
    return sum;
  }
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
