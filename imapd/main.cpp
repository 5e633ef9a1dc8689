// dromos-imapd: IMAP4rev1 and IMAP4rev2 (RFC 3501, RFC 9051).
#include "common/daemon/runtime.h"
#include "imapd/app/app.h"

int main(int argc, char** argv) {
  using namespace dromos;
  return daemon::run(argc, argv, config::Daemon::imapd, [] { return std::make_unique<imapd::ImapApp>(); });
}
