#pragma once

#include "lindrift/description.hpp"

namespace lindrift::config {

/// A key of the input file is a parameter of the library or of the program itself.
using Key = Parameter;
using Complex = std::complex<double>;
using lindrift::Channels;
using lindrift::Value;

}  // namespace lindrift::config
