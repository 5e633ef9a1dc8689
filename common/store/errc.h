// Failures of the store as protocols tell them apart. Anything else keeps the code of common/db.
#pragma once

#include "common/base/error.h"

namespace dromos::store {

enum class StoreErrc {
  not_found,     ///< account, mailbox, message, or a lease that is lost
  exists,        ///< mailbox name or special use is taken
  has_children,  ///< mailbox
  not_empty,     ///< mailbox
  not_allowed,   ///< name, or an operation INBOX does not take
  over_quota,
  blob_gone,      ///< a staged blob was collected, or its bytes are damaged
  busy,           ///< account locked until the deadline; temporary
  unknown,        ///< connection lost and the outcome not learned in time; temporary
  cannot_change,  ///< changes since that state are no longer known
  conflict,       ///< changed since it was read: read again; temporary
  no_permission,  ///< a right is missing (rights.h); said by those who act for a reader
};

/// Turns the SQLSTATEs of our functions (0022_mail_mailboxes.sql) into StoreErrc.
Error mapped(Error error);

}  // namespace dromos::store

template <>
struct dromos::ErrorCategoryOf<dromos::store::StoreErrc> {
  static const ErrorCategory& get();
};
