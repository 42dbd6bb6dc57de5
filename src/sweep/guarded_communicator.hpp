#pragma once

#include <functional>

#include "lindrift/communicator.hpp"
#include "sweep/process_group.hpp"

namespace lindrift::sweep {

/// The ranks of a communicator as members that share one problem. Each exchange begins with a word on whether all
/// members are still there, so that one that has failed lets the others fail too instead of keeping them waiting.
class GuardedCommunicator final : public Communicator {
 public:
  explicit GuardedCommunicator(ProcessGroup& members) : members_(members) {}

  int rank() const override { return members_.rank(); }
  int size() const override { return members_.size(); }
  void all_gather(std::span<double> values, std::span<const std::size_t> bounds) override;

  /// Largest of the members' values, on every member.
  int maximum(int value);

  /// The bytes of the first member on every member.
  void share(Bytes& bytes);

  /// Does `work` on every member; all must call. If it throws on any of them, every member throws: an Error with the
  /// message of the lowest member that failed for a reason of its own, a DeviceMemoryError if a member ran out of that.
  /// @throws CommunicationError if the members cannot be reached, which ends the job
  void together(const std::function<void()>& work);

  const Traffic& traffic() const { return traffic_; }

 private:
  enum class State : int { fine, failed, out_of_device_memory };
  void meet(State state = State::fine, const std::string& failure = {});

  ProcessGroup& members_;
  Traffic traffic_;
};

}  // namespace lindrift::sweep
