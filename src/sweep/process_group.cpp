#include "sweep/process_group.hpp"

#include <array>
#include <atomic>
#include <cstdlib>

namespace lindrift::sweep {

namespace {

class OwnBoard final : public Board {
 public:
  std::int64_t add(Slot slot, std::int64_t value) override { return numbers_.at(slot).fetch_add(value); }
  const char* kind() const override { return "own"; }

 private:
  std::array<std::atomic<std::int64_t>, slots> numbers_{};
};

}  // namespace

std::unique_ptr<Board> ProcessGroup::make_board() { return std::make_unique<OwnBoard>(); }

void ProcessGroup::abort(int exit_code) { std::_Exit(exit_code); }

namespace {

/// What the launchers leave in the environment of a rank: Open MPI, MPICH and its kin, PMIx (srun and others).
constexpr const char* launcher_marks[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_RANK", "PMIX_RANK",
                                          "MV2_COMM_WORLD_SIZE"};

}  // namespace

bool launched_by_mpi() {
  // MPI_Init of a process without a launcher takes half a second, so the launchers' marks are looked for first.
  for (const char* mark : launcher_marks)
    if (std::getenv(mark)) return true;
  return false;
}

void forget_launcher() {
  for (const char* mark : launcher_marks) unsetenv(mark);
}

int launcher_rank() {
  for (const char* mark : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK"})
    if (const char* rank = std::getenv(mark)) return std::atoi(rank);
  return 0;
}

}  // namespace lindrift::sweep
