#pragma once

#include <complex>
#include <cstddef>
#include <memory>

namespace lindrift {

class TransformOrder;
namespace kernels {
class FourierPlan;
}

/// Smallest product of powers of 2, 3 and 5 that is at least this: a length with fast transforms.
std::size_t smooth_length(std::size_t least);

/// Discrete Fourier transforms of one length on the CPU:
///   forward   y_k = sum_j x_j e^{-2 pi i jk/n}      backward   x_j = sum_k y_k e^{+2 pi i jk/n}
/// Neither is normalized: one after the other multiplies by n. The error is about 1e-16 sqrt(log n) of the largest
/// element. Takes O(n log n) time for every n, primes included, and at most (2 + 16 packs) n complex numbers of working
/// memory. The bits of a row depend neither on the other rows nor on the number of threads. Several threads may use a
/// plan at once.
class Fourier {
 public:
  /// @throws std::invalid_argument if length is 0
  explicit Fourier(std::size_t length);
  /// Transforms along every direction of a lattice; a row is the whole lattice in the given order.
  explicit Fourier(const TransformOrder& order);
  ~Fourier();
  Fourier(Fourier&&) noexcept;
  Fourier& operator=(Fourier&&) noexcept;

  std::size_t length() const noexcept { return length_; }

  /// @param[in,out] rows  shape (count, length), one transform per row, in place
  /// @param threads       threads that share the rows, or a single long row
  void forward(std::complex<double>* rows, std::size_t count, int threads = 1) const;
  void backward(std::complex<double>* rows, std::size_t count, int threads = 1) const;

 private:
  std::size_t length_;
  std::unique_ptr<kernels::FourierPlan> plan_;
};

}  // namespace lindrift
