# How each kind of target is declared; folders say only what they depend on.

# dromos_library(NAME [DEPS targets...] [EXCLUDE subfolders...]): every .cpp of the calling folder (and its
# subfolders, main.cpp and EXCLUDE excepted) as static library dromos_NAME.
function(dromos_library name)
  cmake_parse_arguments(ARG "" "" "DEPS;SOURCES;EXCLUDE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  foreach(folder ${ARG_EXCLUDE})
    list(FILTER sources EXCLUDE REGEX "^${CMAKE_CURRENT_SOURCE_DIR}/${folder}/")
  endforeach()
  list(APPEND sources ${ARG_SOURCES})
  if(sources)
    add_library(dromos_${name} STATIC ${sources})
    target_link_libraries(dromos_${name} PUBLIC dromos_options ${ARG_DEPS})
  else()
    add_library(dromos_${name} INTERFACE)
    target_link_libraries(dromos_${name} INTERFACE dromos_options ${ARG_DEPS})
  endif()
endfunction()

# dromos_daemon(NAME [DEPS ...]): library dromos_NAME of the folder and executable dromos-NAME from main.cpp.
function(dromos_daemon name)
  dromos_library(${name} ${ARGN})
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/main.cpp)
    add_executable(dromos-${name} main.cpp)
    target_link_libraries(dromos-${name} PRIVATE dromos_${name})
    set_target_properties(dromos-${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
    install(TARGETS dromos-${name} RUNTIME DESTINATION sbin COMPONENT ${name})
  endif()
endfunction()

# dromos_unit_test(FOLDER TARGET): tests/unit/FOLDER/*_test.cpp as one Catch2 binary unit_<folder>.
function(dromos_unit_test folder target)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*_test.cpp)
  if(NOT sources OR NOT TARGET ${target})
    return()
  endif()
  string(REPLACE "/" "_" name ${folder})
  add_executable(unit_${name} ${sources})
  target_link_libraries(unit_${name} PRIVATE ${target} dromos_catch_main)
  set_target_properties(unit_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_dependencies(unit_tests unit_${name})
endfunction()
