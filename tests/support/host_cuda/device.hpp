#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <mutex>
#include <string>

/// A strict CUDA device on the CPU: what would be undefined on a real device ends the process with a message.
///
/// Environment:
///   LINDRIFT_HOST_CUDA_ORDER=forward|backward|random   order of threads and blocks; if not set, it alternates
///   LINDRIFT_HOST_CUDA_SEED=n          seed of the random order
///   LINDRIFT_HOST_CUDA_DEVICES=n       number of devices: 1
///   LINDRIFT_HOST_CUDA_PROCESSORS=n    multiprocessors per device: 132, as in an H100
///   LINDRIFT_HOST_CUDA_MEMORY=bytes    memory per device: 80 GB
///   LINDRIFT_HOST_CUDA_FAIL=KIND:n     fails the n-th allocation, launch, copy, handle, plan or eigensolve; KIND:n+
///                                      all from the n-th on. A failed launch or copy kills the device
///   LINDRIFT_HOST_CUDA_OPEN=1          the host may access device memory (faster)
///   LINDRIFT_HOST_CUDA_COUNT=file      appends lines to the file: one per failure requested above, and at exit the
///                                      number of each kind and the peak number of bytes in use
namespace host_cuda {

/// `pageable` are the copies to and from memory of the host that is not pinned. They are only counted: FAIL makes
/// copies of any kind fail. `eigensolve` are matrices of which eigenvalues are asked for; one that fails has not
/// converged.
enum class Kind { allocation, launch, copy, handle, plan, pageable, eigensolve };

/// Reports an illegal use of the device and ends the process.
[[noreturn]] void refuse(const std::string& what);

/// Counts one operation of this kind; true if it must fail.
bool fails(Kind kind);

/// Exclusive use of the devices. While an object of this class lives, this process may access their memory.
class Access {
 public:
  Access();
  ~Access();
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;

 private:
  std::lock_guard<std::recursive_mutex> lock_;
};

int current_device();
bool current_device_is_dead();
void kill_current_device();

/// Both end the process if the pointer is elsewhere. `what` names the pointer.
void expect_on_device(const char* what, const void* pointer, std::size_t size);
void expect_on_host(const char* what, const void* pointer);

/// Finds words in a kernel's parameters that point to host memory, freed memory or another device's memory.
void check_parameters(const std::string& kernel, const Parameter* parameters, int count);

/// Current numbers of cuBLAS handles, cuFFT plans and allocations.
struct Living {
  long allocations, handles, plans;
  bool operator==(const Living&) const = default;
};
Living living();
void count_living(Kind kind, long change);

/// Reserves device memory for a library's own use, or releases it; false if there is not enough.
bool use_memory(int device, long change);

}  // namespace host_cuda
