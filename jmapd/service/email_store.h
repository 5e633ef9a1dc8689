// Puts a raw message into mailboxes, in one commit: Email/set create, Email/import.
#pragma once

#include "common/mime/facts.h"
#include "jmapd/protocol/error.h"
#include "jmapd/service/services.h"

namespace dromos::jmapd {

struct NewEmail {
  std::string raw;
  std::vector<MailboxId> mailboxes;
  std::vector<std::string> keywords;
  int64_t received_us = 0;
};
struct StoredEmail {
  MessageId id;
  ThreadId thread;
  store::BlobHash blob{};
  uint64_t size = 0;
};

/// Whether bytes begin with a header at all: a field with a name and a colon.
bool is_message(std::string_view raw, const mime::Facts& facts);

/// SetErrors: overQuota, invalidProperties (mailboxIds), invalidEmail (no header field at all).
Task<Outcome<StoredEmail>> store_email(Services& services, AccountId account, NewEmail email,
                                       Deadline deadline);

}  // namespace dromos::jmapd
