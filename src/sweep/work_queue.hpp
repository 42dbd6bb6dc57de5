#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "registry/registry.hpp"

namespace lindrift::sweep {

enum class Schedule {
  dynamic,     ///< a free rank takes the next unit
  static_even  ///< units are assigned before the run starts
};

/// A set of points of a sweep, one bit each.
class PointSet {
 public:
  /// All points of a sweep.
  explicit PointSet(std::size_t points) : points_(points), count_(points), bits_((points + 7) / 8, 0xff) {}
  /// @param bits  as returned by bytes(), for a sweep of the same number of points
  PointSet(std::size_t points, std::vector<unsigned char> bits);

  std::size_t points() const { return points_; }  ///< of the sweep
  std::size_t count() const { return count_; }    ///< in the set
  bool has(std::size_t point) const { return ((bits_[point / 8] >> (point % 8)) & 1U) != 0; }
  void remove(std::size_t point);
  const std::vector<unsigned char>& bytes() const { return bits_; }

 private:
  std::size_t points_, count_;
  std::vector<unsigned char> bits_;
};

/// The work of a run, divided into units in the order in which they are taken. Every rank builds the same queue, from
/// the input and the missing points alone. A unit is a group of points that run together, or part of a group if whole
/// groups would leave ranks idle; the results of a point do not depend on which others of its group run with it. Chains
/// are never cut. The most expensive units come first, as far as the task knows their costs, so that no long unit is
/// left for the end.
class WorkQueue {
 public:
  /// @param group_backend  as of group_backend()
  WorkQueue(const config::Document& document, const TaskEntry& task, PointSet missing, int ranks,
            Backend group_backend = Backend::automatic);

  std::size_t units() const { return units_.size(); }
  const Grouping& grouping() const { return grouping_; }
  /// First point and number of points of the group that the i-th unit belongs to, missing or not.
  std::pair<std::size_t, std::size_t> group(std::size_t i) const { return group_of(units_[i]); }
  /// Missing points of the i-th unit, ascending.
  std::vector<std::size_t> points(std::size_t i) const;
  /// Units before this one are for single ranks; every unit from here on is shared by several ranks, all units at once.
  std::size_t first_shared() const { return first_shared_; }
  std::size_t shared() const { return units() - first_shared_; }
  /// Time until all units for single ranks are done, if each in turn is taken by the first of so many free workers.
  double makespan(int workers) const;

  /// Units that the static schedule assigns to a rank: each unit in turn goes to the rank with the least work so far.
  std::vector<std::size_t> assigned_to(int rank, int ranks) const;

 private:
  std::pair<std::size_t, std::size_t> group_of(std::size_t unit) const;
  /// Calls take(point) for the missing points of a unit, ascending.
  template <class Take>
  void for_each_point(std::size_t unit, const Take& take) const;
  double cost_of(std::size_t unit, const std::function<double(std::size_t)>& cost_of_point) const;
  double cost(std::size_t i) const { return costs_.empty() ? 1.0 : costs_[i]; }

  PointSet missing_;
  Grouping grouping_;
  std::size_t parts_ = 1;             ///< units per group
  std::vector<std::uint32_t> units_;  ///< part + parts * group, in order
  std::vector<float> costs_;          ///< of units_; empty: all the same
  std::size_t first_shared_ = 0;
};

/// Number of groups in a sweep of `points` points.
std::size_t groups_of(const Grouping& grouping, std::size_t points);

/// Time until all units are done, if each unit in turn is taken by the first free rank.
double makespan(const std::vector<double>& costs, int ranks);

/// Number of parts to cut each group into: the fewest that leave hardly any rank idle at the end. Parts have at least
/// eight points, because smaller ones would gain nothing from running together.
std::size_t parts_of_groups(std::size_t groups, std::size_t group_size, int ranks);

/// How many units, counted from the end, finish sooner if several ranks share each: those beyond a multiple of the
/// number of ranks, or none.
std::size_t units_to_share(const std::vector<double>& costs, int ranks);

/// Which of `units` shared units a rank works on: neighbouring ranks share one, as evenly as possible.
int shared_unit_of(int rank, int ranks, std::size_t units);

}  // namespace lindrift::sweep
