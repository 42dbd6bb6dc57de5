#pragma once

#include <utility>

#include "kernels/functor.hpp"

/// Converts rows of doubles to packs with one row per lane, and back.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace fourier {

using Mask [[gnu::vector_size(pack_width * sizeof(std::int64_t))]] = std::int64_t;

/// The mask whose lane l is lane(l).
template <class Lane, int... L>
constexpr Mask mask_of(Lane lane, std::integer_sequence<int, L...>) {
  return Mask{lane(L)...};
}
template <class Lane>
constexpr Mask mask_of(Lane lane) {
  return mask_of(lane, std::make_integer_sequence<int, pack_width>());
}

/// Transposes pack_width packs in place.
template <int Step = 1>
LINDRIFT_HD void transpose(Pack (&x)[pack_width]) {
  if constexpr (Step < pack_width) {
    // Exchanges blocks of Step lanes between two packs; lanes of the second are numbered from pack_width on.
    constexpr Mask lower = mask_of([](int l) { return (l & Step) == 0 ? l : pack_width + l - Step; });
    constexpr Mask upper = mask_of([](int l) { return (l & Step) == 0 ? l + Step : pack_width + l; });
#pragma GCC unroll 8
    for (int i = 0; i < pack_width; ++i)
      if ((i & Step) == 0) {
        const Pack a = x[i], b = x[i + Step];
        x[i] = __builtin_shuffle(a, b, lower);
        x[i + Step] = __builtin_shuffle(a, b, upper);
      }
    transpose<2 * Step>(x);
  }
}

/// side[c] = (rows[0][c], rows[1][c], ...) for c < columns; rows from `count` on count as zero.
inline void gather_rows(const double* rows, Index stride, int count, Index columns, Pack* side) {
  Index c = 0;
  if (count == pack_width) {
    for (; c + pack_width <= columns; c += pack_width) {
      Pack x[pack_width];
#pragma GCC unroll 8
      for (int l = 0; l < pack_width; ++l) x[l] = load<Pack>(rows + l * stride, c);
      transpose(x);
#pragma GCC unroll 8
      for (int l = 0; l < pack_width; ++l) side[c + l] = x[l];
    }
  }
  for (; c < columns; ++c) {
    Pack x{};
    for (int l = 0; l < count; ++l) x[l] = rows[l * stride + c];
    side[c] = x;
  }
}

/// The inverse of gather_rows for the first `count` rows.
inline void scatter_rows(const Pack* side, Index stride, int count, Index columns, double* rows) {
  Index c = 0;
  if (count == pack_width) {
    for (; c + pack_width <= columns; c += pack_width) {
      Pack x[pack_width];
#pragma GCC unroll 8
      for (int l = 0; l < pack_width; ++l) x[l] = side[c + l];
      transpose(x);
#pragma GCC unroll 8
      for (int l = 0; l < pack_width; ++l) __builtin_memcpy(rows + l * stride + c, &x[l], sizeof(Pack));
    }
  }
  for (; c < columns; ++c) {
    const Pack x = side[c];
    for (int l = 0; l < count; ++l) rows[l * stride + c] = x[l];
  }
}

struct PackComplex {
  Pack re, im;
};

/// pack_width (or `count`) neighbouring complex numbers, real and imaginary parts apart.
LINDRIFT_HD PackComplex load_complex(const double* values, int count) {
  if (count == pack_width) {
    const Pack a = load<Pack>(values, 0), b = load<Pack>(values, pack_width);
    constexpr Mask even = mask_of([](int l) { return 2 * l; }), odd = mask_of([](int l) { return 2 * l + 1; });
    return {__builtin_shuffle(a, b, even), __builtin_shuffle(a, b, odd)};
  }
  PackComplex z{};
  for (int l = 0; l < count; ++l) {
    z.re[l] = values[2 * l];
    z.im[l] = values[2 * l + 1];
  }
  return z;
}
LINDRIFT_HD void store_complex(PackComplex z, int count, double* values) {
  if (count == pack_width) {
    constexpr Mask low = mask_of([](int l) { return l / 2 + l % 2 * pack_width; });
    constexpr Mask high = mask_of([](int l) { return (pack_width + l) / 2 + l % 2 * pack_width; });
    const Pack a = __builtin_shuffle(z.re, z.im, low), b = __builtin_shuffle(z.re, z.im, high);
    __builtin_memcpy(values, &a, sizeof(Pack));
    __builtin_memcpy(values + pack_width, &b, sizeof(Pack));
    return;
  }
  for (int l = 0; l < count; ++l) {
    values[2 * l] = z.re[l];
    values[2 * l + 1] = z.im[l];
  }
}

}  // namespace fourier
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
