#pragma once

#include <map>
#include <mutex>
#include <string>

#include "lindrift/error.hpp"

namespace lindrift {

/// Points may run on several threads, and HDF5 serves one at a time.
inline std::mutex& reading_mutex() {
  static std::mutex mutex;
  return mutex;
}

/// Returns read(location) for a key of the form "FILE.h5:/dataset". Every dataset is read once, when the input is
/// checked, and shared by all points of a sweep.
/// @throws ParameterError naming the key if reading fails
template <class Matrix>
const Matrix& read_once(const std::string& key, const std::string& location,
                        Matrix (*read)(const std::string& location)) {
  static std::map<std::string, Matrix> kept;
  const std::lock_guard lock(reading_mutex());
  auto found = kept.find(location);
  if (found == kept.end()) {
    try {
      found = kept.emplace(location, read(location)).first;
    } catch (const ParameterError&) {
      throw;
    } catch (const Error& failure) {
      throw ParameterError(key, failure.what());
    }
  }
  return found->second;
}

}  // namespace lindrift
