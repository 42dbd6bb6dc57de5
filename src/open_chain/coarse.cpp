#include "open_chain/coarse.hpp"

#include <algorithm>

namespace lindrift {

std::vector<std::int64_t> coarse_cells(const std::vector<std::int64_t>& cells, std::int64_t most) {
  const auto fit = [most](const std::vector<std::int64_t>& all) {
    double size = 1.0;
    for (const std::int64_t along : all) size *= static_cast<double>(along);
    return size <= static_cast<double>(most);
  };
  if (fit(cells)) return cells;
  // A direction keeps its remainder, and with it its divisors that divide the period.
  std::vector<std::int64_t> few = cells;
  for (const std::int64_t period : {131040, 65520, 5040, 840, 240, 120, 60, 24, 12, 4, 2, 1}) {
    std::transform(cells.begin(), cells.end(), few.begin(),
                   [period](std::int64_t along) { return along < 2 * period ? along : period + along % period; });
    if (fit(few)) break;
  }
  return few;
}

}  // namespace lindrift
