// Annotations where other commands tell them: LIST-METADATA (RFC 9590).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "imapd/commands/context.h"
#include "imapd/service/namespaces.h"

namespace dromos::imapd {

/// Whether the reader has to do with the mailbox's annotations at all (RFC 5464 §3.3).
bool may_annotate(const NamedMailbox& named);

/// Writes METADATA of mailboxes, reading those of one account at once.
class ListMetadata {
 public:
  /// Both must outlive it.
  ListMetadata(Context& context, const std::vector<std::string>& entries,
               const std::vector<NamedMailbox>& mailboxes)
      : context_(context), entries_(entries), mailboxes_(mailboxes) {}
  Task<Result<void>> write(const NamedMailbox& named);

 private:
  Context& context_;
  const std::vector<std::string>& entries_;
  const std::vector<NamedMailbox>& mailboxes_;
  AccountId loaded_;
  std::map<MailboxId, std::vector<store::Annotation>> found_;
};

}  // namespace dromos::imapd
