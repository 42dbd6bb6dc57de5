#include "engine/fourier.hpp"

#include <stdexcept>

#include "kernels/table.hpp"
#include "lattice/transform_order.hpp"

namespace lindrift {

kernels::FourierPlan::~FourierPlan() = default;

namespace {

kernels::FourierPlan* make_plan(std::size_t length) {
  if (length == 0) throw std::invalid_argument("a Fourier transform of length 0");
  const auto n = static_cast<std::int64_t>(length);
  return kernels::cpu_kernels().make_fourier_plan(n);
}

/// The standard guarantees that std::complex is two adjacent doubles.
double* bare(std::complex<double>* rows) { return reinterpret_cast<double*>(rows); }

}  // namespace

std::size_t smooth_length(std::size_t least) {
  std::size_t best = 1;
  while (best < least) best *= 2;
  for (std::size_t five = 1; five < best; five *= 5)
    for (std::size_t three = five; three < best; three *= 3) {
      std::size_t length = three;
      while (length < least) length *= 2;
      best = std::min(best, length);
    }
  return best;
}

Fourier::Fourier(std::size_t length) : length_(length), plan_(make_plan(length)) {}
Fourier::Fourier(const TransformOrder& order) : length_(order.size()) {
  std::int64_t lengths[3];
  int count = 0;
  for (std::size_t i = 0; i < order.directions(); ++i)
    if (order.cells(i) > 1) lengths[count++] = static_cast<std::int64_t>(order.cells(i));
  plan_.reset(count > 1 ? kernels::cpu_kernels().make_lattice_fourier_plan(lengths, count) : make_plan(length_));
}
Fourier::~Fourier() = default;
Fourier::Fourier(Fourier&&) noexcept = default;
Fourier& Fourier::operator=(Fourier&&) noexcept = default;

void Fourier::forward(std::complex<double>* rows, std::size_t count, int threads) const {
  plan_->transform(bare(rows), static_cast<std::int64_t>(count), true, threads);
}
void Fourier::backward(std::complex<double>* rows, std::size_t count, int threads) const {
  plan_->transform(bare(rows), static_cast<std::int64_t>(count), false, threads);
}

}  // namespace lindrift
