#include "hatsugai_kohmoto/registry/hatsugai_kohmoto.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "config/read.hpp"
#include "engine/threads.hpp"
#include "engine/validate.hpp"
#include "hatsugai_kohmoto/mixed.hpp"
#include "hatsugai_kohmoto/registry/orbitals.hpp"
#include "hatsugai_kohmoto/registry/poles.hpp"
#include "hatsugai_kohmoto/registry/verify.hpp"
#include "io/input.hpp"
#include "lindrift/lindrift.hpp"
#include "open_chain/coarse.hpp"
#include "open_chain/registry/propagator.hpp"
#include "open_chain/times.hpp"
#include "registry/read_once.hpp"

namespace lindrift {

/// The initial state of a density.
struct DensityStart {
  std::optional<std::string> correlation;
  std::vector<std::int64_t> up_sites = UpSites().sites;
  std::optional<std::vector<std::int64_t>> down_sites;
  std::vector<double> down_occupation;
};

template <>
auto description<DensityStart>() {
  Parameter down_occupation = down_occupation_parameter();
  down_occupation.unless = {"initial.down_sites"};
  return std::tuple(
      field(&DensityStart::correlation,
            {.path = "initial.correlation",
             .help = "initial C(k,q) = <c+_k c_q> of spin up, shape (sites, sites), or vectors of shape "
                     "(rank, sites) with C(k,q) = sum_r conj(phi_k) phi_q: \"FILE.h5:/dataset\"",
             .derived = "that of initial.up_sites",
             .file_path = true,
             .details =
                 "Hermitian; momenta ascending, complex {r, i} or real. Cost per time L^2, or rank times L log L"}),
      field(&DensityStart::up_sites, {.path = "initial.up_sites",
                                      .help = "sites with one up particle each at the start, labels -floor(L/2) .. "
                                              "ceil(L/2)-1; of a lattice rows [j_1, ..]",
                                      .unless = {"initial.correlation"},
                                      .rows = true,
                                      .details = "[0] is the origin of any lattice"}),
      field(&DensityStart::down_sites,
            {.path = "initial.down_sites",
             .help = "sites with one down particle each at the start, instead of initial.down_occupation",
             .derived = "initial.down_occupation",
             .unless = {"initial.correlation"},
             .rows = true,
             .details = "with up_sites; none on the others"}),
      field(&DensityStart::down_occupation, down_occupation));
}

namespace {

using config::Point;
using config::read;

using Complex = std::complex<double>;

const Method closed_form{"exact",
                         "the closed form of every momentum, and fast Fourier transforms between momenta and sites"};
const Method of_clusters{"exact",
                         "the Lindbladian of every group of momenta as a sparse matrix, and Krylov spaces of it"};

enum class Kind { green, spectral, density };

Kind kind_of(const Point& point) {
  const std::string& kind = point.text("task.kind");
  return kind == "green" ? Kind::green : kind == "spectral" ? Kind::spectral : Kind::density;
}

/// Occupations of spin down from the input; empty for the steady state.
std::vector<double> down_occupation_of(const Point& point) {
  if (!point.has("initial.down_occupation")) return {};
  const auto& given = point.reals("initial.down_occupation");
  return given.size() == 1 ? std::vector<double>(sites_of(point), given.front()) : given;
}

/// Whether they are given as a list.
bool down_occupation_list(const Point& point) {
  return point.has("initial.down_occupation") && point.reals("initial.down_occupation").size() > 1;
}

GreenOptions green_options(const Point& point) {
  GreenOptions options;
  options.down_occupation = down_occupation_of(point);
  options.keep_sites = wanted(point, "green_retarded");
  options.keep_momenta = wanted(point, "green_retarded_momentum");
  return options;
}

/// The initial state of spin up.
UpState up_state_of(const Point& point) {
  if (!point.has("initial.correlation")) return UpSites{integers_of(point, "initial.up_sites"), {}};
  const std::string& location = point.text("initial.correlation");
  const io::ComplexMatrix& matrix = read_once("initial.correlation", location, io::read_complex_matrix);
  const std::size_t sites = sites_of(point);
  if (matrix.columns != sites || matrix.rows < 1 || matrix.rows > sites)
    throw ParameterError("initial.correlation",
                         fmt::format("{} has shape {} x {}; it must be sites x sites, {} x {}, or rank x sites",
                                     location, matrix.rows, matrix.columns, sites, sites));
  if (matrix.rows == sites) return UpCorrelation{matrix.values};
  return UpFactors{std::vector<double>(matrix.rows, 1.0), matrix.values};
}

// --- checks and plans ---

/// Doubles for the initial correlation of spin up: as read, a copy, and its diagonals or transforms.
double correlation_doubles(const Point& point) {
  const io::Shape& shape = read_once("initial.correlation", point.text("initial.correlation"), io::matrix_shape);
  return 6.0 * static_cast<double>(shape.rows) * static_cast<double>(shape.columns);
}

/// Bytes that a point needs in addition to its results: rates and tables, rows of a few times on every thread, and the
/// diagonals of a whole correlation.
double working_memory(const Point& point, const Execution& execution) {
  constexpr double mode_doubles = 24.0;
  const double sites = size_of(point);
  double doubles = mode_doubles * sites;
  if (kind_of(point) == Kind::spectral)
    return 8.0 * (doubles + 5.0 * momenta_count(point) * point.count("task.frequencies"));
  const TimeBatches batches{static_cast<std::size_t>(point.count("task.times")),
                            static_cast<std::size_t>(std::min(sites, 0x1p52))};
  const double rows = static_cast<double>(batches.batch()) * batches.outer(threads_of(execution)) *
                      (kind_of(point) == Kind::density ? 1.5 : 1.0);
  doubles += 2.0 * rows * sites;
  if (point.has("initial.correlation")) doubles += correlation_doubles(point);
  return 8.0 * doubles;
}

template <class Result>
Footprint footprint_of(const Point& point, const Execution& execution) {
  Footprint needed = open_chain_footprint<Result>(point, open_chain_coordinates(point));
  needed.working = working_memory(point, execution);
  if (point.integer("model.cluster") == 1 || needed.is_too_much()) return needed;
  const auto model = read<HatsugaiKohmoto>(point);
  const bool spectral = kind_of(point) == Kind::spectral;
  const auto values = static_cast<std::size_t>(point.count(spectral ? "task.frequencies" : "task.times"));
  const MixedPlan mixed = size_mixed(model, spectral ? momenta_count(point) : size_of(point), spectral ? values : 0,
                                     spectral ? 0 : values, execution);
  if (mixed.memory_bytes > needed.total()) {
    needed.key = "model.cluster";
    needed.size = fmt::format("{} momenta that mix have {:.0f} operators and", model.cluster, mixed.operators);
  }
  needed.working += mixed.memory_bytes;
  return needed;
}

/// What is computed if momenta mix.
MixedRequest mixed_request(const Point& point) {
  if (kind_of(point) == Kind::spectral)
    return {.momenta = momenta_of(point), .frequencies = point.reals("task.frequencies").size()};
  const auto& times = point.reals("task.times");
  return {.momenta = sites_of(point), .times = times.size(), .last_time = times.back()};
}

void validate_mixed(const Point& point) {
  if (kind_of(point) == Kind::density)
    throw ParameterError("model.cluster", "the density is known for momenta that do not mix only: it must be 1");
  if (point.has("initial.down_occupation") && !point.reals("initial.down_occupation").empty())
    throw ParameterError("initial.down_occupation", "only the steady state is known with model.cluster > 1");
}

void validate_point(const Point& point) {
  if (has_orbitals(point) || point.text("task.kind") == "steady_state") return validate_orbitals_point(point);
  if (point.has("model.interaction_matrix"))
    throw ParameterError("model.interaction_matrix", "has no meaning with one orbital: use model.interaction");
  if (point.text("task.kind") == "poles") return validate_poles_point(point);
  const std::size_t sites = sites_of(point);
  const HatsugaiKohmoto model = read<HatsugaiKohmoto>(point);
  validate(model);
  if (model.cluster > 1) validate_mixed(point);
  if (point.has("initial.down_occupation")) {
    const std::size_t given = point.reals("initial.down_occupation").size();
    if (given > 1 && given != sites)
      throw ParameterError("initial.down_occupation",
                           fmt::format("{} entries were given; it must have one per momentum, {}", given, sites));
  }
  const Lattice lattice = model.lattice();
  numbers_of(integers_of(point, "initial.up_sites"), lattice, "initial.up_sites", "sites are labelled");
  numbers_of(integers_of(point, "initial.down_sites"), lattice, "initial.down_sites", "sites are labelled");
  numbers_of(integers_of(point, "task.momenta"), lattice, "task.momenta", "m must be in");
  if (point.has("initial.correlation")) {
    // An invalid state is found by evolving it over no times at all.
    DensityOptions options;
    options.keep_density = false;
    density(model, up_state_of(point), {}, options);
  }
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// What a user should know before a run over times.
std::vector<std::string> notes_on_times(const Point& point, const HatsugaiKohmotoModes& modes) {
  std::vector<std::string> notes;
  const auto& times = point.reals("task.times");
  const double last = times.back();
  const auto wrapped = wrapping_notes(lattice_of(point), last);
  notes.insert(notes.end(), wrapped.begin(), wrapped.end());
  // Every |g_k|^2 falls at least as e^{-Gamma_up t}, and faster by dephasing.
  const double growth = slowest_decay(modes);
  constexpr double smallest = -708.0;  // log of the smallest number with full precision
  if (2.0 * growth * last < smallest)
    notes.push_back(
        fmt::format("warning: the norm falls below 1e-308 after t = {:.4g}: it and G are 0 from there on; the "
                    "drift of a Green's function is taken before the underflow and stays right",
                    0.5 * smallest / growth));
  return notes;
}

/// A system small enough to measure the cost of a time quickly: at most 2^18 cells, beyond every cache.
HatsugaiKohmoto probe_of(const HatsugaiKohmoto& model, const Point& point) {
  constexpr std::int64_t largest = std::int64_t{1} << 18;
  return point.has("initial.correlation") || down_occupation_list(point) ? model : coarse(model, largest);
}

/// For momenta that mix.
Plan plan_clusters(const Point& point, const HatsugaiKohmoto& model, const Execution& requested) {
  const MixedRequest request = mixed_request(point);
  const MixedPlan mixed = plan_mixed(model, request, requested);
  Plan plan;
  plan.method = of_clusters;
  plan.backend = mixed.backend;
  plan.backend_reason = mixed.backend_reason;
  plan_device(plan, requested, [&] { return mixed_device_bytes(model, request, requested); });
  plan.work = "momenta";
  plan.rate_evaluations = static_cast<double>(request.momenta);
  plan.operations = mixed.operations / plan.rate_evaluations;
  plan.bytes_moved = 3.0 * plan.operations;
  plan.seconds_per_evaluation = mixed.seconds / plan.rate_evaluations;
  plan.notes.push_back(fmt::format("{:.0f} operators for the Green's function of a momentum", mixed.operators));
  return plan;
}

Plan plan_frequencies(const Point& point, const HatsugaiKohmoto& model, const Execution& requested) {
  Plan plan;
  plan.method = closed_form;
  plan.measured = true;
  plan.work = "frequencies";
  const std::size_t all = point.reals("task.frequencies").size();
  plan.backend = spectral_backend(requested.backend, momenta_of(point) * all, &plan.backend_reason);
  plan_device(plan, requested, [&] { return spectral_device_bytes(momenta_of(point), all, requested); });
  plan.rate_evaluations = static_cast<double>(all);
  const auto rows = static_cast<double>(momenta_of(point));
  plan.operations = 40.0 * rows;
  plan.bytes_moved = 80.0 * rows;
  Execution execution = requested;
  execution.backend = plan.device_bytes > 0.0 ? Backend::cuda : Backend::cpu;
  const HatsugaiKohmoto probe = coarse(model);
  const auto probed = static_cast<double>(probe.size());
  const bool whole = probe.size() == model.size();
  SpectralOptions options;
  options.broadening = point.real("task.broadening");
  if (whole) options = read<SpectralOptions>(point);
  double peaks = 0.0;
  const auto measure = [&](std::size_t count) {
    std::vector<double> frequencies(count);
    for (std::size_t i = 0; i < count; ++i) frequencies[i] = 0.37 * static_cast<double>(i);
    const auto start = std::chrono::steady_clock::now();
    peaks = static_cast<double>(spectral(probe, frequencies, options, execution).delta_peaks);
    return seconds_since(start);
  };
  measure(1);
  // The rates of all momenta are made once, then each frequency takes the momenta that are wanted.
  const double once = measure(1), each = std::max(measure(17) - once, 0.0) / 16.0;
  plan.seconds_per_evaluation =
      once * static_cast<double>(model.size()) / probed / plan.rate_evaluations + each * (whole ? 1.0 : rows / probed);
  if (peaks > 0.0)
    plan.notes.push_back(
        fmt::format("warning: the spectral function of {}{:.0f} of the momenta is made of delta peaks without width: "
                    "it is inf where a frequency meets one and 0 beside it; task.broadening > 0 widens them",
                    whole ? "" : "about ", whole ? peaks : std::ceil(peaks * rows / probed)));
  return plan;
}

/// Cost of one time. Long rings are timed on a shorter one unless the input has lists of their length. Rates and tables
/// are made only once, so the cost of one time is the difference between two runs.
double seconds_per_time(const Point& point, const HatsugaiKohmoto& model, Execution execution) {
  const HatsugaiKohmoto shorter = probe_of(model, point);
  const double ratio = static_cast<double>(model.size()) / static_cast<double>(shorter.size());
  const bool whole = shorter.size() == model.size();
  const double last = point.reals("task.times").back();
  execution.backend = Backend::cpu;
  const auto measure = [&](std::size_t count) {
    std::vector<double> some(count);
    for (std::size_t i = 0; i < count; ++i)
      some[i] = last == 0.0 ? static_cast<double>(i) : last * static_cast<double>(i + 1) / static_cast<double>(count);
    const auto start = std::chrono::steady_clock::now();
    if (kind_of(point) == Kind::green) {
      GreenOptions options;
      options.keep_sites = options.keep_momenta = false;
      if (whole) options.down_occupation = down_occupation_of(point);
      green(shorter, some, options, execution);
    } else {
      DensityOptions options;
      options.keep_density = false;
      if (whole) options.down_occupation = down_occupation_of(point);
      if (point.has("initial.down_sites"))
        options.down_sites = whole ? integers_of(point, "initial.down_sites") : std::vector<std::int64_t>{0};
      density(shorter, whole ? up_state_of(point) : UpState(), some, options, execution);
    }
    return seconds_since(start);
  };
  measure(1);
  const double once = measure(1);
  return ratio * std::max(measure(17) - once, 0.0) / 16.0;
}

Plan plan_times(const Point& point, const HatsugaiKohmoto& model, const Execution& requested) {
  Plan plan;
  plan.method = closed_form;
  plan.measured = true;
  const std::size_t times = point.reals("task.times").size();
  const auto sites = static_cast<double>(model.size());
  plan.work = "times";
  plan.rate_evaluations = static_cast<double>(times);
  // Two exponentials and two sine-cosine pairs per momentum, and a transform.
  plan.operations = sites * (150.0 + 5.0 * std::log2(std::max(2.0, sites)));
  plan.bytes_moved = sites * 100.0;
  plan.notes = notes_on_times(point, modes_of(coarse(model)));
  if (kind_of(point) == Kind::green) {
    plan.backend = green_backend(requested.backend, model, times, &plan.backend_reason);
    plan_device(plan, requested, [&] { return green_device_bytes(model, times, green_options(point), requested); });
  } else {
    plan.backend = Backend::cpu;
    plan.backend_reason = "the density is made on the CPU";
    if (point.has("initial.correlation") && std::holds_alternative<UpCorrelation>(up_state_of(point)))
      plan.operations += 16.0 * sites * sites;
  }
  plan.seconds_per_evaluation = seconds_per_time(point, model, requested);
  return plan;
}

Plan plan_point(const Point& point, const Execution& requested) {
  const auto model = read<HatsugaiKohmoto>(point);
  if (model.cluster > 1) return plan_clusters(point, model, requested);
  return kind_of(point) == Kind::spectral ? plan_frequencies(point, model, requested)
                                          : plan_times(point, model, requested);
}

/// Gain of spin up builds up a density of its own, to which the drift refers only at late times.
std::vector<std::string> remarks_on_density(const config::Document& document) {
  std::vector<std::string> remarks = open_chain_remarks(document);
  const bool gain = !is_zero_everywhere(document, "bath.up.gain") ||
                    !is_zero_everywhere(document, "bath.up.two_site_gain") || document.base.has("bath.up.gain_table") ||
                    has_gain_operator(document.base, "bath.up");
  if (gain)
    remarks.emplace_back(
        "spin up has gain: drift is the centre of the density beyond its steady value, which has not formed at t = 0; "
        "drift_coherent is that of what has moved from the start");
  return remarks;
}

// --- runs ---

constexpr const char* stopped = "stopped before the last time";

/// The result of a point, with how it was computed.
template <class Result>
io::Result result_of(const Point& point, Result& computed, Backend backend, const std::string& backend_reason) {
  io::Result result = open_chain_result(point, computed);
  const Method& method = point.integer("model.cluster") > 1 ? of_clusters : closed_form;
  result.algorithm = method.algorithm;
  result.algorithm_reason = method.reason;
  result.backend = name(backend);
  result.backend_reason = backend_reason;
  if constexpr (requires { computed.converged; }) {
    result.converged = computed.converged;
    result.stopped = !computed.converged;
    if (result.stopped) result.message = stopped;
  }
  return result;
}

io::Result run_green(const Point& point, const Execution& execution, const Monitor& monitor) {
  const auto& times = point.reals("task.times");
  GreenOptions options = green_options(point);
  options.monitor = monitor;
  GreenResult green_result = green(read<HatsugaiKohmoto>(point), times, options, execution);

  return result_of(point, green_result, green_result.backend, green_result.backend_reason);
}

io::Result run_spectral(const Point& point, const Execution& execution, const Monitor& monitor) {
  auto options = read<SpectralOptions>(point);
  options.monitor = monitor;
  options.keep_green = wanted(point, "green_retarded_frequency");
  SpectralResult spectrum = spectral(read<HatsugaiKohmoto>(point), point.reals("task.frequencies"), options, execution);

  if (spectrum.stopped) throw Interruption();
  auto peak = spectral_peak(spectrum);
  io::Result result = result_of(point, spectrum, spectrum.backend, spectrum.backend_reason);
  result.summary = std::move(peak);
  if (spectrum.delta_peaks > 0)
    result.message = fmt::format(
        "{} of the momenta have delta peaks without width: inf where a frequency meets one, 0 beside it; "
        "task.broadening > 0 "
        "widens them",
        spectrum.delta_peaks);
  return result;
}

io::Result run_density(const Point& point, const Execution& execution, const Monitor& monitor) {
  const auto& times = point.reals("task.times");
  DensityOptions options;
  options.down_occupation = down_occupation_of(point);
  if (point.has("initial.down_sites")) options.down_sites = integers_of(point, "initial.down_sites");
  options.keep_density = wanted(point, "density");
  options.monitor = monitor;
  DensityResult cloud = density(read<HatsugaiKohmoto>(point), up_state_of(point), times, options, execution);

  return result_of(point, cloud, Backend::cpu, "the density is made on the CPU");
}

void require_device_work(const Point& point) {
  const HatsugaiKohmoto model = read<HatsugaiKohmoto>(point);
  if (kind_of(point) == Kind::green && model.cluster == 1)
    green_backend(Backend::cuda, model, point.reals("task.times").size());
}

}  // namespace

ModelEntry hatsugai_kohmoto_entry() {
  ModelEntry model;
  model.kind = "hatsugai_kohmoto";
  model.description =
      "open Hatsugai-Kohmoto model on a ring or a lattice: an interaction at each momentum, exact at any time";
  model.keys = keys_with_orbitals(config::keys_of<HatsugaiKohmoto, Orbitals>());
  model.validate = validate_point;
  model.tasks = {
      {.kind = "green",
       .description = "retarded Green's function of spin up between sites, its norm and its drift",
       .keys = config::keys_of<GreenOptions, OutputTimes>(),
       .fields = open_chain_fields<GreenResult>(),
       .sizeless_fields = open_chain_sizeless_fields<GreenResult>(),
       .footprint = footprint_of<GreenResult>,
       .empty_result = empty_open_chain_result<GreenResult>,
       .plan = plan_point,
       .run = run_green,
       .diagnostics = {},
       .remarks = open_chain_remarks,
       .verify = verify_hatsugai_kohmoto_green,
       .shares_a_point = true,
       .require_device_work = require_device_work},
      {.kind = "spectral",
       .description = "spectral function, self energy and Green's function of spin up over momentum and frequency",
       .keys = config::keys_of<OutputFrequencies, SpectralOptions>(),
       .fields = open_chain_fields<SpectralResult>(),
       .sizeless_fields = open_chain_sizeless_fields<SpectralResult>(),
       .footprint = footprint_of<SpectralResult>,
       .empty_result = empty_open_chain_result<SpectralResult>,
       .plan = plan_point,
       .run = run_spectral,
       .diagnostics = {},
       .remarks = open_chain_remarks,
       .verify = verify_hatsugai_kohmoto_spectral,
       .shares_a_point = true,
       .require_device_work = require_device_work},
      {.kind = "density",
       .description = "density of spin up on the sites from an initial state, and its drift",
       .keys = config::keys_of<DensityStart, OutputTimes>(),
       .fields = open_chain_fields<DensityResult>(),
       .sizeless_fields = open_chain_sizeless_fields<DensityResult>(),
       .footprint = footprint_of<DensityResult>,
       .empty_result = empty_open_chain_result<DensityResult>,
       .plan = plan_point,
       .run = run_density,
       .diagnostics = {},
       .remarks = remarks_on_density,
       .verify = verify_hatsugai_kohmoto_density,
       .shares_a_point = true,
       .cpu_only = true},
      hatsugai_kohmoto_poles_task(),
      hatsugai_kohmoto_steady_state_task()};
  for (TaskEntry& task : model.tasks)
    if (task.kind == "green" || task.kind == "spectral") task = with_orbitals(std::move(task));
  return model;
}

}  // namespace lindrift
