#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

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

/// What a sweep needs of the ranks it runs on. The serial one is a world of one; MPI's is made in mpi.cpp, the only
/// file that knows MPI.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const { return 0; }
  virtual int size() const { return 1; }
  virtual int local_rank() const { return 0; }  ///< among the ranks on this machine
  virtual int local_size() const { return 1; }

  /// Largest of the ranks' values, on every rank. Like what follows, every rank must call it, in the same order.
  virtual int maximum(int value) { return value; }
  /// The bytes of rank `from` on every rank.
  virtual void broadcast(Bytes& /*bytes*/, int /*from*/) {}
  /// As Team::all_gather.
  virtual void all_gather(std::span<double> /*values*/, std::span<const std::size_t> /*bounds*/) {}
  /// A communicator of the ranks that give the same colour (>= 0), in the same order. It must not outlive this one.
  virtual std::unique_ptr<Communicator> split(int /*colour*/) { return std::make_unique<Communicator>(); }

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

/// The communicator of this process: MPI's world if a launcher started it, else the serial one. Call once; the world
/// ends with the object.
/// @throws Error if a launcher started the process and this build has no MPI
std::unique_ptr<Communicator> make_communicator(int* argc, char*** argv);

}  // namespace lindrift::sweep
