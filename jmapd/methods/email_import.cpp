// Email/import, Email/parse, Email/copy (RFC 8621 §4.7-§4.9).
#include <nlohmann/json.hpp>

#include "jmapd/methods/email_input.h"
#include "jmapd/methods/email_type.h"
#include "jmapd/methods/types.h"
#include "jmapd/protocol/arguments.h"
#include "jmapd/service/blobs.h"
#include "jmapd/service/email_json.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;

constexpr size_t kMaxParsedAtOnce = 100;

Task<Outcome<json>> import_one(Context& context, AccountId account, const json& record) {
  if (!record.is_object()) co_return refuse("invalidProperties", "an EmailImport is an object");
  for (const auto& item : record.items())
    if (item.key() != "blobId" && item.key() != "mailboxIds" && item.key() != "keywords" &&
        item.key() != "receivedAt")
      co_return invalid_property(item.key());
  const auto blob = record.find("blobId");
  const auto id = blob != record.end() && blob->is_string()
                      ? parse_blob_id(blob->get_ref<const std::string&>())
                      : std::nullopt;
  if (!id) co_return invalid_property("blobId", "no such blob");
  JM_TRY(NewEmail email, read_placement(context, record));
  auto bytes = co_await load_blob(context.services, account, *id, context.deadline);
  if (!bytes && bytes.error().is("blobNotFound")) co_return invalid_property("blobId", "no such blob");
  JM_TRY(email.raw, std::move(bytes));
  JM_TRY(const StoredEmail stored,
         co_await store_email(context.services, account, std::move(email), context.deadline));
  co_return created_email(stored);
}

Task<Outcome<json>> import_emails(Context& context, json given) {
  Arguments arguments(given);
  JM_TRY(const AccountId account, context.account(arguments));
  const auto if_in_state = arguments.text("ifInState");
  const json* emails = arguments.object("emails");
  if (emails == nullptr) arguments.fail("emails", "missing");
  JM_CHECK(arguments.finish());
  if (emails->size() > context.limits().objects_in_set) co_return refuse("requestTooLarge");
  EmailType type;
  JM_TRY(const State before, co_await type.state(context, account));
  if (if_in_state && *if_in_state != to_text(before)) co_return refuse("stateMismatch");
  json created = json::object();
  json failed = json::object();
  for (const auto& item : emails->items()) {
    auto made = co_await import_one(context, account, item.value());
    if (made) {
      context.created[item.key()] = (*made)["id"].get<std::string>();
      created[item.key()] = std::move(*made);
    } else {
      failed[item.key()] = error_json(made.error());
    }
  }
  JM_TRY(const State after, co_await type.state(context, account));
  co_return json{{"accountId", to_text(account)},
                 {"oldState", to_text(before)},
                 {"newState", to_text(after)},
                 {"created", created.empty() ? json() : std::move(created)},
                 {"notCreated", failed.empty() ? json() : std::move(failed)}};
}

json parsed_email(const std::string& raw, const BlobId& id, const EmailProperties& wanted) {
  const mime::Facts facts = mime::build_facts(raw);
  if (!is_message(raw, facts)) return {};
  json out = json::object();
  for (const char* name : {"id", "threadId", "mailboxIds", "keywords", "receivedAt"})
    if (wanted.wants(name)) out[name] = nullptr;
  if (wanted.wants("blobId")) out["blobId"] = to_text(id);
  if (wanted.wants("size")) out["size"] = raw.size();
  add_message_properties(out, EmailSource{facts, raw, id}, wanted);
  return out;
}

Task<Outcome<json>> parse_emails(Context& context, json given) {
  Arguments arguments(given);
  JM_TRY(const AccountId account, context.account(arguments));
  const auto ids = arguments.texts("blobIds");
  if (!ids) arguments.fail("blobIds", "missing");
  JM_TRY(const EmailProperties wanted, read_email_properties(arguments, true));
  JM_CHECK(arguments.finish());
  if (ids->size() > kMaxParsedAtOnce) co_return refuse("requestTooLarge");
  json parsed = json::object();
  std::vector<std::string> no_message;
  std::vector<std::string> not_found;
  for (const std::string& text : *ids) {
    const auto id = parse_blob_id(text);
    Outcome<std::string> raw = refuse("blobNotFound");
    if (id) raw = co_await load_blob(context.services, account, *id, context.deadline);
    if (!raw && raw.error().is("blobNotFound")) {
      not_found.push_back(text);
      continue;
    }
    JM_TRY(const std::string bytes, std::move(raw));
    json email = parsed_email(bytes, *id, wanted);
    if (email.is_null())
      no_message.push_back(text);
    else
      parsed[text] = std::move(email);
  }
  co_return json{{"accountId", to_text(account)},
                 {"parsed", parsed.empty() ? json() : std::move(parsed)},
                 {"notParsable", no_message.empty() ? json() : json(no_message)},
                 {"notFound", not_found.empty() ? json() : json(not_found)}};
}

/// Between two accounts of the same user; as long as nobody has a second one there is nothing to copy from.
Task<Outcome<json>> copy_emails(Context& context, json given) {
  Arguments arguments(given);
  JM_TRY(const AccountId account, context.account(arguments));
  const auto from = arguments.text("fromAccountId");
  if (!from || *from == to_text(account)) co_return invalid_arguments("fromAccountId names another account");
  co_return refuse("fromAccountNotFound");
}

}  // namespace

std::vector<std::pair<std::string, MethodFunction>> mail_methods() {
  return {{"Email/import", import_emails}, {"Email/parse", parse_emails}, {"Email/copy", copy_emails}};
}

}  // namespace dromos::jmapd
