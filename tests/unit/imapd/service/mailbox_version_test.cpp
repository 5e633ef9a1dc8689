// Versions: derived ones must equal those built anew, whatever changed, and compare() must tell the way.
#include "imapd/service/mailbox_version.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>

using namespace dromos::imapd;

namespace {

using Model = std::map<uint32_t, MessageItem>;

MessageItem item(uint32_t uid, int64_t modseq = 1, uint8_t flags = 0) {
  MessageItem made;
  made.uid = uid;
  made.modseq = modseq;
  made.flags = flags;
  return made;
}

VersionPtr build(const Model& model) {
  MailboxVersion::Builder builder;
  for (const auto& [uid, one] : model) builder.add(one);
  return builder.finish(1, 1);
}

void check_equal(const MailboxVersion& version, const Model& model) {
  REQUIRE(version.size() == model.size());
  uint32_t number = 0;
  bool same = true;
  for (const auto& [uid, one] : model) {
    ++number;
    same = same && version.at(number).uid == uid && version.at(number).modseq == one.modseq &&
           version.number_of(uid) == number;
  }
  CHECK(same);
}

}  // namespace

TEST_CASE("an empty version has no messages and no numbers", "[unit][imapd]") {
  const VersionPtr none = MailboxVersion::empty();
  CHECK(none->size() == 0);
  CHECK(none->max_uid() == 0);
  CHECK(none->number_of(1) == 0);
  CHECK(none->first_unseen() == 0);
  CHECK(none->numbers_of(NumberSet{{1, UINT32_MAX}}).empty());
  CHECK(none->apply({}, {}, 5, 6)->uidnext() == 6);
}

TEST_CASE("numbers and uids are found across chunks", "[unit][imapd]") {
  Model model;
  for (uint32_t uid = 2; uid <= 20000; uid += 2) model[uid] = item(uid, 1, uid < 9000 ? 1 : 0);
  const VersionPtr version = build(model);
  CHECK(version->number_of(8192) == 4096);
  CHECK(version->number_of(8194) == 4097);
  CHECK(version->number_of(8193) == 0);
  CHECK(version->first_unseen() == 4500);
  CHECK(version->numbers_of(NumberSet{{8191, 8195}}) == NumberSet{{4096, 4097}});
  CHECK(version->numbers_of(NumberSet{{19999, UINT32_MAX}}) == NumberSet{{10000, 10000}});
  CHECK(version->uids_of(NumberSet{{1, 2}}) == NumberSet{{2, 2}, {4, 4}});
}

TEST_CASE("random changes give the same version as building it anew, and compare tells the difference",
          "[unit][imapd]") {
  std::mt19937 random(4711);
  Model model;
  uint32_t next = 1;
  for (; next <= 9000; ++next) model[next] = item(next);
  VersionPtr version = build(model);
  int64_t modseq = 1;
  for (int round = 0; round < 60; ++round) {
    const Model before = model;
    const VersionPtr old = version;
    ++modseq;
    std::map<uint32_t, MessageItem> changed;
    NumberSet gone;
    for (int i = 0; i < 50; ++i) {
      const uint32_t uid = 1 + random() % next;
      if (model.count(uid) == 0) continue;
      if (random() % 2 == 0) {
        model[uid].modseq = modseq;
        changed[uid] = model[uid];
      } else if (changed.count(uid) == 0) {
        model.erase(uid);
        gone.add(uid, uid);
      }
    }
    if (round % 10 == 9) {  // a whole stretch goes
      const uint32_t from = next / 3;
      for (uint32_t uid = from; uid < from + 5000 && uid < next; ++uid)
        if (model.erase(uid) > 0) changed.erase(uid);
      gone = NumberSet{{from, std::min(from + 4999, next - 1)}};
      for (const auto& [uid, one] : before)
        if (model.count(uid) == 0) gone.add(uid, uid);
    }
    for (uint32_t i = 0; i < random() % 600; ++i, ++next) changed[next] = model[next] = item(next, modseq);
    std::vector<MessageItem> list;
    for (const auto& [uid, one] : changed) list.push_back(one);
    version = version->apply(list, gone, modseq, next);
    check_equal(*version, model);

    const VersionDifference difference = compare(*old, *version);
    Model replayed = before;
    for (const uint32_t uid : difference.expunged_uids) replayed.erase(uid);
    for (const uint32_t number : difference.changed) replayed[version->at(number).uid] = version->at(number);
    for (uint32_t n = version->size() - difference.added + 1; n <= version->size(); ++n)
      replayed[version->at(n).uid] = version->at(n);
    check_equal(*version, replayed);

    const VersionPtr ghosts = version->with_ghosts(*old);
    CHECK(compare(*old, *ghosts).expunged_uids.empty());
    CHECK(compare(*ghosts, *version).expunged_uids == difference.expunged_uids);
  }
}

TEST_CASE("unchanged chunks are shared", "[unit][imapd]") {
  Model model;
  for (uint32_t uid = 1; uid <= 5 * MailboxVersion::kChunk; ++uid) model[uid] = item(uid);
  const VersionPtr version = build(model);
  const MessageItem one = item(3, 9);
  const VersionPtr next = version->apply(std::span(&one, 1), {}, 9, 1);
  CHECK(&next->stored(5000) == &version->stored(5000));
  CHECK(&next->stored(3) != &version->stored(3));
}

TEST_CASE("altered messages have the new flags and modseq, others are shared", "[unit][imapd]") {
  Model model;
  for (uint32_t uid = 1; uid <= 3 * MailboxVersion::kChunk; ++uid) model[uid] = item(uid);
  const VersionPtr version = build(model);
  auto flag = [](MessageItem& one) { one.flags |= 4; };
  const uint32_t edge = MailboxVersion::kChunk;
  const VersionPtr next = version->altered(NumberSet{{edge - 1, edge + 2}}, flag, 9);
  REQUIRE(next);
  for (uint32_t uid = edge - 1; uid <= edge + 2; ++uid) model[uid] = item(uid, 9, 4);
  check_equal(*next, model);
  CHECK(next->at(edge).flags == 4);
  CHECK(next->at(edge - 2).flags == 0);
  CHECK(next->modseq() == 9);
  CHECK(next->uidnext() == version->uidnext());
  CHECK(&next->stored(3 * edge) == &version->stored(3 * edge));
  CHECK(compare(*version, *next).changed == std::vector<uint32_t>{edge - 1, edge, edge + 1, edge + 2});
  CHECK(version->altered(NumberSet{{3 * edge, 3 * edge + 1}}, flag, 9) == nullptr);  // one is not there
}
