# Flags belong to targets; these two interface targets hold them.

add_library(lindrift_warnings INTERFACE)
# psabi: packs are only passed within one translation unit. restrict: GCC 12 reports overlaps in std::string that do not
# exist (GCC bug 105651). parentheses: the host code that nvcc generates.
set(host_warnings -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-psabi $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
target_compile_options(lindrift_warnings INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:${host_warnings}>"
  $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Wno-parentheses>)
if(LINDRIFT_WARNINGS_AS_ERRORS)
  target_compile_options(lindrift_warnings INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Werror> $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings>)
endif()

# Arithmetic is IEEE everywhere, because the code tests for NaN and infinity. Contraction to fused multiply-add is
# enabled in the kernels only, so that host code gives the same bits under all compiler flags.
add_library(lindrift_arithmetic INTERFACE)
target_compile_options(lindrift_arithmetic INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:-fopenmp-simd;-fno-math-errno;-fno-trapping-math;-ffp-contract=off>")

# CMake 3.25.1 silently drops the C++20 flag for CUDA.
add_library(lindrift_cuda_flags INTERFACE)
target_compile_options(lindrift_cuda_flags INTERFACE
  "$<$<COMPILE_LANGUAGE:CUDA>:-std=c++20;--expt-relaxed-constexpr;--extended-lambda;-Xcompiler=-fno-math-errno>")

# lindrift_test(NAME SOURCES... LIBRARIES...): one GoogleTest executable, registered with CTest case by case.
function(lindrift_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} lindrift_warnings lindrift_arithmetic GTest::gmock GTest::gtest_main)
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/tests")
  if(TARGET lindrift_cuda)
    add_dependencies(${name} lindrift_cuda)
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 300 PROPERTIES LABELS ${name} TIMEOUT 600)
endfunction()
