// dromos-jmapd: JMAP over HTTP (RFC 8620, RFC 8621).
#include "common/daemon/runtime.h"
#include "jmapd/app/app.h"

int main(int argc, char** argv) {
  using namespace dromos;
  return daemon::run(argc, argv, config::Daemon::jmapd, [] { return std::make_unique<jmapd::JmapApp>(); });
}
