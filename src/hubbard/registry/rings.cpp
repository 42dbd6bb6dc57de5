#include "hubbard/registry/rings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "config/read.hpp"
#include "lindrift/lindrift.hpp"

namespace lindrift {

double interaction_strength(const HubbardChain& chain) { return std::fabs(chain.interaction.front() / chain.hopping); }

HubbardChain read_ring(const config::Point& point) {
  require_ring(config::read<OpenLattice>(point), "task.kind = " + point.text("task.kind"));
  return config::read<HubbardChain>(point);
}

void refuse_approximations(const HubbardChain& chain, const std::string& task, const std::string& ladder,
                           const std::string& hartree) {
  const auto refuse = [&](const char* key, std::string_view word, const std::string& reason) {
    throw ParameterError(key, fmt::format("{} has no meaning with task.kind = {}: {}", word, task, reason));
  };
  if (chain.approximation != Approximation::second_order)
    refuse("model.approximation", name(chain.approximation), ladder);
  if (chain.hartree != Hartree::none) refuse("model.hartree", name(chain.hartree), hartree);
}

double plain_flow(const config::Point& point, std::span<const double> values) {
  const std::int64_t sites = point.integer("model.sites"), first = first_momentum_index(sites);
  double sum = 0.0;
  for (std::int64_t i = 0; i < sites; ++i)
    sum += 2.0 * point.real("model.hopping") * sin_pi(2 * (first + i), sites) * values[static_cast<std::size_t>(i)];
  return sum;
}

void verify_ring_currents(Verification& verification, double bounds, double allowed) {
  const auto *occupation = verification.reals("occupation_spin"), *current = verification.reals("current_spin");
  if (occupation == nullptr) return;
  for (const double n : *occupation) verification.note("0 <= n <= 1", std::max({0.0, -n, n - 1.0}), bounds);
  if (current == nullptr) return;
  const std::size_t sites = occupation->size() / 2;
  for (std::size_t s = 0; s < 2; ++s)
    verification.note(
        "current from the occupations",
        std::fabs((*current)[s] - plain_flow(verification.point, std::span(*occupation).subspan(s * sites, sites)) /
                                      static_cast<double>(sites)),
        allowed);
}

}  // namespace lindrift
