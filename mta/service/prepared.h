// A message made ready for the store: facts, search text and thread keys computed once, bytes in a spool.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/task.h"
#include "common/store/delivery.h"
#include "mta/service/spool.h"

namespace dromos::mta {

struct PreparedMessage {
  std::shared_ptr<const Spool> spool;
  std::string_view local;   ///< with Return-Path
  std::string_view queued;  ///< without: the tail of `local`
  TraceId trace;
  int64_t received_us = 0;
  std::string facts;
  std::string text;
  bool text_truncated = false;
  std::vector<int64_t> thread_keys;

  store::NewMessage for_mailboxes() const;
  store::NewMessage for_queue() const;
};

/// Computes what mailboxes need, on the offload pool where the message is large. Never fails: hostile content
/// gives minimal facts.
Task<void> compute_facts(PreparedMessage& message);

/// The same for bytes made here (a DSN).
store::NewMessage message_of(std::string raw, TraceId trace, int64_t received_us);

}  // namespace dromos::mta
