#include "kernels/cuda/block_engine.hpp"

#include "kernels/clusters/solve_on.hpp"

namespace lindrift::kernels {
namespace cuda {
namespace {

using namespace clusters;

/// The parts of a slot of the input, with room for the largest matrix of the batch.
LINDRIFT_HD ClusterSlot slot_from(Carver& carver, const ClusterShape& shape) {
  ClusterSlot slot{};
  slot.header = carver.take(2);
  slot.first = reinterpret_cast<std::uint32_t*>(carver.take(shape.size / 2 + 1));
  slot.column = reinterpret_cast<std::uint32_t*>(carver.take((shape.elements + 1) / 2));
  slot.value = carver.take(2 * shape.elements);
  slot.starts = carver.take(2 * shape.starts * shape.size);
  slot.probes = carver.take(2 * shape.probes * shape.size);
  return slot;
}

template <ClusterWork Work>
struct MemoryOf;
template <>
struct MemoryOf<ClusterWork::linear> {
  using Type = LinearMemory;
  LINDRIFT_HD static Type from(Carver& carver, const ClusterShape& shape) {
    return LinearMemory::from(carver, 2 * shape.size, shape.vectors);
  }
};
template <>
struct MemoryOf<ClusterWork::frequencies> {
  using Type = KrylovMemory;
  LINDRIFT_HD static Type from(Carver& carver, const ClusterShape& shape) {
    return KrylovMemory::from(carver, 2 * shape.size, shape.vectors, shape.arguments, shape.probes, false);
  }
};
template <>
struct MemoryOf<ClusterWork::times> {
  using Type = EvolutionMemory;
  LINDRIFT_HD static Type from(Carver& carver, const ClusterShape& shape) {
    return EvolutionMemory::from(carver, shape.size);
  }
};

struct ClusterBatch {
  ClusterShape shape;
  Index matrices, slot_size, work_size, result_size, max_products;
  double tolerance, broadening;
  int* next;                ///< problems taken, beside the first one of each block
  const double* arguments;  ///< (shape.arguments,)
  double* slots;            ///< (matrices, slot_size)
  double* results;          ///< (matrices, starts, result_size)
  double* work;             ///< (blocks, work_size)
  int blocks;
};

template <ClusterWork Work>
__device__ void solve_problem(BlockEngine& engine, const ClusterBatch& batch, Index problem) {
  const ClusterShape& shape = batch.shape;
  const Index matrix = problem / shape.starts;
  Carver slots{batch.slots + matrix * batch.slot_size}, work{batch.work + Index{blockIdx.x} * batch.work_size};
  const ClusterSlot slot = slot_from(slots, shape);
  auto memory = MemoryOf<Work>::from(work, shape);
  Operator a{static_cast<Index>(slot.header[0]), slot.first, slot.column, slot.value};
  const double* const start = slot.starts + 2 * (problem - matrix * shape.starts) * shape.size;
  double *const result = batch.results + problem * batch.result_size, *const values = result + 1;
  SolverOn<BlockEngine> solver(engine, a);
  double residual = 0.0;
  if constexpr (Work == ClusterWork::linear) {
    a.border_column = start;
    a.border_row = slot.probes;
    residual = solver.solve_linear(start, batch.tolerance, shape.vectors, batch.max_products, memory, values);
    engine.map(shape.size - a.size, SetElement{values + 2 * a.size, {0.0, 0.0}});  // what a larger matrix would have
  } else if constexpr (Work == ClusterWork::frequencies) {
    memory.systems.frequency = batch.arguments;
    memory.systems.broadening = batch.broadening;
    memory.systems.projected = values;
    residual = solver.solve_shifted(start, slot.probes, shape.size, batch.tolerance, shape.vectors, memory);
  } else {
    solver.evolve(slot.header[1], start, slot.probes, shape.probes, shape.size, batch.arguments, shape.arguments,
                  memory, values);
  }
  if (threadIdx.x == 0) result[0] = residual;
}

/// Blocks that a multiprocessor holds at once, with at most 128 registers for each of their threads.
constexpr int resident_blocks = 4;

/// A block takes one problem after the other.
template <ClusterWork Work>
__global__ void __launch_bounds__(BlockEngine::threads, resident_blocks) cluster_kernel(ClusterBatch batch) {
  LINDRIFT_SHARED(double, scratch, BlockEngine::scratch_size);
  LINDRIFT_SHARED(int, taken, 1);
  BlockEngine engine(scratch);
  for (Index i = blockIdx.x; i < batch.matrices * batch.shape.starts;) {
    solve_problem<Work>(engine, batch, i);
    if (threadIdx.x == 0) taken[0] = atomicAdd(batch.next, 1);
    __syncthreads();
    i = Index{batch.blocks} + taken[0];
    __syncthreads();
  }
}

template <class Device>
class ClusterDeviceOn final : public ClusterDevice {
 public:
  explicit ClusterDeviceOn(int device) : engine_(0, device, nullptr) {}

  void begin(const ClusterShape& shape) override {
    shape_ = shape;
    Carver slot;
    slot_from(slot, shape);
    slot_size_ = slot.used;
    staged_.resize(head() + shape.matrices * slot_size_);
  }

  ClusterSlot slot(std::int64_t matrix) override {
    Carver carver{staged_.data() + head() + matrix * slot_size_};
    return slot_from(carver, shape_);
  }

  const double* solve(std::int64_t matrices, const ClusterOptions& options) override {
    switch (shape_.work) {
      case ClusterWork::linear:
        return solve_by<ClusterWork::linear>(matrices, options);
      case ClusterWork::frequencies:
        return solve_by<ClusterWork::frequencies>(matrices, options);
      case ClusterWork::times:
        break;
    }
    return solve_by<ClusterWork::times>(matrices, options);
  }

 private:
  /// Doubles before the slots: the counter of the queue, zero, and the arguments.
  Index head() const { return 1 + shape_.arguments; }

  template <ClusterWork Work>
  const double* solve_by(Index matrices, const ClusterOptions& options) {
    Carver work_size;
    MemoryOf<Work>::from(work_size, shape_);
    const Index problems = matrices * shape_.starts, received = problems * shape_.result_size();
    const Index blocks = std::min(problems, Index{resident_blocks} * engine_.processors());
    if constexpr (Device::computes) {
      staged_.data()[0] = 0.0;
      std::copy_n(options.arguments, shape_.arguments, staged_.data() + 1);
    }
    engine_.copy_in(staged_.data(), head() + matrices * slot_size_, input_);
    const ClusterBatch batch{shape_,
                             matrices,
                             slot_size_,
                             work_size.used,
                             shape_.result_size(),
                             options.max_products,
                             options.tolerance,
                             options.broadening,
                             reinterpret_cast<int*>(input_.data()),
                             input_.data() + 1,
                             input_.data() + head(),
                             results_.resize(received),
                             work_.resize(blocks * work_size.used),
                             static_cast<int>(blocks)};
    engine_.launch(cluster_kernel<Work>, static_cast<unsigned>(blocks), BlockEngine::threads, batch);
    double* const results = received_.resize(received);
    engine_.copy_out(results, received, results_);
    return results;
  }

  EngineOn<Device> engine_;
  ClusterShape shape_;
  Index slot_size_ = 0;
  PinnedOn<Device> staged_, received_;
  BufferOn<Device> input_, results_, work_;
};

}  // namespace
}  // namespace cuda

namespace cuda_device {

ClusterDevice* make_cluster_device(int device) { return new cuda::ClusterDeviceOn<cuda::PhysicalDevice>(device); }
ClusterDevice* count_cluster_device(int device) { return new cuda::ClusterDeviceOn<cuda::MemoryCounter>(device); }

}  // namespace cuda_device
}  // namespace lindrift::kernels
