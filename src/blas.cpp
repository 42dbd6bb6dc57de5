#include "blas.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "lindrift/backend.hpp"

namespace lindrift::blas {

namespace {

/// Sets an environment variable for the time in which a library looks at it, unless the user has set it.
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

/// The C interface of BLAS with 32-bit sizes: row-major is 101, not transposed 111.
constexpr int row_major = 101, not_transposed = 111;
using Dgemm = void (*)(int, int, int, int, int, int, double, const double*, int, const double*, int, double, double*,
                       int);
using Zgemm = void (*)(int, int, int, int, int, int, const void*, const void*, int, const void*, int, const void*,
                       void*, int);

struct Library {
  Dgemm dgemm = nullptr;
  Zgemm zgemm = nullptr;
  std::string core = "plain loops: ";
};

template <class Function>
Function find(void* library, const char* name) {
  return reinterpret_cast<Function>(::dlsym(library, name));
}

/// OpenBLAS's name for the best kernels that this processor runs, of those that every release of its last ten years
/// has.
const char* core_type() {
  if (simd_level() == "x86-64-v4") return "SkylakeX";
  if (simd_level() == "x86-64-v3") return "Haswell";
  return nullptr;
}

Library load() {
  Library loaded;
  const char* chosen = std::getenv("LINDRIFT_OPENBLAS");
  const char* file = chosen != nullptr ? chosen : "libopenblas.so.0";
  // A program that uses OpenBLAS itself has chosen its threads.
  const bool ours = ::dlopen(file, RTLD_NOW | RTLD_NOLOAD) == nullptr;
  const Environment core("OPENBLAS_CORETYPE", core_type());
  const Environment threads("OPENBLAS_NUM_THREADS", "1");
  void* library = ::dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    loaded.core += std::string(file) + " cannot be loaded (Debian: libopenblas0)";
    return loaded;
  }
  loaded.dgemm = find<Dgemm>(library, "cblas_dgemm");
  loaded.zgemm = find<Zgemm>(library, "cblas_zgemm");
  const auto core_of = find<char* (*)()>(library, "openblas_get_corename");
  const auto configuration = find<char* (*)()>(library, "openblas_get_config");
  const auto set_threads = find<void (*)(int)>(library, "openblas_set_num_threads");
  if (!loaded.dgemm || !loaded.zgemm || !core_of || !configuration || !set_threads) {
    loaded = {};
    loaded.core += std::string(file) + " lacks a function of OpenBLAS";
    return loaded;
  }
  if (ours) set_threads(1);
  // "OpenBLAS 0.3.21 NO_LAPACKE ..."
  std::istringstream words(configuration());
  std::string product, version;
  words >> product >> version;
  loaded.core = product + " " + version + ", " + core_of();
  return loaded;
}

const Library& library() {
  static const Library loaded = load();
  return loaded;
}

/// C = alpha A B + beta C, row of C by row of C.
template <class Number>
void multiply(std::size_t m, std::size_t n, std::size_t k, Number alpha, const Number* a, std::size_t lda,
              const Number* b, std::size_t ldb, Number beta, Number* c, std::size_t ldc) {
  for (std::size_t i = 0; i < m; ++i) {
    Number* row = c + i * ldc;
    for (std::size_t j = 0; j < n; ++j) row[j] = beta == Number(0.0) ? Number(0.0) : beta * row[j];
    for (std::size_t l = 0; l < k; ++l) {
      const Number factor = alpha * a[i * lda + l];
      const Number* column = b + l * ldb;
      for (std::size_t j = 0; j < n; ++j) row[j] += factor * column[j];
    }
  }
}

int narrow(std::size_t size) { return static_cast<int>(size); }

/// Rows of A and C that go into one call: the sizes of the C interface have 31 bits.
constexpr std::size_t max_rows = std::size_t{1} << 20;

}  // namespace

void dgemm(std::size_t m, std::size_t n, std::size_t k, double alpha, const double* a, std::size_t lda, const double* b,
           std::size_t ldb, double beta, double* c, std::size_t ldc) {
  if (m == 0 || n == 0) return;
  if (library().dgemm == nullptr) return multiply(m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  for (std::size_t first = 0; first < m; first += max_rows)
    library().dgemm(row_major, not_transposed, not_transposed, narrow(std::min(max_rows, m - first)), narrow(n),
                    narrow(k), alpha, a + first * lda, narrow(lda), b, narrow(ldb), beta, c + first * ldc, narrow(ldc));
}

void zgemm(std::size_t m, std::size_t n, std::size_t k, std::complex<double> alpha, const std::complex<double>* a,
           std::size_t lda, const std::complex<double>* b, std::size_t ldb, std::complex<double> beta,
           std::complex<double>* c, std::size_t ldc) {
  if (m == 0 || n == 0) return;
  if (library().zgemm == nullptr) return multiply(m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  for (std::size_t first = 0; first < m; first += max_rows)
    library().zgemm(row_major, not_transposed, not_transposed, narrow(std::min(max_rows, m - first)), narrow(n),
                    narrow(k), &alpha, a + first * lda, narrow(lda), b, narrow(ldb), &beta, c + first * ldc,
                    narrow(ldc));
}

const std::string& core_name() { return library().core; }

}  // namespace lindrift::blas
