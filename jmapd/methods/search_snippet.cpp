// SearchSnippet/get (RFC 8621 §5.1).
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "common/async/offload.h"
#include "common/mime/facts.h"
#include "common/mime/text.h"
#include "common/store/errc.h"
#include "jmapd/methods/types.h"
#include "jmapd/protocol/arguments.h"
#include "jmapd/service/email_filter.h"
#include "jmapd/service/email_reader.h"
#include "jmapd/service/header_forms.h"
#include "jmapd/service/snippet.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;

/// Each may mean reading a whole message.
constexpr size_t kMaxSnippets = 256;
constexpr size_t kAtOnce = 32;

std::optional<std::string> subject_snippet(const mime::Facts& facts, const std::vector<std::string>& words) {
  const auto& value = facts.get(mime::Kept::subject);
  if (!value) return std::nullopt;
  const json text = header_form(*value, HeaderForm::text);
  return text.is_string() ? mark_all(text.get_ref<const std::string&>(), words) : std::nullopt;
}

/// Off the reactor: messages are large.
std::optional<std::string> body_snippet(const std::string& raw, const mime::Facts& facts,
                                        const std::vector<std::string>& words) {
  return mark_around(mime::readable_text(raw, facts, kMaxSnippetText), words);
}

json or_null(std::optional<std::string> text) {
  return text ? json(std::move(*text)) : json();
}

/// Null if the message is gone.
Task<Outcome<json>> snippet_of(Context& context, AccountId account, MessageId id, const StoredFacts& stored,
                               const EmailFilter& filter) {
  json out = {{"emailId", to_text(id)}, {"subject", nullptr}, {"preview", nullptr}};
  if (filter.subject_words().empty() && filter.body_words().empty()) co_return out;
  auto facts = mime::decode_facts(stored.facts);
  std::string raw;
  if (!facts || !filter.body_words().empty()) {
    auto bytes = co_await read_raw(context.services, account, id, 0, context.deadline);
    if (!bytes && bytes.error().is(store::StoreErrc::not_found)) co_return json();
    JM_TRY(raw, std::move(bytes));
    if (!facts) facts = mime::build_facts(raw);
  }
  out["subject"] = or_null(subject_snippet(*facts, filter.subject_words()));
  if (filter.body_words().empty()) co_return out;
  auto work = offload([raw = std::move(raw), facts = std::move(*facts), words = filter.body_words()] {
    return body_snippet(raw, facts, words);
  });
  out["preview"] = or_null(co_await std::move(work));
  co_return out;
}

Task<Outcome<json>> get_snippets(Context& context, json given) {
  Arguments arguments(given);
  JM_TRY(const AccountId account, context.account(arguments));
  const json* wanted_filter = arguments.object("filter");
  const auto given_ids = arguments.texts("emailIds");
  if (!given_ids) arguments.fail("emailIds", "missing");
  JM_CHECK(arguments.finish());
  if (given_ids->size() > std::min<size_t>(context.limits().objects_in_get, kMaxSnippets))
    co_return refuse("requestTooLarge");
  JM_TRY(const EmailFilter filter, EmailFilter::parse(wanted_filter));
  json list = json::array();
  std::vector<std::string> not_found;
  std::vector<MessageId> ids;
  for (const std::string& text : *given_ids) {
    if (const auto id = parse_message_id(text))
      ids.push_back(*id);
    else
      not_found.push_back(text);
  }
  for (size_t from = 0; from < ids.size(); from += kAtOnce) {
    const auto begin = ids.begin() + static_cast<long>(from);
    const std::vector<MessageId> some(begin, begin + static_cast<long>(std::min(kAtOnce, ids.size() - from)));
    JM_TRY(const auto places, co_await context.services.entries.places(account, some, context.deadline));
    std::set<MessageId> visible;
    for (const EmailRow& row : join_places(places)) visible.insert(row.id);
    JM_TRY(const auto stored, co_await facts_of(context.services, account, some, context.deadline));
    for (const MessageId& id : some) {
      const auto facts = stored.find(id);
      json snippet;
      if (facts != stored.end() && visible.contains(id)) {
        JM_TRY(snippet, co_await snippet_of(context, account, id, facts->second, filter));
      }
      if (snippet.is_null())
        not_found.push_back(to_text(id));
      else
        list.push_back(std::move(snippet));
    }
  }
  co_return json{{"accountId", to_text(account)},
                 {"list", std::move(list)},
                 {"notFound", not_found.empty() ? json() : json(not_found)}};
}

}  // namespace

std::vector<std::pair<std::string, MethodFunction>> snippet_methods() {
  return {{"SearchSnippet/get", get_snippets}};
}

}  // namespace dromos::jmapd
