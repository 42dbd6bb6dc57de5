#include "lindrift/models/batch.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "kernels/tgge/spectrum.hpp"
#include "lindrift/error.hpp"
#include "models/batched_pair_sum.hpp"
#include "models/hop_weights.hpp"
#include "models/tgge_equation.hpp"

namespace lindrift {

namespace {

/// beta times the width of the bands beyond which the elements of a matrix of ohmic rates, and the Boltzmann factors of
/// the states that it multiplies, leave the range of double precision: a row's sum is e^{-beta width/2} at least.
constexpr double largest_ohmic_exponent = 1200.0;

/// Modes from which products pay, as measured: below, a point waits longer for the others than its sums take.
constexpr std::size_t min_modes_ohmic = 128, min_modes_table = 256;

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

PairMatrices matrices_of(const RateEquation& equation, const HopWeights& weights, const TggeBath& bath) {
  PairMatrices matrices;
  if (bath.spectrum != Spectrum::exponential) matrices.levels = energy_levels(equation.energy);
  const std::vector<double>& energy = matrices.levels.energy;
  if (bath.spectrum == Spectrum::lorentzian)
    matrices.spectrum = spectrum_matrix(
        energy, kernels::tgge::LorentzianSpectrum::of(bath.spectrum_width, largest_size(equation.energy)));
  if (bath.spectrum == Spectrum::ohmic)
    matrices.spectrum =
        spectrum_matrix(energy, kernels::tgge::OhmicSpectrum{1.0 / bath.spectrum_width, bath.inverse_temperature});
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

/// Whether a matrix can hold the rates of the thermal bath.
template <class Chain>
bool fits_a_matrix(const Chain& chain) {
  if (chain.bath.spectrum != Spectrum::ohmic) return true;
  const BareEquation bare = bare_equation(chain);
  const auto [lowest, highest] = std::minmax_element(bare.equation.energy.begin(), bare.equation.energy.end());
  return chain.bath.inverse_temperature * (*highest - *lowest) <= largest_ohmic_exponent;
}

template <class Chain>
bool gains(const Chain& chain, const Execution& execution, std::string* reason) {
  if (!fits_a_matrix(chain)) {
    if (reason) *reason = "the rates of so cold an ohmic bath leave the range of a matrix of doubles";
    return false;
  }
  const bool ohmic = chain.bath.spectrum == Spectrum::ohmic, table = std::holds_alternative<TableJump>(chain.jump);
  if (ohmic || table) {
    const auto modes = static_cast<std::size_t>(bare_equation(chain).equation.modes());
    const bool enough = modes >= (ohmic ? min_modes_ohmic : min_modes_table);
    if (reason && !enough) *reason = "sums over so few modes take less time than it takes to wait for each other";
    return enough && execution.algorithm != Algorithm::separable;
  }
  const bool pairs = execution.algorithm == Algorithm::direct || chain.bath.spectrum == Spectrum::lorentzian;
  if (reason)
    *reason = pairs ? "the weights of a pair are computed faster than a matrix of them is read"
                    : "moments are faster than any sum over pairs";
  return false;
}

template <class Chain>
void solve(const Chain& chain, std::span<const std::optional<BathStrength>> problems, const Execution& requested,
           const std::function<void(std::size_t, const RateEquation&)>& solve_one, const std::function<bool()>& go_on) {
  Chain validated = chain;
  const std::size_t places = batch_slots(problems.size());
  std::vector<std::size_t> taken;  // places, once each
  for (std::size_t i = 0; i < problems.size(); ++i) {
    if (!problems[i]) continue;
    taken.push_back(i % places);
    validated.bath = with_strength(chain.bath, *problems[i]);
    validate(validated);
  }
  std::sort(taken.begin(), taken.end());
  taken.erase(std::unique(taken.begin(), taken.end()), taken.end());
  if (!fits_a_matrix(chain))
    throw UnsupportedError(
        "the rates of so cold an ohmic bath leave the range of a matrix of doubles: solve each alone");
  Execution execution = requested;
  std::string backend_reason;
  execution.backend = resolve_backend(requested.backend, &backend_reason);
  execution.algorithm = Algorithm::direct;
  const BareEquation bare = bare_equation(chain);
  const auto weights = make_hop_weights(bare, any_jump(chain));
  BatchedPairSum batch(bare.equation.modes(), places, taken.size(), matrices_of(bare.equation, *weights, chain.bath),
                       execution);

  // Only the products are shared between ranks; everything else is short, and the same everywhere.
  Execution alone = execution;
  alone.communicator = nullptr;
  alone.threads = 1;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto fail = [&] {
    const std::lock_guard lock(mutex);
    if (!failure) failure = std::current_exception();
  };
  const auto run = [&](std::size_t place) {
    omp_set_num_threads(1);
    for (std::size_t i = place; i < problems.size() && !batch.failed(); i += places) try {
        if (!problems[i]) continue;
        BareEquation own = bare_equation(chain);
        attach_baths(own.equation, chain.hopping, weights, with_strength(chain.bath, *problems[i]), alone,
                     &batch.problem(place));
        own.equation.backend = execution.backend;
        own.equation.algorithm = Algorithm::direct;
        own.equation.reason =
            "the sums over pairs of " + std::to_string(places) + " points at a time are products of matrices";
        solve_one(i, own.equation);
      } catch (...) {
        fail();
      }
    batch.leave(place);
  };
  std::vector<std::thread> threads;
  threads.reserve(taken.size());
  for (const std::size_t place : taken) try {
      threads.emplace_back(run, place);
    } catch (const std::system_error&) {  // no more threads to be had
      fail();
      batch.leave(place);
    }
  batch.serve(go_on);
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
  batch.rethrow_failure();  // problems that catch everything have kept it to themselves
}

}  // namespace

bool gains_from_batching(const TggeChain& chain, const Execution& execution, std::string* reason) {
  return gains(chain, execution, reason);
}
bool gains_from_batching(const TggeRashba& chain, const Execution& execution, std::string* reason) {
  return gains(chain, execution, reason);
}
std::size_t batch_slots(std::size_t problems) {
  constexpr std::size_t most = 64, few = 32;
  const std::size_t min_rounds = problems > few ? 2 : 1, rounds = std::max(min_rounds, (problems + most - 1) / most);
  return std::max<std::size_t>(1, (problems + rounds - 1) / rounds);
}

void solve_batch(const TggeChain& chain, std::span<const std::optional<BathStrength>> problems,
                 const Execution& execution, const std::function<void(std::size_t, const RateEquation&)>& solve_one,
                 const std::function<bool()>& go_on) {
  solve(chain, problems, execution, solve_one, go_on);
}
void solve_batch(const TggeRashba& chain, std::span<const std::optional<BathStrength>> problems,
                 const Execution& execution, const std::function<void(std::size_t, const RateEquation&)>& solve_one,
                 const std::function<bool()>& go_on) {
  solve(chain, problems, execution, solve_one, go_on);
}

}  // namespace lindrift
