#include "config/diagnostic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "config/tree.hpp"

namespace lindrift::config {

namespace {

constexpr std::size_t most_reported = 20;

std::string join(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (!text.empty()) text += '\n';
    text += diagnostic.text();
  }
  return text;
}

/// Order of messages: lines of the file, then --set, then those without a location.
int group(const Place& place) {
  if (place.set >= 0) return 1;
  return place.line > 0 ? 0 : 2;
}

}  // namespace

std::string Diagnostic::text() const {
  if (!where.set_key.empty()) return fmt::format("--set {}: error: {}", where.set_key, message);
  if (where.line > 0) return fmt::format("{}:{}:{}: error: {}", where.file, where.line, where.column, message);
  return fmt::format("{}: error: {}", where.file, message);
}

InputError::InputError(std::vector<Diagnostic> diagnostics)
    : Error(join(diagnostics)), diagnostics_(std::move(diagnostics)) {}

bool before(const Place& left, const Place& right) {
  const auto rank = [](const Place& place) { return std::tuple(group(place), place.set, place.line, place.column); };
  return rank(left) < rank(right);
}

void Reporter::add(const Place& place, std::string message) { complaints_.push_back({place, std::move(message)}); }

Location Reporter::location(const Place& place) const {
  Location location{.file = file_};
  if (place.set >= 0) {
    const std::string& key = sets_[static_cast<std::size_t>(place.set)].first;
    location.set_key = key.empty() ? "\"\"" : key;
  } else {
    location.line = place.line;
    location.column = place.column;
  }
  return location;
}

void Reporter::raise_if_any() const {
  if (complaints_.empty()) return;
  std::vector<std::size_t> order(complaints_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [this](std::size_t left, std::size_t right) {
    return before(complaints_[left].place, complaints_[right].place);
  });
  std::vector<Diagnostic> diagnostics;
  for (const std::size_t index : order) {
    if (diagnostics.size() == most_reported) {
      diagnostics.push_back({location(Place{}), fmt::format("... and {} more", order.size() - most_reported)});
      break;
    }
    diagnostics.push_back({location(complaints_[index].place), complaints_[index].message});
  }
  throw InputError(std::move(diagnostics));
}

}  // namespace lindrift::config
