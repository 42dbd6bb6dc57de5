#pragma once

#include <exception>
#include <functional>

#include "lindrift/communicator.hpp"
#include "sweep/process_group.hpp"

namespace lindrift::sweep {

/// Communicator of the ranks that share a point. Before each exchange they agree that all can go on, so when one rank
/// fails, the others fail too instead of waiting for it.
class GuardedCommunicator final : public Communicator {
 public:
  explicit GuardedCommunicator(ProcessGroup& ranks) : ranks_(ranks) {}

  int rank() const override { return ranks_.rank(); }
  int size() const override { return ranks_.size(); }
  bool takes_device_memory() const override { return ranks_.takes_device_memory(); }
  void all_gather(std::span<double> values, std::span<const std::size_t> bounds) override;

  /// Largest of the ranks' values, on every rank.
  int maximum(int value);
  /// Copies the bytes of rank 0 to every rank.
  void broadcast(Bytes& bytes);

  /// Runs `work` on every rank. If it throws on any rank, every rank throws an Error with the message of the lowest
  /// rank that failed for a reason of its own; the type is DeviceLostError or DeviceMemoryError if some rank threw
  /// that.
  /// @throws CommunicationError if the ranks cannot reach each other, which ends the job
  void run_on_all(const std::function<void()>& work);

  const Traffic& traffic() const { return traffic_; }

 private:
  enum class State : int { fine, failed, out_of_device_memory, device_lost };
  void agree(State state = State::fine, const std::string& failure = {});

  ProcessGroup& ranks_;
  Traffic traffic_;
  /// Thrown on every rank, from the moment one rank has failed until the end of the work: a library in between may call
  /// back once more after a failure, when the others have already left.
  std::exception_ptr common_failure_;
};

}  // namespace lindrift::sweep
