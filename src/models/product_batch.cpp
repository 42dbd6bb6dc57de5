#include "models/product_batch.hpp"

#include <omp.h>

#include <algorithm>
#include <utility>

#include "blas.hpp"
#include "lindrift/error.hpp"
#include "lindrift/team.hpp"
#ifdef LINDRIFT_HAVE_CUDA
#include "kernels/cuda/product.hpp"
#endif

namespace lindrift {

namespace {

/// Columns of a product that are computed by one call: the unit that threads and members of a team share.
constexpr std::size_t column_block = 512;
class CpuMultiplier final : public Multiplier {
 public:
  CpuMultiplier(std::size_t size, std::vector<double> matrix, const Execution& execution)
      : size_(size),
        matrix_(std::move(matrix)),
        threads_(execution.threads > 0 ? execution.threads : omp_get_max_threads()),
        team_(execution.team) {}

  void multiply(const std::vector<double>& rows, std::size_t count, std::vector<double>& product) override {
    std::size_t first = 0, last = size_;
    std::vector<std::size_t> bounds;
    const bool shared = team_ != nullptr && team_->size() > 1;
    if (shared) {
      bounds = share_bounds(*team_, size_, column_block);
      first = bounds[static_cast<std::size_t>(team_->rank())];
      last = bounds[static_cast<std::size_t>(team_->rank()) + 1];
    }
#pragma omp parallel for schedule(static) num_threads(threads_) if (size_ > column_block)
    for (std::size_t column = first; column < last; column += column_block)
      blas::dgemm(count, std::min(column_block, size_ - column), size_, 1.0, rows.data(), size_,
                  matrix_.data() + column, size_, 0.0, product.data() + column, size_);
    if (shared) gather_columns(count, bounds, product);
  }

 private:
  /// A team gathers what lies together: the shares of columns, one after the other.
  void gather_columns(std::size_t count, const std::vector<std::size_t>& bounds, std::vector<double>& product) {
    packed_.resize(count * size_);
    std::vector<std::size_t> packed_bounds;
    for (const std::size_t bound : bounds) packed_bounds.push_back(bound * count);
    const auto each_share = [&](std::size_t rank, const auto& copy) {
      const std::size_t width = bounds[rank + 1] - bounds[rank];
      for (std::size_t r = 0; r < count; ++r)
        copy(packed_.data() + packed_bounds[rank] + r * width, product.data() + r * size_ + bounds[rank], width);
    };
    each_share(static_cast<std::size_t>(team_->rank()),
               [](double* packed, const double* own, std::size_t width) { std::copy_n(own, width, packed); });
    team_->all_gather(packed_, packed_bounds);
    for (std::size_t rank = 0; rank + 1 < bounds.size(); ++rank)
      each_share(rank,
                 [](const double* packed, double* whole, std::size_t width) { std::copy_n(packed, width, whole); });
  }

  std::size_t size_;
  std::vector<double> matrix_, packed_;
  int threads_;
  Team* team_;
};

#ifdef LINDRIFT_HAVE_CUDA
class CudaMultiplier final : public Multiplier {
 public:
  CudaMultiplier(std::size_t size, const std::vector<double>& matrix, const Execution& execution)
      : product_(kernels::cuda::make_product(execution.device, static_cast<std::int64_t>(size), matrix.data())) {}
  void multiply(const std::vector<double>& rows, std::size_t count, std::vector<double>& product) override {
    product_->multiply(rows.data(), static_cast<std::int64_t>(count), product.data());
  }

 private:
  std::unique_ptr<kernels::cuda::Product> product_;
};
#endif

std::unique_ptr<Multiplier> make_multiplier(std::size_t size, std::vector<double> matrix, const Execution& execution) {
  if (matrix.empty()) return nullptr;
#ifdef LINDRIFT_HAVE_CUDA
  if (execution.backend == Backend::cuda) return std::make_unique<CudaMultiplier>(size, matrix, execution);
#endif
  return std::make_unique<CpuMultiplier>(size, std::move(matrix), execution);
}

}  // namespace

class ProductBatch::Problem final : public kernels::RowProducts {
 public:
  explicit Problem(ProductBatch& batch) : batch_(batch) {}

  bool has_spectrum() const override { return batch_.has_spectrum_; }
  bool has_weight() const override { return batch_.has_weight_; }

  void row_sums(const double* thermal_particle, const double* particle, const double* thermal_hole, const double* hole,
                double* thermal_gain, double* gain, double* thermal_loss, double* loss) override {
    std::unique_lock lock(batch_.mutex_);
    spectrum_in[0] = thermal_particle;
    spectrum_in[1] = thermal_hole;
    spectrum_out[0] = thermal_gain;
    spectrum_out[1] = thermal_loss;
    particles = particle;
    holes = hole;
    gains = gain;
    losses = loss;
    waits = true;
    if (++batch_.waiting_ == batch_.active_) batch_.asked_.notify_one();
    batch_.answered_.wait(lock, [&] { return !waits; });
    if (batch_.failure_) std::rethrow_exception(batch_.failure_);
  }

  bool waits = false;
  const double *spectrum_in[2] = {}, *particles = nullptr, *holes = nullptr;
  double *spectrum_out[2] = {}, *gains = nullptr, *losses = nullptr;

 private:
  ProductBatch& batch_;
};

ProductBatch::ProductBatch(std::size_t modes, std::size_t places, std::size_t problems, PairMatrices matrices,
                           const Execution& execution)
    : modes_(modes),
      levels_(std::move(matrices.levels)),
      has_spectrum_(!matrices.spectrum.empty()),
      has_weight_(!matrices.by_to.empty()),
      spectrum_(make_multiplier(levels_.size(), std::move(matrices.spectrum), execution)),
      by_to_(make_multiplier(modes, std::move(matrices.by_to), execution)),
      by_from_(make_multiplier(modes, std::move(matrices.by_from), execution)),
      active_(problems) {
  for (std::size_t i = 0; i < places; ++i) problems_.push_back(std::make_unique<Problem>(*this));
}
ProductBatch::~ProductBatch() = default;

kernels::RowProducts& ProductBatch::problem(std::size_t place) { return *problems_[place]; }

void ProductBatch::leave() {
  const std::lock_guard lock(mutex_);
  --active_;
  if (waiting_ == active_) asked_.notify_one();
}

void ProductBatch::serve(const std::function<bool()>& go_on) {
  std::unique_lock lock(mutex_);
  while (true) {
    asked_.wait(lock, [&] { return waiting_ == active_; });
    if (active_ == 0) return;
    // Every problem waits for this thread: nobody else touches what it reads.
    lock.unlock();
    try {
      if (!failure_ && go_on && !go_on()) throw Interruption();
      if (!failure_) multiply_all();
    } catch (...) {
      failure_ = std::current_exception();
    }
    lock.lock();
    for (const auto& problem : problems_) problem->waits = false;
    waiting_ = 0;
    answered_.notify_all();
  }
}

void ProductBatch::multiply_all() {
  // Rows of a place that asks for nothing are zero: the shapes, and the place of every row, are always the same.
  const auto multiply = [&](Multiplier& matrix, std::size_t size, std::size_t rows_of_each, const auto& fill,
                            const auto& take) {
    const std::size_t count = problems_.size() * rows_of_each;
    rows_.assign(count * size, 0.0);
    product_.resize(count * size);
    const auto each_row = [&](double* rows, const auto& copy) {
      for (std::size_t row = 0; row < count; ++row)
        if (Problem& problem = *problems_[row / rows_of_each]; problem.waits)
          copy(problem, row % rows_of_each, rows + row * size);
    };
    each_row(rows_.data(), fill);
    matrix.multiply(rows_, count, product_);
    each_row(product_.data(), take);
  };
  const auto level_of = [&](std::size_t s) { return static_cast<std::size_t>(levels_.level_of[s]); };
  if (spectrum_)
    multiply(
        *spectrum_, levels_.size(), 2,
        [&](const Problem& problem, std::size_t which, double* row) {
          for (std::size_t s = 0; s < modes_; ++s) row[level_of(s)] += problem.spectrum_in[which][s];
        },
        [&](const Problem& problem, std::size_t which, const double* row) {
          for (std::size_t s = 0; s < modes_; ++s) problem.spectrum_out[which][s] = row[level_of(s)];
        });
  if (by_to_) {
    multiply(
        *by_from_, modes_, 1,
        [&](const Problem& problem, std::size_t, double* row) { std::copy_n(problem.particles, modes_, row); },
        [&](const Problem& problem, std::size_t, const double* row) { std::copy_n(row, modes_, problem.gains); });
    multiply(
        *by_to_, modes_, 1,
        [&](const Problem& problem, std::size_t, double* row) { std::copy_n(problem.holes, modes_, row); },
        [&](const Problem& problem, std::size_t, const double* row) { std::copy_n(row, modes_, problem.losses); });
  }
}

}  // namespace lindrift
