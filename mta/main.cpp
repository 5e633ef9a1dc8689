// dromos-mta: SMTP, submission and LMTP in, the queue out.
#include "common/daemon/runtime.h"
#include "mta/app/app.h"

int main(int argc, char** argv) {
  return dromos::daemon::run(argc, argv, dromos::config::Daemon::mta, dromos::mta::make_app);
}
