#pragma once

#include <cstdint>

namespace lindrift::kernels {

/// Plain data of the double sum behind the self-energy of the Hubbard model (docs/physics.md, Eq. 64). Arrays are on
/// the host and are copied; momenta are numbered in row-major order of their integers m = 0 .. cells-1. Energies and
/// frequencies are in a unit in which they are of order one, because products of four squares of them must stay in
/// range.
struct SelfEnergyTables {
  std::int64_t sites = 0;
  std::int64_t cells[3] = {1, 1, 1};        ///< along each direction
  const double* energy = nullptr;           ///< e_k of the probe
  const double* down_energy = nullptr;      ///< e_p of spin down
  const double* half_rate = nullptr;        ///< Gamma_p / 2
  const double* occupation = nullptr;       ///< n_p
  const double* hole = nullptr;             ///< 1 - n_p
  const double* half_probe_loss = nullptr;  ///< gup_k / 2; null if the probe is closed
  const double* coupling = nullptr;         ///< |U_q|^2 / sites^2
  /// e_p = -e_{pi-p} and Gamma_p = Gamma_{pi-p} on an even ring: the terms p and pi + q - p have one pole and are
  /// merged.
  bool reflected = false;
  /// Values of p that the sum takes, integers held as doubles like everything that a kernel copies; null for all.
  const double* columns = nullptr;
  std::int64_t column_count = 0;
  /// Doubles that a device hands on in one buffer: enough to fill a large one.
  std::int64_t device_buffer = std::int64_t{1} << 25;
};

/// What is compiled once per backend and instruction set. Results are sums over the rows q in [first_row, last_row) of
/// |U_q|^2 F_q(w - e_{k+q}) / sites^2, taken in ascending order; complex numbers as two arrays.
class SelfEnergyKernel {
 public:
  virtual ~SelfEnergyKernel();

  /// For `count` pairs of a momentum m (an integer held as a double) and a frequency.
  /// @param imaginary  Im w >= 0, common to all
  virtual void points(const double* momentum, const double* frequency, std::int64_t count, double imaginary,
                      std::int64_t first_row, std::int64_t last_row, double* re, double* im) = 0;

  /// For all momenta (rows of the result) and `count` frequencies. Needs one direction, and e_k and gup_k even in k,
  /// which halves the work.
  virtual void grid(const double* frequency, std::int64_t count, double imaginary, std::int64_t first_row,
                    std::int64_t last_row, double* re, double* im) = 0;
};

}  // namespace lindrift::kernels
