#include "imapd/commands/qresync.h"

#include "imapd/commands/sync.h"

namespace dromos::imapd {
namespace {

/// The highest UID below which client and server agree on everything, by the pairs the client sent: what
/// vanished there is known to it (RFC 7162 §3.2.5.2).
uint32_t agreed_uid(const MailboxVersion& version, const QresyncParameters& parameters) {
  if (!parameters.seq_match) return 0;
  const auto numbers = list_of(parameters.seq_match->first.resolve(UINT32_MAX));
  const auto uids = list_of(parameters.seq_match->second.resolve(UINT32_MAX));
  uint32_t agreed = 0;
  for (size_t i = 0; i < std::min(numbers.size(), uids.size()); ++i) {
    if (numbers[i] > version.size() || version.at(numbers[i]).uid != uids[i]) break;
    agreed = uids[i];
  }
  return agreed;
}

constexpr uint64_t kMaxSeqMatch = 1'000'000;

}  // namespace

Task<Result<void>> write_vanished_earlier(Context& context, uint64_t modseq, const NumberSet* known) {
  const Selected& selected = *context.selected;
  const MailboxVersion& version = *selected.seen;
  CO_TRY(const auto changes,
         co_await context.worker.entries.changes_since(
             selected.mailbox->account(), selected.mailbox->id(),
             static_cast<int64_t>(std::min<uint64_t>(modseq, INT64_MAX)), context.store_deadline()));
  NumberSet gone = from_store(changes.expunged);
  if (changes.expunged_unknown && version.uidnext() > 1) {
    // Too long ago: everything that is not there has vanished.
    std::vector<uint32_t> uids;
    version.for_each([&](uint32_t, const MessageItem& item) { uids.push_back(item.uid); });
    const auto last = static_cast<uint32_t>(version.uidnext() - 1);
    gone = NumberSet{{1, last}}.subtract(NumberSet::of_sorted(uids));
  }
  if (known != nullptr) gone = gone.intersect(*known);
  // What the client still holds a number for is told by sync.
  if (!gone.empty()) gone = gone.subtract(version.uids_of(version.numbers_of(gone)));
  if (!gone.empty()) context.out.untagged().raw("VANISHED (EARLIER) ").ranges(gone).crlf();
  co_return Result<void>{};
}

Task<Result<void>> resynchronise(Context& context, const QresyncParameters& parameters) {
  const Selected& selected = *context.selected;
  if (parameters.uidvalidity != selected.mailbox->uidvalidity()) co_return Result<void>{};
  const MailboxVersion& version = *selected.seen;
  NumberSet known{{1, UINT32_MAX}};
  if (parameters.known_uids) known = parameters.known_uids->resolve(version.max_uid());
  if (parameters.seq_match && parameters.seq_match->first.resolve(UINT32_MAX).count() <= kMaxSeqMatch &&
      parameters.seq_match->second.resolve(UINT32_MAX).count() <= kMaxSeqMatch) {
    const uint32_t agreed = agreed_uid(version, parameters);
    if (agreed > 0) known = known.subtract(NumberSet{{1, agreed}});
  }
  CO_TRY_VOID(co_await write_vanished_earlier(context, parameters.modseq, &known));
  NumberSet wanted{{1, UINT32_MAX}};
  if (parameters.known_uids) wanted = parameters.known_uids->resolve(version.max_uid());
  version.for_each([&](uint32_t number, const MessageItem& item) {
    if (item.modseq > static_cast<int64_t>(parameters.modseq) && wanted.contains(item.uid))
      write_flags(context, number, item, true);
  });
  co_return Result<void>{};
}

}  // namespace dromos::imapd
