#include "tasks/times.hpp"

#include <omp.h>

#include <cmath>
#include <string>

#include "lindrift/error.hpp"

namespace lindrift {

void validate_times(std::span<const double> times) {
  for (std::size_t i = 0; i < times.size(); ++i) {
    const std::string quantity = "task.times[" + std::to_string(i) + "]";
    if (!std::isfinite(times[i]) || times[i] < 0.0)
      throw ParameterError(quantity, std::to_string(times[i]) + " is not allowed: must be finite and >= 0");
    if (i > 0 && !(times[i] > times[i - 1]))
      throw ParameterError(quantity, std::to_string(times[i]) + " is not allowed: times must be strictly ascending");
  }
}

void validate_down_occupation(std::span<const double> occupation, std::size_t sites) {
  if (occupation.size() != sites)
    throw ShapeError("initial.down_occupation: " + std::to_string(occupation.size()) +
                     " entries were given; it must have one per momentum, " + std::to_string(sites));
  for (std::size_t i = 0; i < sites; ++i)
    if (!(occupation[i] >= 0.0 && occupation[i] <= 1.0))
      throw ParameterError("initial.down_occupation[" + std::to_string(i) + "]",
                           std::to_string(occupation[i]) + " is not allowed: must be in [0, 1]");
}

int threads_of(const Execution& execution) { return execution.threads > 0 ? execution.threads : omp_get_max_threads(); }

}  // namespace lindrift
