// OpenBLAS under the names that its functions have in the scipy-openblas32 wheels, as a library that can be loaded
// instead.
#include <dlfcn.h>

#include <cstddef>

namespace {

template <class Function>
Function system_function(const char* name) {
  static void* const library = ::dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  return reinterpret_cast<Function>(::dlsym(library, name));
}

}  // namespace

extern "C" {

void scipy_cblas_dgemm(int order, int of_a, int of_b, int m, int n, int k, double alpha, const double* a, int lda,
                       const double* b, int ldb, double beta, double* c, int ldc) {
  system_function<decltype(&scipy_cblas_dgemm)>("cblas_dgemm")(order, of_a, of_b, m, n, k, alpha, a, lda, b, ldb, beta,
                                                               c, ldc);
}
void scipy_zheevd_(const char* job, const char* triangle, const int* n, void* a, const int* lda, double* values,
                   void* work, const int* work_size, double* real_work, const int* real_work_size, int* int_work,
                   const int* int_work_size, int* info, std::size_t job_length, std::size_t triangle_length) {
  system_function<decltype(&scipy_zheevd_)>("zheevd_")(job, triangle, n, a, lda, values, work, work_size, real_work,
                                                       real_work_size, int_work, int_work_size, info, job_length,
                                                       triangle_length);
}
void scipy_dgetrf_(const int* rows, const int* columns, double* a, const int* lda, int* pivots, int* info) {
  system_function<decltype(&scipy_dgetrf_)>("dgetrf_")(rows, columns, a, lda, pivots, info);
}
void scipy_dgetrs_(const char* transposed, const int* n, const int* count, const double* a, const int* lda,
                   const int* pivots, double* b, const int* ldb, int* info, std::size_t length) {
  system_function<decltype(&scipy_dgetrs_)>("dgetrs_")(transposed, n, count, a, lda, pivots, b, ldb, info, length);
}
char* scipy_openblas_get_corename() {
  return system_function<decltype(&scipy_openblas_get_corename)>("openblas_get_corename")();
}
char* scipy_openblas_get_config() {
  static char text[] = "OpenBLAS of a wheel";
  return text;
}
void scipy_openblas_set_num_threads(int threads) {
  system_function<decltype(&scipy_openblas_set_num_threads)>("openblas_set_num_threads")(threads);
}

}  // extern "C"
