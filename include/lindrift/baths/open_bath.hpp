#pragma once

#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include "lindrift/description.hpp"
#include "lindrift/lattice/open_lattice.hpp"

namespace lindrift {

/// Whether an operator removes or adds particles.
enum class BathOperatorKind { loss, gain };

template <>
inline constexpr auto names_of<BathOperatorKind> =
    std::array{std::pair{BathOperatorKind::loss, "loss"}, std::pair{BathOperatorKind::gain, "gain"}};

/// One bath operator, acting at every cell j (docs/physics.md, Eq. 111): sum_R a_R c_{j+R}, or sum_R a_R c+_{j+R}.
struct BathOperator {
  BathOperatorKind kind = BathOperatorKind::loss;
  std::vector<LatticeTerm> terms{};  ///< amplitudes a_R, in sqrt(energy)
};

/// The first index of each term is the kind, the others are the displacement.
inline void assign(BathOperator& channel, const std::vector<Term>& terms) {
  channel = {};
  for (Term term : terms) {
    channel.kind = term.indices.front() == 0 ? BathOperatorKind::loss : BathOperatorKind::gain;
    term.indices.erase(term.indices.begin());
    assign(channel.terms.emplace_back(), term);
  }
}

/// Bath of one spin of an open model: gain and loss at single sites, at bonds of a ring (docs/physics.md, Eq. 31), and
/// through arbitrary operators of neighbouring cells. Field names are the TOML names below [bath.up] and [bath.down].
/// Rates are >= 0, in energy; phases are in radians.
struct OpenBath {
  double gain = 0.0;           ///< sqrt(gain) c+_j at every site
  double loss = 0.0;           ///< sqrt(loss) c_j at every site
  double two_site_loss = 0.0;  ///< sqrt(g) (c_j + e^{i phase} c_{j+1}) at every bond
  double two_site_loss_phase = 0.5 * std::numbers::pi;
  double two_site_gain = 0.0;  ///< sqrt(g) (c+_j + e^{i phase} c+_{j+1}) at every bond
  double two_site_gain_phase = 0.5 * std::numbers::pi;
  std::vector<double> gain_table;  ///< added to the gain of each momentum; empty, or shape (cells,), ascending momentum
  std::vector<double> loss_table;  ///< the same for the loss
  std::vector<BathOperator> operators{};  ///< added to all of the above
};

template <>
inline auto description<OpenBath>() {
  const auto rate = [](std::string path, std::string help, std::string details = "") {
    return Parameter{.path = std::move(path),
                     .help = std::move(help),
                     .range = from_zero,
                     .sweepable = true,
                     .units = "energy",
                     .details = std::move(details)};
  };
  const auto phase = [](std::string path, std::string help) {
    return Parameter{.path = std::move(path), .help = std::move(help), .sweepable = true, .units = "rad"};
  };
  const auto table = [](std::string path, std::string help) {
    return Parameter{.path = std::move(path), .help = std::move(help), .derived = "no such rates", .range = from_zero};
  };
  return std::tuple(
      field(&OpenBath::gain, rate("gain", "rate of local gain, sqrt(gain) c+_j")),
      field(&OpenBath::two_site_gain,
            rate("two_site_gain", "rate g of gain into bonds, sqrt(g) (c+_j + e^{i phase} c+_{j+1})",
                 "4 g cos^2((k - phase)/2), physics.md Eq. 31")),
      field(&OpenBath::two_site_gain_phase, phase("two_site_gain_phase", "phase of the gain into bonds, radians")),
      field(&OpenBath::gain_table,
            table("gain_table", "gain at every momentum, in ascending order, added to the rates above")),
      field(&OpenBath::loss, rate("loss", "rate of local loss, sqrt(loss) c_j")),
      field(&OpenBath::two_site_loss,
            rate("two_site_loss", "rate g of loss from bonds, sqrt(g) (c_j + e^{i phase} c_{j+1})",
                 "4 g cos^2((k + phase)/2)")),
      field(&OpenBath::two_site_loss_phase, phase("two_site_loss_phase", "phase of the loss from bonds, radians")),
      field(&OpenBath::loss_table,
            table("loss_table", "loss at every momentum, in ascending order, added to the rates above")),
      field(&OpenBath::operators,
            {.path = "operator",
             .help = "one table per operator, kind = \"loss\" or \"gain\", terms = [[R.., Re, Im], ...] of c_{j+R} or "
                     "c+_{j+R} at every cell j, added to the above",
             .derived = "no such operators",
             .term_length = 1,
             .kinds = {"loss", "gain"},
             .details = "amplitudes in sqrt(energy); physics.md Eq. 111"}));
}

/// Rates of the jump operators sqrt(gain_k) c+_k and sqrt(loss_k) c_k that are equivalent to a bath. Each of shape
/// (momenta,), ascending momentum, in energy.
struct BathRates {
  std::vector<double> gain;
  std::vector<double> loss;
};

/// @param section  name of the bath in messages: "bath.up"
/// @throws ParameterError naming the key, its value and what is allowed
void validate(const OpenBath& bath, const Lattice& lattice, const std::string& section);

/// gain_k = gain + 4 two_site_gain cos^2((k - two_site_gain_phase)/2) + gain_table_k + |sum_R a_R e^{-ik.R}|^2,
/// loss_k = loss + 4 two_site_loss cos^2((k + two_site_loss_phase)/2) + loss_table_k + |sum_R a_R e^{ik.R}|^2
/// (Eqs. 31 and 111), with the last term for every operator. The error is a few roundings of each of the first three
/// terms, also close to the zeros, and a phase that is a multiple of pi/(2 sites) to its last bits, such as pi/2, gives
/// exact zeros. For an operator the error is a few roundings of (sum |a_R|)^2. O(cells * terms).
/// @throws ParameterError as validate() does
BathRates bath_rates(const OpenBath& bath, const Lattice& lattice, const std::string& section = "bath");

/// Whether the bath adds no particles at any momentum.
bool has_no_gain(const OpenBath& bath);

}  // namespace lindrift
