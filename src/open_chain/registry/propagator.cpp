#include "open_chain/registry/propagator.hpp"

#include "registry/registry.hpp"

namespace lindrift {

using config::Point;

std::size_t sites_of(const Point& point) { return static_cast<std::size_t>(point.integer("model.sites")); }

bool wanted(const Point& point, const std::string& field) { return is_wanted(point.texts("output.fields"), field); }

std::size_t momenta_of(const Point& point) {
  const auto& chosen = point.integers("task.momenta");
  return chosen.empty() ? sites_of(point) : chosen.size();
}

std::vector<std::string> open_chain_remarks(const config::Document& document) {
  if (!is_zero_everywhere(document, "model.interaction")) return {};
  return {"model.interaction = 0: the spins do not meet, and what drives spin down has no effect on spin up"};
}

Coordinates open_chain_coordinates(const Point& point) {
  const std::int64_t sites = point.integer("model.sites");
  if (point.text("task.kind") == "spectral")
    return {momentum_coordinate(sites, point.integers("task.momenta")),
            frequency_coordinate(point.reals("task.frequencies"))};
  Coordinates all = {time_coordinate(point.reals("task.times")), site_coordinate(sites)};
  if (point.text("task.kind") == "green") all.push_back(momentum_coordinate(sites));
  return all;
}

}  // namespace lindrift
