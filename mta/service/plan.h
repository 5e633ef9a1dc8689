// Plan: what one message to its recipients means for the store: one delivery with mailboxes, queue rows and
// trace. Pure decisions: each account gets a message once however many addresses lead to it; more than
// kMaxDirect accounts go through the queue (DESIGN §2.4); whoever refuses is left out by the caller.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "common/store/delivery.h"
#include "mta/service/backend.h"
#include "mta/service/prepared.h"
#include "mta/service/scanner.h"

namespace dromos::mta {

/// Accounts that get their mail in the commit; with more, all go into the queue in one commit.
inline constexpr size_t kMaxDirect = 50;

struct PlanOptions {
  int64_t now_us = 0;
  milliseconds expire_after{0};
  /// With what was received and scanned; off for all but the first recipient of LMTP.
  bool begin_trace = true;
};

struct Plan {
  store::Delivery delivery;
  /// For each of delivery.targets: which of the envelope's recipients it serves.
  std::vector<std::vector<size_t>> served;
  bool queues = false;
};

/// Local and remote targets of some of an envelope's recipients, each once.
struct Targets {
  std::map<AccountId, std::vector<size_t>> local;  ///< account: indexes of recipients
  struct Remote {
    std::string address;
    size_t recipient = 0;
  };
  std::vector<Remote> remote;

  bool needs_mailboxes() const { return !local.empty() && local.size() <= kMaxDirect; }
  bool empty() const { return local.empty() && remote.empty(); }
};

/// `which`: indexes into envelope.recipients.
Targets targets_of(const Envelope& envelope, const std::vector<size_t>& which,
                   const std::set<AccountId>& left_out);

Plan make_plan(const Envelope& envelope, const Targets& targets, const PreparedMessage& message,
               const Verdict& verdict, const PlanOptions& options);

/// The part after the last "@".
std::string domain_of(const std::string& address);

}  // namespace dromos::mta
