#include "open_chain/propagator.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/parallel.hpp"
#include "kernels/table.hpp"
#include "lindrift/error.hpp"
#include "lindrift/lattice/lattice.hpp"

namespace lindrift {

kernels::PropagatorDevice::~PropagatorDevice() = default;

namespace {

using Complex = std::complex<double>;

/// Momenta and sites that one call of a kernel works on.
constexpr std::size_t mode_block = 1024;
constexpr std::size_t site_block = 8192;

/// What of D_k does not depend on time.
struct Eigenvalues {
  Complex slow;       ///< l1: the slow eigenvalue is -i eps - Gamma_up/2 + l1
  Complex splitting;  ///< S = l1 - l2, Re S >= 0
};

/// Roots without cancellation, for every kappa, gamma >= 0 and U of either sign                       (Eqs. 36, 37)
Eigenvalues eigenvalues(double kappa, double gamma, double u) {
  const double rate = kappa + gamma;
  Complex s = std::sqrt(Complex((rate - u) * (rate + u), 2.0 * u * (gamma - kappa)));
  // On the cut the library's root may lie on the side where rate + iU + S vanishes.
  if (s.real() == 0.0 && u * s.imag() < 0.0) s = -s;
  if (rate == 0.0 && u == 0.0) return {0.0, s};
  const Complex slow = kappa <= gamma ? Complex(0.0, -2.0 * u * kappa) / (Complex(rate, u) + s)
                                      : Complex(0.0, -u) + Complex(0.0, 2.0 * u * gamma) / (Complex(rate, -u) + s);
  return {slow, s};
}

}  // namespace

double slowest_decay(const HatsugaiKohmotoModes& modes) {
  return parallel_maximum(modes.energy.size(), -std::numeric_limits<double>::infinity(), [&](std::size_t i) {
    return eigenvalues(modes.down.gain[i], modes.down.loss[i], modes.interaction).slow.real() -
           0.5 * (modes.up.gain[i] + modes.up.loss[i]);
  });
}

Propagator Propagator::of_green(const HatsugaiKohmotoModes& modes, std::span<const double> down_occupation) {
  return {modes, down_occupation, true};
}
Propagator Propagator::of_second_entry(const HatsugaiKohmotoModes& modes) { return {modes, {}, false}; }

Propagator::Propagator(const HatsugaiKohmotoModes& modes, std::span<const double> down_occupation, bool green) {
  const std::size_t sites = modes.energy.size();
  const auto padding = static_cast<std::size_t>(kernels::PropagatorTables::padding);
  const std::size_t padded = (sites + padding - 1) / padding * padding;
  arrays_ = std::make_shared<std::vector<double>>(6 * padded);
  double* array[6];
  for (std::size_t a = 0; a < 6; ++a) array[a] = arrays_->data() + a * padded;

  const double u = modes.interaction;
  parallel_for(sites, [&](std::size_t i) {
    const double kappa = modes.down.gain[i], gamma = modes.down.loss[i];
    const double up_rate = modes.up.gain[i] + modes.up.loss[i];
    Eigenvalues root = eigenvalues(kappa, gamma, u);
    // At an exceptional point (1 - e^{-St})/S is t, which any S far below the roundings of 1/t gives to the last bit.
    if (root.splitting == 0.0) root.splitting = std::max((kappa + gamma) * 0x1p-100, 1e-280);
    // g = E [ 1 - (l1 + i U n0) F ], v = -i U E F, F = -expm1(-St)/S.
    const Complex weight =
        (green ? root.slow + Complex(0.0, u * down_occupation[i]) : Complex(0.0, u)) / root.splitting;
    const std::size_t k = fourier_position(i, sites);
    array[0][k] = -0.5 * up_rate + root.slow.real();
    array[1][k] = -modes.energy[i] + root.slow.imag();
    array[2][k] = root.splitting.real();
    array[3][k] = root.splitting.imag();
    array[4][k] = weight.real();
    array[5][k] = weight.imag();
  });
  growth_ = -std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < sites; ++k) growth_ = std::max(growth_, array[0][k]);
  for (std::size_t k = 0; k < sites; ++k) array[0][k] -= growth_;

  tables_.sites = static_cast<std::int64_t>(sites);
  tables_.constant = green ? 1.0 : 0.0;
  tables_.growth = array[0];
  tables_.rotation = array[1];
  tables_.splitting_re = array[2];
  tables_.splitting_im = array[3];
  tables_.weight_re = array[4];
  tables_.weight_im = array[5];
}

void Propagator::amplitudes(std::span<const double> times, Complex* rows, int threads) const {
  const std::size_t blocks = (sites() + mode_block - 1) / mode_block;
  const auto& functions = kernels::cpu_kernels().propagator;
  in_parts(threads, blocks, [&](std::size_t b, std::size_t last, std::size_t) {
    for (; b < last; ++b)
      functions.propagate(tables_, static_cast<std::int64_t>(b * mode_block),
                          static_cast<std::int64_t>(std::min(sites(), (b + 1) * mode_block)), times.data(),
                          static_cast<std::int64_t>(times.size()), reinterpret_cast<double*>(rows));
  });
}

Profile profile_of(std::span<const Complex> row, int threads) {
  const std::size_t sites = row.size(), positive = sites - sites / 2;
  const auto& functions = kernels::cpu_kernels().propagator;
  const auto* data = reinterpret_cast<const double*>(row.data());
  Profile profile;
  // Blocks never straddle the place where the labels jump from ceil(L/2)-1 to -floor(L/2).
  const auto add = [&](std::size_t begin, std::size_t end, double first_label) {
    const auto sum_of = [&](std::size_t block) {
      const std::size_t first = begin + block * site_block, last = std::min(end, first + site_block);
      Profile sum;
      functions.profile_sums(data, static_cast<std::int64_t>(first), static_cast<std::int64_t>(last),
                             first_label + static_cast<double>(first - begin), &sum.norm, &sum.moment);
      return sum;
    };
    const std::size_t blocks = (end - begin + site_block - 1) / site_block;
    std::vector<Profile> sums;
    if (threads > 1 && blocks > 1) {
      sums.resize(blocks);
      in_parts(threads, blocks, [&](std::size_t b, std::size_t last, std::size_t) {
        for (; b < last; ++b) sums[b] = sum_of(b);
      });
    }
    for (std::size_t b = 0; b < blocks; ++b) {
      const Profile sum = sums.empty() ? sum_of(b) : sums[b];
      profile.norm += sum.norm;
      profile.moment += sum.moment;
    }
  };
  add(0, positive, 0.0);
  add(positive, sites, static_cast<double>(first_momentum_index(static_cast<std::int64_t>(sites))));
  if (sites % 2 == 0) profile.antipode = std::norm(row[sites / 2]);
  return profile;
}

}  // namespace lindrift
