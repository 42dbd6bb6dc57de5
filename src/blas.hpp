#pragma once

#include <complex>
#include <cstddef>
#include <string>

/// Products of dense row-major matrices on the CPU, through OpenBLAS. It is loaded when first asked for, with the
/// kernels that this processor can run: releases older than the processor choose slow ones (OPENBLAS_CORETYPE
/// overrides). Where the library is not installed, plain loops stand in for it, several times slower.
///
/// Every call runs on the thread that makes it, so that the bits depend on the shapes alone: share work between threads
/// in blocks whose shapes do not depend on their number.
namespace lindrift::blas {

/// C = alpha A B + beta C with A (m, k), B (k, n), C (m, n); lda, ldb, ldc are the distances between rows, in elements.
/// C is not read where beta is 0. 2 m n k operations.
void dgemm(std::size_t m, std::size_t n, std::size_t k, double alpha, const double* a, std::size_t lda, const double* b,
           std::size_t ldb, double beta, double* c, std::size_t ldc);

/// The same for complex matrices; 8 m n k operations.
void zgemm(std::size_t m, std::size_t n, std::size_t k, std::complex<double> alpha, const std::complex<double>* a,
           std::size_t lda, const std::complex<double>* b, std::size_t ldb, std::complex<double> beta,
           std::complex<double>* c, std::size_t ldc);

/// Which kernels multiply, for `lindrift info`: "OpenBLAS 0.3.21, SkylakeX", or "plain loops" and why.
const std::string& core_name();

}  // namespace lindrift::blas
