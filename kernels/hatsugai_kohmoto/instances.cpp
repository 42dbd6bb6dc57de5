// Compiled once per CPU instruction set; LINDRIFT_ISA names the variant.
#include "kernels/hatsugai_kohmoto/propagator.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace hatsugai_kohmoto {
namespace {

void propagate(const PropagatorTables& tables, Index first, Index last, const double* times, Index count,
               double* rows) {
  for (Index t = 0; t < count; ++t) {
    const double time = times[t];
    double* row = rows + 2 * t * tables.sites;
    Index k = first;
    for (; k + pack_width <= last; k += pack_width) {
      const auto a = amplitude<Pack>(tables, k, time);
      store_interleaved(a.re, a.im, row + 2 * k);
    }
    if (k == last) continue;
    const auto a = amplitude<Pack>(tables, k, time);  // the tables are padded with zeros
    for (int i = 0; k + i < last; ++i) {
      row[2 * (k + i)] = a.re[i];
      row[2 * (k + i) + 1] = a.im[i];
    }
  }
}

/// Real and imaginary parts stay in separate lanes until the end.
void profile_sums(const double* row, Index first, Index last, double label, double* norm, double* moment) {
  constexpr Index stride = pack_width / 2;  // sites in a pack
  Pack norm_sum[2]{}, moment_sum[2]{}, position[2];
  for (int i = 0; i < pack_width; ++i) {
    position[0][i] = label + static_cast<double>(i >> 1);
    position[1][i] = label + static_cast<double>((i >> 1) + stride);
  }
  Index j = first;
  for (; j + 2 * stride <= last; j += 2 * stride)
    for (int p = 0; p < 2; ++p) {
      const Pack value = load<Pack>(row, 2 * (j + p * stride)), square = value * value;
      norm_sum[p] += square;
      moment_sum[p] += position[p] * square;
      position[p] += static_cast<double>(2 * stride);
    }
  norm_sum[0] += norm_sum[1];
  moment_sum[0] += moment_sum[1];
  double total = 0.0, moved = 0.0;
  for (int i = 0; i < pack_width; ++i) {
    total += norm_sum[0][i];
    moved += moment_sum[0][i];
  }
  for (; j < last; ++j) {
    const double square = row[2 * j] * row[2 * j] + row[2 * j + 1] * row[2 * j + 1];
    total += square;
    moved += (label + static_cast<double>(j - first)) * square;
  }
  *norm = total;
  *moment = moved;
}

void spectral(const SpectralTables& tables, const double* frequency, Index first, Index last, double* spectral_function,
              double* self_energy, double* green) {
  const Spectral functor{tables, frequency, spectral_function, self_energy, green};
  for (Index i = first; i < last; ++i) functor(i);
}

}  // namespace
}  // namespace hatsugai_kohmoto

PropagatorFunctions propagator_functions() {
  return {hatsugai_kohmoto::propagate, hatsugai_kohmoto::profile_sums, hatsugai_kohmoto::spectral};
}

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
