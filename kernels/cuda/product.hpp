#pragma once

#include <cstdint>
#include <memory>

namespace lindrift::kernels::cuda {

/// A square matrix on a device that multiplies rows, through cuBLAS.
class Product {
 public:
  virtual ~Product() = default;
  /// product = rows * matrix; both (count, size) on the host. The copies are part of the call.
  virtual void multiply(const double* rows, std::int64_t count, double* product) = 0;
};

/// @param matrix  (size, size), row-major, on the host; copied
/// @throws DeviceError
std::unique_ptr<Product> make_product(int device, std::int64_t size, const double* matrix);

}  // namespace lindrift::kernels::cuda
