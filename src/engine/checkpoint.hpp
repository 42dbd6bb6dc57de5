#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "lindrift/monitor.hpp"

namespace lindrift {

/// FNV-1a hash of everything that the results of a calculation depend on.
class Fingerprint {
 public:
  template <class T>
  requires std::is_arithmetic_v<T> Fingerprint& add(T value) { return add(std::span<const T>(&value, 1)); }
  template <class T>
  Fingerprint& add(const std::vector<T>& values) {
    return add(values.size()).add(std::span<const T>(values));
  }
  template <class T>
  Fingerprint& add(std::span<const T> values) {
    static_assert(std::is_arithmetic_v<T>);
    for (const std::byte byte : std::as_bytes(values))
      hash_ = (hash_ ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3ULL;
    return *this;
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

/// A sum in stages offers no checkpoint larger than this: copying it would take about as long as the work itself.
constexpr double max_checkpoint_bytes = 2147483648.0;

/// Reports that `done` of `stages` stages are finished and offers a checkpoint, except after the last stage.
/// @param save  creates the checkpoint; may be empty
/// @return false if the calculation must stop
inline bool report(const Monitor& monitor, std::size_t done, std::size_t stages,
                   const std::function<std::vector<unsigned char>()>& save) {
  const bool go_on = !monitor.progress || monitor.progress(static_cast<double>(done) / static_cast<double>(stages));
  if (done == stages) return true;
  if (monitor.checkpoint && save) monitor.checkpoint(save);
  return go_on;
}

/// Saves and restores a calculation between two of its stages: the position reached and the arrays filled up to there.
/// @tparam Position  plain numbers; a default-constructed one is the start
template <class Position>
class Checkpoint {
 public:
  using Arrays = std::vector<std::span<std::byte>>;

  /// @param arrays  returns the arrays filled at a position; none if there is no such position
  Checkpoint(const Fingerprint& problem, std::function<Arrays(const Position&)> arrays)
      : problem_(problem.value()), arrays_(std::move(arrays)) {}

  std::vector<unsigned char> save(const Position& position) const {
    std::vector<unsigned char> bytes(header_size);
    std::memcpy(bytes.data(), &problem_, sizeof problem_);
    std::memcpy(bytes.data() + sizeof problem_, &position, sizeof position);
    for (const std::span<std::byte> array : arrays_(position)) {
      const auto* begin = reinterpret_cast<const unsigned char*>(array.data());
      bytes.insert(bytes.end(), begin, begin + array.size());
    }
    return bytes;
  }

  /// Fills the arrays and returns the position, or the start if `bytes` is empty or belongs to another problem.
  Position restore(std::span<const unsigned char> bytes) const {
    std::uint64_t problem = 0;
    Position position;
    if (bytes.size() < header_size) return {};
    std::memcpy(&problem, bytes.data(), sizeof problem);
    std::memcpy(&position, bytes.data() + sizeof problem, sizeof position);
    if (problem != problem_) return {};
    const Arrays arrays = arrays_(position);
    std::size_t size = header_size;
    for (const std::span<std::byte> array : arrays) size += array.size();
    if (arrays.empty() || size != bytes.size()) return {};
    const unsigned char* next = bytes.data() + header_size;
    for (const std::span<std::byte> array : arrays) {
      if (!array.empty()) std::memcpy(array.data(), next, array.size());
      next += array.size();
    }
    return position;
  }

 private:
  static_assert(std::is_trivially_copyable_v<Position>);
  static constexpr std::size_t header_size = sizeof(std::uint64_t) + sizeof(Position);

  std::uint64_t problem_;
  std::function<Arrays(const Position&)> arrays_;
};

}  // namespace lindrift
