#pragma once

#include "kernels/tgge/operator_weight.hpp"
#include "kernels/tgge/product_weight.hpp"
#include "kernels/tgge/rate_kernel.hpp"
#include "kernels/tgge/table_weight.hpp"

/// Each kind of hop weight on an engine: where its arrays live, the functor that reads them, and, where it has low
/// rank, the row sums made from moments.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

template <class Engine, int Rank>
class ProductWeightOn {
 public:
  static constexpr bool separable = true, is_product = true;
  static constexpr int rank = Rank;

  ProductWeightOn(Engine& engine, const RateTables& tables) : size_(tables.modes) {
    engine.copy_in(tables.in, Rank * size_, in_);
    engine.copy_in(tables.out, Rank * size_, out_);
  }
  ProductWeight<Rank> functor() const { return {in_.data(), out_.data(), size_}; }

  template <class Source>
  ProductRowSums<Rank> row_sums(Engine& engine, const Source& source) {
    return {functor(), engine.reduce(size_, ProductMomentTerm<Rank, Source>{functor(), source})};
  }

 private:
  Index size_;
  typename Engine::Buffer in_, out_;
};

template <class Engine>
class TableWeightOn {
 public:
  static constexpr bool separable = false, is_product = false;

  TableWeightOn(Engine& engine, const RateTables& tables) : size_(tables.modes) {
    engine.copy_in(tables.table, size_ * size_, by_to_);
    by_from_.resize(size_ * size_);
    engine.map(size_, TransposeTable{by_to_.data(), by_from_.data(), size_});
  }
  TableWeight<Engine::rows_are_lanes> functor() const { return {by_to_.data(), by_from_.data(), size_}; }

 private:
  Index size_;
  typename Engine::Buffer by_to_, by_from_;
};

template <class Engine>
class OperatorWeightOn {
 public:
  static constexpr bool separable = true, is_product = false;

  OperatorWeightOn(Engine& engine, const RateTables& tables)
      : size_(tables.modes), dimension_(tables.dimension), channels_(tables.channels), floor_(tables.weight_floor) {
    const Index square = Index{dimension_} * dimension_;
    engine.copy_in(tables.vector_re, dimension_ * size_, vector_re_);
    engine.copy_in(tables.vector_im, dimension_ * size_, vector_im_);
    engine.copy_in(tables.amplitude_re, channels_ * square, device_amplitude_re_);
    engine.copy_in(tables.amplitude_im, channels_ * square, device_amplitude_im_);
    image_re_.resize(channels_ * dimension_ * size_);
    image_im_.resize(channels_ * dimension_ * size_);
    engine.map(size_,
               OperatorImage{device_amplitude_re_.data(), device_amplitude_im_.data(), vector_re_.data(),
                             vector_im_.data(), image_re_.data(), image_im_.data(), size_, dimension_, channels_});
    __builtin_memcpy(amplitude_re_.resize(channels_ * square), tables.amplitude_re, bytes(channels_ * square));
    __builtin_memcpy(amplitude_im_.resize(channels_ * square), tables.amplitude_im, bytes(channels_ * square));
    values_.resize(dimension_);
    HostBuffer* const matrices[] = {&gram_re_, &gram_im_, &hole_re_, &hole_im_};
    for (HostBuffer* matrix : matrices) matrix->resize(square);
    rotated_re_.resize(channels_ * square);
    rotated_im_.resize(channels_ * square);
  }
  OperatorWeight functor() const {
    return {
        vector_re_.data(), vector_im_.data(), image_re_.data(), image_im_.data(), size_, dimension_, channels_, floor_};
  }

  template <class Source>
  OperatorRowSums row_sums(Engine& engine, const Source& source) {
    const int d = dimension_;
    const auto thermal = engine.reduce(size_, ThermalMomentTerm<Source>{source});
    for (int row = 0; row < d; ++row) {
      for (int column = row; column < d; column += gram_width) {
        const int columns = d - column < gram_width ? d - column : gram_width;
        const auto sum = engine.reduce(size_, GramTerm<Source>{functor(), source, row, column, columns});
        for (int j = 0; j < columns; ++j) {
          set_hermitian(gram_re_, gram_im_, row, column + j, sum.particle_re[j], sum.particle_im[j]);
          set_hermitian(hole_re_, hole_im_, row, column + j, sum.hole_re[j], sum.hole_im[j]);
        }
      }
    }
    const double particles = trace(gram_re_), holes = trace(hole_re_);

    factorise(gram_re_, gram_im_);
    for (int c = 0; c < channels_; ++c)
      for (int i = 0; i < d; ++i)
        for (int a = 0; a < d; ++a) {
          double re = 0.0, im = 0.0;
          for (int b = 0; b < d; ++b) {
            const double ar = amplitude_re_.data()[(c * d + a) * d + b], ai = amplitude_im_.data()[(c * d + a) * d + b];
            const double gr = gram_re_.data()[b * d + i], gi = gram_im_.data()[b * d + i];
            re += ar * gr - ai * gi;
            im += ar * gi + ai * gr;
          }
          rotated_re_.data()[(c * d + i) * d + a] = re;
          rotated_im_.data()[(c * d + i) * d + a] = im;
        }
    engine.copy_in(rotated_re_.data(), Index{channels_} * d * d, gain_re_);
    engine.copy_in(rotated_im_.data(), Index{channels_} * d * d, gain_im_);
    engine.copy_in(values_.data(), d, gain_sign_);

    factorise(hole_re_, hole_im_);
    for (int i = 0; i < d; ++i)
      for (int j = 0; j < d; ++j) {
        rotated_re_.data()[i * d + j] = hole_re_.data()[j * d + i];
        rotated_im_.data()[i * d + j] = hole_im_.data()[j * d + i];
      }
    engine.copy_in(rotated_re_.data(), Index{d} * d, loss_re_);
    engine.copy_in(rotated_im_.data(), Index{d} * d, loss_im_);
    engine.copy_in(values_.data(), d, loss_sign_);
    // The vectors have one unit of length for each site offset; per unit, the trace is the number of source modes.
    return {functor(),
            thermal,
            gain_re_.data(),
            gain_im_.data(),
            gain_sign_.data(),
            loss_re_.data(),
            loss_im_.data(),
            loss_sign_.data(),
            floor_ * std::fabs(particles),
            floor_ * std::fabs(holes)};
  }

 private:
  /// Doubles on the host.
  class HostBuffer {
   public:
    HostBuffer() = default;
    HostBuffer(const HostBuffer&) = delete;
    HostBuffer& operator=(const HostBuffer&) = delete;
    ~HostBuffer() { delete[] data_; }
    double* resize(Index size) {
      delete[] data_;
      return data_ = new double[static_cast<std::size_t>(size)];
    }
    double* data() const { return data_; }

   private:
    double* data_ = nullptr;
  };

  static std::size_t bytes(Index size) { return static_cast<std::size_t>(size) * sizeof(double); }
  void set_hermitian(HostBuffer& re, HostBuffer& im, int i, int j, double x, double y) const {
    re.data()[i * dimension_ + j] = re.data()[j * dimension_ + i] = x;
    im.data()[i * dimension_ + j] = i == j ? 0.0 : y;
    im.data()[j * dimension_ + i] = i == j ? 0.0 : -y;
  }
  double trace(const HostBuffer& re) const {
    double sum = 0.0;
    for (int i = 0; i < dimension_; ++i) sum += std::fabs(re.data()[i * dimension_ + i]);
    return sum;
  }
  /// Column i becomes sqrt|mu_i| times the eigenvector of mu_i; values_ holds the signs.
  void factorise(HostBuffer& re, HostBuffer& im) {
    hermitian_eigen(dimension_, re.data(), im.data(), values_.data());
    for (int i = 0; i < dimension_; ++i) {
      const double scale = std::sqrt(std::fabs(values_.data()[i]));
      values_.data()[i] = values_.data()[i] < 0.0 ? -1.0 : 1.0;
      for (int j = 0; j < dimension_; ++j) {
        re.data()[j * dimension_ + i] *= scale;
        im.data()[j * dimension_ + i] *= scale;
      }
    }
  }

  Index size_;
  int dimension_, channels_;
  double floor_;
  typename Engine::Buffer vector_re_, vector_im_, image_re_, image_im_, device_amplitude_re_, device_amplitude_im_;
  typename Engine::Buffer gain_re_, gain_im_, gain_sign_, loss_re_, loss_im_, loss_sign_;
  HostBuffer amplitude_re_, amplitude_im_, gram_re_, gram_im_, hole_re_, hole_im_, rotated_re_, rotated_im_, values_;
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
