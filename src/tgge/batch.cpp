#include "lindrift/tgge/batch.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "engine/device_memory.hpp"
#include "engine/short_text.hpp"
#include "engine/threads.hpp"
#include "kernels/tgge/spectrum.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"
#include "lindrift/tgge/matrix_rate_equation.hpp"
#include "tgge/batched_pair_sum.hpp"
#include "tgge/hop_weights.hpp"
#include "tgge/model.hpp"

namespace lindrift {

namespace {

/// Largest beta times bandwidth for which the matrix of ohmic rates and the Boltzmann factors of the states that it
/// multiplies stay in the range of a double: the sum of a row is at least e^{-beta width/2}.
constexpr double largest_ohmic_exponent = 1200.0;

/// Number of modes from which products pay off, as measured: with fewer, a point waits longer for the others than its
/// own sums take.
constexpr std::size_t min_modes_ohmic = 128, min_modes_table = 256;

/// Whether matrix products are faster than sums by panels. Measured: a product takes 0.03 ns per pair and point; panels
/// take the right-hand side below, in nanoseconds.
bool products_pay(const TggeModel& model) {
  const double panels = panels_of(model.bands.energy, model.bath);
  const auto levels = static_cast<double>(energy_levels(model.bands.energy).size());
  return panels > max_panels || 0.03 * levels * levels < 800.0 * panels + 40.0 * levels;
}

double largest_size(const std::vector<double>& values) {
  double largest = 0.0;
  for (const double value : values) largest = std::max(largest, std::fabs(value));
  return largest;
}

/// sigma of Eq. 4 for every pair of levels.
template <class Spectrum>
MatrixRow spectrum_matrix(const std::vector<double>& energy, const Spectrum& spectrum) {
  return [energy, spectrum](std::size_t to, std::size_t first, std::span<double> values) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = spectrum(energy[to], energy[first + i]);
  };
}

PairMatrices matrices_of(const Bands& bands, const HopWeights& weights, const TggeBath& bath) {
  PairMatrices matrices;
  if (bath.spectrum != Spectrum::exponential) matrices.levels = energy_levels(bands.energy);
  const std::vector<double>& energy = matrices.levels.energy;
  if (bath.spectrum == Spectrum::lorentzian)
    matrices.spectrum =
        spectrum_matrix(energy, kernels::tgge::LorentzianSpectrum::of(bath.spectrum_width, largest_size(bands.energy)));
  if (bath.spectrum == Spectrum::ohmic)
    matrices.spectrum =
        spectrum_matrix(energy, kernels::tgge::OhmicSpectrum::of(bath.spectrum_width, bath.inverse_temperature));
  if (weights.kind == kernels::WeightKind::table) {
    const double* table = weights.table->data();
    const std::size_t modes = weights.modes;
    matrices.by_to = [=](std::size_t to, std::size_t first, std::span<double> values) {
      std::copy_n(table + to * modes + first, values.size(), values.data());
    };
    matrices.by_from = [=](std::size_t from, std::size_t first, std::span<double> values) {
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = table[(first + i) * modes + from];
    };
  }
  return matrices;
}

TggeBath with_strength(TggeBath bath, const BathStrength& strength) {
  bath.coupling = strength.coupling;
  bath.nonequilibrium_fraction = strength.nonequilibrium_fraction;
  bath.equilibrium_fraction = strength.equilibrium_fraction;
  return bath;
}

/// Whether the rates of the thermal bath fit in a matrix.
bool fits_a_matrix(const TggeModel& model) {
  if (model.bath.spectrum != Spectrum::ohmic) return true;
  const auto [lowest, highest] = std::minmax_element(model.bands.energy.begin(), model.bands.energy.end());
  return model.bath.inverse_temperature * (*highest - *lowest) <= largest_ohmic_exponent;
}

}  // namespace

bool gains_from_batching(const TggeModel& model, const Execution& execution, std::string* reason) {
  if (needs_matrices(model)) {
    if (reason) *reason = "the occupations of degenerate bands are matrices, whose sums no other point shares";
    return false;
  }
  if (!fits_a_matrix(model)) {
    if (reason) *reason = "the rates of so cold an ohmic bath leave the range of a matrix of doubles";
    return false;
  }
  const bool ohmic = model.bath.spectrum == Spectrum::ohmic, table = std::holds_alternative<TableJump>(model.jump);
  if (ohmic || table) {
    const bool enough = model.bands.modes() >= (ohmic ? min_modes_ohmic : min_modes_table);
    if (reason && !enough) *reason = "sums over so few modes take less time than it takes to wait for each other";
    if (table || execution.algorithm != Algorithm::automatic)
      return enough && execution.algorithm != Algorithm::separable;
    const bool pay = products_pay(model);
    if (reason && !pay) *reason = "sums by panels of energies are faster than products of matrices";
    return enough && pay;
  }
  const bool pairs = execution.algorithm == Algorithm::direct || model.bath.spectrum == Spectrum::lorentzian;
  if (reason)
    *reason = pairs ? "the weights of a pair are computed faster than a matrix of them is read"
                    : "moments are faster than any sum over pairs";
  return false;
}

namespace {

/// @throws DeviceMemoryError
double matrices_on_device(const TggeModel& model, std::size_t slots, const PairMatrices& matrices,
                          const Execution& execution) {
  const double bytes = BatchedPairSum::device_bytes(model.bands.modes(), slots, matrices, execution.device);
  require_device_memory(bytes, execution);
  return bytes;
}

}  // namespace

double batch_device_bytes(const TggeModel& model, std::size_t points, const Execution& execution) {
  const auto weights = make_hop_weights(model.bands, model.jump);
  return matrices_on_device(model, batch_slots(points), matrices_of(model.bands, *weights, model.bath), execution);
}

std::size_t batch_slots(std::size_t points) {
  constexpr std::size_t most = 64, few = 32;
  const std::size_t min_rounds = points > few ? 2 : 1, rounds = std::max(min_rounds, (points + most - 1) / most);
  return std::max<std::size_t>(1, (points + rounds - 1) / rounds);
}

void solve_batch(const TggeModel& model, std::span<const std::optional<BathStrength>> points,
                 const Execution& requested, const std::function<void(std::size_t, const RateEquation&)>& solve,
                 const std::function<bool()>& go_on) {
  validate(model);
  if (needs_matrices(model))
    throw UnsupportedError("the occupations of degenerate bands are matrices: solve each point alone");
  const std::size_t slots = batch_slots(points.size());
  std::vector<std::size_t> taken;  // slots with points to solve
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!points[i]) continue;
    taken.push_back(i % slots);
    validate_bath(with_strength(model.bath, *points[i]));
  }
  std::sort(taken.begin(), taken.end());
  taken.erase(std::unique(taken.begin(), taken.end()), taken.end());
  if (!fits_a_matrix(model))
    throw UnsupportedError(
        "the rates of so cold an ohmic bath leave the range of a matrix of doubles: solve each alone");
  Execution execution = requested;
  std::string backend_reason;
  execution.backend = resolve_backend(requested.backend, &backend_reason);
  execution.algorithm = Algorithm::direct;
  const auto weights = make_hop_weights(model.bands, model.jump);
  PairMatrices matrices = matrices_of(model.bands, *weights, model.bath);
  if (is_device(execution.backend)) try {
      matrices_on_device(model, slots, matrices, execution);
    } catch (const DeviceMemoryError& lack) {
      // Ranks that share the products must all take the same backend.
      const bool alone = execution.communicator == nullptr || execution.communicator->size() == 1;
      if (requested.backend != Backend::automatic || !alone) throw;
      execution.backend = Backend::cpu;
      backend_reason = lack.what();
    }
  BatchedPairSum pair_sum(model.bands.modes(), slots, taken.size(), std::move(matrices), execution);

  // Ranks share only the products. Everything else is cheap, and every rank repeats it.
  Execution alone = execution;
  alone.communicator = nullptr;
  alone.threads = 1;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto fail = [&] {
    const std::lock_guard lock(mutex);
    if (!failure) failure = std::current_exception();
  };
  const auto run = [&](std::size_t slot) {
    const Calculation calculation(alone.threads);
    for (std::size_t i = slot; i < points.size() && !pair_sum.failed(); i += slots) try {
        if (!points[i]) continue;
        RateEquation equation = make_rate_equation(model.bands, model.rate_unit, with_strength(model.bath, *points[i]),
                                                   weights, alone, &pair_sum.slot(slot));
        equation.backend = execution.backend;
        equation.backend_reason = backend_reason;
        equation.algorithm = Algorithm::direct;
        equation.reason = "the sums over pairs of " + counted(slots, "point") + " at a time are products of matrices";
        solve(i, equation);
      } catch (...) {
        fail();
      }
    pair_sum.leave(slot);
  };
  std::vector<std::thread> threads;
  threads.reserve(taken.size());
  for (const std::size_t slot : taken) try {
      threads.emplace_back(run, slot);
    } catch (const std::system_error&) {  // no more threads available
      fail();
      pair_sum.leave(slot);
    }
  pair_sum.serve(go_on);
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
  pair_sum.rethrow_failure();  // solve() may have caught it
}

}  // namespace lindrift
