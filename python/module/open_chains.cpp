#include <nanobind/stl/string.h>

#include <limits>

#include "bind.hpp"
#include "tasks.hpp"

namespace lindrift::python {

namespace {

/// These tasks have no parameters of their own that can be swept.
template <class Chain>
struct OpenChainTask {
  using Model = Chain;
  bool set(const std::string&, const Value&) { return false; }
  static std::vector<Parameter> parameters() { return {}; }
};

template <class Result>
How how_of(const Result& result, std::string algorithm, std::string reason) {
  return {std::string(name(result.backend)), result.backend_reason, std::move(algorithm), std::move(reason)};
}

std::vector<double> times_from(nb::handle times) {
  const OutputTimes output{reals(times, "task.times")};
  validate_fields(output);
  return output.times;
}

/// Initial occupations of spin down; empty for the steady state.
std::vector<double> down_occupation_from(nb::handle given, std::int64_t sites) {
  std::vector<double> values;
  if (!given.is_none())
    values = std::get<std::vector<double>>(from_python(
        given,
        [] {
          Parameter parameter = down_occupation_parameter();
          parameter.type = Type::real_list;
          return parameter;
        }(),
        "initial.down_occupation"));
  check_list("initial.down_occupation", down_occupation_parameter(), values);
  if (values.size() == 1) values.assign(static_cast<std::size_t>(sites), values.front());
  return values;
}

Coordinates over_times(const OpenLattice& lattice, const std::vector<double>& times, bool momenta) {
  Coordinates all = {time_coordinate(times)};
  const auto add = [&](Coordinates more) { all.insert(all.end(), more.begin(), more.end()); };
  add(site_coordinates(lattice));
  if (momenta) add(momentum_coordinates(lattice));
  return all;
}

Coordinates over_frequencies(const OpenLattice& lattice, const std::vector<std::int64_t>& momenta,
                             const std::vector<double>& frequencies) {
  Coordinates all = momentum_coordinates(lattice, momenta);
  all.push_back(frequency_coordinate(frequencies));
  return all;
}

/// Integers m of momenta: a list for a ring, rows along a path for a lattice.
std::vector<std::int64_t> momenta_from(nb::handle given, const OpenLattice& model) {
  if (given.is_none() || (nb::isinstance<nb::str>(given) && text_of(given) == "all")) return {};
  if (!model.is_ring()) {  // the task reports what does not fit
    const nb::object rows = nb::module_::import_("numpy").attr("asarray")(given);
    const std::vector<std::int64_t> all = integers(rows.attr("reshape")(-1), "task.momenta");
    if (all.size() % model.cells.size() != 0)
      throw ShapeError("task.momenta must have rows of " + std::to_string(model.cells.size()) + " integers");
    return all;
  }
  const std::int64_t sites = model.sites;
  std::vector<std::int64_t> momenta = integers(given, "task.momenta");
  const std::int64_t first = first_momentum_index(sites);
  for (std::size_t i = 0; i < momenta.size(); ++i) {
    const std::string place = "task.momenta[" + std::to_string(i) + "]";
    if (momenta[i] < first || momenta[i] >= first + sites)
      throw ParameterError(place, std::to_string(momenta[i]) + " is not allowed: m must be in " +
                                      std::to_string(first) + " .. " + std::to_string(first + sites - 1));
    if (i > 0 && momenta[i] <= momenta[i - 1])
      throw ParameterError(place, std::to_string(momenta[i]) + " is not allowed: must be strictly ascending");
  }
  return momenta;
}

std::vector<double> frequencies_from(nb::handle given) {
  const OutputFrequencies output{reals(given, "task.frequencies")};
  if (output.frequencies.empty()) throw ParameterError("task.frequencies", "must have at least one entry");
  validate_fields(output);
  return output.frequencies;
}

constexpr const char* closed_form = "the closed form of every momentum";

// --- Hatsugai-Kohmoto ---

/// The arrays that a Green's function over times leaves out on request.
template <class Options>
bool leaves_out_of_green(const Options& options, const std::string& name) {
  return (name == "green_retarded" && !options.keep_sites) ||
         (name == "green_retarded_momentum" && !options.keep_momenta);
}

struct GreenTask : OpenChainTask<HatsugaiKohmoto> {
  using Result = GreenResult;
  std::vector<double> times;
  GreenOptions options;

  bool leaves_out(const std::string& name) const { return leaves_out_of_green(options, name); }

  Coordinates coordinates(const Model& model) const { return over_times(model, times, true); }
  GreenResult run(const Model& model, const Execution& execution, const Monitor& monitor, How& how) const {
    GreenOptions with = options;
    with.monitor = monitor;
    GreenResult result = green(model, times, with, execution);
    how = how_of(result, "exact", closed_form);
    return result;
  }
};

GreenTask make_green(const HatsugaiKohmoto& model, Numbers times, Numbers down_occupation, bool keep_sites,
                     bool keep_momenta) {
  GreenTask task;
  task.times = times_from(times);
  task.options.down_occupation = down_occupation_from(down_occupation, static_cast<std::int64_t>(model.size()));
  task.options.keep_sites = keep_sites;
  task.options.keep_momenta = keep_momenta;
  return task;
}

struct SpectralTask : OpenChainTask<HatsugaiKohmoto> {
  using Result = SpectralResult;
  std::vector<double> frequencies;
  SpectralOptions options;

  bool leaves_out(const std::string& name) const { return name == "green_retarded_frequency" && !options.keep_green; }

  Coordinates coordinates(const Model& model) const { return over_frequencies(model, options.momenta, frequencies); }
  SpectralResult run(const Model& model, const Execution& execution, const Monitor& monitor, How& how) const {
    SpectralOptions with = options;
    with.monitor = monitor;
    SpectralResult result = spectral(model, frequencies, with, execution);
    how = how_of(result, "exact", closed_form);
    return result;
  }
};

SpectralTask make_spectral(const HatsugaiKohmoto& model, Numbers frequencies, Numbers momenta, double broadening,
                           bool keep_green) {
  SpectralTask task;
  task.frequencies = frequencies_from(frequencies);
  task.options.momenta = momenta_from(momenta, model);
  task.options.broadening = broadening;
  task.options.keep_green = keep_green;
  validate_fields(task.options);
  return task;
}

struct DensityTask : OpenChainTask<HatsugaiKohmoto> {
  using Result = DensityResult;
  std::vector<double> times;
  UpState state;
  DensityOptions options;

  bool leaves_out(const std::string& name) const { return name == "density" && !options.keep_density; }

  Coordinates coordinates(const Model& model) const { return over_times(model, times, false); }
  DensityResult run(const Model& model, const Execution& execution, const Monitor& monitor, How& how) const {
    DensityOptions with = options;
    with.monitor = monitor;
    DensityResult result = density(model, state, times, with, execution);
    how = {std::string(name(Backend::cpu)), "the density is made on the CPU", "exact", closed_form};
    return result;
  }
};

DensityTask make_density(const HatsugaiKohmoto& model, Numbers times, Numbers up_sites, Numbers correlation,
                         Numbers down_occupation, Numbers down_sites, bool keep_density) {
  DensityTask task;
  task.times = times_from(times);
  if (!correlation.is_none()) {
    if (!up_sites.is_none() || !down_sites.is_none())
      throw ParameterError("initial.correlation", "cannot stand beside up_sites or down_sites");
    Matrix<std::complex<double>> matrix = complex_matrix(correlation, "initial.correlation");
    const std::size_t sites = model.size();
    if (matrix.columns != sites || matrix.rows < 1 || matrix.rows > sites)
      throw ShapeError("initial.correlation has shape " + std::to_string(matrix.rows) + " x " +
                       std::to_string(matrix.columns) +
                       "; it must be sites x sites or rank x sites, sites = " + std::to_string(sites));
    if (matrix.rows == sites)
      task.state = UpCorrelation{std::move(matrix.values)};
    else
      task.state = UpFactors{std::vector<double>(matrix.rows, 1.0), std::move(matrix.values)};
  } else if (!up_sites.is_none()) {
    task.state = UpSites{integers(up_sites, "initial.up_sites"), {}};
  }
  if (!down_sites.is_none()) {
    if (!down_occupation.is_none())
      throw ParameterError("initial.down_occupation", "has no meaning where initial.down_sites is given");
    task.options.down_sites = integers(down_sites, "initial.down_sites");
  }
  task.options.down_occupation = down_occupation_from(down_occupation, static_cast<std::int64_t>(model.size()));
  task.options.keep_density = keep_density;
  return task;
}

// --- several orbitals ---

constexpr const char* every_momentum = "the Lindbladian of every momentum";

struct OrbitalSteadyStateTask : OpenChainTask<OrbitalHatsugaiKohmoto> {
  using Result = OrbitalSteadyState;

  void validate(const Model& model) const { lindrift::validate(model); }
  double memory_bytes(const Model& model) const { return plan_orbitals(model, 0, 0, 0, 0.0, {}).memory_bytes; }
  Coordinates coordinates(const Model& model) const { return orbital_steady_state_coordinates(model); }
  OrbitalSteadyState run(const Model& model, const Execution& execution, const Monitor& monitor, How& how) const {
    OrbitalSteadyState result = orbital_steady_state(model, {.momenta = {}, .monitor = monitor}, execution);
    how = how_of(result, "exact", every_momentum);
    return result;
  }
};

OrbitalSteadyStateTask make_orbital_steady_state(const OrbitalHatsugaiKohmoto&) { return {}; }

struct OrbitalSpectralTask : OpenChainTask<OrbitalHatsugaiKohmoto> {
  using Result = OrbitalSpectrum;
  std::vector<double> frequencies;
  OrbitalOptions options;

  void validate(const Model& model) const { lindrift::validate(model); }
  double memory_bytes(const Model& model) const {
    return plan_orbitals(model, model.lattice().size(), frequencies.size(), 0, 0.0, {}).memory_bytes;
  }
  Coordinates coordinates(const Model& model) const {
    return orbital_spectral_coordinates(model, options.momenta, frequencies);
  }
  OrbitalSpectrum run(const Model& model, const Execution& execution, const Monitor& monitor, How& how) const {
    OrbitalOptions with = options;
    with.monitor = monitor;
    OrbitalSpectrum result = orbital_spectral(model, frequencies, with, execution);
    how = how_of(result, "exact", every_momentum);
    return result;
  }
};

OrbitalSpectralTask make_orbital_spectral(const OrbitalHatsugaiKohmoto& model, Numbers frequencies, Numbers momenta,
                                          double broadening) {
  OrbitalSpectralTask task;
  OpenLattice lattice;
  lattice.cells = model.cells;
  task.frequencies = frequencies_from(frequencies);
  task.options.momenta = momenta_from(momenta, lattice);
  task.options.broadening = broadening;
  return task;
}

struct OrbitalGreenTask : OpenChainTask<OrbitalHatsugaiKohmoto> {
  using Result = OrbitalGreen;
  std::vector<double> times;

  void validate(const Model& model) const { lindrift::validate(model); }
  double memory_bytes(const Model& model) const {
    return plan_orbitals(model, model.lattice().size(), 0, times.size(), 0.0, {}).memory_bytes;
  }
  Coordinates coordinates(const Model& model) const { return orbital_green_coordinates(model, times); }
  OrbitalGreen run(const Model& model, const Execution& execution, const Monitor& monitor, How& how) const {
    OrbitalGreen result = orbital_green(model, times, {.momenta = {}, .monitor = monitor}, execution);
    how = how_of(result, "exact", every_momentum);
    return result;
  }
};

OrbitalGreenTask make_orbital_green(const OrbitalHatsugaiKohmoto&, Numbers times) {
  OrbitalGreenTask task;
  task.times = times_from(times);
  return task;
}

struct PolesTask : OpenChainTask<HatsugaiKohmoto> {
  using Result = PolesResult;
  PolesOptions options;

  void validate(const Model& model) const { validate_poles(model, options); }
  double memory_bytes(const Model& model) const { return poles_bytes(model); }
  Coordinates coordinates(const Model& model) const { return poles_coordinates(model, options); }
  PolesResult run(const Model& model, const Execution& execution, const Monitor& monitor, How& how) const {
    PolesOptions with = options;
    with.monitor = monitor;
    PolesResult result = poles(model, with, execution);
    how = {std::string(name(Backend::cpu)), "poles are found on the CPU", "exact", closed_form};
    return result;
  }
};

PolesTask make_poles(const HatsugaiKohmoto& model, Numbers base_energies, Numbers down_occupation,
                     std::int64_t max_exceptional_points) {
  PolesTask task;
  task.options.down_occupation = down_occupation_from(down_occupation, static_cast<std::int64_t>(model.size()));
  task.options.max_exceptional_points = max_exceptional_points;
  if (!base_energies.is_none()) {
    const Matrix<std::complex<double>> given =
        complex_matrix(nb::module_::import_("numpy").attr("atleast_2d")(base_energies), "task.base_energies");
    for (const std::complex<double> energy : given.values)
      task.options.base_energies.push_back({energy.real(), energy.imag()});
  }
  validate_fields(task.options);
  return task;
}

// --- Hubbard ---

struct HubbardGreenTask : OpenChainTask<HubbardChain> {
  using Result = HubbardGreen;
  std::vector<double> times;
  HubbardGreenOptions options;

  bool leaves_out(const std::string& name) const { return leaves_out_of_green(options, name); }

  void validate(const Model& model) const { lindrift::validate(model); }
  Coordinates coordinates(const Model& model) const { return over_times(model, times, true); }
  HubbardGreen run(const Model& model, const Execution& execution, const Monitor& monitor, How& how) const {
    HubbardGreenOptions with = options;
    with.monitor = monitor;
    HubbardGreen result = green(model, times, with, execution);
    how = how_of(result, "volterra", "the integral equation of the propagator, its kernel by transforms");
    return result;
  }
};

HubbardGreenTask make_hubbard_green(const HubbardChain&, Numbers times, double tolerance, std::int64_t max_steps,
                                    bool keep_sites, bool keep_momenta) {
  HubbardGreenTask task;
  task.times = times_from(times);
  if (task.times.empty()) throw ParameterError("task.times", "must have at least one entry");
  task.options.tolerance = tolerance;
  task.options.max_steps = max_steps;
  task.options.keep_sites = keep_sites;
  task.options.keep_momenta = keep_momenta;
  validate_fields(task.options);
  return task;
}

struct HubbardSpectralTask : OpenChainTask<HubbardChain> {
  using Result = HubbardSpectrum;
  std::vector<double> frequencies;
  HubbardSpectralOptions options;

  bool leaves_out(const std::string& name) const { return name == "green_retarded_frequency" && !options.keep_green; }

  void validate(const Model& model) const { lindrift::validate(model); }
  Coordinates coordinates(const Model& model) const { return over_frequencies(model, options.momenta, frequencies); }
  HubbardSpectrum run(const Model& model, const Execution& execution, const Monitor& monitor, How& how) const {
    HubbardSpectralOptions with = options;
    with.monitor = monitor;
    HubbardSpectrum result = spectral(model, frequencies, with, execution);
    how = how_of(result, std::string(name(result.algorithm)), result.algorithm_reason);
    return result;
  }
};

HubbardSpectralTask make_hubbard_spectral(const HubbardChain& chain, Numbers frequencies, Numbers momenta,
                                          double broadening, double tolerance, bool keep_green) {
  HubbardSpectralTask task;
  task.frequencies = frequencies_from(frequencies);
  task.options.momenta = momenta_from(momenta, chain);
  task.options.broadening = broadening;
  task.options.tolerance = tolerance;
  task.options.keep_green = keep_green;
  validate_fields(task.options);
  return task;
}

CollisionOrder order_from(const std::string& word) {
  std::string allowed;
  for (const auto& [order, text] : names_of<CollisionOrder>) {
    if (word == text) return order;
    allowed += (allowed.empty() ? "\"" : ", \"") + std::string(text) + "\"";
  }
  throw ParameterError("task.order", "\"" + word + "\" is not allowed: must be one of " + allowed);
}

struct HubbardSteadyStateTask : OpenChainTask<HubbardChain> {
  using Result = HubbardSteadyState;
  HubbardSteadyStateOptions options;

  void validate(const Model& model) const { plan_steady_state(model, options); }
  double memory_bytes(const Model& model) const { return plan_steady_state(model, options).memory_bytes; }
  Coordinates coordinates(const Model& model) const {
    Coordinates all = steady_state_coordinates(model);
    if (options.frequencies) all.push_back(frequency_coordinate(*options.frequencies));
    return all;
  }
  HubbardSteadyState run(const Model& model, const Execution& execution, const Monitor& monitor, How& how) const {
    HubbardSteadyStateOptions with = options;
    with.monitor = monitor;
    HubbardSteadyState result = steady_state(model, with, execution);
    how = {std::string(name(Backend::cpu)), "collisions are computed on the CPU", "kinetic",
           "sums over frequencies for every pair of momenta"};
    return result;
  }
};

HubbardSteadyStateTask make_hubbard_steady_state(const HubbardChain&, const std::string& order, double tolerance,
                                                 std::int64_t max_steps, Numbers frequencies) {
  HubbardSteadyStateTask task;
  if (!frequencies.is_none()) task.options.frequencies = frequencies_from(frequencies);
  task.options.order = order_from(order);
  task.options.tolerance = tolerance;
  task.options.max_steps = max_steps;
  validate_fields(task.options);
  return task;
}

struct TransportTask : OpenChainTask<HubbardChain> {
  using Result = Transport;
  TransportOptions options;

  void validate(const Model& model) const { plan_transport(model, options); }
  double memory_bytes(const Model& model) const { return plan_transport(model, options).memory_bytes; }
  Coordinates coordinates(const Model& model) const { return transport_coordinates(model); }
  Transport run(const Model& model, const Execution& execution, const Monitor& monitor, How& how) const {
    TransportOptions with = options;
    with.monitor = monitor;
    Transport result = transport(model, with, execution);
    how = {std::string(name(Backend::cpu)), "collisions are computed on the CPU", "kinetic",
           "a matrix of scattering rates"};
    return result;
  }
};

TransportTask make_transport(const HubbardChain&, const std::string& order, std::int64_t exact_sites) {
  TransportTask task;
  task.options.order = order_from(order);
  task.options.exact_sites = exact_sites;
  validate_fields(task.options);
  return task;
}

struct HubbardExactTask : OpenChainTask<HubbardChain> {
  using Result = HubbardExact;
  HubbardExactOptions options;

  void validate(const Model& model) const { exact_chain(model, options); }
  double memory_bytes(const Model& model) const { return plan_exact(model, options).memory_bytes; }
  Coordinates coordinates(const Model& model) const { return exact_coordinates(model, options); }
  HubbardExact run(const Model& model, const Execution& execution, const Monitor& monitor, How& how) const {
    HubbardExactOptions with = options;
    with.monitor = monitor;
    HubbardExact result = exact(model, with, execution);
    how = {std::string(name(Backend::cpu)), "exact rings and lattices are solved on the CPU", "exact",
           "the Lindbladian of all momenta"};
    return result;
  }
};

HubbardExactTask make_exact(const HubbardChain& chain, Numbers times, Numbers frequencies, double broadening) {
  HubbardExactTask task;
  if (!times.is_none()) task.options.times = times_from(times);
  if (!frequencies.is_none()) task.options.frequencies = frequencies_from(frequencies);
  task.options.broadening = broadening;
  validate_fields(task.options);
  exact_chain(chain, task.options);
  return task;
}

constexpr const char* green_documentation =
    "Retarded Green's function of spin up between sites, its norm and its drift.\n\n"
    "model            HatsugaiKohmoto (exact) or HubbardChain\n"
    "times            >= 0, strictly ascending, 1/energy\n"
    "down_occupation  HatsugaiKohmoto: occupations of spin down at the earlier time: \"steady\", a number, or shape "
    "(sites,)\n"
    "tolerance        HubbardChain: error of G, whose largest value is 1\n"
    "keep_sites, keep_momenta  False: no G(j,t), no G(k,t) in the result\n"
    "backend, threads, progress as for steady_state()";

constexpr const char* spectral_documentation =
    "Spectral function, self energy and Green's function of spin up over momentum and frequency.\n\n"
    "frequencies  strictly ascending, energy\n"
    "momenta      \"all\", or a list of m, k = 2 pi m / L, m = -floor(L/2) .. ceil(L/2)-1, ascending\n"
    "broadening   half width eta added to every peak, energy\n"
    "tolerance    HubbardChain: of the results, relative to the largest value of each\n"
    "algorithm    HubbardChain: \"auto\", \"direct\" or \"fft\"\n"
    "keep_green   False: no G(k,w) in the result";

constexpr const char* density_documentation =
    "Density of spin up on the sites from an initial state, and its drift (physics.md Eqs. 46 to 52).\n\n"
    "times            >= 0, strictly ascending, 1/energy\n"
    "up_sites         labels of the sites that hold one up particle, -floor(L/2) .. ceil(L/2)-1; [0] unless given\n"
    "correlation      instead: C(k,q) = <c+_k c_q>, shape (sites, sites), momenta ascending, or vectors of shape "
    "(rank, sites)\n"
    "down_occupation  \"steady\", a number, or shape (sites,)\n"
    "down_sites       instead: labels of the sites that hold one down particle";

constexpr const char* exact_documentation =
    "Steady state of a Hubbard ring of 2 to 8 sites without approximation, and the Green's function of spin up in it\n"
    "(physics.md Eqs. 130 to 134). Memory and time grow with the ring: minutes and 17 GB at 7 sites with both spins\n"
    "driven, 240 GB at 8.\n\n"
    "model        HubbardChain; its approximation is not read, and spin up may gain particles\n"
    "times        of the Green's function, >= 0, strictly ascending, 1/energy; none unless given\n"
    "frequencies  of the spectral function, strictly ascending, energy; none unless given\n"
    "broadening   half width eta added to every peak, energy";

constexpr const char* poles_documentation =
    "Poles and residues of the Green's function of spin up, exceptional points, windings and areas\n"
    "(physics.md Eqs. 148 to 151).\n\n"
    "model            HatsugaiKohmoto\n"
    "base_energies    complex energies that the poles may wind around; none unless given\n"
    "down_occupation  for the residues: \"steady\", a number, or shape (sites,)\n"
    "max_exceptional_points  that the result has room for; NaN beyond the last";

constexpr const char* transport_documentation =
    "Drift velocity and diffusion constant of one particle of spin up among driven particles of spin down\n"
    "(physics.md Eqs. 146 and 147).\n\n"
    "model        HubbardChain without a bath for spin up\n"
    "order        collisions that count: \"second\", \"particle\" or \"both\"\n"
    "exact_sites  of a ring or a lattice that is solved exactly beside, 0: none";

}  // namespace

void bind_open_chains(nb::module_& module) {
  bind_result<GreenResult>(module, "GreensFunction", "A Green's function over times. Arrays are read-only.");
  bind_result<SpectralResult>(module, "Spectrum", "A spectral function. Arrays are read-only.");
  bind_result<DensityResult>(module, "Density", "A density over times. Arrays are read-only.");
  bind_result<HubbardGreen>(module, "HubbardGreensFunction", "A Green's function over times. Arrays are read-only.");
  bind_result<HubbardSpectrum>(module, "HubbardSpectrum", "A spectral function. Arrays are read-only.");
  bind_task<GreenTask>(module, "green", make_green, green_documentation, nb::arg("times"), nb::kw_only(),
                       nb::arg("down_occupation") = nb::none(), nb::arg("keep_sites") = true,
                       nb::arg("keep_momenta") = true);
  const HubbardGreenOptions green;
  bind_task<HubbardGreenTask>(module, "green", make_hubbard_green, "", nb::arg("times"), nb::kw_only(),
                              nb::arg("tolerance") = green.tolerance, nb::arg("max_steps") = green.max_steps,
                              nb::arg("keep_sites") = true, nb::arg("keep_momenta") = true);
  const SpectralOptions spectral;
  bind_task<SpectralTask>(module, "spectral", make_spectral, spectral_documentation, nb::arg("frequencies"),
                          nb::kw_only(), nb::arg("momenta") = "all", nb::arg("broadening") = spectral.broadening,
                          nb::arg("keep_green") = true);
  const HubbardSpectralOptions hubbard;
  bind_task<HubbardSpectralTask>(module, "spectral", make_hubbard_spectral, "", nb::arg("frequencies"), nb::kw_only(),
                                 nb::arg("momenta") = "all", nb::arg("broadening") = hubbard.broadening,
                                 nb::arg("tolerance") = hubbard.tolerance, nb::arg("keep_green") = true);
  bind_result<HubbardSteadyState>(module, "HubbardSteadyState", "Two driven spins. Arrays are read-only.");
  const HubbardSteadyStateOptions steady;
  bind_task<HubbardSteadyStateTask>(module, "steady_state", make_hubbard_steady_state, "", nb::kw_only(),
                                    nb::arg("order") = std::string(name(steady.order)),
                                    nb::arg("tolerance") = steady.tolerance, nb::arg("max_steps") = steady.max_steps,
                                    nb::arg("frequencies") = nb::none());
  bind_result<OrbitalSteadyState>(module, "OrbitalSteadyState", "Several orbitals in a cell. Arrays are read-only.");
  bind_task<OrbitalSteadyStateTask>(module, "steady_state", make_orbital_steady_state, "");
  bind_result<OrbitalSpectrum>(module, "OrbitalSpectrum", "A spectral function. Arrays are read-only.");
  bind_task<OrbitalSpectralTask>(module, "spectral", make_orbital_spectral, "", nb::arg("frequencies"), nb::kw_only(),
                                 nb::arg("momenta") = "all", nb::arg("broadening") = 0.0);
  bind_result<OrbitalGreen>(module, "OrbitalGreensFunction", "A Green's function over times. Arrays are read-only.");
  bind_task<OrbitalGreenTask>(module, "green", make_orbital_green, "", nb::arg("times"));
  bind_result<PolesResult>(module, "Poles", "Poles of a Green's function. Arrays are read-only.");
  const PolesOptions poles;
  bind_task<PolesTask>(module, "poles", make_poles, poles_documentation, nb::kw_only(),
                       nb::arg("base_energies") = nb::none(), nb::arg("down_occupation") = nb::none(),
                       nb::arg("max_exceptional_points") = poles.max_exceptional_points);
  bind_result<Transport>(module, "Transport", "One particle among driven ones. Arrays are read-only.");
  const TransportOptions transport;
  bind_task<TransportTask>(module, "transport", make_transport, transport_documentation, nb::kw_only(),
                           nb::arg("order") = std::string(name(transport.order)),
                           nb::arg("exact_sites") = transport.exact_sites);
  bind_result<HubbardExact>(module, "HubbardExact", "A small Hubbard ring. Arrays are read-only.");
  bind_task<HubbardExactTask>(module, "exact", make_exact, exact_documentation, nb::kw_only(),
                              nb::arg("times") = nb::none(), nb::arg("frequencies") = nb::none(),
                              nb::arg("broadening") = 0.0);
  bind_task<DensityTask>(module, "density", make_density, density_documentation, nb::arg("times"), nb::kw_only(),
                         nb::arg("up_sites") = nb::none(), nb::arg("correlation") = nb::none(),
                         nb::arg("down_occupation") = nb::none(), nb::arg("down_sites") = nb::none(),
                         nb::arg("keep_density") = true);
}

}  // namespace lindrift::python
