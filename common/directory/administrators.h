// Administrators, settings, idempotency keys and the audit log: admind's own state, schema `admin`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/result.h"

namespace dromos::db {
class Pool;
}

namespace dromos::directory {

class LoginState;

struct Administrator {
  int64_t id = 0;
  std::string name;
  std::string role;  // owner, operator, auditor
  bool enabled = true;
  int64_t created_us = 0;
};

struct AdministratorChange {
  std::optional<std::string> role;
  std::optional<std::string> password;
  std::optional<bool> enabled;
};

struct Settings {
  std::map<std::string, std::string> values;  // JSON texts
};

struct IdempotentStart {
  enum class State { fresh, busy, done, mismatch } state = State::fresh;
  int status = 0;        // done
  std::string response;  // done
};

struct AuditEntry {
  int64_t id = 0;
  int64_t at_us = 0;
  std::string actor;
  std::string remote;
  std::string action;
  std::string object;
  std::string detail = "{}";  // JSON
  std::optional<TraceId> trace;
};

class Administrators {
 public:
  Administrators(db::Pool& pool, LoginState& state) : pool_(pool), state_(state) {}

  /// An empty password: API keys only.
  Task<Result<int64_t>> create(std::string name, std::string role, std::string password, Deadline deadline);
  Task<Result<void>> update(std::string name, AdministratorChange change, Deadline deadline);
  Task<Result<void>> remove(std::string name, Deadline deadline);
  Task<Result<std::vector<Administrator>>> list(Deadline deadline);
  /// Throttled and constant in time like Directory::authenticate.
  Task<Result<Administrator>> authenticate(std::string name, std::string password, std::string remote,
                                           Deadline deadline);

  Task<Result<Settings>> settings(Deadline deadline);
  /// `value` is JSON; the config epoch rises.
  Task<Result<void>> put_setting(std::string key, std::string value, Deadline deadline);
  Task<Result<void>> delete_setting(std::string key, Deadline deadline);

  /// One answer per (actor, key): see IdempotentStart. `request_hash` is SHA-256 of the request.
  Task<Result<IdempotentStart>> begin(std::string actor, std::string key, std::string request_hash,
                                      Deadline deadline);
  Task<Result<void>> finish(std::string actor, std::string key, int status, std::string response,
                            Deadline deadline);
  /// The request came to nothing: the key is free again.
  Task<Result<void>> abandon(std::string actor, std::string key, Deadline deadline);
  /// Forgets answers older than a day; at most `limit`.
  Task<Result<int64_t>> trim_idempotency(int limit, Deadline deadline);

  Task<Result<void>> audit(AuditEntry entry, Deadline deadline);
  /// Newest first, before id `before` (0: newest).
  Task<Result<std::vector<AuditEntry>>> audit_log(std::string object, int64_t before, int limit,
                                                  Deadline deadline);

 private:
  db::Pool& pool_;
  LoginState& state_;
};

}  // namespace dromos::directory
