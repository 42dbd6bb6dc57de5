#include "engine/linear_algebra.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <utility>
#include <vector>

#include "kernels/tgge/rate_kernel.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/error.hpp"

namespace lindrift::linear_algebra {

namespace {

/// Sets an environment variable while a library is loaded, unless the user has set it.
class Environment {
 public:
  Environment(const char* variable, const char* value) : variable_(variable) {
    if (value != nullptr && std::getenv(variable) == nullptr) set_ = ::setenv(variable, value, 0) == 0;
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() {
    if (set_) ::unsetenv(variable_);
  }

 private:
  const char* variable_;
  bool set_ = false;
};

/// The C interface of BLAS, row-major (101) and not transposed (111), and LAPACK's Fortran interface, with 32-bit
/// sizes.
constexpr int row_major = 101, not_transposed = 111;
using Dgemm = void (*)(int, int, int, int, int, int, double, const double*, int, const double*, int, double, double*,
                       int);
using Zheevd = void (*)(const char* job, const char* triangle, const int* n, void* a, const int* lda, double* values,
                        void* work, const int* work_size, double* real_work, const int* real_work_size, int* int_work,
                        const int* int_work_size, int* info, std::size_t, std::size_t);

using Dgetrf = void (*)(const int* rows, const int* columns, double* a, const int* lda, int* pivots, int* info);
using Dgetrs = void (*)(const char* transposed, const int* n, const int* count, const double* a, const int* lda,
                        const int* pivots, double* b, const int* ldb, int* info, std::size_t);

struct Library {
  Dgemm dgemm = nullptr;
  Zheevd zheevd = nullptr;
  Dgetrf dgetrf = nullptr;
  Dgetrs dgetrs = nullptr;
  std::string name;  ///< name of the library, or what is missing
};

/// Finds a function by its own name, or by the name it has in the wheel scipy-openblas32.
template <class Function>
Function find(void* library, const std::string& name) {
  for (const std::string& symbol : {name, "scipy_" + name})
    if (void* const found = ::dlsym(library, symbol.c_str())) return reinterpret_cast<Function>(found);
  return nullptr;
}

/// Files to try: the user's choice alone, if there is one; otherwise the system's library, then a wheel's library
/// beside this code, then the wheel scipy-openblas32 in the Python environment that holds this code.
std::vector<std::string> candidates() {
  if (const char* chosen = std::getenv("LINDRIFT_OPENBLAS")) return {chosen};
  std::vector<std::string> files{"libopenblas.so.0", "libscipy_openblas.so"};
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&require_library), &info) == 0 || info.dli_fname == nullptr) return files;
  const std::filesystem::path here = std::filesystem::absolute(info.dli_fname).parent_path();
  for (const char* file : {"libscipy_openblas.so", "../scipy_openblas32/lib/libscipy_openblas.so"})
    files.push_back((here / file).lexically_normal().string());
  return files;
}

/// OpenBLAS's name for the fastest kernels that this processor can run, among those in every release of the last ten
/// years.
const char* core_type() {
  if (simd_level() == "x86-64-v4") return "SkylakeX";
  if (simd_level() == "x86-64-v3") return "Haswell";
  return nullptr;
}

Library load_file(const std::string& file) {
  // A program that already uses OpenBLAS has chosen its own number of threads.
  const bool ours = ::dlopen(file.c_str(), RTLD_NOW | RTLD_NOLOAD) == nullptr;
  const Environment core("OPENBLAS_CORETYPE", core_type());
  const Environment threads("OPENBLAS_NUM_THREADS", "1");
  Library loaded;
  void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    loaded.name = file + " cannot be loaded (Debian: libopenblas0; Python: scipy-openblas32)";
    return loaded;
  }
  const auto dgemm = find<Dgemm>(library, "cblas_dgemm");
  const auto zheevd = find<Zheevd>(library, "zheevd_");
  const auto dgetrf = find<Dgetrf>(library, "dgetrf_");
  const auto dgetrs = find<Dgetrs>(library, "dgetrs_");
  const auto core_of = find<char* (*)()>(library, "openblas_get_corename");
  const auto configuration = find<char* (*)()>(library, "openblas_get_config");
  const auto set_threads = find<void (*)(int)>(library, "openblas_set_num_threads");
  if (!dgemm || !zheevd || !dgetrf || !dgetrs || !core_of || !configuration || !set_threads) {
    loaded.name = file + " lacks a function of OpenBLAS";
    return loaded;
  }
  if (ours) set_threads(1);
  // "OpenBLAS 0.3.21 NO_LAPACKE ..."
  std::istringstream words(configuration());
  std::string product, version;
  words >> product >> version;
  return {dgemm, zheevd, dgetrf, dgetrs, product + " " + version + ", " + core_of()};
}

/// The first library that loads, or what is missing from the first one tried.
Library load() {
  Library first;
  for (const std::string& file : candidates()) {
    Library loaded = load_file(file);
    if (loaded.dgemm != nullptr) return loaded;
    if (first.name.empty()) first = std::move(loaded);
  }
  return first;
}

const Library& loaded_library() {
  static const Library loaded = load();
  return loaded;
}

const Library& library() {
  const Library& loaded = loaded_library();
  if (loaded.dgemm == nullptr) throw UnsupportedError("dense linear algebra needs OpenBLAS: " + loaded.name);
  return loaded;
}

int narrow(std::size_t size) { return static_cast<int>(size); }

/// Rows of A and C per call, so that sizes fit into 32 bits.
constexpr std::size_t max_rows = std::size_t{1} << 20;

}  // namespace

void multiply(std::size_t m, std::size_t n, std::size_t k, const double* a, std::size_t lda, const double* b,
              std::size_t ldb, double* c, std::size_t ldc) {
  for (std::size_t first = 0; first < m && n > 0; first += max_rows)
    library().dgemm(row_major, not_transposed, not_transposed, narrow(std::min(max_rows, m - first)), narrow(n),
                    narrow(k), 1.0, a + first * lda, narrow(lda), b, narrow(ldb), 0.0, c + first * ldc, narrow(ldc));
}

void hermitian_eigen(std::size_t n, std::complex<double>* a, double* eigenvalues) {
  if (n == 0) return;
  // LAPACK is column-major: it sees the transpose, whose eigenvectors are the complex conjugates of those wanted.
  const int size = narrow(n), work_size = narrow(2 * n + n * n), real_work_size = narrow(1 + 5 * n + 2 * n * n),
            int_work_size = narrow(3 + 5 * n);
  std::vector<std::complex<double>> work(2 * n + n * n);
  std::vector<double> real_work(1 + 5 * n + 2 * n * n);
  std::vector<int> int_work(3 + 5 * n);
  int info = 0;
  library().zheevd("V", "U", &size, a, &size, eigenvalues, work.data(), &work_size, real_work.data(), &real_work_size,
                   int_work.data(), &int_work_size, &info, 1, 1);
  if (info != 0) throw NumericalError("the eigenvalues of a Hermitian matrix did not converge: is it finite?");
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      const std::complex<double> upper = std::conj(a[j * n + i]);
      a[j * n + i] = std::conj(a[i * n + j]);
      a[i * n + j] = upper;
    }
}

void require_library() { library(); }

void solve(std::size_t n, double* a, double* b) {
  // LAPACK is column-major: it factorises the transpose, so solve with the transpose of that.
  const int size = narrow(n), one = 1;
  std::vector<int> pivots(n);
  int info = 0;
  library().dgetrf(&size, &size, a, &size, pivots.data(), &info);
  if (info != 0) throw NumericalError("a matrix is singular");
  library().dgetrs("T", &size, &one, a, &size, pivots.data(), b, &size, &info, 1);
}

const std::string& library_name() { return loaded_library().name; }

/// Measured once: plans of the points of a sweep ask again and again.
double library_speed() {
  static const double speed = [] {
    if (loaded_library().dgemm == nullptr) return 0.0;
    constexpr std::size_t n = 512;
    const std::vector<double> a(n * n, 1.0), b(n * n, 0.5);
    std::vector<double> c(n * n);
    double best = 0.0;
    for (int pass = 0; pass < 3; ++pass) {
      const auto start = std::chrono::steady_clock::now();
      multiply(n, n, n, a.data(), n, b.data(), n, c.data(), n);
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
      best = std::max(best, 2.0 * n * n * n / taken.count());
    }
    return best;
  }();
  return speed;
}

}  // namespace lindrift::linear_algebra

namespace lindrift::kernels {

void hermitian_eigen(int dimension, double* re, double* im, double* values) {
  const auto n = static_cast<std::size_t>(dimension);
  std::vector<std::complex<double>> a(n * n);
  for (std::size_t i = 0; i < n * n; ++i) a[i] = {re[i], im[i]};
  linear_algebra::hermitian_eigen(n, a.data(), values);
  for (std::size_t i = 0; i < n * n; ++i) {
    re[i] = a[i].real();
    im[i] = a[i].imag();
  }
}

}  // namespace lindrift::kernels
