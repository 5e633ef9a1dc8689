// Directory's logins: throttle, app password, remembered verification, hash, upgrade; SCRAM; API keys.
#include "common/async/waiter.h"
#include "common/base/strings.h"
#include "common/crypto/crypto.h"
#include "common/db/pool.h"
#include "common/directory/address_text.h"
#include "common/directory/directory.h"
#include "common/directory/login_state.h"
#include "common/directory/sql.h"
#include "common/sasl/saslprep.h"

namespace dromos::directory {

namespace {

constexpr db::Statement kAuthLookup{
    "directory_auth_lookup",
    "SELECT account_id, login, display_name, enabled, epoch, scram_sha1, scheme, hash,"
    " sha256_salt, sha256_iterations, sha256_stored_key, sha256_server_key,"
    " sha1_salt, sha1_iterations, sha1_stored_key, sha1_server_key FROM directory.auth_lookup_v1($1)"};
constexpr db::Statement kAppPassword{"directory_app_password",
                                     "SELECT account_id, login, display_name, enabled, epoch, label, scopes"
                                     " FROM directory.app_password_login_v1($1, $2)"};
constexpr db::Statement kUpgrade{
    "directory_credential_upgrade",
    "SELECT directory.credential_upgrade_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"};
constexpr db::Statement kScramKey{"directory_scram_key", "SELECT directory.scram_key_v1()"};
constexpr db::Statement kApiKey{
    "directory_api_key",
    "SELECT key_id, account_id, administrator_id, owner, role, display_name, epoch,"
    " label, scopes FROM admin.api_key_lookup_v1($1)"};

Error bad_credentials() {
  return Error(Errc::bad_credentials, "authentication failed");
}
Error is_disabled() {
  return Error(Errc::disabled, "the account is disabled");
}

std::chrono::steady_clock::time_point now() {
  return std::chrono::steady_clock::now();
}

/// Free of NUL and bad UTF-8, or it cannot be a login (and PostgreSQL would refuse the text).
std::optional<std::string> usable_login(std::string_view login) {
  auto address = normalize_address(login);
  if (!address) return std::nullopt;
  return std::move(*address);
}

}  // namespace

struct Directory::Credential {
  Identity identity;
  bool enabled = false;
  bool scram_sha1 = false;
  StoredPassword stored;
  /// What the remembered verification is bound to beside the epoch.
  std::string fingerprint() const {
    return stored.scheme + stored.hash + (stored.sha256 ? stored.sha256->stored_key : "");
  }
  bool remembered(LoginState& state, std::string_view password) const {
    return !stored.scheme.empty() &&
           state.verified.contains(identity.account, identity.epoch, fingerprint(), password, now());
  }
  void remember(LoginState& state, std::string_view password) const {
    state.verified.add(identity.account, identity.epoch, fingerprint(), password, now());
  }
};

Task<Result<void>> Directory::admit(std::string login, std::string remote, Deadline deadline) {
  const auto admission = state_->throttle.admit(remote, login, now());
  if (admission.refused || deadline.remaining() < admission.delay)
    co_return fail(Errc::throttled, "too many failed logins", Retry::temporary);
  if (admission.delay.count() > 0) co_await sleep_for(admission.delay);
  co_return Result<void>();
}

Task<Result<std::optional<Directory::Credential>>> Directory::find_credential(std::string login,
                                                                              Deadline deadline) {
  CO_TRY(auto rows, co_await pool_.exec(kAuthLookup, db::Params().add(login), deadline));
  if (rows.empty()) co_return std::optional<Credential>();
  Credential found;
  found.identity.account = AccountId{rows.integer(0, 0)};
  found.identity.login = rows.text(0, 1);
  found.identity.display_name = rows.text(0, 2);
  found.identity.epoch = rows.integer(0, 4);
  found.enabled = rows.boolean(0, 3);
  found.scram_sha1 = rows.boolean(0, 5);
  if (!rows.is_null(0, 6)) {
    found.stored.scheme = rows.text(0, 6);
    found.stored.hash = rows.text(0, 7);
    found.stored.sha256 = read_verifier(rows, 8, sasl::ScramHash::sha256);
    found.stored.sha1 = read_verifier(rows, 12, sasl::ScramHash::sha1);
  }
  co_return std::optional<Credential>(std::move(found));
}

Task<Result<std::optional<Identity>>> Directory::try_app_password(std::string login, std::string secret,
                                                                  Deadline deadline) {
  const auto hash = app_password_hash(secret);
  if (!hash) co_return std::optional<Identity>();
  CO_TRY(auto rows, co_await pool_.exec(kAppPassword, db::Params().add(login).add_bytes(*hash), deadline));
  if (rows.empty()) co_return std::optional<Identity>();
  if (!rows.boolean(0, 3)) co_return fail(is_disabled());
  Identity identity;
  identity.account = AccountId{rows.integer(0, 0)};
  identity.login = rows.text(0, 1);
  identity.display_name = rows.text(0, 2);
  identity.epoch = rows.integer(0, 4);
  identity.via = Via::app_password;
  identity.label = rows.text(0, 5);
  identity.scopes = words(rows.bytes(0, 6), ' ');
  co_return std::optional<Identity>(std::move(identity));
}

/// Costs one hash: without a credential, or with none that argon2id could check, a decoy is hashed. Of many
/// logins at once with the same password, the first two to have their turn pay for all.
Task<Result<bool>> Directory::verify(std::optional<Credential> credential, std::string password,
                                     Deadline deadline) {
  auto work = [state = state_, credential = std::move(credential), deadline, password = std::move(password)] {
    if (deadline.passed()) return false;  // the turn came too late
    if (credential && credential->remembered(*state, password)) return true;
    const StoredPassword stored = credential ? credential->stored : StoredPassword{};
    const bool right = verify_stored(stored, password);
    if (stored.scheme != "argon2id") burn_password_time(password);
    state->hashed.fetch_add(1, std::memory_order_relaxed);
    if (right) credential->remember(*state, password);
    return right;
  };
  co_return co_await state_->gate.run(std::move(work));
}

Task<Result<void>> Directory::upgrade(Credential credential, std::string password, Deadline deadline) {
  const StoredPassword old = credential.stored;
  const UpgradeTurn turn(*state_, credential.identity.account);
  if (!turn.ours()) co_return Result<void>();
  auto work = state_->gate.run([old, password] {
    StoredPassword made = make_password(password);
    if (old.scheme == "argon2id") made.hash = old.hash;
    if (old.sha256) made.sha256 = old.sha256;
    return made;
  });
  CO_TRY(const StoredPassword made, co_await std::move(work));
  db::Params params;
  params.add(credential.identity.account).add(old.scheme).add(old.hash).add(made.hash);
  add_verifier(params, made.sha256);
  add_verifier(params, made.sha1);
  CO_TRY_VOID(co_await pool_.exec(kUpgrade, std::move(params), deadline));
  credential.stored = made;
  credential.remember(*state_, password);
  co_return Result<void>();
}

Task<Result<Identity>> Directory::authenticate(std::string login, std::string password, std::string service,
                                               std::string remote, Deadline deadline) {
  CO_TRY_VOID(co_await admit(login, remote, deadline));
  const auto address = usable_login(login);
  if (!address || password.size() > sasl::kMaxPassword) {
    CO_TRY_VOID(co_await verify(std::nullopt, "", deadline));
    state_->throttle.failed(remote, login, now());
    co_return fail(bad_credentials());
  }
  CO_TRY(auto app, co_await try_app_password(*address, password, deadline));
  if (app) {
    state_->throttle.succeeded(remote, login, now());
    if (!app->may_use(service)) co_return fail(Errc::scope, "the app password is not for " + service);
    co_return std::move(*app);
  }
  CO_TRY(auto found, co_await find_credential(*address, deadline));
  if (!found || !found->remembered(*state_, password)) {
    CO_TRY(const bool right, co_await verify(found, password, deadline));
    if (!right && deadline.passed()) co_return fail(timeout_error("checking the password"));
    if (!right) {
      state_->throttle.failed(remote, login, now());
      co_return fail(bad_credentials());
    }
  }
  state_->throttle.succeeded(remote, login, now());
  if (!found->enabled) co_return fail(is_disabled());
  Identity identity = found->identity;
  const bool incomplete = found->stored.scheme != "argon2id" || !found->stored.sha256;
  // Failing to improve what is stored must not fail the login; the next one tries again.
  if (incomplete) static_cast<void>(co_await upgrade(std::move(*found), password, deadline));
  co_return identity;
}

Task<Result<std::string>> Directory::fake_salt_key(Deadline deadline) {
  if (!scram_key_.empty()) co_return scram_key_;
  CO_TRY(auto rows, co_await pool_.exec(kScramKey, db::Params(), deadline));
  scram_key_ = rows.text(0, 0);
  co_return scram_key_;
}

Task<Result<ScramLogin>> Directory::scram_credentials(std::string login, sasl::ScramHash hash,
                                                      std::string remote, Deadline deadline) {
  CO_TRY_VOID(co_await admit(login, remote, deadline));
  CO_TRY(const std::string key, co_await fake_salt_key(deadline));
  const auto address = usable_login(login);
  std::optional<Credential> found;
  if (address) {
    CO_TRY(auto credential, co_await find_credential(*address, deadline));
    found = std::move(credential);
  }
  const bool sha1 = hash == sasl::ScramHash::sha1;
  ScramLogin scram;
  if (found) {
    scram.enabled = found->enabled;
    const auto& verifier = sha1 ? found->stored.sha1 : found->stored.sha256;
    if (verifier) {
      scram.exists = true;
      scram.identity = found->identity;
      scram.identity.via = Via::scram;
      scram.verifier = *verifier;
      co_return scram;
    }
  }
  // The same salt for the same name, for ever; keys that no proof fits.
  scram.verifier.hash = hash;
  scram.verifier.iterations = sasl::kDefaultScramIterations;
  const std::string name = found ? found->identity.login : to_lower(address.value_or(login));
  scram.verifier.salt =
      crypto::hmac_sha256(key, (sha1 ? "sha-1 " : "sha-256 ") + name).substr(0, sasl::kScramSaltSize);
  scram.verifier.stored_key = crypto::random_bytes(sha1 ? 20 : 32);
  scram.verifier.server_key = crypto::random_bytes(sha1 ? 20 : 32);
  co_return scram;
}

Result<Identity> Directory::scram_finished(const ScramLogin& scram, bool proof_ok, std::string_view login,
                                           std::string_view remote) {
  if (!proof_ok || !scram.exists) {
    state_->throttle.failed(remote, login, now());
    return fail(bad_credentials());
  }
  state_->throttle.succeeded(remote, login, now());
  if (!scram.enabled) return fail(is_disabled());
  return scram.identity;
}

Task<Result<ApiKeyOwner>> Directory::api_key(std::string token, std::string remote, Deadline deadline) {
  // 128 random bits need no per-key throttle; the prefix is slowed so that noise stays cheap.
  CO_TRY_VOID(co_await admit("api key", remote, deadline));
  const auto hash = api_key_hash(token);
  if (!hash) {
    state_->throttle.failed(remote, "api key", now());
    co_return fail(bad_credentials());
  }
  CO_TRY(auto rows, co_await pool_.exec(kApiKey, db::Params().add_bytes(*hash), deadline));
  if (rows.empty()) {
    state_->throttle.failed(remote, "api key", now());
    co_return fail(bad_credentials());
  }
  ApiKeyOwner owner;
  owner.key_id = rows.integer(0, 0);
  owner.account = AccountId{rows.maybe_integer(0, 1).value_or(0)};
  owner.administrator_id = rows.maybe_integer(0, 2).value_or(0);
  owner.owner = rows.text(0, 3);
  owner.role = rows.text(0, 4);
  owner.display_name = rows.text(0, 5);
  owner.epoch = rows.integer(0, 6);
  owner.label = rows.text(0, 7);
  owner.scopes = words(rows.bytes(0, 8), ' ');
  co_return owner;
}

}  // namespace dromos::directory
