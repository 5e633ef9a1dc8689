#include "imapd/commands/search_answer.h"

#include <algorithm>

#include "common/mime/charset.h"
#include "imapd/commands/progress.h"

namespace dromos::imapd {
namespace {

void to_utf8(SearchKey& key, const std::string& charset) {
  key.text = mime::to_utf8(key.text, charset);
  for (SearchKey& child : key.children) to_utf8(child, charset);
}

bool any_fuzzy(const SearchKey& key) {
  return key.fuzzy || std::any_of(key.children.begin(), key.children.end(), any_fuzzy);
}

/// Uids or numbers in their order; a space before.
void write_list(Writer& out, std::span<const uint32_t> list) {
  std::string text;
  append_ranges_in_order(text, list);
  out.sp().raw(text);
}

}  // namespace

std::optional<Reply> make_utf8(SearchProgram& program) {
  const std::string& charset = program.charset;
  if (charset.empty() || charset == "UTF-8" || charset == "US-ASCII") return std::nullopt;
  if (!mime::charset_known(charset)) return no("BADCHARSET (US-ASCII UTF-8)", "Unknown charset");
  to_utf8(program.root, charset);
  return std::nullopt;
}

std::string_view return_objection(const SearchReturn& result, const SearchProgram& program,
                                  std::span<const SortKey> keys) {
  const bool scores = result.relevancy || std::any_of(keys.begin(), keys.end(), [](const SortKey& key) {
                        return key.kind == SortKey::Kind::relevancy;
                      });
  if (scores && !any_fuzzy(program.root)) return "RELEVANCY needs a FUZZY key";
  return {};
}

SearchScope scope_of(Context& context) {
  SearchScope scope;
  scope.mailbox = context.selected->mailbox.get();
  scope.version = context.selected->seen;
  scope.saved = context.selected->saved;
  scope.recent = context.selected->recent;
  scope.unwanted = [&context] { return context.peer_gone(); };
  scope.progress = [&context](size_t done, size_t goal) {
    if (context.progress != nullptr) context.progress->step(done, goal);
  };
  return scope;
}

SearchReturn result_options(const SearchReturn& given) {
  SearchReturn wanted = given;
  const bool chosen = wanted.min || wanted.max || wanted.all || wanted.count || wanted.partial ||
                      wanted.relevancy || wanted.update || wanted.context;
  if (!chosen && !wanted.save) wanted.all = true;
  return wanted;
}

bool tells(const SearchReturn& wanted) {
  return wanted.min || wanted.max || wanted.all || wanted.count || wanted.partial || wanted.relevancy ||
         wanted.update || wanted.context;
}

std::span<const uint32_t> part_of(const PartialRange& range, std::span<const uint32_t> results) {
  const size_t first = std::min<size_t>(range.first - 1, results.size());
  const size_t last = std::min<size_t>(range.last, results.size());
  return range.from_end ? results.subspan(results.size() - last, last - first)
                        : results.subspan(first, last - first);
}

uint64_t modseq_of(const MailboxVersion& version, const Found& found, const SearchReturn& wanted) {
  const std::span<const uint32_t> all = found.numbers;
  if (all.empty()) return 0;
  uint64_t highest = 0;
  const auto note = [&](uint32_t number) {
    highest = std::max(highest, static_cast<uint64_t>(version.at(number).modseq));
  };
  const bool some = wanted.min || wanted.max || wanted.partial;
  if (wanted.given && some && !wanted.all && !wanted.count) {
    if (wanted.min) note(all.front());
    if (wanted.max) note(all.back());
    if (wanted.partial)
      for (const uint32_t number : part_of(*wanted.partial, all)) note(number);
    return highest;
  }
  for (const uint32_t number : all) note(number);
  return highest;
}

NumberSet to_save(const MailboxVersion& version, const Found& found, const SearchReturn& wanted) {
  const std::span<const uint32_t> all = found.numbers;
  std::vector<uint32_t> kept;
  const bool some = wanted.min || wanted.max || wanted.partial;
  if (wanted.all || wanted.count || !some) {
    kept.assign(all.begin(), all.end());
  } else if (!all.empty()) {
    if (wanted.partial) {
      const auto part = part_of(*wanted.partial, all);
      kept.assign(part.begin(), part.end());
    }
    if (wanted.min) kept.push_back(all.front());
    if (wanted.max) kept.push_back(all.back());
  }
  std::vector<uint32_t> uids = uids_in_order(version, kept);
  std::sort(uids.begin(), uids.end());
  uids.erase(std::unique(uids.begin(), uids.end()), uids.end());
  return NumberSet::of_sorted(uids);
}

void begin_esearch(Writer& out, const EsearchHead& head) {
  out.untagged().raw("ESEARCH (TAG ").string(head.tag);
  if (!head.mailbox.empty())
    out.raw(" MAILBOX ").mailbox(head.mailbox).raw(" UIDVALIDITY ").number(head.uidvalidity);
  out.ch(')');
  if (head.uid) out.raw(" UID");
}

void write_esearch(Writer& out, const EsearchHead& head, const SearchReturn& wanted,
                   std::span<const uint32_t> shown, std::span<const uint8_t> scores, uint64_t modseq) {
  begin_esearch(out, head);
  if (wanted.min && !shown.empty()) out.raw(" MIN ").number(shown.front());
  if (wanted.max && !shown.empty()) out.raw(" MAX ").number(shown.back());
  if (wanted.all && !shown.empty()) {
    out.raw(" ALL");
    write_list(out, shown);
  }
  if (wanted.partial) {
    const auto part = part_of(*wanted.partial, shown);
    out.raw(" PARTIAL (").raw(wanted.partial->format());
    if (part.empty())
      out.raw(" NIL");
    else
      write_list(out, part);
    out.ch(')');
  }
  if (wanted.count) out.raw(" COUNT ").number(shown.size());
  if (modseq > 0) out.raw(" MODSEQ ").number(modseq);
  if (wanted.relevancy) {
    // Of what is told: the part, if only that is.
    size_t begin = 0;
    size_t end = scores.size();
    if (wanted.partial && !wanted.all) {
      const auto part = part_of(*wanted.partial, shown);
      begin = static_cast<size_t>(part.data() - shown.data());
      end = begin + part.size();
    }
    out.raw(" RELEVANCY (");
    for (size_t i = begin; i < std::min(end, scores.size()); ++i) {
      if (i > begin) out.sp();
      out.number(scores[i]);
    }
    out.ch(')');
  }
  out.crlf();
}

std::vector<uint32_t> uids_in_order(const MailboxVersion& version, std::span<const uint32_t> numbers) {
  std::vector<uint32_t> uids;
  uids.reserve(numbers.size());
  for (const uint32_t number : numbers) uids.push_back(version.at(number).uid);
  return uids;
}

}  // namespace dromos::imapd
