#include "lindrift/hatsugai_kohmoto/density.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <set>
#include <string>

#include "engine/fourier.hpp"
#include "engine/short_text.hpp"
#include "engine/validate.hpp"
#include "lindrift/arguments.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"
#include "lindrift/lattice/lattice.hpp"
#include "open_chain/propagator.hpp"
#include "open_chain/times.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;
using Row = std::vector<Complex>;

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

/// With fewer particles their profiles are added one by one; with more, a cyclic convolution adds them all at once.
constexpr std::size_t few_particles = 6;

/// A sum below this, relative to the numbers that it is the difference of, is a zero with rounding errors.
constexpr double rounding_of_zero = 1e-13;

/// Correlators must be Hermitian and populations in [0, 1] to this accuracy.
constexpr double tolerated = 1e-10;

[[noreturn]] void refuse(const std::string& quantity, const std::string& problem) {
  throw ParameterError(quantity, problem);
}

/// Positions of sites in the order of Fourier transforms, given their labels.
std::vector<std::size_t> positions_of(const std::vector<std::int64_t>& labels, const Lattice& lattice,
                                      const std::string& quantity) {
  const TransformOrder order(lattice);
  std::set<std::size_t> seen;
  std::vector<std::size_t> positions;
  for (const std::size_t site : numbers_of(labels, lattice, quantity, "sites are labelled")) {
    if (!seen.insert(site).second) {
      std::string label;
      for (std::size_t i = 0; i < order.directions(); ++i)
        label += (i > 0 ? ", " : "") + std::to_string(lattice.momentum(site)[i]);
      refuse(quantity + "[" + std::to_string(positions.size()) + "]",
             label + " appears twice: a site holds one particle of a spin");
    }
    positions.push_back(order.position(site));
  }
  return positions;
}

/// Reorders a correlator along its diagonals, in the order of the transforms: element (d, q) is C(q + d, q).
Row diagonals_of(const Row& values, const TransformOrder& order) {
  const std::size_t sites = order.size();
  Row diagonals(sites * sites);
  for (std::size_t row = 0; row < sites; ++row)
    for (std::size_t column = 0; column < sites; ++column) {
      const std::size_t k = order.position(row), q = order.position(column);
      diagonals[order.difference(k, q) * sites + q] = values[row * sites + column];
    }
  return diagonals;
}

void require_shape(std::size_t size, std::size_t wanted, const char* what) {
  if (size != wanted)
    throw ShapeError(std::string(what) + ": " + counted(size, "entry was given", "entries were given") +
                     "; it must have " + std::to_string(wanted));
}

void require_hermitian(const Row& values, std::size_t sites) {
  double largest = 0.0, worst = 0.0;
  for (std::size_t k = 0; k < sites; ++k)
    for (std::size_t q = 0; q <= k; ++q) {
      largest = std::max(largest, std::abs(values[k * sites + q]));
      const double difference = std::abs(values[k * sites + q] - std::conj(values[q * sites + k]));
      if (!(difference <= worst)) worst = difference;
    }
  if (!(worst <= tolerated * std::max(largest, 1.0)))
    refuse("initial.correlation", "it is not Hermitian: C(k,q) and conj C(q,k) differ by up to " + short_text(worst));
}

/// Working memory of a thread.
struct Workspace {
  Row rows, second_rows, transform;
  std::vector<double> coherent;
  int threads = 1;  ///< threads that share a transform
};

/// The coherent part of the density, whose sum over j is what the pairs k != q would give at k = q: the whole density
/// except for a uniform background. One class for each kind of initial state.
class Coherent {
 public:
  virtual ~Coherent() = default;
  /// Fills work.coherent, with sites in FFT order, in units of e^{2 growth t}.
  /// @param row  g_k, or u_k for correlators: shape (sites,), FFT order; overwritten
  /// @param second  v_k, if needs_second()
  virtual void profile(Complex* row, Complex* second, Workspace& work) const = 0;
  virtual bool needs_second() const { return false; }
  /// Whether a time takes far longer than its transforms.
  virtual bool costly() const { return false; }
};

/// n_j = sum_s N_s |G(j-s)|^2                                                                              (Eq. 49)
class FromSites final : public Coherent {
 public:
  FromSites(const Fourier& fourier, const TransformOrder& order, std::vector<std::size_t> positions,
            std::vector<double> occupations)
      : fourier_(fourier), order_(order), positions_(std::move(positions)), occupations_(std::move(occupations)) {
    if (positions_.size() <= few_particles) return;
    filled_.resize(fourier.length());
    for (std::size_t i = 0; i < positions_.size(); ++i)
      filled_[positions_[i]] = occupations_[i] / static_cast<double>(fourier.length());
    fourier.forward(filled_.data(), 1);
  }

  void profile(Complex* row, Complex*, Workspace& work) const override {
    const std::size_t sites = fourier_.length();
    fourier_.backward(row, 1, work.threads);
    const double over = 1.0 / (static_cast<double>(sites) * static_cast<double>(sites));
    if (filled_.empty()) {
      std::fill(work.coherent.begin(), work.coherent.end(), 0.0);
      for (std::size_t i = 0; i < positions_.size(); ++i) {
        const double weight = over * occupations_[i];
        const auto shift = [&](std::size_t from, std::size_t count, double* to) {
          for (std::size_t j = 0; j < count; ++j) to[j] += weight * std::norm(row[from + j]);
        };
        // Row by row along the last direction; each row wraps once.
        const std::size_t length = order_.cells(order_.directions() - 1), s = positions_[i] % length;
        for (std::size_t from = 0; from < sites; from += length) {
          double* to = work.coherent.data() + order_.sum(from, positions_[i] - s);
          shift(from, length - s, to + s);
          shift(from + length - s, s, to);
        }
      }
      return;
    }
    for (std::size_t j = 0; j < sites; ++j) row[j] = over * std::norm(row[j]);
    fourier_.forward(row, 1, work.threads);
    for (std::size_t k = 0; k < sites; ++k) row[k] *= filled_[k];
    fourier_.backward(row, 1, work.threads);
    for (std::size_t j = 0; j < sites; ++j) work.coherent[j] = row[j].real();
  }

 private:
  const Fourier& fourier_;
  const TransformOrder& order_;
  std::vector<std::size_t> positions_;
  std::vector<double> occupations_;
  Row filled_;  ///< transform of the occupied sites, times 1/L; empty if there are few
};

/// n_j = sum_r w_r |psi^r_j|^2, psi^r_j = L^{-1/2} sum_k e^{ikj} phi^r_k g_k                                 (Eq. 48)
class FromFactors final : public Coherent {
 public:
  FromFactors(const Fourier& fourier, const TransformOrder& order, const UpFactors& factors)
      : fourier_(fourier), weights_(factors.weights) {
    const std::size_t sites = fourier.length();
    vectors_.resize(factors.vectors.size());
    for (std::size_t r = 0; r < weights_.size(); ++r)
      for (std::size_t i = 0; i < sites; ++i) vectors_[r * sites + order.position(i)] = factors.vectors[r * sites + i];
  }

  bool costly() const override { return weights_.size() > few_particles; }

  void profile(Complex* row, Complex*, Workspace& work) const override {
    const std::size_t sites = fourier_.length();
    std::fill(work.coherent.begin(), work.coherent.end(), 0.0);
    work.transform.resize(sites);
    for (std::size_t r = 0; r < weights_.size(); ++r) {
      Calculation::look_up();
      for (std::size_t k = 0; k < sites; ++k) work.transform[k] = vectors_[r * sites + k] * row[k];
      fourier_.backward(work.transform.data(), 1, work.threads);
      const double weight = weights_[r] / static_cast<double>(sites);
      for (std::size_t j = 0; j < sites; ++j) work.coherent[j] += weight * std::norm(work.transform[j]);
    }
  }

 private:
  const Fourier& fourier_;
  std::vector<double> weights_;
  Row vectors_;
};

/// n_j = L^{-1} sum_d e^{-id.j} sum_q sum_ab conj(R^a_{q+d}) R^b_q C^ab(q+d, q)                        (Eqs. 46, 47)
class FromCorrelators final : public Coherent {
 public:
  FromCorrelators(const Fourier& fourier, const TransformOrder& order, std::vector<Row> diagonals)
      : fourier_(fourier), order_(order), diagonals_(std::move(diagonals)) {}

  bool needs_second() const override { return diagonals_.size() > 1; }
  bool costly() const override { return true; }

  void profile(Complex* row, Complex* second, Workspace& work) const override {
    const std::size_t sites = fourier_.length();
    work.transform.assign(sites, 0.0);
    const Complex* entry[2] = {row, second};
    for (std::size_t c = 0; c < diagonals_.size(); ++c)
      in_parts(work.threads, sites, [&](std::size_t d, std::size_t last, std::size_t) {
        for (; d < last; ++d) {
          const Complex *left = entry[c % 2], *right = entry[c / 2], *values = diagonals_[c].data() + d * sites;
          work.transform[d] += along(d, values, left, right) / static_cast<double>(sites);
        }
      });
    fourier_.forward(work.transform.data(), 1, work.threads);
    for (std::size_t j = 0; j < sites; ++j) work.coherent[j] = work.transform[j].real();
  }

 private:
  /// sum_q C(q + d, q) conj(left_{q+d}) right_q, row by row along the last direction; each row wraps once.
  Complex along(std::size_t d, const Complex* values, const Complex* left, const Complex* right) const {
    const std::size_t sites = order_.size(), length = order_.cells(order_.directions() - 1), s = d % length;
    Complex all = 0.0;
    for (std::size_t q = 0; q < sites; q += length) {
      const Complex* row = left + order_.sum(q, d - s);
      const Complex one = sum(values + q, row + s, right + q, length - s) +
                          sum(values + q + length - s, row, right + q + length - s, s);
      all = q > 0 ? all + one : one;
    }
    return all;
  }

  /// sum_i C_i conj(a_i) b_i
  static Complex sum(const Complex* c, const Complex* a, const Complex* b, std::size_t count) {
    double re = 0.0, im = 0.0;
#pragma omp simd reduction(+ : re, im)
    for (std::size_t i = 0; i < count; ++i) {
      const double x = a[i].real() * b[i].real() + a[i].imag() * b[i].imag();
      const double y = a[i].real() * b[i].imag() - a[i].imag() * b[i].real();
      re += c[i].real() * x - c[i].imag() * y;
      im += c[i].real() * y + c[i].imag() * x;
    }
    return {re, im};
  }

  const Fourier& fourier_;
  const TransformOrder& order_;
  std::vector<Row> diagonals_;  ///< for a = b = 0 with g, or for all four with u and v
};

/// Both spins on sites: n_Q = S^up_Q [ sum_k conj(g_k) g_{k-Q} - |S_Q|^2 sum_k conj(v_k) v_{k-Q} ]          (Eq. 50)
class FromTwoFockStates final : public Coherent {
 public:
  FromTwoFockStates(const Fourier& fourier, const std::vector<std::size_t>& up, const std::vector<double>& occupations,
                    const std::vector<std::size_t>& down)
      : fourier_(fourier), up_(structure(up, occupations)) {
    const Row factors = structure(down, std::vector<double>(down.size(), 1.0));
    for (const Complex s : factors) down_square_.push_back(std::norm(s));
  }

  bool needs_second() const override { return true; }

  void profile(Complex* row, Complex* second, Workspace& work) const override {
    const std::size_t sites = fourier_.length();
    // sum_k conj(g_k) g_{k-Q} = L^{-1} sum_j e^{iQj} |g_j|^2 with g_j = sum_k e^{ikj} g_k.
    for (Complex* entry : {row, second}) {
      fourier_.backward(entry, 1, work.threads);
      for (std::size_t j = 0; j < sites; ++j) entry[j] = std::norm(entry[j]) / static_cast<double>(sites);
      fourier_.backward(entry, 1, work.threads);
    }
    const double over = 1.0 / static_cast<double>(sites);
    for (std::size_t q = 0; q < sites; ++q) row[q] = over * up_[q] * (row[q] - down_square_[q] * second[q]);
    fourier_.forward(row, 1, work.threads);
    for (std::size_t j = 0; j < sites; ++j) work.coherent[j] = row[j].real();
  }

 private:
  /// S_Q = L^{-1} sum_s N_s e^{iQs}
  Row structure(const std::vector<std::size_t>& positions, const std::vector<double>& occupations) const {
    Row factor(fourier_.length());
    for (std::size_t i = 0; i < positions.size(); ++i)
      factor[positions[i]] = occupations[i] / static_cast<double>(fourier_.length());
    fourier_.backward(factor.data(), 1);
    return factor;
  }

  const Fourier& fourier_;
  Row up_;
  std::vector<double> down_square_;
};

/// Populations n_k,up of every momentum, which neither other momenta nor the interaction change             (Eq. 51)
class Populations {
 public:
  Populations(const BathRates& up, std::vector<double> initial) : rates_(initial.size()), excess_(initial.size()) {
    const std::vector<double> steady = steady_occupation(up);
    for (std::size_t i = 0; i < initial.size(); ++i) {
      rates_[i] = up.gain[i] + up.loss[i];
      excess_[i] = initial[i] - steady[i];
      steady_number_ += steady[i];
      magnitude_ += std::fabs(initial[i]) + steady[i];
    }
    slowest_ = *std::min_element(rates_.begin(), rates_.end());
    uniform_ = slowest_ == *std::max_element(rates_.begin(), rates_.end());
    for (const double value : excess_) total_excess_ += value;
  }

  double steady_number() const { return steady_number_; }
  double slowest() const { return slowest_; }

  /// sum_k (n_k(0) - steady_k) e^{-(Gamma_k - slowest) t}; exactly 0 if only rounding errors remain.
  double excess(double time) const {
    double sum = total_excess_;
    if (!uniform_) {
      constexpr std::size_t block = 1024;
      sum = 0.0;
      for (std::size_t first = 0; first < rates_.size(); first += block) {
        double part = 0.0;
        for (std::size_t i = first; i < std::min(rates_.size(), first + block); ++i)
          part += excess_[i] * std::exp((slowest_ - rates_[i]) * time);
        sum += part;
      }
    }
    return std::fabs(sum) <= rounding_of_zero * magnitude_ ? 0.0 : sum;
  }

 private:
  std::vector<double> rates_, excess_;
  double steady_number_ = 0.0, magnitude_ = 0.0, slowest_ = 0.0, total_excess_ = 0.0;
  bool uniform_ = false;
};

/// The initial state in full.
struct Start {
  std::unique_ptr<Coherent> coherent;
  std::vector<double> down_occupation;  ///< n0 of g
  std::vector<double> up_population;    ///< n_k,up(0), ascending
};

void require_population(std::vector<double>& population) {
  for (std::size_t i = 0; i < population.size(); ++i) {
    if (!(population[i] >= -tolerated && population[i] <= 1.0 + tolerated))
      refuse("initial.correlation", "the occupation of momentum " + std::to_string(i) + " is " +
                                        std::to_string(population[i]) + ": must be in [0, 1]");
    population[i] = std::clamp(population[i], 0.0, 1.0);
  }
}

/// Data shared by all initial states.
struct Setting {
  const Lattice& lattice;
  const TransformOrder& order;
  const Fourier& fourier;
  const DensityOptions& options;
  std::size_t sites() const { return order.size(); }
};

/// At t = 0, where g = 1, the occupations of the sites must lie in [0, 1], even if those of all momenta do.
void require_density(const Coherent& coherent, const Setting& setting) {
  const TransformOrder& order = setting.order;
  Workspace work;
  work.coherent.resize(order.size());
  Row ones(order.size(), 1.0);
  coherent.profile(ones.data(), nullptr, work);
  for (std::size_t j = 0; j < order.size(); ++j) {
    if (work.coherent[j] >= -tolerated && work.coherent[j] <= 1.0 + tolerated) continue;
    std::string label;
    for (std::size_t i = 0; i < order.directions(); ++i)
      label += (i > 0 ? ", " : "") + std::to_string(order.label(order.along(j, i), i));
    refuse("initial.correlation", "the occupation of site " + label + " at t = 0 is " +
                                      std::to_string(work.coherent[j]) + ": must be in [0, 1]");
  }
}

Start start_of(const Setting& setting, const UpSites& state, Start start) {
  const std::size_t sites = setting.sites();
  auto up = positions_of(state.sites, setting.lattice, "initial.up_sites");
  std::vector<double> occupations = state.occupations;
  if (occupations.empty()) occupations.assign(up.size(), 1.0);
  require_shape(occupations.size(), up.size(), "occupations of the up sites");
  double number = 0.0;
  for (const double n : occupations) {
    if (!(n >= 0.0 && n <= 1.0))
      refuse("occupations of the up sites", std::to_string(n) + " is not allowed: must be in [0, 1]");
    number += n;
  }
  start.up_population.assign(sites, number / static_cast<double>(sites));
  if (setting.options.down_sites) {
    const auto down = positions_of(*setting.options.down_sites, setting.lattice, "initial.down_sites");
    start.down_occupation.assign(sites, static_cast<double>(down.size()) / static_cast<double>(sites));
    start.coherent = std::make_unique<FromTwoFockStates>(setting.fourier, up, occupations, down);
  } else {
    start.coherent = std::make_unique<FromSites>(setting.fourier, setting.order, std::move(up), std::move(occupations));
  }
  return start;
}

Start start_of(const Setting& setting, const UpFactors& state, Start start) {
  const std::size_t sites = setting.sites();
  require_shape(state.vectors.size(), state.weights.size() * sites, "initial.correlation");
  start.up_population.assign(sites, 0.0);
  for (std::size_t r = 0; r < state.weights.size(); ++r)
    for (std::size_t i = 0; i < sites; ++i)
      start.up_population[i] += state.weights[r] * std::norm(state.vectors[r * sites + i]);
  require_population(start.up_population);
  start.coherent = std::make_unique<FromFactors>(setting.fourier, setting.order, state);
  require_density(*start.coherent, setting);
  return start;
}

std::vector<double> diagonal_of(const Row& values, std::size_t sites) {
  std::vector<double> diagonal(sites);
  for (std::size_t i = 0; i < sites; ++i) diagonal[i] = values[i * sites + i].real();
  require_population(diagonal);
  return diagonal;
}

Start start_of(const Setting& setting, const UpCorrelation& state, Start start) {
  const std::size_t sites = setting.sites();
  require_shape(state.values.size(), sites * sites, "initial.correlation");
  require_hermitian(state.values, sites);
  start.up_population = diagonal_of(state.values, sites);
  std::vector<Row> diagonals(1, diagonals_of(state.values, setting.order));
  start.coherent = std::make_unique<FromCorrelators>(setting.fourier, setting.order, std::move(diagonals));
  require_density(*start.coherent, setting);
  return start;
}

Start start_of(const Setting& setting, const Correlators& state, Start start) {
  const std::size_t sites = setting.sites();
  std::vector<Row> diagonals;
  for (const Row& values : state.values) {
    require_shape(values.size(), sites * sites, "correlators");
    diagonals.push_back(diagonals_of(values, setting.order));
  }
  start.up_population = diagonal_of(state.values[0], sites);
  start.down_occupation.assign(sites, 0.0);  // u instead of g
  start.coherent = std::make_unique<FromCorrelators>(setting.fourier, setting.order, std::move(diagonals));
  return start;
}

/// Converts coherent parts to the rows of a result.
class DensityRows {
 public:
  DensityRows(DensityResult& result, const TransformOrder& order, const Populations& populations, double growth,
              bool keep_density)
      : result_(result), order_(order), populations_(populations), growth_(growth) {
    const std::size_t times = result.times.size();
    if (keep_density) result.density.assign(times * order.size(), missing);
    for (auto* drift : {&result.drift, &result.drift_symmetric, &result.drift_coherent})
      drift->assign(times * order.directions(), missing);
    for (auto* sums : {&result.norm, &result.particle_number}) sums->assign(times, missing);
  }

  /// @param coherent  in the order of the transforms, in units of e^{2 growth t}
  void place(std::size_t t, const std::vector<double>& coherent) {
    const Sums sums = sums_of(coherent);
    const double time = result_.times[t], scale = std::exp(2.0 * growth_ * time);
    const double excess = populations_.excess(time), fading = std::exp(-populations_.slowest() * time);
    result_.norm[t] = scale * sums.norm;
    result_.particle_number[t] = populations_.steady_number() + fading * excess;
    if (!result_.density.empty()) {
      const double background = (result_.particle_number[t] - result_.norm[t]) / static_cast<double>(order_.size());
      double* row = result_.density.data() + t * order_.size();
      order_.for_each_run([&](std::size_t to, std::size_t from, std::size_t count) {
        for (std::size_t j = 0; j < count; ++j) row[to + j] = scale * coherent[from + j] + background;
      });
    }
    // Relative to the slowest population, so that neither sum underflows before the ratio is taken.
    const double relative = std::exp((2.0 * growth_ + populations_.slowest()) * time);
    for (std::size_t i = 0; i < order_.directions(); ++i) {
      const std::size_t place = t * order_.directions() + i;
      const double moment = sums.moment[i];
      if (sums.norm > 0.0) result_.drift_coherent[place] = moment / sums.norm;
      if (excess == 0.0) continue;
      // The labels of an even direction have the mean -1/2, which is the contribution of a uniform background.
      const bool even = order_.cells(i) % 2 == 0;
      const double mean = even ? -0.5 : 0.0;
      const double antipode = even ? -0.5 * static_cast<double>(order_.cells(i)) * sums.antipode[i] : 0.0;
      result_.drift[place] = (relative * moment + mean * (excess - relative * sums.norm)) / excess;
      result_.drift_symmetric[place] = relative * (moment - antipode) / excess;
    }
  }

  std::vector<TimeRows> rows() {
    const std::size_t directions = order_.directions();
    return {{result_.drift, directions},
            {result_.drift_symmetric, directions},
            {result_.drift_coherent, directions},
            {result_.norm},
            {result_.particle_number},
            {result_.density, order_.size()}};
  }

 private:
  struct Sums {
    double norm = 0.0;
    std::array<double, 3> moment{}, antipode{};
  };

  /// Sums rows along the last direction, whose labels jump once, in blocks that keep rounding small.
  Sums sums_of(const std::vector<double>& coherent) const {
    const std::size_t last = order_.directions() - 1, length = order_.cells(last), half = length / 2;
    Sums sums;
    for (std::size_t row = 0; row < coherent.size(); row += length) {
      double norm = 0.0;
      const auto add = [&](std::size_t begin, std::size_t end, double first_label) {
        constexpr std::size_t block = 1024;
        for (std::size_t first = begin; first < end; first += block) {
          const std::size_t stop = std::min(end, first + block);
          double weight = 0.0, moved = 0.0;
#pragma omp simd reduction(+ : weight, moved)
          for (std::size_t j = first; j < stop; ++j) {
            weight += coherent[row + j];
            moved += (first_label + static_cast<double>(static_cast<std::int64_t>(j - begin))) * coherent[row + j];
          }
          norm += weight;
          sums.moment[last] += moved;
        }
      };
      add(0, length - half, 0.0);
      add(length - half, length, -static_cast<double>(half));
      sums.norm += norm;
      sums.antipode[last] += coherent[row + half];
      for (std::size_t i = 0; i < last; ++i) {
        const std::int64_t label = order_.label(order_.along(row, i), i);
        sums.moment[i] += static_cast<double>(label) * norm;
        if (2 * label == -static_cast<std::int64_t>(order_.cells(i))) sums.antipode[i] += norm;
      }
    }
    return sums;
  }

  DensityResult& result_;
  const TransformOrder& order_;
  const Populations& populations_;
  double growth_;
};

}  // namespace

DensityResult density(const HatsugaiKohmoto& model, const UpState& state, std::span<const double> times,
                      const DensityOptions& options, const Execution& execution) {
  if (is_device(execution.backend))
    throw UnsupportedError("the density task runs on the CPU; use backend = cpu or auto");
  check_list("task.times", times_parameter(), times);
  if (model.cluster > 1) refuse("model.cluster", "the density is known for momenta that do not mix only: it must be 1");
  const Calculation preparation(threads_of(execution));
  const HatsugaiKohmotoModes modes = modes_of(model);
  const std::size_t sites = modes.energy.size();
  if (options.down_sites && !std::holds_alternative<UpSites>(state))
    refuse("initial.down_sites", "they go with initial.up_sites only");
  Start start;
  start.down_occupation = options.down_occupation.empty() ? steady_occupation(modes.down) : options.down_occupation;
  validate_down_occupation(start.down_occupation, sites);
  const TransformOrder order(modes.lattice);
  const Fourier fourier(order);
  const Setting setting{modes.lattice, order, fourier, options};
  start = std::visit([&](const auto& kind) { return start_of(setting, kind, std::move(start)); }, state);

  const Propagator green = Propagator::of_green(modes, start.down_occupation);
  const bool both = start.coherent->needs_second();
  const Propagator second = both ? Propagator::of_second_entry(modes) : green;
  const Populations populations(modes.up, std::move(start.up_population));

  DensityResult result;
  result.times.assign(times.begin(), times.end());
  DensityRows rows(result, order, populations, green.growth(), options.keep_density);
  const TimeBatches batches{times.size(), sites};
  const int threads = threads_of(execution);
  std::vector<Workspace> workspaces(static_cast<std::size_t>(batches.outer(threads)));
  const auto batch = [&](std::size_t first, std::size_t last, std::size_t thread, int inner) {
    Workspace& work = workspaces[thread];
    work.rows.resize(batches.batch() * sites);
    if (both) work.second_rows.resize(batches.batch() * sites);
    work.coherent.resize(sites);
    work.threads = inner;
    const auto here = times.subspan(first, last - first);
    green.amplitudes(here, work.rows.data(), inner);
    if (both) second.amplitudes(here, work.second_rows.data(), inner);
    for (std::size_t t = first; t < last; ++t) {
      const std::size_t offset = (t - first) * sites;
      start.coherent->profile(work.rows.data() + offset, both ? work.second_rows.data() + offset : nullptr, work);
      rows.place(t, work.coherent);
    }
  };
  const TimeRounds rounds{.times = times, .rows = rows.rows(), .backend = Backend::cpu, .monitor = options.monitor};
  // With a whole correlator a time costs L^2: a round is then what the threads do at once.
  const std::size_t round =
      start.coherent->costly() ? static_cast<std::size_t>(batches.outer(threads)) : batches.round(threads);
  const Calculation calculation(execution, options.monitor);
  result.converged = rounds.run(communicator_of(execution), batches.batch(), round,
                                [&](std::size_t first, std::size_t last) { batches.run(first, last, threads, batch); });
  return result;
}

}  // namespace lindrift
