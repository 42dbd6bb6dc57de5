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

/// The ranks cannot reach each other, which ends the job.
class CommunicationError : public Error {
 public:
  using Error::Error;
};

/// Counters on rank 0 that every rank can read and increase at any time, whatever rank 0 is doing.
class SharedCounters {
 public:
  enum Counter : int { queue_head, done, failed, not_converged, ranks_ready, memory_warnings, lost_devices, counters };

  virtual ~SharedCounters() = default;
  /// Adds to a counter and returns its previous value.
  virtual std::int64_t add(Counter counter, std::int64_t value) = 0;
  std::int64_t read(Counter counter) { return add(counter, 0); }
  /// "one-sided", "two-sided"
  virtual const char* kind() const = 0;
};

/// What ranks sent to each other, and the time it took, including waiting.
struct Traffic {
  std::int64_t exchanges = 0, bytes = 0;
  double seconds = 0.0;
};

/// The ranks of a run. This base class is a single process; mpi.cpp, the only file that uses MPI, provides the others.
/// The functions below are collective unless stated otherwise.
class ProcessGroup : public Communicator {
 public:
  virtual int local_rank() const { return 0; }  ///< among the ranks on this machine; not collective
  virtual int local_size() const { return 1; }

  /// Whether any thread of this rank may use the group and its counters, one at a time.
  virtual bool serves_threads() const { return true; }

  /// Largest of the ranks' values, on every rank.
  virtual int maximum(int value) { return value; }
  /// Copies the bytes of rank `from` to every rank.
  virtual void broadcast(Bytes& /*bytes*/, int /*from*/) {}
  /// The group of the ranks that pass the same colour (>= 0), in the same order. It must not outlive this one.
  virtual std::unique_ptr<ProcessGroup> split(int /*colour*/) { return std::make_unique<ProcessGroup>(); }

  /// Counters at zero for these ranks, which must also destroy them together.
  virtual std::unique_ptr<SharedCounters> make_counters();

  /// Ends the whole job at once, for failures that one rank cannot recover from alone. Not collective.
  virtual void abort(int exit_code);
};

/// True if a launcher (mpirun, srun) started this process as one of several.
bool launched_by_mpi();

/// The rank that a launcher gave this process, available before MPI is initialised; 0 without a launcher.
int launcher_rank();

/// Removes the launcher's variables from the environment, so that programs started by this process do not act as ranks
/// of its job.
void forget_launcher();

/// All ranks of the job: MPI's world if a launcher started this process, otherwise this process alone. Call it once;
/// MPI is finalised with the object.
std::unique_ptr<ProcessGroup> make_process_group(int* argc, char*** argv);

}  // namespace lindrift::sweep
