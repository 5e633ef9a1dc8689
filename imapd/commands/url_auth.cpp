// GENURLAUTH, RESETKEY and URLFETCH (RFC 4467), mechanism INTERNAL: HMAC-SHA-256 of the URL up to its access
// identifier, with a key of the mailbox. A URL gives what its maker may read of his own mailboxes.
//
// submit+ URLs are made but not honoured here: no session is that of a submission server. RESETKEY tells
// URLMECH in its own answer; other sessions in the mailbox are not told: INTERNAL has no data that could be
// new to them.
#include "imapd/commands/url_auth.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/crypto/crypto.h"
#include "common/store/errc.h"
#include "imapd/commands/auth.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/mailbox_names.h"
#include "imapd/service/spool.h"
#include "imapd/service/url_part.h"

namespace dromos::imapd {
namespace {

constexpr size_t kMaxUrls = 100;  // of one command
constexpr size_t kPiece = 64 * 1024;
constexpr std::string_view kInternal = "INTERNAL";
constexpr char kHmacSha256 = '\x01';  // first octet of a token: how it was made (RFC 4467 §2.4.1)

std::string token_of(std::string_view key, std::string_view rump) {
  return kHmacSha256 + crypto::hmac_sha256(key, rump);
}

/// Whose URL it is: a user without a domain is of the server's.
std::string login_of(const ImapUrl& url) {
  if (url.user.find('@') != std::string::npos) return url.user;
  return url.user + '@' + url.server.substr(0, url.server.find(':'));
}

Unexpected nowhere() {
  return fail(store::StoreErrc::not_found, "the URL leads nowhere");
}

/// An owner's mailbox; those shared with him are not his to give on.
Task<Result<MailboxId>> own_mailbox(Context& context, AccountId owner, const ImapUrl& url) {
  CO_TRY(const auto tree, co_await context.worker.mailboxes.tree(owner, context.store_deadline()));
  const store::Mailbox* found = tree.find(path_of_name(url.mailbox));
  if (found == nullptr || !found->selectable) co_return nowhere();
  if (url.uidvalidity && *url.uidvalidity != found->uidvalidity) co_return nowhere();
  co_return found->id;
}

bool meant_for(const Context& context, const UrlAuth& auth) {
  switch (auth.access) {
    case UrlAuth::Access::anonymous:
    case UrlAuth::Access::authuser:
      return true;
    case UrlAuth::Access::user:
      return iequals(auth.access_user, context.who.login);
    case UrlAuth::Access::submit:
      return false;
  }
  return false;
}

/// One "url data" of URLFETCH; NIL where it may not be read.
Task<Result<void>> write_url(Context& context, const std::string& text) {
  Writer& out = context.out;
  const auto nil = [&] { out.untagged().raw("URLFETCH ").astring(text).raw(" NIL").crlf(); };
  const auto url = parse_imap_url(text);
  if (!url || !url->auth) {
    nil();
    co_return Result<void>{};
  }
  Spool spool;
  auto read = Result<void>{};
  const auto place = co_await authorized_place(context, *url);
  if (place)
    read = co_await read_url_part(
        context.worker, place->account, place->mailbox, *url, context.worker.config.limits.append_size.bytes,
        [&](std::string_view octets) { return spool.write(octets); }, context.store_deadline());
  else
    read = fail(place.error());
  if (!read && read.error().may_retry()) co_return read;
  // A part that FETCH would tell as NIL is empty here: NIL is for URLs that are invalid.
  if (!read && !read.error().is(Errc::not_found)) {
    nil();
    co_return Result<void>{};
  }
  CO_TRY(std::string_view octets, spool.bytes());
  out.untagged().raw("URLFETCH ").astring(text).sp().literal_head(octets.size());
  while (!octets.empty()) {
    out.raw(octets.substr(0, kPiece));
    octets.remove_prefix(std::min(octets.size(), kPiece));
    const bool open = co_await context.flush_some();
    if (!open) co_return fail(Errc::closed, "connection lost");
  }
  out.crlf();
  co_return Result<void>{};
}

}  // namespace

Task<Result<UrlPlace>> authorized_place(Context& context, const ImapUrl& url) {
  const auto& auth = url.auth;
  if (!auth || auth->mechanism != kInternal || url.user.empty() || !meant_for(context, *auth))
    co_return nowhere();
  if (auth->expires_us && *auth->expires_us < Clock::now_us()) co_return nowhere();
  const auto owner =
      co_await context.worker.directory.account_by_login(login_of(url), context.store_deadline());
  if (!owner && owner.error().may_retry()) co_return fail(owner.error());
  // RFC 4467 §6: the same steps, with a key that fits nothing, where there is no such user or mailbox: how
  // long the refusal takes tells nobody what exists.
  const bool known = owner && owner->enabled;
  const AccountId account = known ? owner->id : context.account();
  const auto mailbox = co_await own_mailbox(context, account, url);
  if (!mailbox && mailbox.error().may_retry()) co_return fail(mailbox.error());
  CO_TRY(const auto key, co_await context.worker.url_keys.get(account, mailbox ? *mailbox : MailboxId(),
                                                              context.store_deadline()));
  const std::string token = token_of(key ? *key : crypto::random_bytes(32), url.rump);
  const bool fits = crypto::constant_time_equal(token, auth->token);
  if (!fits || !known || !mailbox || !key) co_return nowhere();
  co_return UrlPlace{account, *mailbox};
}

Handled handle_gen_url_auth(Context& context, const Command& command) {
  const auto& urls = command.as<UrlCommand>().urls;
  if (urls.size() > kMaxUrls) co_return bad("Too many URLs");
  std::string made;
  for (const auto& [text, mechanism] : urls) {
    if (mechanism != kInternal) co_return bad("INTERNAL is the only mechanism");
    const auto url = parse_imap_url(text);
    if (!url) co_return bad("Not a URL for URLAUTH: " + url.error().message());
    if (!url->auth || url->server.empty() || !url->auth->mechanism.empty())
      co_return bad("A URL for GENURLAUTH is absolute and ends with ;URLAUTH=access");
    if (!iequals(login_of(*url), context.who.login)) co_return bad("The URL names another user");
    const auto mailbox = co_await own_mailbox(context, context.account(), *url);
    if (!mailbox && mailbox.error().is(store::StoreErrc::not_found))
      co_return bad("The URL names no mailbox");
    if (!mailbox) co_return fail(mailbox.error());
    CO_TRY(const std::string key,
           co_await context.worker.url_keys.make(context.account(), *mailbox, crypto::random_bytes(32),
                                                 context.store_deadline()));
    made += " \"" + text + ":" + std::string(kInternal) + ":" + hex(token_of(key, url->rump)) + "\"";
  }
  context.out.untagged().raw("GENURLAUTH").raw(made).crlf();
  co_return ok("Genurlauth completed");
}

Handled handle_reset_key(Context& context, const Command& command) {
  const auto& reset = command.as<ResetKeyCommand>();
  for (const std::string& mechanism : reset.mechanisms)
    if (mechanism != kInternal) co_return bad("INTERNAL is the only mechanism");
  MailboxId mailbox;
  if (reset.mailbox) {
    CO_TRY(const NamedMailbox found, co_await find_mailbox(context, *reset.mailbox, true, 0));
    if (found.account != context.account())
      co_return no(code::kNoPerm, "Only an owner has keys of a mailbox");
    mailbox = found.mailbox.id;
  }
  CO_TRY_VOID(co_await context.worker.url_keys.reset(context.account(), mailbox, context.store_deadline()));
  const bool tell = reset.mailbox && may_send_password(context);
  co_return ok("All URLs made before are void", tell ? std::string(kUrlMechanisms) : "");
}

Handled handle_url_fetch(Context& context, const Command& command) {
  const auto& urls = command.as<UrlCommand>().urls;
  if (urls.size() > kMaxUrls) co_return bad("Too many URLs");
  for (const auto& [text, mechanism] : urls) CO_TRY_VOID(co_await write_url(context, text));
  co_return ok("Urlfetch completed");
}

}  // namespace dromos::imapd
