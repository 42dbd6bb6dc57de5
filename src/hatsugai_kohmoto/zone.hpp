#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <vector>

#include "lindrift/hatsugai_kohmoto/chain.hpp"

namespace lindrift {

/// A momentum anywhere in the zone, radians; entries beyond the lattice's dimensions are ignored.
using Momentum = std::array<double, 3>;

/// Value of a function of the momentum and its derivatives along the directions.
struct Slope {
  double value = 0.0;
  std::array<double, 3> derivative{};

  Slope& operator+=(const Slope& other);
};

/// The model's functions at any momentum.
struct ZoneMode {
  Slope energy;      ///< eps_k of spin up
  Slope up_rate;     ///< Gamma_up
  Slope gain, loss;  ///< kappa and gamma of spin down
};

/// The Hatsugai-Kohmoto model as a function of a continuous momentum (docs/physics.md, Eqs. 110 and 111). Tabulated
/// rates are interpolated between the momenta of the lattice, linearly along each direction.
class Zone {
 public:
  explicit Zone(const HatsugaiKohmoto& model);

  int dimensions() const { return lattice_.dimensions(); }
  const Lattice& lattice() const { return lattice_; }
  double interaction() const { return interaction_; }

  ZoneMode at(const Momentum& k) const;
  /// Bounds that hold in the whole zone, as the values of a ZoneMode: on |derivative| of the interpolated tables along
  /// a direction, and on |second derivative| of all else.
  ZoneMode table_slope(int direction) const;
  ZoneMode curvature(int direction) const;

  /// S^2 (Eq. 36), minus the squared distance between the poles, and its derivatives.
  struct Splitting {
    std::complex<double> value;
    std::array<std::complex<double>, 3> derivative;
  };
  Splitting splitting(const ZoneMode& mode) const;

 private:
  /// |sum_R a_R e^{+-ik.R}|^2
  struct Channel {
    std::vector<LatticeTerm> terms;
    double sign = 1.0;
  };
  /// Rates of one spin and one kind.
  struct Rates {
    double constant = 0.0;
    std::vector<Channel> channels;
    std::vector<double> table;
  };

  static Rates rates_of(const OpenBath& bath, BathOperatorKind kind);
  void add(const Rates& rates, const Momentum& k, Slope& sum) const;
  double table_slope(const std::vector<double>& table, int direction) const;

  Lattice lattice_;
  std::vector<LatticeTerm> hopping_;
  double interaction_;
  Rates up_gain_, up_loss_, gain_, loss_;
};

}  // namespace lindrift
