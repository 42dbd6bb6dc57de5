# cmake -DBUILD=... -DFOLDER=... -DGENERATOR=... -DCXX=... -DBUILD_TYPE=... [-DPROGRAM=ON] -P install_test.cmake
# Installs the build into an empty prefix, then uses it from there as a stranger would: as a library, and as a program.
file(REMOVE_RECURSE "${FOLDER}")
set(prefix "${FOLDER}/prefix")

function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY "${FOLDER}" RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(failed)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\n${failed}\n${said}")
  endif()
  set(said "${said}" PARENT_SCOPE)
endfunction()

file(MAKE_DIRECTORY "${FOLDER}")
run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${prefix}")

run("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/consumer" -B consumer -G "${GENERATOR}" "-DCMAKE_PREFIX_PATH=${prefix}"
    "-DCMAKE_CXX_COMPILER=${CXX}" "-DCMAKE_CXX_FLAGS=${CXX_FLAGS}" "-DCMAKE_BUILD_TYPE=${BUILD_TYPE}")
run("${CMAKE_COMMAND}" --build consumer)
run("${FOLDER}/consumer/consumer")
message("${said}")

if(PROGRAM)
  # The installed example is changed, to see that it is the one that is read.
  set(example "${prefix}/share/lindrift/examples/fig3b.toml")
  file(READ "${example}" text)
  string(REGEX REPLACE "\nsites = 100 +" "\nsites = 7 " text "${text}")
  file(WRITE "${example}" "${text}")
  run("${prefix}/bin/lindrift" figures fig3b -o pictures)
  foreach(name fig3b.h5 fig3b.png)
    if(NOT EXISTS "${FOLDER}/pictures/${name}")
      message(FATAL_ERROR "lindrift figures left no ${name}\n${said}")
    endif()
  endforeach()
  if(NOT said MATCHES " 3\\.5 ")
    message(FATAL_ERROR "the installed program did not read the installed example: seven half-filled sites hold 3.5\n${said}")
  endif()
endif()
file(REMOVE_RECURSE "${FOLDER}")
