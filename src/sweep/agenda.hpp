#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "catalogue/catalogue.hpp"
#include "config/config.hpp"

namespace lindrift::sweep {

enum class Schedule {
  dynamic,     ///< whoever is free takes the next unit
  static_even  ///< units are dealt before the run starts
};

/// Which points of a sweep are to be computed: one bit for each, or all of them.
class Wanted {
 public:
  explicit Wanted(std::size_t points) : points_(points), count_(points) {}
  /// @param bits  as bytes(), of a sweep of as many points
  Wanted(std::size_t points, std::vector<unsigned char> bits);

  std::size_t points() const { return points_; }
  std::size_t count() const { return count_; }
  bool has(std::size_t point) const { return bits_.empty() || ((bits_[point / 8] >> (point % 8)) & 1U) != 0; }
  void remove(std::size_t point);
  /// Empty where every point is wanted.
  const std::vector<unsigned char>& bytes() const { return bits_; }

 private:
  std::size_t points_, count_;
  std::vector<unsigned char> bits_;
};

/// What a run has to do, cut into units and put in order. It follows from the input and from what is finished already,
/// never from clocks, so that every rank makes the same one. A unit is a group of points that one rank, or one team,
/// takes at once, or a part of a group where whole ones would leave ranks without work: the numbers of a point do not
/// depend on which others of its group are wanted. Chains are never cut. Units come longest first, as far as the task
/// can tell, so that no long one is left for the end.
class Agenda {
 public:
  Agenda(const config::Document& document, const TaskEntry& task, Wanted wanted, int ranks);

  std::size_t units() const { return order_ ? order_->size() : groups_ * parts_; }
  const Grouping& grouping() const { return grouping_; }
  /// Points of the group of the unit at this place in the order, wanted or not: the first, and how many.
  std::pair<std::size_t, std::size_t> group(std::size_t place) const { return group_of(unit_at(place)); }
  /// Wanted points of the unit at this place in the order, ascending.
  std::vector<std::size_t> points(std::size_t place) const;
  /// Units at places below this one are for single ranks; after them come as many as there are teams, one for each.
  std::size_t alone() const { return alone_; }
  std::size_t teams() const { return units() - alone_; }
  const Wanted& wanted() const { return wanted_; }

  /// Places of the units that a rank is dealt under the static schedule: the next longest unit goes to the rank that
  /// has least to do.
  std::vector<std::size_t> dealt(int rank, int ranks) const;

 private:
  double cost(std::size_t place) const { return costs_.empty() ? 1.0 : costs_[place]; }
  std::size_t unit_at(std::size_t place) const { return order_ ? (*order_)[place] : place; }
  std::pair<std::size_t, std::size_t> group_of(std::size_t unit) const;
  /// Calls take(point) for the wanted points of a unit, ascending.
  template <class Take>
  void for_each_point(std::size_t unit, const Take& take) const;
  double cost_of(std::size_t unit, const config::Document& document, const TaskEntry& task) const;

  Wanted wanted_;
  Grouping grouping_;
  std::size_t groups_of_row_ = 0, groups_ = 0, alone_ = 0;
  std::size_t parts_ = 1;                            ///< units of a group
  std::optional<std::vector<std::uint32_t>> order_;  ///< units; none: all of them as they are numbered
  std::vector<float> costs_;                         ///< of the units in order; empty: all the same
};

/// Groups that the points of a sweep make.
std::size_t groups_of(const Grouping& grouping, std::size_t points);

/// Costs in order of being taken, each by the rank that is free first: when the last one ends.
double makespan(const std::vector<double>& costs, int ranks);

/// Into how many parts each of so many groups is best cut for so many ranks: the fewest that leave little of the ranks
/// idle at the end. Parts have a few points at least, or being together would be no gain.
std::size_t parts_of_groups(std::size_t groups, std::size_t group_size, int ranks);

/// How many of the units, the last ones, are better shared by teams than run by single ranks: those that would leave
/// ranks without work. All of them if they are fewer than ranks.
std::size_t units_for_teams(const std::vector<double>& costs, int ranks);

/// Communicator of a rank where there are fewer units than ranks: `teams` teams of neighbours, as even as can be.
int team_of(int rank, int size, std::size_t teams);

}  // namespace lindrift::sweep
