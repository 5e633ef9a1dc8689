// Directory: who gets mail, who may log in. What every daemon may ask; changes are in admin.h.
//
// One object per reactor, all of a process sharing one LoginState. Recipient and domain answers are cached
// for a few seconds under the config epoch (note_epoch drops them at once); logins always ask the database,
// so that a changed password holds from the next login on, and only the slow hash is remembered
// (login_state.h). Errors: directory::Errc, or what common/db reports (temporary when the database is away).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/directory/errc.h"
#include "common/directory/recipient_cache.h"
#include "common/directory/types.h"

namespace dromos::db {
class Pool;
}

namespace dromos::directory {

class LoginState;

class Directory {
 public:
  explicit Directory(db::Pool& pool);
  /// For processes with several reactors: one state for all.
  Directory(db::Pool& pool, std::shared_ptr<LoginState> state);
  ~Directory();

  /// Where mail for local@domain goes. The domain may be given as U-label or in any case.
  Task<Result<RecipientResolution>> resolve(std::string local, std::string domain, Deadline deadline);
  /// True for our domains, disabled ones included (their mail is refused, never relayed).
  Task<Result<bool>> domain_is_local(std::string domain, Deadline deadline);

  /// Checks a password or app password; service is the scope asked for: imap, smtp, pop3 or jmap.
  /// Waits as long as the throttle says; an unknown login costs the same time as a known one.
  Task<Result<Identity>> authenticate(std::string login, std::string password, std::string service,
                                      std::string remote, Deadline deadline);
  /// For SCRAM: throttle, then the verifier. Report the outcome by scram_finished.
  Task<Result<ScramLogin>> scram_credentials(std::string login, sasl::ScramHash hash, std::string remote,
                                             Deadline deadline);
  /// The identity, or bad_credentials or disabled.
  Result<Identity> scram_finished(const ScramLogin& scram, bool proof_ok, std::string_view login,
                                  std::string_view remote);
  /// Key for salts of logins that do not exist: one for all processes, for ever (sasl::ServerOptions).
  Task<Result<std::string>> fake_salt_key(Deadline deadline);
  /// EXTERNAL: whom a certificate, already checked, names. bad_credentials without such an account, where it
  /// is disabled, and of shared accounts, whom nobody is.
  Task<Result<Identity>> certificate_login(std::string login, Deadline deadline);
  /// Delivery, tokens: no secret is checked. not_found without account.
  Task<Result<AccountInfo>> account(AccountId id, Deadline deadline);
  Task<Result<AccountInfo>> account_by_login(std::string login, Deadline deadline);

  /// Bearer tokens of REST and JMAP.
  Task<Result<ApiKeyOwner>> api_key(std::string token, std::string remote, Deadline deadline);

  /// Whether an account may write in the name of an address (MAIL FROM, From, identities).
  Task<Result<bool>> may_send_as(AccountId account, std::string address, Deadline deadline);
  /// Groups it belongs to, for rights on shared mailboxes.
  Task<Result<std::vector<Group>>> groups_of(AccountId account, Deadline deadline);

  Task<Result<int64_t>> config_epoch(Deadline deadline);
  /// A newer epoch was heard of (hint over RPC): cached answers of older ones go.
  void note_epoch(int64_t epoch);

  LoginState& state() { return *state_; }

 private:
  struct Credential;
  Task<Result<std::optional<Credential>>> find_credential(std::string login, Deadline deadline);
  Task<Result<std::optional<Identity>>> try_app_password(std::string login, std::string secret,
                                                         Deadline deadline);
  Task<Result<bool>> verify(std::optional<Credential> credential, std::string password, Deadline deadline);
  Task<Result<void>> upgrade(Credential credential, std::string password, Deadline deadline);
  Task<Result<void>> admit(std::string login, std::string remote, Deadline deadline);

  db::Pool& pool_;
  std::shared_ptr<LoginState> state_;
  RecipientCache cache_;
  std::string scram_key_;
};

}  // namespace dromos::directory
