// Email/set (RFC 8621 §4.6): create, update, destroy of one record.
#include <nlohmann/json.hpp>

#include "common/mime/builder.h"
#include "common/store/errc.h"
#include "jmapd/methods/email_input.h"
#include "jmapd/methods/email_type.h"
#include "jmapd/protocol/patch.h"
#include "jmapd/service/blobs.h"
#include "jmapd/service/email_build.h"

namespace dromos::jmapd {

using nlohmann::json;

Outcome<std::vector<MailboxId>> read_mailboxes(const Context& context, const json& value) {
  if (!value.is_object() || value.empty()) return invalid_property("mailboxIds", "at least one mailbox");
  std::vector<MailboxId> out;
  for (const auto& item : value.items()) {
    const auto id = context.record_id(item.key());
    const auto mailbox = id ? parse_mailbox_id(*id) : std::nullopt;
    if (!mailbox || item.value() != true) return invalid_property("mailboxIds", "no such mailbox");
    out.push_back(*mailbox);
  }
  return out;
}

Outcome<std::vector<std::string>> read_keywords(const json& value) {
  if (!value.is_object() || value.size() > kMaxKeywords) return invalid_property("keywords");
  std::vector<std::string> out;
  for (const auto& item : value.items()) {
    if (!is_keyword(item.key()) || item.value() != true) return invalid_property("keywords");
    out.push_back(item.key());
  }
  return out;
}

Outcome<NewEmail> read_placement(const Context& context, const json& record) {
  NewEmail out;
  out.received_us = Clock::now_us();
  const auto mailboxes = record.find("mailboxIds");
  if (mailboxes == record.end()) return invalid_property("mailboxIds", "at least one mailbox");
  JR_TRY(out.mailboxes, read_mailboxes(context, *mailboxes));
  if (const auto keywords = record.find("keywords"); keywords != record.end() && !keywords->is_null()) {
    JR_TRY(out.keywords, read_keywords(*keywords));
  }
  if (const auto at = record.find("receivedAt"); at != record.end() && !at->is_null()) {
    const auto us = at->is_string() ? parse_utc_date(at->get_ref<const std::string&>()) : std::nullopt;
    if (!us) return invalid_property("receivedAt", "a UTCDate is wanted");
    out.received_us = *us;
  }
  return out;
}

json created_email(const StoredEmail& stored) {
  return {{"id", to_text(stored.id)},
          {"blobId", to_text(BlobId{std::string(store::as_view(stored.blob)), {}})},
          {"threadId", to_text(stored.thread)},
          {"size", stored.size}};
}

namespace {

/// Attachments of one message, in memory while it is composed.
Task<Outcome<std::map<std::string, std::string>>> load_blobs(Context& context, AccountId account,
                                                             std::set<std::string> ids) {
  std::map<std::string, std::string> out;
  size_t total = 0;
  for (const std::string& text : ids) {
    MethodError missing("blobNotFound");
    missing.not_found = {text};
    const auto id = parse_blob_id(text);
    if (!id) co_return tl::unexpected<MethodError>(missing);
    auto bytes = co_await load_blob(context.services, account, *id, context.deadline);
    if (!bytes && bytes.error().is("blobNotFound")) co_return tl::unexpected<MethodError>(missing);
    JM_TRY(std::string blob, std::move(bytes));
    total += blob.size();
    if (total > context.limits().upload_size.bytes) co_return refuse("tooLarge");
    out.emplace(text, std::move(blob));
  }
  co_return out;
}

bool same_but(const json& before, const json& after, std::initializer_list<const char*> changeable,
              std::string& offender) {
  for (const auto& item : after.items()) {
    const bool free = std::any_of(changeable.begin(), changeable.end(),
                                  [&](const char* name) { return item.key() == name; });
    if (free || (before.contains(item.key()) && before[item.key()] == item.value())) continue;
    offender = item.key();
    return false;
  }
  return true;
}

json patchable(const EmailRow& row) {
  json out = {{"id", to_text(row.id)},
              {"threadId", to_text(row.thread)},
              {"size", row.size},
              {"receivedAt", utc_date(row.received_us)},
              {"mailboxIds", json::object()},
              {"keywords", json::object()}};
  for (const MailboxId mailbox : row.mailboxes) out["mailboxIds"][to_text(mailbox)] = true;
  for (const std::string& keyword : row.all_keywords()) out["keywords"][keyword] = true;
  return out;
}

/// "mailboxIds/#k" of a patch to the mailbox made a moment ago; keywords to lower case.
json settle_patch(const Context& context, const json& patch) {
  json out = json::object();
  for (const auto& item : patch.items()) {
    std::string path = item.key();
    if (path.starts_with("mailboxIds/#")) {
      if (const auto id = context.record_id(path.substr(11))) path = "mailboxIds/" + *id;
    } else if (path.starts_with("keywords/")) {
      path = to_lower(path);
    }
    out[path] = item.value();
  }
  return out;
}

}  // namespace

Task<Outcome<json>> EmailType::create(Context& context, AccountId account, json record) {
  JM_TRY(NewEmail email, read_placement(context, record));
  for (const char* name : {"mailboxIds", "keywords", "receivedAt"}) record.erase(name);
  JM_TRY(std::set<std::string> ids, blobs_in_email(record));
  JM_TRY(const auto blobs, co_await load_blobs(context, account, std::move(ids)));
  ComposeDefaults defaults;
  const size_t at = context.login.rfind('@');
  defaults.message_id = mime::make_message_id(
      Uuid::v7().to_string(), at == std::string::npos ? "localhost" : context.login.substr(at + 1));
  defaults.now_seconds = Clock::now_us() / 1'000'000;
  JM_TRY(email.raw, build_email(record, blobs, defaults));
  JM_TRY(const StoredEmail stored,
         co_await store_email(context.services, account, std::move(email), context.deadline));
  co_return created_email(stored);
}

namespace {

/// Reads, patches, writes. `raced`: somebody changed the message in between, and nothing was written.
Task<Outcome<json>> update_once(Context& context, AccountId account, MessageId message, const json& patch,
                                bool& raced) {
  const std::vector<MessageId> one{message};
  JM_TRY(const auto places, co_await context.services.entries.places(account, one, context.deadline));
  const std::vector<EmailRow> rows = join_places(places);
  if (rows.empty()) co_return refuse("notFound");
  const json before = patchable(rows.front());
  JM_TRY(const json after, apply_patch(before, settle_patch(context, patch)));
  std::string offender;
  if (!same_but(before, after, {"mailboxIds", "keywords"}, offender)) co_return invalid_property(offender);
  std::optional<std::vector<MailboxId>> mailboxes;
  if (after["mailboxIds"] != before["mailboxIds"]) {
    JM_TRY(mailboxes, read_mailboxes(context, after["mailboxIds"]));
  }
  std::optional<store::FlagSet> flags;
  if (after["keywords"] != before["keywords"]) {
    const json none = json::object();
    JM_TRY(const auto keywords, read_keywords(after["keywords"].is_null() ? none : after["keywords"]));
    flags = flags_of(keywords);
  }
  if (!mailboxes && !flags) co_return json();
  const bool moved = mailboxes.has_value();
  int64_t read_at = 0;
  for (const auto& place : places) read_at = std::max(read_at, place.entry.modseq);
  auto changed = co_await context.services.entries.set_email(account, message, std::move(mailboxes),
                                                             std::move(flags), read_at, context.deadline);
  raced = !changed && changed.error().is(store::StoreErrc::conflict);
  if (!changed && changed.error().is(store::StoreErrc::not_found)) {
    if (moved) co_return invalid_property("mailboxIds", "no such mailbox");
    co_return refuse("notFound");
  }
  JM_TRY(const store::Change change, std::move(changed));
  moved ? context.services.publish_moved(change) : context.services.publish(change);
  co_return json();
}

}  // namespace

Task<Outcome<json>> EmailType::update(Context& context, AccountId account, std::string id, json patch) {
  constexpr int kMaxRaces = 20;
  const auto message = parse_message_id(id);
  if (!message) co_return refuse("notFound");
  for (int race = 0;; ++race) {
    bool raced = false;
    auto done = co_await update_once(context, account, *message, patch, raced);
    if (!raced || race == kMaxRaces) co_return done;
  }
}

Task<Outcome<void>> EmailType::destroy(Context& context, AccountId account, std::string id) {
  const auto message = parse_message_id(id);
  if (!message) co_return refuse("notFound");
  const std::vector<MessageId> one{*message};
  JM_TRY(const auto places, co_await context.services.entries.places(account, one, context.deadline));
  if (join_places(places).empty()) co_return refuse("notFound");
  auto changed = co_await context.services.entries.set_email(account, *message, std::vector<MailboxId>{},
                                                             std::nullopt, std::nullopt, context.deadline);
  if (!changed && changed.error().is(store::StoreErrc::not_found)) co_return refuse("notFound");
  JM_TRY(const store::Change change, std::move(changed));
  context.services.publish(change);
  co_return Outcome<void>{};
}

}  // namespace dromos::jmapd
