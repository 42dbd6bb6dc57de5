#include "open_chain/green_rows.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "engine/fourier.hpp"
#include "engine/short_text.hpp"
#include "open_chain/propagator.hpp"

namespace lindrift {

using Complex = std::complex<double>;

GreenRows green_rows(std::size_t times, const TransformOrder& order, bool keep_sites, const MomentumRow& momenta) {
  const std::size_t sites = order.size(), directions = order.directions();
  const double over = 1.0 / static_cast<double>(sites);
  const Fourier fourier(order);
  GreenRows rows;
  if (keep_sites) rows.sites.resize(times * sites);
  for (auto* drift : {&rows.drift, &rows.drift_symmetric})
    drift->assign(times * directions, std::numeric_limits<double>::quiet_NaN());
  std::vector<Complex> ascending(sites), row(sites);
  for (std::size_t t = 0; t < times; ++t) {
    momenta(t, ascending);
    for (std::size_t i = 0; i < sites; ++i) row[order.position(i)] = ascending[i];
    fourier.backward(row.data(), 1);
    for (std::size_t i = 0; i < sites; ++i) ascending[i] = over * row[order.position(i)];  // ordered by site label
    if (keep_sites)
      std::copy(ascending.begin(), ascending.end(), rows.sites.begin() + static_cast<std::ptrdiff_t>(t * sites));
    const Profile profile = profile_of(ascending, order, SiteOrder::ascending);
    rows.norm.push_back(profile.norm);
    if (profile.norm > 0.0)
      store_drift(profile, order, rows.drift.data() + t * directions, rows.drift_symmetric.data() + t * directions);
  }
  return rows;
}

GreenRows green_rows(std::span<const Complex> momenta, const TransformOrder& order, bool keep_sites) {
  const std::size_t sites = order.size();
  return green_rows(momenta.size() / sites, order, keep_sites, [&](std::size_t t, std::span<Complex> row) {
    std::copy_n(momenta.begin() + static_cast<std::ptrdiff_t>(t * sites), sites, row.begin());
  });
}

std::string negative_values(std::span<const double> spectral_function, double error, const std::string& reason) {
  std::size_t count = 0;
  double smallest = 0.0;
  for (const double value : spectral_function) {
    if (value < -error) ++count;
    smallest = std::min(smallest, value);
  }
  if (count == 0) return {};
  return counted(count, "value of the spectral function is", "values of the spectral function are") +
         " negative, the smallest " + short_text(smallest) + ": " + reason;
}

}  // namespace lindrift
