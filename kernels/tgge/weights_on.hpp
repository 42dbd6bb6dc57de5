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
  ProductWeight<Rank> of_pairs(Engine&) const { return functor(); }

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
  TableWeight<Engine::rows_are_lanes> of_pairs(Engine&) const { return {by_to_.data(), by_from_.data(), size_}; }

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
    amplitude_.resize(channels_ * square);
    __builtin_memcpy(amplitude_.re, tables.amplitude_re, bytes(channels_ * square));
    __builtin_memcpy(amplitude_.im, tables.amplitude_im, bytes(channels_ * square));
    particles_.resize(square);
    holes_.resize(square);
    factors_.resize((2 * channels_ * square + dimension_));
    values_.resize(dimension_);
  }
  /// The weight of every pair, for which the images of the vectors are kept.
  OperatorWeight of_pairs(Engine& engine) {
    OperatorWeight weight = functor();
    if (image_.re.data() == nullptr) {
      const Index square = Index{dimension_} * dimension_, all = channels_ * dimension_ * size_;
      amplitude_on_engine_.copy(engine, amplitude_.re, amplitude_.im, channels_ * square);
      engine.map(size_, OperatorImage{amplitude_on_engine_.re.data(), amplitude_on_engine_.im.data(), weight.vector_re,
                                      weight.vector_im, image_.re.resize(all), image_.im.resize(all), size_, dimension_,
                                      channels_});
    }
    weight.image_re = image_.re.data();
    weight.image_im = image_.im.data();
    return weight;
  }

  template <class Source>
  OperatorRowSums row_sums(Engine& engine, const Source& source) {
    const int d = dimension_;
    const BathSums<double> thermal = find_grams(engine, source);
    // |v_s|^2 is the number of displacements, so the trace is that number times the number of particles (or holes).
    const double gain_floor = floor_ * trace(particles_), loss_floor = floor_ * trace(holes_);

    // One copy takes the factors of both sums, each followed by its signs.
    const Index factors = Index{channels_} * d * d, side = 2 * factors + d;
    write_factors(particles_, false, factors_.re);
    write_factors(holes_, true, factors_.im);
    engine.copy_in(factors_.re, 2 * side, factors_on_engine_);
    const double *const gain = factors_on_engine_.data(), *const loss = gain + side;
    return {functor(),          thermal,    gain,      gain + factors, gain + 2 * factors, loss, loss + factors,
            loss + 2 * factors, gain_floor, loss_floor};
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
  OperatorWeight functor() const {
    return {vector_.re.data(), vector_.im.data(), nullptr, nullptr, size_, dimension_, channels_, floor_};
  }
  /// Computes both Gram matrices and returns the thermal moments.
  template <class Source>
  BathSums<double> find_grams(Engine& engine, const Source& source) {
    switch (dimension_) {
      case 1:
        return find_small_grams<1>(engine, source);
      case 2:
        return find_small_grams<2>(engine, source);
      case 3:
        return find_small_grams<3>(engine, source);
      case 4:
        return find_small_grams<4>(engine, source);
      default:
        break;
    }
    const int d = dimension_;
    for (int row = 0; row < d; ++row)
      for (int column = row; column < d; column += gram_width) {
        const int columns = d - column < gram_width ? d - column : gram_width;
        const auto sum = engine.reduce(size_, GramTerm<Source>{functor(), source, row, column, columns});
        for (int j = 0; j < columns; ++j) {
          set_hermitian(particles_, row, column + j, sum.particle_re[j], sum.particle_im[j]);
          set_hermitian(holes_, row, column + j, sum.hole_re[j], sum.hole_im[j]);
        }
      }
    return engine.reduce(size_, ThermalMomentTerm<Source>{source});
  }
  template <int Dimension, class Source>
  BathSums<double> find_small_grams(Engine& engine, const Source& source) {
    const auto sum = engine.reduce(size_, SmallGramTerm<Dimension, Source>{functor(), source});
    int element = 0, pair = 0;
    for (int a = 0; a < Dimension; ++a)
      for (int b = a; b < Dimension; ++b, ++element) {
        set_hermitian(particles_, a, b, sum.particle_re[element], b > a ? sum.particle_im[pair] : 0.0);
        set_hermitian(holes_, a, b, sum.hole_re[element], b > a ? sum.hole_im[pair] : 0.0);
        if (b > a) ++pair;
      }
    return {sum.thermal_particle, sum.thermal_hole};
  }
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

  /// Turns a Gram matrix into the factors of its sums, A^c g_i or with `adjoint` A^c^+ g_i, followed by their signs.
  void write_factors(HostArray& gram, bool adjoint, double* target) {
    factorise(gram);
    const int d = dimension_;
    const Index factors = Index{channels_} * d * d;
    for (int c = 0; c < channels_; ++c)
      for (int i = 0; i < d; ++i)
        for (int a = 0; a < d; ++a) {
          double re = 0.0, im = 0.0;
          for (int b = 0; b < d; ++b) {
            const Index element = (Index{c} * d + (adjoint ? b : a)) * d + (adjoint ? a : b);
            const double ar = amplitude_.re[element], ai = adjoint ? -amplitude_.im[element] : amplitude_.im[element];
            const double gr = gram.re[b * d + i], gi = gram.im[b * d + i];
            re += ar * gr - ai * gi;
            im += ar * gi + ai * gr;
          }
          const Index place = (Index{c} * d + i) * d + a;
          target[place] = re;
          target[factors + place] = im;
        }
    __builtin_memcpy(target + 2 * factors, values_.re, bytes(d));
  }

  Index size_;
  int dimension_, channels_;
  double floor_;
  EngineArray vector_;
  EngineArray image_, amplitude_on_engine_;  ///< only for sums over pairs
  Buffer factors_on_engine_;
  HostArray amplitude_;
  HostArray particles_, holes_;  ///< Gram matrices, then their factors
  HostArray factors_;            ///< of the gains, and in the place of imaginary parts those of the losses
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
