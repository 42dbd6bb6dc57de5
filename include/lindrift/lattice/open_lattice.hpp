#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "lindrift/description.hpp"
#include "lindrift/lattice/lattice.hpp"
#include "lindrift/observable.hpp"

namespace lindrift {

/// One term of a sum over displacements R: an amplitude and the displacement of the cell j + R. One orbital per cell.
struct LatticeTerm {
  LatticeVector displacement{};
  std::complex<double> amplitude;
  int directions = 0;  ///< number of components given for the displacement; 0: as many as the lattice has

  bool operator==(const LatticeTerm&) const = default;
};

/// The indices of a term are its displacement.
inline void assign(LatticeTerm& term, const Term& given) {
  term = {};
  for (std::size_t i = 0; i < given.indices.size() && i < term.displacement.size(); ++i)
    term.displacement[i] = given.indices[i];
  term.amplitude = given.amplitude;
  term.directions = static_cast<int>(given.indices.size());
}

/// @throws ParameterError naming `quantity`[i] for the first displacement that does not fit the lattice
void validate(const std::vector<LatticeTerm>& terms, const Lattice& lattice, const std::string& quantity);

enum class Spin { up, down };

/// The lattice of an open model and its hopping (docs/physics.md, Eqs. 32 and 110): a ring of `sites` with
/// nearest-neighbour hopping J, or a lattice of `cells` in one to three directions with arbitrary hopping terms. Field
/// names are the TOML names.
struct OpenLattice {
  std::int64_t sites = 128;           ///< L of a ring, either parity
  double hopping = 1.0;               ///< J of a ring, nonzero, energy
  std::vector<std::int64_t> cells{};  ///< number along each direction, instead of sites; empty: a ring
  /// Amplitudes x_R of the hops x_R c+_j c_{j+R} + h.c. of both spins, on a lattice.
  std::vector<LatticeTerm> hopping_terms{};
  std::vector<LatticeTerm> hopping_terms_up{}, hopping_terms_down{};  ///< instead, if the spins differ

  bool is_ring() const { return cells.empty(); }
  /// @throws ParameterError naming model.sites or model.cells
  Lattice lattice() const;
  /// Total number of cells, even if they exceed the memory.
  std::size_t size() const { return is_ring() ? static_cast<std::size_t>(sites) : lattice().size(); }
  /// Hopping terms of one spin, including those of a ring.
  std::vector<LatticeTerm> terms(Spin spin) const;
};

/// Checks the numbers of cells, and that a lattice has hopping terms that fit it and a ring has none.
/// @throws ParameterError naming the key
void validate_lattice(const OpenLattice& lattice);

/// @throws ParameterError naming model.cells if a ring is required
void require_ring(const OpenLattice& lattice, const std::string& what);

/// e_k = sum_R 2 Re(x_R e^{ik.R}) (Eq. 110), shape (momenta,), ascending. O(momenta * terms).
std::vector<double> hopping_energies(const std::vector<LatticeTerm>& terms, const Lattice& lattice);

/// de_k/dk_i = sum_R -2 R_i Im(x_R e^{ik.R}) along a direction i, shape (momenta,), ascending.
std::vector<double> hopping_velocities(const std::vector<LatticeTerm>& terms, const Lattice& lattice,
                                       int direction = 0);

/// sum_R 2 |x_R|, an upper bound on |e_k|.
double largest_energy(const std::vector<LatticeTerm>& terms);
/// sum_R 2 |R_i x_R|, an upper bound on the group velocity along a direction.
double front_speed(const std::vector<LatticeTerm>& terms, int direction);

/// Dimensions over momenta and over sites: `momentum` and `site` for a ring; `momentum_1`, ..., `site_1`, ... and
/// `direction` for a lattice.
/// @param chosen  integers m of the momenta, one per direction, momentum after momentum; empty: all. Chosen momenta of
///                a lattice share one dimension, `path`.
std::vector<Coordinate> momentum_coordinates(const OpenLattice& lattice, const std::vector<std::int64_t>& chosen = {});
std::vector<Coordinate> site_coordinates(const OpenLattice& lattice);

/// Fields of the description of a model on such a lattice.
/// @param least  smallest number of sites of a ring
template <class Model>
auto open_lattice_fields(std::int64_t least) {
  Parameter sites = sites_parameter(least);
  sites.unless = {"model.cells"};
  Parameter hopping{.path = "model.hopping",
                    .help = "hopping J, not 0; set it to 1 to make it the unit of energy",
                    .range = {.nonzero = true},
                    .sweepable = true,
                    .units = "energy",
                    .unless = {"model.cells"},
                    .details = "either sign"};
  Parameter cells = cells_parameter();
  cells.help += ", instead of sites";
  cells.derived = "a ring of model.sites";
  cells.sweepable = cells.resizes = false;
  cells.details = "even or odd; needs hopping terms";
  const auto terms = [](std::string path, std::string help, std::string derived, std::vector<std::string> unless) {
    return Parameter{.path = std::move(path),
                     .help = std::move(help),
                     .derived = std::move(derived),
                     .unless = std::move(unless),
                     .term_length = 1,
                     .details = "repeated terms add up; physics.md Eq. 110"};
  };
  return std::tuple(
      field<Model, std::int64_t>(&Model::sites, sites), field<Model, double>(&Model::hopping, hopping),
      field<Model, std::vector<std::int64_t>>(&Model::cells, cells),
      field<Model, std::vector<LatticeTerm>>(
          &Model::hopping_terms,
          terms("model.hopping_terms", "[[R.., Re, Im], ...] of c+_j c_{j+R} + h.c., on a lattice of cells",
                "of a ring, from model.hopping", {"model.hopping_terms_up", "model.hopping_terms_down"})),
      field<Model, std::vector<LatticeTerm>>(
          &Model::hopping_terms_up,
          terms("model.hopping_terms_up", "the same for spin up only", "model.hopping_terms", {"model.hopping_terms"})),
      field<Model, std::vector<LatticeTerm>>(&Model::hopping_terms_down,
                                             terms("model.hopping_terms_down", "the same for spin down only",
                                                   "model.hopping_terms", {"model.hopping_terms"})));
}

template <>
inline auto description<OpenLattice>() {
  return open_lattice_fields<OpenLattice>(1);
}

}  // namespace lindrift
