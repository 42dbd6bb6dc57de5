#include "hatsugai_kohmoto/exceptional_points.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "engine/parallel.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

constexpr double pi = std::numbers::pi;
/// Minimum number of grid momenta along a direction.
constexpr std::int64_t finest_spacing = 64;
/// Accepted gain - loss and gain + loss - |U|, relative to |U|: rounding errors of the rates and of a Newton step.
constexpr double accepted = 1e-12;
/// Distance below which two solutions count as the same point.
constexpr double same = 1e-7;
constexpr int newton_steps = 60, halvings = 30;

/// gain - loss and gain + loss - |U|: both vanish at an exceptional point.
struct Balance {
  std::array<double, 2> value{};
  std::array<std::array<double, 3>, 2> derivative{};

  Balance(const Zone& zone, const Momentum& k) {
    const ZoneMode mode = zone.at(k);
    value = {mode.gain.value - mode.loss.value, mode.gain.value + mode.loss.value - std::fabs(zone.interaction())};
    for (std::size_t i = 0; i < 3; ++i) {
      derivative[0][i] = mode.gain.derivative[i] - mode.loss.derivative[i];
      derivative[1][i] = mode.gain.derivative[i] + mode.loss.derivative[i];
    }
  }
  double size() const { return std::hypot(value[0], value[1]); }
};

/// Newton step along two directions, Gauss-Newton step along one (i = j).
std::optional<std::array<double, 2>> newton_step(const Balance& at, std::size_t i, std::size_t j) {
  const auto& [f, g] = at.value;
  const auto& [df, dg] = at.derivative;
  if (i == j) {
    const double square = df[i] * df[i] + dg[i] * dg[i];
    if (square == 0.0) return std::nullopt;
    return std::array{-(df[i] * f + dg[i] * g) / square, 0.0};
  }
  const double determinant = df[i] * dg[j] - df[j] * dg[i];
  if (determinant == 0.0) return std::nullopt;
  return std::array{-(dg[j] * f - df[j] * g) / determinant, -(df[i] * g - dg[i] * f) / determinant};
}

/// Zero of the balance near a momentum, by Newton's method; each step is halved until the balance gets smaller.
std::optional<Momentum> solve(const Zone& zone, Momentum k, std::size_t i, std::size_t j) {
  const double goal = accepted * std::fabs(zone.interaction());
  Balance now(zone, k);
  for (int n = 0; n < newton_steps; ++n) {
    const auto step = newton_step(now, i, j);
    if (!step) break;
    double factor = 1.0;
    Momentum next = k;
    std::optional<Balance> then;
    for (int half = 0; half < halvings; ++half, factor *= 0.5) {
      next = k;
      next[i] += factor * (*step)[0];
      if (i != j) next[j] += factor * (*step)[1];
      then.emplace(zone, next);
      if (then->size() < now.size()) break;
    }
    if (!(then->size() < now.size())) break;  // as close as rounding allows
    k = next;
    now = *then;
  }
  if (now.size() <= goal) return k;
  return std::nullopt;
}

/// Phase by which S^2 turns along an edge. The two cells that share an edge evaluate it from the same end, so that the
/// turns of all cells add up to 0.
double turn(Complex from, Complex to) {
  // Any small number may replace an exact zero at a corner: it moves the point into one of the adjacent cells.
  const auto moved = [](Complex value) { return value == 0.0 ? Complex(1e-300, 1e-300) : value; };
  const Complex a = moved(from), b = moved(to);
  return std::arg(b / std::abs(b) * std::conj(a / std::abs(a)));
}

class Search {
 public:
  explicit Search(const Zone& zone) : zone_(zone) {
    for (std::size_t i = 0; i < directions(); ++i) {
      const std::int64_t cells = zone.lattice().cells(static_cast<int>(i));
      grid_.push_back(cells * ((finest_spacing + cells - 1) / cells));
      spacing_[i] = 2.0 * pi / static_cast<double>(grid_.back());
    }
  }

  std::vector<ExceptionalPoint> all() {
    const Lattice grid(grid_);
    std::vector<Complex> square(grid.size());
    parallel_for(grid.size(), [&](std::size_t k) { square[k] = square_at(momentum(grid, k)); });
    if (directions() == 1)
      minima(grid, square);
    else
      for (std::size_t i = 0; i < directions(); ++i)
        for (std::size_t j = i + 1; j < directions(); ++j) faces(grid, square, i, j);
    search_around();
    merge();
    return std::move(found_);
  }

 private:
  std::size_t directions() const { return static_cast<std::size_t>(zone_.dimensions()); }
  Complex square_at(const Momentum& k) const { return zone_.splitting(zone_.at(k)).value; }
  Momentum momentum(const Lattice& grid, std::size_t number) const {
    const LatticeVector m = grid.momentum(number);
    Momentum k{};
    for (std::size_t i = 0; i < directions(); ++i) k[i] = spacing_[i] * static_cast<double>(m[i]);
    return k;
  }

  /// On a chain: refines the local minima of |S^2| and keeps those at which it vanishes.
  void minima(const Lattice& grid, const std::vector<Complex>& square) {
    const std::size_t size = square.size();
    for (std::size_t k = 0; k < size; ++k) {
      const double here = std::abs(square[k]);
      if (here > std::abs(square[(k + 1) % size]) || here > std::abs(square[(k + size - 1) % size])) continue;
      const Momentum start = momentum(grid, k);
      const auto point = solve(zone_, start, 0, 0);
      if (point && std::fabs((*point)[0] - start[0]) <= 2.0 * spacing_[0]) found_.push_back({*point, 0});
    }
  }

  /// Searches the faces of the grid's cells in the plane of directions i and j.
  void faces(const Lattice& grid, const std::vector<Complex>& square, std::size_t i, std::size_t j) {
    const auto neighbour = [&](std::size_t k, std::size_t direction) {
      LatticeVector m = grid.momentum(k);
      ++m[direction];
      return grid.index_of(m);
    };
    std::vector<std::array<double, 2>> along(square.size());
    parallel_for(square.size(), [&](std::size_t k) {
      along[k] = {turn(square[k], square[neighbour(k, i)]), turn(square[k], square[neighbour(k, j)])};
    });
    for (std::size_t k = 0; k < square.size(); ++k) {
      double sum = along[k][0] + along[neighbour(k, i)][1] - along[neighbour(k, j)][0] - along[k][1];
      if (const int charge = turns(sum); charge != 0) {
        const std::size_t before = found_.size();
        refine(momentum(grid, k), i, j, {spacing_[i], spacing_[j]}, charge, 0);
        for (std::size_t p = before; p < found_.size(); ++p) sum -= 2.0 * pi * found_[p].charge;
        if (const int missing = turns(sum); missing != 0) beyond_.push_back({momentum(grid, k), i, j, missing});
      }
    }
  }

  /// Along an edge that passes close to a point S^2 turns by nearly half a turn, and the corners alone may give the
  /// point to the face on the other side of it: what a face lacks is looked for around it, among points that are new.
  void search_around() {
    for (const Face& face : beyond_)
      for (int start = 0; start < 25; ++start) {
        Momentum k = face.corner;
        k[face.i] += spacing_[face.i] * 0.5 * (start % 5 - 1);
        k[face.j] += spacing_[face.j] * 0.5 * (start / 5 - 1);
        const auto point = solve(zone_, k, face.i, face.j);
        const auto close = [&](std::size_t direction) {
          return std::fabs((*point)[direction] - face.corner[direction] - 0.5 * spacing_[direction]) <=
                 spacing_[direction];
        };
        if (!point || !close(face.i) || !close(face.j)) continue;
        const bool known = std::any_of(found_.begin(), found_.end(), [&](const ExceptionalPoint& one) {
          return distance(one.momentum, *point) <= same;
        });
        if (known) continue;
        found_.push_back({*point, face.charge});
        break;
      }
  }

  static double distance(const Momentum& a, const Momentum& b) {
    double largest = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i)
      largest = std::max(largest, std::fabs(std::remainder(a[i] - b[i], 2.0 * pi)));
    return largest;
  }

  static int turns(double phase) { return static_cast<int>(std::lround(phase / (2.0 * pi))); }

  /// Locates a point in a face around which S^2 winds: by Newton's method from the centre or, if that fails, in those
  /// quarters of the face around which S^2 winds.
  void refine(const Momentum& corner, std::size_t i, std::size_t j, std::array<double, 2> width, int charge,
              int depth) {
    Momentum centre = corner;
    centre[i] += 0.5 * width[0];
    centre[j] += 0.5 * width[1];
    const auto point = solve(zone_, centre, i, j);
    const auto inside = [&](std::size_t direction, double size) {
      return std::fabs((*point)[direction] - centre[direction]) <= 0.5 * size + same;
    };
    if (std::abs(charge) == 1 && point && inside(i, width[0]) && inside(j, width[1])) {
      found_.push_back({*point, charge});
      return;
    }
    constexpr int deepest = 24;
    if (depth == deepest) {  // limited by rounding of the rates
      found_.push_back({centre, charge});
      return;
    }
    std::array<std::array<Complex, 3>, 3> square;
    for (std::size_t a = 0; a < 3; ++a)
      for (std::size_t b = 0; b < 3; ++b) square[a][b] = square_at(shifted(corner, i, j, width, a, b));
    for (std::size_t a = 0; a < 2; ++a)
      for (std::size_t b = 0; b < 2; ++b) {
        const double sum = turn(square[a][b], square[a + 1][b]) + turn(square[a + 1][b], square[a + 1][b + 1]) -
                           turn(square[a][b + 1], square[a + 1][b + 1]) - turn(square[a][b], square[a][b + 1]);
        if (const int part = turns(sum); part != 0)
          refine(shifted(corner, i, j, width, a, b), i, j, {0.5 * width[0], 0.5 * width[1]}, part, depth + 1);
      }
  }

  static Momentum shifted(Momentum corner, std::size_t i, std::size_t j, const std::array<double, 2>& width,
                          std::size_t a, std::size_t b) {
    corner[i] += 0.5 * width[0] * static_cast<double>(a);
    corner[j] += 0.5 * width[1] * static_cast<double>(b);
    return corner;
  }

  /// Maps the points into the zone, sorts them and merges duplicates: a point on a corner of the grid is found from
  /// several sides.
  void merge() {
    for (ExceptionalPoint& point : found_)
      for (std::size_t i = 0; i < directions(); ++i) {
        double& k = point.momentum[i];
        k = std::remainder(k, 2.0 * pi);
        if (k > pi - same) k -= 2.0 * pi;
      }
    std::sort(found_.begin(), found_.end(), [](const auto& a, const auto& b) { return a.momentum < b.momentum; });
    std::vector<ExceptionalPoint> each;
    for (const ExceptionalPoint& point : found_) {
      bool old = false;
      for (auto one = each.rbegin(); one != each.rend() && point.momentum[0] - one->momentum[0] <= same; ++one) {
        old = std::fabs(point.momentum[1] - one->momentum[1]) <= same &&
              std::fabs(point.momentum[2] - one->momentum[2]) <= same;
        if (!old) continue;
        one->charge += point.charge;
        break;
      }
      if (!old) each.push_back(point);
    }
    for (ExceptionalPoint& point : each)
      for (double& k : point.momentum) k = std::max(k, -pi);
    found_ = std::move(each);
  }

  const Zone& zone_;
  std::vector<std::int64_t> grid_;
  std::array<double, 3> spacing_{};
  std::vector<ExceptionalPoint> found_;
  /// A face that lacks points, and the turns of S^2 that they stand for.
  struct Face {
    Momentum corner;
    std::size_t i, j;
    int charge;
  };
  std::vector<Face> beyond_;
};

}  // namespace

std::vector<ExceptionalPoint> exceptional_points(const Zone& zone) {
  if (zone.interaction() == 0.0) return {};
  return Search(zone).all();
}

bool exceptional_everywhere_balanced(const Zone& zone) {
  const double u = std::fabs(zone.interaction());
  if (u == 0.0 || zone.dimensions() == 1) return false;
  const auto uniform = [&](Slope ZoneMode::*rate) {
    const Lattice& lattice = zone.lattice();
    for (std::size_t k = 0; k < lattice.size(); ++k) {
      Momentum momentum{};
      const LatticeVector m = lattice.momentum(k);
      for (int i = 0; i < lattice.dimensions(); ++i) {
        const auto d = static_cast<std::size_t>(i);
        momentum[d] = 2.0 * pi * static_cast<double>(m[d]) / static_cast<double>(lattice.cells(i));
      }
      if (std::fabs(2.0 * (zone.at(momentum).*rate).value - u) > accepted * u) return false;
    }
    return true;
  };
  return uniform(&ZoneMode::gain) || uniform(&ZoneMode::loss);
}

}  // namespace lindrift
