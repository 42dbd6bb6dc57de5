#include "hubbard/staged_sum.hpp"

#include "lindrift/communicator.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// -conj(z) by subtraction, so that a zero has the sign that sums have.
Complex mirrored_value(Complex z) { return Complex(0.0) - std::conj(z); }

}  // namespace

SharedRows::SharedRows(std::span<Complex* const> rows, std::size_t count, bool mirrored, Communicator* communicator)
    : count_(count), communicator_(communicator != nullptr && communicator->size() > 1 ? communicator : nullptr) {
  const std::size_t sites = rows.size();
  for (std::size_t m = 0; m < sites; ++m) {
    const std::size_t other = mirrored ? (sites + sites / 2 - m) % sites : m;
    if (other < m) continue;
    Complex* mirror = other != m ? rows[other] : nullptr;
    if (rows[m] != nullptr || mirror != nullptr) momenta_.push_back({m, rows[m], mirror});
  }
  targets_ = momenta_;
  if (communicator_ == nullptr) return;
  own_.resize(momenta_.size() * count_);
  for (std::size_t i = 0; i < momenta_.size(); ++i) {
    Complex* own = own_.data() + i * count_;
    targets_[i] = {momenta_[i].m, own, nullptr};
    for (std::size_t w = 0; w < count_; ++w)
      own[w] = momenta_[i].row != nullptr ? momenta_[i].row[w] : mirrored_value(momenta_[i].mirror[count_ - 1 - w]);
  }
}

SharedRows::Range SharedRows::share(Range range, std::size_t tile) const {
  if (communicator_ == nullptr) return range;
  const auto bounds = share_bounds(*communicator_, range.last - range.first, tile);
  const auto rank = static_cast<std::size_t>(communicator_->rank());
  return {range.first + bounds[rank], range.first + bounds[rank + 1]};
}

void SharedRows::gather(Range range, std::size_t tile) {
  if (communicator_ == nullptr) return;
  std::vector<std::size_t> bounds;
  for (const std::size_t bound : share_bounds(*communicator_, range.last - range.first, tile))
    bounds.push_back(2 * count_ * bound);
  communicator_->all_gather({reinterpret_cast<double*>(own_.data() + range.first * count_), bounds.back()}, bounds);
  for (std::size_t i = range.first; i < range.last; ++i)
    for (std::size_t w = 0; w < count_; ++w) {
      const Complex value = own_[i * count_ + w];
      if (momenta_[i].row != nullptr) momenta_[i].row[w] = value;
      if (momenta_[i].mirror != nullptr) momenta_[i].mirror[count_ - 1 - w] = mirrored_value(value);
    }
}

}  // namespace lindrift
