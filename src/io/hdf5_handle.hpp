#pragma once

// Private to src/io, the only place that sees HDF5 types.

#include <hdf5.h>

#include <string>
#include <string_view>
#include <utility>

#include "lindrift/error.hpp"

namespace lindrift::io {

/// Innermost message of the calling thread's HDF5 error stack, the one closest to the cause; empty if there is none.
std::string hdf5_reason();

/// Prepares the library for this process: no exit handler, and no error stack on stderr. Repeated calls are cheap.
void prepare_hdf5();

[[noreturn]] void throw_hdf5_error(std::string_view action);

/// Returns a value from the C API; throws if it is negative, which means failure.
template <class Value>
Value checked(Value value, std::string_view action) {
  if (value < 0) throw_hdf5_error(action);
  return value;
}

/// Owner of an HDF5 identifier. close() reports failure; the destructor does not, because another exception may be in
/// flight.
class Handle {
 public:
  using Closer = herr_t (*)(hid_t);

  Handle(hid_t id, Closer closer, std::string_view action) : id_(checked(id, action)), closer_(closer) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)), closer_(other.closer_) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  Handle& operator=(Handle&&) = delete;
  ~Handle() {
    if (id_ >= 0) closer_(id_);
  }

  hid_t id() const noexcept { return id_; }

  void close(std::string_view action) { checked(closer_(std::exchange(id_, H5I_INVALID_HID)), action); }

 private:
  hid_t id_;
  Closer closer_;
};

}  // namespace lindrift::io
