#pragma once

#include <cstdint>
#include <vector>

namespace lindrift {

/// Cells along every direction of a lattice of at most `most` cells, at least 1000, on which to find what a plan needs
/// of a larger one: the steps between its momenta are longer. Lattices that are small enough stay as they are.
/// Fractions of a turn with small denominators are momenta of both lattices or of none, and so zeros of rates that lie
/// there are found.
std::vector<std::int64_t> coarse_cells(const std::vector<std::int64_t>& cells, std::int64_t most);

/// Whether a model has a list with one entry for every momentum, which fits no other lattice.
template <class Model>
bool has_tables(const Model& model) {
  for (const auto* bath : {&model.up, &model.down})
    if (!bath->gain_table.empty() || !bath->loss_table.empty()) return true;
  return false;
}

/// An open chain or lattice with the same hops and baths on few cells; the model itself if it has tables.
template <class Model>
Model coarse(Model model, std::int64_t most = 1 << 14) {
  if (has_tables(model)) return model;
  if (model.is_ring())
    model.sites = coarse_cells({model.sites}, most).front();
  else
    model.cells = coarse_cells(model.cells, most);
  return model;
}

}  // namespace lindrift
