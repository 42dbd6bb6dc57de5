// The rectified current of Fig. 3(b) at one point, as a program of its own would compute it.
#include <cmath>
#include <cstdio>
#include <lindrift/lindrift.hpp>

int main() {
  lindrift::TggeChain chain;
  chain.sites = 100;
  chain.bath.nonequilibrium_fraction = 0.5;
  const lindrift::RateEquation equation = lindrift::make_rate_equation(chain);
  const lindrift::SteadyState state = lindrift::steady_state(equation, 0.5);
  std::printf("lindrift %s: current %.12g\n", std::string(lindrift::version()).c_str(), state.current[0]);
  return state.converged && std::abs(state.current[0] - 0.03519366244720041) < 1e-10 ? 0 : 1;
}
