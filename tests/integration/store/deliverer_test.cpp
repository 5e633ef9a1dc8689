#include "common/store/deliverer.h"

#include "common/store/append.h"
#include "common/store/errc.h"
#include "common/store/messages.h"
#include "common/store/queue.h"
#include "common/store/search.h"
#include "tests/integration/store/fixture.h"

namespace dromos::store {
namespace {

Task<Result<void>> add_piece(std::string* out, std::string_view piece) {
  out->append(piece);
  co_return Result<void>{};
}

Task<void> deliver_and_read(Fixture* fixture) {
  Station mta(*fixture, "dromos_mta");
  Station imapd(*fixture, "dromos_imapd");
  auto given = co_await mta.deliverer.deliver(delivery_to({1, 2}, "hello"), soon());
  REQUIRE(given);
  REQUIRE(given->all_stored());
  CHECK(given->targets[0].uid == 1);
  CHECK(given->targets[1].account == AccountId{2});
  std::string raw;
  Messages messages(imapd.pool, *imapd.blobs);
  auto on_piece = [&raw](std::string_view piece) { return add_piece(&raw, piece); };
  auto read = co_await messages.read_raw({1}, given->targets[0].id, 0, 0, on_piece, soon());
  REQUIRE(read);
  CHECK(raw == message_of("hello").raw);
  auto found =
      co_await search_text(messages, {1}, given->targets[0].mailbox, UidSet::all(), {"ell"}, nullptr, soon());
  REQUIRE(found);
  CHECK(*found == UidSet::range(1, 1));
  auto none = co_await search_text(messages, {1}, given->targets[0].mailbox, UidSet::all(), {"absent"},
                                   nullptr, soon());
  REQUIRE(none);
  CHECK(none->empty());
  // Another account does not open it by its id.
  auto other = co_await messages.read_raw({2}, given->targets[0].id, 0, 0, on_piece, soon());
  CHECK((!other && other.error().is(StoreErrc::not_found)));
  co_await mta.close();
  co_await imapd.close();
}

Task<void> repeat_delivery(Fixture* fixture) {
  Station mta(*fixture, "dromos_mta");
  Delivery delivery = delivery_to({1, 2}, "once");
  auto first = co_await mta.deliverer.deliver(delivery, soon());
  auto second = co_await mta.deliverer.deliver(delivery, soon());
  REQUIRE(first);
  REQUIRE(second);
  CHECK_FALSE(first->earlier);
  CHECK(second->earlier);
  CHECK(second->targets[1].uid == first->targets[1].uid);
  CHECK(second->targets[1].id == first->targets[1].id);
  co_await mta.close();
}

Task<void> big_message(Fixture* fixture) {
  Station mta(*fixture, "dromos_mta");
  Station imapd(*fixture, "dromos_imapd");
  Delivery delivery = delivery_to({1, 2}, "big");
  std::string& raw = delivery.messages[0].raw;
  for (int i = 0; raw.size() < 900'000; ++i) raw += "line " + std::to_string(i * 7919) + "\r\n";
  const std::string expected = raw;
  QueueTarget remote;
  remote.id = QueueId::make();
  remote.body = Uuid::v7();
  remote.sender = "a@b";
  remote.expires_us = Clock::now_us() + 1'000'000'000;
  remote.recipients.push_back({"x@remote.test", "remote.test"});
  delivery.queue.push_back(remote);
  auto given = co_await mta.deliverer.deliver(std::move(delivery), soon());
  if (!given) FAIL(given.error().to_string());
  REQUIRE(given->all_stored());
  Messages messages(imapd.pool, *imapd.blobs);
  std::string got;
  auto on_piece = [&got](std::string_view piece) { return add_piece(&got, piece); };
  auto read = co_await messages.read_raw({2}, given->targets[1].id, 0, 0, on_piece, soon());
  REQUIRE(read);
  CHECK(got == expected);
  got.clear();
  read = co_await messages.read_raw({2}, given->targets[1].id, 300'000, 5'000, on_piece, soon());
  REQUIRE(read);
  CHECK(got == expected.substr(300'000, 5'000));

  Queue queue(mta.pool);
  const Uuid token = Uuid::v7();
  auto items = co_await queue.claim(token, {"smtp"}, 10, seconds(60), soon());
  REQUIRE(items);
  REQUIRE(items->size() == 1);
  got.clear();
  read = co_await queue.body((*items)[0].id, token, on_piece, soon());
  REQUIRE(read);
  CHECK(got == expected);
  auto stranger = co_await queue.body((*items)[0].id, Uuid::v7(), on_piece, soon());
  CHECK_FALSE(stranger);
  auto lost =
      co_await queue.finish(Uuid::v7(), {{{(*items)[0].id, 0}, QueueAction::done, 0, 250, "ok", ""}}, soon());
  CHECK((!lost && lost.error().is(StoreErrc::not_found)));
  auto done =
      co_await queue.finish(token, {{{(*items)[0].id, 0}, QueueAction::done, 0, 250, "ok", ""}}, soon());
  REQUIRE(done);
  co_await mta.close();
  co_await imapd.close();
}

Task<void> refusals(Fixture* fixture) {
  Station mta(*fixture, "dromos_mta");
  Delivery atomic = delivery_to({1, 999}, "nobody");
  auto refused = co_await mta.deliverer.deliver(atomic, soon());
  REQUIRE(refused);
  CHECK(refused->targets[0].outcome == Outcome::skipped);
  CHECK(refused->targets[1].outcome == Outcome::no_account);
  Delivery each = delivery_to({1, 999}, "nobody");
  each.atomic = false;
  auto partly = co_await mta.deliverer.deliver(each, soon());
  REQUIRE(partly);
  CHECK(partly->targets[0].outcome == Outcome::stored);
  CHECK(partly->targets[1].outcome == Outcome::no_account);
  fixture->database.query("SELECT mail.account_quota_v1(1, 10, NULL, NULL)");
  auto full = co_await mta.deliverer.deliver(delivery_to({1}, "too much"), soon());
  REQUIRE(full);
  CHECK(full->targets[0].outcome == Outcome::over_quota);
  // A mailbox gone since RCPT means INBOX; APPEND does not guess.
  Delivery lost = delivery_to({2}, "lost");
  lost.targets[0].mailbox = {123456};
  auto inbox = co_await mta.deliverer.deliver(std::move(lost), soon());
  REQUIRE(inbox);
  CHECK(inbox->targets[0].outcome == Outcome::stored);
  std::vector<AppendMessage> list;
  list.push_back({message_of("x"), {}});
  auto missing = co_await append(mta.deliverer, DeliveryId::make(), {2}, {123456}, std::move(list), soon());
  CHECK((!missing && missing.error().is(StoreErrc::not_found)));
  co_await mta.close();
}

Task<void> threads_in_one_call(Fixture* fixture) {
  Station mta(*fixture, "dromos_mta");
  std::vector<AppendMessage> list;
  for (int i = 0; i < 3; ++i) {
    list.push_back({message_of("m" + std::to_string(i)), {}});
    list.back().message.thread_keys =
        i == 0 ? std::vector<int64_t>{100} : std::vector<int64_t>{100 + i - 1, 100 + i};
  }
  const std::string inbox =
      fixture->database.query("SELECT mailbox_id FROM mail.mailbox WHERE account_id = 1 AND name = 'INBOX'");
  auto appended =
      co_await append(mta.deliverer, DeliveryId::make(), {1}, {std::stoll(inbox)}, std::move(list), soon());
  REQUIRE(appended);
  CHECK(appended->uids == std::vector<uint32_t>{1, 2, 3});
  CHECK(fixture->database.query("SELECT count(DISTINCT thread_id) FROM mail.entry WHERE account_id = 1") ==
        "1");
  co_await mta.close();
}

}  // namespace

TEST_CASE("a delivered message is read back by another role", "[integration][store]") {
  Fixture fixture(2);
  run_blocking(deliver_and_read(&fixture));
}

TEST_CASE("a repeated delivery gives the first result and stores nothing", "[integration][store]") {
  Fixture fixture(2);
  run_blocking(repeat_delivery(&fixture));
  CHECK(fixture.database.query("SELECT count(*) FROM mail.entry") == "2");
  CHECK(fixture.database.query("SELECT count(*) FROM mail.trace") == "1");
}

TEST_CASE("a message over the inline limit is staged for all accounts and the queue",
          "[integration][store]") {
  Fixture fixture(2);
  run_blocking(big_message(&fixture));
  CHECK(fixture.database.query("SELECT count(*) FROM queue.body") == "0");
  CHECK(fixture.database.query("SELECT count(*) FROM mail.check_account_v3(1)") == "0");
}

TEST_CASE("refusals are outcomes of their targets", "[integration][store]") {
  Fixture fixture(2);
  run_blocking(refusals(&fixture));
  CHECK(fixture.database.query("SELECT count(*) FROM mail.entry WHERE account_id = 1") == "1");
}

TEST_CASE("messages of one call find each other's thread", "[integration][store]") {
  Fixture fixture(1);
  run_blocking(threads_in_one_call(&fixture));
}

}  // namespace dromos::store
