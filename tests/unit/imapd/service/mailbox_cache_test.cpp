// The cache shares mailboxes between threads and forgets what nobody holds; KeywordSets' numbers stay true
// while other threads add to them. Reading the store is tested in tests/integration/imapd/test_workers.py.
#include "imapd/service/mailbox_cache.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <thread>

using namespace dromos;
using namespace dromos::imapd;

TEST_CASE("Who takes the same mailbox shares it, and it is gone with the last", "[unit][imapd]") {
  const auto cache = MailboxCache::make(1 << 20);
  auto one = cache->take({1}, {7});
  auto two = cache->take({1}, {7});
  auto other = cache->take({2}, {7});
  CHECK(one.get() == two.get());
  CHECK(one.get() != other.get());
  CHECK(cache->size() == 2);
  CHECK(cache->charge(*one));
  CHECK(cache->memory() == one->memory());
  one.reset();
  CHECK(cache->size() == 2);
  two.reset();  // never loaded: nothing to keep
  CHECK(cache->size() == 1);
  CHECK(cache->memory() == 0);
  other.reset();
  CHECK(cache->size() == 0);
}

TEST_CASE("What guests see differently counts as long as they look", "[unit][imapd]") {
  const auto cache = MailboxCache::make(1 << 20);
  const auto mailbox = cache->take({1}, {7});
  const size_t plain = mailbox->memory();
  store::PrivateSeen state;
  state.rule = 1;
  store::UidSet changed;
  for (uint32_t uid = 1; uid < 2000; uid += 2) changed.add(uid);
  state.rows.push_back({{2}, 5, changed, changed});
  auto view = mailbox->view_of({2});
  view->overlay = SeenOverlay::make(state, {2});
  view->version = mailbox->current()->seen_by(view->overlay);
  const size_t runs = view->overlay->memory();
  CHECK(runs > 1000 * sizeof(SeenOverlay::Run));
  CHECK(mailbox->memory() > plain + runs);
  CHECK(cache->charge(*mailbox));
  CHECK(cache->memory() == mailbox->memory());
  view.reset();
  CHECK(mailbox->memory() == plain);
}

TEST_CASE("A mailbox over the budget is told to who asks", "[unit][imapd]") {
  const auto cache = MailboxCache::make(16);
  const auto mailbox = cache->take({1}, {7});
  CHECK_FALSE(cache->charge(*mailbox));
}

TEST_CASE("A watched mailbox follows a change once, and again if it was not followed", "[unit][imapd]") {
  struct Session final : MailboxWatcher {
    void mailbox_changed() override {}
  } session;
  Reactor reactor;
  const auto cache = MailboxCache::make(1 << 20);
  CHECK(cache->to_follow({{1}, 5}).empty());  // nobody holds it
  const auto mailbox = cache->take({1}, {7});
  CHECK(cache->to_follow({{1}, 4}).empty());  // nobody watches
  mailbox->watch(session);
  CHECK(cache->to_follow({{1}, 4}).empty());  // done
  CHECK(cache->to_follow({{1}, 5}).size() == 1);
  CHECK(cache->to_follow({{1}, 5}).empty());
  cache->not_followed(*mailbox);
  CHECK(cache->to_follow({{1}, 5}).size() == 1);
  CHECK(cache->to_follow({{2}, 9}).empty());
  mailbox->unwatch(session);
}

TEST_CASE("Threads take and leave mailboxes at once", "[unit][imapd]") {
  const auto cache = MailboxCache::make(1 << 20);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&cache] {
      for (int i = 0; i < 2000; ++i) {
        const auto mailbox = cache->take({i % 3}, {i % 5});
        cache->charge(*mailbox);
        cache->to_follow({{i % 3}, i});
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(cache->size() == 0);
  CHECK(cache->memory() == 0);
}

TEST_CASE("Keyword numbers stay true while others are added", "[unit][imapd]") {
  KeywordSets sets;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&sets] {
      for (int i = 0; i < 500; ++i) {
        const std::vector<std::string> set{"k" + std::to_string(i)};
        const uint32_t number = sets.intern(set);
        const KeywordSets::Names names = sets.names();
        if (sets.at(number) != set || !std::binary_search(names->begin(), names->end(), set.front()))
          std::abort();
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(sets.names()->size() == 500);
  CHECK(sets.at(0).empty());
}
