#include <algorithm>

#include "kernels/cuda/blas.hpp"
#include "kernels/cuda/engine.hpp"
#include "kernels/table.hpp"

namespace lindrift::kernels {
namespace cuda {
namespace {

template <class Device>
class ProductOn final : public MatrixProduct {
 public:
  ProductOn(std::int64_t size, std::int64_t count, const double* matrix, int device)
      : engine_(0, device, nullptr), size_(size), count_(count) {
    engine_.copy_in(matrix, size_ * size_, matrix_);
    for (auto* buffer : {&rows_, &products_}) buffer->resize(count_ * size_);
    for (auto* buffer : {&host_rows_, &host_products_}) buffer->resize(count_ * size_);
    if constexpr (Device::computes) std::fill_n(host_rows_.data(), count_ * size_, 0.0);
  }

  double* rows() override { return host_rows_.data(); }
  const double* products() override { return host_products_.data(); }

  /// All of it is queued; from page-locked memory the copies do not hold the host up either.
  void start() override {
    if constexpr (Device::computes) {
      engine_.use_device();
      const auto bytes = static_cast<std::size_t>(count_ * size_) * sizeof(double);
      LINDRIFT_CUDA_CHECK(cudaMemcpyAsync(rows_.data(), host_rows_.data(), bytes, cudaMemcpyHostToDevice));
      // cuBLAS is column-major: it computes the transposes, product^T = matrix^T rows^T.
      const double one = 1.0, zero = 0.0;
      check(cublasDgemm_64(blas_.handle(), CUBLAS_OP_N, CUBLAS_OP_N, size_, count_, size_, &one, matrix_.data(), size_,
                           rows_.data(), size_, &zero, products_.data(), size_),
            "cublasDgemm");
      LINDRIFT_CUDA_CHECK(cudaMemcpyAsync(host_products_.data(), products_.data(), bytes, cudaMemcpyDeviceToHost));
    }
  }
  void wait() override {
    if constexpr (Device::computes) LINDRIFT_CUDA_CHECK(cudaStreamSynchronize(nullptr));
  }

 private:
  EngineOn<Device> engine_;
  std::int64_t size_, count_;
  BlasHandleOn<Device> blas_;
  BufferOn<Device> matrix_, rows_, products_;
  PinnedOn<Device> host_rows_, host_products_;
};

}  // namespace
}  // namespace cuda

namespace cuda_device {

MatrixProduct* make_matrix_product(std::int64_t size, std::int64_t count, const double* matrix, int device) {
  return new cuda::ProductOn<cuda::PhysicalDevice>(size, count, matrix, device);
}
MatrixProduct* count_matrix_product(std::int64_t size, std::int64_t count, const double* matrix, int device) {
  return new cuda::ProductOn<cuda::MemoryCounter>(size, count, matrix, device);
}

}  // namespace cuda_device
}  // namespace lindrift::kernels
