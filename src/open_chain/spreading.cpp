#include <limits>

#include "lindrift/hatsugai_kohmoto/green.hpp"
#include "open_chain/propagator.hpp"

namespace lindrift {

Spreading spreading(std::span<const std::complex<double>> green) {
  const TransformOrder order{Lattice({static_cast<std::int64_t>(green.size())})};
  const Profile profile = profile_of(green, order, SiteOrder::ascending);
  Spreading result{.norm = profile.norm,
                   .drift = std::numeric_limits<double>::quiet_NaN(),
                   .drift_symmetric = std::numeric_limits<double>::quiet_NaN()};
  if (profile.norm > 0.0) store_drift(profile, order, &result.drift, &result.drift_symmetric);
  return result;
}

}  // namespace lindrift
