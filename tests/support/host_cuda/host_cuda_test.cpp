// The host CUDA device detects illegal use, and the kernels' classes release what they hold.
#include <cublas_v2.h>
#include <cufft.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cub/block/block_reduce.cuh>
#include <cub/device/device_for.cuh>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kernels/table.hpp"
#include "lindrift/error.hpp"
#include "lindrift/lattice/tight_binding.hpp"
#include "support/host_cuda/device.hpp"

namespace lindrift::testing {
namespace {

double* device_array(std::size_t size) {
  double* array = nullptr;
  EXPECT_EQ(cudaMalloc(&array, size * sizeof(double)), cudaSuccess);
  return array;
}
void copy_in(double* to, const std::vector<double>& from) {
  EXPECT_EQ(cudaMemcpy(to, from.data(), from.size() * sizeof(double), cudaMemcpyHostToDevice), cudaSuccess);
}
std::vector<double> copy_out(const double* from, std::size_t size) {
  std::vector<double> to(size);
  EXPECT_EQ(cudaMemcpy(to.data(), from, size * sizeof(double), cudaMemcpyDeviceToHost), cudaSuccess);
  return to;
}

void reverse_blocks(const double* from, double* to, int wrong) {
  LINDRIFT_SHARED(double, tile, 64);
  const unsigned i = threadIdx.x, at = 64 * blockIdx.x;
  if (wrong != 1) tile[i] = from[at + i];
  if (wrong == 2 && i == 5) return;
  if (wrong == 3 && i == 5) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  to[at + i] = tile[63 - i];
}
cudaError_t launch(const double* from, double* to, int wrong, dim3 grid = 3, dim3 block = 64) {
  const cudaLaunchConfig_t configuration{grid, block, 0};
  return cudaLaunchKernelEx(&configuration, reverse_blocks, from, to, wrong);
}

class HostCuda : public ::testing::Test {
 protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    for (int i = 0; i < 192; ++i) numbers.push_back(i);
    from = device_array(192);
    to = device_array(192);
    copy_in(from, numbers);
  }
  void TearDown() override {
    cudaFree(from);
    cudaFree(to);
  }
  std::vector<double> numbers;
  double *from = nullptr, *to = nullptr;
};
using HostCudaDeathTest = HostCuda;

TEST_F(HostCuda, RunsBlocksWithBarriersInEveryOrder) {
  for (int turn = 0; turn < 7; ++turn) {
    ASSERT_EQ(launch(from, to, 0), cudaSuccess);
    const auto result = copy_out(to, 192);
    for (std::size_t i = 0; i < 192; ++i) EXPECT_EQ(result[i], static_cast<double>(i / 64 * 64 + 63 - i % 64));
  }
}

TEST_F(HostCuda, MapsEveryElementOnce) {
  struct Square {
    const double* from;
    double* to;
    void operator()(std::int64_t i) const { to[i] = from[i] * from[i]; }
  };
  for (const std::int64_t size : {1, 2, 191, 192}) {
    ASSERT_EQ(cub::DeviceFor::Bulk(size, Square{from, to}), cudaSuccess);
    const auto result = copy_out(to, static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < result.size(); ++i) EXPECT_EQ(result[i], numbers[i] * numbers[i]);
  }
}

TEST_F(HostCudaDeathTest, NoticesWhatACardForgives) {
  std::vector<double> host(192);
  EXPECT_DEATH(launch(host.data(), to, 0), "memory of the host");
  EXPECT_DEATH(
      {
        cudaFree(from);
        launch(from, to, 0);
      },
      "was freed");
  EXPECT_DEATH(copy_out(to, 192), "never written");
  EXPECT_DEATH(
      {
        launch(from, to, 1);
        copy_out(to, 192);
      },
      "never written");
  EXPECT_DEATH(launch(from, to, 2), "have ended where others wait");
  EXPECT_DEATH(launch(from, to, 3), "different barriers");
  EXPECT_DEATH(launch(from, to, 0, dim3(1, 65536)), "a grid of");
  EXPECT_DEATH(launch(from, to, 0, 1, 2048), "a grid of");
  EXPECT_DEATH(copy_out(from, 193), "were allocated");
  EXPECT_DEATH(cudaMemcpy(from, to, 8, cudaMemcpyHostToDevice), "is device memory");
  EXPECT_DEATH(cudaMemcpy(host.data(), from, 8, cudaMemcpyHostToDevice), "is not device memory");
  EXPECT_DEATH(launch(from, to, 0, 4), "") << "a block beyond the array meets its guard";
  EXPECT_DEATH(std::printf("%g", *from), "") << "the host touches device memory";
  EXPECT_DEATH(
      {
        cudaFree(from);
        cudaFree(from);
      },
      "free already");
}

TEST_F(HostCudaDeathTest, KeepsDevicesApart) {
  setenv("LINDRIFT_HOST_CUDA_DEVICES", "2", 1);
  EXPECT_DEATH(
      {
        if (cudaSetDevice(1) == cudaSuccess) launch(from, to, 0);
      },
      "is on device 0, the current one is 1");
  unsetenv("LINDRIFT_HOST_CUDA_DEVICES");
}

TEST_F(HostCuda, ProductsAndTransformsAreThoseOfTheirDefinition) {
  cublasHandle_t handle = nullptr;
  ASSERT_EQ(cublasCreate(&handle), CUBLAS_STATUS_SUCCESS);
  const double one = 1.0, zero = 0.0;
  // Column-major: A = (0 2 4; 1 3 5), B = A^T.
  ASSERT_EQ(cublasDgemm_64(handle, CUBLAS_OP_N, CUBLAS_OP_T, 2, 2, 3, &one, from, 2, from, 2, &zero, to, 2),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(copy_out(to, 4), (std::vector<double>{20.0, 26.0, 26.0, 35.0}));
  EXPECT_EQ(cublasDestroy(handle), CUBLAS_STATUS_SUCCESS);

  cufftHandle plan = 0;
  long long length = 4;
  std::size_t work = 0;
  ASSERT_EQ(cufftCreate(&plan), CUFFT_SUCCESS);
  ASSERT_EQ(cufftMakePlanMany64(plan, 1, &length, nullptr, 1, 4, nullptr, 1, 4, CUFFT_Z2Z, 1, &work), CUFFT_SUCCESS);
  auto* rows = reinterpret_cast<cufftDoubleComplex*>(from);  // 0+1i 2+3i 4+5i 6+7i
  ASSERT_EQ(cufftExecZ2Z(plan, rows, reinterpret_cast<cufftDoubleComplex*>(to), CUFFT_FORWARD), CUFFT_SUCCESS);
  EXPECT_EQ(copy_out(to, 8), (std::vector<double>{12.0, 16.0, -8.0, 0.0, -4.0, -4.0, 0.0, -8.0}));
  EXPECT_EQ(cufftDestroy(plan), CUFFT_SUCCESS);
}

/// Runs `body` in a separate process, in which a variable is set before the device is used.
template <class Body>
void in_a_process(const char* variable, const char* value, const Body& body) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto process = [&] {
    setenv(variable, value, 1);
    body();
    std::_Exit(0);
  };
  EXPECT_EXIT(process(), ::testing::ExitedWithCode(0), "") << variable << "=" << value;
}

void multiply() {
  const std::vector<double> matrix(64, 1.0);
  const std::unique_ptr<kernels::MatrixProduct> product(
      kernels::device_kernels().make_matrix_product(8, 1, matrix.data(), 0));
  product->start();
  product->wait();
}

TEST(HostCudaCopies, AQueuedCopyIsThereAfterTheNextWait) {
  double *device = device_array(4), *host = nullptr;
  ASSERT_EQ(cudaMallocHost(&host, 4 * sizeof(double)), cudaSuccess);
  const std::vector<double> values = {1.0, 2.0, 3.0, 4.0};
  copy_in(device, values);
  EXPECT_EQ(cudaMemcpyAsync(host, device, 4 * sizeof(double), cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_NE(host[0], 1.0) << "not yet";
  copy_in(device, {5.0, 6.0, 7.0, 8.0});
  EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  EXPECT_EQ(std::vector<double>(host, host + 4), values) << "as they were when it was queued";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  std::vector<double> pageable(4);
  EXPECT_DEATH(cudaMemcpyAsync(pageable.data(), device, 4 * sizeof(double), cudaMemcpyDeviceToHost), "not page-locked");
  EXPECT_EQ(cudaFreeHost(host), cudaSuccess);
  EXPECT_EQ(cudaFree(device), cudaSuccess);
}

std::unique_ptr<kernels::TimeDevice> time_device(int device) {
  static const std::vector<double> ones(8, 0.5);
  kernels::TimeTables tables;
  tables.sites = 8;
  for (const double** array :
       {&tables.energy, &tables.particle_rate, &tables.particles, &tables.hole_rate, &tables.holes, &tables.coupling})
    *array = ones.data();
  return std::unique_ptr<kernels::TimeDevice>(kernels::device_kernels().make_time_device(tables, device));
}
constexpr double times[] = {0.1, 0.2}, weights[] = {1.0, 1.0}, frequency[] = {0.3};

/// The calls end with a DeviceMemoryError and leave nothing allocated.
template <class Calls>
void runs_out_of_memory(const char* failure, const Calls& calls) {
  in_a_process("LINDRIFT_HOST_CUDA_FAIL", failure, [&] {
    const auto before = host_cuda::living();
    try {
      calls();
    } catch (const DeviceMemoryError&) {
      std::_Exit(host_cuda::living() == before ? 0 : 1);
    }
    std::_Exit(2);
  });
}

TEST(DeviceFailureDeathTest, LackOfMemoryLeavesNothingBehind) {
  for (const char* failure : {"allocation:1", "allocation:2", "allocation:3", "handle:1"})
    runs_out_of_memory(failure, multiply);
  for (const char* failure : {"allocation:1", "allocation:7", "allocation:8", "handle:1", "plan:1", "plan:2", "plan:3"})
    runs_out_of_memory(failure, [] { time_device(0)->evaluate(times, 2); });
}

/// 37 x 37 cells of three orbitals: just enough for the device.
void compute_bands() {
  TightBinding model{.orbitals = 3,
                     .hopping_terms = {{{1, 0}, 0, 1, {-1.0, 0.3}},
                                       {{0, 1}, 1, 2, 0.7},
                                       {{1, 1}, 2, 2, 0.4},
                                       {{}, 0, 0, 1.5},
                                       {{}, 0, 2, {0.2, -0.1}}}};
  add_hermitian_conjugates(model.hopping_terms);
  make_bands(model, Lattice({37, 37}), {.backend = Backend::cuda});
}

TEST(DeviceFailureDeathTest, BandsWithoutMemoryLeaveNothingBehind) {
  // The first handle asks how much the eigensolver works in. Of the ten allocations the first and the last are pinned.
  for (const char* failure : {"allocation:1", "allocation:2", "allocation:3", "allocation:5", "allocation:8",
                              "allocation:9", "allocation:10", "handle:1", "handle:2"})
    runs_out_of_memory(failure, compute_bands);
}

TEST(DeviceFailureDeathTest, AnEigensolveThatDoesNotConvergeIsSaid) {
  for (const auto& [failure, where] : {std::pair{"eigensolve:1", "m = -18, -18: "},
                                       {"eigensolve:1369", "m = 18, 18: "},
                                       {"eigensolve:76+", "m = -16, -17: "}})
    in_a_process("LINDRIFT_HOST_CUDA_FAIL", failure, [where = std::string(where)] {
      const auto before = host_cuda::living();
      try {
        compute_bands();
      } catch (const NumericalError& error) {
        const bool said = std::string(error.what()).find(where) != std::string::npos;
        std::_Exit(said && host_cuda::living() == before ? 0 : 1);
      }
      std::_Exit(2);
    });
}

TEST(DeviceFailureDeathTest, ADeadDeviceIsLost) {
  for (const char* failure : {"copy:1", "copy:2", "copy:3"})
    in_a_process("LINDRIFT_HOST_CUDA_FAIL", failure, [] {
      try {
        multiply();
      } catch (const DeviceLostError&) {
        std::_Exit(0);
      }
      std::_Exit(1);
    });
}

TEST(DeviceFailureDeathTest, AnyThreadMayUseAnyDevice) {
  in_a_process("LINDRIFT_HOST_CUDA_DEVICES", "2", [] {
    const auto kernel = time_device(1);
    std::vector<double> sums(16), rows(32);
    std::thread([&] { kernel->evaluate(times, 2); }).join();
    std::thread([&] { kernel->fetch(rows.data()); }).join();
    std::thread([&] { kernel->choose(0, 1, 1, weights, frequency, 1); }).join();
    std::thread([&] { kernel->integrate(0, 8, sums.data()); }).join();
  });
}

}  // namespace
}  // namespace lindrift::testing
