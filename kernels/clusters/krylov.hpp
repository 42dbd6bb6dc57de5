#pragma once

#include <cmath>

#include "kernels/complex.hpp"

/// Krylov spaces of sparse complex matrices (docs/physics.md, section 13): the steps of Arnoldi's and of Taylor's
/// method, for a loop over rows on the host and for the threads of one block on a device. Vectors are interleaved
/// complex numbers.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace clusters {

using Complex = ComplexOf<double>;

/// Row i of out = A in.
template <class Offset>
struct SparseProduct {
  const Offset* first;  ///< start of each row in the next two, (size + 1,)
  const std::uint32_t* column;
  const double* value;
  const double* in;
  double* out;
  LINDRIFT_HD void operator()(Index i) const {
    Complex sum{0.0, 0.0};
    for (Offset k = first[i]; k < first[i + 1]; ++k) add_product(sum, complex_at(value, k), complex_at(in, column[k]));
    set_complex(out, i, sum);
  }
};

/// |v|^2
struct SquaredNorm {
  template <class T>
  struct Sum {
    double square;
    LINDRIFT_HD Sum& operator+=(const Sum& other) {
      square += other.square;
      return *this;
    }
  };
  const double* vector;
  template <class T>
  LINDRIFT_HD void accumulate(Index i, Sum<T>& sum) const {
    sum.square += vector[2 * i] * vector[2 * i] + vector[2 * i + 1] * vector[2 * i + 1];
  }
};

/// The overlaps of some vectors of a basis with another vector, <v|next>.
template <int Width>
struct Overlaps {
  template <class T>
  struct Sum {
    double overlap[2 * Width];
    LINDRIFT_HD Sum& operator+=(const Sum& other) {
      add_each(overlap, other.overlap);
      return *this;
    }
  };
  const double* basis;  ///< (count, size)
  const double* next;
  Index size;
  int count;
  template <class T>
  LINDRIFT_HD void accumulate(Index i, Sum<T>& sum) const {
    const Complex element = complex_at(next, i);
    LINDRIFT_UNROLL
    for (int v = 0; v < Width; ++v) {
      if (v >= count) continue;
      const Complex term = conjugate(complex_at(basis, v * size + i)) * element;
      sum.overlap[2 * v] += term.re;
      sum.overlap[2 * v + 1] += term.im;
    }
  }
};

/// Element i of next -= sum <v|next> v.
template <int Width>
struct Subtract {
  typename Overlaps<Width>::template Sum<double> overlaps;
  const double* basis;
  double* next;
  Index size;
  int count;
  LINDRIFT_HD void operator()(Index i) const {
    Complex element = complex_at(next, i);
    LINDRIFT_UNROLL
    for (int v = 0; v < Width; ++v) {
      if (v >= count) continue;
      const Complex overlap{-overlaps.overlap[2 * v], -overlaps.overlap[2 * v + 1]};
      add_product(element, overlap, complex_at(basis, v * size + i));
    }
    set_complex(next, i, element);
  }
};

/// Adds overlaps to a column of the Hessenberg matrix.
template <int Width>
struct AddOverlaps {
  typename Overlaps<Width>::template Sum<double> overlaps;
  double* column;
  bool first;  ///< the column has nothing yet
  LINDRIFT_HD void operator()(Index v) const {
    for (int part = 0; part < 2; ++part) {
      double& element = column[2 * v + part];
      element = (first ? 0.0 : element) + overlaps.overlap[2 * v + part];
    }
  }
};

struct Divide {
  double* vector;
  double divisor;
  LINDRIFT_HD void operator()(Index i) const {
    vector[2 * i] /= divisor;
    vector[2 * i + 1] /= divisor;
  }
};

struct SetElement {
  double* vector;
  Complex value;
  LINDRIFT_HD void operator()(Index i) const { set_complex(vector, i, value); }
};

/// Arnoldi's method on an engine.
/// @tparam Width  vectors whose overlaps are taken together
template <class Engine, int Width>
struct Arnoldi {
  LINDRIFT_ANY_ENGINE static double norm_of(Engine& engine, const double* vector, Index size) {
    return std::sqrt(engine.reduce(size, SquaredNorm{vector}).square);
  }

  /// Makes A v of the last vector v orthogonal to all vectors of the basis, and normalises it.
  /// @param basis        (vectors + 1, size); the last is A v
  /// @param[out] column  of the Hessenberg matrix, (vectors + 1,)
  /// @return whether the space is invariant: A v was in it, and what is left in its place is rounding
  LINDRIFT_ANY_ENGINE static bool orthogonalise(Engine& engine, double* basis, Index size, Index vectors,
                                                double* column) {
    constexpr double epsilon = 0x1p-52;
    double* const next = basis + 2 * vectors * size;
    const double before = norm_of(engine, next, size);
    for (int pass = 0; pass < 2; ++pass)  // the second pass restores the digits that cancellation loses in the first
      for (Index v = 0; v < vectors; v += Width) {
        const double* const some = basis + 2 * v * size;
        const int count = vectors - v < Width ? static_cast<int>(vectors - v) : Width;
        const auto overlaps = engine.reduce(size, Overlaps<Width>{some, next, size, count});
        engine.map(count, AddOverlaps<Width>{overlaps, column + 2 * v, pass == 0});
        engine.map(size, Subtract<Width>{overlaps, some, next, size, count});
      }
    const double length = norm_of(engine, next, size);
    // In an invariant space only rounding errors remain, a few bits per product.
    const bool invariant = vectors == size || length <= 64.0 * epsilon * before;
    engine.map(1, SetElement{column + 2 * vectors, {invariant ? 0.0 : length, 0.0}});
    if (!invariant) engine.map(size, Divide{next, length});
    return invariant;
  }
};

/// Rotation that takes (a, b) to (r, 0), with b >= 0 real.
struct Rotation {
  Complex cosine, sine;
  LINDRIFT_HD static Rotation of(Complex a, double b) {
    const double r = std::hypot(std::hypot(a.re, a.im), b);
    if (r == 0.0) return {{1.0, 0.0}, {0.0, 0.0}};
    return {{a.re / r, -a.im / r}, {b / r, 0.0}};
  }
  /// The rotation that clears h_{j+1,j} of z - H, which is -below <= 0: by its modulus, with a sign.
  LINDRIFT_HD static Rotation clearing(Complex diagonal, double below) {
    Rotation rotation = of(diagonal, below);
    rotation.sine = -rotation.sine;
    return rotation;
  }
  /// Rotates two elements that follow each other.
  LINDRIFT_HD void apply(double* pair) const {
    const Complex a = complex_at(pair, 0), b = complex_at(pair, 1);
    set_complex(pair, 0, cosine * a + sine * b);
    set_complex(pair, 1, conjugate(cosine) * b - sine * a);
  }
};

/// Element i of the next term of Taylor's series, from A term, and of its sum.
struct AddTaylorTerm {
  double* term;
  double* sum;
  double factor;
  LINDRIFT_HD void operator()(Index i) const {
    const Complex next = scaled(factor, complex_at(term, i));
    set_complex(term, i, next);
    set_complex(sum, i, complex_at(sum, i) + next);
  }
};

/// Largest elements of a term and of the sum.
struct LargestOfSeries {
  template <class T>
  struct Sum {
    double term, sum;
    LINDRIFT_HD Sum& operator+=(const Sum& other) {
      term = maximum(term, other.term);
      sum = maximum(sum, other.sum);
      return *this;
    }
    /// The rest of the series is below the last bits.
    LINDRIFT_HD bool has_converged() const { return term <= 0.25 * 0x1p-52 * sum; }
  };
  const double* term;
  const double* sum;
  template <class T>
  LINDRIFT_HD void accumulate(Index i, Sum<T>& largest) const {
    largest += {std::fabs(term[2 * i]) + std::fabs(term[2 * i + 1]), std::fabs(sum[2 * i]) + std::fabs(sum[2 * i + 1])};
  }
};
/// 1/24! is below the last bit.
inline constexpr int taylor_orders = 24;

}  // namespace clusters
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
