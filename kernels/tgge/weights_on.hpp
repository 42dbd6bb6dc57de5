#pragma once

#include "kernels/tgge/operator_weight.hpp"
#include "kernels/tgge/product_weight.hpp"
#include "kernels/tgge/rate_kernel.hpp"
#include "kernels/tgge/rows.hpp"
#include "kernels/tgge/table_weight.hpp"

/// Each kind of hop weight on an engine: its arrays, the functor that reads them and, for weights of low rank, the row
/// sums from moments.

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
    vector_.copy(engine, tables.vector_re, tables.vector_im, dimension_ * size_);
    amplitude_on_engine_.copy(engine, tables.amplitude_re, tables.amplitude_im, channels_ * square);
    image_.re.resize(channels_ * dimension_ * size_);
    image_.im.resize(channels_ * dimension_ * size_);
    engine.map(size_,
               OperatorImage{amplitude_on_engine_.re.data(), amplitude_on_engine_.im.data(), vector_.re.data(),
                             vector_.im.data(), image_.re.data(), image_.im.data(), size_, dimension_, channels_});
    amplitude_.resize(channels_ * square);
    __builtin_memcpy(amplitude_.re, tables.amplitude_re, bytes(channels_ * square));
    __builtin_memcpy(amplitude_.im, tables.amplitude_im, bytes(channels_ * square));
    particles_.resize(square);
    holes_.resize(square);
    images_.resize(channels_ * square);
    values_.resize(dimension_);
  }
  OperatorWeight functor() const {
    return {
        vector_.re.data(), vector_.im.data(), image_.re.data(), image_.im.data(), size_, dimension_, channels_, floor_};
  }

  template <class Source>
  OperatorRowSums row_sums(Engine& engine, const Source& source) {
    const int d = dimension_;
    const auto thermal = engine.reduce(size_, ThermalMomentTerm<Source>{source});
    for (int row = 0; row < d; ++row)
      for (int column = row; column < d; column += gram_width) {
        const int columns = d - column < gram_width ? d - column : gram_width;
        const auto sum = engine.reduce(size_, GramTerm<Source>{functor(), source, row, column, columns});
        for (int j = 0; j < columns; ++j) {
          set_hermitian(particles_, row, column + j, sum.particle_re[j], sum.particle_im[j]);
          set_hermitian(holes_, row, column + j, sum.hole_re[j], sum.hole_im[j]);
        }
      }
    // |v_s|^2 is the number of displacements, so the trace is that number times the number of particles (or holes).
    const double gain_floor = floor_ * trace(particles_), loss_floor = floor_ * trace(holes_);

    factorise(particles_);
    for (int c = 0; c < channels_; ++c)
      for (int i = 0; i < d; ++i)
        for (int a = 0; a < d; ++a) {
          double re = 0.0, im = 0.0;
          for (int b = 0; b < d; ++b) {
            const double ar = amplitude_.re[(c * d + a) * d + b], ai = amplitude_.im[(c * d + a) * d + b];
            const double gr = particles_.re[b * d + i], gi = particles_.im[b * d + i];
            re += ar * gr - ai * gi;
            im += ar * gi + ai * gr;
          }
          images_.re[(c * d + i) * d + a] = re;
          images_.im[(c * d + i) * d + a] = im;
        }
    gain_.copy(engine, images_.re, images_.im, Index{channels_} * d * d);
    engine.copy_in(values_.re, d, gain_sign_);
    factorise(holes_);
    loss_.copy(engine, holes_.re, holes_.im, Index{d} * d);
    engine.copy_in(values_.re, d, loss_sign_);
    return {functor(),       thermal,         gain_.re.data(),   gain_.im.data(), gain_sign_.data(),
            loss_.re.data(), loss_.im.data(), loss_sign_.data(), gain_floor,      loss_floor};
  }

 private:
  using Buffer = typename Engine::Buffer;

  /// Complex numbers on the host.
  struct HostArray {
    double *re = nullptr, *im = nullptr;
    HostArray() = default;
    HostArray(const HostArray&) = delete;
    HostArray& operator=(const HostArray&) = delete;
    ~HostArray() { delete[] re; }
    void resize(Index size) {
      delete[] re;
      re = new double[2 * static_cast<std::size_t>(size)];
      im = re + size;
    }
  };
  /// Complex numbers in the engine's memory.
  struct EngineArray {
    Buffer re, im;
    void copy(Engine& engine, const double* host_re, const double* host_im, Index size) {
      engine.copy_in(host_re, size, re);
      engine.copy_in(host_im, size, im);
    }
  };

  static std::size_t bytes(Index size) { return static_cast<std::size_t>(size) * sizeof(double); }
  void set_hermitian(HostArray& matrix, int i, int j, double x, double y) const {
    matrix.re[i * dimension_ + j] = matrix.re[j * dimension_ + i] = x;
    matrix.im[i * dimension_ + j] = i == j ? 0.0 : y;
    matrix.im[j * dimension_ + i] = i == j ? 0.0 : -y;
  }
  double trace(const HostArray& matrix) const {
    double sum = 0.0;
    for (int i = 0; i < dimension_; ++i) sum += std::fabs(matrix.re[i * dimension_ + i]);
    return sum;
  }
  /// Column i becomes sqrt|mu_i| times the eigenvector of mu_i; values_ holds the signs.
  void factorise(HostArray& matrix) {
    hermitian_eigen(dimension_, matrix.re, matrix.im, values_.re);
    for (int i = 0; i < dimension_; ++i) {
      const double scale = std::sqrt(std::fabs(values_.re[i]));
      values_.re[i] = values_.re[i] < 0.0 ? -1.0 : 1.0;
      for (int j = 0; j < dimension_; ++j) {
        matrix.re[j * dimension_ + i] *= scale;
        matrix.im[j * dimension_ + i] *= scale;
      }
    }
  }

  Index size_;
  int dimension_, channels_;
  double floor_;
  EngineArray vector_, image_, amplitude_on_engine_, gain_, loss_;
  Buffer gain_sign_, loss_sign_;
  HostArray amplitude_;
  HostArray particles_, holes_;  ///< Gram matrices, then their factors
  HostArray images_;             ///< A^c times the columns of particles_
  HostArray values_;             ///< real parts: eigenvalues, then their signs; no imaginary parts
};

// --- sums over pairs evaluated outside the kernel, for a batch of points ---

/// Writes the source modes of a functor to memory.
template <class Source>
struct StoreSources {
  Source source;
  double *particle, *hole;
  template <class T>
  LINDRIFT_HD void at(Index s) const {
    const SourceMode<T> from = source.template mode<T>(s);
    store(particle, s, from.particle);
    store(hole, s, from.hole);
  }
};

/// Sums over the hop weights from memory.
struct StoredWeightSums {
  const double *gain, *loss;
  template <class T>
  LINDRIFT_HD PairSums<T> at(Index s) const {
    return {T{}, load<T>(gain, s), T{}, load<T>(loss, s)};
  }
};

/// A kind of weight whose sums over pairs come from an ExternalPairSum, except for sums that moments provide.
template <class Engine, class Weight>
class ExternalSumsOn {
 public:
  static constexpr bool separable = true, is_product = false;

  ExternalSumsOn(Engine& engine, const RateTables& tables)
      : size_(tables.modes), pair_sum_(*tables.pair_sum), rows_(pair_sum_.rows()), weight_(engine, tables) {}

  template <class Source>
  auto row_sums(Engine& engine, const Source& source) {
    if (has_spectrum())
      engine.map(rows_.levels, FoldLevels<Source>{source, rows_.level_first, rows_.level_member, rows_.thermal_particle,
                                                  rows_.thermal_hole});
    if (rows_.particle != nullptr) engine.map(size_, StoreSources<Source>{source, rows_.particle, rows_.hole});
    pair_sum_.multiply();
    if constexpr (Weight::separable)
      return complete(engine, source, weight_.row_sums(engine, source));
    else
      return complete(engine, source, StoredWeightSums{rows_.gain, rows_.loss});
  }

 private:
  bool has_spectrum() const { return rows_.thermal_particle != nullptr; }
  template <class Source, class WeightSums>
  SumsApart<WeightSums> complete(Engine& engine, const Source& source, const WeightSums& weight_sums) {
    if (has_spectrum()) return {weight_sums, rows_.thermal_gain, rows_.thermal_loss, rows_.level_of, {}};
    return {weight_sums, nullptr, nullptr, nullptr, engine.reduce(size_, ThermalMomentTerm<Source>{source})};
  }

  Index size_;
  ExternalPairSum& pair_sum_;
  ExternalPairSum::Rows rows_;
  Weight weight_;
};

/// Takes the place of a table whose sums are all evaluated outside.
template <class Engine>
class ExternalTable {
 public:
  static constexpr bool separable = false, is_product = false;
  ExternalTable(Engine&, const RateTables&) {}
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
