#include "open_chain/propagator.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "engine/parallel.hpp"
#include "kernels/table.hpp"
#include "lindrift/error.hpp"
#include "lindrift/lattice/lattice.hpp"
#include "open_chain/eigenvalues.hpp"

namespace lindrift {

kernels::PropagatorDevice::~PropagatorDevice() = default;

namespace {

using Complex = std::complex<double>;

/// Momenta and sites that one call of a kernel processes.
constexpr std::size_t mode_block = 1024;
constexpr std::size_t site_block = 8192;

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

Propagator::Propagator(const HatsugaiKohmotoModes& modes, std::span<const double> down_occupation, bool green)
    : order_(modes.lattice) {
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
    // At an exceptional point (1 - e^{-St})/S is t; any S far below the rounding of 1/t gives that to the last bit.
    if (root.splitting == 0.0) root.splitting = std::max((kappa + gamma) * 0x1p-100, 1e-280);
    // g = E [ 1 - (l1 + i U n0) F ], v = -i U E F, F = -expm1(-St)/S.
    const Complex weight =
        (green ? root.slow + Complex(0.0, u * down_occupation[i]) : Complex(0.0, u)) / root.splitting;
    const std::size_t k = order_.position(i);
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

namespace {

/// Consecutive sites within a row along the last direction, whose labels ascend by one.
struct Segment {
  std::size_t first, last;
  std::int64_t label;  ///< of the first site
};

/// The rows of a lattice along its last direction, cut into blocks whose sums are added in order.
class RowBlocks {
 public:
  RowBlocks(std::size_t length, SiteOrder order) {
    const std::size_t half = length / 2;
    const auto lowest = -static_cast<std::int64_t>(half);
    if (order == SiteOrder::ascending)
      segments_ = {Segment{0, length, lowest}, Segment{length, length, 0}};
    else
      segments_ = {Segment{0, length - half, 0}, Segment{length - half, length, lowest}};
  }

  std::size_t count() const { return blocks(segments_[0]) + blocks(segments_[1]); }

  /// Norm of a block; adds its first moment along the row to `moment`.
  double sum(const Complex* row, std::size_t block, double& moment) const {
    const bool second = block >= blocks(segments_[0]);
    const Segment& segment = segments_[second ? 1 : 0];
    const std::size_t first = segment.first + (second ? block - blocks(segments_[0]) : block) * site_block;
    double norm = 0.0, moved = 0.0;
    kernels::cpu_kernels().propagator.profile_sums(
        reinterpret_cast<const double*>(row), static_cast<std::int64_t>(first),
        static_cast<std::int64_t>(std::min(segment.last, first + site_block)),
        static_cast<double>(segment.label) + static_cast<double>(first - segment.first), &norm, &moved);
    moment += moved;
    return norm;
  }

 private:
  static std::size_t blocks(const Segment& segment) {
    return (segment.last - segment.first + site_block - 1) / site_block;
  }

  std::array<Segment, 2> segments_;
};

}  // namespace

Profile profile_of(std::span<const Complex> row, const TransformOrder& order, SiteOrder sites, int threads) {
  const std::size_t last = order.directions() - 1, length = order.cells(last), rows = row.size() / length;
  const RowBlocks row_blocks(length, sites);
  const std::size_t blocks = row_blocks.count();
  struct Sum {
    double norm = 0.0, moment = 0.0;
  };
  const auto sum_of = [&](std::size_t block) {
    Sum sum;
    sum.norm = row_blocks.sum(row.data() + block / blocks * length, block % blocks, sum.moment);
    return sum;
  };
  std::vector<Sum> sums;
  if (threads > 1 && rows * blocks > 1) {
    sums.resize(rows * blocks);
    in_parts(threads, rows * blocks, [&](std::size_t b, std::size_t end, std::size_t) {
      for (; b < end; ++b) sums[b] = sum_of(b);
    });
  }
  Profile profile;
  const std::size_t half = sites == SiteOrder::ascending ? 0 : length / 2;
  for (std::size_t r = 0; r < rows; ++r) {
    double norm = 0.0;
    for (std::size_t b = r * blocks; b < (r + 1) * blocks; ++b) {
      const Sum sum = sums.empty() ? sum_of(b) : sums[b];
      norm += sum.norm;
      profile.moment[last] += sum.moment;
    }
    profile.norm += norm;
    if (length % 2 == 0) profile.antipode[last] += std::norm(row[r * length + half]);
    for (std::size_t i = 0; i < last; ++i) {
      const std::size_t integer = order.along(r * length, i), cells = order.cells(i);
      const std::int64_t label = sites == SiteOrder::ascending
                                     ? static_cast<std::int64_t>(integer) - static_cast<std::int64_t>(cells / 2)
                                     : order.label(integer, i);
      profile.moment[i] += static_cast<double>(label) * norm;
      if (2 * label == -static_cast<std::int64_t>(cells)) profile.antipode[i] += norm;
    }
  }
  return profile;
}

void store_drift(const Profile& profile, const TransformOrder& order, double* drift, double* drift_symmetric) {
  for (std::size_t i = 0; i < order.directions(); ++i) {
    const double antipode =
        order.cells(i) % 2 == 0 ? -0.5 * static_cast<double>(order.cells(i)) * profile.antipode[i] : 0.0;
    drift[i] = profile.moment[i] / profile.norm;
    drift_symmetric[i] = (profile.moment[i] - antipode) / profile.norm;
  }
}

}  // namespace lindrift
