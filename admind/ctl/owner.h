// What dromosctl does over the owner's own connection to the database, because no daemon may: migrate, check,
// restored, and the first administrator. Each runs a reactor to its end and returns the exit status.
#pragma once

#include "admind/ctl/arguments.h"

namespace dromos::admind::ctl {

/// Words of sysexits(3).
enum Exit : int { kOk = 0, kFailed = 1, kUsage = 64, kUnavailable = 69, kConfig = 78 };

/// --role-password-file FILE also gives the daemons' roles that password (compose; peer authentication needs
/// none).
int migrate(const Arguments& arguments);
int admin_create(const Arguments& arguments);
/// Every rule of the store that no constraint holds; --repair mends what can be. 1 if problems are left.
int check(const Arguments& arguments);
/// After a restore to an earlier time: new UIDVALIDITYs and states, or clients would trust what is gone.
int restored(const Arguments& arguments);

/// Prints "dromosctl: ..." with what to do about it, and gives the exit status.
int report(const Error& error);
/// --conninfo, or database.owner_conninfo of --config.
Result<std::string> owner_conninfo(const Arguments& arguments);

}  // namespace dromos::admind::ctl
