#pragma once

#include "kernels/cuda/engine.hpp"

namespace lindrift::kernels::cuda {

/// The verbs within one thread block, on memory of the device. Every thread of the block calls them with the same
/// arguments, in the same order, and gets the same results, so that what drives an engine on the host runs here as it
/// is. A sum is added in a fixed order: its bits depend on nothing but its terms.
class BlockEngine {
 public:
  static constexpr int threads = 128;
  /// Doubles of shared memory that the engine works in.
  static constexpr int scratch_size = 6 * most_of_a_sum;

  /// Memory that is there before the launch.
  template <class T>
  struct BufferOf {
    T* values = nullptr;
    LINDRIFT_HD T* resize(Index /*size*/) const { return values; }
    LINDRIFT_HD T* data() const { return values; }
  };
  using Buffer = BufferOf<double>;
  using IndexBuffer = BufferOf<Index>;

  /// @param scratch  shared memory of the block
  __device__ explicit BlockEngine(double* scratch) : scratch_(scratch) {}

  __device__ const double* upload(const double* values, Index /*size*/, Buffer& /*buffer*/) { return values; }
  __device__ double* target(double* values, Index /*size*/, Buffer& /*buffer*/) { return values; }
  __device__ void download(double* /*values*/, Index /*size*/, Buffer& /*buffer*/) {}

  template <class Functor>
  __device__ void map(Index size, const Functor& functor, Index /*work*/ = 1) {
    for (Index i = threadIdx.x; i < size; i += threads) functor(i);
    __syncthreads();
  }

  template <class Term>
  __device__ typename Term::template Sum<double> reduce(Index size, const Term& term) {
    using Sum = typename Term::template Sum<double>;
    using Tree = BlockTree<Sum, threads>;
    static_assert(sizeof(typename Tree::TempStorage) + sizeof(Sum) <= scratch_size * sizeof(double));
    Sum sum{};
    for (Index i = threadIdx.x; i < size; i += threads) term.template accumulate<double>(i, sum);
    sum = Tree(*reinterpret_cast<typename Tree::TempStorage*>(scratch_ + most_of_a_sum)).Reduce(sum, AddSums<Sum>{});
    Sum* const total = reinterpret_cast<Sum*>(scratch_);
    if (threadIdx.x == 0) *total = sum;
    __syncthreads();
    sum = *total;
    __syncthreads();  // before the next sum takes its place
    return sum;
  }

 private:
  double* scratch_;
};

}  // namespace lindrift::kernels::cuda
