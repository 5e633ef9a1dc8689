// SEARCH and UID SEARCH (RFC 9051 §6.4.4), RETURN options (RFC 4731), SAVE (RFC 5182), charsets.
#include "imapd/service/search.h"

#include <algorithm>
#include <utility>

#include "common/mime/charset.h"
#include "imapd/commands/handlers.h"

namespace dromos::imapd {
namespace {

bool charset_is_utf8(const std::string& charset) {
  return charset.empty() || charset == "UTF-8" || charset == "US-ASCII";
}

void to_utf8(SearchKey& key, const std::string& charset) {
  key.text = mime::to_utf8(key.text, charset);
  for (SearchKey& child : key.children) to_utf8(child, charset);
}

/// Response to a plain SEARCH before IMAP4rev2.
void write_search(Context& context, const std::vector<uint32_t>& found, uint64_t modseq) {
  Writer& out = context.out;
  out.untagged().raw("SEARCH");
  for (const uint32_t number : found) out.sp().number(number);
  if (modseq > 0) out.raw(" (MODSEQ ").number(modseq).ch(')');
  out.crlf();
}

void write_esearch(Context& context, const Command& command, const SearchReturn& wanted,
                   const std::vector<uint32_t>& found, uint64_t modseq) {
  Writer& out = context.out;
  out.untagged().raw("ESEARCH (TAG ").string(command.tag).ch(')');
  if (command.uid) out.raw(" UID");
  if (wanted.min && !found.empty()) out.raw(" MIN ").number(found.front());
  if (wanted.max && !found.empty()) out.raw(" MAX ").number(found.back());
  if (wanted.all && !found.empty()) out.raw(" ALL ").ranges(found);
  if (wanted.count) out.raw(" COUNT ").number(found.size());
  if (modseq > 0) out.raw(" MODSEQ ").number(modseq);
  out.crlf();
}

SearchReturn options_of(const SearchReturn& given) {
  SearchReturn wanted = given;
  const bool none = !wanted.min && !wanted.max && !wanted.all && !wanted.count;
  if (none && !wanted.save) wanted.all = true;
  return wanted;
}

/// Highest modseq of the messages told of (RFC 7162 §3.1.5, RFC 4731 §3.2).
uint64_t modseq_of(const MailboxVersion& version, const std::vector<uint32_t>& numbers,
                   const SearchReturn& wanted) {
  if (numbers.empty()) return 0;
  const auto of = [&](uint32_t number) { return static_cast<uint64_t>(version.at(number).modseq); };
  if (wanted.given && !wanted.all && !wanted.count) {
    uint64_t highest = 0;
    if (wanted.min) highest = of(numbers.front());
    if (wanted.max) highest = std::max(highest, of(numbers.back()));
    return highest;
  }
  uint64_t highest = 0;
  for (const uint32_t number : numbers) highest = std::max(highest, of(number));
  return highest;
}

NumberSet to_save(const SearchReturn& wanted, const std::vector<uint32_t>& uids) {
  if (uids.empty()) return {};
  // RFC 5182 §2.4: with MIN or MAX alone only those are kept.
  if (wanted.all || wanted.count || (!wanted.min && !wanted.max)) return NumberSet::of_sorted(uids);
  NumberSet saved;
  if (wanted.min) saved.add(uids.front());
  if (wanted.max) saved.add(uids.back());
  return saved;
}

}  // namespace

Handled handle_search(Context& context, const Command& command) {
  const auto& search = command.as<SearchCommand>();
  Selected& selected = *context.selected;
  if (search.result.update || search.result.context || search.result.relevancy || search.result.partial)
    co_return bad("A RETURN option is not offered");
  SearchProgram program = search.program;
  if (!charset_is_utf8(program.charset)) {
    if (!mime::charset_known(program.charset)) {
      if (search.result.save) selected.saved = {};
      co_return no("BADCHARSET (US-ASCII UTF-8)", "Unknown charset");
    }
    to_utf8(program.root, program.charset);
  }
  if (program.uses_modseq) context.enabled.condstore = true;
  // `$` names the old result, also in a search that saves a new one. NO leaves none, BAD the old one
  // (RFC 5182 §2.1).
  NumberSet before = search.result.save ? std::exchange(selected.saved, {}) : selected.saved;
  SearchScope scope;
  scope.mailbox = selected.mailbox.get();
  scope.version = selected.seen;
  scope.saved = before;
  scope.unwanted = [&context] { return context.peer_gone(); };
  const Deadline deadline = Deadline::after(seconds(120));
  auto searched = co_await run_search(context.worker, scope, program, deadline);
  if (!searched) {
    if (searched.error().is(Errc::invalid_argument)) selected.saved = std::move(before);
    co_return fail(std::move(searched).error());
  }
  std::vector<uint32_t> found = std::move(*searched);

  const SearchReturn wanted = options_of(search.result);
  const uint64_t modseq = program.uses_modseq ? modseq_of(*scope.version, found, wanted) : 0;
  std::vector<uint32_t> uids;
  if (command.uid || wanted.save)
    for (const uint32_t number : found) uids.push_back(scope.version->at(number).uid);
  if (wanted.save) selected.saved = to_save(wanted, uids);
  if (command.uid) found = std::move(uids);
  const bool only_save = wanted.save && !wanted.min && !wanted.max && !wanted.all && !wanted.count;
  if (search.result.given || context.enabled.rev2) {
    if (!only_save) write_esearch(context, command, wanted, found, modseq);
  } else {
    write_search(context, found, modseq);
  }
  co_return ok("Search completed");
}

}  // namespace dromos::imapd
