#include "mta/outbound/scheduler.h"

#include <catch2/catch.hpp>
#include <set>

namespace dromos::mta {
namespace {

Uuid uuid(uint8_t n) {
  Uuid id;
  id.bytes[15] = n;
  return id;
}

LeasedItem item(uint8_t queue, int32_t no, const std::string& domain, uint8_t token = 1,
                const std::string& transport = "smtp") {
  LeasedItem leased;
  leased.item.id = QueueId{uuid(queue)};
  leased.item.recipient_no = no;
  leased.item.domain = domain;
  leased.item.transport = transport;
  leased.token = uuid(token);
  return leased;
}

std::vector<LeasedItem> many(uint8_t queue, int32_t count, const std::string& domain) {
  std::vector<LeasedItem> list;
  for (int32_t i = 0; i < count; ++i) list.push_back(item(queue, i, domain));
  return list;
}

TEST_CASE("Recipients of one message and destination go together, others do not", "[unit][mta]") {
  Scheduler scheduler({});
  scheduler.add({item(1, 0, "a.test"), item(1, 1, "b.test"), item(1, 2, "a.test"), item(2, 0, "a.test"),
                 item(1, 3, "a.test", 9)});
  std::multiset<size_t> sizes;
  size_t groups = 0;
  while (auto group = scheduler.next()) {
    ++groups;
    sizes.insert(group->items.size());
    for (const LeasedItem& one : group->items) {
      CHECK(one.item.id == group->first().id);
      CHECK(one.token == group->token());
      CHECK(Scheduler::destination_of(one.item) == group->destination);
    }
  }
  CHECK(groups == 4);
  CHECK(sizes == std::multiset<size_t>{1, 1, 1, 2});
  CHECK(scheduler.leased() == 5);
  CHECK(scheduler.sending() == 4);
}

TEST_CASE("A transaction has at most a hundred recipients", "[unit][mta]") {
  Scheduler scheduler({});
  scheduler.add(many(1, 250, "a.test"));
  CHECK(scheduler.next()->items.size() == 100);
  CHECK(scheduler.next()->items.size() == 100);
  CHECK(scheduler.next()->items.size() == 50);
  CHECK_FALSE(scheduler.next());
}

TEST_CASE("A destination has a limit of its own and all have one together", "[unit][mta]") {
  Scheduler::Limits limits;
  limits.total = 3;
  limits.per_destination = 2;
  Scheduler scheduler(limits);
  for (uint8_t queue = 1; queue <= 4; ++queue) scheduler.add({item(queue, 0, "a.test")});
  auto first = scheduler.next();
  auto second = scheduler.next();
  REQUIRE(first);
  REQUIRE(second);
  CHECK_FALSE(scheduler.next());
  scheduler.add({item(7, 0, "b.test"), item(8, 0, "b.test")});
  auto third = scheduler.next();
  REQUIRE(third);
  CHECK(third->first().domain == "b.test");
  CHECK_FALSE(scheduler.next());
  scheduler.finished(*first);
  CHECK(scheduler.leased() == 5);
  auto fourth = scheduler.next();
  REQUIRE(fourth);
  CHECK(fourth->first().domain == "a.test");  // its turn: b.test went last
}

TEST_CASE("Destinations take turns", "[unit][mta]") {
  Scheduler::Limits limits;
  limits.per_destination = 100;
  Scheduler scheduler(limits);
  for (uint8_t queue = 1; queue <= 20; ++queue) scheduler.add({item(queue, 0, "big.test")});
  scheduler.add({item(30, 0, "small.test")});
  scheduler.next();
  CHECK(scheduler.next()->first().domain == "small.test");
}

TEST_CASE("Room shrinks with leases and grows as they end", "[unit][mta]") {
  Scheduler::Limits limits;
  limits.leased = 4;
  Scheduler scheduler(limits);
  scheduler.add(many(1, 3, "a.test"));
  CHECK(scheduler.room() == 1);
  const auto group = scheduler.next();
  CHECK(scheduler.room() == 1);
  scheduler.finished(*group);
  CHECK(scheduler.room() == 4);
  CHECK(scheduler.leased() == 0);
}

TEST_CASE("What was not tried waits again, in front and still leased", "[unit][mta]") {
  Scheduler scheduler({});
  scheduler.add(many(1, 3, "a.test"));
  const auto group = scheduler.next();
  scheduler.add({item(2, 0, "a.test")});
  scheduler.finished(*group, {group->items[1], group->items[2]});
  CHECK(scheduler.leased() == 3);
  const auto again = scheduler.next();
  REQUIRE(again->items.size() == 2);
  CHECK(again->first().id == group->first().id);
  CHECK(again->items[0].item.recipient_no == 1);
}

TEST_CASE("What waits can be taken out by destination, as surplus, one by one and whole", "[unit][mta]") {
  Scheduler scheduler({});
  scheduler.add(many(1, 5, "a.test"));
  scheduler.add(many(2, 2, "b.test"));
  CHECK(scheduler.take_surplus(3).size() == 2);
  CHECK(scheduler.waiting().size() == 5);
  CHECK(scheduler.drop(uuid(1), {QueueId{uuid(1)}, 0}));
  CHECK_FALSE(scheduler.drop(uuid(1), {QueueId{uuid(1)}, 0}));
  CHECK_FALSE(scheduler.drop(uuid(2), {QueueId{uuid(1)}, 1}));
  CHECK(scheduler.take_waiting("smtp:a.test").size() == 2);
  CHECK(scheduler.take_waiting("smtp:a.test").empty());
  CHECK(scheduler.take_all_waiting().size() == 2);
  CHECK(scheduler.leased() == 0);
  CHECK_FALSE(scheduler.next());
}

TEST_CASE("Fan-out is one destination with a limit of its own", "[unit][mta]") {
  Scheduler scheduler({});
  for (uint8_t queue = 1; queue <= 3; ++queue)
    scheduler.add({item(queue, 0, "a.test", 1, "local"), item(queue, 1, "b.test", 1, "local")});
  auto first = scheduler.next();
  REQUIRE(first);
  CHECK(first->items.size() == 2);
  CHECK(scheduler.next());
  CHECK_FALSE(scheduler.next());
}

TEST_CASE("Under random load no limit is passed and nothing is lost", "[unit][mta]") {
  Scheduler::Limits limits;
  limits.total = 7;
  limits.per_destination = 3;
  limits.recipients = 4;
  Scheduler scheduler(limits);
  uint32_t state = 12345;
  const auto random = [&state](uint32_t below) {
    state = state * 1664525u + 1013904223u;
    return (state >> 16) % below;
  };
  std::vector<Group> out;
  size_t added = 0, ended = 0;
  for (int step = 0; step < 20'000; ++step) {
    const uint32_t what = random(3);
    if (what == 0 && scheduler.leased() < 200) {
      scheduler.add({item(static_cast<uint8_t>(random(5)), static_cast<int32_t>(random(100)),
                          std::string(1, static_cast<char>('a' + random(4))))});
      ++added;
    } else if (what == 1) {
      if (auto group = scheduler.next()) out.push_back(std::move(*group));
    } else if (!out.empty()) {
      const size_t at = random(static_cast<uint32_t>(out.size()));
      const bool keep = random(4) == 0;
      std::vector<LeasedItem> unsent;
      if (keep) unsent.push_back(out[at].items.back());
      ended += out[at].items.size() - unsent.size();
      scheduler.finished(out[at], std::move(unsent));
      out.erase(out.begin() + static_cast<ptrdiff_t>(at));
    }
    std::map<std::string, size_t> by_destination;
    size_t sending = 0;
    for (const Group& group : out) {
      REQUIRE(++by_destination[group.destination] <= 3);
      REQUIRE(group.items.size() <= 4);
      sending += group.items.size();
    }
    REQUIRE(out.size() <= 7);
    REQUIRE(out.size() == scheduler.sending());
    REQUIRE(scheduler.leased() == added - ended);
    REQUIRE(scheduler.waiting().size() + sending == scheduler.leased());
  }
  CHECK(ended > 1000);
}

}  // namespace
}  // namespace dromos::mta
