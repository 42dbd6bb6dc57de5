#pragma once

// Written by make_headers.py from tgge_gradients.json; change that file, not this one.
// clang-format off

#include <complex>
#include <cstdint>
#include <vector>

/// Derivatives of the currents of two bands on a 4 x 3 lattice, and zero-frequency noise N S(0) of the Raman
/// chain at half filling (delta = 1+i, delta' = 1+0.5i, beta J = 2, gamma_neq = 1/2), from independent programs
/// in momentum space and in real space. hopping terms are [R_1, R_2, a, b, re, im] of c+_{j,a} c_{j+R,b}, those
/// of channels [R_1, R_2, a, R'_1, R'_2, b, re, im] of c+_{j+R,a} c_{j+R',b}. amplitude_re, amplitude_im belong
/// to the first term of the first channel, hopping_re, hopping_im to the first hopping term together with its
/// Hermitian partner. Finite differences agree to 1e-11. In noise_cases, occupation is that of the rate
/// equations, and exclusion_occupation that of the exact classical exclusion process with the same rates, of
/// which they are the mean field.
namespace lindrift::data::tgge_gradients {

struct Current {
  double gamma_neq;
  double gamma_eq;
  double inverse_temperature;
  double filling;
  double amplitude_re;
  double amplitude_im;
  double hopping_re;
  double hopping_im;
};

struct NoiseCase {
  std::int64_t sites;
  double noise;
  std::vector<double> occupation;
  std::vector<double> exclusion_occupation;
};

inline const double width = 4.0;
inline const double height = 3.0;
inline const std::vector<std::vector<double>> hopping = {{0.0, 1.0, 0.0, 0.0, 0.6071, -0.9722}, {0.0, -1.0, 0.0, 0.0, 0.6071, 0.9722}, {0.0, 1.0, 1.0, 0.0, 0.783, 0.2724}, {0.0, -1.0, 0.0, 1.0, 0.783, -0.2724}, {1.0, 1.0, 1.0, 0.0, 1.7761, 1.2024}, {-1.0, -1.0, 0.0, 1.0, 1.7761, -1.2024}, {-1.0, 1.0, 0.0, 0.0, 0.4448, -1.7458}, {1.0, -1.0, 0.0, 0.0, 0.4448, 1.7458}, {0.0, -1.0, 0.0, 0.0, -0.25, -0.6024}, {0.0, 1.0, 0.0, 0.0, -0.25, 0.6024}, {0.0, 0.0, 0.0, 0.0, -0.4281, 0.0}, {0.0, 0.0, 1.0, 1.0, 0.0717, 0.0}};
inline const std::vector<std::vector<std::vector<double>>> channels = {{{-1.0, 0.0, 0.0, 0.0, 0.0, 1.0, -1.3448, -1.2708}, {0.0, -1.0, 1.0, 1.0, 0.0, 1.0, -0.6047, -0.7104}, {-1.0, -1.0, 0.0, -1.0, 0.0, 0.0, 0.018, 0.6928}, {1.0, 1.0, 0.0, 0.0, 0.0, 1.0, -2.131, -0.1984}}, {{0.0, 0.0, 0.0, -1.0, -1.0, 1.0, -1.1735, -1.2594}, {-1.0, 1.0, 1.0, -1.0, 1.0, 0.0, -0.7133, 0.1811}, {0.0, 0.0, 1.0, 1.0, -1.0, 0.0, -0.0466, -0.7358}, {1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.1134, -0.3378}}};
inline const double inverse_temperature = 1.5;
inline const double gamma_neq = 0.6;
inline const double gamma_eq = 0.4;
inline const double filling = 0.43;
inline const std::vector<Current> currents = {{-0.038904973640607826, 0.058357460460911635, 0.06541734392569949, -0.0241982501148396, -0.0015711217718001344, 0.018884436345147394, -0.0009413605252062626, -0.03482917714033065}, {0.03263679736119091, -0.04895519604178633, -0.05161781157823375, 0.06013094597893782, 0.0010239342207576652, -0.017564749138853815, 0.0039566887358907996, 0.023284332927790734}};
inline const std::vector<NoiseCase> noise_cases = {{8, 0.35527568104989504, {0.0940368192409365, 0.04639276180489382, 0.40404996028892204, 0.9447760416685325, 0.9560445460744408, 0.7777113081448624, 0.5126378138050909, 0.2643507489723215}, {0.06820975795173043, 0.031453900992930786, 0.3779537525950745, 0.9637749271448984, 0.9710473798517827, 0.8310913186967616, 0.5351530442900188, 0.2213159184768034}}, {12, 0.34105759511087774, {0.09384099498105845, 0.043478203379171215, 0.08996769773210622, 0.4035050735133442, 0.8371155076860147, 0.982886141583503, 0.9559502973475055, 0.8531340164050103, 0.6910409212263131, 0.5121306447782753, 0.3421342353180338, 0.19481626604966523}, {0.0749689777717915, 0.03333700784512385, 0.07039100801052403, 0.3863177960296963, 0.8685784719919806, 0.987524897523569, 0.9667431773416136, 0.8817736054170076, 0.7252808147003337, 0.5207629653136433, 0.31849966370218696, 0.16582161435252984}}, {100, 0.3407504917, {}, {}}};

}  // namespace lindrift::data::tgge_gradients
