#pragma once

#include <complex>
#include <cstddef>
#include <string>

/// Dense linear algebra on the CPU, by the BLAS and LAPACK in OpenBLAS.
///
/// The library is loaded on first use rather than linked. Linked, it would start one thread per core in every process,
/// and releases older than the processor would choose slow kernels: both are decided by environment variables that it
/// reads while the program is still being loaded. OPENBLAS_CORETYPE overrides our choice of kernels, LINDRIFT_OPENBLAS
/// names another library.
///
/// Every call runs on the calling thread, so the bits depend on the shapes alone: share work between threads in blocks
/// whose shapes do not depend on their number.
namespace lindrift::linear_algebra {

/// Call it before a parallel region, which an exception must not leave.
/// @throws UnsupportedError if OpenBLAS cannot be loaded
void require_library();

/// C = A B for row-major matrices A (m, k), B (k, n), C (m, n); lda, ldb, ldc are the distances between rows, in
/// elements. 2 m n k operations.
/// @throws UnsupportedError if OpenBLAS cannot be loaded
void multiply(std::size_t m, std::size_t n, std::size_t k, const double* a, std::size_t lda, const double* b,
              std::size_t ldb, double* c, std::size_t ldc);

/// Eigenvalues, ascending, of the Hermitian matrix A (n, n), row-major; its columns become the eigenvectors.
/// @throws UnsupportedError if OpenBLAS cannot be loaded, NumericalError if A is not finite
void hermitian_eigen(std::size_t n, std::complex<double>* a, double* eigenvalues);

/// Solution of A x = b for a row-major matrix A (n, n), which is destroyed, in the place of b (n,).
/// @throws UnsupportedError if OpenBLAS cannot be loaded, NumericalError if A is singular
void solve(std::size_t n, double* a, double* b);

/// For `lindrift info`: "OpenBLAS 0.3.21, SkylakeX", or what is missing.
const std::string& library_name();

/// Operations per second of multiply() on this thread, measured in some 10 ms; 0 without a library.
double library_speed();

}  // namespace lindrift::linear_algebra
