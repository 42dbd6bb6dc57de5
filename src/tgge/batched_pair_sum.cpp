#include "tgge/batched_pair_sum.hpp"

#include <algorithm>
#include <utility>

#include "engine/device_memory.hpp"
#include "engine/linear_algebra.hpp"
#include "engine/parallel.hpp"
#include "kernels/table.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

namespace {

/// Columns of a product that one call computes: the unit of work for threads and ranks. The panels of a matrix have
/// about the same width, because a call for only a few columns is slow.
std::size_t panel_width(std::size_t size) {
  constexpr std::size_t usual = 512, at_most_more = 64, vector = 8;
  const std::size_t panels = size <= usual ? 1 : (size - at_most_more + usual - 1) / usual;
  return ((size + panels - 1) / panels + vector - 1) / vector * vector;
}

/// On the CPU, in panels of columns, each contiguous in memory: rows a power of two apart would evict each other from
/// the caches.
class CpuProduct final : public kernels::MatrixProduct {
 public:
  CpuProduct(std::size_t size, std::size_t count, const MatrixRow& matrix, const Execution& execution)
      : size_(size),
        count_(count),
        width_(panel_width(size)),
        threads_(threads_of(execution)),
        communicator_(execution.communicator != nullptr && execution.communicator->size() > 1 ? execution.communicator
                                                                                              : nullptr) {
    linear_algebra::require_library();
    std::size_t last = size_;
    if (communicator_ != nullptr) {
      bounds_ = share_bounds(*communicator_, size_, width_);
      first_ = bounds_[static_cast<std::size_t>(communicator_->rank())];
      last = bounds_[static_cast<std::size_t>(communicator_->rank()) + 1];
    }
    panels_ = (last - first_ + width_ - 1) / width_;
    columns_ = last - first_;
    values_ = std::make_unique_for_overwrite<double[]>(size_ * columns_);
    const int threads = size_ > 256 ? threads_ : 1;
    in_parts(threads, panels_ * size_, [&](std::size_t item, std::size_t end, std::size_t) {
      for (; item < end; ++item) {
        const std::size_t panel = item / size_, row = item % size_;
        const std::size_t column = panel * width_, width = width_of(panel);
        matrix(row, first_ + column, {values_.get() + column * size_ + row * width, width});
      }
    });
  }

  double* rows() override { return rows_.data(); }
  const double* products() override { return products_.data(); }

  void start() override {
    in_parts(threads_, panels_, [&](std::size_t panel, std::size_t last, std::size_t) {
      for (; panel < last; ++panel) {
        const std::size_t column = panel * width_;
        linear_algebra::multiply(count_, width_of(panel), size_, rows_.data(), size_, values_.get() + column * size_,
                                 width_of(panel), products_.data() + first_ + column, size_);
      }
    });
    if (communicator_ != nullptr) gather_columns();
  }
  void wait() override {}

 private:
  std::size_t width_of(std::size_t panel) const { return std::min(width_, columns_ - panel * width_); }

  /// Gathers the columns of all ranks; all_gather() needs each share in one piece.
  void gather_columns() {
    packed_.resize(count_ * size_);
    std::vector<std::size_t> packed_bounds;
    for (const std::size_t bound : bounds_) packed_bounds.push_back(bound * count_);
    const auto each_share = [&](std::size_t rank, const auto& copy) {
      const std::size_t width = bounds_[rank + 1] - bounds_[rank];
      for (std::size_t r = 0; r < count_; ++r)
        copy(packed_.data() + packed_bounds[rank] + r * width, products_.data() + r * size_ + bounds_[rank], width);
    };
    each_share(static_cast<std::size_t>(communicator_->rank()),
               [](double* packed, const double* own, std::size_t width) { std::copy_n(own, width, packed); });
    communicator_->all_gather(packed_, packed_bounds);
    for (std::size_t rank = 0; rank + 1 < bounds_.size(); ++rank)
      each_share(rank,
                 [](const double* packed, double* whole, std::size_t width) { std::copy_n(packed, width, whole); });
  }

  std::size_t size_, count_, width_;
  std::size_t first_ = 0, columns_ = 0, panels_ = 0;  ///< of this rank
  std::vector<double> rows_ = std::vector<double>(count_ * size_), products_ = rows_;
  std::unique_ptr<double[]> values_;
  std::vector<double> packed_;
  std::vector<std::size_t> bounds_;
  int threads_;
  Communicator* communicator_;  ///< null with a single rank
};

std::unique_ptr<kernels::MatrixProduct> make_product(std::size_t size, std::size_t count, const MatrixRow& matrix,
                                                     const Execution& execution) {
  if (!matrix) return nullptr;
  if (!is_device(execution.backend)) return std::make_unique<CpuProduct>(size, count, matrix, execution);
  std::vector<double> values(size * size);
  for (std::size_t row = 0; row < size; ++row) matrix(row, 0, std::span(values).subspan(row * size, size));
  return std::unique_ptr<kernels::MatrixProduct>(kernels::device_kernels().make_matrix_product(
      static_cast<std::int64_t>(size), static_cast<std::int64_t>(count), values.data(), execution.device));
}

}  // namespace

/// A matrix and the rows that it multiplies, `of_each` per slot; without a matrix, nothing.
class BatchedPairSum::Product {
 public:
  Product(std::size_t size, const MatrixRow& matrix, std::size_t slots, std::size_t of_each, const Execution& execution)
      : size_(size), of_each_(of_each), product_(make_product(size, slots * of_each, matrix, execution)) {}

  double* row(std::size_t slot, std::size_t which) { return product_ ? product_->rows() + at(slot, which) : nullptr; }
  const double* sum(std::size_t slot, std::size_t which) {
    return product_ ? product_->products() + at(slot, which) : nullptr;
  }
  /// Zeros the rows of an idle slot. Shapes and the position of every row never change.
  void clear(std::size_t slot) {
    if (product_) std::fill_n(row(slot, 0), of_each_ * size_, 0.0);
  }
  void start() {
    if (product_) product_->start();
  }
  void wait() {
    if (product_) product_->wait();
  }

 private:
  std::size_t at(std::size_t slot, std::size_t which) const { return (slot * of_each_ + which) * size_; }

  std::size_t size_, of_each_;
  std::unique_ptr<kernels::MatrixProduct> product_;
};

namespace {

/// Rows per slot: two for the spectrum (particles and holes), and one for each table of weights.
constexpr std::size_t spectrum_rows = 2, table_rows = 1;

}  // namespace

double BatchedPairSum::device_bytes(std::size_t modes, std::size_t slots, const PairMatrices& matrices, int device) {
  return lindrift::device_bytes([&](const kernels::DeviceKernels& kernels) {
    std::vector<std::unique_ptr<kernels::MatrixProduct>> products;
    const auto add = [&](const MatrixRow& matrix, std::size_t size, std::size_t rows) {
      if (!matrix) return;
      products.emplace_back(kernels.make_matrix_product(static_cast<std::int64_t>(size),
                                                        static_cast<std::int64_t>(slots * rows), nullptr, device));
    };
    add(matrices.spectrum, matrices.levels.size(), spectrum_rows);
    add(matrices.by_to, modes, table_rows);
    add(matrices.by_from, modes, table_rows);
  });
}

class BatchedPairSum::Slot final : public kernels::ExternalPairSum {
 public:
  Slot(BatchedPairSum& batch, std::size_t slot) : batch_(batch), slot_(slot) {}

  Rows rows() override {
    Product &spectrum = *batch_.spectrum_, &by_from = *batch_.by_from_, &by_to = *batch_.by_to_;
    Rows rows;
    rows.thermal_particle = spectrum.row(slot_, 0);
    rows.thermal_hole = spectrum.row(slot_, 1);
    rows.thermal_gain = spectrum.sum(slot_, 0);
    rows.thermal_loss = spectrum.sum(slot_, 1);
    rows.levels = static_cast<std::int64_t>(batch_.levels_.size());
    rows.level_of = batch_.levels_.level_of.data();
    rows.level_first = batch_.levels_.first.data();
    rows.level_member = batch_.levels_.member.data();
    rows.particle = by_from.row(slot_, 0);
    rows.gain = by_from.sum(slot_, 0);
    rows.hole = by_to.row(slot_, 0);
    rows.loss = by_to.sum(slot_, 0);
    return rows;
  }

  void multiply() override {
    waits_ = true;
    batch_.one_less();
    waits_.wait(true);
    if (batch_.failure_) std::rethrow_exception(batch_.failure_);
  }

  bool waits() const { return waits_; }
  void go_on() {
    waits_ = false;
    waits_.notify_one();
  }

 private:
  BatchedPairSum& batch_;
  std::size_t slot_;
  std::atomic<bool> waits_ = false;
};

BatchedPairSum::BatchedPairSum(std::size_t modes, std::size_t slots, std::size_t taken, PairMatrices matrices,
                               const Execution& execution)
    : levels_(std::move(matrices.levels)),
      spectrum_(std::make_unique<Product>(levels_.size(), matrices.spectrum, slots, spectrum_rows, execution)),
      by_to_(std::make_unique<Product>(modes, matrices.by_to, slots, table_rows, execution)),
      by_from_(std::make_unique<Product>(modes, matrices.by_from, slots, table_rows, execution)),
      missing_(static_cast<int>(taken)) {
  for (std::size_t slot = 0; slot < slots; ++slot) slots_.push_back(std::make_unique<Slot>(*this, slot));
}
BatchedPairSum::~BatchedPairSum() = default;

kernels::ExternalPairSum& BatchedPairSum::slot(std::size_t index) { return *slots_[index]; }

void BatchedPairSum::leave(std::size_t slot) {
  for (Product* product : {spectrum_.get(), by_to_.get(), by_from_.get()}) product->clear(slot);
  one_less();
}

void BatchedPairSum::one_less() {
  if (--missing_ == 0) missing_.notify_one();
}

void BatchedPairSum::serve(const std::function<bool()>& go_on) {
  std::vector<Slot*> waiting;
  while (true) {
    while (const int missing = missing_) missing_.wait(missing);
    waiting.clear();
    for (const auto& slot : slots_)
      if (slot->waits()) waiting.push_back(slot.get());
    if (waiting.empty()) return;
    // Every slot is waiting, so no other thread touches the arrays.
    try {
      if (!failure_ && go_on && !go_on()) throw Interruption();
      if (!failure_) {
        for (Product* product : {spectrum_.get(), by_from_.get(), by_to_.get()}) product->start();
        for (Product* product : {spectrum_.get(), by_from_.get(), by_to_.get()}) product->wait();
      }
    } catch (...) {
      failure_ = std::current_exception();
    }
    missing_ = static_cast<int>(waiting.size());
    for (Slot* slot : waiting) slot->go_on();
  }
}

}  // namespace lindrift
