#pragma once

#include <cmath>

#include "kernels/complex.hpp"

/// Krylov spaces of sparse complex matrices (docs/physics.md, section 13): the steps of Arnoldi's and of Taylor's
/// method, for a loop over rows on the host and for the threads of one block on a device. Vectors are interleaved
/// complex numbers; in Arnoldi's method they may be doubles, for a real matrix. Its Hessenberg matrix is complex
/// anyway.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

// Elements of vectors that are real or complex.
template <class Element>
inline constexpr Index doubles_in = sizeof(Element) / sizeof(double);
template <class Element>
LINDRIFT_HD Element element_at(const double* values, Index i) {
  if constexpr (doubles_in<Element> == 1) {
    return values[i];
  } else {
    return complex_at(values, i);
  }
}
LINDRIFT_HD void set_element(double* values, Index i, double x) { values[i] = x; }
LINDRIFT_HD void set_element(double* values, Index i, ComplexOf<double> z) { set_complex(values, i, z); }
LINDRIFT_HD ComplexOf<double> as_complex(double x) { return {x, 0.0}; }
LINDRIFT_HD ComplexOf<double> as_complex(ComplexOf<double> z) { return z; }
LINDRIFT_HD double conjugate(double x) { return x; }
LINDRIFT_HD void add_product(double& sum, double x, double y) { sum += x * y; }

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
template <class Element>
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
    if constexpr (doubles_in<Element> == 1)
      sum.square += vector[i] * vector[i];
    else
      sum.square += vector[2 * i] * vector[2 * i] + vector[2 * i + 1] * vector[2 * i + 1];
  }
};

/// The overlaps of some vectors of a basis with another vector, <v|next>.
template <int Width, class Element>
struct Overlaps {
  template <class T>
  struct Sum {
    Element overlap[Width];
    LINDRIFT_HD Sum& operator+=(const Sum& other) {
      LINDRIFT_UNROLL
      for (int v = 0; v < Width; ++v) overlap[v] = overlap[v] + other.overlap[v];
      return *this;
    }
  };
  const double* basis;  ///< (count, size)
  const double* next;
  Index size;
  int count;
  template <class T>
  LINDRIFT_HD void accumulate(Index i, Sum<T>& sum) const {
    const Element element = element_at<Element>(next, i);
    LINDRIFT_UNROLL
    for (int v = 0; v < Width; ++v) {
      if (v >= count) continue;
      const Element term = conjugate(element_at<Element>(basis, v * size + i)) * element;
      sum.overlap[v] = sum.overlap[v] + term;
    }
  }
};

/// Element i of next -= sum <v|next> v.
template <int Width, class Element>
struct Subtract {
  typename Overlaps<Width, Element>::template Sum<double> overlaps;
  const double* basis;
  double* next;
  Index size;
  int count;
  LINDRIFT_HD void operator()(Index i) const {
    Element element = element_at<Element>(next, i);
    LINDRIFT_UNROLL
    for (int v = 0; v < Width; ++v) {
      if (v >= count) continue;
      add_product(element, -overlaps.overlap[v], element_at<Element>(basis, v * size + i));
    }
    set_element(next, i, element);
  }
};

/// Adds overlaps to a column of the Hessenberg matrix.
template <int Width, class Element>
struct AddOverlaps {
  typename Overlaps<Width, Element>::template Sum<double> overlaps;
  double* column;
  bool first;  ///< the column has nothing yet
  LINDRIFT_HD void operator()(Index v) const {
    const Complex overlap = as_complex(overlaps.overlap[v]);
    set_complex(column, v, first ? overlap : complex_at(column, v) + overlap);
  }
};

/// Of the doubles of a vector.
struct Divide {
  double* vector;
  double divisor;
  LINDRIFT_HD void operator()(Index i) const { vector[i] /= divisor; }
};

struct SetElement {
  double* vector;
  Complex value;
  LINDRIFT_HD void operator()(Index i) const { set_complex(vector, i, value); }
};

/// Arnoldi's method on an engine.
/// @tparam Width    vectors whose overlaps are taken together
/// @tparam Element  of the vectors, complex or real
template <class Engine, int Width, class Element = Complex>
struct Arnoldi {
  LINDRIFT_ANY_ENGINE static double norm_of(Engine& engine, const double* vector, Index size) {
    return std::sqrt(engine.reduce(size, SquaredNorm<Element>{vector}).square);
  }

  /// Makes A v of the last vector v orthogonal to all vectors of the basis, and normalises it.
  /// @param basis        (vectors + 1, size); the last is A v
  /// @param[out] column  of the Hessenberg matrix, (vectors + 1,)
  /// @return whether the space is invariant: A v was in it, and what is left in its place is rounding
  LINDRIFT_ANY_ENGINE static bool orthogonalise(Engine& engine, double* basis, Index size, Index vectors,
                                                double* column) {
    constexpr double epsilon = 0x1p-52;
    constexpr Index doubles = doubles_in<Element>;
    double* const next = basis + doubles * vectors * size;
    const double before = norm_of(engine, next, size);
    for (int pass = 0; pass < 2; ++pass)  // the second pass restores the digits that cancellation loses in the first
      for (Index v = 0; v < vectors; v += Width) {
        const double* const some = basis + doubles * v * size;
        const int count = vectors - v < Width ? static_cast<int>(vectors - v) : Width;
        const auto overlaps = engine.reduce(size, Overlaps<Width, Element>{some, next, size, count});
        engine.map(count, AddOverlaps<Width, Element>{overlaps, column + 2 * v, pass == 0});
        engine.map(size, Subtract<Width, Element>{overlaps, some, next, size, count});
      }
    const double length = norm_of(engine, next, size);
    // In an invariant space only rounding errors remain, a few bits per product.
    const bool invariant = vectors == size || length <= 64.0 * epsilon * before;
    engine.map(1, SetElement{column + 2 * vectors, {invariant ? 0.0 : length, 0.0}});
    if (!invariant) engine.map(doubles * size, Divide{next, length});
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
