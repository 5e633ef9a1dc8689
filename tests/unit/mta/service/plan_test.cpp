#include <catch2/catch.hpp>

#include "mta/service/plan.h"
#include "mta/service/queue_options.h"

using namespace dromos;

namespace {

mta::AcceptedRecipient recipient(const char* address, std::vector<directory::Recipient> targets) {
  mta::AcceptedRecipient out;
  out.rcpt.to = smtp::parse_mailbox(address).value();
  out.targets = std::move(targets);
  return out;
}

directory::Recipient local(int64_t id) {
  return {AccountId{id}, "x@y.test", ""};
}

directory::Recipient remote(const char* address) {
  return {AccountId{}, address, ""};
}

mta::PreparedMessage message(mta::ByteBudget& budget) {
  auto spool = std::make_shared<mta::Spool>(budget, 1000, "/tmp");
  spool->append("Subject: x\r\n\r\n");
  REQUIRE(spool->seal());
  mta::PreparedMessage out;
  out.local = spool->with_head("Return-Path: <>\r\n");
  out.queued = out.local.substr(17);
  out.spool = std::move(spool);
  return out;
}

}  // namespace

TEST_CASE("an account gets one copy however many addresses lead to it", "[unit][mta]") {
  mta::ByteBudget budget(1 << 20);
  mta::Envelope envelope;
  envelope.recipients.push_back(recipient("a@y.test", {local(1), remote("z@far.test")}));
  envelope.recipients.push_back(recipient("b@y.test", {local(1), local(2), remote("Z@far.test")}));
  const auto targets = mta::targets_of(envelope, {0, 1}, {});
  REQUIRE(targets.local.at(AccountId{1}) == std::vector<size_t>{0, 1});
  REQUIRE(targets.remote.size() == 1);

  const auto plan = mta::make_plan(envelope, targets, message(budget), {}, {});
  REQUIRE(plan.delivery.targets.size() == 2);
  REQUIRE(plan.delivery.messages.size() == 2);
  REQUIRE(plan.delivery.messages[0].raw == "Return-Path: <>\r\nSubject: x\r\n\r\n");
  REQUIRE(plan.delivery.messages[1].raw == "Subject: x\r\n\r\n");
  REQUIRE(plan.delivery.queue.size() == 1);
  REQUIRE(plan.delivery.queue[0].recipients[0].domain == "far.test");
  REQUIRE(plan.queues);
  // received, scanned, a@1, b@1, b@2, z
  REQUIRE(plan.delivery.trace.size() == 6);
}

TEST_CASE("spam goes to Junk, and who refused is left out", "[unit][mta]") {
  mta::ByteBudget budget(1 << 20);
  mta::Envelope envelope;
  envelope.recipients.push_back(recipient("a@y.test", {local(1), local(2)}));
  mta::Verdict spam;
  spam.spam = spam.scanned = true;
  const auto targets = mta::targets_of(envelope, {0}, {AccountId{1}});
  const auto plan = mta::make_plan(envelope, targets, message(budget), spam, {});
  REQUIRE(plan.delivery.targets.size() == 1);
  REQUIRE(plan.delivery.targets[0].account == AccountId{2});
  REQUIRE(plan.delivery.targets[0].role == "junk");
}

TEST_CASE("more than fifty accounts all go through the queue", "[unit][mta]") {
  mta::ByteBudget budget(1 << 20);
  mta::Envelope envelope;
  std::vector<directory::Recipient> many;
  for (int64_t id = 1; id <= 51; ++id) many.push_back(local(id));
  envelope.recipients.push_back(recipient("all@y.test", many));
  const auto plan = mta::make_plan(envelope, mta::targets_of(envelope, {0}, {}), message(budget), {}, {});
  REQUIRE(plan.delivery.targets.empty());
  REQUIRE(plan.delivery.queue[0].recipients.size() == 51);
  const auto options = mta::decode_recipient_options(plan.delivery.queue[0].recipients[50].options).value();
  REQUIRE(options.account == AccountId{51});
  REQUIRE(options.role == "inbox");
  REQUIRE(plan.delivery.queue[0].recipients[50].transport == "local");
}

TEST_CASE("queue options survive their way through the store", "[unit][mta]") {
  mta::MessageOptions message;
  message.ret = "hdrs";
  message.envid = "QQ\"314";
  message.smtputf8 = true;
  const auto back = mta::decode_message_options(mta::encode(message)).value();
  REQUIRE(back.ret == "hdrs");
  REQUIRE(back.envid == "QQ\"314");
  REQUIRE(back.smtputf8);
  REQUIRE_FALSE(back.eight_bit);

  mta::RecipientOptions recipient;
  recipient.notify.unspecified = false;
  recipient.notify.success = true;
  recipient.orcpt_type = "rfc822";
  recipient.orcpt = "x@y.test";
  const auto again = mta::decode_recipient_options(mta::encode(recipient)).value();
  REQUIRE(again.notify.success);
  REQUIRE_FALSE(again.notify.on_failure());
  REQUIRE(again.orcpt == "x@y.test");
  REQUIRE(mta::decode_recipient_options("{}").value().notify.unspecified);
  for (const char* bad : {"", "[]", "{", "null", "\"x\""}) REQUIRE_FALSE(mta::decode_message_options(bad));
}
