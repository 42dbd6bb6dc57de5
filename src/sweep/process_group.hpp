#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"

namespace lindrift::sweep {

using Bytes = std::vector<unsigned char>;

/// The ranks cannot reach each other. No rank can get over this alone: the job ends.
class CommunicationError : public Error {
 public:
  using Error::Error;
};

/// Numbers on rank 0 that every rank reads and adds to at any time, without rank 0 doing anything for it.
class Board {
 public:
  enum Slot : int { next, done, failed, not_converged, left, told, slots };

  virtual ~Board() = default;
  /// Adds to a number and gives what it was before.
  virtual std::int64_t add(Slot slot, std::int64_t value) = 0;
  std::int64_t read(Slot slot) { return add(slot, 0); }
  /// "one-sided", "two-sided"
  virtual const char* kind() const = 0;
};

/// What ranks said to each other, and how long this one was at it, waiting included.
struct Traffic {
  std::int64_t exchanges = 0, bytes = 0;
  double seconds = 0.0;
};

/// The ranks that a run uses. This base class is a single process; mpi.cpp, the only file that knows MPI, makes others.
/// The functions below are collective unless they say otherwise.
class ProcessGroup : public Communicator {
 public:
  virtual int local_rank() const { return 0; }  ///< among the ranks on this machine; not collective
  virtual int local_size() const { return 1; }

  /// Largest of the ranks' values, on every rank.
  virtual int maximum(int value) { return value; }
  /// Copies the bytes of rank `from` to every rank.
  virtual void broadcast(Bytes& /*bytes*/, int /*from*/) {}
  /// The group of the ranks that give the same colour (>= 0), in the same order. It must not outlive this one.
  virtual std::unique_ptr<ProcessGroup> split(int /*colour*/) { return std::make_unique<ProcessGroup>(); }

  /// A board of zeros for these ranks; null where they cannot have one. Every rank must call, and let go of it
  /// together.
  virtual std::unique_ptr<Board> make_board();

  /// Ends the whole job at once: for failures that one rank cannot get over alone.
  virtual void abort(int exit_code);
};

/// True if a launcher (mpirun, srun) started this process as one of several.
bool launched_by_mpi();

/// The rank that a launcher gave this process, known before MPI is started; 0 without a launcher.
int launcher_rank();

/// Takes the launcher's marks out of the environment, so that programs which this process starts are no ranks of its
/// job.
void forget_launcher();

/// The communicator of this process: MPI's world if a launcher started it, else the serial one. Call once; the world
/// ends with the object.
/// @throws Error if a launcher started the process and this build has no MPI
std::unique_ptr<ProcessGroup> make_process_group(int* argc, char*** argv);

}  // namespace lindrift::sweep
