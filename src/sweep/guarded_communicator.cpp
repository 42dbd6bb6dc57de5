#include "sweep/guarded_communicator.hpp"

#include <chrono>

#include "lindrift/error.hpp"

namespace lindrift::sweep {

namespace {

/// A failure that every rank knows of and throws.
template <class Base>
class SharedFailure : public Base {
 public:
  using Base::Base;
};

}  // namespace

/// Every rank says whether it can go on. If some cannot, all throw the message of the lowest one in the worst state.
void GuardedCommunicator::agree(State state, const std::string& failure) {
  const int worst = ranks_.maximum(static_cast<int>(state) * size() + (state == State::fine ? 0 : size() - 1 - rank()));
  if (worst == 0) return;
  const int speaker = size() - 1 - worst % size();
  Bytes text;
  if (speaker == rank()) text.assign(failure.begin(), failure.end());
  ranks_.broadcast(text, speaker);
  const std::string message(text.begin(), text.end());
  if (static_cast<State>(worst / size()) == State::out_of_device_memory)
    throw SharedFailure<DeviceMemoryError>(message);
  throw SharedFailure<Error>(message);
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
  try {
    work();
  } catch (const SharedFailure<Error>&) {
    throw;  // every rank throws it
  } catch (const SharedFailure<DeviceMemoryError>&) {
    throw;
  } catch (const CommunicationError&) {
    throw;
  } catch (const Interruption&) {
    throw;  // all ranks are asked to stop at the same place
  } catch (const DeviceMemoryError& error) {
    state = State::out_of_device_memory;
    failure = error.what();
  } catch (const std::bad_alloc&) {
    state = State::failed;
    failure = "out of memory";
  } catch (const std::exception& error) {
    state = State::failed;
    failure = error.what();
  }
  agree(state, failure);
}

}  // namespace lindrift::sweep
