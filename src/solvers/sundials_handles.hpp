#pragma once

#include <cvode/cvode.h>
#include <nvector/nvector_serial.h>
#include <sundials/sundials_config.h>
#include <sundials/sundials_context.h>
#include <sundials/sundials_linearsolver.h>
#include <sundials/sundials_nonlinearsolver.h>

#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "lindrift/error.hpp"

namespace lindrift {

#if SUNDIALS_VERSION_MAJOR >= 7
inline const SUNComm no_communicator = SUN_COMM_NULL;
#else
inline constexpr std::nullptr_t no_communicator = nullptr;
#endif

/// RAII for SUNDIALS objects.
class SundialsContext {
 public:
  SundialsContext() {
    if (SUNContext_Create(no_communicator, &context_) != 0) throw Error("SUNDIALS: no context could be created");
#if SUNDIALS_VERSION_MAJOR >= 7
    SUNContext_ClearErrHandlers(context_);  // errors are returned as codes; nothing is printed
#endif
  }
  ~SundialsContext() { SUNContext_Free(&context_); }
  SundialsContext(const SundialsContext&) = delete;
  SundialsContext& operator=(const SundialsContext&) = delete;
  operator SUNContext() const { return context_; }

 private:
  SUNContext context_ = nullptr;
};

struct SundialsDeleter {
  void operator()(N_Vector vector) const { N_VDestroy(vector); }
  void operator()(SUNLinearSolver solver) const { SUNLinSolFree(solver); }
  void operator()(SUNNonlinearSolver solver) const { SUNNonlinSolFree(solver); }
};
template <class Handle>
using Sundials = std::unique_ptr<std::remove_pointer_t<Handle>, SundialsDeleter>;

struct CvodeDeleter {
  void operator()(void* cvode) const { CVodeFree(&cvode); }
};
using CvodeHandle = std::unique_ptr<void, CvodeDeleter>;

/// Errors are returned as codes; nothing is printed.
inline void be_silent([[maybe_unused]] void* cvode) {
#if SUNDIALS_VERSION_MAJOR < 7  // from version 7 on the context does this
  CVodeSetErrHandlerFn(
      cvode, [](int, const char*, const char*, char*, void*) {}, nullptr);
#endif
}

/// A vector whose sums are added in the same order for any number of threads.
Sundials<N_Vector> make_vector(std::size_t size, SUNContext context);

inline std::span<double> values(N_Vector vector) {
  return {N_VGetArrayPointer(vector), static_cast<std::size_t>(N_VGetLength(vector))};
}

/// Keeps an exception thrown by a callback until the C code has returned, through which it must not pass.
class Thrown {
 public:
  /// Returns what body() returns, or 0 if it returns nothing, and -1 if it throws, as SUNDIALS expects.
  template <class Body>
  int keep(const Body& body) noexcept {
    try {
      if constexpr (std::is_void_v<std::invoke_result_t<Body>>) {
        body();
        return 0;
      } else {
        return body();
      }
    } catch (...) {
      thrown_ = std::current_exception();
      return -1;
    }
  }
  /// The same for the solver of CVODE's linear equations, where body() returns whether it solved them; if not, CVODE
  /// takes a shorter step. These have codes of their own, and CVODE takes any other for success.
  template <class Body>
  int keep_solution(const Body& body) noexcept {
    bool solved = false;
    keep([&] { solved = body(); });
    if (thrown_) return SUNLS_PACKAGE_FAIL_UNREC;
    return solved ? SUNLS_SUCCESS : SUNLS_CONV_FAIL;
  }
  void rethrow() {
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
  }

 private:
  std::exception_ptr thrown_;
};

inline void check_sundials(int status, const char* call) {
  if (status < 0) throw Error(std::string("SUNDIALS: ") + call + " returned " + std::to_string(status));
}

/// Lets `solve` solve the linear equations of CVODE's Newton steps, without a matrix of its own.
/// @param solver  from SUNLinSolNewEmpty()
/// @param owner   what `solve` finds in the solver's content
inline void embed_linear_solver(void* cvode, SUNLinearSolver solver, void* owner,
                                int (*solve)(SUNLinearSolver, SUNMatrix, N_Vector, N_Vector, sunrealtype)) {
  solver->content = owner;
  solver->ops->gettype = [](SUNLinearSolver) { return SUNLINEARSOLVER_MATRIX_EMBEDDED; };
  solver->ops->solve = solve;
  solver->ops->free = [](SUNLinearSolver one) {
    SUNLinSolFreeEmpty(one);
    return 0;
  };
  check_sundials(CVodeSetLinearSolver(cvode, solver, nullptr), "CVodeSetLinearSolver");
}

}  // namespace lindrift
