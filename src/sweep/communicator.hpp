#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

namespace lindrift::sweep {

using Bytes = std::vector<unsigned char>;

/// What a sweep needs of the ranks it runs on. The serial one is a world of one; MPI's is made in mpi.cpp, the only
/// file that knows MPI.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const { return 0; }
  virtual int size() const { return 1; }
  virtual int local_rank() const { return 0; }  ///< among the ranks on this machine
  virtual int local_size() const { return 1; }

  /// Hands a message to rank 0 without waiting for it to be read. Not for rank 0.
  virtual void send_to_root(Bytes) {}
  /// Next message for rank 0 from any rank, if one is there; with `wait`, waits for one.
  virtual std::optional<Bytes> receive_at_root(bool /*wait*/) { return std::nullopt; }
  /// Largest of the ranks' values, on every rank; all must call.
  virtual int maximum(int value) { return value; }
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
