#include "imapd/service/seen_overlay.h"

#include <catch2/catch.hpp>

#include "imapd/protocol/flags.h"
#include "imapd/service/mailbox_version.h"

namespace dromos::imapd {
namespace {

constexpr AccountId kBob{2};

VersionPtr mailbox(uint32_t messages) {
  MailboxVersion::Builder builder;
  for (uint32_t uid = 1; uid <= messages; ++uid) {
    MessageItem item;
    item.uid = uid;
    item.modseq = 5;
    item.flags = uid % 2 == 0 ? kFlagSeen | kFlagFlagged : 0;
    builder.add(item);
  }
  return builder.finish(9, messages + 1);
}

store::PrivateSeen state(int64_t rule) {
  store::PrivateSeen made;
  made.rule = rule;
  store::PrivateSeen::Row row{kBob, 12, {}, {}};
  row.changed.add(2, 9);
  row.changed.add(20, 29);
  row.seen.add(3, 4);
  row.seen.add(9, 9);
  row.seen.add(20, 29);
  made.rows.push_back(row);
  store::PrivateSeen::Row other{AccountId{3}, 13, {}, {}};
  other.changed.add(1, 100);
  other.seen.add(1, 100);
  made.rows.push_back(other);
  return made;
}

bool seen(const MailboxVersion& version, uint32_t uid) {
  return (version.find(uid)->flags & kFlagSeen) != 0;
}

}  // namespace

TEST_CASE("a guest sees what he has read, the owner what it was", "[unit][imapd]") {
  const VersionPtr base = mailbox(40);
  const VersionPtr bob = base->seen_by(SeenOverlay::make(state(7), kBob));
  std::vector<uint32_t> read;
  bob->for_each([&](uint32_t, const MessageItem& item) {
    if ((item.flags & kFlagSeen) != 0) read.push_back(item.uid);
    CHECK((item.flags & kFlagFlagged) == (item.uid % 2 == 0 ? kFlagFlagged : 0));
    CHECK(seen(*bob, item.uid) == ((item.flags & kFlagSeen) != 0));
  });
  CHECK(read == std::vector<uint32_t>{3, 4, 9, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29});
  CHECK(bob->first_unseen() == 1);
  CHECK(bob->at(2).modseq == 12);  // changed to unseen
  CHECK(bob->at(10).modseq == 7);  // not before the rule
  CHECK(base->at(2).modseq == 5);
  CHECK(seen(*base, 2));
}

TEST_CASE("a rule that ended leaves flags as they are and modseqs no lower", "[unit][imapd]") {
  CHECK_FALSE(SeenOverlay::make(store::PrivateSeen{}, kBob));
  const VersionPtr base = mailbox(40);
  const VersionPtr bob = base->seen_by(SeenOverlay::make(state(-8), kBob));
  CHECK(seen(*bob, 2));
  CHECK_FALSE(seen(*bob, 3));
  CHECK(bob->at(3).modseq == 8);
}

TEST_CASE("what a guest changed is told, in the chunks where it is", "[unit][imapd]") {
  const VersionPtr base = mailbox(3 * MailboxVersion::kChunk);
  const OverlayPtr before = SeenOverlay::make(state(7), kBob);
  store::PrivateSeen more = state(7);
  store::PrivateSeen::Row row{kBob, 14, {}, {}};
  row.changed.add(5000);
  row.seen.add(5000);
  more.rows.push_back(row);
  const OverlayPtr after = SeenOverlay::make(more, kBob);
  const VersionDifference difference = compare(*base->seen_by(before), *base->seen_by(after));
  CHECK(difference.changed == std::vector<uint32_t>{5000});
  CHECK(difference.added == 0);
  CHECK(difference.expunged_uids.empty());
  CHECK(compare(*base->seen_by(before), *base->seen_by(SeenOverlay::make(state(7), kBob))).changed.empty());
  CHECK(compare(*base, *base->seen_by(before)).changed.size() == base->size());  // all: the rule is new
}

TEST_CASE("a ghost keeps the look it had", "[unit][imapd]") {
  const VersionPtr base = mailbox(40);
  const VersionPtr told = base->seen_by(SeenOverlay::make(state(7), kBob));
  store::PrivateSeen less = state(7);
  less.rows[0].changed = {};
  less.rows[0].changed.add(2, 8);
  less.rows[0].seen = {};
  less.rows[0].seen.add(3, 4);
  const VersionPtr now = base->apply({}, NumberSet{{9, 9}, {20, 29}}, 15, 41);
  const VersionPtr view = now->seen_by(SeenOverlay::make(less, kBob))->with_ghosts(*told);
  CHECK(view->size() == 40);
  CHECK(seen(*view, 9));
  CHECK(compare(*told, *view).changed.empty());
}

}  // namespace dromos::imapd
