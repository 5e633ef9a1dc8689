#include "jmapd/service/email_search.h"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "common/async/reactor.h"
#include "common/mime/address.h"
#include "common/mime/charset.h"
#include "common/mime/facts.h"
#include "common/mime/header.h"

namespace dromos::jmapd {
namespace {

using Rows = std::vector<const EmailRow*>;

constexpr size_t kFactsAtOnce = 500;
/// Rows judged before other coroutines get their turn.
constexpr size_t kRowsAtOnce = 4096;

/// What sorting asks of an email, once.
struct Keys {
  const EmailRow* row = nullptr;
  std::vector<std::string> texts;  ///< by sort key; empty for those the row answers
  int64_t sent = 0;
};

/// Judges by extracts, mailbox by mailbox, in uid order.
Task<Result<void>> judge_texts(Services& services, AccountId account, const AccountView& view,
                               const EmailFilter& filter, std::map<const EmailRow*, EmailContent>& contents,
                               Rows& matches, const Rows& open, Deadline deadline) {
  std::map<MailboxId, std::vector<const EmailRow*>> by_mailbox;
  for (const EmailRow* row : open) by_mailbox[row->place].push_back(row);
  for (auto& [mailbox, rows] : by_mailbox) {
    std::map<uint32_t, const EmailRow*> by_uid;
    std::vector<uint32_t> uids;
    for (const EmailRow* row : rows) {
      by_uid.emplace(row->uid, row);
      uids.push_back(row->uid);
    }
    const store::UidSet set = store::UidSet::of(std::move(uids));
    const auto judge = [&](const store::Messages::Text& text) {
      const auto at = by_uid.find(text.uid);
      if (at == by_uid.end()) return true;
      EmailContent& content = contents[at->second];
      content.text = text.text;
      if (filter.judge(view, *at->second, content) == Verdict::yes) matches.push_back(at->second);
      content.text.reset();
      return true;
    };
    CO_TRY_VOID(co_await services.messages.stream_text(account, mailbox, set, judge, deadline));
  }
  co_return Result<void>{};
}

/// Calls `use` with the facts of every row that still has any.
template <class Use>
Task<Result<void>> with_facts(Services& services, AccountId account, const Rows& rows, Use& use,
                              Deadline deadline) {
  std::map<MessageId, size_t> index;
  for (size_t i = 0; i < rows.size(); ++i) index.emplace(rows[i]->id, i);
  store::Messages::OnFacts on_facts = [&](const store::MessageFacts& facts) {
    if (const auto at = index.find(facts.id); at != index.end()) use(at->second, facts.facts);
    return done();
  };
  for (size_t from = 0; from < rows.size(); from += kFactsAtOnce) {
    std::vector<MessageId> ids;
    for (size_t i = from; i < std::min(rows.size(), from + kFactsAtOnce); ++i) ids.push_back(rows[i]->id);
    CO_TRY_VOID(co_await services.messages.facts_of(account, std::move(ids), on_facts, deadline));
  }
  co_return Result<void>{};
}

/// RFC 8621 §4.4.2: the name of the first address, or the address.
std::string address_key(const std::optional<std::string>& value) {
  if (!value) return {};
  const auto list = mime::email_addresses(*value);
  if (list.empty()) return {};
  return mime::fold_case(list.front().name.empty() ? list.front().email : list.front().name);
}

void fill_keys(Keys& keys, const std::vector<SortKey>& sort, std::string_view bytes) {
  const auto facts = mime::decode_facts(bytes);
  if (!facts) return;
  for (size_t i = 0; i < sort.size(); ++i) {
    switch (sort[i].what) {
      case SortKey::What::from:
        keys.texts[i] = address_key(facts->get(mime::Kept::from));
        break;
      case SortKey::What::to:
        keys.texts[i] = address_key(facts->get(mime::Kept::to));
        break;
      case SortKey::What::subject:
        keys.texts[i] = mime::fold_case(facts->base_subject);
        break;
      case SortKey::What::sent:
        keys.sent = facts->sent ? facts->sent->epoch : keys.row->received_us / 1'000'000;
        break;
      default:
        break;
    }
  }
}

int compare(const AccountView& view, const SortKey& key, size_t index, const Keys& a, const Keys& b) {
  const auto order = [](const auto& x, const auto& y) { return x < y ? -1 : y < x ? 1 : 0; };
  switch (key.what) {
    case SortKey::What::received:
      return order(a.row->received_us, b.row->received_us);
    case SortKey::What::size:
      return order(a.row->size, b.row->size);
    case SortKey::What::from:
    case SortKey::What::to:
    case SortKey::What::subject:
      return order(a.texts[index], b.texts[index]);
    case SortKey::What::sent:
      return order(a.sent, b.sent);
    case SortKey::What::keyword:
      return order(a.row->has(key.keyword), b.row->has(key.keyword));
    case SortKey::What::all_in_thread:
      return order(all_in_thread(view, a.row->thread, key.keyword),
                   all_in_thread(view, b.row->thread, key.keyword));
    case SortKey::What::some_in_thread:
      return order(some_in_thread(view, a.row->thread, key.keyword),
                   some_in_thread(view, b.row->thread, key.keyword));
  }
  return 0;
}

Task<Result<void>> sort_rows(Services& services, AccountId account, const AccountView& view, Rows& rows,
                             const std::vector<SortKey>& sort, Deadline deadline) {
  const bool facts = std::any_of(sort.begin(), sort.end(), [](const SortKey& k) { return k.needs_facts(); });
  std::vector<Keys> keys(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    keys[i].row = rows[i];
    if (facts) keys[i].texts.resize(sort.size());
  }
  if (facts) {
    auto fill = [&](size_t i, std::string_view bytes) { fill_keys(keys[i], sort, bytes); };
    CO_TRY_VOID(co_await with_facts(services, account, rows, fill, deadline));
  }
  std::sort(keys.begin(), keys.end(), [&](const Keys& a, const Keys& b) {
    for (size_t i = 0; i < sort.size(); ++i)
      if (const int order = compare(view, sort[i], i, a, b); order != 0)
        return sort[i].ascending ? order < 0 : order > 0;
    return a.row->id < b.row->id;  // a stable order is owed to whoever pages
  });
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = keys[i].row;
  co_return Result<void>{};
}

Task<Result<Rows>> matching(Services& services, AccountId account, const AccountView& view,
                            const EmailFilter& filter, Deadline deadline) {
  Rows matches;
  Rows open;
  size_t judged = 0;
  for (const EmailRow& row : view.emails()) {
    const Verdict verdict = filter.judge(view, row, {});
    if (verdict == Verdict::yes) matches.push_back(&row);
    if (verdict == Verdict::open) open.push_back(&row);
    if (++judged % kRowsAtOnce == 0) co_await Reactor::current().yield();
  }
  if (open.empty()) co_return matches;
  std::map<const EmailRow*, EmailContent> contents;
  if (filter.needs_facts()) {
    auto note = [&](size_t i, std::string_view bytes) {
      if (const auto facts = mime::FactsView::open(bytes))
        contents[open[i]].has_attachment = facts->has_attachment();
    };
    CO_TRY_VOID(co_await with_facts(services, account, open, note, deadline));
    Rows still;
    for (const EmailRow* row : open) {
      const Verdict verdict = filter.judge(view, *row, contents[row]);
      if (verdict == Verdict::yes) matches.push_back(row);
      if (verdict == Verdict::open) still.push_back(row);
    }
    open = std::move(still);
  }
  if (filter.needs_text() && !open.empty())
    CO_TRY_VOID(co_await judge_texts(services, account, view, filter, contents, matches, open, deadline));
  co_return matches;
}

}  // namespace

Task<Outcome<std::vector<const EmailRow*>>> search_emails(Services& services, AccountId account,
                                                          std::shared_ptr<const AccountView> view,
                                                          const EmailSearch& search, Deadline deadline) {
  JM_TRY(Rows rows, co_await matching(services, account, *view, search.filter, deadline));
  JM_CHECK(co_await sort_rows(services, account, *view, rows, search.sort, deadline));
  if (search.collapse_threads) {
    std::unordered_set<ThreadId> seen;
    std::erase_if(rows, [&](const EmailRow* row) { return !seen.insert(row->thread).second; });
  }
  co_return rows;
}

}  // namespace dromos::jmapd
