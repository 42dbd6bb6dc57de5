#pragma once

#include <functional>
#include <string>

namespace lindrift::io {

/// Reads a file in a process of its own, to see whether that can be done: the HDF5 library crashes on some damaged
/// files, and on some it never ends. What `read` throws is left for the real reading to say. Costs the time of reading;
/// `read` must not use threads, ranks or devices.
/// @throws Error if the process crashes, or takes longer than 5 s and a second for each 50 MB of the file
void try_to_read(const std::string& path, const std::function<void()>& read);

}  // namespace lindrift::io
