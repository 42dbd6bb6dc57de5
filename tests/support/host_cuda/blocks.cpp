// Threads of a block as fibres: they run one after the other from barrier to barrier.
#include <sys/mman.h>

#include <cstdlib>
#include <vector>

#include "device.hpp"

#ifndef __x86_64__
#include <ucontext.h>
#endif

namespace host_cuda {

thread_local Place place;

namespace {

constexpr std::size_t page = 4096, stack_size = 64 << 10;

char* map_with_guard(std::size_t size, bool behind) {
  char* mapped = static_cast<char*>(
      mmap(nullptr, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (mapped == MAP_FAILED) refuse("no memory for the threads of a block");
  mprotect(behind ? mapped + size : mapped, page, PROT_NONE);
  return behind ? mapped : mapped + page;
}

#ifdef __x86_64__
// Saves the registers that a function must preserve on one stack and restores them from the other; swapcontext() would
// make a system call each time.
extern "C" void host_cuda_switch(void** from, void* to);
asm(R"(
.text
.globl host_cuda_switch
.type host_cuda_switch,@function
host_cuda_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size host_cuda_switch,.-host_cuda_switch
)");

struct Context {
  void* stack_pointer = nullptr;
  void prepare(char* stack, std::size_t size, void (*enter)()) {
    auto** top = reinterpret_cast<void**>(stack + size);
    *--top = nullptr;  // enter() expects the stack as after a call
    *--top = reinterpret_cast<void*>(enter);
    for (int saved = 0; saved < 6; ++saved) *--top = nullptr;
    stack_pointer = top;
  }
  void switch_to(Context& other) { host_cuda_switch(&stack_pointer, other.stack_pointer); }
};
#else
struct Context {
  ucontext_t context{};
  void prepare(char* stack, std::size_t size, void (*enter)()) {
    getcontext(&context);
    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = size;
    makecontext(&context, enter, 0);
  }
  void switch_to(Context& other) { swapcontext(&context, &other.context); }
};
#endif

struct Fibre {
  char* stack = map_with_guard(stack_size, false);
  Context context;
  dim3 thread;
  bool ended = false;
};

struct SharedArray {
  const char* name;
  std::size_t size;
  char *mapped, *data;
};

/// The block that runs on this host thread.
struct Scheduler {
  std::vector<Fibre> fibres;
  Context host;
  Fibre* current = nullptr;
  const char* kernel = "";
  Order order;           ///< of the threads from one barrier to the next
  unsigned to_come = 0;  ///< threads whose turn comes before the next barrier
  int site = 0;          ///< the barrier where threads wait, or 0
  unsigned ended = 0;    ///< threads that have returned
  Body body{};
  std::vector<SharedArray> shared;  ///< memory of earlier kernels is kept
  std::size_t shared_in_use = 0;
  std::vector<double> registers;
  bool in_kernel = false;
};
thread_local Scheduler scheduler;

/// Goes on with the next thread, or with the host where every thread waits or has ended.
void leave(Context& from) {
  while (scheduler.to_come > 0) {
    --scheduler.to_come;
    Fibre& next = scheduler.fibres[scheduler.order.next()];
    if (next.ended) continue;
    scheduler.current = &next;
    place.thread = next.thread;
    return from.switch_to(next.context);
  }
  scheduler.current = nullptr;
  from.switch_to(scheduler.host);
}

void enter() {
  scheduler.body.call(scheduler.body.data);
  scheduler.current->ended = true;
  ++scheduler.ended;
  leave(scheduler.current->context);
  std::abort();  // a thread that has ended is never resumed
}

void run_block(const char* kernel, dim3 block) {
  const unsigned threads = block.x * block.y * block.z;
  for (unsigned t = 0; t < threads; ++t) {
    Fibre& fibre = scheduler.fibres[t];
    fibre.ended = false;
    fibre.thread = dim3(t % block.x, t / block.x % block.y, t / block.x / block.y);
    // Stacks that began at the same place of their pages would share a few lines of the cache.
    fibre.context.prepare(fibre.stack, stack_size - t % 61 * 64, enter);
  }
  scheduler.kernel = kernel;
  scheduler.shared_in_use = 0;
  scheduler.ended = 0;
  while (scheduler.ended < threads) {
    const unsigned before = scheduler.ended;
    scheduler.order = Order(threads);
    scheduler.to_come = threads;
    scheduler.site = 0;
    leave(scheduler.host);
    if (before < scheduler.ended && scheduler.ended < threads)
      refuse(std::string("some threads have ended where others wait at a barrier: ") + kernel);
  }
}

}  // namespace

void barrier(int site) {
  Fibre* const fibre = scheduler.current;
  if (!fibre) refuse("a barrier outside of a kernel that has them");
  if (scheduler.site != 0 && scheduler.site != site)
    refuse(std::string("threads wait at different barriers: ") + scheduler.kernel);
  scheduler.site = site;
  leave(fibre->context);
}

void* shared(const char* name, std::size_t size) {
  constexpr std::size_t limit = 48 << 10;
  auto& arrays = scheduler.shared;
  std::size_t total = size;
  for (std::size_t i = 0; i < scheduler.shared_in_use; ++i) {
    if (std::string_view(arrays[i].name) == name) return arrays[i].data;
    total += arrays[i].size;
  }
  if (total > limit)
    refuse(std::to_string(total) + " bytes of shared memory, more than " + std::to_string(limit) + ": " + name);
  if (scheduler.shared_in_use == arrays.size()) arrays.push_back({name, 0, map_with_guard(limit, true), nullptr});
  SharedArray& array = arrays[scheduler.shared_in_use++];
  array.name = name;
  array.size = size;
  array.data = array.mapped + limit - (size + 15) / 16 * 16;
  poison(array.data, size);
  return array.data;
}

void* registers(std::size_t size) {
  if (scheduler.registers.size() * sizeof(double) < size) scheduler.registers.resize(size / sizeof(double) + 1);
  return scheduler.registers.data();
}

cudaError_t run(const char* kernel, dim3 grid, dim3 block, const Parameter* parameters, int count, Body body,
                bool barriers) {
  const Access access;
  if (scheduler.in_kernel) refuse(std::string("a launch inside of a kernel: ") + kernel);
  if (current_device_is_dead()) return cudaErrorIllegalAddress;
  if (fails(Kind::launch)) {
    kill_current_device();
    return cudaSuccess;  // as on a real device, a later call reports it
  }
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  std::size_t bytes = 0;
  for (int p = 0; p < count; ++p) bytes += (parameters[p].size + 7) / 8 * 8;
  const bool possible = grid.x > 0 && grid.y > 0 && grid.z > 0 && grid.x <= 0x7fffffffU && grid.y <= 65535 &&
                        grid.z <= 65535 && threads > 0 && threads <= 1024 && block.z <= 64 && bytes <= 4096;
  if (!possible)
    refuse("a grid of " + std::to_string(grid.x) + " x " + std::to_string(grid.y) + " x " + std::to_string(grid.z) +
           " blocks of " + std::to_string(threads) + " threads with " + std::to_string(bytes) +
           " bytes of parameters: " + kernel);
  check_parameters(kernel, parameters, count);
  scheduler.in_kernel = true;
  if (!barriers) {
    body.call(body.data);
  } else {
    if (scheduler.fibres.size() < threads) scheduler.fibres.resize(threads);
    scheduler.body = body;
    const std::uint64_t blocks = std::uint64_t{grid.x} * grid.y * grid.z;
    Order order(blocks);
    for (std::uint64_t i = 0; i < blocks; ++i) {
      const std::uint64_t b = order.next();
      place.block = dim3(static_cast<unsigned>(b % grid.x), static_cast<unsigned>(b / grid.x % grid.y),
                         static_cast<unsigned>(b / grid.x / grid.y));
      run_block(kernel, block);
    }
  }
  scheduler.in_kernel = false;
  return cudaSuccess;
}

}  // namespace host_cuda
