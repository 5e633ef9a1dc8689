#include "imapd/service/reader_views.h"

#include <catch2/catch.hpp>

#include "imapd/protocol/flags.h"

namespace dromos::imapd {
namespace {

constexpr AccountId kBob{2}, kEve{3};

VersionPtr mailbox(uint32_t messages) {
  MailboxVersion::Builder builder;
  for (uint32_t uid = 1; uid <= messages; ++uid) {
    MessageItem item;
    item.uid = uid;
    item.modseq = 5;
    builder.add(item);
  }
  return builder.finish(9, messages + 1);
}

/// Bob has read the first two.
store::PrivateSeen state() {
  store::PrivateSeen made;
  made.rule = 1;
  store::PrivateSeen::Row row{kBob, 12, {}, {}};
  row.changed.add(1, 2);
  row.seen.add(1, 2);
  made.rows.push_back(row);
  return made;
}

uint32_t seen(const MailboxVersion& version) {
  uint32_t count = 0;
  version.for_each([&](uint32_t, const MessageItem& item) { count += (item.flags & kFlagSeen) != 0; });
  return count;
}

}  // namespace

TEST_CASE("a guest's sessions share his view, and it goes with the last", "[unit][imapd]") {
  ReaderViews views;
  const VersionPtr current = mailbox(3);
  auto one = views.of(kBob, current);
  CHECK(one->version == current);
  CHECK(views.of(kBob, current) == one);
  const auto eve = views.of(kEve, current);
  CHECK(eve != one);
  CHECK(views.held().size() == 2);
  one.reset();
  REQUIRE(views.held().size() == 1);
  CHECK(views.held().front() == eve);
}

TEST_CASE("a guest sees his own state of each newer version", "[unit][imapd]") {
  ReaderViews views;
  VersionPtr current = mailbox(3);
  const auto bob = views.of(kBob, current), eve = views.of(kEve, current);
  const size_t plain = views.memory();
  CHECK(ReaderViews::set(*bob, SeenOverlay::make(state(), kBob), current));
  CHECK(views.memory() > plain);
  CHECK_FALSE(ReaderViews::set(*bob, SeenOverlay::make(state(), kBob), current));  // the same again
  CHECK(seen(*ReaderViews::version(*bob, current)) == 2);
  CHECK(ReaderViews::version(*eve, current) == current);
  current = mailbox(5);
  ReaderViews::follow(views.held(), current);
  CHECK(ReaderViews::version(*bob, current)->size() == 5);
  CHECK(seen(*ReaderViews::version(*bob, current)) == 2);
  CHECK(ReaderViews::version(*eve, current) == current);
  CHECK(ReaderViews::set(*bob, nullptr, current));  // everybody's again
  CHECK(ReaderViews::version(*bob, current) == current);
}

TEST_CASE("what guests have read is asked for again only after news", "[unit][imapd]") {
  ReaderViews views;
  const VersionPtr current = mailbox(1);
  CHECK(ReaderViews::to_read(views.held(), true).empty());
  const auto bob = views.of(kBob, current);
  CHECK(ReaderViews::to_read(views.held(), false) == std::vector<AccountId>{kBob});
  CHECK(ReaderViews::to_read(views.held(), false).size() == 1);  // until it is set
  ReaderViews::set(*bob, nullptr, current);
  CHECK(ReaderViews::to_read(views.held(), false).empty());
  CHECK(ReaderViews::to_read(views.held(), true).size() == 1);
  ReaderViews::set(*bob, nullptr, current);
  const auto eve = views.of(kEve, current);
  CHECK(ReaderViews::to_read(views.held(), false).size() == 2);
}

}  // namespace dromos::imapd
