#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "lindrift/description.hpp"
#include "lindrift/lattice/lattice.hpp"

namespace lindrift {

/// Rate S(x) of the thermal bath, where x = E_from - E_to is the energy that a hop releases. All spectra obey detailed
/// balance, S(x) = S(-x) e^{beta x} (docs/physics.md, Eq. 4).
enum class Spectrum {
  exponential,  ///< e^{beta x/2}; the only one for which the sums factorise
  lorentzian,   ///< e^{beta x/2} / (1 + (x/width)^2)
  ohmic         ///< |x| e^{-|x|/width} / |1 - e^{-beta x}|, 1/beta at x = 0; needs beta > 0
};

template <>
inline constexpr auto names_of<Spectrum> =
    std::array{std::pair{Spectrum::exponential, "exponential"}, std::pair{Spectrum::lorentzian, "lorentzian"},
               std::pair{Spectrum::ohmic, "ohmic"}};

/// Baths of the tGGE models. Field names are the TOML names.
struct TggeBath {
  double coupling = 0.05;                      ///< epsilon >= 0
  double inverse_temperature = 2.0;            ///< beta >= 0, 1/energy
  double nonequilibrium_fraction = 0.0;        ///< gamma_neq in [0, 1]
  std::optional<double> equilibrium_fraction;  ///< gamma_eq >= 0; 1 - nonequilibrium_fraction unless given
  Spectrum spectrum = Spectrum::exponential;
  double spectrum_width = 1.0;  ///< > 0, energy; lorentzian and ohmic

  double effective_equilibrium_fraction() const { return equilibrium_fraction.value_or(1.0 - nonequilibrium_fraction); }
};

template <>
inline auto description<TggeBath>() {
  return std::tuple(
      field(&TggeBath::coupling, {.path = "bath.coupling",
                                  .help = "coupling epsilon to the baths",
                                  .range = from_zero,
                                  .sweepable = true,
                                  .details = "sets the unit of time, drops out of steady states"}),
      field(&TggeBath::inverse_temperature, {.path = "bath.inverse_temperature",
                                             .help = "beta of the thermal bath, 1/energy",
                                             .range = from_zero,
                                             .sweepable = true,
                                             .units = "1/energy",
                                             .details = "ohmic: > 0"}),
      field(&TggeBath::nonequilibrium_fraction, {.path = "bath.nonequilibrium_fraction",
                                                 .help = "weight gamma_neq of the nonequilibrium bath",
                                                 .range = zero_to_one,
                                                 .sweepable = true}),
      field(&TggeBath::equilibrium_fraction,
            {.path = "bath.equilibrium_fraction",
             .help = "weight gamma_eq of the thermal bath",
             .derived = "1 - bath.nonequilibrium_fraction",
             .range = from_zero,
             .sweepable = true,
             .details =
                 "give it when it is small, because the difference loses digits. Not 0 together with gamma_neq = 0"}),
      field(&TggeBath::spectrum, {.path = "bath.spectrum",
                                  .help = "rates S(x) of the thermal bath for a released energy x",
                                  .details = "physics.md Eq. 4"}),
      field(&TggeBath::spectrum_width, {.path = "bath.spectrum_width",
                                        .help = "width of the spectrum",
                                        .range = above_zero,
                                        .when = {{"bath.spectrum", {"lorentzian", "ohmic"}}},
                                        .sweepable = true,
                                        .units = "energy"}));
}

/// One band: Raman-assisted two-site hopping, L_j = sqrt(J) (c+_j + delta c+_{j+1})(c_j - delta' c_{j+1}). The hop
/// weight factorises, w(q,k) = |1 + delta e^{-iq}|^2 |1 - delta' e^{ik}|^2 (docs/physics.md, Eq. 5).
struct RamanJump {
  std::complex<double> delta{1.0, 1.0};
  std::complex<double> delta_prime{1.0, 0.5};
};

template <>
inline auto description<RamanJump>() {
  return std::tuple(field(&RamanJump::delta, {.path = "bath.delta",
                                              .help = "amplitude delta in c+_j + delta c+_{j+1}",
                                              .sweepable = true,
                                              .details = "physics.md Eq. 5"}),
                    field(&RamanJump::delta_prime, {.path = "bath.delta_prime",
                                                    .help = "amplitude delta_prime in c_j - delta_prime c_{j+1}",
                                                    .sweepable = true}));
}

/// Two bands: spin dephasing, L_{j sigma} = sqrt(J gamma_sigma) n_{j sigma}, with w(s,s') = sum_sigma gamma_sigma
/// w_sigma(s) w_sigma(s') and the spin weights w_sigma = |u_sigma|^2 (docs/physics.md, Eq. 11).
struct DephasingJump {
  double dephasing_up = 1.0;             ///< gamma_up >= 0: L = sqrt(J gamma_up) n_up
  std::optional<double> dephasing_down;  ///< gamma_down >= 0; 1 - dephasing_up unless given

  double down() const { return dephasing_down.value_or(1.0 - dephasing_up); }
};

template <>
inline auto description<DephasingJump>() {
  return std::tuple(field(&DephasingJump::dephasing_up, {.path = "bath.dephasing_up",
                                                         .help = "weight gamma_up of the dephasing of spin up",
                                                         .range = from_zero,
                                                         .sweepable = true,
                                                         .details = "physics.md Eq. 11"}),
                    field(&DephasingJump::dephasing_down, {.path = "bath.dephasing_down",
                                                           .help = "weight gamma_down of the dephasing of spin down",
                                                           .derived = "1 - bath.dephasing_up",
                                                           .range = from_zero,
                                                           .sweepable = true,
                                                           .details = "must be given where gamma_up > 1"}));
}

/// One term of a jump operator, amplitude c+_{j + to, to_orbital} c_{j + from, from_orbital}, at cell j.
struct JumpTerm {
  LatticeVector to{};  ///< displacement in cells; wraps around the lattice
  int to_orbital = 0;
  LatticeVector from{};
  int from_orbital = 0;
  std::complex<double> amplitude;
};

/// The indices of a term are the displacement `to` and its orbital, then the displacement `from` and its orbital. A
/// chain with one orbital omits the orbitals.
inline void assign(JumpTerm& jump, const Term& term) {
  const auto& i = term.indices;
  jump = {.amplitude = term.amplitude};
  if (i.size() == 2) {
    jump.to[0] = i[0];
    jump.from[0] = i[1];
    return;
  }
  const std::size_t directions = i.size() / 2 - 1;
  for (std::size_t d = 0; d < directions && d < jump.to.size(); ++d) {
    jump.to[d] = i[d];
    jump.from[d] = i[directions + 1 + d];
  }
  jump.to_orbital = static_cast<int>(i[directions]);
  jump.from_orbital = static_cast<int>(i[2 * directions + 1]);
}

/// General translation-invariant jump operators: L_j^(c) = sqrt(J) times the sum of the terms of channel c. Repeated
/// terms add (docs/physics.md, Eq. 3).
struct JumpOperators {
  std::vector<std::vector<JumpTerm>> channels;
};

/// Hop weights given as a short sum of products, w(to, from) = sum_r in_r(to) out_r(from) with in, out >= 0, without
/// the factor 1/cells.
struct ProductJump {
  int rank = 1;             ///< 1 or 2
  std::vector<double> in;   ///< shape (rank, modes)
  std::vector<double> out;  ///< shape (rank, modes)
};

/// Hop weights w(to, from) >= 0 from a table of shape (modes, modes) in C order, row = to, without the factor 1/cells.
/// Copies share the table.
class TableJump {
 public:
  /// @throws ParameterError naming bath.table and the first weight that is negative or not finite
  /// O(weights) time.
  explicit TableJump(std::vector<double> weights);
  // No move operations: a moved-from jump would have no table, and copies are cheap.
  TableJump(const TableJump&) = default;
  TableJump& operator=(const TableJump&) = default;

  const std::vector<double>& weights() const { return *weights_; }
  std::shared_ptr<const std::vector<double>> share() const { return weights_; }

 private:
  std::shared_ptr<const std::vector<double>> weights_;
};

template <>
inline auto description<TableJump>() {
  return std::tuple(Dataset{{.path = "bath.table",
                             .help = "hop weights w(to, from) >= 0, \"FILE.h5:/dataset\" of shape (modes, modes)",
                             .details = "real, without the factor 1/L"}});
}

}  // namespace lindrift
