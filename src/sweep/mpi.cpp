#include "lindrift/error.hpp"
#include "sweep/process_group.hpp"

#ifdef LINDRIFT_HAVE_MPI

#include <mpi.h>
#if defined(OPEN_MPI) && __has_include(<mpi-ext.h>)
#include <mpi-ext.h>  // MPIX_Query_cuda_support
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <thread>

namespace lindrift::sweep {

namespace {

constexpr int ask_tag = 1, answer_tag = 2;

void check(int status, const char* call) {
  if (status == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(status, text, &length);
  throw CommunicationError(std::string("MPI: ") + call + ": " + std::string(text, static_cast<std::size_t>(length)));
}
#define LINDRIFT_MPI_CHECK(call) check((call), #call)

/// Whether this MPI sends from and receives in the memory of a CUDA device. LINDRIFT_CUDA_AWARE_MPI=0 or 1 overrides
/// what the library says of itself: some transports say less than they do, and some more.
bool mpi_takes_device_memory() {
  if (const char* told = std::getenv("LINDRIFT_CUDA_AWARE_MPI"); told != nullptr && *told != '\0') {
    const std::string answer = told;
    if (answer != "0" && answer != "1")
      throw ParameterError("LINDRIFT_CUDA_AWARE_MPI", "is " + answer + "; it must be 0 or 1");
    return answer == "1";
  }
#if defined(MPIX_CUDA_AWARE_SUPPORT) && MPIX_CUDA_AWARE_SUPPORT
  return MPIX_Query_cuda_support() == 1;
#elif defined(MPIX_GPU_SUPPORT_CUDA)
  int answer = 0;
  return MPIX_GPU_query_support(MPIX_GPU_SUPPORT_CUDA, &answer) == MPI_SUCCESS && answer != 0;
#else
  return false;
#endif
}

/// Calls a function every 200 microseconds in its own thread.
class Poller {
 public:
  explicit Poller(std::function<void()> poll)
      : thread_([poll = std::move(poll)](const std::stop_token& over) {
          for (; !over.stop_requested(); std::this_thread::sleep_for(std::chrono::microseconds(200))) poll();
        }) {}

 private:
  std::jthread thread_;
};

/// Keeps the counters in a window of rank 0's memory; add() is one atomic operation and a flush. MPI_Win_allocate lets
/// the library choose memory that the hardware can access.
class OneSidedCounters final : public SharedCounters {
 public:
  /// @param polled  whether a thread keeps calling MPI. Between machines without such hardware, other ranks' accesses
  ///                proceed only while rank 0 is inside an MPI call, and it may be busy with a long point.
  OneSidedCounters(MPI_Win window, MPI_Comm communicator, bool polled) : window_(window) {
    if (polled)
      poller_.emplace([communicator] {
        int there = 0;
        MPI_Iprobe(MPI_ANY_SOURCE, ask_tag, communicator, &there, MPI_STATUS_IGNORE);
      });
  }
  ~OneSidedCounters() override {
    poller_.reset();
    MPI_Win_unlock_all(window_);
    MPI_Win_free(&window_);
  }
  OneSidedCounters(const OneSidedCounters&) = delete;
  OneSidedCounters& operator=(const OneSidedCounters&) = delete;

  /// A window of zeros that every rank can access, or MPI_WIN_NULL if some rank cannot.
  static MPI_Win make_window(MPI_Comm communicator, int rank) {
    std::int64_t* values = nullptr;
    MPI_Win window = MPI_WIN_NULL;
    const MPI_Aint size = rank == 0 ? counters * static_cast<MPI_Aint>(sizeof(std::int64_t)) : 0;
    int works =
        MPI_Win_allocate(size, sizeof(std::int64_t), MPI_INFO_NULL, communicator, &values, &window) == MPI_SUCCESS;
    LINDRIFT_MPI_CHECK(MPI_Allreduce(MPI_IN_PLACE, &works, 1, MPI_INT, MPI_MIN, communicator));
    if (works == 0) return MPI_WIN_NULL;
    LINDRIFT_MPI_CHECK(MPI_Win_set_errhandler(window, MPI_ERRORS_RETURN));
    LINDRIFT_MPI_CHECK(MPI_Win_lock_all(MPI_MODE_NOCHECK, window));
    if (rank == 0) std::fill(values, values + counters, 0);
    LINDRIFT_MPI_CHECK(MPI_Win_sync(window));
    LINDRIFT_MPI_CHECK(MPI_Barrier(communicator));
    return window;
  }

  std::int64_t add(Counter counter, std::int64_t value) override {
    std::int64_t before = 0;
    LINDRIFT_MPI_CHECK(MPI_Fetch_and_op(&value, &before, MPI_INT64_T, 0, counter, MPI_SUM, window_));
    LINDRIFT_MPI_CHECK(MPI_Win_flush(0, window_));
    return before;
  }
  const char* kind() const override { return "one-sided"; }

 private:
  MPI_Win window_;
  std::optional<Poller> poller_;
};

/// Keeps the counters on rank 0, where a thread answers the other ranks. Needed if an MPI that supports threads has no
/// one-sided communication with them: Open MPI up to version 4 on networks without RDMA, whose osc/pt2pt refuses
/// windows under MPI_THREAD_MULTIPLE.
class TwoSidedCounters final : public SharedCounters {
 public:
  TwoSidedCounters(MPI_Comm communicator, int rank) : communicator_(communicator), root_(rank == 0) {
    if (root_) poller_.emplace([this] { answer(); });
  }
  std::int64_t add(Counter counter, std::int64_t value) override {
    if (root_) return values_.at(counter).fetch_add(value);
    const std::array<std::int64_t, 2> question = {counter, value};
    std::int64_t before = 0;
    LINDRIFT_MPI_CHECK(MPI_Sendrecv(question.data(), 2, MPI_INT64_T, 0, ask_tag, &before, 1, MPI_INT64_T, 0, answer_tag,
                                    communicator_, MPI_STATUS_IGNORE));
    return before;
  }
  const char* kind() const override { return "two-sided"; }

 private:
  /// Runs in the thread. An MPI error here ends the job through the ranks that wait for the answer.
  void answer() {
    int there = 1;
    MPI_Status status;
    while (MPI_Iprobe(MPI_ANY_SOURCE, ask_tag, communicator_, &there, &status) == MPI_SUCCESS && there != 0) {
      std::array<std::int64_t, 2> question{};
      MPI_Recv(question.data(), 2, MPI_INT64_T, status.MPI_SOURCE, ask_tag, communicator_, MPI_STATUS_IGNORE);
      const std::int64_t before = values_.at(static_cast<std::size_t>(question[0])).fetch_add(question[1]);
      MPI_Send(&before, 1, MPI_INT64_T, status.MPI_SOURCE, answer_tag, communicator_);
    }
  }

  MPI_Comm communicator_;
  bool root_;
  std::array<std::atomic<std::int64_t>, counters> values_{};
  std::optional<Poller> poller_;
};

class MpiGroup : public ProcessGroup {
 public:
  /// Takes ownership of a communicator, which must be neither MPI's world nor another library's.
  explicit MpiGroup(MPI_Comm communicator) : communicator_(communicator) {
    LINDRIFT_MPI_CHECK(MPI_Comm_set_errhandler(communicator_, MPI_ERRORS_RETURN));
    LINDRIFT_MPI_CHECK(MPI_Comm_rank(communicator_, &rank_));
    LINDRIFT_MPI_CHECK(MPI_Comm_size(communicator_, &size_));
    MPI_Comm node;
    LINDRIFT_MPI_CHECK(MPI_Comm_split_type(communicator_, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
    LINDRIFT_MPI_CHECK(MPI_Comm_rank(node, &local_rank_));
    LINDRIFT_MPI_CHECK(MPI_Comm_size(node, &local_size_));
    LINDRIFT_MPI_CHECK(MPI_Comm_free(&node));
  }
  ~MpiGroup() override { MPI_Comm_free(&communicator_); }
  MpiGroup(const MpiGroup&) = delete;
  MpiGroup& operator=(const MpiGroup&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int local_rank() const override { return local_rank_; }
  int local_size() const override { return local_size_; }

  bool takes_device_memory() const override {
    static const bool answer = mpi_takes_device_memory();
    return answer;
  }

  int maximum(int value) override {
    int result = 0;
    LINDRIFT_MPI_CHECK(MPI_Allreduce(&value, &result, 1, MPI_INT, MPI_MAX, communicator_));
    return result;
  }

  void broadcast(Bytes& bytes, int from) override {
    std::uint64_t length = bytes.size();
    LINDRIFT_MPI_CHECK(MPI_Bcast(&length, 1, MPI_UINT64_T, from, communicator_));
    bytes.resize(static_cast<std::size_t>(length));
    for_each_chunk(bytes.size(), [&](std::size_t first, int count) {
      LINDRIFT_MPI_CHECK(MPI_Bcast(bytes.data() + first, count, MPI_BYTE, from, communicator_));
    });
  }

  void all_gather(std::span<double> values, std::span<const std::size_t> bounds) override {
    const auto ranks = static_cast<std::size_t>(size_);
    if (bounds.size() != ranks + 1 || bounds.front() != 0 || bounds.back() != values.size() ||
        !std::is_sorted(bounds.begin(), bounds.end()))
      throw ShapeError("all_gather: bounds must ascend from 0 to the length of the array, one more than ranks");
    if (values.size() > INT_MAX) {  // MPI counts are int
      for (std::size_t r = 0; r < ranks; ++r)
        for_each_chunk(bounds[r + 1] - bounds[r], [&](std::size_t first, int count) {
          LINDRIFT_MPI_CHECK(
              MPI_Bcast(values.data() + bounds[r] + first, count, MPI_DOUBLE, static_cast<int>(r), communicator_));
        });
      return;
    }
    std::vector<int> counts(ranks), starts(ranks);
    for (std::size_t r = 0; r < ranks; ++r) {
      counts[r] = static_cast<int>(bounds[r + 1] - bounds[r]);
      starts[r] = static_cast<int>(bounds[r]);
    }
    LINDRIFT_MPI_CHECK(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, values.data(), counts.data(), starts.data(),
                                      MPI_DOUBLE, communicator_));
  }

  std::unique_ptr<ProcessGroup> split(int colour) override {
    MPI_Comm part;
    LINDRIFT_MPI_CHECK(MPI_Comm_split(communicator_, colour, rank_, &part));
    return std::make_unique<MpiGroup>(part);
  }

  bool serves_threads() const override;
  std::unique_ptr<SharedCounters> make_counters() override;

  void abort(int exit_code) override {
    MPI_Abort(communicator_, exit_code);
    std::_Exit(exit_code);
  }

 private:
  /// Calls send(first, count) for pieces short enough for MPI's int counts.
  template <class Send>
  static void for_each_chunk(std::size_t length, const Send& send) {
    constexpr std::size_t longest = std::size_t{1} << 30U;
    for (std::size_t first = 0; first < length; first += longest)
      send(first, static_cast<int>(std::min(longest, length - first)));
  }

  MPI_Comm communicator_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1, local_rank_ = 0, local_size_ = 1;
};

bool MpiGroup::serves_threads() const {
  int level = MPI_THREAD_SINGLE;
  LINDRIFT_MPI_CHECK(MPI_Query_thread(&level));
  return level >= MPI_THREAD_SERIALIZED;
}

std::unique_ptr<SharedCounters> MpiGroup::make_counters() {
  int level = MPI_THREAD_SINGLE;
  LINDRIFT_MPI_CHECK(MPI_Query_thread(&level));
  const bool threads = level == MPI_THREAD_MULTIPLE;
  const char* choice = std::getenv("LINDRIFT_COUNTERS");  // for tests
  if (choice == nullptr || std::string(choice) != "two-sided") {
    const MPI_Win window = OneSidedCounters::make_window(communicator_, rank_);
    const bool one_machine = maximum(local_size_ < size_ ? 1 : 0) == 0;
    if (window != MPI_WIN_NULL)
      return std::make_unique<OneSidedCounters>(window, communicator_, rank_ == 0 && !one_machine && threads);
  }
  if (!threads)
    throw CommunicationError("this MPI has neither one-sided communication nor MPI_THREAD_MULTIPLE; one is needed");
  return std::make_unique<TwoSidedCounters>(communicator_, rank_);
}

struct MpiLibrary {
  MpiLibrary(int* argc, char*** argv) {
    int provided = 0;
    LINDRIFT_MPI_CHECK(MPI_Init_thread(argc, argv, MPI_THREAD_MULTIPLE, &provided));
  }
  ~MpiLibrary() { MPI_Finalize(); }
  MpiLibrary(const MpiLibrary&) = delete;
  MpiLibrary& operator=(const MpiLibrary&) = delete;

  /// A private communicator, undisturbed by other libraries that use MPI's world.
  static MPI_Comm copy_of_world() {
    MPI_Comm copy;
    LINDRIFT_MPI_CHECK(MPI_Comm_dup(MPI_COMM_WORLD, &copy));
    return copy;
  }
};

class MpiWorld final : private MpiLibrary, public MpiGroup {
 public:
  MpiWorld(int* argc, char*** argv) : MpiLibrary(argc, argv), MpiGroup(copy_of_world()) {}
};

}  // namespace

std::unique_ptr<ProcessGroup> make_process_group(int* argc, char*** argv) {
  if (launched_by_mpi()) return std::make_unique<MpiWorld>(argc, argv);
  return std::make_unique<ProcessGroup>();
}

}  // namespace lindrift::sweep

#else

#include <cstdlib>
#include <string>

namespace lindrift::sweep {

std::unique_ptr<ProcessGroup> make_process_group(int*, char***) {
  for (const char* mark : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
    const char* size = std::getenv(mark);
    if (size && std::string(size) != "1") throw Error("started as one of several MPI ranks, but this build has no MPI");
  }
  return std::make_unique<ProcessGroup>();
}

}  // namespace lindrift::sweep

#endif
