#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "cli/diagnostics.hpp"
#include "cli/verbs.hpp"
#include "engine/short_text.hpp"
#include "io/system.hpp"
#include "lindrift/error.hpp"
#include "lindrift/version.hpp"
#include "registry/registry.hpp"
#include "sweep/campaign.hpp"
#include "sweep/stored_points.hpp"

namespace lindrift::cli {

namespace {

using Finding = Verification::Finding;

/// If the direct algorithm would take longer than this, the second run uses the algorithm of the file.
constexpr double longest_direct_run = 30.0;  // seconds

/// Whether a second run may give another value: these describe the computation, or bounds that depend on it.
bool depends_on_the_way(const std::string& name) {
  return name == "steps" || name == "residual" || name.ends_with("_error");
}

/// Groups of points, such as batches, may round in another way than a point alone. This many equal numbers show that
/// it did not.
constexpr std::size_t convincing_numbers = 8;

std::complex<double> number(double value) { return value; }
std::complex<double> number(std::complex<double> value) { return value; }
std::complex<double> number(std::int64_t value) { return static_cast<double>(value); }
std::complex<double> number(std::uint8_t value) { return static_cast<double>(value); }

/// Whether both are finite, or both NaN, or both infinite with the same sign.
bool same_kind(std::complex<double> one, std::complex<double> other) {
  const auto kind = [](double value) { return std::isnan(value) ? 1 : std::isinf(value) ? (value > 0.0 ? 2 : 3) : 0; };
  return kind(one.real()) == kind(other.real()) && kind(one.imag()) == kind(other.imag());
}

/// Records the largest difference between two datasets, in units of the largest value.
/// @param tolerance  relative, of the file; `floor` allows for rounding in values that are 0
template <class Number>
void compare(Verification& verification, const std::string& what, const std::vector<Number>& stored,
             const std::vector<Number>& again, double tolerance, double floor) {
  if (stored.size() != again.size()) return verification.note(what, INFINITY, 0.0);
  double largest = 0.0, worst = 0.0;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    const std::complex<double> one = number(stored[i]), other = number(again[i]);
    if (!same_kind(one, other)) return verification.note(what, INFINITY, 0.0);
    if (!std::isfinite(std::abs(other))) continue;
    largest = std::max(largest, std::abs(other));
    worst = std::max(worst, std::abs(one - other));
  }
  verification.note(what, worst, tolerance * largest + floor);
}

std::size_t size_of(const io::Data& data) {
  return std::visit([](const auto& values) { return values.size(); }, data);
}

/// Elements [first, first + count) of a dataset.
io::Data part_of(const io::Data& data, std::size_t first, std::size_t count) {
  return std::visit(
      [&](const auto& values) -> io::Data {
        const auto begin = values.begin() + static_cast<std::ptrdiff_t>(first);
        return std::decay_t<decltype(values)>(begin, begin + static_cast<std::ptrdiff_t>(count));
      },
      data);
}

/// Whether two datasets are equal; NaN equals NaN.
bool equal(const io::Data& one, const io::Data& other) {
  if (one.index() != other.index() || size_of(one) != size_of(other)) return false;
  return std::visit(
      [&]<class Number>(const std::vector<Number>& values) {
        const auto& others = std::get<std::vector<Number>>(other);
        if constexpr (std::is_same_v<Number, std::string>)
          return values == others;
        else
          return std::equal(values.begin(), values.end(), others.begin(), [](Number left, Number right) {
            return left == right || (!std::isfinite(std::abs(number(left))) && same_kind(number(left), number(right)));
          });
      },
      one);
}

/// Whether every floating-point number of a point is missing, and there is one.
bool is_nothing(const std::vector<io::Data>& data) {
  bool found = false, all = true;
  for (const io::Data& one : data)
    std::visit(
        [&]<class Number>(const std::vector<Number>& values) {
          if constexpr (std::is_same_v<Number, double> || std::is_same_v<Number, std::complex<double>>)
            for (const Number& value : values) {
              found = true;
              all = all && std::isnan(number(value).real());
            }
        },
        one);
  return found && all;
}

const io::Field* find_field(const std::vector<io::Field>& fields, const std::string& name) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const io::Field& field) { return field.name == name; });
  return found != fields.end() ? &*found : nullptr;
}

class Verifier {
 public:
  Verifier(const std::string& file, std::size_t samples)
      : stored_(sweep::StoredSweep::read(file)),
        document_(sweep::with_tables(stored_)),
        task_(&find_task(find_model(document_.model), document_.task)),
        grouping_(grouping_of(*task_, document_, Backend::cpu)),
        samples_(samples),
        random_(std::random_device()()) {
    algorithm_ = attribute("algorithm");
    same_program_ = attribute("git_hash") == git_hash() && attribute("simd") == simd_level() &&
                    attribute("host") == io::host_name() && attribute("backend") == name(Backend::cpu);
  }

  int run() {
    check_coordinates();
    check_diagnostics();
    check_statuses();
    std::vector<std::uint64_t> present, suspicious;
    stored_.for_each_record(document_, [&](const sweep::Record& record) {
      if (record.status != sweep::Status::done && record.status != sweep::Status::not_converged) return;
      const bool doubtful = record.status == sweep::Status::done && is_nothing(record.data);
      (doubtful ? suspicious : present).push_back(record.point);
    });
    std::shuffle(present.begin(), present.end(), random_);
    present.insert(present.begin(), suspicious.begin(), suspicious.end());
    const std::size_t all = present.size();
    present.resize(std::min(all, samples_));
    stored_.for_each_record(document_, [&](sweep::Record record) {
      if (std::find(present.begin(), present.end(), record.point) != present.end()) look_at(std::move(record));
    });
    return report(present.size(), all);
  }

 private:
  std::string attribute(const std::string& name) const {
    const auto found = stored_.output.attributes.find(name);
    const auto* text = found != stored_.output.attributes.end() ? std::get_if<std::string>(&found->second) : nullptr;
    return text != nullptr ? *text : "";
  }

  const io::Data& dataset(const std::string& name) const {
    const auto found = stored_.output.datasets.find(name);
    if (found == stored_.output.datasets.end())
      throw io::NotAResult(stored_.output.path + ": it has no dataset " + name);
    return found->second;
  }

  // ---- what follows from the input ----

  /// Coordinates are those of the input, within a few ulps: an older version may have rounded a grid in another way.
  void check_coordinates() {
    for (const io::Field& expected : sweep::coordinates_of(document_, *task_)) {
      Finding finding{"coordinate " + expected.name, 0.0, 0.0, size_of(expected.data), true};
      const io::Data& stored = dataset(expected.name);
      finding.passed = stored.index() == expected.data.index() && size_of(stored) == size_of(expected.data);
      if (finding.passed)
        std::visit(
            [&]<class Number>(const std::vector<Number>& values) {
              const auto& given = std::get<std::vector<Number>>(stored);
              if constexpr (std::is_same_v<Number, std::string>)
                finding.passed = given == values;
              else
                compare_coordinate(given, values, finding);
            },
            expected.data);
      if (!finding.passed && finding.error == 0.0) finding.error = INFINITY;
      add(finding);
    }
  }

  template <class Number>
  static void compare_coordinate(const std::vector<Number>& stored, const std::vector<Number>& expected,
                                 Finding& finding) {
    constexpr double few_ulps = 4.0 * std::numeric_limits<double>::epsilon();
    constexpr std::size_t longest_list = 10'000;  // values of longer axes may come from a grid, with its rounding
    double largest = 0.0;
    if (expected.size() > longest_list)
      for (const Number& value : expected) largest = std::max(largest, std::abs(number(value)));
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const double error = std::abs(number(stored[i]) - number(expected[i]));
      const double allowed = few_ulps * std::max(largest, std::abs(number(expected[i])));
      const bool passes = error <= allowed;
      const bool is_worst = passes ? finding.passed && error * finding.allowed >= finding.error * allowed
                                   : finding.passed || error > finding.error;
      if (is_worst) {
        finding.error = error;
        finding.allowed = allowed;
      }
      finding.passed = finding.passed && passes;
    }
  }

  /// Diagnostics of degenerate bands depend on the library that finds eigenvectors: they are compared where this
  /// program computed them, on this machine.
  void check_diagnostics() {
    if (!same_program_) return;
    for (const auto& [name, expected] : diagnostics(document_)) {
      const auto found = stored_.output.attributes.find(name);
      if (found == stored_.output.attributes.end()) continue;
      Finding finding{"attribute " + name, 0.0, 0.0, 1, found->second.index() == expected.index()};
      if (finding.passed)
        std::visit(
            [&]<class Number>(const Number& value) {
              if constexpr (!std::is_same_v<Number, std::string>) {
                const auto one = static_cast<double>(value),
                           other = static_cast<double>(std::get<Number>(found->second));
                finding.allowed = 1e-12 * std::max(1.0, std::fabs(one));
                finding.error = one == other || (std::isnan(one) && std::isnan(other)) ? 0.0 : std::fabs(one - other);
                finding.passed = finding.error <= finding.allowed;
              }
            },
            expected);
      add(finding);
    }
  }

  /// Whether the status of every point fits its data.
  void check_statuses() {
    if (document_.sweep.empty()) return;
    const std::size_t points = document_.sweep.points();
    const auto* statuses = std::get_if<std::vector<std::uint8_t>>(&dataset("status"));
    const auto* messages = std::get_if<std::vector<std::string>>(&dataset("error"));
    if (statuses == nullptr || messages == nullptr || statuses->size() != points || messages->size() != points)
      throw io::NotAResult(stored_.output.path + ": its status and error do not fit its input");
    const io::Result missing = kept_empty_result(*task_, document_.point(0));
    for (const io::Field& field : missing.fields)
      if (dataset(field.name).index() != field.data.index() ||
          size_of(dataset(field.name)) != points * size_of(field.data))
        throw io::NotAResult(fmt::format("{}: its dataset {} does not fit its input", stored_.output.path, field.name));
    const io::Field* const converged = find_field(missing.fields, "converged");
    const auto is_missing = [&](std::size_t p) {
      return std::all_of(missing.fields.begin(), missing.fields.end(), [&](const io::Field& field) {
        const std::size_t size = size_of(field.data);
        return equal(part_of(dataset(field.name), p * size, size), field.data);
      });
    };
    std::size_t wrong = 0;
    for (std::size_t p = 0; p < points; ++p) {
      const std::uint8_t status = (*statuses)[p];
      std::string problem;
      if (status > 3) {
        problem = "must be 0, 1, 2 or 3";
      } else if (status == 0 && stored_.complete) {
        problem = "says that the point is missing in a complete file";
      } else if ((status == 0 || status == 2) && !is_missing(p)) {
        problem = fmt::format("says that the point {}, but it has values", status == 0 ? "is missing" : "failed");
      } else if (status == 2 && (*messages)[p].empty()) {
        problem = "says that the point failed, but its error is empty";
      } else if (converged != nullptr && (status == 1 || status == 3)) {
        const auto& flags = std::get<std::vector<std::uint8_t>>(dataset("converged"));
        if (flags[p] != (status == 1 ? 1 : 0)) problem = fmt::format("contradicts converged = {}", flags[p]);
      }
      if (problem.empty()) continue;
      if (++wrong <= 10) spdlog::error("point {}: its status {} {}", p, status, problem);
    }
    add({"status, from the data", static_cast<double>(wrong), 0.0, points, wrong == 0});
  }

  // ---- points ----

  void look_at(sweep::Record record) {
    const config::Point point = document_.point(static_cast<std::size_t>(record.point));
    io::Result result = kept_empty_result(*task_, point);
    if (record.data.size() != result.fields.size())
      throw io::NotAResult(stored_.output.path + ": its datasets do not fit its input");
    for (std::size_t f = 0; f < result.fields.size(); ++f) {
      if (record.data[f].index() != result.fields[f].data.index() ||
          size_of(record.data[f]) != size_of(result.fields[f].data))
        throw io::NotAResult(
            fmt::format("{}: its dataset {} does not fit its input", stored_.output.path, result.fields[f].name));
      result.fields[f].data = std::move(record.data[f]);
    }
    converged_ = record.status == sweep::Status::done;
    if (const io::Field* flag = find_field(result.fields, "converged"))
      converged_ = converged_ && std::get<std::vector<std::uint8_t>>(flag->data).front() == 1;
    Verification verification(point, result, samples_, random_);
    if (task_->verify) task_->verify(verification);
    run_again(verification);
    for (const Finding& finding : verification.findings()) {
      if (!finding.passed && !document_.sweep.empty())
        spdlog::error("point {}: {}: {:.3g} is more than {:.3g}", record.point, finding.what, finding.error,
                      finding.allowed);
      add(finding);
    }
  }

  /// Computes the point again: by the direct algorithm if the model has one and time allows, and in its own way.
  void run_again(Verification& verification) {
    // Where a chain gave up depends on where it came from.
    if (grouping_.chained && !converged_) return;
    const config::Point& point = verification.point;
    const auto& algorithms = find_model(document_.model).algorithms;
    const auto with_algorithm = [&](const std::string& algorithm) {
      config::Point other = point;
      if (point.has("solver.algorithm") &&
          std::any_of(algorithms.begin(), algorithms.end(), [&](Algorithm one) { return name(one) == algorithm; }))
        other.set("solver.algorithm", algorithm);
      return other;
    };
    const Execution execution{.backend = Backend::cpu};
    const auto is_short = [&](const config::Point& one) {
      const Plan plan = task_->plan(one, execution);
      return plan.rate_evaluations * plan.seconds_per_evaluation < longest_direct_run;
    };
    const config::Point own = with_algorithm(algorithm_);
    const std::string direct(name(Algorithm::direct));
    if (document_.task != "green" && converged_ && algorithm_ != direct &&
        std::find(algorithms.begin(), algorithms.end(), Algorithm::direct) != algorithms.end() &&
        is_short(with_algorithm(direct))) {
      const io::Result by_direct = task_->run(with_algorithm(direct), execution, {});
      compare_results(verification, by_direct, "a second run by direct sums");
      return compare_ways(verification, task_->run(own, execution, {}));
    }
    const io::Result again = task_->run(own, execution, {});
    compare_results(verification, again, algorithm_ == direct ? "a second run by direct sums" : "a second run");
    compare_ways(verification, again);
  }

  static void compare_results(Verification& verification, const io::Result& again, const std::string& way) {
    const config::Point& point = verification.point;
    // Each run may be off by the tolerance; the exact models have none, and differ by rounding only.
    const double tolerance = point.has("solver.tolerance") ? 2.0 * point.real("solver.tolerance") : 1e-12;
    const double unit = point.has("model.hopping") ? std::max(1.0, std::fabs(point.real("model.hopping"))) : 1.0;
    for (const io::Field& field : verification.fields()) {
      if (depends_on_the_way(field.name)) continue;
      const io::Field* const other = find_field(again.fields, field.name);
      if (other == nullptr) continue;
      std::visit(
          [&]<class Number>(const std::vector<Number>& stored) {
            if constexpr (!std::is_same_v<Number, std::string>)
              if (const auto* values = std::get_if<std::vector<Number>>(&other->data))
                compare(verification, field.name + ", " + way, stored, *values, tolerance, 1e-12 * unit);
          },
          field.data);
    }
  }

  /// Compares what depends on the way a point is computed, and whether it converged. If all other numbers of the point
  /// are equal, these are too; otherwise they are of the same size.
  void compare_ways(Verification& verification, const io::Result& again) const {
    if (!document_.sweep.empty() && same_program_ && !grouping_.chained)
      verification.note("status, a second run", again.converged == converged_ ? 0.0 : 1.0, 0.0);
    const bool equal_bits = has_equal_numbers(verification, again);
    for (const io::Field& field : verification.fields()) {
      if (!depends_on_the_way(field.name)) continue;
      const io::Field* const other = find_field(again.fields, field.name);
      if (other == nullptr) continue;
      std::visit(
          [&]<class Number>(const std::vector<Number>& stored) {
            if constexpr (std::is_same_v<Number, double> || std::is_same_v<Number, std::int64_t>) {
              const auto* values = std::get_if<std::vector<Number>>(&other->data);
              if (values == nullptr || values->size() != stored.size()) return;
              for (std::size_t i = 0; i < stored.size(); ++i)
                compare_way(verification, field.name, static_cast<double>(stored[i]), static_cast<double>((*values)[i]),
                            equal_bits, again.converged);
            }
          },
          field.data);
    }
  }

  void compare_way(Verification& verification, const std::string& name, double stored, double again, bool equal_bits,
                   bool again_converged) const {
    const std::string what = name + ", a second run in the same way";
    if (!same_kind(stored, again)) return verification.note(what, INFINITY, 0.0);
    if (!std::isfinite(stored)) return;
    if (equal_bits) return verification.note(what, std::fabs(stored - again), 0.0);
    verification.note(name + " >= 0", std::max(0.0, -stored), 0.0);
    const config::Point& point = verification.point;
    const double tolerance = point.has("solver.tolerance") ? point.real("solver.tolerance") : 1e-12;
    constexpr double factor = 10.0, rounding = 1e-12;
    if (name == "steps") {
      // On another machine a few more or less; along a chain fewer.
      verification.note(what, std::max(0.0, stored - factor * again), 1000.0);
    } else if (name == "residual" && document_.task == "relax") {
      // The residual changes by 3/2 of a multiplier, which may be as large as hundreds.
      verification.note(what, std::fabs(stored - again), 1e4 * tolerance + rounding);
    } else {
      // A bound that the point promises needs no second run: a residual below the tolerance is any number there.
      const bool promised = name == "residual" && converged_ && again_converged;
      const double least = promised ? tolerance : 0.0;
      verification.note(what, stored, std::max(least, factor * again) + rounding);
      if (!promised) verification.note(what, again, factor * stored + rounding);
    }
  }

  /// Whether everything that does not depend on the way is equal to the last bit, by this program on this machine.
  bool has_equal_numbers(const Verification& verification, const io::Result& again) const {
    if (!same_program_ || grouping_.chained) return false;
    std::set<double> numbers;
    for (const io::Field& field : verification.fields()) {
      if (depends_on_the_way(field.name)) continue;
      const io::Field* const other = find_field(again.fields, field.name);
      if (other == nullptr || !equal(field.data, other->data)) return false;
      std::visit(
          [&]<class Number>(const std::vector<Number>& values) {
            if constexpr (std::is_same_v<Number, double> || std::is_same_v<Number, std::complex<double>>)
              for (const Number& value : values)
                if (const double size = std::abs(number(value)); std::isfinite(size) && size > 0.0)
                  numbers.insert(number(value).real());
          },
          field.data);
    }
    return numbers.size() >= (grouping_.size > 1 ? convincing_numbers : 1);
  }

  /// Keeps the worst finding of each kind, in units of what is allowed.
  void add(const Finding& finding) {
    const auto same =
        std::find_if(findings_.begin(), findings_.end(), [&](const Finding& one) { return one.what == finding.what; });
    if (same == findings_.end()) {
      findings_.push_back(finding);
      return;
    }
    const std::size_t compared = same->compared + finding.compared;
    if ((same->passed && !finding.passed) || finding.error * same->allowed > same->error * finding.allowed)
      *same = finding;
    same->compared = compared;
  }

  int report(std::size_t looked_at, std::size_t all) const {
    fmt::print("{:<58} {:>10} {:>10} {:>9}\n", "", "error", "allowed", "compared");
    bool passed = true;
    for (const Finding& finding : findings_) {
      fmt::print("{:<58} {:>10.3g} {:>10.3g} {:>9}{}\n", finding.what, finding.error, finding.allowed, finding.compared,
                 finding.passed ? "" : "  WRONG");
      passed = passed && finding.passed;
    }
    fmt::print("{} of {} looked at: {}\n", looked_at, counted(all, "point"),
               passed ? "nothing is beyond what the file promises" : "the file does not hold what it promises");
    return passed ? success : points_failed;
  }

  sweep::StoredSweep stored_;
  config::Document document_;
  const TaskEntry* task_;
  Grouping grouping_;
  std::size_t samples_;
  std::mt19937_64 random_;
  std::vector<Finding> findings_;
  std::string algorithm_;      ///< that of the file
  bool converged_ = true;      ///< whether the status and the data of the point that is looked at say so
  bool same_program_ = false;  ///< whether a CPU of this machine computed the points by this build
};

}  // namespace

int verify(const std::string& file, std::size_t samples) { return Verifier(file, samples).run(); }

}  // namespace lindrift::cli
