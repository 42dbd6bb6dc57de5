#pragma once

#include <limits>

#include "io/output.hpp"

namespace lindrift::io::sample {

/// Every type, rank and kind of coordinate that an output file can contain: grid coordinates, strings, a dimension
/// without values, a coordinate along another dimension, scalars.
inline OutputFile every_kind() {
  const double missing = std::numeric_limits<double>::quiet_NaN();
  OutputFile file;
  file.coordinates = {
      {.name = "bath.nonequilibrium_fraction",
       .dimensions = {"bath.nonequilibrium_fraction"},
       .shape = {2},
       .data = std::vector<double>{0.0, 0.5},
       .units = "1",
       .long_name = "weight of the nonequilibrium bath"},
      {.name = "momentum",
       .dimensions = {"momentum"},
       .shape = {3},
       .data = std::vector<double>{-2.0, 0.0, 2.0},
       .units = "rad",
       .long_name = "momentum"},
      {.name = "spin",
       .dimensions = {"spin"},
       .shape = {2},
       .data = std::vector<std::string>{"up", "down"},
       .units = "1",
       .long_name = "spin"},
      {.name = "site",
       .dimensions = {"site"},
       .shape = {3},
       .data = std::vector<std::int64_t>{-1, 0, 1},
       .units = "1",
       .long_name = "site"},
      {.name = "bath.coupling",
       .dimensions = {"point"},
       .shape = {2},
       .data = std::vector<double>{0.1, 0.2},
       .units = "energy",
       .long_name = "coupling to the baths"},
  };
  file.fields = {
      {.name = "lagrange_multiplier",
       .dimensions = {"bath.nonequilibrium_fraction", "momentum"},
       .shape = {2, 3},
       .data = std::vector<double>{1.0, 2.0, 3.0, 4.0, missing, 6.0},
       .units = "1",
       .long_name = "Lagrange multiplier"},
      {.name = "green_retarded",
       .dimensions = {"site"},
       .shape = {3},
       .data = std::vector<std::complex<double>>{{1.0, -2.0}, {0.0, 3.0}, {4.5, 0.0}},
       .units = "1",
       .long_name = "retarded Green function"},
      {.name = "status",
       .dimensions = {"point"},
       .shape = {2},
       .data = std::vector<std::uint8_t>{1, 3},
       .units = "1",
       .long_name = "status of the point"},
      {.name = "error",
       .dimensions = {"point"},
       .shape = {2},
       .data = std::vector<std::string>{"", "did not converge: \u03b3 too large"},
       .units = "1",
       .long_name = "what went wrong"},
      {.name = "overlap",
       .dimensions = {"site", "site"},
       .shape = {3, 3},
       .data = std::vector<double>(9, 0.25),
       .units = "1",
       .long_name = "a dimension that appears twice"},
      {.name = "steps",
       .dimensions = {},
       .shape = {},
       .data = std::vector<std::int64_t>{7},
       .units = "1",
       .long_name = "steps"},
  };
  file.attributes = {
      {"lindrift_version", std::string("0.1.0")},
      {"elapsed_seconds", 1.5},
      {"threads", std::int64_t{2}},
      {"complete", std::uint8_t{1}},
      {"host", std::string()},
  };
  return file;
}

}  // namespace lindrift::io::sample
