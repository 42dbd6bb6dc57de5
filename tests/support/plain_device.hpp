#pragma once

#include <complex>
#include <cstdint>
#include <numbers>
#include <vector>

namespace lindrift::testing {

/// Transforms by their definition, in the memory of an emulated device.
struct PlainTransform {
  std::int64_t length;
  explicit PlainTransform(std::int64_t n) : length(n) {}
  void forward(double* rows, std::int64_t count) const { transform(rows, count, -1.0L); }
  void backward(double* rows, std::int64_t count) const { transform(rows, count, 1.0L); }

 private:
  void transform(double* rows, std::int64_t count, long double sign) const {
    using Exact = std::complex<long double>;
    const auto n = static_cast<std::size_t>(length);
    for (std::int64_t r = 0; r < count; ++r) {
      auto* row = reinterpret_cast<std::complex<double>*>(rows + 2 * r * length);
      std::vector<Exact> result(n);
      for (std::size_t j = 0; j < n; ++j)
        for (std::size_t k = 0; k < n; ++k)
          result[j] += std::polar(1.0L, sign * 2.0L * std::numbers::pi_v<long double> *
                                            static_cast<long double>(j * k % n) / static_cast<long double>(n)) *
                       Exact(row[k]);
      for (std::size_t j = 0; j < n; ++j) row[j] = std::complex<double>(result[j]);
    }
  }
};

/// The product of kernels/cuda/complex_product.hpp by its definition.
struct PlainProduct {
  void transposed(const double* left, std::int64_t stride, std::int64_t columns, const double* right,
                  std::int64_t width, std::int64_t depth, double* target) const {
    const auto at = [](const double* values, std::int64_t i) {
      return std::complex<long double>(values[2 * i], values[2 * i + 1]);
    };
    for (std::int64_t i = 0; i < columns; ++i)
      for (std::int64_t j = 0; j < width; ++j) {
        std::complex<long double> sum;
        for (std::int64_t d = 0; d < depth; ++d) sum += at(left, d * stride + i) * at(right, d * width + j);
        target[2 * (i * width + j)] = static_cast<double>(sum.real());
        target[2 * (i * width + j) + 1] = static_cast<double>(sum.imag());
      }
  }
};

}  // namespace lindrift::testing
