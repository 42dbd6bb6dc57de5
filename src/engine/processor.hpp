#pragma once

#include <string>

namespace lindrift {

/// The processor's name as the system reports it.
std::string processor_name();

}  // namespace lindrift
