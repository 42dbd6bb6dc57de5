#pragma once

// Written by make_headers.py from hatsugai_kohmoto_poles.json; change that file, not this one.
// clang-format off

#include <complex>
#include <cstdint>
#include <vector>

/// Poles of the open Hatsugai-Kohmoto model by a program in NumPy: chains with gain 1.5 and loss from bonds 0.5
/// at phase pi/2 of spin down, J = 1, at two momenta; areas that both poles enclose over the zone, in either
/// order; windings around base energies [re, im]. Smallest separation of the poles over some thousand momenta. A
/// square lattice of 64 x 64 with gain 0.5 + (1 + cos k_2), loss 2 (1 - sin k_1) and U = 3: cells of the momenta
/// m = 0 .. 63 that S^2 turns around, with its turns, and the exceptional points.
namespace lindrift::data::hatsugai_kohmoto_poles {

struct Chain {
  double interaction;
  std::vector<double> momenta;
  std::vector<std::vector<double>> slow;
  std::vector<std::vector<double>> fast;
  double smallest_separation;
  std::vector<double> areas;
  std::vector<std::vector<double>> base_energies;
  std::vector<double> windings;
};

inline const std::vector<Chain> chains = {{0.5, {-1.0, 0.4}, {{-0.8564403166859159, -0.018608206378895042}, {-1.4842778270551364, -0.024383899730860303}}, {{-0.8047689067866427, -3.322862778429002}, {-1.6999661489564035, -2.086197757960489}}, 1.5811388300841898, {-6.253493519798744, -0.029691787380842143}, {{0.0, -0.2}, {0.5, -0.2}, {0.5, -0.5}, {0.25, -0.8}}, {0.0, 0.0, 0.0, 0.0}}, {1.0, {-1.0, 0.4}, {{-0.6341246429875044, -0.07567390132873375}, {-1.1099887961542896, -0.09741580975135289}}, {{-0.5270845804850542, -3.265797083479163}, {-1.5742551798572504, -2.0131658479399963}}, 1.7894033154800792, {-6.14474382256705, -0.13844148461253689}, {{0.0, -0.2}, {1.0, -0.2}, {1.0, -0.5}, {0.5, -0.8}}, {0.0, 0.0, 0.0, 0.0}}, {2.0, {-1.0, 0.4}, {{-0.2075995712251453, -0.3263081774055352}, {-0.21641842901752928, -0.3445562249488744}}, {{0.046390347752586686, -3.0151628074023615}, {-1.4678255469940107, -1.7660254327424747}}, 1.7236477630913394, {-5.44053896251464, -0.842646344664947}, {{0.0, -0.2}, {2.0, -0.2}, {2.0, -0.5}, {1.0, -0.8}}, {0.0, -1.0, 0.0, 0.0}}, {4.0, {-1.0, 0.4}, {{-0.2200977193053173, -1.3710662951620438}, {1.9294365493290344, -0.5532366637901279}}, {{2.0588884958327585, -1.970404689645853}, {-1.6136805253405744, -1.5573449939012214}}, 2.3353938896835005, {-6.846580652419807, 0.5633953452402202}, {{0.0, -0.2}, {4.0, -0.2}, {4.0, -0.5}, {2.0, -0.8}}, {0.0, -1.0, -1.0, -1.0}}, {8.0, {-1.0, 0.4}, {{-0.7198160604688728, -1.4830734180131795}, {6.043231385396924, -0.5974594519638745}}, {{6.558606836996313, -1.8583975667947172}, {-1.7274753614084637, -1.5131222057274747}}, 7.236346220693267, {-6.365204972563322, 0.08201966538373619}, {{0.0, -0.2}, {8.0, -0.2}, {8.0, -0.5}, {4.0, -0.8}}, {0.0, -1.0, -1.0, 0.0}}};
inline const std::vector<std::vector<double>> cells = {{2.0, 16.0, -1.0}, {2.0, 47.0, 1.0}, {29.0, 16.0, 1.0}, {29.0, 47.0, -1.0}};
inline const std::vector<std::vector<double>> points = {{0.25268025514207865, 1.5707963267948966}, {0.25268025514207865, 4.71238898038469}, {2.8889123984477143, 1.5707963267948966}, {2.8889123984477143, 4.71238898038469}};

}  // namespace lindrift::data::hatsugai_kohmoto_poles
