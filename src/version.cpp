#include "lindrift/version.hpp"

#include "version_data.hpp"

namespace lindrift {

std::string_view version() { return LINDRIFT_VERSION; }
std::string_view git_hash() { return LINDRIFT_GIT_HASH; }
std::string_view compiler() { return LINDRIFT_COMPILER; }
std::string_view cuda_compiler() { return LINDRIFT_CUDA_COMPILER; }
std::string_view build_type() { return LINDRIFT_BUILD_TYPE; }

}  // namespace lindrift
