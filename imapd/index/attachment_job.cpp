#include "imapd/index/attachment_job.h"

#include <optional>

#include "common/async/offload.h"
#include "common/base/strings.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "common/store/codec.h"
#include "imapd/index/attachment.h"
#include "imapd/index/document.h"

namespace dromos::imapd {
namespace {

constexpr size_t kLongest = 256 * 1024 * 1024;  // of a message's bytes

Deadline call_deadline() {
  return Deadline::after(seconds(30));
}

std::string_view name_of(const ExtractProcess::Reading& reading) {
  using End = ExtractProcess::End;
  if (reading.end != End::answered) return reading.end == End::died ? "died" : "timeout";
  switch (reading.outcome) {
    case extract::Outcome::text:
      return reading.text.empty() ? "none" : "text";
    case extract::Outcome::unknown:
      return "unknown";
    case extract::Outcome::encrypted:
      return "encrypted";
    case extract::Outcome::broken:
      return "broken";
    case extract::Outcome::too_large:
      break;
  }
  return "large";
}

void count(std::string_view result) {
  metrics::counter("dromos_imapd_attachments_total", "PDF and Office attachments read for searching.",
                   {{"result", std::string(result)}})
      .add(1);
}

Task<Result<void>> done() {
  co_return Result<void>{};
}

}  // namespace

struct AttachmentJob::Message {
  std::string raw;
  mime::Facts facts;
  std::vector<uint32_t> documents;
  std::vector<mime::AttachedText> texts;
  store::Attachments::Done done;

  void note(uint32_t part, const ExtractProcess::Reading& reading) {
    const std::string_view name = name_of(reading);
    count(name);
    if (name == "text") {
      ++done.texts;
      texts.push_back({part, clean_utf8(reading.text)});
    } else if (name != "none") {
      ++done.failures;
      if (done.reason.empty()) done.reason = name;
    }
  }
  void finish(MessageId id) {
    const std::string text = mime::search_text(raw, facts, texts, &done.truncated);
    done.has_text = true;
    done.packed = store::pack(text);
    done.document = document_of(id, text);
    set_language(done.document);
  }
};

AttachmentJob::AttachmentJob(db::Pool& pool, store::BlobStore& blobs, Options options)
    : attachments_(pool),
      messages_(pool, blobs),
      blobs_(blobs),
      options_(std::move(options)),
      helper_(options_.helper) {}

Task<Result<void>> AttachmentJob::run(jobs::JobContext& context) {
  Result<void> result;
  while (!context.stopping()) {
    const auto waiting = co_await attachments_.next(turn_, call_deadline());
    if (!waiting) result = fail(waiting.error());
    if (!waiting || !*waiting) break;
    // Before an attempt is counted: where it cannot be run, all of them wait.
    result = co_await helper_.ready(context.token());
    if (result) result = co_await one(context, **waiting);
    if (!result) break;
    turn_ = (*waiting)->account;
    context.count(1);
  }
  co_await helper_.stop();
  if (context.stopping()) context.again();
  if (!result && result.error().is(Errc::cancelled)) co_return Result<void>{};
  co_return result;
}

Task<Result<void>> AttachmentJob::one(jobs::JobContext& context, store::Attachments::Waiting waiting) {
  CO_TRY(const bool begun, co_await attachments_.begin(waiting, call_deadline()));
  if (!begun) {
    log::warn("attachment.given_up", {{"account", waiting.account}, {"message", waiting.message}});
    co_return Result<void>{};
  }
  Message message;
  CO_TRY(const bool there, co_await load(message, waiting));
  if (there) {
    CO_TRY_VOID(co_await read_documents(context, message));
    co_await offload([&message, id = waiting.message] { message.finish(id); });
  } else {
    message.done.reason = "unreadable";
  }
  if (!message.done.reason.empty())
    log::info("attachment.unread", {{"account", waiting.account},
                                    {"message", waiting.message},
                                    {"documents", message.documents.size()},
                                    {"failed", message.done.failures},
                                    {"reason", message.done.reason}});
  CO_TRY(const auto places, co_await attachments_.put(waiting, std::move(message.done), call_deadline()));
  if (there && options_.rewritten) options_.rewritten(waiting.account, places);
  co_return Result<void>{};
}

/// False: its bytes are gone or damaged.
Task<Result<bool>> AttachmentJob::load(Message& message, const store::Attachments::Waiting& waiting) {
  std::optional<store::BlobHash> blob;
  auto on_facts = [&blob](const store::MessageFacts& facts) {
    blob = facts.blob;
    return done();
  };
  std::vector<MessageId> ids{waiting.message};
  CO_TRY_VOID(co_await messages_.facts_of(waiting.account, std::move(ids), on_facts, call_deadline()));
  if (!blob) co_return false;
  auto raw = co_await blobs_.read_all(waiting.account, *blob, kLongest, call_deadline());
  if (!raw && raw.error().may_retry()) co_return fail(raw.error());
  if (!raw) co_return false;
  message.raw = std::move(*raw);
  co_await offload([&message] {
    message.facts = mime::build_facts(message.raw);
    message.documents = documents_in(message.facts);
  });
  co_return true;
}

Task<Result<void>> AttachmentJob::read_documents(jobs::JobContext& context, Message& message) {
  const Deadline enough = Deadline::after(options_.helper.timeout * kTimesOfMessage);
  for (const uint32_t part : message.documents) {
    ExtractProcess::Reading reading;
    reading.end = ExtractProcess::End::timed_out;
    if (!enough.passed()) {
      std::string bytes =
          co_await offload([&message, part] { return document_bytes(message.raw, message.facts, part); });
      reading.end = ExtractProcess::End::answered;
      reading.outcome = extract::Outcome::too_large;
      if (bytes.size() <= options_.document_bytes) {
        CO_TRY(reading, co_await read(std::move(bytes), context.token()));
      }
    }
    message.note(part, reading);
  }
  co_return Result<void>{};
}

/// A process that died may have been killed for no fault of the document: it has a second try.
Task<Result<ExtractProcess::Reading>> AttachmentJob::read(std::string document, CancelToken token) {
  constexpr auto kLimit = static_cast<uint32_t>(mime::kMaxSearchText);
  static_assert(kLimit <= extract::kMaxText);
  CO_TRY(auto reading, co_await helper_.read(document, kLimit, token));
  if (reading.end == ExtractProcess::End::died) {
    log::warn("extract.died", {{"bytes", document.size()}});
    CO_TRY(reading, co_await helper_.read(std::move(document), kLimit, token));
  }
  co_return reading;
}

}  // namespace dromos::imapd
