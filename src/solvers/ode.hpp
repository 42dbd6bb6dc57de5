#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lindrift/generator.hpp"
#include "lindrift/tasks/relax.hpp"

namespace lindrift {

/// Occupations that keep full relative accuracy on both sides: of n and 1-n the smaller one is stored.
struct OccupationState {
  std::vector<double> smaller;  ///< min(n, 1-n) when it was last oriented, (modes,)
  std::vector<char> flipped;    ///< 1 where `smaller` is 1-n

  static OccupationState from_lagrange_multiplier(std::span<const double> lagrange_multiplier);

  std::size_t modes() const { return smaller.size(); }
  /// Stores the other side wherever `smaller` has grown beyond 1/2.
  void reorient();
  void split(std::span<double> particles, std::span<double> holes) const;
  void lagrange_multiplier(std::span<double> result) const;
};

/// Integrates the generator's dn/dt with CVODE, from one output time to the next. Every advance() starts the integrator
/// anew, so that the bits at a time depend on the state at the previous output time only.
class OccupationIntegrator {
 public:
  /// @param integrator  adams or bdf
  OccupationIntegrator(Generator& generator, Integrator integrator, double tolerance);
  ~OccupationIntegrator();
  OccupationIntegrator(const OccupationIntegrator&) = delete;
  OccupationIntegrator& operator=(const OccupationIntegrator&) = delete;

  /// Takes the state from time `from` to time `to` in at most `max_steps` steps.
  /// @return false if the steps did not suffice; the state is then that of the last step
  /// @throws NumericalError if a rate is not finite
  bool advance(OccupationState& state, double from, double to, std::int64_t max_steps);

  std::int64_t steps() const { return steps_; }
  std::int64_t rate_evaluations() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
  std::int64_t steps_ = 0;
};

}  // namespace lindrift
