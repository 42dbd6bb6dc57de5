#pragma once

#include <cstdint>

struct cuDoubleComplex {
  double x, y;
};
struct cublasContext;
using cublasHandle_t = cublasContext*;
enum cublasStatus_t {
  CUBLAS_STATUS_SUCCESS = 0,
  CUBLAS_STATUS_NOT_INITIALIZED = 1,
  CUBLAS_STATUS_ALLOC_FAILED = 3,
  CUBLAS_STATUS_INVALID_VALUE = 7,
  CUBLAS_STATUS_EXECUTION_FAILED = 13
};
enum cublasOperation_t { CUBLAS_OP_N, CUBLAS_OP_T };

cublasStatus_t cublasCreate(cublasHandle_t* handle);
cublasStatus_t cublasDestroy(cublasHandle_t handle);
const char* cublasGetStatusString(cublasStatus_t status);
/// C = alpha op(A) op(B) + beta C, column-major matrices: op(A) is m by k, op(B) k by n.
cublasStatus_t cublasDgemm_64(cublasHandle_t handle, cublasOperation_t of_a, cublasOperation_t of_b, std::int64_t m,
                              std::int64_t n, std::int64_t k, const double* alpha, const double* a, std::int64_t lda,
                              const double* b, std::int64_t ldb, const double* beta, double* c, std::int64_t ldc);
cublasStatus_t cublasZgemm_64(cublasHandle_t handle, cublasOperation_t of_a, cublasOperation_t of_b, std::int64_t m,
                              std::int64_t n, std::int64_t k, const cuDoubleComplex* alpha, const cuDoubleComplex* a,
                              std::int64_t lda, const cuDoubleComplex* b, std::int64_t ldb, const cuDoubleComplex* beta,
                              cuDoubleComplex* c, std::int64_t ldc);
