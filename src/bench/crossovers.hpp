#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "engine/device_thresholds.hpp"
#include "lindrift/backend.hpp"

namespace lindrift::benchmarks {

/// The same work by the way of the CPU, or of the host that drives a device, and by that of the device.
struct Comparison {
  double work = 0.0;  ///< in the unit of the threshold; 0: the seconds of the first way
  std::function<void()> without_device, with_device;
};

/// What is measured to find a threshold of the device.
struct ComparisonSeries {
  std::string_view threshold;       ///< its name
  std::string_view what;            ///< what is computed
  std::vector<std::int64_t> sizes;  ///< ascending
  Comparison (*make)(std::int64_t size, const Execution& execution);
};
const std::vector<ComparisonSeries>& comparisons();

struct ComparisonTimes {
  double work = 0.0, without_device = 0.0, with_device = 0.0;  ///< seconds
};

struct Crossover {
  double work = 0.0;                   ///< from which on the device is faster; inf: at no size that was measured
  std::vector<ComparisonTimes> times;  ///< ascending
};

/// The work at which the device overtakes, between the last size at which it is slower and the next: there the ratio of
/// the times is interpolated in logarithms. The least work if the device always wins.
double crossover_of(const std::vector<ComparisonTimes>& times);

/// Times a series, from the smallest size until one run takes `max_seconds`, the device has won twice in turn, or its
/// memory does not suffice.
/// @throws Error if nothing can be measured, or a device fails otherwise
Crossover measure(const ComparisonSeries& series, const Execution& execution, double max_seconds);

}  // namespace lindrift::benchmarks
