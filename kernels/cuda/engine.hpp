#pragma once

#include "kernels/cuda/language.hpp"

#include <cstring>
#include <cub/block/block_reduce.cuh>
#include <cub/device/device_for.cuh>
#include <utility>

#include "kernels/cuda/check.hpp"
#include "kernels/cuda/memory.hpp"
#include "kernels/functor.hpp"
#include "kernels/interleave.hpp"
#include "kernels/pair_block.hpp"
#include "kernels/row_block.hpp"
#include "kernels/shared_rows.hpp"
#include "lindrift/communicator.hpp"

namespace lindrift::kernels::cuda {

template <class Pair, class Block>
__global__ void __launch_bounds__(Block::lanes)
    pair_kernel(Pair pair, RowRange rows, int chunks, typename Block::Sum* partial) {
  LINDRIFT_SHARED(typename Block::Column, tile, Block::tile_columns);
  const int lane = static_cast<int>(threadIdx.x), chunk = static_cast<int>(blockIdx.y);
  const auto columns = Block::chunk(pair.size, chunk, chunks);
  typename Block::Lane state;
  Block::begin(pair, rows, blockIdx.x, lane, state);
  for (Index first = columns.first; first < columns.last; first += Block::tile_columns) {
    Block::stage(pair, first, columns.last, lane, tile);
    __syncthreads();
    Block::accumulate(pair, first, columns.last, tile, state);
    __syncthreads();
  }
  Block::store(pair, rows, blockIdx.x, chunk, lane, state, partial);
}

template <class Rows, class Block>
__global__ void __launch_bounds__(Block::lanes) row_kernel(Rows rows, int chunks, typename Block::Sum* partial) {
  LINDRIFT_SHARED(typename Block::Term, tile, Block::tile_terms);
  const int lane = static_cast<int>(threadIdx.x), chunk = static_cast<int>(blockIdx.z);
  const Index row = blockIdx.y;
  const auto terms = Block::chunk(rows.terms, chunk, chunks);
  typename Block::Lane state;
  Block::begin(rows, row, blockIdx.x, lane, state);
  for (Index first = terms.first; first < terms.last; first += Block::tile_terms) {
    Block::stage(rows, row, first, terms.last, lane, tile);
    __syncthreads();
    Block::accumulate(first, terms.last, tile, state);
    __syncthreads();
  }
  Block::store(rows, row, blockIdx.x, chunk, lane, state, partial);
}

template <class Sum>
struct AddSums {
  LINDRIFT_HD Sum operator()(Sum a, const Sum& b) const { return a += b; }
};

/// Doubles that a sum may have.
inline constexpr Index most_of_a_sum = 64;

/// Adds in a fixed order, so every run gives the same bits: a tree in each warp, then the warps one after the other.
/// Only their sums lie in shared memory, so that a sum may be wide.
template <class Sum, int Lanes>
using BlockTree = cub::BlockReduce<Sum, Lanes, cub::BLOCK_REDUCE_WARP_REDUCTIONS>;

template <class Term, class Block>
__global__ void __launch_bounds__(Block::lanes) reduce_kernel(Term term, Index size, typename Block::Sum* partial) {
  using Sum = typename Block::Sum;
  using Tree = BlockTree<Sum, Block::lanes>;
  LINDRIFT_SHARED(typename Tree::TempStorage, storage, 1);
  const Sum sum = Block::accumulate(term, size, blockIdx.x, static_cast<int>(threadIdx.x));
  const Sum total = Tree(storage[0]).Reduce(sum, AddSums<Sum>{});
  if (threadIdx.x == 0) partial[blockIdx.x] = total;
}

/// The sums of blocks as elements of another reduction.
template <class BlockSum>
struct PartialTerm {
  template <class T>
  using Sum = BlockSum;
  const BlockSum* partial;
  template <class T>
  LINDRIFT_HD void accumulate(Index i, BlockSum& sum) const {
    sum += partial[i];
  }
};

/// The verbs on one CUDA device. Vectors stay on the host between calls; each call copies them in and out.
/// @tparam Device  PhysicalDevice, or MemoryCounter to learn how much memory the same calls take
template <class Device>
class EngineOn {
 public:
  using Buffer = BufferOn<Device>;
  using IndexBuffer = BufferOn<Device, Index>;
  static constexpr bool on_host = false;
  /// Rows run over the lanes of a warp.
  static constexpr bool rows_are_lanes = true;

  EngineOn(int /*threads*/, int device, Communicator* communicator) : device_(device), communicator_(communicator) {
    use_device();
    LINDRIFT_CUDA_CHECK(cudaDeviceGetAttribute(&processors_, cudaDevAttrMultiProcessorCount, device_));
  }

  int processors() const { return processors_; }

  /// CUDA selects the device per thread, and any thread may call.
  void use_device() {
    if constexpr (Device::computes) LINDRIFT_CUDA_CHECK(cudaSetDevice(device_));
  }

  template <class T>
  const T* upload(const T* host, Index size, BufferOn<Device, T>& buffer) {
    copy_in(host, size, buffer);
    return buffer.data();
  }
  double* target(double* /*host*/, Index size, Buffer& buffer) { return buffer.resize(size); }
  void download(double* host, Index size, Buffer& buffer) { copy_out(host, size, buffer); }
  template <class T>
  void copy_in(const T* host, Index size, BufferOn<Device, T>& buffer) {
    use_device();
    T* target = buffer.resize(size);
    if constexpr (Device::computes) LINDRIFT_CUDA_CHECK(cudaMemcpy(target, host, bytes(size), cudaMemcpyHostToDevice));
  }
  void copy_out(double* host, Index size, const Buffer& buffer) {
    use_device();
    if constexpr (Device::computes)
      LINDRIFT_CUDA_CHECK(cudaMemcpy(host, buffer.data(), bytes(size), cudaMemcpyDeviceToHost));
  }

  template <class Functor>
  void map(Index size, const Functor& functor, Index /*work*/ = 1) {
    use_device();
    if constexpr (Device::computes) LINDRIFT_CUDA_CHECK(cub::DeviceFor::Bulk(size, functor));
  }

  template <class Term>
  typename Term::template Sum<double> reduce(Index size, const Term& term) {
    using Block = ReduceBlock<Term>;
    using Sum = typename Block::Sum;
    constexpr Index doubles = sizeof(Sum) / sizeof(double);
    const Index blocks = Block::blocks(size);
    use_device();
    Sum* partial = reinterpret_cast<Sum*>(partial_.resize(blocks * doubles));
    launch(reduce_kernel<Term, Block>, static_cast<unsigned>(blocks), Block::lanes, term, size, partial);
    if (blocks > 1) return reduce_partial(partial, blocks);
    return fetch(partial);
  }

  /// Completes arrays over the rows, of which this process has computed its share, by one message: from and to the
  /// device itself if MPI can, and else through pinned memory of the host.
  template <int Count>
  void gather(double* const (&values)[Count], Index size) {
    if (!shares(size)) return;
    double* const gathered = gathered_.resize(Count * size);
    Interleave<Count> interleave{{}, 0, gathered};
    Separate<Count> separate{gathered, {}};
    for (int c = 0; c < Count; ++c) interleave.from[c] = separate.to[c] = values[c];
    const RowRange own = own_rows(size);
    interleave.first = own.first;
    map(own.last - own.first, interleave);
    if constexpr (Device::computes) {
      if (communicator_->takes_device_memory()) {
        LINDRIFT_CUDA_CHECK(cudaStreamSynchronize(nullptr));  // MPI knows nothing of streams
        gather_items(*communicator_, gathered, size, shared_row_block, Count);
      } else {
        double* const staging = staging_.resize(Count * size);
        LINDRIFT_CUDA_CHECK(cudaMemcpy(staging + Count * own.first, gathered + Count * own.first,
                                       bytes(Count * (own.last - own.first)), cudaMemcpyDeviceToHost));
        gather_items(*communicator_, staging, size, shared_row_block, Count);
        LINDRIFT_CUDA_CHECK(cudaMemcpy(gathered, staging, bytes(Count * size), cudaMemcpyHostToDevice));
      }
    }
    map(size, separate);
  }

  template <class Pair>
  void pair_sum(const Pair& pair) {
    use_device();
    using Block = PairBlock<Pair>;
    using Sum = typename Block::Sum;
    const Index row_blocks = (pair.size + Block::rows_per_block - 1) / Block::rows_per_block;
    const Index tiles = (pair.size + Block::tile_columns - 1) / Block::tile_columns;
    // Enough blocks for several waves. The number depends only on the card and on all rows, so the same card gives the
    // same bits for any number of ranks.
    const Index wanted = (Index{8} * processors_ + row_blocks - 1) / row_blocks;
    const int chunks = static_cast<int>(wanted < tiles ? (wanted < max_chunks ? wanted : max_chunks)
                                                       : (tiles < max_chunks ? tiles : max_chunks));
    Sum* partial = reinterpret_cast<Sum*>(partial_.resize(pair.size * chunks * Index{sizeof(Sum) / sizeof(double)}));
    const RowRange rows = own_rows(pair.size);
    const Index own_blocks = (rows.last - rows.first + Block::rows_per_block - 1) / Block::rows_per_block;
    if (own_blocks == 0) return;
    const dim3 grid(static_cast<unsigned>(own_blocks), static_cast<unsigned>(chunks));
    launch(pair_kernel<Pair, Block>, grid, Block::lanes, pair, rows, chunks, partial);
    map(rows.last - rows.first, typename Block::Finish{pair, partial, chunks, rows.first});
  }

  template <class Rows>
  void row_sum(const Rows& rows) {
    use_device();
    using Block = RowBlock<Rows>;
    using Sum = typename Block::Sum;
    const Index tiles = (rows.terms + Block::tile_terms - 1) / Block::tile_terms;
    const Index argument_blocks = (rows.arguments + Block::arguments_per_block - 1) / Block::arguments_per_block;
    const Index most = tiles < max_chunks ? tiles : max_chunks;
    // Enough blocks for several waves. The number of chunks, and with it the last bits, does not depend on how many
    // rows fit into the free memory.
    const Index blocks = argument_blocks * (rows.all_rows < max_grid_rows ? rows.all_rows : max_grid_rows);
    const Index wanted = (Index{8} * processors_ + blocks - 1) / blocks;
    const int chunks = static_cast<int>(wanted < most ? wanted : most);
    // The rows of one launch are the second dimension of its grid.
    for (Index first = 0; first < rows.rows; first += max_grid_rows) {
      const Rows some = rows.part(first, rows.rows - first < max_grid_rows ? rows.rows - first : max_grid_rows);
      Sum* partial = reinterpret_cast<Sum*>(
          partial_.resize(some.rows * some.arguments * chunks * Index{sizeof(Sum) / sizeof(double)}));
      const dim3 grid(static_cast<unsigned>(argument_blocks), static_cast<unsigned>(some.rows),
                      static_cast<unsigned>(chunks));
      launch(row_kernel<Rows, Block>, grid, Block::lanes, some, chunks, partial);
      map(some.rows * some.arguments, typename Block::Finish{some, partial, chunks});
    }
  }

  template <class... Parameters, class... Arguments>
  static void launch(void (*kernel)(Parameters...), dim3 grid, int lanes, Arguments&&... arguments) {
    if constexpr (Device::computes) {
      cudaLaunchConfig_t configuration{};
      configuration.gridDim = grid;
      configuration.blockDim = dim3(static_cast<unsigned>(lanes));
      check(cudaLaunchKernelEx(&configuration, kernel, std::forward<Arguments>(arguments)...), "cudaLaunchKernelEx");
    }
  }

 private:
  static constexpr Index max_chunks = 64;
  static constexpr Index max_grid_rows = 32768;

  bool shares(Index size) const { return communicator_ != nullptr && size >= min_shared_rows; }
  RowRange own_rows(Index size) const {
    RowRange rows{0, size};
    if (shares(size)) own_items(*communicator_, size, shared_row_block, rows.first, rows.last);
    return rows;
  }

  static std::size_t bytes(Index size) { return static_cast<std::size_t>(size) * sizeof(double); }

  template <class Sum>
  Sum fetch(const Sum* sum) {
    static_assert(sizeof(Sum) <= most_of_a_sum * sizeof(double));
    Sum result{};
    if constexpr (Device::computes) {
      double* const fetched = fetched_.resize(most_of_a_sum);
      LINDRIFT_CUDA_CHECK(cudaMemcpy(fetched, sum, sizeof(Sum), cudaMemcpyDeviceToHost));
      std::memcpy(static_cast<void*>(&result), fetched, sizeof(Sum));
    }
    return result;
  }

  /// Reduces the sums of the blocks repeatedly until one is left. Two buffers alternate; partial_ holds the first sums.
  template <class Sum>
  Sum reduce_partial(Sum* partial, Index count) {
    using Term = PartialTerm<Sum>;
    using Block = ReduceBlock<Term>;
    constexpr Index doubles = sizeof(Sum) / sizeof(double);
    Buffer* target_buffer = &second_partial_;
    Buffer* source_buffer = &partial_;
    while (count > 1) {
      const Index blocks = Block::blocks(count);
      Sum* target = reinterpret_cast<Sum*>(target_buffer->resize(blocks * doubles));
      launch(reduce_kernel<Term, Block>, static_cast<unsigned>(blocks), Block::lanes, Term{partial}, count, target);
      partial = target;
      count = blocks;
      std::swap(target_buffer, source_buffer);
    }
    return fetch(partial);
  }

  int device_;
  Communicator* communicator_;
  int processors_ = 1;
  Buffer partial_, second_partial_, gathered_;
  PinnedOn<Device> fetched_, staging_;
};

using Engine = EngineOn<PhysicalDevice>;

}  // namespace lindrift::kernels::cuda
