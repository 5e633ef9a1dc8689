#include "imapd/commands/append.h"

#include <algorithm>

#include "common/async/offload.h"
#include "common/base/fault.h"
#include "common/base/strings.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "common/mime/facts.h"
#include "common/mime/seven_bit.h"
#include "common/mime/text.h"
#include "common/mime/thread_keys.h"
#include "common/store/append.h"
#include "common/store/errc.h"
#include "imapd/commands/flag_rights.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/mailbox_names.h"
#include "imapd/commands/message_limit.h"
#include "imapd/commands/settle.h"
#include "imapd/commands/url_auth.h"
#include "imapd/protocol/imap_url.h"
#include "imapd/protocol/mailbox_name.h"
#include "imapd/protocol/parser.h"
#include "imapd/service/url_part.h"

namespace dromos::imapd {
namespace {

constexpr size_t kInlineWork = 32 * 1024;  // larger messages are read off the reactor
constexpr milliseconds kCommitTime{60000};
constexpr uint64_t kSmall = 64 * 1024;  // so much is taken without asking first
constexpr uint64_t kMaxTogether = 4;    // messages of the largest size that one MULTIAPPEND may bring

/// The names from the root on, where the mailbox is one of the user's own.
std::optional<std::vector<std::string>> own_path(const Context& context, const std::string& wire) {
  const auto name = name_from_wire(context, wire);
  if (!name || is_reserved(*name)) return std::nullopt;
  return path_of_name(*name);
}

/// Why the literal cannot be taken, if so. `octets`: of this message so far, with the literal; `all`: of the
/// command.
Task<std::optional<Reply>> objection(Context& context, const AppendHead& head, uint64_t octets,
                                     uint64_t all) {
  if (context.state == State::not_authenticated) co_return bad("Log in first");
  if (head.replace && !context.selected) co_return bad("No mailbox is selected");
  if (auto refused = too_many_to_append(context, head.message + 1)) co_return refused;
  const uint64_t limit = context.worker.config.limits.append_size.bytes;
  if (octets > limit || all > kMaxTogether * limit)
    co_return no(code::kTooBig, "Messages may have at most " + std::to_string(limit) + " octets");
  if (all > octets || !context.append->spools.empty()) co_return std::nullopt;
  // Of what is small the store says so itself when there is no such mailbox, or no room.
  if (octets <= kSmall && !head.replace && own_path(context, head.mailbox)) co_return std::nullopt;
  const auto target = co_await find_mailbox(context, head.mailbox, true, store::kInsert);
  if (!target) co_return append_failure(target.error());
  if (head.replace) co_return std::nullopt;  // what goes makes room
  const auto quota = co_await context.worker.quotas.get(target->account, context.store_deadline());
  if (!quota) co_return append_failure(quota.error());
  if (quota->limit_bytes && quota->used_bytes + static_cast<int64_t>(octets) > *quota->limit_bytes)
    co_return no(code::kOverQuota, "Over quota");
  co_return std::nullopt;
}

store::NewMessage read_message(const std::shared_ptr<Spool>& spool, std::string_view raw) {
  store::NewMessage message;
  mime::Facts facts;
  try {
    facts = mime::build_facts(raw);
    message.text = mime::search_text(raw, facts, &message.text_truncated);
  } catch (const std::exception& e) {
    log::error("message.facts_failed", {{"err", e.what()}, {"bytes", raw.size()}});
    facts = mime::minimal_facts(raw);
    message.text.clear();
  }
  message.facts = mime::encode_facts(facts);
  message.facts_version = mime::kFactsParser;
  message.thread_keys = mime::thread_keys(facts);
  message.header_size = facts.tree.parts.empty() ? 0 : facts.tree.root().body_begin;
  if (spool->in_memory())
    message.raw = std::string(raw);
  else
    message.source = std::make_shared<SpoolSource>(spool);
  return message;
}

/// Binary content is kept as BODY[] may send it (RFC 3516 §7); BINARY[] gives the same octets either way.
Result<std::shared_ptr<Spool>> without_nul(const std::shared_ptr<Spool>& given) {
  TRY(const std::string_view raw, given->bytes());
  if (raw.find('\0') == std::string_view::npos) return given;
  const mime::SevenBit form = mime::without_nul(raw);
  if (form.form != mime::SevenBit::Form::converted) return given;
  auto spool = std::make_shared<Spool>();
  TRY_VOID(spool->write(form.bytes));
  return spool;
}

/// "BADURL ..." (RFC 4469 §4.1): octets that the code may not hold are encoded.
Reply bad_url(std::string_view url) {
  std::string text;
  for (const char c : url.substr(0, kMaxImapUrl)) {
    if (c > 0x20 && c < 0x7f && c != ']' && c != '"' && c != '\\')
      text += c;
    else
      text += '%' + to_upper(hex(std::string_view(&c, 1)));
  }
  return no(std::string(code::kBadUrl) + " " + text, "The URL names no message or part of yours");
}

/// Octets of one URL of CATENATE to the end of `spool`. A reply: why not.
Task<std::optional<Reply>> catenate_url(Context& context, const std::string& text, uint64_t limit,
                                        Spool& spool) {
  const auto url = parse_imap_url(text);
  if (!url || (!url->server.empty() && !url->auth)) co_return bad_url(text);  // RFC 4469 §3: relative ones
  AccountId account = context.account();
  MailboxId mailbox;
  uint32_t uidvalidity = 0;
  if (url->auth) {
    const auto place = co_await authorized_place(context, *url);
    if (!place && place.error().may_retry()) co_return reply_for(place.error());
    if (!place) co_return bad_url(text);
    account = place->account;
    mailbox = place->mailbox;
    uidvalidity = url->uidvalidity.value_or(0);
  } else if (url->mailbox.empty()) {
    if (!context.selected) co_return bad_url(text);
    account = context.selected->mailbox->account();
    mailbox = context.selected->mailbox->id();
    uidvalidity = context.selected->mailbox->uidvalidity();
  } else {
    const auto found = co_await find_mailbox_by_name(context, url->mailbox, true, store::kRead);
    if (!found && found.error().may_retry()) co_return reply_for(found.error());
    if (!found) co_return bad_url(text);
    account = found->account;
    mailbox = found->mailbox.id;
    uidvalidity = found->mailbox.uidvalidity;
  }
  if (url->uidvalidity && *url->uidvalidity != uidvalidity) co_return bad_url(text);
  UrlPart part(context.worker, account, mailbox, *url, limit);
  auto read = co_await part.open(context.store_deadline());
  if (read)
    read = co_await part.read([&](std::string_view octets) { return spool.write(octets); },
                              context.store_deadline());
  if (read) co_return std::nullopt;
  if (read.error().is(store::StoreErrc::not_found) || read.error().is(Errc::not_found))
    co_return bad_url(text);
  if (read.error().is(Errc::limit_exceeded)) co_return no(code::kTooBig, "The message would be too large");
  co_return reply_for(read.error());
}

Result<std::shared_ptr<Spool>> spool_of(Context& context, const LiteralData& literal) {
  if (literal.stream && context.append && *literal.stream < context.append->spools.size())
    return context.append->spools[*literal.stream];
  auto spool = std::make_shared<Spool>();
  TRY_VOID(spool->write(literal.data));
  return spool;
}

/// The parts of CATENATE as one message.
Task<Result<std::shared_ptr<Spool>>> catenate(Context& context, const AppendMessage& given,
                                              std::optional<Reply>& refusal) {
  const uint64_t limit = context.worker.config.limits.append_size.bytes;
  auto whole = std::make_shared<Spool>();
  for (const AppendPart& part : given.parts) {
    if (part.kind == AppendPart::Kind::url) {
      refusal = co_await catenate_url(context, part.url, limit - whole->size(), *whole);
    } else {
      CO_TRY(const auto spool, spool_of(context, part.literal));
      CO_TRY(const std::string_view octets, spool->bytes());
      if (octets.size() > limit - whole->size()) {
        refusal = no(code::kTooBig, "The message would be too large");
      } else {
        CO_TRY_VOID(whole->write(octets));
      }
    }
    if (refusal) break;
  }
  co_return whole;
}

}  // namespace

Task<Result<store::AppendMessage>> read_append_message(Context& context, const AppendMessage& given,
                                                       std::optional<Reply>& refusal) {
  store::AppendMessage message;
  if (given.utf8 && !context.utf8()) {
    refusal = bad("UTF8 needs ENABLE UTF8=ACCEPT");
    co_return message;
  }
  std::shared_ptr<Spool> spool;
  if (given.catenate) {
    CO_TRY(spool, co_await catenate(context, given, refusal));
  } else {
    CO_TRY(spool, spool_of(context, given.parts.front().literal));
  }
  if (refusal) co_return message;
  if (spool->size() == 0) {
    refusal = no(code::kCannot, "A message must not be empty");
    co_return message;
  }
  CO_TRY(spool, without_nul(spool));
  CO_TRY(const std::string_view raw, spool->bytes());
  if (raw.size() <= kInlineWork)
    message.message = read_message(spool, raw);
  else
    message.message = co_await offload([spool, raw] { return read_message(spool, raw); });
  message.message.received_us = given.date ? given.date->unix_seconds * 1'000'000 : Clock::now_us();
  message.message.trace = context.trace;
  message.flags = stored_flags(given.flags);
  co_return message;
}

Reply append_failure(const Error& error) {
  if (error.is(store::StoreErrc::not_found)) return no(code::kTryCreate, "There is no such mailbox");
  return reply_for(error);
}

Task<void> begin_append_literal(Context& context) {
  if (!context.append) context.append = std::make_unique<AppendJob>();
  AppendJob& job = *context.append;
  const auto head = parse_append_head(context.reader.text_so_far());
  if (!head) {
    job.refusal = bad(head.error().reason);
  } else {
    if (head->message != job.message) job.message_octets = 0;
    job.message = head->message;
    job.message_octets += context.reader.head().size;
    job.octets += context.reader.head().size;
    job.refusal = co_await objection(context, *head, job.message_octets, job.octets);
  }
  if (job.refusal) {
    context.reader.refuse();
    co_return;
  }
  job.spools.push_back(std::make_shared<Spool>());
  context.reader.accept();
}

void take_append_chunk(Context& context, std::string_view octets) {
  AppendJob& job = *context.append;
  if (job.refusal) return;
  if (const auto written = job.spools.back()->write(octets); !written)
    job.refusal = reply_for(written.error());
}

namespace {

Task<Result<std::vector<store::AppendMessage>>> read_messages(Context& context, const AppendCommand& append,
                                                              std::optional<Reply>& refusal) {
  std::vector<store::AppendMessage> messages;
  for (const AppendMessage& given : append.messages) {
    CO_TRY(auto message, co_await read_append_message(context, given, refusal));
    if (refusal) break;
    messages.push_back(std::move(message));
  }
  co_return messages;
}

/// Into a mailbox of another, by his leave.
Task<Result<store::AppendResult>> append_shared(Context& context, const std::string& name,
                                                std::vector<store::AppendMessage> messages) {
  CO_TRY(const auto target, co_await find_mailbox(context, name, true, store::kInsert));
  bool own_seen = false;
  for (store::AppendMessage& message : messages) {
    keep_allowed(message.flags, target.rights);
    own_seen |= target.own_seen && (message.flags.flags & store::kSeen) != 0;
  }
  auto storing =
      own_seen
          ? store::append_as(context.worker.deliverer, DeliveryId::make(), context.account(), target.account,
                             target.mailbox.id, std::move(messages), Deadline::after(kCommitTime))
          : store::append(context.worker.deliverer, DeliveryId::make(), target.account, target.mailbox.id,
                          std::move(messages), Deadline::after(kCommitTime));
  co_return co_await std::move(storing);
}

}  // namespace

Handled handle_append(Context& context, const Command& command) {
  static metrics::Counter& appended =
      metrics::counter("dromos_imapd_appended_messages_total", "Messages stored by APPEND.");
  const auto& append = command.as<AppendCommand>();
  if (context.append && context.append->refusal) co_return std::move(*context.append->refusal);
  std::optional<Reply> refusal = too_many_to_append(context, append.messages.size());
  if (refusal) co_return std::move(*refusal);
  CO_TRY(auto messages, co_await read_messages(context, append, refusal));
  if (refusal) {
    // A client may create what TRYCREATE names: said before what its message lacks.
    const auto target = co_await find_mailbox(context, append.mailbox, true, store::kInsert);
    co_return target ? std::move(*refusal) : append_failure(target.error());
  }
  const size_t count = messages.size();
  auto path = own_path(context, append.mailbox);
  auto storing = path ? store::append_at(context.worker.deliverer, DeliveryId::make(), context.account(),
                                         std::move(*path), std::move(messages), Deadline::after(kCommitTime))
                      : append_shared(context, append.mailbox, std::move(messages));
  const auto stored = co_await std::move(storing);
  if (!stored) co_return append_failure(stored.error());
  fault::hit("imapd.append.after_commit");
  appended.add(count);
  if (context.selected && context.selected->mailbox->id() == stored->mailbox)
    (void)co_await settle(context, stored->change, false);
  else
    context.worker.changed(stored->change);
  co_return ok("Append completed", append_uid(*stored));
}

std::string append_uid(const store::AppendResult& stored) {
  std::string code = "APPENDUID " + std::to_string(stored.uidvalidity) + " ";
  append_ranges_in_order(code, stored.uids);
  return code;
}

}  // namespace dromos::imapd
