#include "imapd/app/room.h"

#include <catch2/catch.hpp>

using namespace dromos::imapd;

TEST_CASE("Descriptors for all else are kept, whatever the configuration wants", "[unit][imapd]") {
  CHECK(room_for_connections(10000, 524288) == 10000);
  CHECK(room_for_connections(20000, 20000) == 20000 - kDescriptorsKept);
  CHECK(room_for_connections(10000, 1024) == 768);
  CHECK(room_for_connections(10000, 0) == 1);
  CHECK(room_for_connections(10000, UINT64_MAX) == 10000);
}
