// What the store's tests share: a database of their own with accounts 1..n, a pool, a deliverer, small
// messages.
#pragma once

#include <catch2/catch.hpp>

#include "common/async/task_group.h"
#include "common/store/check.h"
#include "common/store/deliverer.h"
#include "common/testing/temp_database.h"

namespace dromos::store {

inline Deadline soon() {
  return Deadline::after(seconds(60));
}

struct Fixture {
  testing::TempDatabase database;
  explicit Fixture(int accounts) {
    database.query("SELECT mail.account_create_v1(a, NULL) FROM generate_series(1, " +
                   std::to_string(accounts) + ") a");
  }
  std::string deadlocks() const {
    return database.query("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");
  }
};

/// Pool, blobs and deliverer of one reactor.
struct Station {
  db::Pool pool;
  std::unique_ptr<BlobStore> blobs;
  Deliverer deliverer;
  explicit Station(const Fixture& fixture, const std::string& role = "", size_t lanes = 2)
      : pool({.conninfo = fixture.database.conninfo(role), .max = 12, .idle = 2, .require_durable = false}),
        blobs(make_postgres_blob_store(pool)),
        deliverer(pool, *blobs, {.lanes = lanes}) {}
  Task<void> close() {
    co_await deliverer.close();
    co_await pool.close();
  }
};

inline NewMessage message_of(const std::string& text) {
  NewMessage message;
  message.raw = "Subject: " + text + "\r\n\r\nbody of " + text + "\r\n";
  message.header_size = message.raw.find("\r\n\r\n") + 4;
  message.facts = "facts " + text;
  message.facts_version = 1;
  message.text = text;
  message.received_us = 1700000000000000;
  message.trace = TraceId::make();
  return message;
}

inline Delivery delivery_to(const std::vector<int64_t>& accounts, const std::string& text) {
  Delivery delivery;
  delivery.id = DeliveryId::make();
  delivery.messages.push_back(message_of(text));
  for (int64_t account : accounts) {
    LocalTarget target;
    target.account = {account};
    target.id = MessageId::make();
    delivery.targets.push_back(target);
  }
  delivery.trace.push_back(
      {delivery.messages[0].trace, "mta", "message.stored", "a@b", "c@d", {}, 250, "{}"});
  return delivery;
}

inline Task<int64_t> problems(db::Pool* pool) {
  Check check(*pool);
  auto on_problem = [](const Problem& problem) {
    WARN("account " << problem.account.value << ", " << problem.problem << ": " << problem.detail);
  };
  auto count = co_await check.run(on_problem, soon());
  REQUIRE(count.has_value());
  co_return *count;
}

}  // namespace dromos::store
