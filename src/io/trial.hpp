#pragma once

#include <functional>
#include <string>

namespace lindrift::io {

/// Tries to read a file in a separate process: on some damaged files the HDF5 library crashes, on some it never
/// returns. Exceptions from `read` are left to the real attempt. Costs one more reading; `read` must not use threads,
/// ranks or devices.
/// @throws Error if the process crashes, or takes longer than 5 s plus one second per 50 MB of the file
void try_to_read(const std::string& path, const std::function<void()>& read);

}  // namespace lindrift::io
