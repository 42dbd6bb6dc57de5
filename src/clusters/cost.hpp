#pragma once

#include <cstddef>

namespace lindrift::clusters {

/// Measured speed of one core, for cost estimates.
inline constexpr double operations_per_second = 5e9;

/// Binomial coefficient, n choose k.
double choose(std::size_t n, std::size_t k);

/// Estimated cost of solving linear equations with the Lindbladian of a sector in one Krylov space.
struct SectorCost {
  double operators = 0.0;     ///< number of operators |ket><bra| in the sector
  double elements = 0.0;      ///< nonzero elements per row of its matrix
  double vectors = 0.0;       ///< vectors of the Krylov space
  double operations = 0.0;    ///< floating-point operations
  double memory_bytes = 0.0;  ///< of the matrix, including its construction by columns, and of the space
};

/// @param vectors       of the Krylov space, at most as many as there are operators
/// @param kept_vectors  number of vectors that memory is needed for
SectorCost sector_cost(double operators, double elements, double vectors, double kept_vectors);

/// Cost of one sector of a cluster. If the momentum is conserved, `momenta` sectors of equal size replace a single one.
/// @param up_empty  spin up has no gain
SectorCost state_cost(std::size_t orbitals, bool up_empty, std::size_t momenta = 1);  ///< of the steady state
SectorCost green_cost(std::size_t orbitals, bool up_empty, std::size_t momenta = 1);  ///< of the Green's function

/// Operations to apply e^{Dt} to one operator of a sector, at `times` times up to last_time.
/// @param scale  sum of the absolute values of all terms of D
double evolution_operations(const SectorCost& sector, double scale, double last_time, std::size_t times);

/// Cost of one_particle_state() for a ring of `orbitals` sites with conserved momentum.
SectorCost one_particle_cost(std::size_t orbitals);

}  // namespace lindrift::clusters
