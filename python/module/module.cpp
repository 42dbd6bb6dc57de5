#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

#include "bind.hpp"
#include "engine/linear_algebra.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/error.hpp"
#include "lindrift/version.hpp"

namespace nb = nanobind;

namespace {

/// Translates the library's exceptions to those of lindrift.errors.
void translate(const std::exception_ptr& raised, void*) {
  const auto raise = [](const char* name, const std::exception& error) {
    PyErr_SetString(nb::module_::import_("lindrift.errors").attr(name).ptr(), error.what());
  };
  try {
    std::rethrow_exception(raised);
  } catch (const lindrift::ParameterError& error) {
    raise("ParameterError", error);
  } catch (const lindrift::ShapeError& error) {
    raise("ShapeError", error);
  } catch (const lindrift::UnsupportedError& error) {
    raise("UnsupportedError", error);
  } catch (const lindrift::NumericalError& error) {
    raise("NumericalError", error);
  } catch (const lindrift::DeviceError& error) {
    raise("DeviceError", error);
  } catch (const lindrift::Error& error) {
    raise("LindriftError", error);
  }
}

}  // namespace

NB_MODULE(_lindrift, module) {
  nb::register_exception_translator(translate);
  module.attr("__version__") = lindrift::version();
  module.attr("git_hash") = lindrift::git_hash();
  module.def("simd_level", lindrift::simd_level, "Instruction set of the CPU kernels chosen for this processor.");
  module.def(
      "blas_library", lindrift::linear_algebra::library_name,
      "The OpenBLAS in use, its version and the processor that its kernels are for; or what is missing. NumPy may have "
      "loaded it first, with kernels that are slower than those the program chooses; OPENBLAS_CORETYPE names others.");
  module.def("cuda_device_count", lindrift::cuda_device_count, "Usable CUDA devices.");
  lindrift::python::bind_models(module);
  lindrift::python::bind_tgge(module);
  lindrift::python::bind_open_chains(module);
  lindrift::python::bind_gradient(module);
}
