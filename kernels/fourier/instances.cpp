// Compiled once per CPU instruction set; LINDRIFT_ISA names the variant.

// Every variant has its own namespace for the library's inline functions, too.
#define LINDRIFT_JOIN_(a, b) a##b
#define LINDRIFT_JOIN(a, b) LINDRIFT_JOIN_(a, b)
#define pocketfft LINDRIFT_JOIN(pocketfft_, LINDRIFT_ISA)
#define POCKETFFT_NO_MULTITHREADING
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wpedantic"
#include "third_party/pocketfft/pocketfft_hdronly.h"
#pragma GCC diagnostic pop

#include "kernels/cpu/engine.hpp"
#include "kernels/fourier/plan.hpp"
#include "kernels/fourier/side_by_side.hpp"
#include "kernels/threads.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace fourier {

namespace library = pocketfft::detail;
using Library = library::pocketfft_c<double>;
using Lanes = library::cmplx<Pack>;
static_assert(sizeof(Lanes) == 2 * sizeof(Pack));

Pack* packs(cpu::Buffer& buffer, Index count) { return reinterpret_cast<Pack*>(buffer.resize(count * pack_width)); }

void run(const Library& plan, Pack* side, bool forward) { plan.exec(reinterpret_cast<Lanes*>(side), 1.0, forward); }

/// Transforms one row per lane of a pack: for rows so short that all of them fit into a core's cache. The arithmetic is
/// the same in every lane, so the bits of a row do not depend on its neighbours.
class Rows final : public FourierPlan {
 public:
  explicit Rows(Index length) : length_(length), plan_(static_cast<std::size_t>(length)) {}

  void transform(double* rows, Index count, bool forward, int threads) const override {
    const Index groups = (count + pack_width - 1) / pack_width;
    cpu::Buffer buffer;
    Pack* sides = packs(buffer, 2 * length_ * (threads < groups ? threads : groups));
    in_parts(threads, groups, 1, [&](Index g, Index last, int thread) {
      Pack* side = sides + 2 * length_ * thread;
      for (; g < last; ++g) {
        double* first = rows + 2 * length_ * g * pack_width;
        const Index left = count - g * pack_width;
        const int here = static_cast<int>(left < pack_width ? left : pack_width);
        gather_rows(first, 2 * length_, here, 2 * length_, side);
        run(plan_, side, forward);
        scatter_rows(side, 2 * length_, here, 2 * length_, first);
      }
    });
  }

 private:
  Index length_;
  Library plan_;
};

/// Transforms one long row as a matrix of rows * columns elements (the four-step algorithm of Gentleman and Sande):
/// transform all columns, multiply by twiddle factors, transform all rows, transpose. The short transforms run in the
/// lanes of packs and are shared between threads.
class LongRow final : public FourierPlan {
 public:
  LongRow(Index rows, Index columns)
      : rows_(rows),
        columns_(columns),
        column_plan_(static_cast<std::size_t>(rows)),
        row_plan_(static_cast<std::size_t>(columns)) {
    const library::sincos_2pibyn<double> root(static_cast<std::size_t>(rows * columns));
    const Index blocks = (columns + pack_width - 1) / pack_width;
    double* base = base_.resize(2 * blocks * rows);
    for (Index b = 0; b < blocks; ++b)
      for (Index k = 0; k < rows; ++k) {
        const auto w = root[static_cast<std::size_t>(b * pack_width * k % (rows * columns))];
        base[2 * (b * rows + k)] = w.r;
        base[2 * (b * rows + k) + 1] = w.i;
      }
    Pack* lane = packs(lane_, 2 * rows);
    for (Index k = 0; k < rows; ++k)
      for (int l = 0; l < pack_width; ++l) {
        const auto w = root[static_cast<std::size_t>(l * k % (rows * columns))];
        lane[2 * k][l] = w.r;
        lane[2 * k + 1][l] = w.i;
      }
  }

  void transform(double* rows, Index count, bool forward, int threads) const override {
    cpu::Buffer scratch;
    double* middle = scratch.resize(2 * rows_ * columns_);
    for (Index r = 0; r < count; ++r) transform_one(rows + 2 * rows_ * columns_ * r, middle, forward, threads);
  }

 private:
  void transform_one(double* row, double* middle, bool forward, int threads) const {
    const Index column_blocks = (columns_ + pack_width - 1) / pack_width;
    const Index row_blocks = (rows_ + pack_width - 1) / pack_width;
    const double* base = base_.data();
    const Pack* lane = reinterpret_cast<const Pack*>(lane_.data());
    const double conjugate = forward ? -1.0 : 1.0;
    cpu::Buffer buffer;
    const Index side_size = 2 * (rows_ > columns_ ? rows_ : columns_);
    Pack* sides = packs(buffer, side_size * threads);
    in_parts(threads, column_blocks, 1, [&](Index b, Index last, int thread) {
      Pack* side = sides + side_size * thread;
      for (; b < last; ++b) {
        const Index left = columns_ - b * pack_width;
        const int here = static_cast<int>(left < pack_width ? left : pack_width);
        for (Index j = 0; j < rows_; ++j) {
          const PackComplex z = load_complex(row + 2 * (j * columns_ + b * pack_width), here);
          side[2 * j] = z.re;
          side[2 * j + 1] = z.im;
        }
        run(column_plan_, side, forward);
        for (Index k = 0; k < rows_; ++k) {
          const double c = base[2 * (b * rows_ + k)], s = conjugate * base[2 * (b * rows_ + k) + 1];
          const Pack lane_re = lane[2 * k], lane_im = conjugate * lane[2 * k + 1];
          const Pack re = c * lane_re - s * lane_im, im = c * lane_im + s * lane_re;
          const Pack x = side[2 * k], y = side[2 * k + 1];
          store_complex({re * x - im * y, re * y + im * x}, here, middle + 2 * (k * columns_ + b * pack_width));
        }
      }
    });
    in_parts(threads, row_blocks, 1, [&](Index b, Index last, int thread) {
      Pack* side = sides + side_size * thread;
      for (; b < last; ++b) {
        const Index left = rows_ - b * pack_width;
        const int here = static_cast<int>(left < pack_width ? left : pack_width);
        gather_rows(middle + 2 * columns_ * b * pack_width, 2 * columns_, here, 2 * columns_, side);
        run(row_plan_, side, forward);
        for (Index k = 0; k < columns_; ++k)
          store_complex({side[2 * k], side[2 * k + 1]}, here, row + 2 * (b * pack_width + k * rows_));
      }
    });
  }

  Index rows_, columns_;
  Library column_plan_, row_plan_;
  cpu::Buffer base_;  ///< twiddle factors of the first lane of every block of columns, (blocks, rows)
  cpu::Buffer lane_;  ///< twiddle factors of the other lanes relative to the first, (rows)
};

/// Rows that are lattices: transforms along the last direction, then along each one before it, whose neighbouring
/// columns run side by side.
class LatticeRows final : public FourierPlan {
 public:
  /// @param last  of the last direction; taken
  LatticeRows(const std::int64_t* lengths, int directions, FourierPlan* last)
      : size_(lengths[directions - 1]), length_(lengths[directions - 1]), last_(last) {
    for (int i = directions - 1; i-- > 0;) {
      columns_[count_++] = new Columns{size_, lengths[i], Library(static_cast<std::size_t>(lengths[i]))};
      size_ *= lengths[i];
    }
  }
  ~LatticeRows() override {
    delete last_;
    for (int i = 0; i < count_; ++i) delete columns_[i];
  }
  LatticeRows(const LatticeRows&) = delete;
  LatticeRows& operator=(const LatticeRows&) = delete;

  void transform(double* rows, Index count, bool forward, int threads) const override {
    last_->transform(rows, count * (size_ / length_), forward, threads);
    for (int i = 0; i < count_; ++i) along(*columns_[i], rows, count, forward, threads);
  }

 private:
  struct Columns {
    Index stride;  ///< between neighbours of a column, and as many columns side by side
    Index length;
    Library plan;
  };

  void along(const Columns& columns, double* rows, Index count, bool forward, int threads) const {
    const Index stride = columns.stride, blocks = (stride + pack_width - 1) / pack_width;
    const Index groups = count * (size_ / (stride * columns.length)) * blocks;
    cpu::Buffer buffer;
    Pack* sides = packs(buffer, 2 * columns.length * (threads < groups ? threads : groups));
    in_parts(threads, groups, 1, [&](Index g, Index last, int thread) {
      Pack* side = sides + 2 * columns.length * thread;
      for (; g < last; ++g) {
        const Index first = g % blocks * pack_width, left = stride - first;
        const int here = static_cast<int>(left < pack_width ? left : pack_width);
        double* column = rows + 2 * (g / blocks * stride * columns.length + first);
        for (Index j = 0; j < columns.length; ++j) {
          const PackComplex z = load_complex(column + 2 * j * stride, here);
          side[2 * j] = z.re;
          side[2 * j + 1] = z.im;
        }
        run(columns.plan, side, forward);
        for (Index j = 0; j < columns.length; ++j)
          store_complex({side[2 * j], side[2 * j + 1]}, here, column + 2 * j * stride);
      }
    });
  }

  Index size_, length_;
  FourierPlan* last_;
  Columns* columns_[2] = {};
  int count_ = 0;
};

/// One row at a time, without lanes: for long rows whose length has no suitable factors.
class SingleRow final : public FourierPlan {
 public:
  explicit SingleRow(Index length) : length_(length), plan_(static_cast<std::size_t>(length)) {}

  void transform(double* rows, Index count, bool forward, int threads) const override {
    in_parts(threads, count, 1, [&](Index r, Index last, int) {
      for (; r < last; ++r) plan_.exec(reinterpret_cast<library::cmplx<double>*>(rows + 2 * length_ * r), 1.0, forward);
    });
  }

 private:
  Index length_;
  Library plan_;
};

/// Longest row that is transformed in a lane: 8 of them and their working space take 1 MiB.
constexpr Index longest_side_by_side = 4096;
/// A long row is split if both factors are at least this.
constexpr Index min_factor = 32;

/// Largest divisor of n that is no larger than its square root.
Index middle_divisor(Index n) {
  Index divisor = 1;
  for (Index d = 2; d * d <= n; ++d)
    if (n % d == 0) divisor = d;
  return divisor;
}

}  // namespace fourier

FourierPlan* make_fourier_plan(std::int64_t length) {
  if (length <= fourier::longest_side_by_side) return new fourier::Rows(length);
  const Index divisor = fourier::middle_divisor(length);
  if (divisor >= fourier::min_factor) return new fourier::LongRow(divisor, length / divisor);
  return new fourier::SingleRow(length);
}

FourierPlan* make_lattice_fourier_plan(const std::int64_t* lengths, int directions) {
  return new fourier::LatticeRows(lengths, directions, make_fourier_plan(lengths[directions - 1]));
}

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
