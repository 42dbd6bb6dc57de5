#include "open_chain/registry/propagator.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "config/read.hpp"
#include "engine/short_text.hpp"
#include "registry/registry.hpp"

namespace lindrift {

using config::Point;

OpenLattice lattice_of(const Point& point) {
  auto lattice = config::read<OpenLattice>(point);
  if (point.text("task.kind") == "exact" && point.has("model.cluster")) lattice.sites = point.integer("model.cluster");
  return lattice;
}

std::size_t sites_of(const Point& point) { return lattice_of(point).size(); }

double size_of(const Point& point) {
  const OpenLattice lattice = lattice_of(point);
  if (lattice.is_ring()) return static_cast<double>(lattice.sites);
  double size = 1.0;
  for (const std::int64_t along : lattice.cells) size *= static_cast<double>(along);
  return size;
}

Footprint open_chain_footprint(const Point& point) { return {.key = size_key(point), .size = size_text(point)}; }

std::string size_text(const Point& point) {
  const OpenLattice lattice = lattice_of(point);
  return lattice.is_ring() ? counted(static_cast<std::size_t>(lattice.sites), "site")
                           : fmt::format("{} cells", fmt::join(lattice.cells, " x "));
}

std::string size_key(const Point& point) {
  if (!lattice_of(point).is_ring()) return "model.cells";
  return point.text("task.kind") == "exact" && point.has("model.cluster") ? "model.cluster" : "model.sites";
}

std::vector<std::int64_t> integers_of(const Point& point, const std::string& key) {
  const config::Value* value = point.find(key);
  return value != nullptr ? integers_in(*value) : std::vector<std::int64_t>();
}

bool wanted(const Point& point, const std::string& field) { return is_wanted(point.texts("output.fields"), field); }

std::size_t momenta_of(const Point& point) {
  const auto chosen = integers_of(point, "task.momenta");
  if (chosen.empty()) return sites_of(point);
  return chosen.size() / static_cast<std::size_t>(lattice_of(point).lattice().dimensions());
}

double momenta_count(const Point& point) {
  const auto chosen = static_cast<double>(integers_of(point, "task.momenta").size());
  if (chosen == 0.0) return size_of(point);
  return chosen / std::max(1.0, static_cast<double>(lattice_of(point).cells.size()));
}

std::vector<std::string> open_chain_remarks(const config::Document& document) {
  const char* const key =
      document.base.has("model.interaction_matrix") ? "model.interaction_matrix" : "model.interaction";
  if (!is_zero_everywhere(document, key)) return {};
  return {key + std::string(" = 0: the spins do not meet, and what drives spin down has no effect on spin up")};
}

bool has_gain_operator(const Point& point, const std::string& bath) {
  if (!point.has(bath + ".operator")) return false;
  const Channels& channels = point.channels(bath + ".operator");
  return std::any_of(channels.begin(), channels.end(),
                     [](const std::vector<Term>& terms) { return terms.front().indices.front() != 0; });
}

std::vector<std::string> wrapping_notes(const OpenLattice& model, double last) {
  if (model.is_ring()) {
    const double speed = 2.0 * std::fabs(model.hopping), half = 0.5 * static_cast<double>(model.sites);
    if (speed * last <= half) return {};
    return {
        fmt::format("warning: the fronts at 2 J t meet behind the ring after t = {:.4g}: from then on the "
                    "drift is that of a packet that wrapped around; {:.15g} sites would do up to t = {:.4g}",
                    half / speed, 2.0 * std::ceil(speed * last), last)};
  }
  const Lattice lattice = model.lattice();
  std::vector<std::string> notes;
  for (int i = 0; i < lattice.dimensions(); ++i) {
    const double speed = front_speed(model.terms(Spin::up), i), half = 0.5 * static_cast<double>(lattice.cells(i));
    if (speed * last > half && lattice.cells(i) > 1)
      notes.push_back(
          fmt::format("warning: the fastest particles may meet behind the lattice along direction {} after "
                      "t = {:.4g}: from then on the drift is that of a packet that wrapped around; {:.15g} cells "
                      "would do up to t = {:.4g}",
                      i + 1, half / speed, 2.0 * std::ceil(speed * last), last));
  }
  return notes;
}

Coordinates open_chain_coordinates(const Point& point) {
  const OpenLattice lattice = lattice_of(point);
  if (point.text("task.kind") == "spectral") {
    Coordinates all = momentum_coordinates(lattice, integers_of(point, "task.momenta"));
    all.push_back(counted(point, "task.frequencies", frequency_coordinate(point.reals("task.frequencies"))));
    return all;
  }
  Coordinates all = {counted(point, "task.times", time_coordinate(point.reals("task.times")))};
  const auto add = [&](Coordinates more) { all.insert(all.end(), more.begin(), more.end()); };
  add(site_coordinates(lattice));
  if (point.text("task.kind") == "green") add(momentum_coordinates(lattice));
  return all;
}

}  // namespace lindrift
