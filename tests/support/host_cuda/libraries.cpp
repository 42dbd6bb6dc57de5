// cuBLAS, cuFFT and cuSOLVER as documented.
#include <cublas_v2.h>
#include <cufft.h>
#include <cusolverDn.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <map>
#include <memory>
#include <vector>

#include "device.hpp"
#include "kernels/tgge/rate_kernel.hpp"
#include "lindrift/error.hpp"

#define pocketfft pocketfft_host_cuda
#define POCKETFFT_NO_MULTITHREADING
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wpedantic"
#include "third_party/pocketfft/pocketfft_hdronly.h"
#pragma GCC diagnostic pop

using namespace host_cuda;

// --- cuBLAS ---

struct cublasContext {
  int device = 0;
};
/// Bytes of a handle's workspace on an H100.
static constexpr long workspace = 32L << 20;

cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  const Access access;
  // cuBLAS returns this when the device's memory is full.
  if (current_device_is_dead() || fails(Kind::handle) || !use_memory(current_device(), workspace))
    return CUBLAS_STATUS_NOT_INITIALIZED;
  *handle = new cublasContext{current_device()};
  count_living(Kind::handle, 1);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  const Access access;
  if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
  count_living(Kind::handle, -1);
  use_memory(handle->device, -workspace);
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}
const char* cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "the operation completed successfully";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "the library was not initialized";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "the resource allocation failed";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "an unsupported value or parameter was passed to the function";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "the function failed to launch on the GPU";
  }
  return "unknown";
}

namespace {

/// A column-major matrix on the device.
template <class T>
struct Matrix {
  T* values;
  std::int64_t stride;
  bool transposed;
  Matrix(const char* what, T* data, std::int64_t leading, cublasOperation_t operation, std::int64_t rows,
         std::int64_t columns)
      : values(data), stride(leading), transposed(operation == CUBLAS_OP_T) {
    if (transposed) std::swap(rows, columns);
    if (rows < 0 || columns < 0 || stride < std::max<std::int64_t>(1, rows))
      refuse(std::string("cuBLAS: ") + what + " has " + std::to_string(rows) + " rows at a distance of " +
             std::to_string(stride));
    const std::int64_t size = rows == 0 || columns == 0 ? 0 : (columns - 1) * stride + rows;
    if (size > 0) expect_on_device(what, values, static_cast<std::size_t>(size) * sizeof(T));
  }
  T& operator()(std::int64_t row, std::int64_t column) const {
    return transposed ? values[column + row * stride] : values[row + column * stride];
  }
};

template <class T>
cublasStatus_t multiply(cublasHandle_t handle, cublasOperation_t of_a, cublasOperation_t of_b, std::int64_t m,
                        std::int64_t n, std::int64_t k, const T* alpha, const T* a, std::int64_t lda, const T* b,
                        std::int64_t ldb, const T* beta, T* c, std::int64_t ldc) {
  const Access access;
  if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (current_device_is_dead()) return CUBLAS_STATUS_EXECUTION_FAILED;
  if (handle->device != current_device()) refuse("cuBLAS: the handle is another device's");
  expect_on_host("alpha", alpha);
  expect_on_host("beta", beta);
  const Matrix<const T> left("matrix A of cuBLAS", a, lda, of_a, m, k), right("matrix B of cuBLAS", b, ldb, of_b, k, n);
  const Matrix<T> target("matrix C of cuBLAS", c, ldc, CUBLAS_OP_N, m, n);
  std::vector<T> column(static_cast<std::size_t>(m));
  for (std::int64_t j = 0; j < n; ++j) {
    std::fill(column.begin(), column.end(), T{});
    for (std::int64_t p = 0; p < k; ++p)
      for (std::int64_t i = 0; i < m; ++i) column[static_cast<std::size_t>(i)] += left(i, p) * right(p, j);
    for (std::int64_t i = 0; i < m; ++i) {
      const T sum = *alpha * column[static_cast<std::size_t>(i)];
      target(i, j) = *beta == T{} ? sum : sum + *beta * target(i, j);  // with beta = 0, C is not read
    }
  }
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace

cublasStatus_t cublasDgemm_64(cublasHandle_t handle, cublasOperation_t of_a, cublasOperation_t of_b, std::int64_t m,
                              std::int64_t n, std::int64_t k, const double* alpha, const double* a, std::int64_t lda,
                              const double* b, std::int64_t ldb, const double* beta, double* c, std::int64_t ldc) {
  return multiply(handle, of_a, of_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
cublasStatus_t cublasZgemm_64(cublasHandle_t handle, cublasOperation_t of_a, cublasOperation_t of_b, std::int64_t m,
                              std::int64_t n, std::int64_t k, const cuDoubleComplex* alpha, const cuDoubleComplex* a,
                              std::int64_t lda, const cuDoubleComplex* b, std::int64_t ldb, const cuDoubleComplex* beta,
                              cuDoubleComplex* c, std::int64_t ldc) {
  using Complex = std::complex<double>;
  const auto of = [](const cuDoubleComplex* values) { return reinterpret_cast<const Complex*>(values); };
  return multiply(handle, of_a, of_b, m, n, k, of(alpha), of(a), lda, of(b), ldb, of(beta),
                  reinterpret_cast<Complex*>(c), ldc);
}

// --- cuFFT ---

namespace {

struct Plan {
  int device = 0;
  /// Along each direction, the last of which runs fastest.
  std::vector<std::unique_ptr<pocketfft::detail::pocketfft_c<double>>> directions;
  long long length = 0, batch = 0, in_stride = 1, in_distance = 0, out_stride = 1, out_distance = 0;
  bool made = false;
  bool allocates = true;  ///< its own working area
  void* area = nullptr;   ///< or the one provided by the caller
  std::size_t area_size = 0;
};

/// Transforms a row along every direction.
void transform(const Plan& plan, std::vector<pocketfft::detail::cmplx<double>>& row, bool forward) {
  std::size_t stride = 1;
  for (std::size_t direction = plan.directions.size(); direction-- > 0;) {
    const auto& along = *plan.directions[direction];
    const std::size_t count = along.length();
    std::vector<pocketfft::detail::cmplx<double>> line(count);
    for (std::size_t first = 0; first < row.size(); ++first) {
      if (first / stride % count != 0) continue;
      for (std::size_t i = 0; i < count; ++i) line[i] = row[first + i * stride];
      along.exec(line.data(), 1.0, forward);
      for (std::size_t i = 0; i < count; ++i) row[first + i * stride] = line[i];
    }
    stride *= count;
  }
}

/// A working area as large as the data, or eight times that for lengths with a large prime factor: the usual and the
/// largest size in cuFFT's documentation.
std::size_t area_size_of(long long length, long long batch) {
  long long rest = length;
  for (long long prime = 2; prime <= 127; ++prime)
    while (rest % prime == 0) rest /= prime;
  return static_cast<std::size_t>(length * batch) * sizeof(cufftDoubleComplex) * (rest == 1 ? 1 : 8);
}
std::map<cufftHandle, Plan>& plans() {
  static auto* all = new std::map<cufftHandle, Plan>;
  return *all;
}
Plan& plan_of(cufftHandle handle) {
  const auto found = plans().find(handle);
  if (found == plans().end()) refuse("cuFFT: there is no plan " + std::to_string(handle));
  return found->second;
}

}  // namespace

cufftResult cufftCreate(cufftHandle* plan) {
  const Access access;
  static cufftHandle next = 0;
  if (current_device_is_dead() || fails(Kind::plan)) return CUFFT_INTERNAL_ERROR;
  *plan = next++;
  plans()[*plan].device = current_device();
  count_living(Kind::plan, 1);
  return CUFFT_SUCCESS;
}
cufftResult cufftDestroy(cufftHandle plan) {
  const Access access;
  if (const Plan& found = plan_of(plan); found.allocates) use_memory(found.device, -static_cast<long>(found.area_size));
  plans().erase(plan);
  count_living(Kind::plan, -1);
  return CUFFT_SUCCESS;
}
cufftResult cufftMakePlanMany64(cufftHandle handle, int rank, long long* length, long long* in_embed,
                                long long in_stride, long long in_distance, long long* out_embed, long long out_stride,
                                long long out_distance, cufftType type, long long batch, std::size_t* work_size) {
  const Access access;
  Plan& plan = plan_of(handle);
  if (current_device_is_dead()) return CUFFT_INTERNAL_ERROR;
  if (fails(Kind::plan)) return CUFFT_ALLOC_FAILED;
  if (rank < 1 || rank > 3 || batch < 1 || type != CUFFT_Z2Z || (rank > 1 && (in_embed || out_embed)))
    refuse("cuFFT: a plan that is not emulated");
  plan.length = 1;
  for (int i = 0; i < rank; ++i) {
    if (length[i] < 1) refuse("cuFFT: a length below 1");
    plan.length *= length[i];
    plan.directions.push_back(
        std::make_unique<pocketfft::detail::pocketfft_c<double>>(static_cast<std::size_t>(length[i])));
  }
  plan.batch = batch;
  // Without an embedding the rows are contiguous, whatever the strides.
  plan.in_stride = in_embed ? in_stride : 1;
  plan.in_distance = in_embed ? in_distance : plan.length;
  plan.out_stride = out_embed ? out_stride : 1;
  plan.out_distance = out_embed ? out_distance : plan.length;
  plan.made = true;
  *work_size = plan.area_size = area_size_of(plan.length, batch);
  if (plan.allocates && !use_memory(plan.device, static_cast<long>(plan.area_size))) return CUFFT_ALLOC_FAILED;
  return CUFFT_SUCCESS;
}
cufftResult cufftSetAutoAllocation(cufftHandle handle, int automatic) {
  const Access access;
  Plan& plan = plan_of(handle);
  if (plan.made) refuse("cuFFT: cufftSetAutoAllocation after the plan was made");
  plan.allocates = automatic != 0;
  return CUFFT_SUCCESS;
}
cufftResult cufftSetWorkArea(cufftHandle handle, void* area) {
  const Access access;
  Plan& plan = plan_of(handle);
  if (!plan.made) refuse("cuFFT: cufftSetWorkArea before the plan was made");
  plan.area = area;
  return CUFFT_SUCCESS;
}
cufftResult cufftExecZ2Z(cufftHandle handle, cufftDoubleComplex* in, cufftDoubleComplex* out, int direction) {
  const Access access;
  const Plan& plan = plan_of(handle);
  if (!plan.made) refuse("cuFFT: a plan was created and not made");
  if (current_device_is_dead()) return CUFFT_EXEC_FAILED;
  if (plan.device != current_device()) refuse("cuFFT: the plan is another device's");
  if (!plan.allocates) {
    expect_on_device("the working area of cuFFT", plan.area, plan.area_size);
    poison(plan.area, plan.area_size);
  }
  const auto extent = [&](long long stride, long long distance) {
    return static_cast<std::size_t>((plan.batch - 1) * distance + (plan.length - 1) * stride + 1) * sizeof(*in);
  };
  expect_on_device("the input of cuFFT", in, extent(plan.in_stride, plan.in_distance));
  expect_on_device("the output of cuFFT", out, extent(plan.out_stride, plan.out_distance));
  std::vector<pocketfft::detail::cmplx<double>> row(static_cast<std::size_t>(plan.length));
  for (long long b = 0; b < plan.batch; ++b) {
    for (long long i = 0; i < plan.length; ++i) {
      const cufftDoubleComplex& value = in[b * plan.in_distance + i * plan.in_stride];
      row[static_cast<std::size_t>(i)].Set(value.x, value.y);
    }
    transform(plan, row, direction == CUFFT_FORWARD);
    for (long long i = 0; i < plan.length; ++i) {
      const auto& value = row[static_cast<std::size_t>(i)];
      out[b * plan.out_distance + i * plan.out_stride] = {value.r, value.i};
    }
  }
  return CUFFT_SUCCESS;
}

// --- cuSOLVER ---

struct cusolverDnContext {
  int device = 0;
};
struct syevjInfo {};

cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t* handle) {
  const Access access;
  if (current_device_is_dead() || fails(Kind::handle) || !use_memory(current_device(), workspace))
    return CUSOLVER_STATUS_NOT_INITIALIZED;
  *handle = new cusolverDnContext{current_device()};
  count_living(Kind::handle, 1);
  return CUSOLVER_STATUS_SUCCESS;
}
cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle) {
  const Access access;
  if (!handle) return CUSOLVER_STATUS_NOT_INITIALIZED;
  count_living(Kind::handle, -1);
  use_memory(handle->device, -workspace);
  delete handle;
  return CUSOLVER_STATUS_SUCCESS;
}
cusolverStatus_t cusolverDnCreateSyevjInfo(syevjInfo_t* parameters) {
  *parameters = new syevjInfo;
  return CUSOLVER_STATUS_SUCCESS;
}
cusolverStatus_t cusolverDnDestroySyevjInfo(syevjInfo_t parameters) {
  delete parameters;
  return CUSOLVER_STATUS_SUCCESS;
}

namespace {

/// The real library does not say how much it works in.
int eigen_work_size(int n, int batch) { return batch * (n * n + n); }

/// The eigenvectors of a matrix in another basis than LAPACK's, as another library has them: a phase for each, and a
/// rotation of neighbours whose eigenvalues are the same up to rounding.
void choose_another_basis(int n, std::complex<double>* vectors, const double* values, int matrix) {
  const auto column = [&](int band) { return vectors + static_cast<std::ptrdiff_t>(band) * n; };
  const double scale = std::max(std::fabs(values[0]), std::fabs(values[n - 1]));
  for (int band = 0; band + 1 < n; ++band) {
    if (values[band + 1] - values[band] > 1e-12 * scale) continue;
    const double cosine = std::cos(1.0 + matrix), sine = std::sin(1.0 + matrix);
    for (int a = 0; a < n; ++a) {
      const auto first = column(band)[a], second = column(band + 1)[a];
      column(band)[a] = cosine * first + sine * second;
      column(band + 1)[a] = cosine * second - sine * first;
    }
  }
  for (int band = 0; band < n; ++band)
    for (int a = 0; a < n; ++a) column(band)[a] *= std::polar(1.0, 0.7 + 1.3 * matrix + 2.1 * band);
}

/// @param a  column-major; only its upper triangle is read
bool eigen(int n, std::complex<double>* a, double* values, int matrix) {
  const auto size = static_cast<std::size_t>(n);
  std::vector<double> re(size * size), im(size * size);  // row-major
  for (std::size_t column = 0; column < size; ++column)
    for (std::size_t row = 0; row <= column; ++row) {
      const std::complex<double> element = a[column * size + row];
      re[row * size + column] = re[column * size + row] = element.real();
      im[row * size + column] = row == column ? 0.0 : element.imag();
      im[column * size + row] = row == column ? 0.0 : -element.imag();
    }
  try {
    if (fails(Kind::eigensolve)) return false;
    lindrift::kernels::hermitian_eigen(n, re.data(), im.data(), values);
  } catch (const lindrift::NumericalError&) {
    return false;
  }
  for (std::size_t column = 0; column < size; ++column)
    for (std::size_t row = 0; row < size; ++row)
      a[column * size + row] = {re[row * size + column], im[row * size + column]};
  choose_another_basis(n, a, values, matrix);
  return true;
}

}  // namespace

cusolverStatus_t cusolverDnZheevjBatched_bufferSize(cusolverDnHandle_t handle, cusolverEigMode_t, cublasFillMode_t,
                                                    int n, const cuDoubleComplex*, int lda, const double*,
                                                    int* work_size, syevjInfo_t parameters, int batch) {
  const Access access;
  if (!handle || current_device_is_dead()) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (n < 1 || lda < n || batch < 1 || !parameters) return CUSOLVER_STATUS_INVALID_VALUE;
  *work_size = eigen_work_size(n, batch);
  return CUSOLVER_STATUS_SUCCESS;
}
cusolverStatus_t cusolverDnZheevjBatched(cusolverDnHandle_t handle, cusolverEigMode_t mode, cublasFillMode_t triangle,
                                         int n, cuDoubleComplex* a, int lda, double* values, cuDoubleComplex* work,
                                         int work_size, int* info, syevjInfo_t parameters, int batch) {
  const Access access;
  if (!handle) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (current_device_is_dead()) return CUSOLVER_STATUS_EXECUTION_FAILED;
  if (handle->device != current_device()) refuse("cuSOLVER: the handle is another device's");
  if (mode != CUSOLVER_EIG_MODE_VECTOR || triangle != CUBLAS_FILL_MODE_UPPER || lda != n || !parameters)
    refuse("cuSOLVER: an eigensolve that is not emulated");
  if (work_size < eigen_work_size(n, batch)) return CUSOLVER_STATUS_INVALID_VALUE;
  const auto count = static_cast<std::size_t>(batch), size = static_cast<std::size_t>(n);
  expect_on_device("the matrices of cuSOLVER", a, count * size * size * sizeof(*a));
  expect_on_device("the eigenvalues of cuSOLVER", values, count * size * sizeof(*values));
  expect_on_device("the states of cuSOLVER", info, count * sizeof(*info));
  expect_on_device("the working area of cuSOLVER", work, static_cast<std::size_t>(work_size) * sizeof(*work));
  poison(work, static_cast<std::size_t>(work_size) * sizeof(*work));
  for (int matrix = 0; matrix < batch; ++matrix) {
    auto* const one = reinterpret_cast<std::complex<double>*>(a) + static_cast<std::size_t>(matrix) * size * size;
    double* const own = values + static_cast<std::size_t>(matrix) * size;
    const bool good = eigen(n, one, own, matrix);
    info[matrix] = good ? 0 : n + 1;
    if (good) continue;
    std::fill(own, own + size, std::numeric_limits<double>::quiet_NaN());
    std::fill(one, one + size * size, std::numeric_limits<double>::quiet_NaN());
  }
  return CUSOLVER_STATUS_SUCCESS;
}
