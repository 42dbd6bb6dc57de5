#pragma once

#include "lindrift/tgge/model.hpp"

namespace lindrift {

/// A model of the same shapes with all numbers zero. A table of hop weights is kept as it is.
TggeModel zeros_like(const TggeModel& model);

/// @throws UnsupportedError where two bands touch: neither eigenvectors nor occupations are smooth there
void require_separate_bands(const Bands& bands);

}  // namespace lindrift
