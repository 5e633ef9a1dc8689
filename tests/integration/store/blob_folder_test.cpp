#include <filesystem>

#include "common/store/messages.h"
#include "tests/integration/store/fixture.h"

namespace dromos::store {
namespace {

Task<Result<void>> add_piece(std::string* out, std::string_view piece) {
  out->append(piece);
  co_return Result<void>{};
}

Task<void> through_folder(Fixture* fixture, std::string folder) {
  Station mta(*fixture, "dromos_mta");
  Station imapd(*fixture, "dromos_imapd");
  auto blobs = make_folder_blob_store(mta.pool, folder);
  auto reading = make_folder_blob_store(imapd.pool, folder);
  Deliverer deliverer(mta.pool, *blobs);
  Delivery delivery = delivery_to({1, 2}, "file");
  delivery.messages[0].raw.append(600'000, 'x');
  const std::string expected = delivery.messages[0].raw;
  auto given = co_await deliverer.deliver(std::move(delivery), soon());
  REQUIRE(given);
  REQUIRE(given->all_stored());
  auto small = co_await deliverer.deliver(delivery_to({1}, "small"), soon());
  REQUIRE(small);
  REQUIRE(small->all_stored());
  Messages messages(imapd.pool, *reading);
  std::string got;
  auto on_piece = [&got](std::string_view piece) { return add_piece(&got, piece); };
  auto read = co_await messages.read_raw({2}, given->targets[1].id, 0, 0, on_piece, soon());
  REQUIRE(read);
  CHECK(got == expected);
  co_await deliverer.close();
  co_await mta.close();
  co_await imapd.close();
}

}  // namespace

TEST_CASE("the folder store keeps one file a blob and reads it back", "[integration][store]") {
  Fixture fixture(2);
  const auto folder = std::filesystem::temp_directory_path() / fixture.database.name();
  std::filesystem::create_directory(folder);
  run_blocking(through_folder(&fixture, folder.string()));
  CHECK(fixture.database.query(
            "SELECT count(*) FROM mail.blob WHERE location IS NOT NULL AND header IS NULL") == "3");
  size_t files = 0;
  for (const auto& item : std::filesystem::recursive_directory_iterator(folder))
    files += item.is_regular_file();
  CHECK(files == 3);
  std::filesystem::remove_all(folder);
}

}  // namespace dromos::store
