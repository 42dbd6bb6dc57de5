#include "sweep/guarded_communicator.hpp"

#include <chrono>

#include "lindrift/error.hpp"

namespace lindrift::sweep {

namespace {

/// A failure that every member knows of and throws.
template <class Base>
class SharedFailure : public Base {
 public:
  using Base::Base;
};

}  // namespace

/// Every member says whether it can go on. If one cannot, all throw what the lowest with the worst state says.
void GuardedCommunicator::meet(State state, const std::string& failure) {
  const int worst =
      members_.maximum(static_cast<int>(state) * size() + (state == State::fine ? 0 : size() - 1 - rank()));
  if (worst == 0) return;
  const int speaker = size() - 1 - worst % size();
  Bytes text;
  if (speaker == rank()) text.assign(failure.begin(), failure.end());
  members_.broadcast(text, speaker);
  const std::string message(text.begin(), text.end());
  if (static_cast<State>(worst / size()) == State::out_of_device_memory)
    throw SharedFailure<DeviceMemoryError>(message);
  throw SharedFailure<Error>(message);
}

void GuardedCommunicator::all_gather(std::span<double> values, std::span<const std::size_t> bounds) {
  const auto start = std::chrono::steady_clock::now();
  meet();
  members_.all_gather(values, bounds);
  ++traffic_.exchanges;
  traffic_.bytes += static_cast<std::int64_t>(values.size_bytes());
  traffic_.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int GuardedCommunicator::maximum(int value) {
  meet();
  return members_.maximum(value);
}

void GuardedCommunicator::share(Bytes& bytes) {
  meet();
  members_.broadcast(bytes, 0);
}

void GuardedCommunicator::together(const std::function<void()>& work) {
  State state = State::fine;
  std::string failure;
  try {
    work();
  } catch (const SharedFailure<Error>&) {
    throw;  // every member throws it
  } catch (const SharedFailure<DeviceMemoryError>&) {
    throw;
  } catch (const CommunicationError&) {
    throw;
  } catch (const Interruption&) {
    throw;  // all are asked to stop at the same place
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
  meet(state, failure);
}

}  // namespace lindrift::sweep
