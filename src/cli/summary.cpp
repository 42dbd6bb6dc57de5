#include "cli/summary.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>

#include "cli/progress.hpp"

namespace lindrift::cli {

namespace {

/// Maximum number of rows printed of a sweep, evenly chosen; the file contains all.
constexpr std::size_t max_rows = 11;

/// Names of the scalars of a point, preferably of one that was not read from an output.
std::vector<std::string> scalar_names(const std::vector<sweep::Record>& points) {
  const sweep::Record* best = nullptr;
  for (const sweep::Record& record : points)
    if (!record.summary.empty() && (best == nullptr || (best->algorithm.empty() && !record.algorithm.empty())))
      best = &record;
  std::vector<std::string> names;
  if (best != nullptr)
    for (const auto& scalar : best->summary) names.push_back(scalar.first);
  return names;
}

std::string scalar_text(const sweep::Record& record, const std::string& name) {
  if (record.status == sweep::Status::missing) return "missing";
  if (record.status == sweep::Status::failed) return "failed";
  for (const auto& [known, value] : record.summary)
    if (known == name) return std::isnan(value) ? "undefined" : fmt::format("{:.10g}", value);
  return "in the file";  // from an earlier run, and not a scalar of the output
}

std::string swept_text(const config::Value& value) {
  if (const auto* complex = std::get_if<config::Complex>(&value))
    return fmt::format("{:.4g}{:+.4g}i", complex->real(), complex->imag());
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&value))
    return fmt::format("{}", fmt::join(*integers, " x "));
  return fmt::format("{:.6g}", std::get<double>(value));
}

void print_table(const config::Document& document, const std::vector<sweep::Record>& points) {
  const std::size_t rows = std::min(points.size(), max_rows);
  const auto names = scalar_names(points);
  std::vector<std::size_t> widths;
  for (const config::Axis& axis : document.sweep.axes) {
    const std::string heading = fmt::format("{:>14}", axis.path.substr(axis.path.find('.') + 1));
    widths.push_back(heading.size());
    fmt::print("{}  ", heading);
  }
  for (const std::string& name : names) fmt::print("{:>16}  ", name);
  fmt::print("\n");
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t p = rows > 1 ? row * (points.size() - 1) / (rows - 1) : 0;
    const auto values = document.sweep.at(p);
    for (std::size_t i = 0; i < values.size(); ++i) {
      fmt::print("{:>{}}  ", swept_text(values[i]), widths[i]);
    }
    for (const std::string& name : names) fmt::print("{:>16}  ", scalar_text(points[p], name));
    fmt::print("\n");
  }
  if (rows < points.size()) fmt::print("({} of {} points shown)\n", rows, points.size());
}

}  // namespace

void print_summary(const config::Document& document, const sweep::SweepResult& result, double seconds,
                   const std::string& output) {
  if (!document.sweep.empty()) {
    print_table(document, result.points);
  } else {
    for (const auto& [name, value] : result.points.front().summary)
      fmt::print("{:<18} {}\n", name, std::isnan(value) ? "undefined" : fmt::format("{:.12g}", value));
  }
  const sweep::Tally& tally = result.tally;
  fmt::print("{} of {} point{} done", tally.done, tally.total, tally.total == 1 ? "" : "s");
  if (tally.not_converged > 0) fmt::print(", {} not converged", tally.not_converged);
  if (tally.failed > 0) fmt::print(", {} failed", tally.failed);
  fmt::print(" in {}; written to {}\n", duration_text(seconds), output);
}

void log_messages(const config::Document& document, const sweep::SweepResult& result) {
  constexpr int max_messages = 10;
  int count = 0;
  for (const sweep::Record& record : result.points) {
    if (record.message.empty()) continue;
    if (++count > max_messages) {
      spdlog::error("... the dataset `error` has more of these");
      return;
    }
    const std::string where = document.sweep.empty() ? "" : fmt::format("point {}: ", record.point);
    spdlog::log(record.status == sweep::Status::done ? spdlog::level::warn : spdlog::level::err, "{}{}", where,
                record.message);
  }
}

}  // namespace lindrift::cli
