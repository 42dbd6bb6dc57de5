#include "kernels/cuda/engine.hpp"

#include "kernels/cuda/blas.hpp"
#include "kernels/table.hpp"

namespace lindrift::kernels {
namespace cuda {
namespace {

template <class Device>
class ProductOn final : public MatrixProduct {
 public:
  ProductOn(std::int64_t size, const double* matrix, int device) : engine_(0, device, nullptr), size_(size) {
    engine_.copy_in(matrix, size_ * size_, matrix_);
  }

  void multiply(const double* rows, std::int64_t count, double* product) override {
    engine_.copy_in(rows, count * size_, rows_);
    double* target = product_.resize(count * size_);
    // cuBLAS is column-major: it computes the transposes, product^T = matrix^T rows^T.
    const double one = 1.0, zero = 0.0;
    if constexpr (Device::computes)
      check(cublasDgemm_64(blas_.handle(), CUBLAS_OP_N, CUBLAS_OP_N, size_, count, size_, &one, matrix_.data(), size_,
                           rows_.data(), size_, &zero, target, size_),
            "cublasDgemm");
    engine_.copy_out(product, count * size_, product_);
  }

 private:
  EngineOn<Device> engine_;
  std::int64_t size_;
  BlasHandleOn<Device> blas_;
  BufferOn<Device> matrix_, rows_, product_;
};

}  // namespace
}  // namespace cuda

namespace cuda_device {

MatrixProduct* make_matrix_product(std::int64_t size, const double* matrix, int device) {
  return new cuda::ProductOn<cuda::PhysicalDevice>(size, matrix, device);
}
MatrixProduct* count_matrix_product(std::int64_t size, const double* matrix, int device) {
  return new cuda::ProductOn<cuda::MemoryCounter>(size, matrix, device);
}

}  // namespace cuda_device
}  // namespace lindrift::kernels
