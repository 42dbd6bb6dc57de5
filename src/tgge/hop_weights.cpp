#include "tgge/hop_weights.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/parallel.hpp"
#include "lattice/lattice_phases.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// The terms of a channel, wrapped and shifted so that displacements start at 0, which only changes phases.
std::vector<JumpTerm> normalised(std::vector<JumpTerm> terms, const Lattice& lattice) {
  JumpTerm first = terms.front();
  for (const JumpTerm& term : terms)
    for (std::size_t i = 0; i < first.to.size(); ++i) {
      first.to[i] = std::min(first.to[i], term.to[i]);
      first.from[i] = std::min(first.from[i], term.from[i]);
    }
  for (JumpTerm& term : terms) {
    for (std::size_t i = 0; i < first.to.size(); ++i) {
      term.to[i] -= first.to[i];
      term.from[i] -= first.from[i];
    }
    term.to = lattice.wrapped(term.to);
    term.from = lattice.wrapped(term.from);
  }
  return terms;
}

}  // namespace

std::map<LatticeVector, std::size_t> displacements_of(const JumpOperators& jump, const Lattice& lattice) {
  std::map<LatticeVector, std::size_t> position;
  for (const auto& channel : jump.channels)
    for (const JumpTerm& term : normalised(channel, lattice)) {
      position[term.to] = 0;
      position[term.from] = 0;
    }
  std::size_t next = 0;
  for (auto& [displacement, index] : position) index = next++;
  return position;
}

void for_each_term(const JumpOperators& jump, const Bands& bands,
                   const std::function<void(std::size_t, std::size_t, std::size_t, std::size_t)>& use) {
  const auto position = displacements_of(jump, bands.lattice);
  const auto orbitals = static_cast<std::size_t>(bands.orbitals);
  for (std::size_t c = 0; c < jump.channels.size(); ++c) {
    const std::vector<JumpTerm> terms = normalised(jump.channels[c], bands.lattice);
    for (std::size_t i = 0; i < terms.size(); ++i)
      use(c, i, position.at(terms[i].to) * orbitals + static_cast<std::size_t>(terms[i].to_orbital),
          position.at(terms[i].from) * orbitals + static_cast<std::size_t>(terms[i].from_orbital));
  }
}

namespace {

void build(const Bands&, ProductJump& jump, HopWeights& weights) {
  weights.rank = jump.rank;
  weights.in = std::move(jump.in);
  weights.out = std::move(jump.out);
}

void build(const Bands&, const TableJump& jump, HopWeights& weights) {
  weights.kind = kernels::WeightKind::table;
  weights.table = jump.share();
}

/// v_s has one element e^{ikR} u_{a s} for each displacement R that the operators contain and each orbital a.
void build(const Bands& bands, const JumpOperators& jump, HopWeights& weights) {
  weights.kind = kernels::WeightKind::operators;
  const auto position = displacements_of(jump, bands.lattice);
  const auto orbitals = static_cast<std::size_t>(bands.orbitals);
  const std::size_t d = position.size() * orbitals, modes = weights.modes;
  weights.dimension = static_cast<int>(d);
  weights.channels = static_cast<int>(jump.channels.size());

  weights.vector_re.resize(d * modes);
  weights.vector_im.resize(d * modes);
  const LatticePhases phases(bands.lattice);
  const std::size_t cells = bands.lattice.size(), ways = position.size();
  std::vector<LatticeVector> displacement;
  for (const auto& [r, index] : position) displacement.push_back(r);
  for (std::size_t i = 0; i < ways; ++i)
    in_parts(
        parallel_threads(cells), cells,
        [&](std::size_t first, std::size_t last, std::size_t) {
          LatticePhases::Walk phase(phases, displacement[i], first);
          for (std::size_t k = first; k < last; ++k, ++phase) {
            const auto [cosine, sine] = *phase;
            for (std::size_t band = 0; band < orbitals; ++band)
              for (std::size_t a = 0; a < orbitals; ++a) {
                const std::size_t s = bands.mode(band, k), element = (i * orbitals + a) * modes + s;
                const Complex u = bands.eigenvector.empty() ? 1.0 : bands.eigenvector[a][s];
                weights.vector_re[element] = u.real() * cosine - u.imag() * sine;
                weights.vector_im[element] = u.real() * sine + u.imag() * cosine;
              }
          }
        },
        parallel_block);
  weights.amplitude_re.assign(jump.channels.size() * d * d, 0.0);
  weights.amplitude_im.assign(jump.channels.size() * d * d, 0.0);
  for_each_term(jump, bands, [&](std::size_t c, std::size_t term, std::size_t to, std::size_t from) {
    const Complex amplitude = jump.channels[c][term].amplitude;
    weights.amplitude_re[(c * d + to) * d + from] += amplitude.real();
    weights.amplitude_im[(c * d + to) * d + from] += amplitude.imag();
  });
  // Upper bound: |v^+ A v'|^2 <= |A|^2 |v|^2 |v'|^2, where |v|^2 is the number of displacements.
  double bound = 0.0;
  for (std::size_t e = 0; e < weights.amplitude_re.size(); ++e)
    bound += std::norm(Complex(weights.amplitude_re[e], weights.amplitude_im[e]));
  const auto length = static_cast<double>(position.size());
  weights.floor = rounding_of_zero * bound * length * length;
}

/// Rank of the hop weights, by elimination on a sample of modes: for one or two orbitals at least twice as many as the
/// largest possible rank, but no more than 512.
int numerical_rank(const HopWeights& weights) {
  const std::size_t wanted =
      weights.kind == kernels::WeightKind::product ? 8 : 8 * static_cast<std::size_t>(weights.dimension) + 8;
  const std::size_t n = std::min({weights.modes, wanted, std::size_t{512}});
  std::vector<double> matrix(n * n);
  double largest = 0.0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      // Evenly spaced, with rows offset from columns.
      matrix[i * n + j] = weights(i * weights.modes / n, (j * weights.modes + weights.modes / 2) / n);
      largest = std::max(largest, matrix[i * n + j]);
    }
  int rank = 0;
  for (std::size_t step = 0; step < n; ++step) {
    std::size_t pivot_row = step, pivot_column = step;
    for (std::size_t i = step; i < n; ++i)
      for (std::size_t j = step; j < n; ++j)
        if (std::fabs(matrix[i * n + j]) > std::fabs(matrix[pivot_row * n + pivot_column])) {
          pivot_row = i;
          pivot_column = j;
        }
    const double pivot = matrix[pivot_row * n + pivot_column];
    if (std::fabs(pivot) <= 1e-12 * largest) break;
    ++rank;
    for (std::size_t j = 0; j < n; ++j) std::swap(matrix[step * n + j], matrix[pivot_row * n + j]);
    for (std::size_t i = 0; i < n; ++i) std::swap(matrix[i * n + step], matrix[i * n + pivot_column]);
    for (std::size_t i = step + 1; i < n; ++i) {
      const double factor = matrix[i * n + step] / pivot;
      for (std::size_t j = step; j < n; ++j) matrix[i * n + j] -= factor * matrix[step * n + j];
    }
  }
  return rank;
}

}  // namespace

double HopWeights::operator()(std::size_t to, std::size_t from) const {
  switch (kind) {
    case kernels::WeightKind::product: {
      double sum = 0.0;
      for (int r = 0; r < rank; ++r)
        sum += in[static_cast<std::size_t>(r) * modes + to] * out[static_cast<std::size_t>(r) * modes + from];
      return sum;
    }
    case kernels::WeightKind::operators: {
      double sum = 0.0;
      const auto d = static_cast<std::size_t>(dimension);
      thread_local std::vector<Complex> vectors;
      vectors.resize(2 * d);
      vector(to, vectors.data());
      vector(from, vectors.data() + d);
      for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
        Complex amplitude = 0.0;
        for (std::size_t a = 0; a < d; ++a)
          for (std::size_t b = 0; b < d; ++b) {
            const std::size_t e = (c * d + a) * d + b;
            amplitude += std::conj(vectors[a]) * Complex(amplitude_re[e], amplitude_im[e]) * vectors[d + b];
          }
        sum += std::norm(amplitude);
      }
      return sum < floor ? 0.0 : sum;
    }
    case kernels::WeightKind::table:
      break;
  }
  return (*table)[to * modes + from];
}

namespace {

/// The modes with the largest in_r or out_r. A sum of non-negative products vanishes only if every product does.
std::vector<std::size_t> largest_factors(const HopWeights& weights, const std::vector<std::size_t>& of) {
  std::vector<std::size_t> result;
  for (const auto* factors : {&weights.in, &weights.out})
    for (std::size_t r = 0; r < static_cast<std::size_t>(weights.rank); ++r) {
      const double* const values = factors->data() + r * weights.modes;
      result.push_back(
          *std::max_element(of.begin(), of.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; }));
    }
  return result;
}

/// Modes whose vectors span those of all given modes: if v^+ A vanishes on them, it vanishes on all.
std::vector<std::size_t> spanning(const HopWeights& weights, const std::vector<std::size_t>& of) {
  const auto d = static_cast<std::size_t>(weights.dimension);
  // A vector whose part outside the span of the others is below this fraction of its length lies in the span up to
  // rounding.
  constexpr double inside = 1e-10;
  std::vector<std::size_t> result;
  std::vector<std::vector<Complex>> basis;
  std::vector<Complex> rest(d);
  for (const std::size_t s : of) {
    if (basis.size() == d) break;
    double length = 0.0, left = 0.0;
    weights.vector(s, rest.data());
    for (const Complex x : rest) length += std::norm(x);
    for (int pass = 0; pass < 2; ++pass)
      for (const auto& direction : basis) {
        Complex overlap = 0.0;
        for (std::size_t a = 0; a < d; ++a) overlap += std::conj(direction[a]) * rest[a];
        for (std::size_t a = 0; a < d; ++a) rest[a] -= overlap * direction[a];
      }
    for (const Complex x : rest) left += std::norm(x);
    if (left <= inside * inside * length) continue;
    result.push_back(s);
    for (Complex& x : rest) x /= std::sqrt(left);
    basis.push_back(rest);
  }
  return result;
}

}  // namespace

std::vector<std::size_t> HopWeights::representatives(const std::vector<std::size_t>& of) const {
  if (kind == kernels::WeightKind::product) return largest_factors(*this, of);
  return kind == kernels::WeightKind::operators ? spanning(*this, of) : of;
}

void HopWeights::reorder(const std::vector<std::size_t>& mode) {
  std::vector<double> before(modes);
  for (auto* rows : {&in, &out, &vector_re, &vector_im})
    for (std::size_t first = 0; first < rows->size(); first += modes) {
      std::copy_n(rows->begin() + static_cast<std::ptrdiff_t>(first), modes, before.begin());
      parallel_for(modes, [&](std::size_t i) { (*rows)[first + i] = before[mode[i]]; });
    }
}

void HopWeights::release_vectors(const Bands& bands) {
  for (const auto& orbital : bands.eigenvector) eigenvectors_.push_back(orbital.data());
  for (auto* values : {&vector_re, &vector_im}) std::vector<double>().swap(*values);
}

void HopWeights::vector(std::size_t mode, Complex* elements) const {
  if (!vector_re.empty()) {
    for (std::size_t a = 0; a < static_cast<std::size_t>(dimension); ++a)
      elements[a] = {vector_re[a * modes + mode], vector_im[a * modes + mode]};
    return;
  }
  for (const LatticeVector& displacement : displacements_) {
    const auto [cosine, sine] = lattice_.phase(mode % lattice_.size(), displacement);
    const std::size_t orbitals = std::max<std::size_t>(1, eigenvectors_.size());
    for (std::size_t a = 0; a < orbitals; ++a) {
      const Complex u = eigenvectors_.empty() ? 1.0 : eigenvectors_[a][mode];
      *elements++ = {u.real() * cosine - u.imag() * sine, u.real() * sine + u.imag() * cosine};
    }
  }
}

void HopWeights::point(kernels::RateTables& tables) const {
  tables.weight = kind;
  tables.rank = rank;
  tables.in = in.data();
  tables.out = out.data();
  tables.dimension = dimension;
  tables.channels = channels;
  tables.vector_re = vector_re.data();
  tables.vector_im = vector_im.data();
  tables.amplitude_re = amplitude_re.data();
  tables.amplitude_im = amplitude_im.data();
  tables.weight_floor = floor;
  tables.table = table ? table->data() : nullptr;
}

std::shared_ptr<HopWeights> make_hop_weights(const Bands& bands, TggeJump jump) {
  auto weights = std::make_shared<HopWeights>();
  weights->modes = bands.modes();
  weights->lattice_ = bands.lattice;
  if (const auto* operators = std::get_if<JumpOperators>(&jump))
    for (const auto& [displacement, index] : displacements_of(*operators, bands.lattice))
      weights->displacements_.push_back(displacement);
  std::visit([&](auto& kind) { build(bands, kind, *weights); }, jump);
  if (weights->kind != kernels::WeightKind::table) weights->numerical_rank = numerical_rank(*weights);
  return weights;
}

}  // namespace lindrift
