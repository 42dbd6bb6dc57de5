#pragma once

#include <array>
#include <complex>

#include "hatsugai_kohmoto/zone.hpp"

namespace lindrift {

/// Winding number of (E - E_1)(E - E_2) around 0 along a direction of the zone (docs/physics.md, Eq. 150), averaged
/// over the lattice's lines along it. NaN where the energy lies on a pole. Steps are halved until a bound on the
/// derivative guarantees that no turn is missed.
double winding(const Zone& zone, std::complex<double> energy, int direction);

/// Areas (1/2) Im oint conj(E) dE of both poles of a chain, each followed continuously from the one that is slow, and
/// the one that is fast, at k = -pi (Eq. 151); half of their sum each where they change places. By sums over more and
/// more momenta, until they differ by roundings, or by 1e-7 at the end where rates are tabulated. NaN where the poles
/// meet.
std::array<double, 2> loop_areas(const Zone& zone);

}  // namespace lindrift
