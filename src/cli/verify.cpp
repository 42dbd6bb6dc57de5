#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <random>

#include "cli/verbs.hpp"
#include "lindrift/error.hpp"
#include "registry/registry.hpp"
#include "sweep/campaign.hpp"

namespace lindrift::cli {

namespace {

using Finding = Verification::Finding;

/// If the direct algorithm would take longer than this, the second run uses the algorithm of the file.
constexpr double longest_direct_run = 30.0;  // seconds

/// Whether a second run may give another value: these describe the computation, or bounds that depend on it.
bool depends_on_the_way(const std::string& name) {
  return name == "steps" || name == "residual" || name.ends_with("_error");
}

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

class Verifier {
 public:
  Verifier(const std::string& file, std::size_t samples)
      : stored_(sweep::StoredSweep::read(file)), samples_(samples), random_(std::random_device()()) {
    const auto& input = std::get<std::string>(stored_.output.attributes.at("resolved_input"));
    document_ = config::parse(input, file, {}, registry());
    task_ = &find_task(find_model(document_.model), document_.task);
  }

  int run() {
    std::vector<std::uint64_t> present;
    stored_.for_each_record(document_, [&](const sweep::Record& record) {
      if (record.status == sweep::Status::done || record.status == sweep::Status::not_converged)
        present.push_back(record.point);
    });
    std::shuffle(present.begin(), present.end(), random_);
    const std::size_t all = present.size();
    present.resize(std::min(all, samples_));
    stored_.for_each_record(document_, [&](sweep::Record record) {
      if (std::find(present.begin(), present.end(), record.point) != present.end()) look_at(std::move(record));
    });
    return report(present.size(), all);
  }

 private:
  void look_at(sweep::Record record) {
    const config::Point point = document_.point(static_cast<std::size_t>(record.point));
    io::Result result = kept_empty_result(*task_, point);
    if (record.data.size() != result.fields.size()) throw Error("the datasets of the file do not fit its input");
    for (std::size_t f = 0; f < result.fields.size(); ++f) {
      const auto size = [](const io::Data& data) { return std::visit([](const auto& v) { return v.size(); }, data); };
      if (record.data[f].index() != result.fields[f].data.index() ||
          size(record.data[f]) != size(result.fields[f].data))
        throw Error(fmt::format("the dataset {} of the file does not fit its input", result.fields[f].name));
      result.fields[f].data = std::move(record.data[f]);
    }
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

  /// Computes the point again, by the direct algorithm if the model has one and time allows.
  void run_again(Verification& verification) {
    config::Point point = verification.point;
    const auto& algorithms = find_model(document_.model).algorithms;
    const Execution execution{.backend = Backend::cpu};
    std::string way = "a second run";
    if (document_.task != "green" &&
        std::find(algorithms.begin(), algorithms.end(), Algorithm::direct) != algorithms.end()) {
      config::Point direct = point;
      direct.set("solver.algorithm", std::string("direct"));
      const Plan plan = task_->plan(direct, execution);
      if (plan.rate_evaluations * plan.seconds_per_evaluation < longest_direct_run) {
        point = direct;
        way = "a second run by direct sums";
      }
    }
    const io::Result again = task_->run(point, execution, {});
    // Each run may be off by the tolerance; the exact models have none, and differ by rounding only.
    const double tolerance = point.has("solver.tolerance") ? 2.0 * point.real("solver.tolerance") : 1e-12;
    const double unit = point.has("model.hopping") ? std::max(1.0, std::fabs(point.real("model.hopping"))) : 1.0;
    const auto& kept = verification.fields();
    for (const io::Field& field : kept) {
      if (depends_on_the_way(field.name)) continue;
      const auto other = std::find_if(again.fields.begin(), again.fields.end(),
                                      [&](const io::Field& one) { return one.name == field.name; });
      if (other == again.fields.end()) continue;
      std::visit(
          [&]<class Number>(const std::vector<Number>& stored) {
            if constexpr (!std::is_same_v<Number, std::string>)
              if (const auto* values = std::get_if<std::vector<Number>>(&other->data))
                compare(verification, field.name + ", " + way, stored, *values, tolerance, 1e-12 * unit);
          },
          field.data);
    }
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
    fmt::print("{} of {} point{} looked at: {}\n", looked_at, all, all == 1 ? "" : "s",
               passed ? "nothing is beyond what the file promises" : "the file does not hold what it promises");
    return passed ? success : points_failed;
  }

  sweep::StoredSweep stored_;
  config::Document document_;
  const TaskEntry* task_ = nullptr;
  std::size_t samples_;
  std::mt19937_64 random_;
  std::vector<Finding> findings_;
};

}  // namespace

int verify(const std::string& file, std::size_t samples) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) throw UsageError(file + ": no such file");
  return Verifier(file, samples).run();
}

}  // namespace lindrift::cli
