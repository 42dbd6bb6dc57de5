#pragma once

#include "kernels/functor.hpp"
#include "kernels/hubbard/self_energy_kernel.hpp"
#include "kernels/hubbard/self_energy_rows.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace hubbard {

/// SelfEnergyKernel on one engine: chooses the functors and owns the arrays.
template <class Engine>
class SelfEnergyKernelOf final : public SelfEnergyKernel {
 public:
  SelfEnergyKernelOf(const SelfEnergyTables& tables, int threads, int device)
      : engine_(threads, device, nullptr), buffered_values_(tables.device_buffer) {
    if constexpr (Engine::on_host) buffered_values_ = Engine::buffered_values;
    const Index sites = tables.sites;
    chain_.sites = sites;
    for (int i = 0; i < 3; ++i) chain_.cells[i] = tables.cells[i];
    chain_.energy = own(energy_, tables.energy, sites);
    chain_.down_energy = own(down_energy_, tables.down_energy, sites);
    chain_.half_rate = own(half_rate_, tables.half_rate, sites);
    chain_.occupation = own(occupation_, tables.occupation, sites);
    chain_.hole = own(hole_, tables.hole, sites);
    chain_.half_probe_loss = tables.half_probe_loss ? own(probe_, tables.half_probe_loss, sites) : nullptr;
    chain_.coupling = own(coupling_, tables.coupling, sites);
    chain_.columns = tables.columns ? own(columns_, tables.columns, tables.column_count) : nullptr;
    chain_.column_count = tables.column_count;
    chain_.reflected = tables.reflected;
  }

  void points(const std::int64_t* momentum, const double* frequency, std::int64_t count, double imaginary,
              std::int64_t first_row, std::int64_t last_row, double* re, double* im) override {
    chain_.imaginary = imaginary;
    const PointArguments arguments{chain_, own(momentum_, momentum, count), own(frequency_, frequency, count)};
    const Target target = clear(re, im, count);
    add<AddPointRows>(arguments, count, count, count, first_row, last_row, target);
    download(re, im, count);
  }

  void grid(const double* frequency, std::int64_t count, double imaginary, std::int64_t first_row,
            std::int64_t last_row, double* re, double* im) override {
    chain_.imaginary = imaginary;
    const double* all = own(frequency_, frequency, count);
    const Target target = clear(re, im, chain_.sites * count);
    // Limit the frequencies of a pass so that several rows fit into the buffer.
    const Index folded = FoldedArguments::folded(chain_.sites), fitting = buffered_values_ / (16 * folded);
    const Index most = fitting > min_frequencies ? fitting : min_frequencies;
    for (Index first = 0; first < count; first += most) {
      const Index some = count - first < most ? count - first : most;
      add<AddFoldedRows>(FoldedArguments{chain_, all + first, some}, folded * some, some, count, first_row, last_row,
                         {target.re + first, target.im + first});
    }
    download(re, im, chain_.sites * count);
  }

 private:
  using Buffer = typename Engine::Buffer;
  /// Adjacent results that one element of a map adds up: a vectorised loop on the CPU, a single one per GPU thread.
  static constexpr Index run = Engine::rows_are_lanes ? 1 : 64;
  static constexpr Index min_frequencies = 8;

  struct Target {
    double *re, *im;
  };
  Target clear(double* re, double* im, Index results) {
    const Target target{engine_.target(re, results, result_re_), engine_.target(im, results, result_im_)};
    engine_.map(results, Clear{target.re, target.im});
    return target;
  }
  void download(double* re, double* im, Index results) {
    engine_.download(re, results, result_re_);
    engine_.download(im, results, result_im_);
  }

  /// Computes rows in batches that fit the buffer; `Add` adds each batch to the results.
  /// @param width   results of a row that are added here    @param stride  length of a whole row of results
  template <class Add, class Arguments>
  void add(const Arguments& source, Index arguments, Index width, Index stride, Index first_row, Index last_row,
           Target sum) {
    const Index all_rows = last_row - first_row, fitting = buffered_values_ / (2 * arguments);
    const Index batch = fitting < 1 ? 1 : fitting < all_rows ? fitting : all_rows;
    double* value_re = value_re_.resize(batch * arguments);
    double* value_im = value_im_.resize(batch * arguments);
    for (Index first = first_row; first < last_row; first += batch) {
      const Index rows = last_row - first < batch ? last_row - first : batch;
      if (chain_.half_probe_loss)
        row_sum<true>(source, arguments, first, rows, all_rows, value_re, value_im);
      else
        row_sum<false>(source, arguments, first, rows, all_rows, value_re, value_im);
      engine_.map(Add::size(chain_, width, run),
                  Add{chain_, first, rows, width, run, stride, value_re, value_im, sum.re, sum.im}, rows * run);
    }
  }

  template <bool OpenProbe, class Arguments>
  void row_sum(const Arguments& source, Index arguments, Index first, Index rows, Index all_rows, double* value_re,
               double* value_im) {
    using Rows = SelfEnergyRows<Arguments, OpenProbe>;
    engine_.row_sum(
        Rows{chain_, source, first, rows, arguments, Rows::term_count(chain_), all_rows, value_re, value_im});
  }

  template <class AnyBuffer, class T>
  const T* own(AnyBuffer& buffer, const T* host, Index size) {
    engine_.copy_in(host, size, buffer);
    return buffer.data();
  }

  Engine engine_;
  Index buffered_values_;  ///< size of the buffer of row sums, in doubles
  Chain chain_{};
  Buffer energy_, down_energy_, half_rate_, occupation_, hole_, probe_, coupling_;
  typename Engine::IndexBuffer columns_, momentum_;
  Buffer frequency_, value_re_, value_im_, result_re_, result_im_;
};

}  // namespace hubbard
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
