// Fault points and sabotage: instants at which tests kill, stop or break a daemon. Compiled out of release
// builds.
//
// DROMOS_FAULT="name:n:action" acts at the n-th pass of the point `name`: kill (SIGKILL to itself, the
// default), stop (SIGSTOP), fail (the point returns true and its caller takes the error path). Several,
// separated by commas. DROMOS_SABOTAGE="name" turns a deliberate bug on, to prove that the chaos verifier
// catches it.
#pragma once

namespace dromos::fault {

#ifdef DROMOS_TESTING
/// Thread-safe. True only for action `fail` at its pass.
bool hit(const char* name);
bool sabotage(const char* name);
#else
inline bool hit(const char*) {
  return false;
}
inline bool sabotage(const char*) {
  return false;
}
#endif

}  // namespace dromos::fault
