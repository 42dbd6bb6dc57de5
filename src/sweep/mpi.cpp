#include "lindrift/error.hpp"
#include "sweep/communicator.hpp"

#ifdef LINDRIFT_HAVE_MPI

#include <mpi.h>

#include <algorithm>
#include <climits>
#include <list>
#include <string>

namespace lindrift::sweep {

namespace {

constexpr int record_tag = 1;

void check(int status, const char* call) {
  if (status == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(status, text, &length);
  throw Error(std::string("MPI: ") + call + ": " + std::string(text, static_cast<std::size_t>(length)));
}
#define LINDRIFT_MPI_CHECK(call) check((call), #call)

class MpiCommunicator final : public Communicator {
 public:
  MpiCommunicator(int* argc, char*** argv) {
    int provided = 0;
    LINDRIFT_MPI_CHECK(MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided));
    // A communicator of our own: a library that uses the world for itself does not get in our way.
    LINDRIFT_MPI_CHECK(MPI_Comm_dup(MPI_COMM_WORLD, &communicator_));
    LINDRIFT_MPI_CHECK(MPI_Comm_set_errhandler(communicator_, MPI_ERRORS_RETURN));
    LINDRIFT_MPI_CHECK(MPI_Comm_rank(communicator_, &rank_));
    LINDRIFT_MPI_CHECK(MPI_Comm_size(communicator_, &size_));
    MPI_Comm node;
    LINDRIFT_MPI_CHECK(MPI_Comm_split_type(communicator_, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
    LINDRIFT_MPI_CHECK(MPI_Comm_rank(node, &local_rank_));
    LINDRIFT_MPI_CHECK(MPI_Comm_size(node, &local_size_));
    LINDRIFT_MPI_CHECK(MPI_Comm_free(&node));
  }
  ~MpiCommunicator() override {
    for (Pending& message : pending_) MPI_Wait(&message.request, MPI_STATUS_IGNORE);
    MPI_Comm_free(&communicator_);
    MPI_Finalize();
  }
  MpiCommunicator(const MpiCommunicator&) = delete;
  MpiCommunicator& operator=(const MpiCommunicator&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int local_rank() const override { return local_rank_; }
  int local_size() const override { return local_size_; }

  void send_to_root(Bytes bytes) override {
    if (bytes.size() > INT_MAX)
      throw Error("MPI: a point's result of more than 2 GB cannot be sent; run it on one rank");
    pending_.remove_if([](Pending& message) {
      int done = 0;
      LINDRIFT_MPI_CHECK(MPI_Test(&message.request, &done, MPI_STATUS_IGNORE));
      return done != 0;
    });
    Pending& message = pending_.emplace_back();
    message.bytes = std::move(bytes);
    LINDRIFT_MPI_CHECK(MPI_Isend(message.bytes.data(), static_cast<int>(message.bytes.size()), MPI_BYTE, 0, record_tag,
                                 communicator_, &message.request));
  }

  std::optional<Bytes> receive_at_root(bool wait) override {
    int there = 0;
    MPI_Status status;
    if (wait) {
      LINDRIFT_MPI_CHECK(MPI_Probe(MPI_ANY_SOURCE, record_tag, communicator_, &status));
    } else {
      LINDRIFT_MPI_CHECK(MPI_Iprobe(MPI_ANY_SOURCE, record_tag, communicator_, &there, &status));
      if (!there) return std::nullopt;
    }
    int length = 0;
    LINDRIFT_MPI_CHECK(MPI_Get_count(&status, MPI_BYTE, &length));
    Bytes bytes(static_cast<std::size_t>(length));
    LINDRIFT_MPI_CHECK(
        MPI_Recv(bytes.data(), length, MPI_BYTE, status.MPI_SOURCE, record_tag, communicator_, MPI_STATUS_IGNORE));
    return bytes;
  }

  int maximum(int value) override {
    int result = 0;
    LINDRIFT_MPI_CHECK(MPI_Allreduce(&value, &result, 1, MPI_INT, MPI_MAX, communicator_));
    return result;
  }

  void abort(int exit_code) override {
    MPI_Abort(communicator_, exit_code);
    std::_Exit(exit_code);
  }

 private:
  struct Pending {
    Bytes bytes;
    MPI_Request request = MPI_REQUEST_NULL;
  };
  MPI_Comm communicator_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1, local_rank_ = 0, local_size_ = 1;
  std::list<Pending> pending_;
};

}  // namespace

std::unique_ptr<Communicator> make_communicator(int* argc, char*** argv) {
  if (launched_by_mpi()) return std::make_unique<MpiCommunicator>(argc, argv);
  return std::make_unique<Communicator>();
}

}  // namespace lindrift::sweep

#else

#include <cstdlib>
#include <string>

namespace lindrift::sweep {

std::unique_ptr<Communicator> make_communicator(int*, char***) {
  for (const char* mark : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
    const char* size = std::getenv(mark);
    if (size && std::string(size) != "1") throw Error("started as one of several MPI ranks, but this build has no MPI");
  }
  return std::make_unique<Communicator>();
}

}  // namespace lindrift::sweep

#endif
