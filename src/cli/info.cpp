#include <H5public.h>
#include <fmt/format.h>
#include <sundials/sundials_version.h>

#include <thread>

#include "cli/verbs.hpp"
#include "engine/device_thresholds.hpp"
#include "engine/linear_algebra.hpp"
#include "engine/machine_memory.hpp"
#include "engine/processor.hpp"
#include "engine/short_text.hpp"
#include "engine/threads.hpp"
#include "lindrift/lindrift.hpp"
#ifdef LINDRIFT_HAVE_MPI
#include <mpi.h>
#endif

namespace lindrift::cli {

namespace {

std::string mpi_library() {
#ifdef LINDRIFT_HAVE_MPI
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string all(text, static_cast<std::size_t>(length));
  return all.substr(0, all.find_first_of(",\n"));
#else
  return "none";
#endif
}

}  // namespace

int print_info() {
  unsigned hdf5[3] = {};
  H5get_libversion(&hdf5[0], &hdf5[1], &hdf5[2]);
  char sundials[32] = {};
  SUNDIALSGetVersion(sundials, sizeof sundials);
  fmt::print("lindrift   {} ({}), {} build\n", version(), git_hash(), build_type());
  fmt::print("compilers  {}; CUDA: {}\n", compiler(), cuda_compiler());
  fmt::print("processor  {}, {}, {} of memory\n", processor_name(),
             counted(std::thread::hardware_concurrency(), "core"), bytes_text(machine_memory()));
  fmt::print("kernels    {}, {}\n", simd_level(), counted(static_cast<std::size_t>(default_threads()), "thread"));
  const double speed = linear_algebra::library_speed();
  fmt::print("BLAS       {}{}\n", linear_algebra::library_name(),
             speed > 0.0 ? fmt::format(", {:.0f} billion operations a second on one thread", 1e-9 * speed) : "");
  fmt::print("HDF5       {}.{}.{}\n", hdf5[0], hdf5[1], hdf5[2]);
  fmt::print("SUNDIALS   {}\n", sundials);
  fmt::print("MPI        {}\n", mpi_library());
  std::string reason;
  resolve_backend(Backend::automatic, &reason);
  const int devices = cuda_device_count();
  fmt::print("CUDA       {}\n", devices > 0 ? counted(static_cast<std::size_t>(devices), "device") : reason);
  for (int device = 0; device < devices; ++device) fmt::print("           {}: {}\n", device, cuda_device_name(device));
  try {
    fmt::print("thresholds {}\n", text_of(device_thresholds()));
  } catch (const ParameterError& error) {
    fmt::print("thresholds {}\n", error.what());
  }
  return success;
}

}  // namespace lindrift::cli
