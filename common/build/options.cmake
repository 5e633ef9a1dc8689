# Language level, warnings, hardening and sanitizers: one interface target, dromos_options.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

option(DROMOS_TESTS "Build tests, fault points and test seams" ON)
set(DROMOS_SANITIZE "" CACHE STRING "Sanitizers, as in -fsanitize=: address,undefined or thread")
option(DROMOS_FUZZ "Build tests/fuzz with libFuzzer instead of the seed replayer" OFF)

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "Dromos needs clang-19 (found ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}): "
                      "g++ 12 miscompiles coroutines. Use a preset: cmake --preset dev")
endif()

add_library(dromos_options INTERFACE)
target_include_directories(dromos_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_compile_options(dromos_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Werror -Werror=unused-result -Wno-unused-parameter -Wno-missing-field-initializers
  -fstack-protector-strong -fno-omit-frame-pointer)
target_compile_definitions(dromos_options INTERFACE _GLIBCXX_ASSERTIONS)
if(CMAKE_BUILD_TYPE MATCHES "Rel" AND NOT DROMOS_SANITIZE)
  target_compile_options(dromos_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
if(DROMOS_TESTS)
  target_compile_definitions(dromos_options INTERFACE DROMOS_TESTING=1)
endif()
target_link_options(dromos_options INTERFACE -fuse-ld=lld-19 -Wl,-z,relro,-z,now -pie)
if(DROMOS_SANITIZE)
  target_compile_options(dromos_options INTERFACE -fsanitize=${DROMOS_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(dromos_options INTERFACE -fsanitize=${DROMOS_SANITIZE})
endif()
if(DROMOS_FUZZ)
  target_compile_options(dromos_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # Paths relative to the checkout, so that worktrees and fresh clones share hits.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()
