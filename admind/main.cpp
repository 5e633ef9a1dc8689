#include "admind/app.h"

int main(int argc, char** argv) {
  using namespace dromos;
  return daemon::run(argc, argv, config::Daemon::admind,
                     [] { return std::make_unique<admind::AdmindApp>(); });
}
