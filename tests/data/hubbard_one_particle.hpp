#pragma once

// Written by make_headers.py from hubbard_one_particle.json; change that file, not this one.
// clang-format off

#include <complex>
#include <cstdint>
#include <vector>

/// Drift velocity and diffusion constant of one particle of spin up among driven particles of spin down on a
/// ring: exact, with collisions to second order, and with both ladders, those of the small rings by sums over
/// 60000 frequencies.
namespace lindrift::data::hubbard_one_particle {

struct Small {
  std::int64_t sites;
  double phase_over_pi;
  double gain;
  double two_site_loss;
  double interaction;
  double velocity_exact;
  double velocity_second;
  double diffusion_second;
  double velocity_both;
  double diffusion_both;
};

struct Ring {
  std::int64_t sites;
  double phase_over_pi;
  double gain;
  double two_site_loss;
  double interaction;
  double both;
  double velocity;
  double diffusion;
};

inline const std::vector<Small> small = {{3, 0.5, 0.2, 2.0, 0.5, 0.15600393745407445, 0.1671182073361619, 255.93097986619713, 0.15614563047253271, 248.8342394132594}, {3, 0.5, 0.2, 2.0, 2.0, 0.12152599219569526, 0.1671182073361619, 15.995686241637321, 0.12935695386697688, 17.348434123843937}, {4, 0.25, 0.2, 2.0, 0.5, 0.012211970536709138, 0.004836014708027414, 254.1132036599654, 0.011947240423355987, 254.35125130179887}, {4, 0.25, 0.2, 2.0, 2.0, 0.055097967013013005, 0.004836014708027414, 15.882075228747837, 0.053391498283898275, 18.82991418489521}, {5, 0.25, 0.2, 2.0, 0.5, 0.16000262686284975, 0.17966162260319596, 108.51575106993738, 0.1540664255475082, 105.89733624621988}, {5, 0.25, 0.2, 2.0, 2.0, 0.13504759093618815, 0.17966162260319596, 6.782234441871086, 0.10060847564638054, 7.8621012489302515}};
inline const std::vector<Ring> rings = {{128, 0.25, 0.2, 2.0, 1.0, 0.0, 0.08262956907094252, 34.54061634391155}, {128, 0.25, 0.2, 2.0, 1.0, 1.0, 0.03522709170753123, 33.66415485484516}, {128, 0.5, 0.2, 2.0, 1.0, 0.0, -3.331753276047955e-16, 35.18078311708124}, {128, 0.5, 0.2, 2.0, 1.0, 1.0, 0.0644088080425546, 38.104804318628936}};

}  // namespace lindrift::data::hubbard_one_particle
