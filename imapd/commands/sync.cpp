#include "imapd/commands/sync.h"

#include <algorithm>

#include "imapd/commands/live_search.h"

namespace dromos::imapd {

void write_keywords(Context& context, bool always) {
  Selected& selected = *context.selected;
  const KeywordSets::Names held = selected.mailbox->keywords().names();
  const auto& names = *held;
  if (!always && names.size() == selected.keyword_names) return;
  selected.keyword_names = names.size();
  Writer& out = context.out;
  out.untagged().raw("FLAGS ").flags(kSettableFlags, names).crlf();
  if (selected.read_only) {
    out.untagged_status(Status::ok, "PERMANENTFLAGS ()", "No permanent flags in a mailbox opened read-only");
    return;
  }
  const store::Rights rights = selected.rights;
  const bool words = (rights & store::kWrite) != 0;
  std::string code = "PERMANENTFLAGS (";
  append_flags(code, static_cast<uint8_t>(store::flags_allowed(rights)),
               words ? std::span<const std::string>(names) : std::span<const std::string>());
  if (words) code += code.back() == '(' ? "\\*" : " \\*";
  out.untagged_status(Status::ok, code + ")", "Flags that stay");
}

void write_flags(Context& context, uint32_t number, const MessageItem& item, bool with_uid, bool with_flags) {
  Writer& out = context.out;
  const bool uid_only = context.enabled.uid_only;
  uid_only ? out.begin_uid_fetch(item.uid) : out.begin_fetch(number);
  if (!uid_only && (with_uid || context.enabled.condstore)) out.item("UID").number(item.uid);
  if (with_flags) {
    const uint8_t recent = context.selected->is_recent(item.uid) ? kFlagRecent : 0;
    out.item("FLAGS").flags(static_cast<uint8_t>(item.flags | recent),
                            context.selected->mailbox->keywords().at(item.keyword_set));
  }
  if (context.enabled.condstore)
    out.item("MODSEQ").ch('(').number(static_cast<uint64_t>(item.modseq)).ch(')');
  out.end_fetch();
}

bool Selected::Silent::expected(const MessageItem& before, const MessageItem& after) const {
  const auto old = static_cast<uint8_t>(before.flags);
  uint8_t wanted = flags;
  if (change == StoreCommand::Change::add) wanted = old | flags;
  if (change == StoreCommand::Change::remove) wanted = old & static_cast<uint8_t>(~flags);
  return after.flags == wanted && (keywords || after.keyword_set == before.keyword_set);
}

namespace {

void write_expunges(Context& context, const VersionDifference& difference) {
  if (difference.expunged_uids.empty()) return;
  Writer& out = context.out;
  if (context.enabled.qresync || context.enabled.uid_only) {
    out.untagged().raw("VANISHED ").ranges(difference.expunged_uids).crlf();
  } else {
    // From the end, so that no number shifts.
    for (auto at = difference.expunged_numbers.rbegin(); at != difference.expunged_numbers.rend(); ++at)
      out.untagged_number(*at, "EXPUNGE");
  }
  Selected& selected = *context.selected;
  if (!selected.saved.empty())
    selected.saved = selected.saved.subtract(NumberSet::of_sorted(difference.expunged_uids));
}

}  // namespace

namespace {

/// What has come is recent to the first session that tells of it.
void write_recent(Context& context, const MailboxVersion& next) {
  Selected& selected = *context.selected;
  if (!selected.read_only) {
    const NumberSet claimed = selected.mailbox->claim_recent(next.uidnext());
    for (const NumberRange& range : claimed.ranges()) selected.recent.add(range.first, range.last);
  }
  context.out.untagged_number(next.numbers_of(selected.recent).count(), "RECENT");
}

}  // namespace

uint32_t sync(Context& context, Expunges expunges, bool flags) {
  Selected& selected = *context.selected;
  VersionPtr next = selected.current();
  if (next == selected.seen) {
    selected.silent = {};
    return 0;
  }
  if (expunges == Expunges::hold) next = next->with_ghosts(*selected.seen);
  const VersionDifference difference = compare(*selected.seen, *next);
  note_expunged(context, *selected.seen, difference.expunged_uids);
  write_expunges(context, difference);
  if (difference.added > 0) context.out.untagged_number(next->size(), "EXISTS");
  if (difference.added > 0 && !context.enabled.rev2) write_recent(context, *next);
  write_keywords(context, false);
  const VersionPtr before = std::exchange(selected.seen, std::move(next));
  note_changed(context, difference);
  for (const uint32_t number : difference.changed) {
    const MessageItem& item = selected.seen->at(number);
    const auto old = before->find(item.uid);
    const bool silent = item.modseq == selected.silent.modseq && old && selected.silent.expected(*old, item);
    if (flags && (!silent || context.enabled.condstore)) write_flags(context, number, item, true, !silent);
  }
  selected.silent = {};
  return difference.added;
}

}  // namespace dromos::imapd
