#include "sweep/guarded_communicator.hpp"

#include <chrono>

#include "lindrift/error.hpp"

namespace lindrift::sweep {

/// Every rank reports its state. If some cannot go on, all throw the message of the lowest rank in the worst state.
void GuardedCommunicator::agree(State state, const std::string& failure) {
  if (common_failure_) std::rethrow_exception(common_failure_);
  const int worst = ranks_.maximum(static_cast<int>(state) * size() + (state == State::fine ? 0 : size() - 1 - rank()));
  if (worst == 0) return;
  const int speaker = size() - 1 - worst % size();
  Bytes text;
  if (speaker == rank()) text.assign(failure.begin(), failure.end());
  ranks_.broadcast(text, speaker);
  const std::string message(text.begin(), text.end());
  const auto reason = static_cast<State>(worst / size());
  common_failure_ = reason == State::device_lost            ? std::make_exception_ptr(DeviceLostError(message))
                    : reason == State::out_of_device_memory ? std::make_exception_ptr(DeviceMemoryError(message))
                                                            : std::make_exception_ptr(Error(message));
  std::rethrow_exception(common_failure_);
}

void GuardedCommunicator::all_gather(std::span<double> values, std::span<const std::size_t> bounds) {
  const auto start = std::chrono::steady_clock::now();
  agree();
  ranks_.all_gather(values, bounds);
  ++traffic_.exchanges;
  traffic_.bytes += static_cast<std::int64_t>(values.size_bytes());
  traffic_.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int GuardedCommunicator::maximum(int value) {
  agree();
  return ranks_.maximum(value);
}

void GuardedCommunicator::broadcast(Bytes& bytes) {
  agree();
  ranks_.broadcast(bytes, 0);
}

void GuardedCommunicator::run_on_all(const std::function<void()>& work) {
  State state = State::fine;
  std::string failure;
  common_failure_ = nullptr;
  try {
    work();
  } catch (const CommunicationError&) {
    throw;
  } catch (const Interruption&) {
    throw;  // all ranks are asked to stop at the same place
  } catch (const std::exception& error) {
    if (common_failure_) std::rethrow_exception(common_failure_);
    state = dynamic_cast<const DeviceLostError*>(&error) != nullptr     ? State::device_lost
            : dynamic_cast<const DeviceMemoryError*>(&error) != nullptr ? State::out_of_device_memory
                                                                        : State::failed;
    failure = dynamic_cast<const std::bad_alloc*>(&error) != nullptr ? "out of memory" : error.what();
  }
  agree(state, failure);
}

}  // namespace lindrift::sweep
