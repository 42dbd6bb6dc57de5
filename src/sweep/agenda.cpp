#include "sweep/agenda.hpp"

#include <algorithm>
#include <numeric>
#include <queue>

#include "lindrift/error.hpp"

namespace lindrift::sweep {
namespace {

/// What is gained per member of a team, for the decision whether to form one. The bits do not depend on it.
constexpr double team_efficiency = 0.8;

/// Hands each cost in turn to the rank that has least so far, the lowest of several.
template <class Cost, class Take>
void deal(std::size_t count, int ranks, const Cost& cost, const Take& take) {
  using Load = std::pair<double, int>;
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (int rank = 0; rank < ranks; ++rank) loads.emplace(0.0, rank);
  for (std::size_t i = 0; i < count; ++i) {
    auto [load, rank] = loads.top();
    loads.pop();
    load += cost(i);
    take(i, rank, load);
    loads.emplace(load, rank);
  }
}

}  // namespace

Wanted::Wanted(std::size_t points, std::vector<unsigned char> bits)
    : points_(points), count_(points), bits_(std::move(bits)) {
  if (bits_.empty()) return;
  if (bits_.size() != (points + 7) / 8) throw Error("a list of wanted points of another length than the sweep");
  count_ = 0;
  for (std::size_t p = 0; p < points; ++p) count_ += has(p) ? 1 : 0;
}

void Wanted::remove(std::size_t point) {
  if (!has(point)) return;
  if (bits_.empty()) bits_.assign((points_ + 7) / 8, 0xff);
  bits_[point / 8] = static_cast<unsigned char>(bits_[point / 8] & ~(1U << (point % 8)));
  --count_;
}

std::pair<std::size_t, std::size_t> Agenda::group_of(std::size_t unit) const {
  const std::size_t group = unit / parts_, place = group % groups_of_row_ * grouping_.size;
  return {group / groups_of_row_ * grouping_.row + place, std::min(grouping_.size, grouping_.row - place)};
}

template <class Take>
void Agenda::for_each_point(std::size_t unit, const Take& take) const {
  const auto [first, size] = group_of(unit);
  const std::size_t part = (grouping_.size + parts_ - 1) / parts_, begin = first + unit % parts_ * part;
  for (std::size_t p = begin; p < std::min(begin + part, first + size); ++p)
    if (wanted_.has(p)) take(p);
}

double Agenda::cost_of(std::size_t unit, const config::Document& document, const TaskEntry& task) const {
  double sum = 0.0;
  const auto add = [&](std::size_t p) { sum += task.cost ? std::max(0.0, task.cost(document.point(p))) : 1.0; };
  if (!grouping_.chained) {
    for_each_point(unit, add);
    return sum;
  }
  // Points before the last wanted one are computed whether they are wanted or not.
  const std::size_t first = group_of(unit).first;
  std::size_t last = first;
  for_each_point(unit, [&](std::size_t p) { last = p; });
  for (std::size_t p = first; p <= last; ++p) add(p);
  return sum;
}

Agenda::Agenda(const config::Document& document, const TaskEntry& task, Wanted wanted, int ranks)
    : wanted_(std::move(wanted)) {
  const std::size_t points = wanted_.points();
  if (task.grouping) grouping_ = task.grouping(document);
  if (grouping_.row == 0) grouping_.row = points;
  groups_of_row_ = groups_of(grouping_, grouping_.row);
  groups_ = groups_of(grouping_, points);
  const auto wanted_units = [&] {
    std::vector<std::uint32_t> units;
    for (std::size_t unit = 0; unit < groups_ * parts_; ++unit) {
      bool any = false;
      for_each_point(unit, [&](std::size_t) { any = true; });
      if (any) units.push_back(static_cast<std::uint32_t>(unit));
    }
    return units;
  };

  std::vector<std::uint32_t> order;
  if (wanted_.count() < points) order = wanted_units();
  if (const std::size_t left = wanted_.count() < points ? order.size() : groups_;
      grouping_.size > 1 && !grouping_.chained && left > 0) {
    parts_ = parts_of_groups(left, grouping_.size, ranks);
    if (parts_ > 1) order = wanted_units();
  }
  if (wanted_.count() < points || parts_ > 1) order_ = order;
  if ((task.cost || grouping_.chained) && units() > 1) {
    if (!order_) {
      order.resize(units());
      std::iota(order.begin(), order.end(), 0U);
    }
    std::vector<float> of_unit(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) of_unit[i] = static_cast<float>(cost_of(order[i], document, task));
    if (std::adjacent_find(of_unit.begin(), of_unit.end(), std::not_equal_to<>()) != of_unit.end()) {
      std::vector<std::uint32_t> places(order.size());
      std::iota(places.begin(), places.end(), 0U);
      std::stable_sort(places.begin(), places.end(),
                       [&](std::uint32_t left, std::uint32_t right) { return of_unit[left] > of_unit[right]; });
      order_.emplace(order.size());
      costs_.resize(order.size());
      for (std::size_t i = 0; i < places.size(); ++i) {
        (*order_)[i] = order[places[i]];
        costs_[i] = of_unit[places[i]];
      }
    }
  }
  alone_ = units();
  if (task.shares_a_point && grouping_.size == 1 && ranks > 1 && units() % static_cast<std::size_t>(ranks) != 0) {
    std::vector<double> costs(units());
    for (std::size_t i = 0; i < costs.size(); ++i) costs[i] = cost(i);
    alone_ -= units_for_teams(costs, ranks);
  }
}

std::vector<std::size_t> Agenda::points(std::size_t place) const {
  std::vector<std::size_t> points;
  for_each_point(unit_at(place), [&](std::size_t p) { points.push_back(p); });
  return points;
}

std::vector<std::size_t> Agenda::dealt(int rank, int ranks) const {
  std::vector<std::size_t> own;
  deal(
      alone_, ranks, [&](std::size_t i) { return cost(i); },
      [&](std::size_t i, int taker, double) {
        if (taker == rank) own.push_back(i);
      });
  return own;
}

std::size_t groups_of(const Grouping& grouping, std::size_t points) {
  const auto cut = [](std::size_t count, std::size_t size) { return (count + size - 1) / size; };
  if (grouping.row == 0 || grouping.row >= points) return cut(points, grouping.size);
  return points / grouping.row * cut(grouping.row, grouping.size);
}

double makespan(const std::vector<double>& costs, int ranks) {
  double end = 0.0;
  deal(
      costs.size(), ranks, [&](std::size_t i) { return costs[i]; },
      [&](std::size_t, int, double load) { end = std::max(end, load); });
  return end;
}

std::size_t parts_of_groups(std::size_t groups, std::size_t group_size, int ranks) {
  constexpr std::size_t few_points = 8;
  constexpr double little = 0.1;
  const auto size = static_cast<std::size_t>(ranks);
  const std::size_t most = std::max<std::size_t>(1, group_size / few_points);
  std::size_t best = 1;
  double least = 1.0;
  for (std::size_t parts = 1; parts <= most && least > little; ++parts) {
    const std::size_t units = groups * parts, rounds = (units + size - 1) / size;
    const double idle = 1.0 - static_cast<double>(units) / static_cast<double>(rounds * size);
    if (idle < least) {
      least = idle;
      best = parts;
    }
  }
  return best;
}

std::size_t units_for_teams(const std::vector<double>& costs, int ranks) {
  const auto size = static_cast<std::size_t>(ranks);
  const std::size_t rest = costs.size() % size;
  if (costs.size() < size || rest == 0) return rest;
  // Teams start when the last single rank is ready.
  const auto cut = costs.end() - static_cast<std::ptrdiff_t>(rest);
  const double team_time = *std::max_element(cut, costs.end()) / (team_efficiency * static_cast<double>(size / rest));
  return makespan({costs.begin(), cut}, ranks) + team_time < makespan(costs, ranks) ? rest : 0;
}

int team_of(int rank, int size, std::size_t teams) {
  return static_cast<int>(static_cast<std::size_t>(rank) * teams / static_cast<std::size_t>(size));
}

}  // namespace lindrift::sweep
