#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include "imapd/extract/sandbox.h"
#include "imapd/extract/wire.h"

namespace dromos::extract {
namespace {

/// An attempt returns 0 if it got through, else the errno that refused it.
struct Attempt {
  const char* name;
  int (*run)(const Limits&);
  bool allowed;
};

int result(long value) {
  return value >= 0 ? 0 : errno;
}
int open_to_read(const Limits&) {
  return result(open("/etc/passwd", O_RDONLY));
}
int open_to_write(const Limits&) {
  return result(open("/tmp/dromos-extract-probe", O_WRONLY | O_CREAT, 0600));
}
int make_folder(const Limits&) {
  return result(mkdir("/tmp/dromos-extract-probe", 0700));
}
int make_socket(const Limits&) {
  return result(socket(AF_INET, SOCK_STREAM, 0));
}
int make_unix_socket(const Limits&) {
  return result(socket(AF_UNIX, SOCK_STREAM, 0));
}
int run_program(const Limits&) {
  char* const arguments[] = {const_cast<char*>("true"), nullptr};
  char* const environment[] = {nullptr};
  return result(execve("/bin/true", arguments, environment));
}
int make_process(const Limits&) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  return result(child);
}
int signal_parent(const Limits&) {
  return result(kill(getppid(), 0));
}
int trace(const Limits&) {
  return result(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr));
}
int make_code(const Limits&) {
  return mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                 MAP_FAILED
             ? errno
             : 0;
}
int too_much_memory(const Limits& limits) {
  return mmap(nullptr, limits.memory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                 MAP_FAILED
             ? errno
             : 0;
}
int some_memory(const Limits&) {
  return mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
             ? errno
             : 0;
}
int tell_time(const Limits&) {
  timespec now{};
  return result(clock_gettime(CLOCK_MONOTONIC, &now));
}

constexpr std::array kAttempts = {Attempt{"open-to-read", open_to_read, false},
                                  Attempt{"open-to-write", open_to_write, false},
                                  Attempt{"mkdir", make_folder, false},
                                  Attempt{"socket", make_socket, false},
                                  Attempt{"unix-socket", make_unix_socket, false},
                                  Attempt{"execve", run_program, false},
                                  Attempt{"fork", make_process, false},
                                  Attempt{"kill", signal_parent, false},
                                  Attempt{"ptrace", trace, false},
                                  Attempt{"executable-memory", make_code, false},
                                  Attempt{"memory-beyond-limit", too_much_memory, false},
                                  Attempt{"memory", some_memory, true},
                                  Attempt{"clock", tell_time, true}};

/// Exit statuses of a child: 0 got through, 255 no cage, else the errno.
int child_of(const Attempt& attempt, const Limits& limits) {
  const Cage cage = enter(limits);
  if (!cage.ready) _exit(255);
  _exit(attempt.run(limits));
}

bool report(const Attempt& attempt, int status) {
  const bool through = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  const bool caged = !(WIFEXITED(status) && WEXITSTATUS(status) == 255);
  std::string how = through ? "allowed" : "refused";
  if (!caged)
    how = "not tried: the sandbox could not be entered";
  else if (WIFSIGNALED(status))
    how += std::string(" (SIG") + sigabbrev_np(WTERMSIG(status)) + ")";
  else if (!through)
    how += std::string(" (") + std::strerror(WEXITSTATUS(status)) + ")";
  std::printf("%s %s\n", attempt.name, how.c_str());
  return caged && through == attempt.allowed;
}

/// Layers by exit status: inside, standard output may be out of reach.
bool report_layers(const Limits& limits) {
  const pid_t child = fork();
  if (child == 0) {
    const Cage cage = enter(limits);
    _exit(cage.ready ? cage.layers : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  const auto layers = static_cast<uint8_t>(WIFEXITED(status) ? WEXITSTATUS(status) : 0);
  std::printf("layers %s\n", layers == 0 ? "none" : describe(layers).c_str());
  return layers != 0;
}

}  // namespace

int probe(const Limits& limits) {
  bool good = report_layers(limits);
  for (const Attempt& attempt : kAttempts) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) child_of(attempt, limits);
    int status = 0;
    waitpid(child, &status, 0);
    good = report(attempt, status) && good;
  }
  std::fflush(stdout);
  return good ? 0 : 1;
}

}  // namespace dromos::extract
