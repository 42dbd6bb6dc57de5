#include "kernels/cuda/product.hpp"

#include <cublas_v2.h>

#include "kernels/cuda/blas.hpp"
#include "kernels/cuda/engine.hpp"

namespace lindrift::kernels::cuda {

namespace {

class DeviceProduct final : public Product {
 public:
  DeviceProduct(int device, std::int64_t size, const double* matrix) : engine_(0, device, nullptr), size_(size) {
    check(cublasCreate(&handle_), "cublasCreate");
    engine_.copy_in(matrix, size_ * size_, matrix_);
  }
  DeviceProduct(const DeviceProduct&) = delete;
  DeviceProduct& operator=(const DeviceProduct&) = delete;
  ~DeviceProduct() override { cublasDestroy(handle_); }

  void multiply(const double* rows, std::int64_t count, double* product) override {
    engine_.copy_in(rows, count * size_, rows_);
    double* target = product_.resize(count * size_);
    // cuBLAS counts by columns: what it sees are the transposes, product^T = matrix^T rows^T.
    const double one = 1.0, zero = 0.0;
    check(cublasDgemm_64(handle_, CUBLAS_OP_N, CUBLAS_OP_N, size_, count, size_, &one, matrix_.data(), size_,
                         rows_.data(), size_, &zero, target, size_),
          "cublasDgemm");
    engine_.copy_out(product, count * size_, product_);
  }

 private:
  Engine engine_;
  std::int64_t size_;
  cublasHandle_t handle_ = nullptr;
  Buffer matrix_, rows_, product_;
};

}  // namespace

std::unique_ptr<Product> make_product(int device, std::int64_t size, const double* matrix) {
  return std::make_unique<DeviceProduct>(device, size, matrix);
}

}  // namespace lindrift::kernels::cuda
