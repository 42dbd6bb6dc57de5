#include <algorithm>
#include <limits>

#include "kernels/table.hpp"
#include "lindrift/hatsugai_kohmoto/green.hpp"
#include "lindrift/lattice/lattice.hpp"
#include "open_chain/propagator.hpp"

namespace lindrift {

Spreading spreading(std::span<const std::complex<double>> green) {
  constexpr std::size_t block = 8192;  // sums of blocks keep the error of a million sites at that of a block
  const std::size_t sites = green.size();
  const auto label = static_cast<double>(first_momentum_index(static_cast<std::int64_t>(sites)));
  const auto* data = reinterpret_cast<const double*>(green.data());
  Spreading result;
  double moment = 0.0;
  for (std::size_t first = 0; first < sites; first += block) {
    double norm = 0.0, moved = 0.0;
    kernels::cpu_kernels().propagator.profile_sums(data, static_cast<std::int64_t>(first),
                                                   static_cast<std::int64_t>(std::min(sites, first + block)),
                                                   label + static_cast<double>(first), &norm, &moved);
    result.norm += norm;
    moment += moved;
  }
  if (!(result.norm > 0.0)) {
    result.drift = result.drift_symmetric = std::numeric_limits<double>::quiet_NaN();
    return result;
  }
  const double antipode = sites % 2 == 0 ? label * std::norm(green.front()) : 0.0;
  result.drift = moment / result.norm;
  result.drift_symmetric = (moment - antipode) / result.norm;
  return result;
}

}  // namespace lindrift
