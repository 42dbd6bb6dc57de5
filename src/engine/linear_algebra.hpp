#pragma once

#include <complex>
#include <cstddef>
#include <string>

/// Dense linear algebra on the CPU, by the BLAS and LAPACK in OpenBLAS.
///
/// The library is loaded on first use, not linked. A linked one would start a thread per core in every process, and
/// releases older than the processor would choose slow kernels: environment variables decide both, and OpenBLAS reads
/// them while the program is being loaded. OPENBLAS_CORETYPE overrides the choice of kernels made here;
/// LINDRIFT_OPENBLAS names another library.
///
/// Every call runs on the calling thread, so the bits depend on the shapes alone. To share work between threads, cut it
/// into blocks whose shapes do not depend on the number of threads.
namespace lindrift::linear_algebra {

/// Loads the library. Call it before a parallel region, which an exception must not leave.
/// @throws UnsupportedError if OpenBLAS cannot be loaded
void require_library();

/// C = A B for row-major matrices A (m, k), B (k, n), C (m, n); lda, ldb, ldc are the distances between rows, in
/// elements. 2 m n k operations.
/// @throws UnsupportedError if OpenBLAS cannot be loaded
void multiply(std::size_t m, std::size_t n, std::size_t k, const double* a, std::size_t lda, const double* b,
              std::size_t ldb, double* c, std::size_t ldc);

/// Eigenvalues, ascending, of the Hermitian matrix A (n, n), row-major; the columns of A become the eigenvectors.
/// @throws UnsupportedError if OpenBLAS cannot be loaded, NumericalError if A is not finite
void hermitian_eigen(std::size_t n, std::complex<double>* a, double* eigenvalues);

/// Solves A x = b for a row-major matrix A (n, n), which is overwritten; x replaces b, shape (n,).
/// @throws UnsupportedError if OpenBLAS cannot be loaded, NumericalError if A is singular
void solve(std::size_t n, double* a, double* b);

/// For `lindrift info`: for example "OpenBLAS 0.3.21, SkylakeX", or what is missing.
const std::string& library_name();

/// Operations per second of multiply() on this thread, measured in about 10 ms; 0 without a library.
double library_speed();

}  // namespace lindrift::linear_algebra
