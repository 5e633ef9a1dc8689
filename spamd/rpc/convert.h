// Between dromos.spam.v1 messages and the engine's types: checks what came over the wire, writes answers.
#pragma once

#include <string>

#include "common/base/ids.h"
#include "common/base/result.h"
#include "spamd/service/engine.h"

namespace dromos::spam::v1 {
class Envelope;
class LearnRequest;
class Message;
class ScanResponse;
}  // namespace dromos::spam::v1

namespace dromos::spamd {

/// Larger messages are refused (spam.proto).
inline constexpr size_t kMaxMessage = 64u << 20;
/// More recipients than this are not looked at.
inline constexpr int kMaxRecipients = 1000;

/// The message's bytes; invalid_argument if there are none, limit_exceeded if too many.
Result<std::string> take_message(spam::v1::Message& message);
/// Refuses a trace id that is neither empty nor 16 bytes.
Result<void> check_trace_id(const std::string& bytes);
Envelope take_envelope(const spam::v1::Envelope& envelope);

struct Teaching {
  Uuid learn_id;
  Label label = Label::ham;
  AccountId account;
  bool forget = false;
};
Result<Teaching> take_teaching(const spam::v1::LearnRequest& request);

void write_result(const ScanResult& result, spam::v1::ScanResponse& out);

}  // namespace dromos::spamd
