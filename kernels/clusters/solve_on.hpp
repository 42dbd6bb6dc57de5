#pragma once

#include "kernels/carver.hpp"
#include "kernels/clusters/krylov.hpp"
#include "kernels/clusters/tables.hpp"

/// Linear equations and exponentials of the Lindbladian of one cluster, on an engine whose verbs are those of one
/// thread block (docs/physics.md, Eqs. 132 and 133). The methods are those of src/clusters/krylov.hpp, but a Krylov
/// space here takes each column of its Hessenberg matrix into the solutions at once, so that every step knows the
/// residual and no triangle is kept for a frequency.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace clusters {

/// sum_i row_i x_i
struct Projection {
  template <class T>
  struct Sum {
    Complex value;
    LINDRIFT_HD Sum& operator+=(const Sum& other) {
      value = value + other.value;
      return *this;
    }
  };
  const double *row, *vector;
  template <class T>
  LINDRIFT_HD void accumulate(Index i, Sum<T>& sum) const {
    add_product(sum.value, complex_at(row, i), complex_at(vector, i));
  }
};

/// Element i of out += factor vector.
struct AddScaled {
  Complex factor;
  const double* vector;
  double* out;
  LINDRIFT_HD void operator()(Index i) const {
    Complex element = complex_at(out, i);
    add_product(element, factor, complex_at(vector, i));
    set_complex(out, i, element);
  }
};

/// A sparse matrix, plus the product of a column and a row if there are any.
struct Operator {
  Index size;
  const std::uint32_t *first, *column;
  const double* value;
  const double *border_column = nullptr, *border_row = nullptr;

  LINDRIFT_UNCHECKED
  template <class Engine>
  LINDRIFT_HD void multiply(Engine& engine, const double* in, double* out) const {
    engine.map(size, SparseProduct<std::uint32_t>{first, column, value, in, out});
    if (border_row == nullptr) return;
    const Complex factor = engine.reduce(size, Projection{border_row, in}).value;
    engine.map(size, AddScaled{factor, border_column, out});
  }
};

// Of the doubles of a vector.
struct Fill {
  double value;
  double* target;
  LINDRIFT_HD void operator()(Index i) const { target[i] = value; }
};
struct Copy {
  const double* from;
  double* to;
  LINDRIFT_HD void operator()(Index i) const { to[i] = from[i]; }
};
/// residual = right - image
struct Remainder {
  const double *right, *image;
  double* residual;
  LINDRIFT_HD void operator()(Index i) const { residual[i] = right[i] - image[i]; }
};

/// The equations (z_w - H) y_w = |b| e_1 at some shifts z_w, taken column by column. Rotations make the matrix the
/// triangle R. A row p of the basis contributes p y = (p R^-1) (rotated right side), and p R^-1 grows with the columns.
struct ShiftedSystems {
  Index shifts, probes;
  const double* frequency;  ///< z = broadening - i frequency; null: z = 0
  double broadening;
  double* rotations;  ///< (vectors, shifts): cosine, sine
  double* solved;     ///< p R^-1, (vectors, probes, shifts)
  double* right;      ///< what is left of the right side, (shifts,): its modulus is the residual
  double* projected;  ///< p y, (shifts, probes)
  double* triangle;   ///< R column by column, for a single shift; or null
  double* rotated;    ///< rotated right side, (vectors,); with `triangle`

  LINDRIFT_HD Complex shift(Index w) const {
    return frequency == nullptr ? Complex{0.0, 0.0} : Complex{broadening, -frequency[w]};
  }
  LINDRIFT_HD double residual(Index w) const { return std::hypot(right[2 * w], right[2 * w + 1]); }
};

struct BeginShifted {
  ShiftedSystems systems;
  double length;  ///< |b|
  LINDRIFT_HD void operator()(Index w) const {
    set_complex(systems.right, w, {length, 0.0});
    for (Index p = 0; p < systems.probes; ++p) set_complex(systems.projected, w * systems.probes + p, {0.0, 0.0});
  }
};

/// Column j at shift w.
struct ShiftedColumn {
  ShiftedSystems systems;
  const double* column;   ///< of the Hessenberg matrix, (j + 2,)
  const double* probing;  ///< p v_j, (probes,)
  Index j;
  double enough;  ///< residual below which a shift is done

  LINDRIFT_HD void operator()(Index w) const {
    if (systems.residual(w) <= enough) return;
    const Index shifts = systems.shifts, probes = systems.probes;
    const Complex z = systems.shift(w);
    Complex solved[max_cluster_probes]{};
    LINDRIFT_UNROLL
    for (int p = 0; p < max_cluster_probes; ++p)
      if (p < probes) solved[p] = complex_at(probing, p);
    double* const triangle = systems.triangle == nullptr ? nullptr : systems.triangle + j * (j + 1);
    double pair[2][2];  // two elements of the column of z - H
    const auto load = [&](int place, Index i) {
      const Complex h = complex_at(column, i);
      set_complex(pair[place], 0, i == j ? z - h : -h);
    };
    load(0, 0);
    for (Index i = 0; i < j; ++i) {
      load(1, i + 1);
      const double* const stored = systems.rotations + 4 * (i * shifts + w);
      Rotation{complex_at(stored, 0), complex_at(stored, 1)}.apply(pair[0]);
      const Complex r = complex_at(pair[0], 0);
      LINDRIFT_UNROLL
      for (int p = 0; p < max_cluster_probes; ++p)
        if (p < probes) add_product(solved[p], -r, complex_at(systems.solved, (i * probes + p) * shifts + w));
      if (triangle != nullptr) set_complex(triangle, i, r);
      set_complex(pair[0], 0, complex_at(pair[1], 0));
    }
    load(1, j + 1);
    const Rotation rotation = Rotation::clearing(complex_at(pair[0], 0), column[2 * (j + 1)]);
    rotation.apply(pair[0]);
    const Complex diagonal = complex_at(pair[0], 0);
    set_complex(pair[0], 0, complex_at(systems.right, w));
    set_complex(pair[1], 0, {0.0, 0.0});
    rotation.apply(pair[0]);
    const Complex right = complex_at(pair[0], 0);
    set_complex(systems.right, w, complex_at(pair[1], 0));
    double* const kept = systems.rotations + 4 * (j * shifts + w);
    set_complex(kept, 0, rotation.cosine);
    set_complex(kept, 1, rotation.sine);
    LINDRIFT_UNROLL
    for (int p = 0; p < max_cluster_probes; ++p) {
      if (p >= probes) continue;
      const Complex last = quotient(solved[p], diagonal);
      set_complex(systems.solved, (j * probes + p) * shifts + w, last);
      Complex projected = complex_at(systems.projected, w * probes + p);
      add_product(projected, last, right);
      set_complex(systems.projected, w * probes + p, projected);
    }
    if (triangle == nullptr) return;
    set_complex(triangle, j, diagonal);
    set_complex(systems.rotated, j, right);
  }
};

/// Largest residual of all shifts.
struct LargestResidual {
  template <class T>
  struct Sum {
    double largest;
    LINDRIFT_HD Sum& operator+=(const Sum& other) {
      // Keeps what is not a number.
      if (!(other.largest <= largest)) largest = other.largest;
      return *this;
    }
  };
  ShiftedSystems systems;
  template <class T>
  LINDRIFT_HD void accumulate(Index w, Sum<T>& sum) const {
    sum += {systems.residual(w)};
  }
};

/// y_j of R y = rotated right side, once the later elements are eliminated; it takes the place of the right side.
struct SolveRow {
  const double* triangle;
  double* y;
  Index j;
  LINDRIFT_HD void operator()(Index) const {
    set_complex(y, j, quotient(complex_at(y, j), complex_at(triangle, j * (j + 1) / 2 + j)));
  }
};
struct EliminateRow {
  const double* triangle;
  double* y;
  Index j;
  LINDRIFT_HD void operator()(Index i) const {
    Complex right = complex_at(y, i);
    add_product(right, -complex_at(triangle, j * (j + 1) / 2 + i), complex_at(y, j));
    set_complex(y, i, right);
  }
};

/// Element i of x -= V y. With real vectors y is real.
template <class Element>
struct SubtractCombination {
  const double *basis, *y;
  double* x;
  Index size, vectors;
  LINDRIFT_HD void operator()(Index i) const {
    Element element = element_at<Element>(x, i);
    for (Index j = 0; j < vectors; ++j) add_product(element, -coefficient(j), element_at<Element>(basis, j * size + i));
    set_element(x, i, element);
  }

 private:
  LINDRIFT_HD Element coefficient(Index j) const {
    if constexpr (doubles_in<Element> == 1) {
      return y[2 * j];
    } else {
      return complex_at(y, j);
    }
  }
};

/// Memory of a Krylov space and its shifted systems.
struct KrylovMemory {
  double *basis, *column, *probing;
  ShiftedSystems systems;

  /// @param doubles  of a vector
  LINDRIFT_HD static KrylovMemory from(Carver& carver, Index doubles, Index vectors, Index shifts, Index probes,
                                       bool triangle) {
    KrylovMemory memory{};
    memory.basis = carver.take(doubles * (vectors + 1));
    memory.column = carver.take(2 * (vectors + 1));
    memory.probing = carver.take(2 * probes);
    memory.systems.shifts = shifts;
    memory.systems.probes = probes;
    memory.systems.rotations = carver.take(4 * vectors * shifts);
    memory.systems.solved = carver.take(2 * vectors * probes * shifts);
    memory.systems.right = carver.take(2 * shifts);
    if (triangle) {
      memory.systems.triangle = carver.take(vectors * (vectors + 1));
      memory.systems.rotated = carver.take(2 * vectors);
    }
    return memory;
  }
};

struct LinearMemory {
  KrylovMemory krylov;
  double *image, *residual;

  /// @param doubles  of a vector
  LINDRIFT_HD static LinearMemory from(Carver& carver, Index doubles, Index vectors) {
    LinearMemory memory{KrylovMemory::from(carver, doubles, vectors, 1, 0, true), nullptr, nullptr};
    memory.image = carver.take(doubles);
    memory.residual = carver.take(doubles);
    return memory;
  }
};

struct EvolutionMemory {
  double *state, *term, *next;

  LINDRIFT_HD static EvolutionMemory from(Carver& carver, Index size) {
    EvolutionMemory memory{};
    memory.state = carver.take(2 * size);
    memory.term = carver.take(2 * size);
    memory.next = carver.take(2 * size);
    return memory;
  }
};

/// The methods, on an engine.
/// @tparam Matrix   has `size` and multiply(engine, in, out)
/// @tparam Element  of the vectors; double only for solve_linear()
template <class Engine, class Matrix = const Operator, class Element = Complex>
class SolverOn {
 public:
  LINDRIFT_BOTH SolverOn(Engine& engine, Matrix& a) : engine_(engine), a_(a) {}

  /// Solves A x = b by GMRES with restarts, to |b - A x| <= tolerance |b|.
  /// @param vectors  before a restart
  /// @return the relative residual reached
  LINDRIFT_ANY_ENGINE double solve_linear(const double* right, double tolerance, Index vectors, Index max_products,
                                          const LinearMemory& memory, double* x) {
    engine_.map(doubles * a_.size, Copy{right, memory.residual});
    engine_.map(doubles * a_.size, Fill{0.0, x});
    const double whole = Steps::norm_of(engine_, right, a_.size);
    double reached = 1.0;
    for (Index products = 0; products < max_products && reached > tolerance;) {
      Space space = begin(memory.krylov, memory.residual);
      while (space.vectors < vectors && !space.invariant) {
        const double left = grow(memory.krylov, space, nullptr, 0, -1.0);
        ++products;
        if (left <= 0.5 * tolerance * whole) break;
      }
      subtract_solution(memory.krylov, space.vectors, x);  // of -A
      multiply(x, memory.image);
      engine_.map(doubles * a_.size, Remainder{right, memory.image, memory.residual});
      const double now = Steps::norm_of(engine_, memory.residual, a_.size) / whole;
      if (!(now < 0.9 * reached)) return now < reached ? now : reached;  // rounding: no further digits are possible
      reached = now;
    }
    return reached;
  }

  /// p (z - A)^-1 b at the shifts of memory.systems, to a relative residual.
  /// @param probes  rows p, `stride` elements apart
  /// @return the largest residual of all shifts
  LINDRIFT_ANY_ENGINE double solve_shifted(const double* start, const double* probes, Index stride, double tolerance,
                                           Index vectors, const KrylovMemory& memory) {
    Space space = begin(memory, start);
    const double enough = tolerance * space.length;
    double left = space.length;
    while (space.vectors < vectors && !space.invariant && !(left <= enough))
      left = grow(memory, space, probes, stride, enough);
    return left / space.length;
  }

  /// p e^{A t} b at ascending times, by Taylor series in steps of norm <= 1.
  /// @param norm            upper bound of |A|
  /// @param[out] projected  (times, probes)
  LINDRIFT_ANY_ENGINE void evolve(double norm, const double* start, const double* probes, Index probe_count,
                                  Index stride, const double* times, Index count, const EvolutionMemory& memory,
                                  double* projected) {
    engine_.map(doubles * a_.size, Copy{start, memory.state});
    double time = 0.0;
    for (Index t = 0; t < count; ++t) {
      if (times[t] > time) propagate(norm, times[t] - time, memory);
      time = times[t];
      for (Index p = 0; p < probe_count; ++p)
        project(probes + 2 * p * stride, memory.state, projected + 2 * (t * probe_count + p));
    }
  }

 private:
  /// Vectors whose overlaps are taken together: more take fewer barriers and more registers.
  static constexpr int width = 8;
  using Steps = Arnoldi<Engine, width, Element>;
  static constexpr Index doubles = doubles_in<Element>;

  struct Space {
    Index vectors;
    bool invariant;
    double length;  ///< of the vector that it grows from
  };

  LINDRIFT_ANY_ENGINE void multiply(const double* in, double* out) { a_.multiply(engine_, in, out); }

  LINDRIFT_ANY_ENGINE void project(const double* row, const double* vector, double* target) {
    engine_.map(1, SetElement{target, engine_.reduce(a_.size, Projection{row, vector}).value});
  }

  /// @param start  not zero
  LINDRIFT_ANY_ENGINE Space begin(const KrylovMemory& memory, const double* start) {
    const double length = Steps::norm_of(engine_, start, a_.size);
    engine_.map(doubles * a_.size, Copy{start, memory.basis});
    engine_.map(doubles * a_.size, Divide{memory.basis, length});
    engine_.map(memory.systems.shifts, BeginShifted{memory.systems, length});
    return {0, false, length};
  }

  /// Adds a vector to a space. Systems with a residual below `enough` stay as they are.
  /// @return the largest residual
  LINDRIFT_ANY_ENGINE double grow(const KrylovMemory& memory, Space& space, const double* probes, Index stride,
                                  double enough) {
    const double* const last = memory.basis + doubles * space.vectors * a_.size;
    multiply(last, memory.basis + doubles * (space.vectors + 1) * a_.size);
    space.invariant = Steps::orthogonalise(engine_, memory.basis, a_.size, space.vectors + 1, memory.column);
    for (Index p = 0; p < memory.systems.probes; ++p) project(probes + 2 * p * stride, last, memory.probing + 2 * p);
    engine_.map(memory.systems.shifts,
                ShiftedColumn{memory.systems, memory.column, memory.probing, space.vectors, enough});
    ++space.vectors;
    return engine_.reduce(memory.systems.shifts, LargestResidual{memory.systems}).largest;
  }

  /// x -= V y, where y solves the only system.
  LINDRIFT_ANY_ENGINE void subtract_solution(const KrylovMemory& memory, Index vectors, double* x) {
    const ShiftedSystems& systems = memory.systems;
    for (Index j = vectors; j-- > 0;) {
      engine_.map(1, SolveRow{systems.triangle, systems.rotated, j});
      engine_.map(j, EliminateRow{systems.triangle, systems.rotated, j});
    }
    engine_.map(a_.size, SubtractCombination<Element>{memory.basis, systems.rotated, x, a_.size, vectors});
  }

  LINDRIFT_ANY_ENGINE void propagate(double norm, double duration, EvolutionMemory memory) {
    const double wanted = std::ceil(norm * duration);
    const Index steps = wanted > 1.0 ? static_cast<Index>(wanted) : 1;
    const double step = duration / static_cast<double>(steps);
    for (Index s = 0; s < steps; ++s) {
      engine_.map(doubles * a_.size, Copy{memory.state, memory.term});
      for (int order = 1; order <= taylor_orders; ++order) {
        multiply(memory.term, memory.next);
        engine_.map(a_.size, AddTaylorTerm{memory.next, memory.state, step / order});
        if (engine_.reduce(a_.size, LargestOfSeries{memory.next, memory.state}).has_converged()) break;
        double* const finished = memory.term;
        memory.term = memory.next;
        memory.next = finished;
      }
    }
  }

  Engine& engine_;
  Matrix& a_;
};

}  // namespace clusters
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
