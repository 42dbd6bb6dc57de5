#include "hubbard/collisions.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <string>
#include <utility>

#include "engine/linear_algebra.hpp"
#include "engine/parallel.hpp"
#include "engine/short_text.hpp"
#include "hubbard/validate.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

namespace {

/// Resonances of T may be so narrow that they are not worth the time: at most this many nodes, or this multiple of
/// those that the lines need.
constexpr std::size_t max_refined_nodes = 16384;
constexpr double max_refinement = 4.0;

}  // namespace

/// Sums over frequencies for one momentum of a pair, on one thread.
class Collisions::PairSums {
 public:
  explicit PairSums(const FrequencyNodes& nodes)
      : nodes_(nodes), in_(nodes.weight.size()), out_(in_), real_(in_), imaginary_(in_) {}

  void clear() {
    for (auto* sums : {&in_, &out_, &real_, &imaginary_}) std::fill(sums->begin(), sums->end(), 0.0);
  }

  /// Adds a pair of energy E and width 2 g to Phi^<, Phi^> and Pi (Eq. 141).
  void add(double energy, double width, double filled, double empty) {
    const double difference = empty - filled;
    const double* frequency = nodes_.frequency.data();
    double *in = in_.data(), *out = out_.data(), *real = real_.data(), *imaginary = imaginary_.data();
    const std::size_t count = in_.size();
    for (std::size_t j = 0; j < count; ++j) {
      const double x = frequency[j] - energy, inverse = 1.0 / (x * x + width * width), peak = width * inverse;
      in[j] += filled * peak;
      out[j] += empty * peak;
      real[j] += difference * (x * inverse);
      imaginary[j] += difference * peak;
    }
  }

  /// Call it once every pair has been added: computes the weights |T|^2 Phi of the flows (Eq. 142), and U^2 Phi for
  /// second order.
  /// @param factor  1 / momenta    @param sign  sign of U Pi in the denominator of T
  void close(double factor, double interaction, double sign) {
    const double squared = interaction * interaction;
    double sum_squares = 0.0, alternating_real = 0.0, alternating_imaginary = 0.0;
    for (std::size_t j = 0; j < in_.size(); ++j) {
      const double real = 1.0 - sign * interaction * factor * real_[j],
                   imaginary = sign * interaction * factor * imaginary_[j];
      const double weight = 4.0 * squared * factor * nodes_.weight[j];  // a factor 2 from each Lorentzian
      in_[j] *= weight;
      out_[j] *= weight;
      const double enhancement = 1.0 / (real * real + imaginary * imaginary);  // |T|^2 / U^2
      sum_squares += enhancement;
      const double alternating = j % 2 == 0 ? enhancement : -enhancement;
      alternating_real += alternating * real;
      alternating_imaginary += alternating * imaginary;
      real_[j] = enhancement;
    }
    const double count = static_cast<double>(in_.size());
    error_ =
        (alternating_real * alternating_real + alternating_imaginary * alternating_imaginary) / (count * sum_squares);
  }

  /// After close(): 2 U^2 Phi^< and 2 U^2 Phi^> at a frequency, times its weight.
  double in(std::size_t node) const { return in_[node]; }
  double out(std::size_t node) const { return out_[node]; }
  /// |T|^2 / U^2 at a frequency, after close().
  double enhancement(std::size_t node) const { return real_[node]; }
  /// After close(): estimate of the relative error of the sum of |T|^2. The coefficients of T as a Fourier series in x
  /// fall like r^n, where r tells how far its nearest pole is; that of half the number N of nodes gives r^{N/2}, and
  /// the sum has an error of r^N. A few narrow resonances of T, not the lines of the pairs, may be what limits it.
  double error() const { return error_; }

  /// Flow into a pair and out of it, with the ladder and to second order.
  void flow(double energy, double width, double* ladder, double* second) const {
    const double *frequency = nodes_.frequency.data(), *in = in_.data(), *out = out_.data(),
                 *enhancement = real_.data();
    double sums[4] = {0.0, 0.0, 0.0, 0.0};
    const std::size_t count = in_.size();
    for (std::size_t j = 0; j < count; ++j) {
      const double x = frequency[j] - energy, peak = width / (x * x + width * width);
      const double into = peak * in[j], out_of = peak * out[j];
      sums[0] += enhancement[j] * into;
      sums[1] += enhancement[j] * out_of;
      sums[2] += into;
      sums[3] += out_of;
    }
    ladder[0] = sums[0];
    ladder[1] = sums[1];
    second[0] = sums[2];
    second[1] = sums[3];
  }

 private:
  const FrequencyNodes& nodes_;
  std::vector<double> in_, out_, real_, imaginary_;
  double error_ = 0.0;
};

CollisionModel collision_model(const HubbardChain& chain, const std::array<BathRates, 2>& baths) {
  validate_interaction(chain);
  require_on_site(chain, "collisions are known for an interaction on site");
  CollisionModel model{chain.lattice(), {}, {}, chain.interaction.front()};
  model.energy = {hopping_energies(chain.terms(Spin::up), model.lattice),
                  hopping_energies(chain.terms(Spin::down), model.lattice)};
  for (std::size_t s = 0; s < 2; ++s)
    for (std::size_t k = 0; k < model.lattice.size(); ++k)
      model.width[s].push_back(baths[s].gain[k] + baths[s].loss[k]);
  return model;
}

Collisions::Collisions(CollisionModel model, CollisionOrder order, double node_factor)
    : model_(std::move(model)), order_(order), node_factor_(node_factor) {
  const std::size_t momenta = model_.lattice.size();
  for (std::size_t k = 0; k < momenta; ++k) momentum_.push_back(model_.lattice.momentum(k));
  const double slowest = 0.5 * (*std::min_element(model_.width[0].begin(), model_.width[0].end()) +
                                *std::min_element(model_.width[1].begin(), model_.width[1].end()));
  if (!(slowest > 0.0))
    throw ParameterError("bath.up",
                         "a pair of momenta, one of each spin, has no rate at all in either bath: its "
                         "collisions never end");
  const std::vector<Line> up = lines_of(model_.energy[0], model_.width[0]),
                          down = lines_of(model_.energy[1], model_.width[1]);
  for (Channel* channel : {&particle_, &hole_}) {
    channel->sign = channel == &hole_ ? -1.0 : 1.0;
    channel->pairs = lines_of_pairs(up, down, channel->sign);
    channel->nodes = frequency_nodes(channel->pairs, node_factor_);
  }
}

bool Collisions::refine(double error) {
  // With the error r^N, N must grow by the ratio of the logarithms.
  const double growth = std::clamp(1.1 * std::log(resolved) / std::log(std::min(error, 0.9)), 1.2, 8.0);
  const std::size_t most = std::max(particle_.nodes.weight.size(), hole_.nodes.weight.size());
  if (node_factor_ * growth > max_refinement && growth * static_cast<double>(most) > max_refined_nodes) return false;
  node_factor_ *= growth;
  for (Channel* channel : {&particle_, &hole_}) channel->nodes = frequency_nodes(channel->pairs, node_factor_);
  return true;
}

double Collisions::resolve(std::span<const double> up, std::span<const double> down) {
  double left = error(up, down);
  while (left > resolved && refine(left)) left = error(up, down);
  return left;
}

std::string unresolved_resonance(double error) {
  if (error <= 1e-12) return {};
  return "a resonance is too narrow for the frequencies, relative error " + short_text(error) +
         ": the interaction is too strong for this order";
}

std::size_t Collisions::nodes() const {
  return particle_.nodes.weight.size() + (order_ == CollisionOrder::both ? hole_.nodes.weight.size() : 0);
}

double Collisions::error(std::span<const double> up, std::span<const double> down) const {
  if (order_ == CollisionOrder::second) return 0.0;
  double largest = 0.0;
  for (const Channel* channel : {&particle_, &hole_}) {
    if (channel == &hole_ && order_ != CollisionOrder::both) continue;
    std::vector<double> errors(momentum_.size());
    in_parts(Calculation::threads(), errors.size(), [&](std::size_t pair, std::size_t last, std::size_t) {
      PairSums sums(channel->nodes);
      for (; pair < last; ++pair) {
        sum_pairs(*channel, pair, up, down, sums);
        errors[pair] = sums.error();
      }
    });
    largest = std::max(largest, *std::max_element(errors.begin(), errors.end()));
  }
  return largest;
}

std::size_t Collisions::partner(const Channel& channel, std::size_t up, std::size_t pair) const {
  // Q = k + p of two particles, Q = k - p of a particle and a hole.
  const auto sign = static_cast<std::int64_t>(channel.sign);
  LatticeVector momentum{};
  for (std::size_t i = 0; i < momentum.size(); ++i) momentum[i] = sign * (momentum_[pair][i] - momentum_[up][i]);
  return model_.lattice.index_of(momentum);
}

double Collisions::pair_energy(const Channel& channel, std::size_t up, std::size_t down) const {
  return model_.energy[0][up] + channel.sign * model_.energy[1][down];
}

double Collisions::pair_half_width(std::size_t up, std::size_t down) const {
  return 0.5 * (model_.width[0][up] + model_.width[1][down]);
}

double Collisions::filled(const Channel& channel, double occupation) {
  return channel.sign < 0.0 ? 1.0 - occupation : occupation;
}

void Collisions::sum_pairs(const Channel& channel, std::size_t pair, std::span<const double> up,
                           std::span<const double> down, PairSums& sums) const {
  const std::size_t momenta = momentum_.size();
  sums.clear();
  for (std::size_t k = 0; k < momenta; ++k) {
    const std::size_t p = partner(channel, k, pair);
    const double full = filled(channel, down[p]);
    sums.add(pair_energy(channel, k, p), pair_half_width(k, p), up[k] * full, (1.0 - up[k]) * (1.0 - full));
  }
  sums.close(1.0 / static_cast<double>(momenta), model_.interaction, channel.sign);
}

Collisions::Flows Collisions::flows(const Channel& channel, std::span<const double> up, std::span<const double> down,
                                    bool second) const {
  const std::size_t momenta = momentum_.size();
  Flows flows;
  flows.in.resize(momenta * momenta);
  flows.out.resize(momenta * momenta);
  if (second) {
    flows.second_in.resize(momenta * momenta);
    flows.second_out.resize(momenta * momenta);
  }
  std::vector<double> errors(momenta);
  in_parts(Calculation::threads(), momenta, [&](std::size_t pair, std::size_t last, std::size_t) {
    PairSums sums(channel.nodes);
    for (; pair < last; ++pair) {
      sum_pairs(channel, pair, up, down, sums);
      errors[pair] = sums.error();
      for (std::size_t k = 0; k < momenta; ++k) {
        const std::size_t p = partner(channel, k, pair), at = k * momenta + pair;
        double by_ladder[2], by_second[2];
        sums.flow(pair_energy(channel, k, p), pair_half_width(k, p), by_ladder, by_second);
        flows.in[at] = by_ladder[0];
        flows.out[at] = by_ladder[1];
        if (!second) continue;
        flows.second_in[at] = by_second[0];
        flows.second_out[at] = by_second[1];
      }
    }
  });
  flows.error = *std::max_element(errors.begin(), errors.end());
  return flows;
}

void Collisions::add(const Channel& channel, const std::vector<double>& in, const std::vector<double>& out,
                     double factor, std::span<const double> up, std::span<const double> down,
                     CollisionRates& rates) const {
  // A pair that forms fills its momentum of spin up, and that of spin down with a particle or a hole.
  const std::size_t momenta = momentum_.size();
  const bool hole = channel.sign < 0.0;
  factor /= static_cast<double>(momenta);
  std::vector<double>&filling = hole ? rates.loss[1] : rates.gain[1], &emptying = hole ? rates.gain[1] : rates.loss[1];
  for (std::size_t k = 0; k < momenta; ++k)
    for (std::size_t pair = 0; pair < momenta; ++pair) {
      const std::size_t p = partner(channel, k, pair), at = k * momenta + pair;
      const double occupied = filled(channel, down[p]);
      rates.gain[0][k] += factor * in[at] * (1.0 - occupied);
      rates.loss[0][k] += factor * out[at] * occupied;
      filling[p] += factor * in[at] * (1.0 - up[k]);
      emptying[p] += factor * out[at] * up[k];
    }
}

CollisionRates Collisions::rates(std::span<const double> up, std::span<const double> down) const {
  CollisionRates rates;
  for (std::size_t s = 0; s < 2; ++s) rates.gain[s] = rates.loss[s] = std::vector<double>(momentum_.size());
  const bool both = order_ == CollisionOrder::both;
  const Flows particles = flows(particle_, up, down, order_ != CollisionOrder::particle);
  if (order_ != CollisionOrder::second) rates.error = particles.error;
  if (order_ != CollisionOrder::second) add(particle_, particles.in, particles.out, 1.0, up, down, rates);
  if (order_ != CollisionOrder::particle)
    add(particle_, particles.second_in, particles.second_out, both ? -1.0 : 1.0, up, down, rates);
  if (both) {
    const Flows holes = flows(hole_, up, down, false);
    rates.error = std::max(rates.error, holes.error);
    add(hole_, holes.in, holes.out, 1.0, up, down, rates);
  }
  return rates;
}

std::size_t Collisions::probe(const Channel& channel, std::size_t down, std::size_t pair) const {
  const auto sign = static_cast<std::int64_t>(channel.sign);
  LatticeVector momentum{};
  for (std::size_t i = 0; i < momentum.size(); ++i) momentum[i] = momentum_[pair][i] - sign * momentum_[down][i];
  return model_.lattice.index_of(momentum);
}

double Collisions::enhancement(double ladder, Weight weight) {
  return weight == Weight::second ? 1.0 : weight == Weight::difference ? ladder - 1.0 : ladder;
}

Collisions::Weight Collisions::weight_of_particles() const {
  return order_ == CollisionOrder::both     ? Weight::difference
         : order_ == CollisionOrder::second ? Weight::second
                                            : Weight::ladder;
}

void Collisions::add_scattering(const Channel& channel, std::span<const double> down, Weight weight,
                                std::vector<double>& rates) const {
  constexpr std::size_t block = 32;  // rows per product: shapes do not depend on the number of threads
  const std::size_t momenta = momentum_.size(), nodes = channel.nodes.weight.size();
  const double over = 1.0 / static_cast<double>(momenta);
  const std::vector<double> no_particle(momenta);
  std::vector<double> to(momenta * nodes), from(nodes * momenta), product(momenta * momenta);
  PairSums sums(channel.nodes);
  for (std::size_t pair = 0; pair < momenta; ++pair) {
    sum_pairs(channel, pair, no_particle, down, sums);
    // A factor 2 from each Lorentzian; a pair (k', p') with p' filled becomes (k, p) with p empty.
    std::vector<double> factor(nodes);
    for (std::size_t w = 0; w < nodes; ++w) {
      factor[w] = 4.0 * model_.interaction * model_.interaction * over * over * channel.nodes.weight[w] *
                  enhancement(sums.enhancement(w), weight);
    }
    in_parts(Calculation::threads(), momenta, [&](std::size_t k, std::size_t last, std::size_t) {
      for (; k < last; ++k) {
        const std::size_t p = partner(channel, k, pair);
        const double g = pair_half_width(k, p), e = pair_energy(channel, k, p), full = filled(channel, down[p]),
                     empty = 1.0 - full;
        for (std::size_t w = 0; w < nodes; ++w) {
          const double x = channel.nodes.frequency[w] - e, peak = g / (x * x + g * g);
          to[k * nodes + w] = peak * empty * factor[w];
          from[w * momenta + k] = peak * full;
        }
      }
    });
    in_parts(Calculation::threads(), (momenta + block - 1) / block, [&](std::size_t b, std::size_t last, std::size_t) {
      for (; b < last; ++b) {
        const std::size_t first = b * block, rows = std::min(block, momenta - first);
        linear_algebra::multiply(rows, momenta, nodes, to.data() + first * nodes, nodes, from.data(), momenta,
                                 product.data() + first * momenta, momenta);
        for (std::size_t i = first * momenta; i < (first + rows) * momenta; ++i) rates[i] += product[i];
      }
    });
  }
}

std::vector<double> Collisions::scattering(std::span<const double> down) const {
  linear_algebra::require_library();
  std::vector<double> rates(momentum_.size() * momentum_.size());
  const bool both = order_ == CollisionOrder::both;
  add_scattering(particle_, down, weight_of_particles(), rates);
  if (both) add_scattering(hole_, down, Weight::ladder, rates);
  return rates;
}

void Collisions::add_self_energy(const Channel& channel, std::span<const double> up, std::span<const double> down,
                                 Weight weight, std::span<const double> frequencies,
                                 std::vector<std::complex<double>>& result) const {
  constexpr std::size_t block = 16;  // frequencies per product: shapes do not depend on the number of threads
  const std::size_t momenta = momentum_.size(), nodes = channel.nodes.weight.size(), count = frequencies.size();
  const double over = 1.0 / static_cast<double>(momenta);
  // |T|^2 Phi^> and |T|^2 Phi^< of each momentum of a pair (columns), times the weights of the nodes.
  std::vector<double> lines(nodes * 2 * momenta);
  in_parts(Calculation::threads(), momenta, [&](std::size_t pair, std::size_t last, std::size_t) {
    PairSums sums(channel.nodes);
    for (; pair < last; ++pair) {
      sum_pairs(channel, pair, up, down, sums);
      for (std::size_t w = 0; w < nodes; ++w) {
        const double factor = 0.5 * over * enhancement(sums.enhancement(w), weight);
        lines[w * 2 * momenta + pair] = factor * sums.out(w);
        lines[(w * 2 + 1) * momenta + pair] = factor * sums.in(w);
      }
    }
  });
  in_parts(Calculation::threads(), (count + block - 1) / block, [&](std::size_t b, std::size_t last, std::size_t) {
    std::vector<double> closing(2 * block * nodes), product(2 * block * 2 * momenta);
    for (; b < last; ++b) {
      const std::size_t first = b * block, rows = std::min(block, count - first);
      for (std::size_t p = 0; p < momenta; ++p) {
        const double g = 0.5 * model_.width[1][p], full = filled(channel, down[p]);
        for (std::size_t i = 0; i < rows; ++i)
          for (std::size_t w = 0; w < nodes; ++w) {
            const double x = frequencies[first + i] - channel.nodes.frequency[w] + channel.sign * model_.energy[1][p];
            const double inverse = 1.0 / (x * x + g * g);
            closing[2 * i * nodes + w] = x * inverse;
            closing[(2 * i + 1) * nodes + w] = -g * inverse;
          }
        linear_algebra::multiply(2 * rows, 2 * momenta, nodes, closing.data(), nodes, lines.data(), 2 * momenta,
                                 product.data(), 2 * momenta);
        for (std::size_t pair = 0; pair < momenta; ++pair) {
          const std::size_t k = probe(channel, p, pair);
          const auto at = [&](std::size_t row) {
            const double* sums = product.data() + row * 2 * momenta;
            return full * sums[pair] + (1.0 - full) * sums[momenta + pair];
          };
          for (std::size_t i = 0; i < rows; ++i)
            result[k * count + first + i] += std::complex(at(2 * i), at(2 * i + 1));
        }
      }
    }
  });
}

Collisions::Channel Collisions::widened(const Channel& channel, std::span<const double> frequencies) const {
  // The line of spin down that closes the diagram peaks at w + sign e_p, possibly outside the band of the pairs, and
  // may be narrower than that of any pair.
  if (!(*std::min_element(model_.width[1].begin(), model_.width[1].end()) > 0.0))
    throw ParameterError("bath.down", "gain and loss both vanish at a momentum: its line has no width");
  const std::vector<double> no_width(frequencies.size());
  Channel wide{
      channel.sign,
      lines_of_pairs(lines_of(frequencies, no_width), lines_of(model_.energy[1], model_.width[1]), channel.sign),
      {}};
  wide.pairs.insert(wide.pairs.end(), channel.pairs.begin(), channel.pairs.end());
  wide.nodes = frequency_nodes(wide.pairs, node_factor_);
  return wide;
}

std::size_t Collisions::self_energy_nodes(std::span<const double> frequencies) const {
  return std::max(widened(particle_, frequencies).nodes.weight.size(), widened(hole_, frequencies).nodes.weight.size());
}

std::vector<std::complex<double>> Collisions::self_energy(std::span<const double> up, std::span<const double> down,
                                                          std::span<const double> frequencies) const {
  std::vector<std::complex<double>> result(momentum_.size() * frequencies.size());
  if (frequencies.empty()) return result;
  linear_algebra::require_library();
  const bool both = order_ == CollisionOrder::both;
  add_self_energy(widened(particle_, frequencies), up, down, weight_of_particles(), frequencies, result);
  if (both) add_self_energy(widened(hole_, frequencies), up, down, Weight::ladder, frequencies, result);
  return result;
}

}  // namespace lindrift
