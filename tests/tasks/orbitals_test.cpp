// Tests of the Hatsugai-Kohmoto model with several orbitals: its clusters against plain sums, its results against
// stored values and against one orbital, and relations that hold for any amplitudes. The master equation of a cluster
// itself is tested in clusters_test.cpp.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "clusters/cluster_state.hpp"
#include "data/orbital_clusters.hpp"
#include "hatsugai_kohmoto/orbital_cluster.hpp"
#include "lindrift/error.hpp"
#include "lindrift/hatsugai_kohmoto/green.hpp"
#include "lindrift/hatsugai_kohmoto/orbitals.hpp"
#include "lindrift/hatsugai_kohmoto/spectral.hpp"
#include "reference/open_fermions.hpp"
#include "support/random.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;
constexpr double pi = std::numbers::pi;

/// Stored values are as accurate as dense solutions, a few hundred roundings.
constexpr double accuracy = 1e-12;

OrbitalHatsugaiKohmoto two_orbital_chain(std::int64_t cells, double interaction) {
  OrbitalHatsugaiKohmoto model;
  model.cells = {cells};
  model.orbitals = 2;
  model.hopping_terms = {{{0}, 0, 1, 1.0}, {{-1}, 0, 1, 0.7}};
  model.interaction = interaction;
  model.up.gain = model.up.loss = 0.05;
  model.down.gain = 0.5;
  model.down.operators = {{BathOperatorKind::loss, {{{0}, 0, 1.0}, {{0}, 1, Complex(0.0, 1.0)}}}};
  return model;
}

/// Random amplitudes; hops and operators reach one cell along each direction.
OrbitalHatsugaiKohmoto random_model(Random& random, std::vector<std::int64_t> cells, int n) {
  const auto vector = [&] {
    LatticeVector displacement{};
    for (std::size_t i = 0; i < cells.size(); ++i) displacement[i] = random.integer(-1, 1);
    return displacement;
  };
  const auto orbital = [&] { return static_cast<int>(random.integer(0, n - 1)); };
  OrbitalHatsugaiKohmoto model;
  model.cells = cells;
  model.orbitals = n;
  for (auto* terms : {&model.hopping_terms_up, &model.hopping_terms_down})
    for (int i = 0; i < 4; ++i) {
      HoppingTerm term{vector(), orbital(), orbital(), random.complex(1.0)};
      if (term.displacement == LatticeVector{} && term.to_orbital == term.from_orbital)
        term.amplitude = term.amplitude.real();
      terms->push_back(term);
    }
  for (OrbitalBath* bath : {&model.up, &model.down}) {
    bath->gain = random.uniform(0.1, 0.5);
    bath->loss = random.uniform(0.1, 0.5);
    for (const auto kind : {BathOperatorKind::gain, BathOperatorKind::loss})
      for (int channel = 0; channel < 2; ++channel) {
        OrbitalBathOperator one{kind, {}};
        for (int i = 0; i < 3; ++i) one.terms.push_back({vector(), orbital(), random.complex(0.7)});
        bath->operators.push_back(one);
      }
  }
  for (int a = 0; a < n; ++a) model.interaction_matrix.push_back(random.vector(static_cast<std::size_t>(n), -2.0, 2.0));
  return model;
}

struct PlainMatrices {
  std::vector<Complex> h, loss, gain;
};

/// h_ab(k), gamma_ab(k) and kappa_ab(k) of one spin from their definitions, at any momentum.
PlainMatrices plain(const OrbitalHatsugaiKohmoto& model, bool up, const std::array<double, 3>& k) {
  const auto n = static_cast<std::size_t>(model.orbitals);
  const auto phase = [&](const LatticeVector& r, double sign) {
    double sum = 0.0;
    for (std::size_t i = 0; i < 3; ++i) sum += k[i] * static_cast<double>(r[i]);
    return std::exp(Complex(0.0, sign * sum));
  };
  PlainMatrices all{std::vector<Complex>(n * n), std::vector<Complex>(n * n), std::vector<Complex>(n * n)};
  const auto& terms = !model.hopping_terms.empty() ? model.hopping_terms
                      : up                         ? model.hopping_terms_up
                                                   : model.hopping_terms_down;
  for (const HoppingTerm& term : terms) {
    const auto a = static_cast<std::size_t>(term.to_orbital), b = static_cast<std::size_t>(term.from_orbital);
    const Complex element = term.amplitude * phase(term.displacement, 1.0);
    all.h[a * n + b] += element;
    if (a != b || term.displacement != LatticeVector{}) all.h[b * n + a] += std::conj(element);
  }
  const OrbitalBath& bath = up ? model.up : model.down;
  for (std::size_t a = 0; a < n; ++a) {
    all.loss[a * n + a] += bath.loss;
    all.gain[a * n + a] += bath.gain;
  }
  for (const OrbitalBathOperator& channel : bath.operators) {
    const bool loss = channel.kind == BathOperatorKind::loss;
    for (const OrbitalTerm& x : channel.terms)
      for (const OrbitalTerm& y : channel.terms) {
        const double sign = loss ? 1.0 : -1.0;
        (loss ? all.loss : all.gain)[static_cast<std::size_t>(x.orbital) * n + static_cast<std::size_t>(y.orbital)] +=
            x.amplitude * phase(x.displacement, sign) * std::conj(y.amplitude * phase(y.displacement, sign));
      }
  }
  return all;
}

double distance(const std::vector<Complex>& x, const std::vector<Complex>& y) {
  double largest = x.size() == y.size() ? 0.0 : INFINITY;
  for (std::size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

std::array<double, 3> momentum_of(const Lattice& lattice, std::size_t k) {
  std::array<double, 3> result{};
  for (int i = 0; i < lattice.dimensions(); ++i) {
    const auto d = static_cast<std::size_t>(i);
    result[d] = 2.0 * pi * static_cast<double>(lattice.momentum(k)[d]) / static_cast<double>(lattice.cells(i));
  }
  return result;
}

TEST(Orbitals, ClustersArePlainSumsOverTerms) {
  Random random(3);
  for (const auto& cells : {std::vector<std::int64_t>{5}, {3, 4}, {2, 3, 2}}) {
    const OrbitalHatsugaiKohmoto model = random_model(random, cells, 3);
    const OrbitalMomenta momenta(model);
    for (std::size_t k = 0; k < momenta.size(); ++k) {
      const clusters::Cluster cluster = momenta.cluster(k);
      auto at = momentum_of(momenta.lattice(), k);
      for (const std::size_t s : {0, 1}) {
        const PlainMatrices expected = plain(model, s == 0, at);
        EXPECT_LT(distance(cluster.hamiltonian[s], expected.h), 1e-14);
        EXPECT_LT(distance(cluster.loss[s], expected.loss), 1e-14);
        EXPECT_LT(distance(cluster.gain[s], expected.gain), 1e-14);
        for (int i = 0; i < momenta.lattice().dimensions(); ++i) {
          constexpr double step = 1e-5;  // errors of step^2, and of rounding / step
          auto before = at, after = at;
          before[static_cast<std::size_t>(i)] -= step;
          after[static_cast<std::size_t>(i)] += step;
          auto difference = plain(model, s == 0, after).h;
          const auto lower = plain(model, s == 0, before).h;
          for (std::size_t e = 0; e < lower.size(); ++e) difference[e] = (difference[e] - lower[e]) / (2.0 * step);
          EXPECT_LT(distance(momenta.slope(k, s, i), difference), 1e-9);
        }
      }
    }
  }
}

TEST(Orbitals, StoredCurrentsOfTwoOrbitals) {
  for (const auto& stored : data::orbital_clusters::rings) {
    const OrbitalSteadyState state = orbital_steady_state(two_orbital_chain(stored.sites, stored.interaction));
    for (std::size_t s = 0; s < 2; ++s) {
      EXPECT_NEAR(state.current_spin[s], stored.currents[s], accuracy) << stored.interaction;
      EXPECT_NEAR(state.density_spin[s], stored.densities[s], accuracy);
    }
    EXPECT_LT(state.residual, 1e-12);
  }
}

TEST(Orbitals, OneOrbitalIsTheClosedForm) {
  HatsugaiKohmoto one;
  one.cells = {3, 2};
  one.hopping_terms = {{{1, 0}, Complex(-1.0, 0.3)}, {{0, 1}, -0.6}, {{1, 1}, Complex(0.2, -0.4)}};
  one.interaction = 1.9;
  one.down.gain = 0.3;
  one.down.operators = {{BathOperatorKind::loss, {{{0, 0}, 0.8}, {{1, 0}, Complex(0.0, 0.8)}}}};
  one.up.loss = 0.1;
  one.up.operators = {{BathOperatorKind::gain, {{{0, 0}, 0.4}, {{0, 1}, Complex(0.0, 0.3)}}}};
  OrbitalHatsugaiKohmoto model;
  model.cells = one.cells;
  model.orbitals = 1;
  for (const LatticeTerm& term : one.hopping_terms)
    model.hopping_terms.push_back({term.displacement, 0, 0, term.amplitude});
  model.interaction = one.interaction;
  for (const auto& [from, to] : {std::pair(&one.up, &model.up), {&one.down, &model.down}}) {
    to->gain = from->gain;
    to->loss = from->loss;
    for (const BathOperator& channel : from->operators) {
      auto& made = to->operators.emplace_back();
      made.kind = channel.kind;
      for (const LatticeTerm& term : channel.terms) made.terms.push_back({term.displacement, 0, term.amplitude});
    }
  }
  const std::vector<double> times = {0.0, 0.8, 2.3}, frequencies = {-1.4, 0.2, 2.0};
  const GreenResult expected = green(one, times);
  const OrbitalGreen found = orbital_green(model, times);
  EXPECT_LT(distance(found.green_retarded_momentum, expected.green_retarded_momentum), 1e-13);
  EXPECT_LT(distance(found.green_retarded, expected.green_retarded), 1e-13);
  for (std::size_t i = 0; i < times.size(); ++i) EXPECT_NEAR(found.norm[i], expected.norm[i], 1e-13);
  for (std::size_t i = 0; i < found.drift.size(); ++i) {
    EXPECT_NEAR(found.drift[i], expected.drift[i], 1e-12);
    EXPECT_NEAR(found.drift_symmetric[i], expected.drift_symmetric[i], 1e-12);
  }
  const std::vector<std::int64_t> path = {0, 0, 1, -1, -1, 0};
  SpectralOptions spectral_options;
  spectral_options.momenta = path;
  spectral_options.broadening = 0.05;
  const SpectralResult peaks = spectral(one, frequencies, spectral_options);
  const OrbitalSpectrum spectrum = orbital_spectral(model, frequencies, {.momenta = path, .broadening = 0.05});
  EXPECT_LT(distance(spectrum.green_retarded, peaks.green_retarded), 1e-12);
  EXPECT_LT(distance(spectrum.self_energy, peaks.self_energy), 1e-11);
  const OrbitalSteadyState state = orbital_steady_state(model);
  const HatsugaiKohmotoModes modes = modes_of(one);
  for (std::size_t k = 0; k < 6; ++k) {
    EXPECT_NEAR(state.occupation_spin[k], modes.up.gain[k] / (modes.up.gain[k] + modes.up.loss[k]), 1e-13);
    EXPECT_NEAR(state.occupation_spin[6 + k], steady_occupation(modes.down)[k], 1e-13);
  }
}

TEST(Orbitals, FreeParticlesHaveTheSelfEnergyOfTheirBaths) {
  // U = 0: Sigma_ab = -(i/2) (gamma_ba + kappa_ab), and the steady <c+_a c_b> solves a linear equation.
  Random random(9);
  OrbitalHatsugaiKohmoto model = random_model(random, {3, 2}, 2);
  model.interaction_matrix.clear();
  const std::vector<double> frequencies = {-0.7, 1.1};
  const OrbitalSpectrum spectrum = orbital_spectral(model, frequencies);
  const OrbitalSteadyState state = orbital_steady_state(model);
  const Lattice lattice = model.lattice();
  for (std::size_t k = 0; k < 6; ++k) {
    const auto at = momentum_of(lattice, k);
    const PlainMatrices up = plain(model, true, at);
    for (std::size_t w = 0; w < 2; ++w)
      for (std::size_t a = 0; a < 2; ++a)
        for (std::size_t b = 0; b < 2; ++b)
          EXPECT_LT(std::abs(spectrum.self_energy[((k * 2 + w) * 2 + a) * 2 + b] -
                             Complex(0.0, -0.5) * (up.loss[b * 2 + a] + up.gain[a * 2 + b])),
                    1e-11);
    for (const std::size_t s : {0, 1}) {
      // rho_ab = <c+_b c_a>: drho/dt = -i [h, rho] - {gamma^T + kappa, rho}/2 + kappa = 0
      const PlainMatrices m = plain(model, s == 0, at);
      const Complex* rho = &state.density_matrix[(s * 6 + k) * 4];
      for (std::size_t a = 0; a < 2; ++a)
        for (std::size_t b = 0; b < 2; ++b) {
          Complex rate = m.gain[a * 2 + b];
          for (std::size_t c = 0; c < 2; ++c) {
            const auto damping = [&](std::size_t x, std::size_t y) { return m.loss[y * 2 + x] + m.gain[x * 2 + y]; };
            rate += Complex(0.0, -1.0) * (m.h[a * 2 + c] * rho[c * 2 + b] - rho[a * 2 + c] * m.h[c * 2 + b]) -
                    0.5 * (damping(a, c) * rho[c * 2 + b] + rho[a * 2 + c] * damping(c, b));
          }
          EXPECT_LT(std::abs(rate), 1e-12);
        }
    }
  }
}

TEST(Orbitals, TwoMomentaOfTwoOrbitalsFactoriseInOneFockSpace) {
  // The baths act on cells, and so on both momenta at once: the master equation of all eight orbitals, with operators
  // of the cells, against the solutions of each momentum alone.
  Random random(14);
  OrbitalHatsugaiKohmoto model = random_model(random, {2}, 2);
  for (OrbitalBath* bath : {&model.up, &model.down}) {  // fewer operators: the Fock space is large
    bath->gain = 0.0;
    bath->operators = {bath->operators.front(), bath->operators.back()};
  }
  const Lattice lattice = model.lattice();
  reference::OpenFermions space(8);
  using Operator = reference::OpenFermions::Operator;
  const auto mode = [](std::size_t k, std::size_t s, std::size_t a) { return 4 * k + 2 * s + a; };
  /// c_{j,a} = N^{-1/2} sum_k e^{ikj} c_{k,a}
  const auto of_cell = [&](std::int64_t j, std::size_t s, int a) {
    Operator sum = space.zero();
    for (std::size_t k = 0; k < 2; ++k) {
      const double phase = pi * static_cast<double>(lattice.momentum(k)[0] * j);
      reference::OpenFermions::add(sum, std::exp(Complex(0.0, phase)) / std::sqrt(2.0),
                                   space.c(mode(k, s, static_cast<std::size_t>(a))));
    }
    return sum;
  };
  for (std::size_t s = 0; s < 2; ++s) {
    const OrbitalBath& bath = s == 0 ? model.up : model.down;
    for (std::int64_t j = 0; j < 2; ++j) {
      for (const HoppingTerm& term : s == 0 ? model.hopping_terms_up : model.hopping_terms_down) {
        const Operator hop = space.product(space.adjoint(of_cell(j, s, term.to_orbital)),
                                           of_cell(j + term.displacement[0], s, term.from_orbital));
        space.add_to_hamiltonian(term.amplitude, hop);
        if (term.displacement[0] != 0 || term.to_orbital != term.from_orbital)
          space.add_to_hamiltonian(std::conj(term.amplitude), space.adjoint(hop));
      }
      for (int a = 0; a < 2; ++a) {
        Operator jump = of_cell(j, s, a);
        for (Complex& element : jump) element *= std::sqrt(bath.loss);
        space.add_jump(jump);
      }
      for (const OrbitalBathOperator& channel : bath.operators) {
        Operator jump = space.zero();
        for (const OrbitalTerm& term : channel.terms) {
          const Operator c = of_cell(j + term.displacement[0], s, term.orbital);
          reference::OpenFermions::add(jump, term.amplitude,
                                       channel.kind == BathOperatorKind::gain ? space.adjoint(c) : c);
        }
        space.add_jump(jump);
      }
    }
  }
  for (std::size_t k = 0; k < 2; ++k)
    for (std::size_t a = 0; a < 2; ++a)
      for (std::size_t b = 0; b < 2; ++b)
        space.add_to_hamiltonian(model.interaction_matrix[a][b],
                                 space.product(space.number(mode(k, 0, a)), space.number(mode(k, 1, b))));
  // The product of the states of the momenta, both of an even number of fermions, is steady.
  const OrbitalMomenta momenta(model);
  const auto first = clusters::steady_state(momenta.cluster(0), false),
             second = clusters::steady_state(momenta.cluster(1), false);
  Operator rho = space.zero();
  for (std::size_t i = 0; i < first.density.size(); ++i)
    for (std::size_t j = 0; j < second.density.size(); ++j) {
      const clusters::Pair x = first.sector.basis()[i], y = second.sector.basis()[j];
      rho[(x.ket | y.ket << 4U) * space.dimension() + (x.bra | y.bra << 4U)] = first.density[i] * second.density[j];
    }
  double largest = 0.0;
  for (const Complex& element : space.rate(rho)) largest = std::max(largest, std::abs(element));
  EXPECT_LT(largest, accuracy);

  const OrbitalSteadyState state = orbital_steady_state(model);
  const std::vector<double> times = {0.05};
  const OrbitalGreen found = orbital_green(model, times);
  for (std::size_t k = 0; k < 2; ++k) {
    const std::size_t a = k;  // one orbital of each momentum, with all others
    const Operator later = space.evolved(space.c(mode(k, 0, a)), times[0], true);
    for (std::size_t q = 0; q < 2; ++q)
      for (std::size_t b = 0; b < 2; ++b) {
        Operator sum = space.product(space.create(mode(q, 0, b)), later);
        reference::OpenFermions::add(sum, 1.0,
                                     space.adjoint(space.product(space.c(mode(q, 0, b)), space.adjoint(later))));
        const Complex green = Complex(0.0, -1.0) * space.expectation(sum, rho);
        EXPECT_LT(std::abs(green - (q == k ? found.green_retarded_momentum[(k * 2 + a) * 2 + b] : 0.0)), accuracy);
        for (std::size_t s = 0; s < 2; ++s) {
          const Complex correlation =
              space.expectation(space.product(space.create(mode(q, s, b)), space.c(mode(k, s, a))), rho);
          EXPECT_LT(std::abs(correlation - (q == k ? state.density_matrix[((s * 2 + k) * 2 + a) * 2 + b] : 0.0)),
                    accuracy);
        }
      }
  }
}

TEST(Orbitals, SpinsThatAreExchangedExchangeTheirCurrents) {
  Random random(13);
  OrbitalHatsugaiKohmoto model = random_model(random, {3}, 2), swapped = model;
  std::swap(swapped.up, swapped.down);
  std::swap(swapped.hopping_terms_up, swapped.hopping_terms_down);
  std::swap(swapped.interaction_matrix[0][1], swapped.interaction_matrix[1][0]);  // U_ab n_{a,up} n_{b,down}
  const OrbitalSteadyState one = orbital_steady_state(model), other = orbital_steady_state(swapped);
  for (const std::size_t s : {0, 1}) {
    EXPECT_NEAR(one.current_spin[s], other.current_spin[1 - s], 1e-12);
    EXPECT_NEAR(one.density_spin[s], other.density_spin[1 - s], 1e-12);
  }
  EXPECT_GT(std::fabs(one.current_spin[0]), 1e-4);
}

TEST(Orbitals, OrbitalsThatDoNotMeetAreChainsOfTheirOwn) {
  OrbitalHatsugaiKohmoto model;
  model.cells = {4};
  model.orbitals = 2;
  model.hopping_terms = {{{1}, 0, 0, -1.0}, {{1}, 1, 1, Complex(-0.5, 0.2)}};
  model.interaction_matrix = {{1.5, 0.0}, {0.0, -0.8}};
  model.down.gain = 0.4;
  model.down.operators = {{BathOperatorKind::loss, {{{0}, 0, 0.9}, {{1}, 0, Complex(0.0, 0.9)}}},
                          {BathOperatorKind::loss, {{{0}, 1, 0.6}}}};
  const std::vector<double> times = {0.4, 1.9};
  const OrbitalGreen both = orbital_green(model, times);
  for (int orbital = 0; orbital < 2; ++orbital) {
    const auto o = static_cast<std::size_t>(orbital);
    OrbitalHatsugaiKohmoto alone = model;
    alone.orbitals = 1;
    alone.hopping_terms = {{{1}, 0, 0, model.hopping_terms[o].amplitude}};
    alone.interaction = model.interaction_matrix[o][o];
    alone.interaction_matrix.clear();
    alone.down.operators = {model.down.operators[o]};
    for (OrbitalTerm& term : alone.down.operators[0].terms) term.orbital = 0;
    const OrbitalGreen one = orbital_green(alone, times);
    for (std::size_t i = 0; i < one.green_retarded.size(); ++i) {
      EXPECT_LT(std::abs(both.green_retarded[4 * i + 3 * o] - one.green_retarded[i]), 1e-13);
      EXPECT_LT(std::abs(both.green_retarded[4 * i + 1 + o]), 1e-14);  // no coupling to the other orbital
    }
  }
}

TEST(Orbitals, GreenFunctionBeginsAtItsCellAndItsMomentsArePlainSums) {
  Random random(19);
  const OrbitalHatsugaiKohmoto model = random_model(random, {3, 4}, 2);
  const std::vector<double> times = {0.0, 0.9};
  const OrbitalGreen found = orbital_green(model, times);
  const Lattice lattice = model.lattice();
  for (std::size_t t = 0; t < 2; ++t)
    for (std::size_t b = 0; b < 2; ++b) {
      double norm = 0.0, of_momenta = 0.0;
      std::array<double, 2> moment{};
      for (std::size_t j = 0; j < 12; ++j)
        for (std::size_t a = 0; a < 2; ++a) {
          const std::size_t i = ((t * 12 + j) * 2 + a) * 2 + b;
          const double weight = std::norm(found.green_retarded[i]);
          of_momenta += std::norm(found.green_retarded_momentum[i]) / 12.0;
          norm += weight;
          for (std::size_t d = 0; d < 2; ++d) moment[d] += weight * static_cast<double>(lattice.momentum(j)[d]);
          if (t == 0) {
            const bool here = lattice.momentum(j) == LatticeVector{} && a == b;
            EXPECT_LT(std::abs(found.green_retarded[i] - (here ? Complex(0.0, -1.0) : Complex())), 1e-14);
          }
        }
      EXPECT_NEAR(found.norm[t * 2 + b], norm, 1e-14);
      EXPECT_NEAR(norm, of_momenta, 1e-14);
      for (std::size_t d = 0; d < 2; ++d) EXPECT_NEAR(found.drift[(t * 2 + b) * 2 + d], moment[d] / norm, 1e-13);
    }
}

TEST(Orbitals, PlansGrowAsTheSectors) {
  OrbitalHatsugaiKohmoto model = two_orbital_chain(4, 1.0);
  for (const auto& [n, operators, greens] :
       {std::tuple{1, 4.0, 2.0}, {2, 36.0, 24.0}, {3, 400.0, 300.0}, {4, 4900.0, 3920.0}}) {
    model.orbitals = n;
    EXPECT_EQ(plan_orbitals(model, 0, 0, 0, 0.0, {}).operators, operators);
    EXPECT_EQ(plan_orbitals(model, 1, 1, 0, 0.0, {}).operators, std::max(operators, greens));
  }
  model.up.gain = 0.0;  // spin up is a single probe
  for (const auto& [n, greens] : {std::pair{1, 2.0}, {2, 12.0}, {3, 60.0}, {4, 280.0}}) {
    model.orbitals = n;
    EXPECT_EQ(plan_orbitals(model, 1, 1, 0, 0.0, {}).operators, greens);
  }
}

TEST(Orbitals, RefusesWhatHasNoMeaning) {
  const auto refuse = [](const OrbitalHatsugaiKohmoto& model, const std::string& key) {
    try {
      orbital_steady_state(model);
      ADD_FAILURE() << key;
    } catch (const ParameterError& error) {
      EXPECT_NE(std::string(error.what()).find(key), std::string::npos) << error.what();
    }
  };
  OrbitalHatsugaiKohmoto model = two_orbital_chain(4, 1.0);
  model.orbitals = 9;
  refuse(model, "model.orbitals");
  model = two_orbital_chain(4, 1.0);
  model.hopping_terms[0].from_orbital = 2;
  refuse(model, "model.hopping_terms[0]");
  model = two_orbital_chain(4, 0.0);
  model.interaction_matrix = {{1.0}};
  refuse(model, "model.interaction_matrix");
  model.interaction_matrix = {{1.0, NAN}, {0.0, 1.0}};
  refuse(model, "model.interaction_matrix[0][1]");
  model = two_orbital_chain(4, 1.0);
  model.interaction_matrix = {{1.0, 0.0}, {0.0, 1.0}};
  refuse(model, "model.interaction_matrix");
  model = two_orbital_chain(4, 1.0);
  model.down.operators[0].terms[1].orbital = -1;
  refuse(model, "bath.down.operator[0].terms[1]");
  model = two_orbital_chain(4, 1.0);
  model.up.loss = -0.1;
  refuse(model, "bath.up.loss");
  // Without a bath the particles of spin down are conserved: the steady state is not unique.
  model = two_orbital_chain(4, 1.0);
  model.down = {};
  EXPECT_THROW(orbital_steady_state(model), UnsupportedError);
}

}  // namespace
}  // namespace lindrift::testing
