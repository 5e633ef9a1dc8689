// dromos-spamd: scans, learns and explains mail for the other daemons (dromos.spam.v1).
#include "common/daemon/runtime.h"
#include "spamd/app.h"

int main(int argc, char** argv) {
  using namespace dromos;
  return daemon::run(argc, argv, config::Daemon::spamd, [] { return std::make_unique<spamd::SpamdApp>(); });
}
