#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <mutex>
#include <string>

/// A CUDA device on the CPU that forgives nothing: what a card would leave undefined ends the process with a message.
///
/// Environment:
///   LINDRIFT_HOST_CUDA_ORDER=forward|backward|random   order of threads and blocks; by turns unless given
///   LINDRIFT_HOST_CUDA_SEED=n          of the random order
///   LINDRIFT_HOST_CUDA_DEVICES=n       1
///   LINDRIFT_HOST_CUDA_PROCESSORS=n    multiprocessors of each: 132, as an H100 has
///   LINDRIFT_HOST_CUDA_MEMORY=bytes    of each: 80 GB
///   LINDRIFT_HOST_CUDA_FAIL=KIND:n     the n-th allocation, launch, copy, handle or plan fails; KIND:n+ all from the
///                                      n-th on. A launch or a copy that fails kills the device
///   LINDRIFT_HOST_CUDA_OPEN=1          the host may touch device memory (faster)
///   LINDRIFT_HOST_CUDA_COUNT=file      lines are added to the file: for each failure as asked, and at exit how many of
///                                      each kind there were, and the most bytes in use
namespace host_cuda {

/// `pageable` are the copies to and from memory of the host that is not pinned: they cannot be made to fail apart.
enum class Kind { allocation, launch, copy, handle, plan, pageable };

/// Reports a use of the device that is an error in the program, and ends it.
[[noreturn]] void refuse(const std::string& what);

/// Counts one of a kind; true if it is one that is to fail.
bool fails(Kind kind);

/// One at a time uses the devices. While one does, this process may touch their memory.
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

/// Both end the process if it is not so. `what` names the pointer.
void expect_on_device(const char* what, const void* pointer, std::size_t size);
void expect_on_host(const char* what, const void* pointer);

/// Words of a kernel's parameters that point to the host's memory, to freed memory or to another device's.
void check_parameters(const std::string& kernel, const Parameter* parameters, int count);

/// How many handles of cuBLAS, plans of cuFFT and allocations there are now.
struct Living {
  long allocations, handles, plans;
  bool operator==(const Living&) const = default;
};
Living living();
void count_living(Kind kind, long change);

/// What a library takes of a device's memory for itself, or gives back; false if there is not so much.
bool use_memory(int device, long change);
/// Bytes in use at most since reset_peak(), on all devices together.
std::size_t peak_memory();
void reset_peak();

}  // namespace host_cuda
