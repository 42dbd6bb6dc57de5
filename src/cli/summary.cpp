#include "cli/summary.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>

#include "cli/progress.hpp"
#include "engine/short_text.hpp"

namespace lindrift::cli {

namespace {

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

/// Prints a few rows of a sweep, evenly chosen; the file contains all.
void print_table(const config::Document& document, const sweep::SweepResult& result) {
  std::vector<std::size_t> widths;
  for (const config::Axis& axis : document.sweep.axes) {
    const std::string heading = fmt::format("{:>14}", axis.path.substr(axis.path.find('.') + 1));
    widths.push_back(heading.size());
    fmt::print("{}  ", heading);
  }
  const auto& names = result.example.summary;
  for (const auto& [name, value] : names) fmt::print("{:>16}  ", name);
  fmt::print("\n");
  for (const auto& [p, record] : result.shown) {
    const auto values = document.sweep.at(p);
    for (std::size_t i = 0; i < values.size(); ++i) {
      fmt::print("{:>{}}  ", swept_text(values[i]), widths[i]);
    }
    for (const auto& [name, value] : names) fmt::print("{:>16}  ", scalar_text(record, name));
    fmt::print("\n");
  }
  if (result.shown.size() < result.tally.total)
    fmt::print("({} of {} points shown)\n", result.shown.size(), result.tally.total);
}

}  // namespace

void print_summary(const config::Document& document, const sweep::SweepResult& result, double seconds,
                   const std::string& output) {
  if (!document.sweep.empty()) {
    print_table(document, result);
  } else {
    for (const auto& [name, value] : result.shown.at(0).summary)
      fmt::print("{:<18} {}\n", name, std::isnan(value) ? "undefined" : fmt::format("{:.12g}", value));
  }
  const sweep::Tally& tally = result.tally;
  fmt::print("{} of {} done", tally.done, counted(tally.total, "point"));
  if (tally.not_converged > 0) fmt::print(", {} not converged", tally.not_converged);
  if (tally.failed > 0) fmt::print(", {} failed", tally.failed);
  fmt::print(" in {}; written to {}\n", duration_text(seconds), output);
}

void log_messages(const config::Document& document, const sweep::SweepResult& result) {
  for (const sweep::Record& record : result.messages) {
    if (&record - result.messages.data() == sweep::most_messages)
      return spdlog::error("... the dataset `error` has more of these");
    const std::string where = document.sweep.empty() ? "" : fmt::format("point {}: ", record.point);
    spdlog::log(record.status == sweep::Status::done ? spdlog::level::warn : spdlog::level::err, "{}{}", where,
                record.message);
  }
}

}  // namespace lindrift::cli
