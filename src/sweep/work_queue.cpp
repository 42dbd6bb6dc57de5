#include "sweep/work_queue.hpp"

#include <algorithm>
#include <numeric>
#include <queue>

#include "lindrift/error.hpp"

namespace lindrift::sweep {
namespace {

/// Speed-up per rank assumed for a shared unit. It only decides whether ranks share units.
constexpr double sharing_efficiency = 0.8;

/// Gives each unit in turn to the rank with the least work so far (the lowest if several): take(unit, rank, its work).
template <class Cost, class Take>
void deal(std::size_t units, int ranks, const Cost& cost, const Take& take) {
  using Load = std::pair<double, int>;
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (int rank = 0; rank < ranks; ++rank) loads.emplace(0.0, rank);
  for (std::size_t i = 0; i < units; ++i) {
    auto [load, rank] = loads.top();
    loads.pop();
    load += cost(i);
    take(i, rank, load);
    loads.emplace(load, rank);
  }
}

std::size_t divide_up(std::size_t count, std::size_t size) { return (count + size - 1) / size; }

/// The cost of any point of a sweep. Where there are very many, the task is asked along each axis only, and the factors
/// by which the cost changes there are multiplied.
std::function<double(std::size_t)> costs_of_points(const config::Document& document, const TaskEntry& task) {
  if (!task.cost) return [](std::size_t) { return 1.0; };
  const auto ask = [&](std::size_t p) { return std::max(0.0, task.cost(document.point(p))); };
  std::size_t stride = document.sweep.points();
  if (stride <= config::most_examined) return ask;
  constexpr std::size_t most_asked = 2048;
  const std::vector<std::size_t> lengths = document.sweep.shape();
  const double first = ask(0);
  std::vector<std::vector<double>> factors;
  for (const std::size_t length : lengths) {
    stride /= length;
    std::vector<double>& own =
        factors.emplace_back(std::min(length, std::max<std::size_t>(2, most_asked / lengths.size())));
    for (std::size_t i = 1; i < own.size(); ++i)
      own[i] = ask(i * (length - 1) / (own.size() - 1) * stride) / (first > 0.0 ? first : 1.0);
    own[0] = 1.0;
  }
  return [lengths, factors = std::move(factors)](std::size_t p) {
    double cost = 1.0;
    for (std::size_t d = lengths.size(); d-- > 0; p /= lengths[d])
      cost *= factors[d][p % lengths[d] * factors[d].size() / lengths[d]];
    return cost;
  };
}

}  // namespace

PointSet::PointSet(std::size_t points, std::vector<unsigned char> bits)
    : points_(points), count_(0), bits_(std::move(bits)) {
  if (bits_.size() != divide_up(points, 8)) throw Error("a set of points of another sweep");
  for (std::size_t p = 0; p < points; ++p) count_ += has(p) ? 1 : 0;
}

void PointSet::remove(std::size_t point) {
  if (!has(point)) return;
  bits_[point / 8] = static_cast<unsigned char>(bits_[point / 8] & ~(1U << (point % 8)));
  --count_;
}

std::pair<std::size_t, std::size_t> WorkQueue::group_of(std::size_t unit) const {
  const std::size_t groups_of_row = divide_up(grouping_.row, grouping_.size), group = unit / parts_;
  const std::size_t place = group % groups_of_row * grouping_.size;
  return {group / groups_of_row * grouping_.row + place, std::min(grouping_.size, grouping_.row - place)};
}

template <class Take>
void WorkQueue::for_each_point(std::size_t unit, const Take& take) const {
  const auto [first, size] = group_of(unit);
  const std::size_t part = divide_up(grouping_.size, parts_), begin = first + unit % parts_ * part;
  for (std::size_t p = begin; p < std::min(begin + part, first + size); ++p)
    if (missing_.has(p)) take(p);
}

std::vector<std::size_t> WorkQueue::points(std::size_t i) const {
  std::vector<std::size_t> points;
  for_each_point(units_[i], [&](std::size_t p) { points.push_back(p); });
  return points;
}

double WorkQueue::cost_of(std::size_t unit, const std::function<double(std::size_t)>& cost_of_point) const {
  double sum = 0.0;
  const auto add = [&](std::size_t p) { sum += cost_of_point(p); };
  if (grouping_.chained) {  // everything before the last missing point is computed again, missing or not
    std::size_t last = 0;
    for_each_point(unit, [&](std::size_t p) { last = p; });
    for (std::size_t p = group_of(unit).first; p <= last; ++p) add(p);
  } else {
    for_each_point(unit, add);
  }
  return sum;
}

WorkQueue::WorkQueue(const config::Document& document, const TaskEntry& task, PointSet missing, int ranks,
                     Backend group_backend)
    : missing_(std::move(missing)), grouping_(grouping_of(task, document, group_backend)) {
  const std::size_t points = missing_.points();
  if (grouping_.row == 0) grouping_.row = points;
  const std::size_t groups = groups_of(grouping_, points);
  const auto find_units = [&] {
    units_.clear();
    for (std::size_t unit = 0; unit < groups * parts_; ++unit) {
      bool any = false;
      for_each_point(unit, [&](std::size_t) { any = true; });
      if (any) units_.push_back(static_cast<std::uint32_t>(unit));
    }
  };
  find_units();
  if (grouping_.size > 1 && !grouping_.chained && !units_.empty()) {
    parts_ = parts_of_groups(units_.size(), grouping_.size, ranks);
    if (parts_ > 1) find_units();
  }
  if (task.cost || grouping_.chained) {
    std::vector<std::pair<float, std::uint32_t>> order;
    order.reserve(units_.size());
    const auto cost_of_point = costs_of_points(document, task);
    for (const std::uint32_t unit : units_) order.emplace_back(cost_of(unit, cost_of_point), unit);
    std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    costs_.resize(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) std::tie(costs_[i], units_[i]) = order[i];
  }
  first_shared_ = units();
  if (task.shares_a_point && grouping_.size == 1 && ranks > 1 && units() % static_cast<std::size_t>(ranks) != 0) {
    std::vector<double> costs(units());
    for (std::size_t i = 0; i < costs.size(); ++i) costs[i] = cost(i);
    first_shared_ -= units_to_share(costs, ranks);
  }
}

double WorkQueue::makespan(int workers) const {
  if (costs_.empty()) return static_cast<double>(divide_up(first_shared_, static_cast<std::size_t>(workers)));
  double end = 0.0;
  const auto take = [&](std::size_t, int, double load) { end = std::max(end, load); };
  deal(
      first_shared_, workers, [&](std::size_t i) { return cost(i); }, take);
  return end;
}

std::vector<std::size_t> WorkQueue::assigned_to(int rank, int ranks) const {
  std::vector<std::size_t> own;
  const auto take = [&](std::size_t i, int taker, double) {
    if (taker == rank) own.push_back(i);
  };
  deal(
      first_shared_, ranks, [&](std::size_t i) { return cost(i); }, take);
  return own;
}

std::size_t groups_of(const Grouping& grouping, std::size_t points) {
  if (grouping.row == 0 || grouping.row >= points) return divide_up(points, grouping.size);
  return points / grouping.row * divide_up(grouping.row, grouping.size);
}

double makespan(const std::vector<double>& costs, int ranks) {
  double end = 0.0;
  const auto take = [&](std::size_t, int, double load) { end = std::max(end, load); };
  deal(
      costs.size(), ranks, [&](std::size_t i) { return costs[i]; }, take);
  return end;
}

std::size_t parts_of_groups(std::size_t groups, std::size_t group_size, int ranks) {
  constexpr std::size_t min_points = 8;
  constexpr double hardly_idle = 0.1;
  const auto size = static_cast<std::size_t>(ranks);
  std::size_t best = 1;
  double min_idle = 1.0;
  for (std::size_t parts = 1; parts <= std::max<std::size_t>(1, group_size / min_points) && min_idle > hardly_idle;
       ++parts) {
    const std::size_t units = groups * parts;
    const double idle = 1.0 - static_cast<double>(units) / static_cast<double>(divide_up(units, size) * size);
    if (idle < min_idle) {
      min_idle = idle;
      best = parts;
    }
  }
  return best;
}

std::size_t units_to_share(const std::vector<double>& costs, int ranks) {
  const auto size = static_cast<std::size_t>(ranks);
  const std::size_t rest = costs.size() % size;
  if (costs.size() < size || rest == 0) return rest;
  // Shared units start when the last rank has finished its own units.
  const auto cut = costs.end() - static_cast<std::ptrdiff_t>(rest);
  const double shared_time =
      *std::max_element(cut, costs.end()) / (sharing_efficiency * static_cast<double>(size / rest));
  return makespan({costs.begin(), cut}, ranks) + shared_time < makespan(costs, ranks) ? rest : 0;
}

int shared_unit_of(int rank, int ranks, std::size_t units) {
  return static_cast<int>(static_cast<std::size_t>(rank) * units / static_cast<std::size_t>(ranks));
}

}  // namespace lindrift::sweep
