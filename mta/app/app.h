// The mta as an App of common/daemon: workers, doors, queue runner.
#pragma once

#include <memory>

namespace dromos::daemon {
class App;
}

namespace dromos::mta {

std::unique_ptr<daemon::App> make_app();

}  // namespace dromos::mta
