#include "lindrift/observable.hpp"

#include <numeric>

#include "lindrift/lattice/lattice.hpp"

namespace lindrift {

namespace {

Coordinate given(std::string name, std::string units, std::string long_name, std::vector<double> values) {
  const std::size_t size = values.size();
  return {std::move(name), std::move(units), std::move(long_name), size,
          [values = std::move(values)] { return values; }};
}

}  // namespace

Coordinate momentum_coordinate(std::int64_t sites, std::vector<std::int64_t> chosen) {
  const std::size_t size = chosen.empty() ? static_cast<std::size_t>(sites) : chosen.size();
  return {"momentum", "rad", "momentum k", size, [sites, chosen = std::move(chosen)] {
            std::vector<double> all = momenta(sites);
            if (chosen.empty()) return all;
            std::vector<double> values;
            for (const std::int64_t m : chosen)
              values.push_back(all[static_cast<std::size_t>(m - first_momentum_index(sites))]);
            return values;
          }};
}

Coordinate momentum_coordinate(std::int64_t sites) { return momentum_coordinate(sites, {}); }

Coordinate site_coordinate(std::int64_t sites) {
  return integer_coordinate("site", "site j", static_cast<std::size_t>(sites), first_momentum_index(sites));
}

Coordinate time_coordinate(std::vector<double> times) { return given("time", "1/energy", "time t", std::move(times)); }

Coordinate frequency_coordinate(std::vector<double> frequencies) {
  return given("frequency", "energy", "frequency w", std::move(frequencies));
}

Coordinate spin_coordinate() {
  return {"spin", "1", "spin", 2, [] { return std::vector<std::string>{"up", "down"}; }};
}

Coordinate integer_coordinate(std::string name, std::string long_name, std::size_t size, std::int64_t first) {
  return {std::move(name), "1", std::move(long_name), size, [size, first] {
            std::vector<std::int64_t> values(size);
            std::iota(values.begin(), values.end(), first);
            return values;
          }};
}

}  // namespace lindrift
