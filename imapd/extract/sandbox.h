// The cage of dromos-extract, entered by itself before it reads a byte of a document: resource limits,
// no_new_privs, namespaces, landlock, seccomp. Of these seccomp must hold; landlock and namespaces are taken
// where the kernel (and a service manager's own filter) allows, and `layers` says which hold.
//
// Inside: read from any descriptor, write to 0-2, memory without execute, the clock. Files can be opened for
// reading only and only below kReadable (poppler's character maps), and not at all without landlock. Any
// other system call is the end of the process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dromos::extract {

inline constexpr const char* kReadable = "/usr/share/poppler";

struct Limits {
  uint64_t memory = uint64_t{512} << 20;  ///< address space
  uint64_t cpu_seconds = 120;             ///< of the process' whole life
  uint64_t file_bytes = 0;                ///< for a standard output that is a file
};

/// Closes all descriptors but 0-2 and goes to /; standard error becomes /dev/null unless `keep_errors`.
void detach(bool keep_errors);

struct Cage {
  bool ready = false;
  uint8_t layers = 0;  // wire.h
  std::string reason;  // why not ready, or which layer is missing
};
Cage enter(const Limits& limits);

/// "limits seccomp landlock namespaces", those that hold.
std::string describe(uint8_t layers);

/// For the operator and for tests: tries in a cage, each in a process of its own, what must not be possible,
/// and prints a line for each: "socket refused (SIGSYS)". 0 if all is as it should be.
int probe(const Limits& limits);

}  // namespace dromos::extract
