#pragma once

#include <complex>
#include <span>
#include <string>
#include <vector>

#include "lindrift/arguments.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/hatsugai_kohmoto/chain.hpp"
#include "lindrift/monitor.hpp"
#include "lindrift/observable.hpp"

namespace lindrift {

/// Norm and drift of a propagator G(j,t) at one time.
struct Spreading {
  double norm = 0.0;             ///< sum_j |G(j)|^2
  double drift = 0.0;            ///< sum_j j |G(j)|^2 / norm, labels j = -floor(L/2) .. ceil(L/2)-1; NaN if norm = 0
  double drift_symmetric = 0.0;  ///< the same, with the antipode j = -L/2 of an even ring counted at 0
};

/// @param green  G(j), shape (sites,), in the order of the labels: j = -floor(L/2) .. ceil(L/2)-1
/// One thread, fixed order of summation, O(sites).
Spreading spreading(std::span<const std::complex<double>> green);

/// Options of green().
struct GreenOptions {
  /// <n_{k,down}> at the earlier time, shape (momenta,), ascending, in [0, 1]; empty: the steady state, with 0 where no
  /// bath acts on spin down.
  std::vector<double> down_occupation;
  bool keep_sites = true;    ///< false: leaves G(j,t) out of the result
  bool keep_momenta = true;  ///< false: leaves G(k,t) out of the result
  Monitor monitor = {};
};

template <>
inline auto description<GreenOptions>() {
  return std::tuple(field(&GreenOptions::down_occupation, down_occupation_parameter()));
}

/// Retarded Green's function at given times; rows of times that were not reached are NaN.
struct GreenResult {
  std::vector<double> times;
  std::vector<std::complex<double>> green_retarded;  ///< G(j,t), (times, cells), order of the labels; may be empty
  std::vector<std::complex<double>> green_retarded_momentum;  ///< G(k,t), (times, cells), ascending; may be empty
  std::vector<double> drift, drift_symmetric;                 ///< (times, directions), see Spreading
  std::vector<double> norm;                                   ///< (times,)
  bool converged = true;                                      ///< every time was reached
  Backend backend = Backend::cpu;                             ///< resolved
  std::string backend_reason;
};

/// Observables of a Green's function in time: its drift and its norm are among them.
template <class Result>
auto green_observables() {
  return std::tuple(observable(&Result::green_retarded, {.name = "green_retarded",
                                                         .long_name = "retarded Green's function G(j,t)",
                                                         .dimensions = {"time", "site"}}),
                    observable(&Result::green_retarded_momentum, {.name = "green_retarded_momentum",
                                                                  .long_name = "retarded Green's function G(k,t)",
                                                                  .dimensions = {"time", "momentum"},
                                                                  .with = "time"}),
                    observable(&Result::drift, {.name = "drift",
                                                .long_name = "drift, sum of j |G|^2 over sum of |G|^2",
                                                .dimensions = {"time", "direction"},
                                                .with = "time",
                                                .in_summary = true}),
                    observable(&Result::drift_symmetric, {.name = "drift_symmetric",
                                                          .long_name = "drift with the antipode at 0",
                                                          .dimensions = {"time", "direction"},
                                                          .with = "time",
                                                          .in_summary = true}),
                    observable(&Result::norm, {.name = "norm",
                                               .long_name = "sum of |G|^2 over the sites",
                                               .dimensions = {"time"},
                                               .with = "time",
                                               .in_summary = true}));
}

template <>
inline auto description<GreenResult>() {
  return green_observables<GreenResult>();
}

/// G(j,t) = -i <{c_{j,up}(t), c+_{0,up}(0)}> of the open Hatsugai-Kohmoto model, exact at every time (docs/physics.md,
/// Eqs. 35 to 39). O(times * cells log cells) operations; the memory does not grow with the number of times unless G is
/// kept. The drift remains accurate when the norm underflows. Ranks of execution.communicator share the times.
/// @param times  >= 0, strictly ascending, in 1/energy
/// @throws ParameterError, ShapeError, UnsupportedError
GreenResult green(const HatsugaiKohmoto& model, std::span<const double> times, const GreenOptions& options = {},
                  const Execution& execution = {});

/// The backend that green() chooses for this number of times, and why: the CPU for a lattice of several directions.
/// @throws UnsupportedError if a device is requested for one
Backend green_backend(Backend asked, const HatsugaiKohmoto& model, std::size_t times, std::string* reason = nullptr);

/// Device memory of green() for this number of times, in bytes.
/// @throws DeviceMemoryError if the memory that this process may use does not suffice
double green_device_bytes(const HatsugaiKohmoto& model, std::size_t times, const GreenOptions& options,
                          const Execution& execution);

}  // namespace lindrift
