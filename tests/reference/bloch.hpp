#pragma once

#include <array>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

/// Bloch Hamiltonians from hopping terms, in extended precision. Includes nothing from the library.
namespace lindrift::reference {

/// One term, amplitude c+_{j, row} c_{j + displacement, column}.
struct HoppingTerm {
  std::array<std::int64_t, 3> displacement{};
  std::size_t row = 0, column = 0;
  std::complex<long double> amplitude;
};

using BlochMatrix = std::vector<std::vector<std::complex<long double>>>;

/// h_ab(k) = sum_R H_ab(R) e^{ikR} at the momentum 2 pi m / cells, or its derivative along one direction.
inline BlochMatrix bloch_matrix(const std::vector<HoppingTerm>& terms, std::size_t orbitals,
                                const std::array<std::int64_t, 3>& m, const std::vector<std::int64_t>& cells,
                                int derivative = -1) {
  BlochMatrix h(orbitals, std::vector<std::complex<long double>>(orbitals));
  for (const HoppingTerm& term : terms) {
    long double turns = 0.0L;
    for (std::size_t i = 0; i < cells.size(); ++i)
      turns += static_cast<long double>(m[i] * term.displacement[i]) / static_cast<long double>(cells[i]);
    std::complex<long double> value = term.amplitude * std::polar(1.0L, 2.0L * std::numbers::pi_v<long double> * turns);
    if (derivative >= 0)
      value *= std::complex<long double>(
          0.0L, static_cast<long double>(term.displacement[static_cast<std::size_t>(derivative)]));
    h[term.row][term.column] += value;
  }
  return h;
}

}  // namespace lindrift::reference
