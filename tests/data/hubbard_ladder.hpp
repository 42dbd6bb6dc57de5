#pragma once

// Written by make_headers.py from hubbard_ladder.json; change that file, not this one.
// clang-format off

#include <complex>
#include <cstdint>
#include <vector>

/// The particle ladder at the parameters of the published figure, L = 128, J = 1, U = 2, gain 0.2, loss 4 (1 -
/// sin p). Rows of spectra: m, w, Re and Im of the self-energy with the mean field, A. Rows of propagation: t,
/// norm, drift, |G(j,t)|^2 at j = 0, 8, -8, to 1e-7.
namespace lindrift::data::hubbard_ladder {

inline const double mean_field = 0.3123475237772122;
inline const std::vector<std::vector<double>> spectra = {{0, -2.0, 0.23892352330521488, -0.10438159462056998, 3.0709515991475866}, {0, 0.0, 0.2800564974079057, -0.12692655181138843, 0.08534839723849133}, {32, 0.0, 0.17609791272434533, -0.14366715014710377, 5.563025511563373}, {96, 0.0, 0.2851776406875797, -0.08869699268223065, 1.9888680028792265}, {16, 8.0, 0.37791367286591204, -0.03507905315792757, 0.0008591916394624401}, {48, 1.5, 0.2173614178725794, -0.1992433106002675, 6.989782742957476}, {112, -1.5, 0.2716443035749107, -0.09226449817392458, 1.3541477274831737}};
inline const std::vector<std::vector<double>> propagation = {{2.0, 0.6215450010694448, -0.24999488474287135, 0.09596280940958903, 1.1493574696129598e-05, 1.2908316771724942e-05}, {5.0, 0.2894805895695798, -2.0702159876232926, 0.01745044689002979, 0.01818432464487798, 0.03869573692116912}, {10.0, 0.09234974239800739, -7.44351728942169, 0.002010188831423585, 0.0006391947028397518, 0.0009544682717552842}};

}  // namespace lindrift::data::hubbard_ladder
