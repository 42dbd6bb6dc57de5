#pragma once

#include <cstdint>

namespace lindrift::kernels {

/// A Hamiltonian of hopping terms, h_ab(k) = sum_R e^{ik.R} H_ab(R) (docs/physics.md, Eq. 100), and the momenta of its
/// lattice. The terms of an element h_ab are neighbours, in the order of the displacements; element a * orbitals + b.
struct HoppingTables {
  std::int64_t orbitals = 1;
  int directions = 1;
  std::int64_t cells[3] = {1, 1, 1}, lowest[3] = {0, 0, 0};  ///< along each direction, and the lowest integer m of k
  std::int64_t period = 1;                                   ///< least common multiple of the cells
  const double* phases = nullptr;              ///< e^{2 pi i j / period}, (period,) complex; null: to be computed
  std::int64_t displacements = 0;              ///< different R
  const std::int64_t* displacement = nullptr;  ///< (displacements, 3), entries in [0, cells)
  const std::int64_t* first = nullptr;         ///< (orbitals^2 + 1,), the first term of each element
  const std::int64_t* place = nullptr;         ///< (terms,), the displacement of each
  const double* amplitude = nullptr;           ///< (terms,) complex, H_ab(R)
  const double* distance = nullptr;            ///< (terms, 3), R + tau_b - tau_a

  std::int64_t elements() const { return orbitals * orbitals; }
  std::int64_t terms() const { return first[elements()]; }
};

/// The bands of a Hamiltonian, computed in the memory of a device.
class BandDevice {
 public:
  virtual ~BandDevice();
  /// The modes of `count` momenta from index `first` on.
  /// @return BandRows (kernels/lattice/bands.hpp) in pinned memory, valid until the next call
  virtual const double* compute(std::int64_t first, std::int64_t count) = 0;
};

/// Orbitals up to which eigenvectors are given in closed form, and for which a device has eigensolves in batches:
/// cuSOLVER's batched Jacobi method works on larger matrices one after the other.
inline constexpr std::int64_t closed_form_orbitals = 2, most_device_orbitals = 32;

}  // namespace lindrift::kernels
