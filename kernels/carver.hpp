#pragma once

#include "kernels/functor.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

/// Cuts pieces off an array, or adds up their sizes if there is none.
struct Carver {
  double* memory = nullptr;
  Index used = 0;
  LINDRIFT_HD double* take(Index doubles) {
    double* const piece = memory == nullptr ? nullptr : memory + used;
    used += doubles;
    return piece;
  }
};

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
