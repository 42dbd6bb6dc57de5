# Version, git hash and compilers, generated at build time so that the hash is never stale; recompiles one small file,
# and only if the hash has changed.
set(version_file "${PROJECT_BINARY_DIR}/generated/version_data.hpp")
string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type_upper)
set(cuda_text "none")
if(LINDRIFT_HAVE_CUDA)
  list(JOIN CMAKE_CUDA_ARCHITECTURES " " cuda_architectures)
  set(cuda_text "nvcc ${CMAKE_CUDA_COMPILER_VERSION} for ${cuda_architectures}")
endif()
set(version_arguments
  -DSOURCE=${PROJECT_SOURCE_DIR} -DOUTPUT=${version_file} -DTEMPLATE=${PROJECT_SOURCE_DIR}/cmake/version_data.hpp.in
  -DVERSION=${PROJECT_VERSION} "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}" "-DCUDA_COMPILER=${cuda_text}"
  -DBUILD_TYPE=${CMAKE_BUILD_TYPE})
add_custom_target(lindrift_version_data
  COMMAND ${CMAKE_COMMAND} ${version_arguments} -P "${PROJECT_SOURCE_DIR}/cmake/write_version.cmake"
  BYPRODUCTS "${version_file}" COMMENT "Looking up the git hash" VERBATIM)
add_library(lindrift_version INTERFACE)
add_dependencies(lindrift_version lindrift_version_data)
target_include_directories(lindrift_version INTERFACE "${PROJECT_BINARY_DIR}/generated")
