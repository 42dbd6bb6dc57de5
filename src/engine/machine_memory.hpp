#pragma once

#include <string>

namespace lindrift {

/// Memory of this machine, in bytes: the smaller of the physical memory and the limit of the control group.
double machine_memory();

/// "1.5 GB".
std::string bytes_text(double bytes);

}  // namespace lindrift
