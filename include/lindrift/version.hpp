#pragma once

#include <string_view>

namespace lindrift {

std::string_view version();  ///< "major.minor.patch"
std::string_view
git_hash();  ///< commit of this build, with "-dirty" appended if the tree had changes; "unknown" outside git
std::string_view compiler();       ///< host compiler and its version
std::string_view cuda_compiler();  ///< CUDA toolkit version and architectures, or "none"
std::string_view build_type();     ///< CMake build type

}  // namespace lindrift
