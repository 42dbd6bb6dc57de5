#pragma once

#include <cublas_v2.h>

enum cusolverStatus_t {
  CUSOLVER_STATUS_SUCCESS = 0,
  CUSOLVER_STATUS_NOT_INITIALIZED = 1,
  CUSOLVER_STATUS_ALLOC_FAILED = 2,
  CUSOLVER_STATUS_INVALID_VALUE = 3,
  CUSOLVER_STATUS_EXECUTION_FAILED = 6
};
enum cusolverEigMode_t { CUSOLVER_EIG_MODE_NOVECTOR = 0, CUSOLVER_EIG_MODE_VECTOR = 1 };
enum cublasFillMode_t { CUBLAS_FILL_MODE_LOWER = 0, CUBLAS_FILL_MODE_UPPER = 1 };
struct cusolverDnContext;
using cusolverDnHandle_t = cusolverDnContext*;
struct syevjInfo;
using syevjInfo_t = syevjInfo*;

cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t* handle);
cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle);
cusolverStatus_t cusolverDnCreateSyevjInfo(syevjInfo_t* parameters);
cusolverStatus_t cusolverDnDestroySyevjInfo(syevjInfo_t parameters);
cusolverStatus_t cusolverDnZheevjBatched_bufferSize(cusolverDnHandle_t handle, cusolverEigMode_t mode,
                                                    cublasFillMode_t triangle, int n, const cuDoubleComplex* a, int lda,
                                                    const double* values, int* work_size, syevjInfo_t parameters,
                                                    int batch);
/// Column-major matrices one after the other, of which one triangle is read; eigenvectors replace their columns.
cusolverStatus_t cusolverDnZheevjBatched(cusolverDnHandle_t handle, cusolverEigMode_t mode, cublasFillMode_t triangle,
                                         int n, cuDoubleComplex* a, int lda, double* values, cuDoubleComplex* work,
                                         int work_size, int* info, syevjInfo_t parameters, int batch);
