#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/lattice/band_tables.hpp"
#include "lattice/lattice_phases.hpp"
#include "lindrift/lattice/tight_binding.hpp"

namespace lindrift {

/// Hopping terms as the kernels read them: repeated ones added up, grouped by the element of h(k).
class HoppingArrays {
 public:
  HoppingArrays(const TightBinding& model, const Lattice& lattice);

  /// They point into this object, whose phases are those of `table` if it has any.
  kernels::HoppingTables tables(const LatticePhases& table) const;
  const std::vector<LatticeVector>& displacements() const { return displacements_; }

 private:
  kernels::HoppingTables tables_;
  std::vector<LatticeVector> displacements_;  ///< with entries in [0, cells), ascending before they were wrapped
  std::vector<std::int64_t> first_, place_;
  std::vector<std::complex<double>> amplitude_;
  std::vector<double> distance_;
};

}  // namespace lindrift
