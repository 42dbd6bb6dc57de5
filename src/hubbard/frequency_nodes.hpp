#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace lindrift {

/// Lorentzian lines with energies from `low` to `high` and a half width of at least `width`: poles at E +- i g.
struct Line {
  double low = 0.0, high = 0.0, width = 0.0;
};

/// The lines of a species, for sums with those of another. At most some hundred lines, which cover those given.
/// @param energies, widths  of the same length; whole widths
std::vector<Line> lines_of(std::span<const double> energies, std::span<const double> widths);

/// The lines of pairs of one from each: energies one + sign * other, and the sum of the half widths. As few as above.
std::vector<Line> lines_of_pairs(const std::vector<Line>& one, const std::vector<Line>& other, double sign);

/// Nodes and weights of int dw/2pi over all frequencies, with w = centre + scale tan(x/2) and x equally spaced
/// (docs/physics.md, Eq. 144).
struct FrequencyNodes {
  std::vector<double> frequency, weight;
};

/// Even number of nodes for integrands whose poles are those of the lines, and whose tails fall as 1/w^2 or faster.
/// Centre and scale are those that take the nearest pole farthest from the axis of x.
/// @param lines   at least one    @param factor  uses this many times the nodes needed
/// @throws ParameterError if more than 10^6 nodes are needed
FrequencyNodes frequency_nodes(const std::vector<Line>& lines, double factor);

}  // namespace lindrift
