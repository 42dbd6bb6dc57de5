# find_package(lindrift CONFIG) gives lindrift::lindrift (and lindrift::core without SUNDIALS).
include(CMakePackageConfigHelpers)
set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/lindrift")
set(exported lindrift_core)
if(LINDRIFT_HAVE_SOLVERS)
  list(APPEND exported lindrift)
endif()
install(TARGETS ${exported} EXPORT lindriftTargets)
if(LINDRIFT_HAVE_CUDA)
  install(TARGETS lindrift_cuda LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
endif()
install(EXPORT lindriftTargets NAMESPACE lindrift:: DESTINATION "${package_folder}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/lindrift" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/lindriftConfig.cmake.in" "${PROJECT_BINARY_DIR}/lindriftConfig.cmake"
  INSTALL_DESTINATION "${package_folder}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/lindriftConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/lindriftConfig.cmake" "${PROJECT_BINARY_DIR}/lindriftConfigVersion.cmake"
  DESTINATION "${package_folder}")
if(LINDRIFT_HAVE_PROGRAM AND SKBUILD)  # into a wheel, whose package lies where Python looks for packages
  install(TARGETS lindrift_executable RUNTIME DESTINATION "${SKBUILD_SCRIPTS_DIR}" COMPONENT python)
  install(FILES "${PROJECT_SOURCE_DIR}/python/__main__.py" DESTINATION "${SKBUILD_DATA_DIR}/share/lindrift/python" COMPONENT python)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/examples" DESTINATION "${SKBUILD_DATA_DIR}/share/lindrift" COMPONENT python)
elseif(LINDRIFT_HAVE_PROGRAM)
  install(TARGETS lindrift_executable)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/python" "${PROJECT_SOURCE_DIR}/examples" DESTINATION "${CMAKE_INSTALL_DATADIR}/lindrift"
    PATTERN "__pycache__" EXCLUDE PATTERN "module" EXCLUDE)
endif()
