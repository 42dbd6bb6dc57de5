// Memory of the devices, and functions of the CUDA runtime.
#include "device.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <vector>

namespace host_cuda {

namespace {

constexpr std::uint64_t poison_word = 0x7ff4dead0badbeefULL;
constexpr std::size_t page = 4096;
constexpr int kinds = 7;
constexpr const char* kind_names[kinds] = {"allocation", "launch", "copy", "handle", "plan", "pageable", "eigensolve"};

const char* setting(const char* name) { return std::getenv((std::string("LINDRIFT_HOST_CUDA_") + name).c_str()); }
long long number(const char* name, long long otherwise) {
  const char* text = setting(name);
  return text ? std::strtoll(text, nullptr, 0) : otherwise;
}

struct Settings {
  int devices = static_cast<int>(number("DEVICES", 1)), processors = static_cast<int>(number("PROCESSORS", 132));
  std::size_t memory = static_cast<std::size_t>(number("MEMORY", 80'000'000'000));
  std::uint64_t seed = static_cast<std::uint64_t>(number("SEED", 1));
  bool open = number("OPEN", 0) != 0;
  std::string order = setting("ORDER") ? setting("ORDER") : "", fail = setting("FAIL") ? setting("FAIL") : "";
};
const Settings& settings() {
  static const Settings* read = new Settings;
  return *read;
}

struct Allocation {
  std::uintptr_t first;
  std::size_t size;
  int device;
  bool freed;
  char* mapped;  ///< with an inaccessible page before and after
  std::size_t mapped_size;
};

/// The protection key of the devices' memory: with it a thread opens and closes all of it in nanoseconds. -1 where the
/// processor or the system has none; then the pages of every allocation are opened and closed.
int protection_key() {
  static const int key = settings().open ? -1 : pkey_alloc(0, PKEY_DISABLE_ACCESS);
  return key;
}

void set_access(const Allocation& allocation, bool open) {
  if (pkey_mprotect(allocation.mapped + page, allocation.mapped_size - 2 * page,
                    open ? PROT_READ | PROT_WRITE : PROT_NONE, protection_key()) != 0)
    refuse("the pages of an allocation cannot be opened and closed");
}

struct World {
  std::recursive_mutex mutex;
  std::map<std::uintptr_t, Allocation> memory;  ///< by first byte; freed ones stay, to recognise stale pointers
  std::set<const Allocation*> in_use;
  std::map<int, std::size_t> used;
  std::map<std::uintptr_t, std::size_t> pinned;             ///< memory of the host
  std::vector<std::pair<void*, std::vector<char>>> queued;  ///< copies to the host that nobody has waited for
  std::size_t peak = 0;                                     ///< of all devices
  std::map<int, bool> dead;
  long counts[kinds] = {}, alive[kinds] = {};
  int users = 0;
};
/// Appends a line to the file of counts.
void report(const std::string& line) {
  const char* path = setting("COUNT");
  FILE* file = path ? std::fopen(path, "a") : nullptr;
  if (!file) return;
  std::fputs((line + '\n').c_str(), file);
  std::fclose(file);
}

World& world() {
  static World* the = [] {
    std::atexit([] {
      std::string line;
      for (int kind = 0; kind < kinds; ++kind)
        line += std::string(kind_names[kind]) + ' ' + std::to_string(world().counts[kind]) + ' ';
      report(line + "memory " + std::to_string(world().peak));
    });
    return new World;
  }();
  return *the;
}

void set_access_to_all(bool open) {
  if (settings().open) return;
  if (protection_key() >= 0) {
    pkey_set(protection_key(), open ? 0 : PKEY_DISABLE_ACCESS);
    return;
  }
  for (const Allocation* allocation : world().in_use) set_access(*allocation, open);
}

thread_local int device_of_thread = 0;
thread_local cudaError_t last_error = cudaSuccess;
cudaError_t failure(cudaError_t error) { return last_error = error; }

std::string text_of(const void* pointer) {
  char text[32];
  std::snprintf(text, sizeof(text), "%p", pointer);
  return text;
}

/// The allocation that contains this byte or ends just before it, because one past the end is a valid pointer.
Allocation* find(const void* pointer) {
  const auto at = reinterpret_cast<std::uintptr_t>(pointer);
  const auto next = world().memory.upper_bound(at);
  if (next == world().memory.begin()) return nullptr;
  Allocation& found = std::prev(next)->second;
  return at <= found.first + found.size ? &found : nullptr;
}

bool is_pinned(const void* pointer) {
  const auto at = reinterpret_cast<std::uintptr_t>(pointer);
  const auto next = world().pinned.upper_bound(at);
  return next != world().pinned.begin() && at < std::prev(next)->first + std::prev(next)->second;
}

std::string complaint_about(const Allocation& allocation) {
  if (allocation.freed) return "was freed";
  if (allocation.device != device_of_thread)
    return "is on device " + std::to_string(allocation.device) + ", the current one is " +
           std::to_string(device_of_thread);
  return "";
}

bool is_mapped(const void* pointer) {
  unsigned char resident;
  const auto at = reinterpret_cast<std::uintptr_t>(pointer) & ~(page - 1);
  return mincore(reinterpret_cast<void*>(at), 1, &resident) == 0;
}

}  // namespace

void refuse(const std::string& what) {
  std::fprintf(stderr, "host CUDA: %s\n", what.c_str());
  std::abort();
}

bool fails(Kind kind) {
  const auto index = static_cast<std::size_t>(kind);
  const long count = ++world().counts[index];
  const std::string start = std::string(kind_names[index]) + ":", &asked = settings().fail;
  if (asked.compare(0, start.size(), start) != 0) return false;
  const long wanted = std::strtol(asked.c_str() + start.size(), nullptr, 10);
  const bool failing = count == wanted || (asked.back() == '+' && count > wanted);
  if (failing) report(std::string("failed ") + kind_names[index] + ' ' + std::to_string(count));
  return failing;
}

Access::Access() : lock_(world().mutex) {
  if (world().users++ == 0) set_access_to_all(true);
}
Access::~Access() {
  if (--world().users == 0) set_access_to_all(false);
}

int current_device() { return device_of_thread; }
bool current_device_is_dead() { return world().dead[device_of_thread]; }
void kill_current_device() { world().dead[device_of_thread] = true; }

void expect_on_device(const char* what, const void* pointer, std::size_t size) {
  const Allocation* found = find(pointer);
  if (!found) refuse(std::string(what) + " " + text_of(pointer) + " is not device memory");
  if (const std::string complaint = complaint_about(*found); !complaint.empty())
    refuse(std::string(what) + " " + text_of(pointer) + " " + complaint);
  const std::size_t offset = reinterpret_cast<std::uintptr_t>(pointer) - found->first;
  if (offset + size > found->size)
    refuse(std::string(what) + ": " + std::to_string(size) + " bytes from byte " + std::to_string(offset) +
           " on, where " + std::to_string(found->size) + " were allocated");
}

void expect_on_host(const char* what, const void* pointer) {
  if (find(pointer)) refuse(std::string(what) + " " + text_of(pointer) + " is device memory");
}

void check_parameters(const std::string& kernel, const Parameter* parameters, int count) {
  for (int p = 0; p < count; ++p)
    for (std::size_t at = 0; at + 8 <= parameters[p].size; at += 8) {
      std::uint64_t word;
      std::memcpy(&word, static_cast<const char*>(parameters[p].bytes) + at, 8);
      if (word < (1ULL << 40) || word > 0x00007fffffffffffULL) continue;  // not an address in this process
      const auto* pointer = reinterpret_cast<const void*>(word);
      const Allocation* found = find(pointer);
      const std::string complaint = found ? complaint_about(*found) : is_mapped(pointer) ? "is memory of the host" : "";
      if (!complaint.empty())
        refuse("a pointer in parameter " + std::to_string(p) + ", byte " + std::to_string(at) + ", " + complaint +
               ": " + kernel);
    }
}

Living living() {
  const Access access;
  return {world().alive[0], world().alive[3], world().alive[4]};
}
bool use_memory(int device, long change) {
  std::size_t& used = world().used[device];
  if (change > 0 && used + static_cast<std::size_t>(change) > settings().memory) return false;
  used += static_cast<std::size_t>(change);
  std::size_t sum = 0;
  for (const auto& [other, bytes] : world().used) sum += bytes;
  world().peak = std::max(world().peak, sum);
  return true;
}
void count_living(Kind kind, long change) { world().alive[static_cast<std::size_t>(kind)] += change; }

void poison(void* data, std::size_t size) {
  for (char* bytes = static_cast<char*>(data); size >= 8; size -= 8, bytes += 8) std::memcpy(bytes, &poison_word, 8);
}

Order::Order(std::uint64_t size) : size_(size) {
  static std::atomic<std::uint64_t> turn{0};
  const std::uint64_t now = turn++;
  const std::string& order = settings().order;
  const std::uint64_t way = order == "forward" ? 0 : order == "backward" ? 1 : order == "random" ? 2 : now % 3;
  if (way == 0 || size < 2) return;
  if (way == 1) {
    step_ = at_ = size - 1;
    return;
  }
  std::uint64_t x = (now + settings().seed) * 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 31)) * 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  at_ = (x >> 20) % size;
  const auto common_divisor = [](std::uint64_t a, std::uint64_t b) {
    while (b != 0) std::swap(a %= b, b);
    return a;
  };
  for (step_ = x % size; step_ == 0 || common_divisor(step_, size) != 1;) step_ = (step_ + 1) % size;
}

}  // namespace host_cuda

using namespace host_cuda;

cudaError_t cudaMalloc(void** pointer, std::size_t size) {
  const Access access;
  *pointer = nullptr;
  if (current_device_is_dead()) return failure(cudaErrorIllegalAddress);
  if (size == 0) return cudaSuccess;
  if (fails(Kind::allocation) || !use_memory(device_of_thread, static_cast<long>(size)))
    return failure(cudaErrorMemoryAllocation);
  const std::size_t mapped_size = (size + page - 1) / page * page + 2 * page;
  void* mapped = mmap(nullptr, mapped_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) refuse("no memory on the host for that of the device");
  Allocation made{0, size, device_of_thread, false, static_cast<char*>(mapped), mapped_size};
  set_access(made, true);
  // The end of the allocation is as close to the page behind it as alignment allows.
  made.first = reinterpret_cast<std::uintptr_t>(made.mapped + mapped_size - page - (size + 15) / 16 * 16);
  *pointer = reinterpret_cast<void*>(made.first);
  poison(*pointer, size);
  world().in_use.insert(&(world().memory[made.first] = made));
  count_living(Kind::allocation, 1);
  return cudaSuccess;
}

cudaError_t cudaFree(void* pointer) {
  if (!pointer) return cudaSuccess;
  const Access access;
  Allocation* found = find(pointer);
  if (!found || found->freed || found->first != reinterpret_cast<std::uintptr_t>(pointer))
    refuse("cudaFree of " + text_of(pointer) + ", which was not allocated or is free already");
  // The pages are released, but the addresses stay reserved, so that they are never reused as host memory.
  mmap(found->mapped, found->mapped_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  found->freed = true;
  world().in_use.erase(found);
  use_memory(found->device, -static_cast<long>(found->size));
  count_living(Kind::allocation, -1);
  return current_device_is_dead() ? failure(cudaErrorIllegalAddress) : cudaSuccess;
}

cudaError_t cudaMallocHost(void** pointer, std::size_t size) {
  const Access access;
  *pointer = nullptr;
  if (current_device_is_dead()) return failure(cudaErrorIllegalAddress);
  if (fails(Kind::allocation)) return failure(cudaErrorMemoryAllocation);
  *pointer = std::malloc(size);
  if (!*pointer) refuse("no memory on the host that a device could copy to");
  poison(*pointer, size);
  world().pinned[reinterpret_cast<std::uintptr_t>(*pointer)] = size;
  count_living(Kind::allocation, 1);
  return cudaSuccess;
}

namespace {

/// Checks a copy; false if it fails, for which the device is dead then.
bool may_copy(const void* to, const void* from, std::size_t size, cudaMemcpyKind kind) {
  if (!current_device_is_dead() && fails(Kind::copy)) kill_current_device();
  if (current_device_is_dead()) return false;
  if (size == 0) return true;
  if (kind == cudaMemcpyDeviceToHost)
    expect_on_host("the target of a copy", to);
  else
    expect_on_device("the target of a copy", to, size);
  if (kind == cudaMemcpyHostToDevice)
    expect_on_host("the source of a copy", from);
  else
    expect_on_device("the source of a copy", from, size);
  if (!is_pinned(kind == cudaMemcpyDeviceToHost ? to : from))
    ++world().counts[static_cast<std::size_t>(Kind::pageable)];
  return true;
}

void expect_written(const void* data, std::size_t size) {
  for (std::size_t at = 0; at + 8 <= size; at += 8)
    if (std::memcmp(static_cast<const char*>(data) + at, &poison_word, 8) == 0)
      refuse("byte " + std::to_string(at) + " of " + std::to_string(size) + " copied to the host was never written");
}

/// Ends the copies to the host that have been queued.
void deliver() {
  for (const auto& [to, data] : world().queued) std::memcpy(to, data.data(), data.size());
  world().queued.clear();
}

}  // namespace

cudaError_t cudaFreeHost(void* pointer) {
  if (!pointer) return cudaSuccess;
  const Access access;
  deliver();
  if (world().pinned.erase(reinterpret_cast<std::uintptr_t>(pointer)) == 0)
    refuse("cudaFreeHost of " + text_of(pointer) + ", which was not allocated or is free already");
  std::free(pointer);
  count_living(Kind::allocation, -1);
  return current_device_is_dead() ? failure(cudaErrorIllegalAddress) : cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t size, cudaMemcpyKind kind) {
  const Access access;
  deliver();
  if (!may_copy(to, from, size, kind)) return failure(cudaErrorIllegalAddress);
  std::memmove(to, from, size);
  if (kind == cudaMemcpyDeviceToHost) expect_written(from, size);
  return cudaSuccess;
}

/// Queued behind everything before it, as on a card: what goes to the host is there only after the next wait.
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t size, cudaMemcpyKind kind) {
  const Access access;
  if (!may_copy(to, from, size, kind)) return failure(cudaErrorIllegalAddress);
  if (kind != cudaMemcpyDeviceToHost) {
    std::memmove(to, from, size);
    return cudaSuccess;
  }
  if (!is_pinned(to)) refuse("a queued copy to " + text_of(to) + ", which is not page-locked, would wait for its end");
  expect_written(from, size);
  const auto* bytes = static_cast<const char*>(from);
  world().queued.emplace_back(to, std::vector<char>(bytes, bytes + size));
  poison(to, size);
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const Access access;
  if (current_device_is_dead()) return failure(cudaErrorIllegalAddress);
  *total = settings().memory;
  *free = *total - world().used[device_of_thread];
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  const Access access;
  if (device < 0 || device >= settings().devices) return failure(cudaErrorInvalidDevice);
  device_of_thread = device;
  return current_device_is_dead() ? failure(cudaErrorIllegalAddress) : cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  *count = settings().devices;
  return *count > 0 ? cudaSuccess : failure(cudaErrorNoDevice);
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device < 0 || device >= settings().devices) return failure(cudaErrorInvalidDevice);
  std::snprintf(properties->name, sizeof(properties->name), "host CUDA device %d", device);
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int device) {
  if (device < 0 || device >= settings().devices) return failure(cudaErrorInvalidDevice);
  *value = settings().processors;
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() {
  const Access access;
  deliver();
  return current_device_is_dead() ? failure(cudaErrorIllegalAddress) : cudaSuccess;
}
cudaError_t cudaStreamSynchronize(std::nullptr_t) { return cudaDeviceSynchronize(); }
cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorInsufficientDriver:
      return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorIllegalAddress:
      return "cudaErrorIllegalAddress";
  }
  return "an error that the host CUDA device does not know";
}
const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    default:
      return cudaGetErrorName(error);
  }
}
