#pragma once

#include <cstdint>

#include "kernels/tgge/panel_tables.hpp"

namespace lindrift {
class Communicator;
}

namespace lindrift::kernels {

enum class WeightKind { product, operators, table };
/// In the order of lindrift::Spectrum.
enum class SpectrumKind { exponential, lorentzian, ohmic };

/// The sums of Eq. 6 over every pair, evaluated outside the kernel as matrix products for a batch of points. The kernel
/// of a point writes its source modes, calls multiply() and reads the sums of its rows.
class ExternalPairSum {
 public:
  /// Pointers to the source modes and the sums of one point; valid as long as this object.
  struct Rows {
    // Sums over the spectrum of the thermal bath, where modes of the same energy form one level. Arrays of shape
    // (levels,):
    //   thermal_gain_l = sum_l' sigma(l,l') thermal_particle_l'
    //   thermal_loss_l = sum_l' sigma(l,l') thermal_hole_l'
    // Null for the exponential spectrum, whose even part is 1.
    double *thermal_particle = nullptr, *thermal_hole = nullptr;
    const double *thermal_gain = nullptr, *thermal_loss = nullptr;
    std::int64_t levels = 0;
    const std::int64_t *level_of = nullptr, *level_first = nullptr, *level_member = nullptr;  ///< as in RateTables
    // Sums over the hop weights. Arrays of shape (modes,):
    //   gain_s = sum_s' w(s,s') particle_s'      loss_s = sum_s' w(s',s) hole_s'
    // Null if the kernel computes them from moments.
    double *particle = nullptr, *hole = nullptr;
    const double *gain = nullptr, *loss = nullptr;
  };

  virtual ~ExternalPairSum();
  virtual Rows rows() = 0;
  virtual void multiply() = 0;
};

/// The data that a RateKernel is made from. Arrays are on the host and are copied; only the weights of the given kind
/// are read.
struct RateTables {
  std::int64_t modes = 0;
  double over_cells = 1.0;  ///< one over the number of cells
  double scale = 0.0;       ///< epsilon J
  double inverse_temperature = 0.0;
  double equilibrium_fraction = 0.0;     ///< gamma_eq
  double nonequilibrium_fraction = 0.0;  ///< gamma_neq
  const double* energy = nullptr;        ///< (modes,)

  SpectrumKind spectrum = SpectrumKind::exponential;
  double spectrum_width = 1.0;
  // Levels: modes of the same energy, which form one term in sums over the spectrum. 0: every mode is summed on its
  // own.
  std::int64_t levels = 0;
  const double* level_energy = nullptr;        ///< (levels,)
  const std::int64_t* level_of = nullptr;      ///< (modes,)
  const std::int64_t* level_first = nullptr;   ///< (levels + 1,): level l has the members level_first[l] ..
  const std::int64_t* level_member = nullptr;  ///< (modes,): .. level_first[l + 1] - 1 of this array
  /// Panels for the thermal sums of a kernel that is not direct and whose spectrum is not exponential.
  const PanelTables* panels = nullptr;

  WeightKind weight = WeightKind::product;
  // product: w(to, from) = sum_r in_r(to) out_r(from)
  int rank = 1;                 ///< 1 or 2
  const double* in = nullptr;   ///< (rank, modes)
  const double* out = nullptr;  ///< (rank, modes)
  // operators: w(to, from) = sum_c |v_to^+ A^c v_from|^2
  int dimension = 0;
  int channels = 0;
  const double *vector_re = nullptr, *vector_im = nullptr;        ///< v, (dimension, modes)
  const double *amplitude_re = nullptr, *amplitude_im = nullptr;  ///< A, (channels, dimension, dimension)
  double weight_floor = 0.0;                                      ///< smaller weights count as zero
  // table: w(to, from)
  const double* table = nullptr;  ///< (modes, modes), row = to

  ExternalPairSum* pair_sum =
      nullptr;  ///< if not null, evaluates the sums over pairs; only on the CPU; must outlive the kernel
  Communicator* communicator = nullptr;  ///< processes that share the sums, if any; must outlive the kernel
};

/// The balance lambda = log loss - log gain - log z in the space of a few moments (docs/physics.md, Eqs. 17a-17c). The
/// moments of the occupations determine every gain and loss; these determine the balanced multipliers, whose
/// occupations have new moments. A steady state is a fixed point of that map. Needs a thermal bath, so that no rate
/// vanishes.
///
/// Arrays over modes and over moments are on the host. O(modes) per call. The same bits for any number of threads. Not
/// safe to call from two threads at once.
class MomentBalance {
 public:
  /// Sums that fix the fugacity. Particles are counted where n < 1/2 and holes elsewhere, so that small numbers on
  /// either side keep their digits. The number of particles is particles - holes + others.
  struct Filling {
    double particles;       ///< sum of n over the modes with lambda > 0
    double holes;           ///< sum of 1 - n over the other modes
    double others;          ///< number of the other modes
    double particle_slope;  ///< d particles / d log z > 0
    double hole_slope;      ///< -d holes / d log z > 0
    double max_multiplier;  ///< at least the largest |lambda|, and at most log 4 above it
  };

  virtual ~MomentBalance();
  virtual int moments() const = 0;

  /// Sets r_s = beta E_s: the thermal state.
  virtual void set_thermal() = 0;
  /// Sets r_s = log loss_s - log gain_s for the given moments.
  virtual void set_log_moments(const double* log_moment) = 0;

  /// Moments of a state given by its multipliers. Does not change r_s.
  virtual void moments_of(const double* lagrange_multiplier, double* log_moment) = 0;
  /// Sums over the occupations for lambda_s = r_s - log_fugacity.
  virtual Filling filling(double log_fugacity) = 0;
  /// Returns filling() and computes the moments of lambda_s = r_s - log_fugacity.
  /// @param[out] derivative  shape (moments + 1, moments + 1). Rows: each new moment, then the number of particles.
  ///                         Columns: derivatives with respect to the moments set last, then with respect to
  ///                         log_fugacity. The last row is divided by its last element.
  virtual Filling response(double log_fugacity, double* log_moment, double* derivative) = 0;
  /// lambda_s = r_s - log_fugacity, and n_s.
  virtual void state(double log_fugacity, double* lagrange_multiplier, double* occupation) = 0;
  /// balance_residual() of the rate equation if all rates and occupations are well inside the range of a double,
  /// otherwise NaN. Does not change r_s.
  virtual double residual(const double* lagrange_multiplier) = 0;
};

/// In the moments Newton's method converges within ten steps or not at all.
inline constexpr std::int64_t max_moment_steps = 20;

/// Newton's method in the multipliers (docs/physics.md, Eqs. 15-18) in the memory of a device, for rates that are all
/// positive; a BalanceSystem (src/solvers/newton.hpp) of one component. Multipliers cross in begin() and read() only.
class MultiplierBalance {
 public:
  using Filling = MomentBalance::Filling;

  virtual ~MultiplierBalance();
  /// Starts from multipliers, (modes,), shifted to hold the number of particles, strictly between 0 and modes.
  /// @return false if a rate vanishes: there is nothing to solve then
  virtual bool begin(const double* lagrange_multiplier, double number) = 0;
  virtual double size() const = 0;
  /// @param look_up  called between products; may throw
  virtual void solve(double accuracy, void (*look_up)()) = 0;
  virtual double try_step(double step) = 0;
  virtual double try_fixed_point() = 0;
  virtual void accept() = 0;
  /// Writes lambda, (modes,), and returns log z.
  virtual double read(double* lagrange_multiplier) = 0;
  /// Largest |lambda + log gain - log loss| of given multipliers; NaN if any is not finite. Ends the method.
  virtual double imbalance(const double* lagrange_multiplier) = 0;
};

/// Steady states of many points, each of a product of weights under a thermal bath: by Newton's method in the moments
/// for the exponential spectrum, and in the multipliers for a spectrum that is summed by panels. Arrays are on the host
/// and are copied.
struct PointBatchTables {
  std::int64_t points = 0, modes = 0;
  std::int64_t max_steps = 0;  ///< of a point
  double over_cells = 1.0;     ///< one over the number of cells
  int rank = 1;                ///< 1 or 2
  /// (points, numbers): see BatchPoint
  const double* point = nullptr;
  /// Energies and weights that points may share: energy, in[rank], out[rank], each (modes,)
  std::int64_t sets = 0;
  const double* const* set = nullptr;  ///< (sets, 1 + 2 rank) vectors
  /// Panels that points may share; 0 for the exponential spectrum
  std::int64_t panel_sets = 0;
  const PanelTables* panels = nullptr;  ///< (panel_sets,)
  bool steep = false;                   ///< the spectrum is ohmic, not lorentzian
};

/// What a point has for itself.
struct BatchPoint {
  double inverse_temperature, equilibrium_fraction, nonequilibrium_fraction;
  double number;  ///< of particles, strictly between 0 and modes
  double set;     ///< index of energies and weights
  double panels;  ///< index of the panels
};

/// How a point ended. The state follows it in the results.
struct BatchOutcome {
  double steps, size;   ///< of NewtonRun: size of the balance's residual, over 1 + max |lambda|
  double log_fugacity;  ///< of the state
  double residual;      ///< balance_residual() of the rate equation, or NaN where the moments do not tell
};

/// The functions of Generator (include/lindrift/tgge/generator.hpp) on pointers. Code that is compiled once per backend
/// and instruction set is called only through this interface, and shares no inline function with the rest of the
/// program.
class RateKernel {
 public:
  virtual ~RateKernel();
  virtual void occupation_rate(const double* particles, const double* holes, double* rate) = 0;
  virtual void relaxation_rate(const double* particles, const double* holes, double* rate) = 0;
  virtual void transition_sums(const double* particles, const double* holes, double* gain, double* loss) = 0;
  virtual void log_rates(const double* lagrange_multiplier, double* log_gain, double* log_loss) = 0;
  virtual void log_balance_derivative(const double* direction, double* derivative) = 0;
  virtual void log_rate_derivatives(const double* direction, double* gain_decrease, double* loss_increase) = 0;
  virtual void relative_transition_sums(const double* particle_factor, const double* hole_factor, double* gain,
                                        double* loss) = 0;
  /// Null if the kernel has none. Owned by the kernel.
  virtual MomentBalance* moment_balance() = 0;
  /// Null on the host. Owned by the kernel, whose other functions may be called in between only before begin().
  virtual MultiplierBalance* multiplier_balance() = 0;
};

/// Eigenvalues and eigenvectors of a Hermitian matrix with `dimension` rows: on return column i of (re, im) is the
/// eigenvector of values[i] (src/engine/linear_algebra.hpp).
void hermitian_eigen(int dimension, double* re, double* im, double* values);

}  // namespace lindrift::kernels
