#include "lattice/hopping_arrays.hpp"

#include <map>

namespace lindrift {

namespace {

using Complex = std::complex<double>;
/// H(R), (orbitals, orbitals).
using Matrix = std::vector<Complex>;

std::map<LatticeVector, Matrix> matrices_of(const TightBinding& model) {
  const auto n = static_cast<std::size_t>(model.orbitals);
  std::map<LatticeVector, Matrix> matrices;
  for (const HoppingTerm& term : model.hopping_terms) {
    Matrix& matrix = matrices[term.displacement];
    matrix.resize(n * n);
    matrix[static_cast<std::size_t>(term.to_orbital) * n + static_cast<std::size_t>(term.from_orbital)] +=
        term.amplitude;
  }
  return matrices;
}

}  // namespace

HoppingArrays::HoppingArrays(const TightBinding& model, const Lattice& lattice) {
  const auto n = static_cast<std::size_t>(model.orbitals), directions = static_cast<std::size_t>(lattice.dimensions());
  const auto matrices = matrices_of(model);
  for (const auto& [displacement, matrix] : matrices) displacements_.push_back(lattice.wrapped(displacement));
  for (std::size_t e = 0; e < n * n; ++e) {
    first_.push_back(static_cast<std::int64_t>(place_.size()));
    std::int64_t place = 0;
    for (const auto& [displacement, matrix] : matrices) {
      if (matrix[e] != 0.0) {
        place_.push_back(place);
        amplitude_.push_back(matrix[e]);
        for (std::size_t i = 0; i < displacement.size(); ++i) {
          double distance = static_cast<double>(displacement[i]);
          if (i < directions && !model.positions.empty())
            distance = distance + model.positions[e % n][i] - model.positions[e / n][i];
          distance_.push_back(distance);
        }
      }
      ++place;
    }
  }
  first_.push_back(static_cast<std::int64_t>(place_.size()));
  tables_.orbitals = model.orbitals;
  tables_.directions = lattice.dimensions();
  for (int i = 0; i < lattice.dimensions(); ++i) {
    tables_.cells[i] = lattice.cells(i);
    tables_.lowest[i] = first_momentum_index(lattice.cells(i));
  }
}

kernels::HoppingTables HoppingArrays::tables(const LatticePhases& table) const {
  static_assert(sizeof(Phase) == 2 * sizeof(double) && sizeof(LatticeVector) == 3 * sizeof(std::int64_t));
  kernels::HoppingTables tables = tables_;
  tables.period = table.period();
  tables.phases = reinterpret_cast<const double*>(table.all());
  tables.displacements = static_cast<std::int64_t>(displacements_.size());
  tables.displacement = displacements_.front().data();
  tables.first = first_.data();
  tables.place = place_.data();
  tables.amplitude = reinterpret_cast<const double*>(amplitude_.data());
  tables.distance = distance_.data();
  return tables;
}

}  // namespace lindrift
