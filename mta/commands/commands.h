// The SMTP and LMTP verbs, one file each: checks state and policy, replies, changes the session.
#pragma once

#include "mta/session/session.h"

namespace dromos::mta::commands {

Task<void> run(Session& session, const smtp::Hello& hello);
Task<void> run(Session& session, const smtp::MailFrom& mail);
Task<void> run(Session& session, const smtp::RcptTo& rcpt);
Task<void> run(Session& session, const smtp::Data& data);
Task<void> run(Session& session, const smtp::Bdat& bdat);
Task<void> run(Session& session, const smtp::Rset& rset);
Task<void> run(Session& session, const smtp::Noop& noop);
Task<void> run(Session& session, const smtp::Quit& quit);
Task<void> run(Session& session, const smtp::StartTls& starttls);
Task<void> run(Session& session, const smtp::Help& help);
Task<void> run(Session& session, const smtp::Vrfy& vrfy);
Task<void> run(Session& session, const smtp::Expn& expn);
Task<void> run(Session& session, const smtp::Auth& auth);

/// What AUTH offers on this connection now; empty before TLS and outside submission.
std::vector<std::string> auth_mechanisms(Session& session);

}  // namespace dromos::mta::commands
