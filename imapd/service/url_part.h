// The message or part that an IMAP URL names (RFC 5092 §6), for CATENATE and URLFETCH.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/mime/section.h"
#include "imapd/protocol/imap_url.h"
#include "imapd/service/message_loader.h"
#include "imapd/service/worker.h"

namespace dromos::imapd {

class UrlPart {
 public:
  using Take = std::function<Result<void>(std::string_view)>;

  UrlPart(Worker& worker, AccountId account, MailboxId mailbox, const ImapUrl& url, uint64_t limit)
      : worker_(worker),
        account_(account),
        mailbox_(mailbox),
        loader_(worker, account, mailbox),
        url_(url),
        limit_(limit) {}

  /// Before all else. store::StoreErrc::not_found: no such message; Errc::not_found: the message has no such
  /// part.
  Task<Result<void>> open(Deadline deadline);
  /// Hands the octets to `take` piece by piece. Errc::limit_exceeded: there are more than the limit.
  Task<Result<void>> read(Take take, Deadline deadline);
  /// The octets with their transfer encoding undone; nothing: it is not known.
  Task<Result<std::optional<std::string>>> decoded(Deadline deadline);
  /// BODYPARTSTRUCTURE (RFC 5524 §3.2) of the octets as read() gives them, or of `decoded`. What is no whole
  /// part is "application/octet-stream".
  Task<Result<std::string>> structure(const std::optional<std::string>& decoded, Deadline deadline);

 private:
  bool is_filtered() const;
  /// The part, if it is one and is wanted whole.
  std::optional<uint32_t> whole_part() const;
  Task<Result<void>> read_facts(Deadline deadline);

  Worker& worker_;
  const AccountId account_;
  const MailboxId mailbox_;
  MessageLoader loader_;
  const ImapUrl& url_;
  const uint64_t limit_;
  mime::Section section_;
  LoadedMessage message_;
  uint64_t size_ = 0;  // of the message
  std::optional<mime::Facts> facts_;
  mime::Range range_;
  std::string fields_;  // the octets, where they are a choice of header fields
};

}  // namespace dromos::imapd
