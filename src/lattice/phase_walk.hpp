#pragma once

#include <complex>
#include <cstddef>

#include "lindrift/lattice/lattice.hpp"

namespace lindrift {

/// e^{ik.R} for consecutive momenta. Along a row of momenta each value is the previous one times a constant; every 64th
/// is computed afresh, so that errors stay below 64 roundings and do not depend on where a walk starts.
class PhaseWalk {
 public:
  PhaseWalk(const Lattice& lattice, const LatticeVector& displacement)
      : lattice_(lattice),
        displacement_(displacement),
        row_(static_cast<std::size_t>(lattice.cells(lattice.dimensions() - 1))) {
    // The phase of m = (0, .., 0, 1), by which the phase changes along every row.
    LatticeVector neighbour{};
    neighbour[static_cast<std::size_t>(lattice.dimensions()) - 1] = 1;
    step_ = exact(lattice.index_of(neighbour));
  }

  /// @param k  a multiple of 64 or the start of a row in the first call; one more in each further call
  std::complex<double> operator()(std::size_t k) {
    constexpr std::size_t anew = 64;
    if (k % row_ % anew == 0 || k % anew == 0)
      phase_ = exact(k);
    else
      phase_ = {phase_.real() * step_.real() - phase_.imag() * step_.imag(),
                phase_.real() * step_.imag() + phase_.imag() * step_.real()};
    return phase_;
  }

 private:
  std::complex<double> exact(std::size_t k) const {
    const Phase phase = lattice_.phase(k, displacement_);
    return {phase.cosine, phase.sine};
  }

  const Lattice& lattice_;
  LatticeVector displacement_;
  std::size_t row_;
  std::complex<double> step_, phase_;
};

}  // namespace lindrift
