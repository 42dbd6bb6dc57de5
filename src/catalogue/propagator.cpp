#include "catalogue/propagator.hpp"

#include <complex>
#include <cstdint>
#include <limits>

#include "lindrift/lattice.hpp"

namespace lindrift {

using config::Point;

std::size_t sites_of(const Point& point) { return static_cast<std::size_t>(point.integer("model.sites")); }

bool wanted(const Point& point, const std::string& field) {
  const auto& fields = point.texts("output.fields");
  return fields.empty() || std::find(fields.begin(), fields.end(), field) != fields.end();
}

std::vector<std::size_t> momentum_places(const Point& point) {
  std::vector<std::size_t> places;
  const auto& chosen = point.integers("task.momenta");
  const std::size_t sites = sites_of(point);
  const std::int64_t first = first_momentum_index(point.integer("model.sites"));
  for (const std::int64_t m : chosen) places.push_back(static_cast<std::size_t>(m - first));
  for (std::size_t i = 0; chosen.empty() && i < sites; ++i) places.push_back(i);
  return places;
}

template <class Values>
Outline::Dimension Outline::coordinate(const std::string& name, Values values, std::string units,
                                       std::string long_name) {
  const std::size_t size = values.size();
  result.coordinates.push_back({name, {name}, {size}, std::move(values), std::move(units), std::move(long_name)});
  return {name, size};
}

Outline::Dimension Outline::times() { return coordinate("time", point_.reals("task.times"), "1/energy", "time t"); }

Outline::Dimension Outline::sites() {
  const std::int64_t sites = point_.integer("model.sites");
  std::vector<std::int64_t> labels(static_cast<std::size_t>(sites));
  for (std::int64_t i = 0; i < sites; ++i) labels[static_cast<std::size_t>(i)] = first_momentum_index(sites) + i;
  return coordinate("site", std::move(labels), "1", "site j");
}

Outline::Dimension Outline::momenta(const std::vector<std::size_t>& places) {
  const std::vector<double> all = lindrift::momenta(point_.integer("model.sites"));
  std::vector<double> chosen;
  for (const std::size_t place : places) chosen.push_back(all[place]);
  return coordinate("momentum", std::move(chosen), "rad", "momentum k");
}

Outline::Dimension Outline::frequencies() {
  return coordinate("frequency", point_.reals("task.frequencies"), "energy", "frequency w");
}

void Outline::add(const std::string& name, const std::vector<Dimension>& dimensions, bool complex, std::string units,
                  std::string long_name) {
  if (!wanted(point_, name)) return;
  constexpr double missing = std::numeric_limits<double>::quiet_NaN();
  io::Field field{name, {}, {}, {}, std::move(units), std::move(long_name)};
  std::size_t elements = 1;
  for (const auto& [dimension, size] : dimensions) {
    field.dimensions.push_back(dimension);
    field.shape.push_back(size);
    elements *= size;
  }
  if (complex)
    field.data = std::vector<std::complex<double>>(elements, std::complex<double>(missing, missing));
  else
    field.data = std::vector<double>(elements, missing);
  result.fields.push_back(std::move(field));
}

io::Result green_outline(const Point& point) {
  Outline outline(point);
  const auto time = outline.times(), site = outline.sites();
  std::vector<std::size_t> all(sites_of(point));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  const auto momentum = outline.momenta(all);
  outline.add("green_retarded", {time, site}, true, "1", "retarded Green's function G(j,t)");
  outline.add("green_retarded_momentum", {time, momentum}, true, "1", "retarded Green's function G(k,t)");
  outline.add("drift", {time}, false, "1", "drift, sum of j |G|^2 over sum of |G|^2");
  outline.add("drift_symmetric", {time}, false, "1", "drift with the antipode at 0");
  outline.add("norm", {time}, false, "1", "sum of |G|^2 over the sites");
  return outline.result;
}

io::Result spectral_outline(const Point& point) {
  Outline outline(point);
  const auto momentum = outline.momenta(momentum_places(point)), frequency = outline.frequencies();
  outline.add("spectral_function", {momentum, frequency}, false, "1/energy", "spectral function of spin up");
  outline.add("self_energy", {momentum, frequency}, true, "energy", "self energy of spin up");
  outline.add("green_retarded_frequency", {momentum, frequency}, true, "1/energy", "retarded Green's function G(k,w)");
  return outline.result;
}

}  // namespace lindrift
