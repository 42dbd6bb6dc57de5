#include "clusters/lindbladian.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "engine/complex_product.hpp"
#include "engine/parallel.hpp"
#include "kernels/clusters/krylov.hpp"
#include "lindrift/error.hpp"

namespace lindrift::clusters {

namespace {

using Configuration = std::uint32_t;

struct SpinPairs {
  std::vector<std::array<Configuration, 2>> pairs;  ///< ket, bra of one spin
  std::vector<std::int32_t> number;                 ///< index of (ket << orbitals) | bra
};

SpinPairs spin_pairs(int orbitals, const SpinSector& sector) {
  const Configuration configurations = Configuration{1} << orbitals;
  SpinPairs result;
  result.number.assign(std::size_t{configurations} * configurations, -1);
  for (Configuration ket = 0; ket < configurations; ++ket)
    for (Configuration bra = 0; bra < configurations; ++bra) {
      const int of_bra = std::popcount(bra);
      if (std::popcount(ket) - of_bra != sector.difference) continue;
      if (sector.bra_particles && of_bra != *sector.bra_particles) continue;
      result.number[(std::size_t{ket} << orbitals) | bra] = static_cast<std::int32_t>(result.pairs.size());
      result.pairs.push_back({ket, bra});
    }
  return result;
}

/// Momentum of ket minus bra for every pair of configurations of one spin: the sum over occupied orbitals.
std::vector<LatticeVector> momenta_of(const Cluster& cluster, const SpinPairs& pairs) {
  std::vector<LatticeVector> momenta(pairs.pairs.size());
  for (std::size_t i = 0; i < momenta.size(); ++i)
    for (std::size_t a = 0; a < cluster.momentum.size(); ++a) {
      const auto [ket, bra] = pairs.pairs[i];
      const int times = static_cast<int>(ket >> a & 1U) - static_cast<int>(bra >> a & 1U);
      for (std::size_t d = 0; d < 3; ++d) momenta[i][d] += times * cluster.momentum[a][d];
    }
  return momenta;
}

bool has_momentum(const Cluster& cluster, const LatticeVector& up, const LatticeVector& down,
                  const std::optional<LatticeVector>& momentum) {
  if (!momentum) return true;
  for (std::size_t d = 0; d < 3; ++d)
    if ((up[d] + down[d] - (*momentum)[d]) % cluster.momenta[d] != 0) return false;
  return true;
}

bool vanishes(Complex value) { return value.real() == 0.0 && value.imag() == 0.0; }

}  // namespace

int annihilate(std::uint32_t& configuration, int position) {
  if ((configuration >> position & 1U) == 0) return 0;
  configuration ^= std::uint32_t{1} << position;
  return std::popcount(configuration & ((std::uint32_t{1} << position) - 1)) % 2 == 0 ? 1 : -1;
}

int create(std::uint32_t& configuration, int position) {
  if (configuration >> position & 1U) return 0;
  configuration |= std::uint32_t{1} << position;
  return std::popcount(configuration & ((std::uint32_t{1} << position) - 1)) % 2 == 0 ? 1 : -1;
}

void add_density_interaction(Cluster& cluster, std::span<const double> interaction) {
  for (int a = 0; a < cluster.orbitals; ++a)
    for (int b = 0; b < cluster.orbitals; ++b)
      if (const double u = interaction[static_cast<std::size_t>(a * cluster.orbitals + b)]; u != 0.0)
        cluster.scattering.push_back({a, a, b, b, u});
}

/// Builds the matrix column by column, and then its rows.
class Lindbladian::Builder {
 public:
  Builder(const Cluster& cluster, Lindbladian& target) : cluster_(cluster), target_(target), n_(cluster.orbitals) {
    for (std::size_t s = 0; s < 2; ++s) {
      // The part of D that multiplies from the left only, -i h_eff with h_eff = h - (i/2)(loss^T - gain), except for a
      // constant.
      effective_[s].resize(cluster.hamiltonian[s].size());
      for (int x = 0; x < n_; ++x) {
        decay_ += cluster.gain[s][at(x, x)].real();
        for (int y = 0; y < n_; ++y)
          effective_[s][at(x, y)] = cluster.hamiltonian[s][at(x, y)] -
                                    times({0.0, 0.5}, cluster.loss[s][at(y, x)] - cluster.gain[s][at(x, y)]);
      }
    }
  }

  void build() {
    const std::size_t size = target_.basis_.size();
    std::vector<std::vector<std::pair<std::uint32_t, Complex>>> columns(size);
    in_parts(Calculation::threads(), size, [&](std::size_t i, std::size_t last, std::size_t) {
      for (; i < last; ++i) columns[i] = column(target_.basis_[i]);
    });
    target_.first_.assign(size + 1, 0);
    target_.diagonal_.assign(size, 0.0);
    for (std::size_t j = 0; j < size; ++j) {
      double sum = 0.0;
      for (const auto& [row, value] : columns[j]) {
        ++target_.first_[row + 1];
        sum += std::abs(value);
        if (row == j) target_.diagonal_[j] = value;
      }
      target_.norm_ = std::max(target_.norm_, sum);
    }
    for (std::size_t i = 0; i < size; ++i) target_.first_[i + 1] += target_.first_[i];
    target_.column_.resize(target_.first_[size]);
    target_.value_.resize(target_.first_[size]);
    std::vector<std::size_t> next(target_.first_.begin(), target_.first_.end() - 1);
    for (std::size_t j = 0; j < size; ++j)
      for (const auto& [row, value] : columns[j]) {
        target_.column_[next[row]] = static_cast<std::uint32_t>(j);
        target_.value_[next[row]++] = value;
      }
  }

 private:
  using Column = std::vector<std::pair<std::uint32_t, Complex>>;

  std::size_t at(int a, int b) const { return static_cast<std::size_t>(a * n_ + b); }

  /// D |ket><bra|.
  Column column(Pair pair) const {
    Column column;
    const auto add = [&](Pair to, Complex value) {
      if (const auto row = target_.index_of(to)) column.emplace_back(static_cast<std::uint32_t>(*row), value);
    };
    add(pair, -decay_);
    const bool odd = (std::popcount(pair.ket) + std::popcount(pair.bra)) % 2 != 0;
    for (int s = 0; s < 2; ++s)
      for (int a = 0; a < n_; ++a)
        for (int b = 0; b < n_; ++b) add_one_body(pair, s, a, b, odd, add);
    for (const Scattering& term : cluster_.scattering) add_scattering(pair, term, add);
    std::sort(column.begin(), column.end(), [](const auto& x, const auto& y) { return x.first < y.first; });
    std::size_t kept = 0;
    for (const auto& element : column)
      if (kept > 0 && column[kept - 1].first == element.first)
        column[kept - 1].second += element.second;
      else
        column[kept++] = element;
    column.resize(kept);
    return column;
  }

  template <class Add>
  void add_one_body(Pair pair, int s, int a, int b, bool odd, const Add& add) const {
    const auto spin = static_cast<std::size_t>(s);
    const int to = a + s * n_, from = b + s * n_;
    if (const Complex h = effective_[spin][at(a, b)]; !vanishes(h)) {
      if (Configuration ket = pair.ket; const int sign = move(ket, to, from))
        add({ket, pair.bra}, times({0.0, -1.0 * sign}, h));
      if (Configuration bra = pair.bra; const int sign = move(bra, to, from))
        add({pair.ket, bra}, times({0.0, 1.0 * sign}, std::conj(h)));
    }
    const double xi = odd ? -1.0 : 1.0;
    if (const Complex rate = cluster_.loss[spin][at(a, b)]; !vanishes(rate)) {
      Pair jump = pair;
      if (const int sign = annihilate(jump.ket, to) * annihilate(jump.bra, from)) add(jump, rate * (xi * sign));
    }
    if (const Complex rate = cluster_.gain[spin][at(a, b)]; !vanishes(rate)) {
      Pair jump = pair;
      if (const int sign = create(jump.ket, to) * create(jump.bra, from)) add(jump, rate * (xi * sign));
    }
  }

  template <class Add>
  void add_scattering(Pair pair, const Scattering& term, const Add& add) const {
    const auto scatter = [&](Configuration& configuration) {
      const int sign = move(configuration, term.to_down + n_, term.from_down + n_);
      return sign == 0 ? 0 : sign * move(configuration, term.to_up, term.from_up);
    };
    if (Configuration ket = pair.ket; const int sign = scatter(ket))
      add({ket, pair.bra}, times({0.0, -1.0 * sign}, term.amplitude));
    if (Configuration bra = pair.bra; const int sign = scatter(bra))
      add({pair.ket, bra}, times({0.0, 1.0 * sign}, std::conj(term.amplitude)));
  }

  /// c+_to c_from.
  static int move(Configuration& configuration, int to, int from) {
    const int sign = annihilate(configuration, from);
    return sign == 0 ? 0 : sign * create(configuration, to);
  }

  const Cluster& cluster_;
  Lindbladian& target_;
  int n_;
  std::array<std::vector<Complex>, 2> effective_;
  double decay_ = 0.0;  ///< the constant, from both sides together
};

Lindbladian::Lindbladian(const Cluster& cluster, SpinSector up, SpinSector down, std::optional<LatticeVector> momentum)
    : orbitals_(cluster.orbitals) {
  if (orbitals_ < 1 || orbitals_ > max_orbitals) throw UnsupportedError("a cluster has 1 to 8 orbitals");
  SpinPairs ups = spin_pairs(orbitals_, up), downs = spin_pairs(orbitals_, down);
  const std::vector<LatticeVector> of_up = momenta_of(cluster, ups), of_down = momenta_of(cluster, downs);
  spin_pairs_ = {ups.pairs.size(), downs.pairs.size()};
  number_.assign(ups.pairs.size() * downs.pairs.size(), -1);
  for (std::size_t i = 0; i < ups.pairs.size(); ++i)
    for (std::size_t j = 0; j < downs.pairs.size(); ++j) {
      if (!has_momentum(cluster, of_up[i], of_down[j], momentum)) continue;
      number_[i * downs.pairs.size() + j] = static_cast<std::int32_t>(basis_.size());
      basis_.push_back({ups.pairs[i][0] | downs.pairs[j][0] << orbitals_,  //
                        ups.pairs[i][1] | downs.pairs[j][1] << orbitals_});
    }
  spin_pair_ = {std::move(ups.number), std::move(downs.number)};
  Builder(cluster, *this).build();
}

std::size_t Lindbladian::dimension(const Cluster& cluster, SpinSector up, SpinSector down,
                                   std::optional<LatticeVector> momentum) {
  const SpinPairs ups = spin_pairs(cluster.orbitals, up), downs = spin_pairs(cluster.orbitals, down);
  if (!momentum) return ups.pairs.size() * downs.pairs.size();
  std::size_t size = 0;
  const std::vector<LatticeVector> of_down = momenta_of(cluster, downs);
  for (const LatticeVector& u : momenta_of(cluster, ups))
    for (const LatticeVector& d : of_down) size += has_momentum(cluster, u, d, momentum) ? 1 : 0;
  return size;
}

std::optional<std::size_t> Lindbladian::index_of(Pair pair) const {
  const Configuration mask = (Configuration{1} << orbitals_) - 1;
  const auto number = [&](std::size_t spin, Configuration ket, Configuration bra) {
    return spin_pair_[spin][(std::size_t{ket} << orbitals_) | bra];
  };
  const std::int32_t up = number(0, pair.ket & mask, pair.bra & mask);
  const std::int32_t down = number(1, pair.ket >> orbitals_, pair.bra >> orbitals_);
  if (up < 0 || down < 0) return std::nullopt;
  const std::int32_t index = number_[static_cast<std::size_t>(up) * spin_pairs_[1] + static_cast<std::size_t>(down)];
  if (index < 0) return std::nullopt;
  return static_cast<std::size_t>(index);
}

void Lindbladian::apply(std::span<const Complex> in, std::span<Complex> out) const {
  const int threads = value_.size() > parallel_threshold ? Calculation::threads() : 1;
  const kernels::clusters::SparseProduct<std::size_t> product{
      first_.data(), column_.data(), reinterpret_cast<const double*>(value_.data()),
      reinterpret_cast<const double*>(in.data()), reinterpret_cast<double*>(out.data())};
  in_parts(threads, size(), [&](std::size_t i, std::size_t last, std::size_t) {
    for (; i < last; ++i) product(static_cast<kernels::Index>(i));
  });
}

void Lindbladian::copy_to(std::uint32_t* first, std::uint32_t* column, Complex* value) const {
  std::ranges::transform(first_, first, [](std::size_t start) { return static_cast<std::uint32_t>(start); });
  std::ranges::copy(column_, column);
  std::ranges::copy(value_, value);
}

}  // namespace lindrift::clusters
