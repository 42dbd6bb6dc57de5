#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "lindrift/error.hpp"
#include "sweep/guarded_communicator.hpp"

/// Guarantees that ranks sharing a point rely on, as checks that every rank makes, on threads and under mpirun.

namespace lindrift::sweep {

inline double value_of(std::size_t i) { return std::sin(1.0 + static_cast<double>(i)); }

inline void expect_arrays_complete(ProcessGroup& ranks) {
  GuardedCommunicator communicator(ranks);
  EXPECT_EQ(communicator.rank(), ranks.rank());
  EXPECT_EQ(communicator.size(), ranks.size());
  for (const std::size_t count : {0U, 1U, 2U, 7U, 1000U})
    for (const std::size_t block : {1U, 3U, 64U}) {
      const auto bounds = share_bounds(communicator, count, block, 2);
      std::vector<double> values(2 * count, -7.0);
      const auto own = static_cast<std::size_t>(communicator.rank());
      for (std::size_t i = bounds[own]; i < bounds[own + 1]; ++i) values[i] = value_of(i);
      communicator.run_on_all([&] { communicator.all_gather(values, bounds); });
      for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], value_of(i)) << i << " of " << count;
    }
}

inline std::string failure_of(GuardedCommunicator& communicator, const std::function<void()>& work) {
  try {
    communicator.run_on_all(work);
  } catch (const CommunicationError&) {
    return "communication";
  } catch (const Error& failure) {
    return failure.what();
  }
  return "";
}

/// Whichever rank fails, and wherever, all ranks throw the same error, and the communicator works again afterwards.
inline void expect_failures_reach_everyone(ProcessGroup& ranks) {
  GuardedCommunicator communicator(ranks);
  const auto gather = [&] {
    std::vector<double> values(static_cast<std::size_t>(communicator.size()), 1.0);
    communicator.all_gather(values, share_bounds(communicator, values.size()));
  };
  for (int failing = 0; failing < communicator.size(); ++failing) {
    const bool own = communicator.rank() == failing;
    const std::string message = "member " + std::to_string(failing) + " cannot";
    EXPECT_EQ(failure_of(communicator,
                         [&] {
                           if (own) throw NumericalError(message);
                           gather();
                           gather();
                         }),
              message);
    EXPECT_EQ(failure_of(communicator,
                         [&] {
                           gather();
                           if (own) throw NumericalError(message);
                           gather();
                         }),
              message);
    EXPECT_EQ(failure_of(communicator,
                         [&] {
                           gather();
                           if (own) throw NumericalError(message);
                         }),
              message);
    // A library that calls back after it was told of the failure.
    EXPECT_EQ(failure_of(communicator,
                         [&] {
                           if (own) throw NumericalError(message);
                           EXPECT_THROW(gather(), Error);
                           EXPECT_THROW(gather(), Error);
                           gather();
                         }),
              message);
    EXPECT_EQ(failure_of(communicator, gather), "");
  }
  // If all fail at once, the lowest rank reports.
  EXPECT_EQ(failure_of(communicator, [&] { throw Error("member " + std::to_string(communicator.rank())); }),
            "member 0");
  EXPECT_EQ(failure_of(communicator, [&] { throw std::bad_alloc(); }), "out of memory");
  EXPECT_EQ(failure_of(communicator, gather), "");
}

}  // namespace lindrift::sweep
