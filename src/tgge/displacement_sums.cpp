#include "tgge/displacement_sums.hpp"

#include <algorithm>

#include "engine/parallel.hpp"
#include "tgge/small_matrix.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// Momenta whose moments one task adds.
constexpr std::size_t part_size = 1024;

LatticeVector minus(const LatticeVector& a, const LatticeVector& b) { return {a[0] - b[0], a[1] - b[1], a[2] - b[2]}; }

}  // namespace

PhaseTable::PhaseTable(const Lattice& lattice) {
  for (int i = 0; i < lattice.dimensions(); ++i) {
    const std::int64_t cells = lattice.cells(i);
    auto& turns = turns_.emplace_back(static_cast<std::size_t>(cells));
    for (std::int64_t j = 0; j < cells; ++j)
      turns[static_cast<std::size_t>(j)] = {cos_pi(2 * j, cells), sin_pi(2 * j, cells)};
  }
}

Complex PhaseTable::operator()(const LatticeVector& momentum, const LatticeVector& displacement) const {
  Complex phase = 1.0;
  for (std::size_t i = 0; i < turns_.size(); ++i) {
    if (displacement[i] == 0) continue;
    const auto cells = static_cast<std::int64_t>(turns_[i].size());
    std::int64_t turn = momentum[i] * displacement[i] % cells;
    if (turn < 0) turn += cells;
    phase = times(phase, turns_[i][static_cast<std::size_t>(turn)]);
  }
  return phase;
}

DisplacementSums::DisplacementSums(const JumpOperators& jump, const Lattice& lattice, int orbitals)
    : lattice_(lattice), phases_(lattice), orbitals_(static_cast<std::size_t>(orbitals)) {
  const auto site_of = [&](std::vector<Site>& sites, const LatticeVector& displacement, int orbital) {
    const Site site{lattice.wrapped(displacement), static_cast<std::size_t>(orbital)};
    const auto found = std::find_if(sites.begin(), sites.end(), [&](const Site& other) {
      return other.cell == site.cell && other.orbital == site.orbital;
    });
    if (found != sites.end()) return static_cast<std::size_t>(found - sites.begin());
    sites.push_back(site);
    return sites.size() - 1;
  };
  for (const auto& terms : jump.channels) {
    Channel& channel = channel_.emplace_back();
    for (const JumpTerm& term : terms) {
      site_of(channel.to, term.to, term.to_orbital);
      site_of(channel.from, term.from, term.from_orbital);
    }
    channel.amplitude.resize(channel.to.size() * channel.from.size());
    for (const JumpTerm& term : terms) {
      const std::size_t row = site_of(channel.to, term.to, term.to_orbital);
      channel.amplitude[row * channel.from.size() + site_of(channel.from, term.from, term.from_orbital)] +=
          term.amplitude;
    }
    for (const auto* sites : {&channel.to, &channel.from})
      for (const Site& one : *sites)
        for (const Site& other : *sites) collect(minus(one.cell, other.cell));
    for (const Site& to : channel.to)
      for (const Site& from : channel.from) collect(minus(from.cell, to.cell));
  }
  std::sort(displacement_.begin(), displacement_.end());
  displacement_.erase(std::unique(displacement_.begin(), displacement_.end()), displacement_.end());
  for (const LatticeVector& one : displacement_) own_reverse_.push_back(lattice_.wrapped(minus({}, one)) == one);
}

void DisplacementSums::collect(const LatticeVector& difference) {
  displacement_.push_back(std::min(lattice_.wrapped(difference), lattice_.wrapped(minus({}, difference))));
}

DisplacementSums::Signed DisplacementSums::find(const LatticeVector& from, const LatticeVector& to) const {
  const LatticeVector one = lattice_.wrapped(minus(to, from)), other = lattice_.wrapped(minus(from, to));
  const auto place = static_cast<std::size_t>(
      std::lower_bound(displacement_.begin(), displacement_.end(), std::min(one, other)) - displacement_.begin());
  return {place, other < one, own_reverse_[place]};
}

DisplacementSums::Field DisplacementSums::moments(const Source& source) const {
  const std::size_t square = orbitals_ * orbitals_, length = displacement_.size() * square;
  const std::size_t parts = (lattice_.size() + part_size - 1) / part_size;
  std::vector<Field> partial(parts);
  const auto add_part = [&](std::size_t part) {
    Field& sum = partial[part];
    sum.resize(length);
    std::vector<Complex> matrix(square);
    for (std::size_t k = part * part_size; k < std::min(lattice_.size(), (part + 1) * part_size); ++k) {
      source(k, matrix.data());
      const LatticeVector m = lattice_.momentum(k);
      for (std::size_t d = 0; d < displacement_.size(); ++d) {
        const Complex phase = phases_(m, displacement_[d]);
        for (std::size_t e = 0; e < square; ++e) sum[d * square + e] += times(phase, matrix[e]);
      }
    }
  };
  parallel_for(parts, add_part);
  for (std::size_t stride = 1; stride < parts; stride *= 2)
    for (std::size_t p = 0; p + stride < parts; p += 2 * stride)
      for (std::size_t e = 0; e < length; ++e) partial[p][e] += partial[p + stride][e];
  for (Complex& element : partial[0]) element /= static_cast<double>(lattice_.size());
  return std::move(partial[0]);
}

std::vector<Complex> DisplacementSums::between(const std::vector<Site>& sites, const Field& moments) const {
  const std::size_t count = sites.size(), square = orbitals_ * orbitals_;
  std::vector<Complex> matrix(count * count);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < count; ++j) {
      const Signed d = find(sites[j].cell, sites[i].cell);
      const std::size_t a = sites[i].orbital, b = sites[j].orbital;
      // C(-D) = C(D)^+
      matrix[i * count + j] = d.reversed ? std::conj(moments[d.place * square + b * orbitals_ + a])
                                         : moments[d.place * square + a * orbitals_ + b];
    }
  return matrix;
}

void DisplacementSums::add(const std::vector<Site>& sites, const std::vector<Complex>& matrix, Field& field) const {
  const std::size_t count = sites.size(), square = orbitals_ * orbitals_;
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < count; ++j) {
      const Signed d = find(sites[j].cell, sites[i].cell);
      // The element for -D is the adjoint of that for D and is not stored.
      if (!d.reversed)
        field[d.place * square + sites[i].orbital * orbitals_ + sites[j].orbital] += matrix[i * count + j];
    }
}

DisplacementSums::Field DisplacementSums::gain(const Field& moments) const {
  Field field(moments.size());
  for (const Channel& channel : channel_) {
    const std::size_t rows = channel.to.size(), columns = channel.from.size();
    const std::vector<Complex> x = between(channel.from, moments), &a = channel.amplitude;
    std::vector<Complex> ax(rows * columns), b(rows * rows);
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t l = 0; l < columns; ++l)
        for (std::size_t j = 0; j < columns; ++j) ax[i * columns + j] += times(a[i * columns + l], x[l * columns + j]);
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < rows; ++j)
        for (std::size_t l = 0; l < columns; ++l)
          b[i * rows + j] += times(ax[i * columns + l], std::conj(a[j * columns + l]));
    add(channel.to, b, field);
  }
  return field;
}

DisplacementSums::Field DisplacementSums::loss(const Field& moments) const {
  Field field(moments.size());
  for (const Channel& channel : channel_) {
    const std::size_t rows = channel.to.size(), columns = channel.from.size();
    const std::vector<Complex> x = between(channel.to, moments), &a = channel.amplitude;
    std::vector<Complex> xa(rows * columns), b(columns * columns);
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t l = 0; l < rows; ++l)
        for (std::size_t j = 0; j < columns; ++j) xa[i * columns + j] += times(x[i * rows + l], a[l * columns + j]);
    for (std::size_t l = 0; l < rows; ++l)
      for (std::size_t i = 0; i < columns; ++i)
        for (std::size_t j = 0; j < columns; ++j)
          b[i * columns + j] += times(std::conj(a[l * columns + i]), xa[l * columns + j]);
    add(channel.from, b, field);
  }
  return field;
}

DisplacementSums::Field DisplacementSums::mean_field(const Field& moments) const {
  Field field(moments.size());
  const std::size_t square = orbitals_ * orbitals_;
  for (const Channel& channel : channel_) {
    const std::size_t columns = channel.from.size();
    Complex mean = 0.0;
    for (std::size_t i = 0; i < channel.to.size(); ++i)
      for (std::size_t j = 0; j < columns; ++j) {
        const Signed d = find(channel.to[i].cell, channel.from[j].cell);
        const std::size_t a = channel.to[i].orbital, b = channel.from[j].orbital;
        const Complex moment = d.reversed ? std::conj(moments[d.place * square + a * orbitals_ + b])
                                          : moments[d.place * square + b * orbitals_ + a];
        mean += times(channel.amplitude[i * columns + j], moment);
      }
    for (std::size_t i = 0; i < channel.to.size(); ++i)
      for (std::size_t j = 0; j < columns; ++j) {
        const Signed d = find(channel.from[j].cell, channel.to[i].cell);  // e^{-ik(R - R')}
        const std::size_t a = channel.to[i].orbital, b = channel.from[j].orbital;
        const Complex element = times(times({0.0, 0.5}, std::conj(mean)), channel.amplitude[i * columns + j]);
        if (!d.reversed) field[d.place * square + a * orbitals_ + b] += element;
        if (d.reversed || d.own_reverse) field[d.place * square + b * orbitals_ + a] += std::conj(element);
      }
  }
  return field;
}

void DisplacementSums::evaluate(const Field& field, std::size_t momentum, Complex* matrix) const {
  const std::size_t square = orbitals_ * orbitals_;
  const LatticeVector m = lattice_.momentum(momentum);
  std::fill_n(matrix, square, Complex(0.0));
  for (std::size_t d = 0; d < displacement_.size(); ++d) {
    const Complex phase = std::conj(phases_(m, displacement_[d]));
    for (std::size_t a = 0; a < orbitals_; ++a)
      for (std::size_t b = 0; b < orbitals_; ++b) {
        const Complex element = times(phase, field[d * square + a * orbitals_ + b]);
        matrix[a * orbitals_ + b] += element;
        if (!own_reverse_[d]) matrix[b * orbitals_ + a] += std::conj(element);
      }
  }
}

void DisplacementSums::hop(std::size_t channel, std::size_t q, std::size_t k, Complex* matrix) const {
  const Channel& c = channel_[channel];
  const LatticeVector at = lattice_.momentum(q), from = lattice_.momentum(k);
  std::fill_n(matrix, orbitals_ * orbitals_, Complex(0.0));
  for (std::size_t i = 0; i < c.to.size(); ++i)
    for (std::size_t j = 0; j < c.from.size(); ++j)
      matrix[c.to[i].orbital * orbitals_ + c.from[j].orbital] +=
          times(times(std::conj(phases_(at, c.to[i].cell)), c.amplitude[i * c.from.size() + j]),
                phases_(from, c.from[j].cell));
}

}  // namespace lindrift
