// STORE against a model: every operation with one flag, several, none, keywords, and UNCHANGEDSINCE; the
// counters stay right.
#include <map>
#include <random>
#include <set>

#include "common/store/entries.h"
#include "tests/integration/store/fixture.h"

namespace dromos::store {
namespace {

constexpr uint32_t kMessages = 24;

struct State {
  int flags = 0;
  std::vector<std::string> keywords;
  int64_t modseq = 0;
  bool operator==(const State&) const = default;
};
using Model = std::map<uint32_t, State>;

State applied(State state, FlagOp op, const FlagSet& given) {
  std::set<std::string> words(state.keywords.begin(), state.keywords.end());
  if (op == FlagOp::replace) words.clear();
  for (const std::string& word : given.keywords)
    op == FlagOp::remove ? words.erase(word) : words.insert(word).second;
  state.keywords.assign(words.begin(), words.end());
  if (op == FlagOp::replace) state.flags = given.flags;
  if (op == FlagOp::add) state.flags |= given.flags;
  if (op == FlagOp::remove) state.flags &= ~given.flags;
  return state;
}

Task<Model> stored(Entries* entries, MailboxId mailbox) {
  Model model;
  auto on_entry = [&](const Entry& entry) { model[entry.uid] = {entry.flags, entry.keywords, entry.modseq}; };
  REQUIRE(co_await entries->load({1}, mailbox, 1, UINT32_MAX, on_entry, soon()));
  co_return model;
}

Task<void> store_at_random(Fixture* fixture, unsigned seed) {
  Station station(*fixture);
  Entries entries(station.pool);
  MailboxId mailbox{};
  for (uint32_t n = 0; n < kMessages; ++n) {
    auto given = co_await station.deliverer.deliver(delivery_to({1}, std::to_string(n)), soon());
    REQUIRE(given);
    mailbox = given->targets[0].mailbox;
  }
  std::mt19937 random(seed);
  auto below = [&](uint32_t limit) { return static_cast<uint32_t>(random() % limit); };
  const std::vector<std::string> words[] = {{}, {}, {}, {"blue"}, {"blue", "red"}};
  Model model = co_await stored(&entries, mailbox);
  int64_t highest = model.rbegin()->second.modseq;
  for (int step = 0; step < 150; ++step) {
    const auto op = static_cast<FlagOp>(below(3));
    FlagSet flags;
    flags.flags = below(3) != 0 ? 1 << below(5) : static_cast<int>(below(32));
    flags.keywords = words[below(std::size(words))];
    const uint32_t first = 1 + below(kMessages), last = first + below(kMessages);
    UidSet uids;
    uids.add(first, std::min(last, kMessages));
    std::optional<int64_t> unchanged;
    if (below(4) == 0) unchanged = highest - static_cast<int64_t>(below(4));
    UidSet changed, failed;
    for (uint32_t uid = first; uid <= std::min(last, kMessages); ++uid) {
      State& known = model[uid];
      if (unchanged && known.modseq > *unchanged) {
        failed.add(uid);
        continue;
      }
      const State next = applied(known, op, flags);
      if (next == known) continue;
      known = next;
      changed.add(uid);
    }
    INFO("step " << step << " op " << static_cast<int>(op) << " flags " << flags.flags << " words "
                 << flags.keywords.size());
    auto result = co_await entries.store({1}, mailbox, uids, op, flags, unchanged, soon());
    REQUIRE(result);
    CHECK(result->changed.to_sql() == changed.to_sql());
    CHECK(result->failed.to_sql() == failed.to_sql());
    CHECK(result->before == highest);
    if (result->change) {
      highest = result->change.modseq;
      for (auto& [uid, state] : model)
        if (changed.contains(uid)) state.modseq = highest;
    }
    REQUIRE(co_await stored(&entries, mailbox) == model);
  }
  CHECK(co_await problems(&station.pool) == 0);
  co_await station.close();
}

}  // namespace

TEST_CASE("STORE changes what it says, and the counters stay right", "[integration][store]") {
  for (const unsigned seed : {1U, 2U, 3U}) {
    Fixture fixture(1);
    run_blocking(store_at_random(&fixture, seed));
  }
}

}  // namespace dromos::store
