#include "imapd/pop3/maildrop.h"

#include "common/store/errc.h"

namespace dromos::imapd::pop3 {
namespace {

void append_hex(std::string& out, uint32_t value) {
  for (int shift = 28; shift >= 0; shift -= 4) out += "0123456789abcdef"[value >> shift & 15U];
}

}  // namespace

Task<Result<Maildrop>> Maildrop::open(Worker& worker, AccountId account, Deadline deadline) {
  CO_TRY(const auto inbox, co_await worker.mailboxes.find(account, {"INBOX"}, deadline));
  if (!inbox) co_return fail(store::StoreErrc::not_found, "the account has no INBOX");
  CO_TRY(const auto mailbox,
         co_await worker.registry.open(account, inbox->id, deadline, inbox->highestmodseq));
  co_return Maildrop(mailbox->id(), mailbox->uidvalidity(), mailbox->current());
}

Maildrop::Maildrop(MailboxId mailbox, uint32_t uidvalidity, VersionPtr version)
    : mailbox_(mailbox), uidvalidity_(uidvalidity), version_(std::move(version)) {}

const MessageItem* Maildrop::find(uint32_t number) const {
  if (number == 0 || number > last()) return nullptr;
  if (!deleted_.empty() && deleted_[number - 1]) return nullptr;
  return &version_->stored(number);
}

uint32_t Maildrop::last_uid_below(uint64_t end) const {
  if (version_->max_uid() < end) return version_->max_uid();
  const uint32_t number = version_->count_below(static_cast<uint32_t>(end));
  return number == 0 ? 0 : version_->stored(number).uid;
}

std::string Maildrop::unique_id(const MessageItem& item) const {
  std::string id;
  append_hex(id, uidvalidity_);
  append_hex(id, item.uid);
  return id;
}

void Maildrop::mark_deleted(uint32_t number) {
  const MessageItem* item = find(number);
  if (item == nullptr) return;
  if (deleted_.empty()) deleted_.resize(last());
  deleted_[number - 1] = true;
  ++marked_count_;
}

void Maildrop::mark_read(uint32_t number) {
  if (read_.empty()) read_.resize(last());
  read_[number - 1] = true;
}

void Maildrop::reset() {
  if (marked_count_ == 0) return;
  deleted_.clear();
  marked_count_ = 0;
}

store::UidSet Maildrop::deleted() const {
  store::UidSet uids;
  for (uint32_t number = 1; number <= deleted_.size(); ++number)
    if (deleted_[number - 1]) uids.add(version_->at(number).uid);
  return uids;
}

store::UidSet Maildrop::newly_read() const {
  store::UidSet uids;
  for (uint32_t number = 1; number <= read_.size(); ++number) {
    const MessageItem* item = read_[number - 1] ? find(number) : nullptr;
    if (item != nullptr && (item->flags & store::kSeen) == 0) uids.add(item->uid);
  }
  return uids;
}

}  // namespace dromos::imapd::pop3
