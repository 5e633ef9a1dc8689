#include "imapd/commands/settle.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace dromos::imapd {
namespace {

/// What a STORE of keywords makes of the sets that messages have.
class KeywordChange {
 public:
  KeywordChange(KeywordSets& sets, store::FlagOp op, std::vector<std::string> keywords)
      : sets_(sets), op_(op), keywords_(std::move(keywords)) {
    std::sort(keywords_.begin(), keywords_.end());
    keywords_.erase(std::unique(keywords_.begin(), keywords_.end()), keywords_.end());
  }

  uint32_t of(uint32_t set) {
    if (op_ != store::FlagOp::replace && keywords_.empty()) return set;
    const auto [at, fresh] = known_.try_emplace(set, 0);
    if (fresh) at->second = sets_.intern(applied(sets_.at(set)));
    return at->second;
  }

 private:
  std::vector<std::string> applied(const std::vector<std::string>& old) const {
    if (op_ == store::FlagOp::replace) return keywords_;
    std::vector<std::string> next;
    if (op_ == store::FlagOp::add)
      std::set_union(old.begin(), old.end(), keywords_.begin(), keywords_.end(), std::back_inserter(next));
    else
      std::set_difference(old.begin(), old.end(), keywords_.begin(), keywords_.end(),
                          std::back_inserter(next));
    return next;
  }

  KeywordSets& sets_;
  const store::FlagOp op_;
  std::vector<std::string> keywords_;
  std::map<uint32_t, uint32_t> known_;
};

uint64_t flags_after(store::FlagOp op, uint64_t flags, uint64_t named) {
  if (op == store::FlagOp::replace) return named;
  return op == store::FlagOp::add ? flags | named : flags & ~named;
}

/// Of a write that told what it met (StoreResult, ExpungeResult): by `step`, if it met what we have.
template <class Written>
Task<Result<void>> settle_by(Context& context, const Written& written, SharedMailbox::Step step) {
  SharedMailbox& mailbox = *context.selected->mailbox;
  if (written.change && !written.repeated) mailbox.advance(written.before, step);
  const bool behind = written.before == 0 || written.before > mailbox.current()->modseq();
  co_return co_await settle(context, written.change, written.repeated || behind);
}

}  // namespace

Task<Result<void>> settle(Context& context, store::Change change, bool unsure) {
  SharedMailbox& mailbox = *context.selected->mailbox;
  Result<void> fresh;
  if (unsure || change.modseq > mailbox.current()->modseq())
    fresh = co_await context.worker.registry.refresh(mailbox, context.store_deadline());
  // Told behind the read, so that nobody in this process reads the same again.
  context.worker.changed(change);
  if (unsure && fresh) context.worker.changed({mailbox.account(), mailbox.current()->modseq()});
  co_return fresh;
}

Task<Result<void>> settle_flags(Context& context, store::FlagOp op, const store::FlagSet& flags,
                                const store::StoreResult& stored) {
  KeywordChange keywords(context.selected->mailbox->keywords(), op, flags.keywords);
  const auto named = static_cast<uint64_t>(flags.flags) & 31U;
  auto alter = [&](MessageItem& item) {
    item.flags = flags_after(op, item.flags, named);
    item.keyword_set = keywords.of(item.keyword_set);
  };
  co_return co_await settle_by(context, stored, [&](const MailboxVersion& version) {
    return version.altered(from_store(stored.changed), alter, stored.change.modseq);
  });
}

Task<Result<void>> settle_expunge(Context& context, const store::ExpungeResult& gone) {
  co_return co_await settle_by(context, gone, [&](const MailboxVersion& version) {
    return version.apply({}, from_store(gone.uids), gone.change.modseq, version.uidnext());
  });
}

}  // namespace dromos::imapd
