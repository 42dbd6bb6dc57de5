#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "lindrift/error.hpp"
#include "sweep/guarded_communicator.hpp"

/// What members of a team may rely on, as checks that every rank makes: run on threads and under mpirun.

namespace lindrift::sweep {

inline double value_of(std::size_t i) { return std::sin(1.0 + static_cast<double>(i)); }

inline void expect_arrays_complete(ProcessGroup& ranks) {
  GuardedCommunicator team(ranks);
  EXPECT_EQ(team.rank(), ranks.rank());
  EXPECT_EQ(team.size(), ranks.size());
  for (const std::size_t count : {0U, 1U, 2U, 7U, 1000U})
    for (const std::size_t block : {1U, 3U, 64U}) {
      const auto bounds = share_bounds(team, count, block, 2);
      std::vector<double> values(2 * count, -7.0);
      const auto own = static_cast<std::size_t>(team.rank());
      for (std::size_t i = bounds[own]; i < bounds[own + 1]; ++i) values[i] = value_of(i);
      team.together([&] { team.all_gather(values, bounds); });
      for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], value_of(i)) << i << " of " << count;
    }
}

inline std::string failure_of(GuardedCommunicator& team, const std::function<void()>& work) {
  try {
    team.together(work);
  } catch (const CommunicationError&) {
    return "communication";
  } catch (const Error& failure) {
    return failure.what();
  }
  return "";
}

/// Whoever fails, and wherever, all members throw the same, and the team works again afterwards.
inline void expect_failures_reach_everyone(ProcessGroup& ranks) {
  GuardedCommunicator team(ranks);
  const auto gather = [&] {
    std::vector<double> values(static_cast<std::size_t>(team.size()), 1.0);
    team.all_gather(values, share_bounds(team, values.size()));
  };
  for (int failing = 0; failing < team.size(); ++failing) {
    const bool own = team.rank() == failing;
    const std::string message = "member " + std::to_string(failing) + " cannot";
    EXPECT_EQ(failure_of(team,
                         [&] {
                           if (own) throw NumericalError(message);
                           gather();
                           gather();
                         }),
              message);
    EXPECT_EQ(failure_of(team,
                         [&] {
                           gather();
                           if (own) throw NumericalError(message);
                           gather();
                         }),
              message);
    EXPECT_EQ(failure_of(team,
                         [&] {
                           gather();
                           if (own) throw NumericalError(message);
                         }),
              message);
    EXPECT_EQ(failure_of(team, gather), "");
  }
  // All at once: the lowest speaks.
  EXPECT_EQ(failure_of(team, [&] { throw Error("member " + std::to_string(team.rank())); }), "member 0");
  EXPECT_EQ(failure_of(team, [&] { throw std::bad_alloc(); }), "out of memory");
  EXPECT_EQ(failure_of(team, gather), "");
}

}  // namespace lindrift::sweep
