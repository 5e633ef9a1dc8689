#include "imapd/extract/sandbox.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <initializer_list>

#include "imapd/extract/wire.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define DROMOS_SANITIZED 1  // shadow memory takes terabytes of address space
#endif
#endif

namespace dromos::extract {
namespace {

constexpr rlim_t kFiles = 16;

bool set_limit(__rlimit_resource_t which, rlim_t value) {
  const rlimit limit{value, value};
  return setrlimit(which, &limit) == 0;
}

bool set_limits(const Limits& limits) {
  bool all = set_limit(RLIMIT_CORE, 0) && set_limit(RLIMIT_FSIZE, limits.file_bytes) &&
             set_limit(RLIMIT_NOFILE, kFiles) && set_limit(RLIMIT_CPU, limits.cpu_seconds) &&
             set_limit(RLIMIT_NPROC, 0);
#ifndef DROMOS_SANITIZED
  all = all && set_limit(RLIMIT_AS, limits.memory);
#endif
  return all;
}

// Newer than the headers of Debian 12's kernel.
constexpr uint64_t kTruncate = 1 << 14, kIoctlDevice = 1 << 15;
constexpr uint64_t kNetBind = 1, kNetConnect = 2;
constexpr uint64_t kScopeAbstractSocket = 1, kScopeSignal = 2;
struct Ruleset {
  uint64_t files = 0, net = 0, scoped = 0;
};

/// All that this kernel can forbid, forbidden; reading below kReadable allowed.
bool enter_landlock() {
  const long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1) return false;
  Ruleset rules;
  rules.files = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;  // all of the first version
  if (abi >= 2) rules.files |= LANDLOCK_ACCESS_FS_REFER;
  if (abi >= 3) rules.files |= kTruncate;
  if (abi >= 5) rules.files |= kIoctlDevice;
  if (abi >= 4) rules.net = kNetBind | kNetConnect;
  if (abi >= 6) rules.scoped = kScopeAbstractSocket | kScopeSignal;
  const size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  const int ruleset = static_cast<int>(syscall(SYS_landlock_create_ruleset, &rules, size, 0));
  if (ruleset < 0) return false;
  // Where poppler-data is not installed there is nothing to read.
  if (const int folder = open(kReadable, O_PATH | O_CLOEXEC); folder >= 0) {
    landlock_path_beneath_attr below{};
    below.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    below.parent_fd = folder;
    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &below, 0);
    close(folder);
  }
  const bool done = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
  close(ruleset);
  return done;
}

/// The value at `number` of the arguments; for masks, `a` is the mask and `b` what is left by it.
scmp_arg_cmp argument(unsigned number, scmp_compare how, uint64_t a, uint64_t b = 0) {
  return {number, how, a, b};
}

class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_KILL_PROCESS)) {}
  ~Filter() {
    if (context_ != nullptr) seccomp_release(context_);
  }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  void allow(std::initializer_list<int> calls) {
    for (const int call : calls) note(seccomp_rule_add(context_, SCMP_ACT_ALLOW, call, 0));
  }
  void allow_if(int call, const scmp_arg_cmp& condition) {
    note(seccomp_rule_add_array(context_, SCMP_ACT_ALLOW, call, 1, &condition));
  }
  /// Answered with an error: libraries ask and live without.
  void refuse(int error, std::initializer_list<int> calls) {
    for (const int call : calls)
      note(seccomp_rule_add(context_, SCMP_ACT_ERRNO(static_cast<uint32_t>(error)), call, 0));
  }
  void refuse_if(int error, int call, const scmp_arg_cmp& condition) {
    note(seccomp_rule_add_array(context_, SCMP_ACT_ERRNO(static_cast<uint32_t>(error)), call, 1, &condition));
  }
  /// 0, or an errno.
  int load() {
    if (context_ == nullptr) return ENOMEM;
    if (error_ == 0) note(seccomp_load(context_));
    return error_;
  }

 private:
  void note(int result) {
    if (result < 0 && error_ == 0) error_ = -result;
  }
  scmp_filter_ctx context_;
  int error_ = 0;
};

int enter_seccomp(bool files_are_fenced) {
  Filter filter;
  filter.allow(
      {SCMP_SYS(read),           SCMP_SYS(readv),          SCMP_SYS(pread64),      SCMP_SYS(close),
       SCMP_SYS(lseek),          SCMP_SYS(fstat),          SCMP_SYS(getdents64),   SCMP_SYS(munmap),
       SCMP_SYS(mremap),         SCMP_SYS(madvise),        SCMP_SYS(brk),          SCMP_SYS(futex),
       SCMP_SYS(sched_yield),    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(clock_gettime),
       SCMP_SYS(gettimeofday),   SCMP_SYS(time),           SCMP_SYS(getrandom),    SCMP_SYS(getrusage),
       SCMP_SYS(getpid),         SCMP_SYS(gettid),         SCMP_SYS(exit),         SCMP_SYS(exit_group),
       SCMP_SYS(restart_syscall)});
  for (const int call : {SCMP_SYS(write), SCMP_SYS(writev)})
    filter.allow_if(call, argument(0, SCMP_CMP_LE, 2));
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)})
    filter.allow_if(call, argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  // Reading only; landlock says what. The mask holds every flag that could make or change a file.
  constexpr uint32_t kWriting = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);
  const auto reading = argument(2, SCMP_CMP_MASKED_EQ, kWriting, O_RDONLY);
  if (files_are_fenced)
    filter.allow_if(SCMP_SYS(openat), reading);
  else
    filter.refuse_if(EACCES, SCMP_SYS(openat), reading);
  // fstat() of newer C libraries; other paths are nobody's business here.
  filter.allow_if(SCMP_SYS(newfstatat), argument(3, SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
  filter.refuse_if(EACCES, SCMP_SYS(newfstatat), argument(3, SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, 0));
  for (const int command : {F_GETFL, F_GETFD, F_SETFD})
    filter.allow_if(SCMP_SYS(fcntl), argument(1, SCMP_CMP_EQ, static_cast<uint32_t>(command)));
  filter.refuse(EACCES,
                {SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(readlink), SCMP_SYS(statx), SCMP_SYS(stat)});
  filter.refuse(ENOTTY, {SCMP_SYS(ioctl)});
  filter.refuse(EPERM, {SCMP_SYS(sysinfo), SCMP_SYS(uname), SCMP_SYS(prlimit64), SCMP_SYS(getrlimit)});
  return filter.load();
}

}  // namespace

void detach(bool keep_errors) {
  // Bare system call: not in every C library.
  if (syscall(SYS_close_range, 3U, ~0U, 0U) != 0)
    for (int fd = 3; fd < 65536; ++fd) close(fd);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null >= 0) {
    if (!keep_errors) dup2(null, 2);
    close(null);
  }
  if (chdir("/") != 0) _exit(1);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
}

Cage enter(const Limits& limits) {
  Cage cage;
  if (!set_limits(limits)) {
    cage.reason = std::string("resource limits: ") + std::strerror(errno);
    return cage;
  }
  cage.layers |= kLayerLimits;
  prctl(PR_SET_DUMPABLE, 0);
  // Before no_new_privs nothing changes for unshare; a service manager may forbid it.
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS) == 0)
    cage.layers |= kLayerNamespaces;
  else
    cage.reason = std::string("namespaces: ") + std::strerror(errno);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    cage.reason = std::string("no_new_privs: ") + std::strerror(errno);
    return cage;
  }
  if (enter_landlock())
    cage.layers |= kLayerLandlock;
  else
    cage.reason += (cage.reason.empty() ? "landlock: " : "; landlock: ") + std::string(std::strerror(errno));
  if (const int error = enter_seccomp((cage.layers & kLayerLandlock) != 0); error != 0) {
    cage.reason = std::string("seccomp: ") + std::strerror(error);
    return cage;
  }
  cage.layers |= kLayerSeccomp;
  cage.ready = true;
  return cage;
}

std::string describe(uint8_t layers) {
  std::string out;
  const auto add = [&](uint8_t layer, std::string_view name) {
    if ((layers & layer) == 0) return;
    if (!out.empty()) out += ' ';
    out += name;
  };
  add(kLayerLimits, "limits");
  add(kLayerSeccomp, "seccomp");
  add(kLayerLandlock, "landlock");
  add(kLayerNamespaces, "namespaces");
  return out;
}

}  // namespace dromos::extract
