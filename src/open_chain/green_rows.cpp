#include "open_chain/green_rows.hpp"

#include "engine/fourier.hpp"
#include "lindrift/hatsugai_kohmoto/green.hpp"
#include "open_chain/propagator.hpp"

namespace lindrift {

GreenRows green_rows(std::span<const std::complex<double>> momenta, std::size_t sites) {
  const std::size_t times = momenta.size() / sites;
  const TransformOrder order{Lattice({static_cast<std::int64_t>(sites)})};
  const Fourier fourier(order);
  GreenRows rows;
  rows.sites.resize(momenta.size());
  std::vector<std::complex<double>> row(sites);
  for (std::size_t t = 0; t < times; ++t) {
    for (std::size_t i = 0; i < sites; ++i) row[order.position(i)] = momenta[t * sites + i];
    fourier.backward(row.data(), 1);
    const std::span<std::complex<double>> ordered = std::span(rows.sites).subspan(t * sites, sites);
    for (std::size_t i = 0; i < sites; ++i) ordered[i] = row[order.position(i)] / static_cast<double>(sites);
    const Spreading moments = spreading(ordered);
    rows.norm.push_back(moments.norm);
    rows.drift.push_back(moments.drift);
    rows.drift_symmetric.push_back(moments.drift_symmetric);
  }
  return rows;
}

}  // namespace lindrift
