#pragma once

#include "lindrift/tgge/model.hpp"

namespace lindrift {

/// A model of the same shapes whose numbers are all zero. A table of hop weights stays as it is.
TggeModel zeros_like(const TggeModel& model);

/// @throws UnsupportedError where two bands touch: there neither eigenvectors nor occupations are smooth
void require_separate_bands(const Bands& bands);

}  // namespace lindrift
