#include "jmapd/service/email_filter.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base/ids.h"
#include "common/base/strings.h"
#include "common/mime/charset.h"
#include "common/mime/text.h"
#include "jmapd/protocol/values.h"

namespace dromos::jmapd {

using nlohmann::json;

struct EmailFilter::Node {
  enum class What {
    all_of,
    any_of,
    none_of,
    in_mailbox,
    in_mailbox_other_than,
    before,
    after,
    min_size,
    max_size,
    all_in_thread,
    some_in_thread,
    none_in_thread,
    has_keyword,
    not_keyword,
    has_attachment,
    text,
    body,
    header,
  };
  What what = What::all_of;
  std::vector<Node> children;
  std::vector<MailboxId> mailboxes;
  int64_t number = 0;
  bool truth = false;
  std::string name;                ///< keyword, or folded field name
  std::vector<std::string> words;  ///< folded
};

namespace {

using Node = EmailFilter::Node;
using What = EmailFilter::Node::What;

constexpr size_t kMaxWords = 50;

/// From the quote at `at` to its match, in which a backslash makes the next character an ordinary one.
/// Nothing and no move if there is no match.
std::optional<std::string> phrase_at(const std::string& text, size_t& at) {
  std::string out;
  for (size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == text[at]) {
      at = i + 1;
      return out;
    }
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return std::nullopt;
}

/// Words, or phrases in quotes (RFC 8621 §4.4.1: text search is up to the server; ours is by substring).
std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> out;
  size_t at = 0;
  while (at < text.size() && out.size() < kMaxWords) {
    if (is_space(text[at])) {
      ++at;
      continue;
    }
    std::optional<std::string> word;
    if (text[at] == '"' || text[at] == '\'') word = phrase_at(text, at);
    if (!word) {
      const size_t end = std::min(text.find_first_of(" \t\r\n", at), text.size());
      word = text.substr(at, end - at);
      at = end;
    }
    if (!word->empty()) out.push_back(mime::fold_case(*word));
  }
  return out;
}

Verdict verdict(bool truth) {
  return truth ? Verdict::yes : Verdict::no;
}

bool has_words(std::string_view text, const std::vector<std::string>& words) {
  return std::all_of(words.begin(), words.end(),
                     [&](const std::string& word) { return text.find(word) != std::string_view::npos; });
}

/// RFC 8621 §4.4.1: text looks at From, To, Cc, Bcc, Subject and the bodies.
bool has_text(const mime::SearchText& text, const std::vector<std::string>& words) {
  constexpr std::string_view kFields[] = {"from", "to", "cc", "bcc", "subject"};
  return std::all_of(words.begin(), words.end(), [&](const std::string& word) {
    return text.body.find(word) != std::string_view::npos ||
           std::any_of(std::begin(kFields), std::end(kFields), [&](std::string_view field) {
             return mime::search_header(text.headers, field, word);
           });
  });
}

bool content_matches(const Node& node, const std::string& text) {
  const mime::SearchText parts = mime::split_search_text(text);
  if (node.what == What::text) return has_text(parts, node.words);
  if (node.what == What::body) return has_words(parts.body, node.words);
  if (node.words.empty()) return mime::search_header(parts.headers, node.name, "");
  return std::all_of(node.words.begin(), node.words.end(), [&](const std::string& word) {
    return mime::search_header(parts.headers, node.name, word);
  });
}

Verdict judge_node(const Node& node, const AccountView& view, const EmailRow& row,
                   const EmailContent& content);

Verdict judge_children(const Node& node, const AccountView& view, const EmailRow& row,
                       const EmailContent& content) {
  // AND: a `no` decides; OR: a `yes` does; NOT: as OR, turned round.
  const Verdict deciding = node.what == What::all_of ? Verdict::no : Verdict::yes;
  bool open = false;
  for (const Node& child : node.children) {
    const Verdict one = judge_node(child, view, row, content);
    if (one == deciding) return node.what == What::any_of ? Verdict::yes : Verdict::no;
    open = open || one == Verdict::open;
  }
  return open ? Verdict::open : verdict(node.what != What::any_of);
}

Verdict judge_node(const Node& node, const AccountView& view, const EmailRow& row,
                   const EmailContent& content) {
  switch (node.what) {
    case What::all_of:
    case What::any_of:
    case What::none_of:
      return judge_children(node, view, row, content);
    case What::in_mailbox:
      return verdict(row.in(node.mailboxes.front()));
    case What::in_mailbox_other_than:
      return verdict(std::any_of(row.mailboxes.begin(), row.mailboxes.end(), [&](MailboxId mailbox) {
        return std::find(node.mailboxes.begin(), node.mailboxes.end(), mailbox) == node.mailboxes.end();
      }));
    case What::before:
      return verdict(row.received_us < node.number);
    case What::after:
      return verdict(row.received_us >= node.number);
    case What::min_size:
      return verdict(row.size >= node.number);
    case What::max_size:
      return verdict(row.size < node.number);
    case What::all_in_thread:
      return verdict(all_in_thread(view, row.thread, node.name));
    case What::some_in_thread:
      return verdict(some_in_thread(view, row.thread, node.name));
    case What::none_in_thread:
      return verdict(!some_in_thread(view, row.thread, node.name));
    case What::has_keyword:
      return verdict(row.has(node.name));
    case What::not_keyword:
      return verdict(!row.has(node.name));
    case What::has_attachment:
      return content.has_attachment ? verdict(*content.has_attachment == node.truth) : Verdict::open;
    case What::text:
    case What::body:
    case What::header:
      return content.text ? verdict(content_matches(node, *content.text)) : Verdict::open;
  }
  return Verdict::no;
}

}  // namespace

class FilterParser {
 public:
  explicit FilterParser(EmailFilter& filter) : filter_(filter) {}

  Outcome<Node> node(const json& value, size_t depth) {
    if (!value.is_object()) return invalid_arguments("a filter is an object");
    if (depth > kMaxFilterDepth) return refuse("unsupportedFilter", "nested too deeply");
    if (value.contains("operator")) return operation(value, depth);
    Node all;
    for (const auto& item : value.items()) {
      if (item.value().is_null()) continue;
      JR_TRY(Node one, condition(item.key(), item.value()));
      if (++nodes_ > kMaxFilterNodes) return refuse("unsupportedFilter", "too many conditions");
      all.children.push_back(std::move(one));
    }
    return all;
  }

 private:
  Outcome<Node> operation(const json& value, size_t depth) {
    const json& name = value["operator"];
    Node out;
    if (name == "AND")
      out.what = What::all_of;
    else if (name == "OR")
      out.what = What::any_of;
    else if (name == "NOT")
      out.what = What::none_of;
    else
      return invalid_arguments("operator is AND, OR or NOT");
    const auto conditions = value.find("conditions");
    if (conditions == value.end() || !conditions->is_array() || value.size() != 2)
      return invalid_arguments("an operator has a list of conditions");
    if (out.what == What::none_of) ++negations_;
    for (const json& one : *conditions) {
      if (++nodes_ > kMaxFilterNodes) return refuse("unsupportedFilter", "too many conditions");
      JR_TRY(Node child, node(one, depth + 1));
      out.children.push_back(std::move(child));
    }
    if (out.what == What::none_of) --negations_;
    return out;
  }

  Outcome<Node> condition(const std::string& name, const json& value) {
    if (name == "inMailbox" || name == "inMailboxOtherThan") return mailbox(name, value);
    if (name == "before") return date(What::before, value);
    if (name == "after") return date(What::after, value);
    if (name == "minSize") return size(What::min_size, value);
    if (name == "maxSize") return size(What::max_size, value);
    if (name == "allInThreadHaveKeyword") return keyword(What::all_in_thread, value);
    if (name == "someInThreadHaveKeyword") return keyword(What::some_in_thread, value);
    if (name == "noneInThreadHaveKeyword") return keyword(What::none_in_thread, value);
    if (name == "hasKeyword") return keyword(What::has_keyword, value);
    if (name == "notKeyword") return keyword(What::not_keyword, value);
    if (name == "hasAttachment") {
      if (!value.is_boolean()) return invalid_arguments("hasAttachment is a boolean");
      filter_.needs_facts_ = true;
      Node out;
      out.what = What::has_attachment;
      out.truth = value.get<bool>();
      return out;
    }
    if (name == "text" || name == "body") return words(name == "text" ? What::text : What::body, "", value);
    if (name == "from" || name == "to" || name == "cc" || name == "bcc" || name == "subject")
      return words(What::header, name, value);
    if (name == "header") return header(value);
    return refuse("unsupportedFilter", "no such condition: " + name);
  }

  static Outcome<Node> mailbox(const std::string& name, const json& value) {
    Node out;
    out.what = name == "inMailbox" ? What::in_mailbox : What::in_mailbox_other_than;
    const json list = value.is_array() ? value : json::array({value});
    if (value.is_array() != (out.what == What::in_mailbox_other_than) || list.size() > kMaxFilterNodes)
      return invalid_arguments(name + " is malformed");
    for (const json& one : list) {
      if (!one.is_string()) return invalid_arguments(name + " wants mailbox ids");
      // An id that is none of ours matches nothing, like that of a mailbox gone meanwhile.
      out.mailboxes.push_back(
          parse_mailbox_id(one.get_ref<const std::string&>()).value_or(MailboxId{INT64_MAX}));
    }
    return out;
  }

  static Outcome<Node> date(What what, const json& value) {
    const auto us = value.is_string() ? parse_utc_date(value.get_ref<const std::string&>()) : std::nullopt;
    if (!us) return invalid_arguments("a UTCDate is wanted");
    Node out;
    out.what = what;
    out.number = *us;
    return out;
  }

  static Outcome<Node> size(What what, const json& value) {
    if (!value.is_number_unsigned() || value.get<uint64_t>() > INT64_MAX)
      return invalid_arguments("a size is an unsigned integer");
    Node out;
    out.what = what;
    out.number = value.get<int64_t>();
    return out;
  }

  Outcome<Node> keyword(What what, const json& value) {
    if (!value.is_string() || !is_keyword(value.get_ref<const std::string&>()))
      return invalid_arguments("a keyword is wanted");
    filter_.looks_at_thread_ =
        filter_.looks_at_thread_ || (what >= What::all_in_thread && what <= What::none_in_thread);
    Node out;
    out.what = what;
    out.name = to_lower(value.get_ref<const std::string&>());
    return out;
  }

  Outcome<Node> words(What what, const std::string& field, const json& value) {
    if (!value.is_string()) return invalid_arguments("text to look for is a string");
    Node out;
    out.what = what;
    out.name = field;
    out.words = words_of(value.get_ref<const std::string&>());
    filter_.needs_text_ = true;
    const auto mark = [&](std::vector<std::string>& list) {
      if (negations_ % 2 == 0) list.insert(list.end(), out.words.begin(), out.words.end());
    };
    if (what == What::text || field == "subject") mark(filter_.subject_words_);
    if (what == What::text || what == What::body) mark(filter_.body_words_);
    return out;
  }

  Outcome<Node> header(const json& value) {
    const bool shaped =
        value.is_array() && (value.size() == 1 || value.size() == 2) &&
        std::all_of(value.begin(), value.end(), [](const json& one) { return one.is_string(); });
    if (!shaped) return invalid_arguments("header is [name] or [name, text]");
    filter_.needs_text_ = true;
    Node out;
    out.what = What::header;
    out.name = mime::fold_case(value[0].get_ref<const std::string&>());
    if (value.size() == 2) out.words.push_back(mime::fold_case(value[1].get_ref<const std::string&>()));
    return out;
  }

  EmailFilter& filter_;
  size_t nodes_ = 0;
  size_t negations_ = 0;
};

EmailFilter::EmailFilter() = default;
EmailFilter::~EmailFilter() = default;
EmailFilter::EmailFilter(EmailFilter&&) noexcept = default;
EmailFilter& EmailFilter::operator=(EmailFilter&&) noexcept = default;

Outcome<EmailFilter> EmailFilter::parse(const json* filter) {
  EmailFilter out;
  if (filter == nullptr) return out;
  JR_TRY(Node root, FilterParser(out).node(*filter, 0));
  out.root_ = std::make_unique<Node>(std::move(root));
  return out;
}

Verdict EmailFilter::judge(const AccountView& view, const EmailRow& row, const EmailContent& content) const {
  return root_ ? judge_node(*root_, view, row, content) : Verdict::yes;
}

bool all_in_thread(const AccountView& view, ThreadId thread, std::string_view keyword) {
  const auto& members = view.thread(thread);
  return std::all_of(members.begin(), members.end(),
                     [&](uint32_t i) { return view.emails()[i].has(keyword); });
}

bool some_in_thread(const AccountView& view, ThreadId thread, std::string_view keyword) {
  const auto& members = view.thread(thread);
  return std::any_of(members.begin(), members.end(),
                     [&](uint32_t i) { return view.emails()[i].has(keyword); });
}

namespace {

struct SortName {
  std::string_view name;
  SortKey::What what;
};
constexpr SortName kSorts[] = {{"receivedAt", SortKey::What::received},
                               {"size", SortKey::What::size},
                               {"from", SortKey::What::from},
                               {"to", SortKey::What::to},
                               {"subject", SortKey::What::subject},
                               {"sentAt", SortKey::What::sent},
                               {"hasKeyword", SortKey::What::keyword},
                               {"allInThreadHaveKeyword", SortKey::What::all_in_thread},
                               {"someInThreadHaveKeyword", SortKey::What::some_in_thread}};

Outcome<SortKey> sort_key(const json& value) {
  if (!value.is_object() || !value.contains("property") || !value["property"].is_string())
    return invalid_arguments("a comparator has a property");
  const auto& property = value["property"].get_ref<const std::string&>();
  const auto known = std::find_if(std::begin(kSorts), std::end(kSorts),
                                  [&](const SortName& one) { return one.name == property; });
  if (known == std::end(kSorts)) return refuse("unsupportedSort", "cannot sort by " + property);
  SortKey key;
  key.what = known->what;
  if (const auto up = value.find("isAscending"); up != value.end()) {
    if (!up->is_boolean()) return invalid_arguments("isAscending is a boolean");
    key.ascending = up->get<bool>();
  }
  if (const auto collation = value.find("collation"); collation != value.end() && !collation->is_null())
    if (*collation != "i;unicode-casemap" && *collation != "i;ascii-casemap")
      return refuse("unsupportedSort", "no such collation");
  if (key.what >= SortKey::What::keyword) {
    const auto keyword = value.find("keyword");
    if (keyword == value.end() || !keyword->is_string() ||
        !is_keyword(keyword->get_ref<const std::string&>()))
      return invalid_arguments("this comparator needs a keyword");
    key.keyword = to_lower(keyword->get_ref<const std::string&>());
  }
  return key;
}

}  // namespace

Outcome<std::vector<SortKey>> parse_sort(const json* sort) {
  std::vector<SortKey> keys;
  if (sort == nullptr) return keys;
  if (sort->size() > kMaxSortKeys) return refuse("unsupportedSort", "too many comparators");
  for (const json& one : *sort) {
    JR_TRY(SortKey key, sort_key(one));
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace dromos::jmapd
