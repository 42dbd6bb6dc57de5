#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

namespace lindrift {

/// Bytes of a checkpoint: arrays of plain values, one after the other.
class StateWriter {
 public:
  template <class T>
  StateWriter& add(std::span<const T> values) {
    static_assert(std::is_trivially_copyable_v<T>);
    const std::size_t place = bytes_.size();
    bytes_.resize(place + values.size_bytes());
    if (!values.empty()) std::memcpy(bytes_.data() + place, values.data(), values.size_bytes());
    return *this;
  }
  template <class T>
  StateWriter& add(const T& value) {
    return add(std::span<const T>(&value, 1));
  }
  std::vector<unsigned char> take() { return std::move(bytes_); }

 private:
  std::vector<unsigned char> bytes_;
};

/// Tells problems apart: a hash (FNV-1a) of the plain values that are added.
class Fingerprint {
 public:
  template <class T>
  Fingerprint& add(std::span<const T> values) {
    static_assert(std::is_trivially_copyable_v<T>);
    for (const T& value : values) {
      unsigned char bytes[sizeof(T)];
      std::memcpy(bytes, &value, sizeof(T));
      for (const unsigned char byte : bytes) hash_ = (hash_ ^ byte) * 0x100000001b3ULL;
    }
    return *this;
  }
  template <class T>
  Fingerprint& add(const std::vector<T>& values) {
    return add(values.size()).add(std::span<const T>(values));
  }
  template <class T>
  requires std::is_arithmetic_v<T> Fingerprint& add(T value) { return add(std::span<const T>(&value, 1)); }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

/// Reads them in the same order. Once the bytes do not suffice, nothing more is read.
class StateReader {
 public:
  explicit StateReader(std::span<const unsigned char> bytes) : bytes_(bytes) {}

  template <class T>
  bool read(std::span<T> values) {
    static_assert(std::is_trivially_copyable_v<T>);
    good_ = good_ && bytes_.size() >= values.size_bytes();
    if (!good_) return false;
    if (!values.empty()) std::memcpy(values.data(), bytes_.data(), values.size_bytes());
    bytes_ = bytes_.subspan(values.size_bytes());
    return true;
  }
  template <class T>
  bool read(T& value) {
    return read(std::span<T>(&value, 1));
  }
  /// Everything that was asked for was there, and nothing is left.
  bool complete() const { return good_ && bytes_.empty(); }
  std::size_t left() const { return bytes_.size(); }

 private:
  std::span<const unsigned char> bytes_;
  bool good_ = true;
};

}  // namespace lindrift
