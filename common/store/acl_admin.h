// Rights on mailboxes, and whose \Seen is whose there, as administrators set them: by path, without opening
// anything.
#pragma once

#include <string>
#include <vector>

#include "common/db/pool.h"
#include "common/store/rights.h"

namespace dromos::store {

struct PathRights {
  std::string path;        ///< "Work/Plans"
  std::string identifier;  ///< login, "group:" + address, "anyone"; "-" before it: taken away
  Rights rights = 0;
};

class AclAdmin {
 public:
  explicit AclAdmin(db::Pool& pool) : pool_(pool) {}
  /// Everything the account shares, by path.
  Task<Result<std::vector<PathRights>>> list(AccountId account, Deadline deadline);
  /// No rights: the identifier goes. StoreErrc::not_found: no such mailbox; not_allowed: no such identifier.
  Task<Result<Change>> set(AccountId account, PathRights wanted, Deadline deadline);
  /// Paths of mailboxes in which each guest has his own \Seen (private_seen.h).
  Task<Result<std::vector<std::string>>> own_seen(AccountId account, Deadline deadline);
  /// No change if it is so already. StoreErrc::not_found: no such mailbox.
  Task<Result<Change>> set_own_seen(AccountId account, std::string path, bool own, Deadline deadline);

 private:
  db::Pool& pool_;
};

}  // namespace dromos::store
