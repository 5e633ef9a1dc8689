// Where we look for an account's rows is where PostgreSQL has put them.
#include <random>

#include "common/store/partition.h"
#include "tests/integration/store/fixture.h"

namespace dromos::store {

TEST_CASE("an account's partition is the one PostgreSQL puts its rows into", "[integration][store]") {
  const testing::TempDatabase database;
  std::vector<int64_t> accounts = {
      0,         1,         2, 31, 32, 33, -1, INT32_MAX, int64_t{INT32_MAX} + 1, int64_t{UINT32_MAX} + 1,
      INT64_MAX, -INT64_MAX};
  std::mt19937_64 random(1);
  while (accounts.size() < 2000) accounts.push_back(static_cast<int64_t>(random() >> (random() % 63)));
  std::string rows;
  for (const int64_t account : accounts)
    rows += (rows.empty() ? "(" : ",(") + std::to_string(account) + "::bigint," +
            std::to_string(partition_of({account})) + ")";
  for (const std::string table : {"entry", "message", "blob", "text_extract"}) {
    INFO(table);
    CHECK(database.query("SELECT count(*) FROM (VALUES " + rows +
                         ") AS a (account, partition) WHERE satisfies_hash_partition('mail." + table +
                         "'::regclass, 32, a.partition, a.account)") == std::to_string(accounts.size()));
  }
  CHECK(database.query("SELECT count(*) FROM (VALUES " + rows +
                       ") AS a (account, partition) WHERE mail.partition_of(a.account) = a.partition") ==
        std::to_string(accounts.size()));
}

}  // namespace dromos::store
