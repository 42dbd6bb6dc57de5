#pragma once

#include <cstdint>

namespace lindrift::kernels {

/// Input of the double sum in the self-energy of the Hubbard model (docs/physics.md, Eq. 64). The arrays are on the
/// host and are copied; momenta are in row-major order of their integers m = 0 .. cells-1. Choose a unit in which
/// energies and frequencies are of order one: products of four of their squares must not overflow.
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
  /// e_p = -e_{pi-p} and Gamma_p = Gamma_{pi-p} on an even ring: the terms p and pi + q - p share a pole and are
  /// merged.
  bool reflected = false;
  /// The p that are summed over; null for all.
  const std::int64_t* columns = nullptr;
  std::int64_t column_count = 0;
  /// Size of the device's buffer of intermediate results, in doubles: enough work to fill a large card.
  std::int64_t device_buffer = std::int64_t{1} << 25;
};

/// The sums, compiled once per backend and instruction set: |U_q|^2 F_q(w - e_{k+q}) / sites^2 over the rows q in
/// [first_row, last_row), in ascending order. Real and imaginary parts are separate arrays.
class SelfEnergyKernel {
 public:
  virtual ~SelfEnergyKernel();

  /// For `count` pairs of a momentum m and a frequency.
  /// @param imaginary  Im w >= 0, the same for all
  virtual void points(const std::int64_t* momentum, const double* frequency, std::int64_t count, double imaginary,
                      std::int64_t first_row, std::int64_t last_row, double* re, double* im) = 0;

  /// For all momenta (rows of the result) and `count` frequencies. One dimension only, with e_k and gup_k even in k,
  /// which halves the work.
  virtual void grid(const double* frequency, std::int64_t count, double imaginary, std::int64_t first_row,
                    std::int64_t last_row, double* re, double* im) = 0;
};

}  // namespace lindrift::kernels
