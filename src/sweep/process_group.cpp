#include "sweep/process_group.hpp"

#include <array>
#include <atomic>
#include <cstdlib>

namespace lindrift::sweep {

namespace {

/// Environment variables that launchers set for a rank: Open MPI, MPICH and its relatives, PMIx (srun and others).
constexpr const char* launcher_variables[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_RANK", "PMIX_RANK",
                                              "MV2_COMM_WORLD_SIZE"};

class LocalCounters final : public SharedCounters {
 public:
  std::int64_t add(Counter counter, std::int64_t value) override { return values_.at(counter).fetch_add(value); }
  const char* kind() const override { return "own"; }

 private:
  std::array<std::atomic<std::int64_t>, counters> values_{};
};

}  // namespace

std::unique_ptr<SharedCounters> ProcessGroup::make_counters() { return std::make_unique<LocalCounters>(); }

void ProcessGroup::abort(int exit_code) { std::_Exit(exit_code); }

bool launched_by_mpi() {
  // Checked first, because MPI_Init without a launcher takes half a second.
  for (const char* mark : launcher_variables)
    if (std::getenv(mark)) return true;
  return false;
}

void forget_launcher() {
  for (const char* mark : launcher_variables) unsetenv(mark);
}

int launcher_rank() {
  for (const char* mark : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK"})
    if (const char* rank = std::getenv(mark)) return std::atoi(rank);
  return 0;
}

}  // namespace lindrift::sweep
