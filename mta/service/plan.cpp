#include "mta/service/plan.h"

#include "common/base/strings.h"
#include "mta/service/queue_options.h"
#include "mta/service/trace_events.h"

namespace dromos::mta {
namespace {

std::string message_options(const Envelope& envelope) {
  MessageOptions options;
  if (envelope.mail.ret == smtp::DsnReturn::full) options.ret = "full";
  if (envelope.mail.ret == smtp::DsnReturn::headers) options.ret = "hdrs";
  options.envid = envelope.mail.envid.value_or("");
  options.smtputf8 = envelope.mail.smtputf8;
  options.eight_bit = envelope.mail.body == smtp::Body::eight_bit_mime;
  return encode(options);
}

RecipientOptions recipient_options(const smtp::RcptTo& rcpt) {
  RecipientOptions options;
  options.notify = rcpt.notify;
  if (rcpt.orcpt) {
    options.orcpt_type = rcpt.orcpt->type;
    options.orcpt = rcpt.orcpt->address;
  }
  return options;
}

class Builder {
 public:
  Builder(const Envelope& envelope, const PreparedMessage& message, const Verdict& verdict,
          const PlanOptions& options)
      : envelope_(envelope), message_(message), options_(options), role_(verdict.spam ? "junk" : "inbox") {
    plan_.delivery.id = DeliveryId::make();
    if (!options.begin_trace) return;
    plan_.delivery.trace.push_back(received_event(envelope, message.queued));
    plan_.delivery.trace.push_back(scanned_event(envelope, verdict));
  }

  void add_mailboxes(const Targets& targets) {
    const size_t index = plan_.delivery.messages.size();
    plan_.delivery.messages.push_back(message_.for_mailboxes());
    for (const auto& [account, recipients] : targets.local) {
      store::LocalTarget target;
      target.message = index;
      target.account = account;
      target.role = role_;
      target.id = MessageId::make();
      plan_.delivery.targets.push_back(std::move(target));
      plan_.served.push_back(recipients);
      for (const size_t recipient : recipients)
        plan_.delivery.trace.push_back(delivered_event(envelope_, shown(recipient), account, role_));
    }
  }

  void add_queued_mailboxes(const Targets& targets) {
    for (const auto& [account, recipients] : targets.local) {
      RecipientOptions options = recipient_options(rcpt(recipients[0]));
      options.account = account;
      options.role = role_;
      add_queued(rcpt(recipients[0]).to.to_string(), "local", options, recipients[0]);
    }
  }

  void add_remote(const Targets& targets) {
    for (const Targets::Remote& remote : targets.remote)
      add_queued(remote.address, "smtp", recipient_options(rcpt(remote.recipient)), remote.recipient);
  }

  Plan take() { return std::move(plan_); }

 private:
  const smtp::RcptTo& rcpt(size_t index) const { return envelope_.recipients[index].rcpt; }
  std::string shown(size_t index) const { return rcpt(index).to.shown(); }

  store::QueueTarget& queue() {
    auto& list = plan_.delivery.queue;
    if (!list.empty()) return list[0];
    plan_.queues = true;
    store::QueueTarget& target = list.emplace_back();
    target.message = plan_.delivery.messages.size();
    plan_.delivery.messages.push_back(message_.for_queue());
    target.id = QueueId::make();
    target.body = Uuid::v7();
    if (envelope_.mail.from) target.sender = envelope_.mail.from->to_string();
    if (envelope_.user) target.account = envelope_.user->account;
    target.expires_us = options_.now_us + microseconds(options_.expire_after).count();
    target.options = message_options(envelope_);
    return target;
  }

  void add_queued(const std::string& address, const char* transport, const RecipientOptions& options,
                  size_t recipient) {
    store::QueueTarget& target = queue();
    store::QueueRecipient& row = target.recipients.emplace_back();
    row.address = address;
    row.domain = domain_of(address);
    row.transport = transport;
    row.due_us = options_.now_us;
    row.options = encode(options);
    plan_.delivery.trace.push_back(queued_event(envelope_, shown(recipient), address, transport, target.id));
  }

  const Envelope& envelope_;
  const PreparedMessage& message_;
  const PlanOptions& options_;
  const std::string role_;
  Plan plan_;
};

}  // namespace

std::string domain_of(const std::string& address) {
  return to_lower(std::string_view(address).substr(address.rfind('@') + 1));
}

Targets targets_of(const Envelope& envelope, const std::vector<size_t>& which,
                   const std::set<AccountId>& left_out) {
  Targets out;
  std::set<std::string> remotes;
  for (const size_t index : which) {
    for (const directory::Recipient& target : envelope.recipients[index].targets) {
      if (target.is_remote()) {
        if (remotes.insert(to_lower(target.address)).second) out.remote.push_back({target.address, index});
      } else if (!left_out.contains(target.account)) {
        out.local[target.account].push_back(index);
      }
    }
  }
  return out;
}

Plan make_plan(const Envelope& envelope, const Targets& targets, const PreparedMessage& message,
               const Verdict& verdict, const PlanOptions& options) {
  Builder builder(envelope, message, verdict, options);
  if (targets.needs_mailboxes())
    builder.add_mailboxes(targets);
  else
    builder.add_queued_mailboxes(targets);
  builder.add_remote(targets);
  return builder.take();
}

}  // namespace dromos::mta
