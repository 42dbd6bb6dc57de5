#include "io/hdf5_handle.hpp"

#include <fmt/format.h>

#include <mutex>

namespace lindrift::io {
namespace {

herr_t keep_description(unsigned depth, const H5E_error2_t* entry, void* target) {
  if (depth == 0 && entry->desc != nullptr) *static_cast<std::string*>(target) = entry->desc;
  return 0;
}

}  // namespace

std::string hdf5_reason() {
  std::string reason;
  // Upwards starts at the function in which the error occurred.
  if (H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_description, &reason) < 0) return {};
  return reason;
}

void prepare_hdf5() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Fails, harmlessly, if this process has already called HDF5.
    static_cast<void>(H5dont_atexit());
    checked(H5open(), "start");
    checked(H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr), "silence its error stack");
  });
}

void throw_hdf5_error(std::string_view action) {
  const std::string reason = hdf5_reason();
  throw Error(fmt::format("HDF5 cannot {}: {}", action, reason.empty() ? "no reason given" : reason));
}

}  // namespace lindrift::io
