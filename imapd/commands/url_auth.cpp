// GENURLAUTH, RESETKEY and URLFETCH (RFC 4467; URLAUTH=BINARY: RFC 5524), mechanism INTERNAL: HMAC-SHA-256 of
// the URL up to its access identifier, with a key of the mailbox. A URL gives what its maker may read of his
// own mailboxes.
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
#include "imapd/protocol/mailbox_name.h"
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
  CO_TRY(const auto found,
         co_await context.worker.mailboxes.find(owner, path_of_name(url.mailbox), context.store_deadline()));
  if (!found || !found->selectable) co_return nowhere();
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

/// A literal of what may be large.
Task<Result<void>> write_octets(Context& context, std::string_view octets, bool binary) {
  Writer& out = context.out;
  out.literal_head(octets.size(), binary);
  while (!octets.empty()) {
    out.raw(octets.substr(0, kPiece));
    octets.remove_prefix(std::min(octets.size(), kPiece));
    const bool open = co_await context.flush_some();
    if (!open) co_return fail(Errc::closed, "connection lost");
  }
  co_return Result<void>{};
}

/// What RFC 5524 adds: all is read before the first octet is written, so that a URL that fails is told as
/// NIL.
Task<Result<void>> write_extended(Context& context, const UrlCommand::Item& item, UrlPart& part) {
  std::optional<std::string> binary;
  std::string structure;
  Spool body;
  if (item.binary) {
    CO_TRY(binary, co_await part.decoded(context.store_deadline()));
  }
  if (item.structure) {
    CO_TRY(structure, co_await part.structure(binary, context.store_deadline()));
  }
  if (item.body)
    CO_TRY_VOID(co_await part.read([&](std::string_view octets) { return body.write(octets); },
                                   context.store_deadline()));
  Writer& out = context.out;
  out.untagged().raw("URLFETCH ").astring(item.url);
  if (item.structure) out.raw(" (BODYPARTSTRUCTURE ").raw(structure).ch(')');
  if (item.binary) {
    out.raw(" (BINARY ");
    if (!binary) out.nil();
    if (binary) CO_TRY_VOID(co_await write_octets(context, *binary, binary->find('\0') != std::string::npos));
    out.ch(')');
  }
  if (item.body) {
    CO_TRY(const std::string_view octets, body.bytes());
    out.raw(" (BODY ");
    CO_TRY_VOID(co_await write_octets(context, octets, false));
    out.ch(')');
  }
  out.crlf();
  co_return Result<void>{};
}

Task<Result<void>> write_simple(Context& context, const UrlCommand::Item& item, UrlPart& part) {
  Spool spool;
  CO_TRY_VOID(co_await part.read([&](std::string_view octets) { return spool.write(octets); },
                                 context.store_deadline()));
  CO_TRY(const std::string_view octets, spool.bytes());
  context.out.untagged().raw("URLFETCH ").astring(item.url).sp();
  CO_TRY_VOID(co_await write_octets(context, octets, false));
  context.out.crlf();
  co_return Result<void>{};
}

Task<Result<void>> write_part(Context& context, const UrlCommand::Item& item, const ImapUrl& url) {
  CO_TRY(const UrlPlace place, co_await authorized_place(context, url));
  UrlPart part(context.worker, place.account, place.mailbox, url,
               context.worker.config.limits.append_size.bytes);
  const auto open = co_await part.open(context.store_deadline());
  // A part that FETCH would tell as NIL is empty here (RFC 4467 §8); with RFC 5524 it is NIL as any other.
  if (!open && open.error().is(Errc::not_found) && !item.extended()) {
    context.out.untagged().raw("URLFETCH ").astring(item.url).sp().literal("").crlf();
    co_return Result<void>{};
  }
  CO_TRY_VOID(open);
  co_return item.extended() ? co_await write_extended(context, item, part)
                            : co_await write_simple(context, item, part);
}

/// One "url data" of URLFETCH; NIL where it may not be read.
Task<Result<void>> write_url(Context& context, const UrlCommand::Item& item) {
  const auto url = parse_imap_url(item.url);
  auto written = Result<void>{};
  if (url && url->auth)
    written = co_await write_part(context, item, *url);
  else
    written = nowhere();
  if (written || written.error().may_retry() || written.error().is(Errc::closed)) co_return written;
  context.out.untagged().raw("URLFETCH ").astring(item.url).raw(" NIL").crlf();
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
  for (const UrlCommand::Item& item : urls) {
    const std::string& text = item.url;
    if (item.mechanism != kInternal) co_return bad("INTERNAL is the only mechanism");
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
  for (const UrlCommand::Item& item : urls) CO_TRY_VOID(co_await write_url(context, item));
  co_return ok("Urlfetch completed");
}

}  // namespace dromos::imapd
