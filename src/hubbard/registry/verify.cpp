#include "hubbard/registry/verify.hpp"

#include <algorithm>
#include <string>

#include "config/read.hpp"
#include "engine/validate.hpp"
#include "lindrift/lindrift.hpp"
#include "open_chain/registry/propagator.hpp"
#include "open_chain/registry/verify_sites.hpp"

namespace lindrift {

void verify_hubbard_green(Verification& verification) {
  // Squares of the amplitudes have twice their relative error.
  verify_propagator_rows(verification, 2.0 * verification.point.real("solver.tolerance"));
  verify_propagator_start(verification, verification.point.real("solver.tolerance"));
}

void verify_hubbard_spectral(Verification& verification) {
  const config::Point& point = verification.point;
  const double tolerance = point.real("solver.tolerance");
  verify_spectral_entries(verification, tolerance);
  const auto chain = config::read<HubbardChain>(point);
  const auto& frequencies = point.reals("task.frequencies");
  const Lattice lattice = chain.lattice();
  const std::vector<std::size_t> chosen = select_momenta(integers_of(point, "task.momenta"), chain);
  const auto* self = verification.complex("self_energy");
  const auto* spectral_function = verification.reals("spectral_function");
  const auto *self_error = verification.reals("self_energy_error"),
             *spectral_error = verification.reals("spectral_function_error");
  auto options = config::read<HubbardSpectralOptions>(point);
  const std::string method =
      chain.approximation == Approximation::ladder ? "by its pairs at every frequency" : "by the double sum";
  for (const std::size_t i : verification.some_of(momenta_of(point) * frequencies.size())) {
    const LatticeVector m = lattice.momentum(chosen[i / frequencies.size()]);
    options.momenta.assign(m.begin(), m.begin() + lattice.dimensions());
    const HubbardSpectrum entry = spectral(chain, std::vector<double>{frequencies[i % frequencies.size()]}, options,
                                           {.backend = Backend::cpu, .algorithm = Algorithm::direct});
    const auto allowed = [&](const std::vector<double>* promised) {
      return std::max(tolerance, promised != nullptr ? (*promised)[0] : 0.0);
    };
    if (self != nullptr)
      verification.note("self energy, " + method, std::abs((*self)[i] - entry.self_energy[0]),
                        allowed(self_error) * largest_of(*self));
    if (spectral_function != nullptr && std::isfinite((*spectral_function)[i]))
      verification.note("spectral function, " + method, std::fabs((*spectral_function)[i] - entry.spectral_function[0]),
                        allowed(spectral_error) * largest_of(*spectral_function));
  }
}

}  // namespace lindrift
