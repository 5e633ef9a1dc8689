// AttachmentJob: reads what waits in mail.attachment_text (common/store/attachments.h) by dromos-extract, in
// a leased job of its own: documents may take seconds, and indexing must not wait for them. One process, one
// document at a time; accounts take turns. A message's search text is made anew from its bytes with the texts
// of its documents in it, and so are its words, in one transaction.
//
//   attachments.emplace(pool, blobs, AttachmentJob::Options{.helper = {.program = path}});
//   runner.add(AttachmentJob::kJob, interval, [&](jobs::JobContext& context) { return
//   attachments->run(context); }); runner.wake(AttachmentJob::kJob);             // after Attachments::wait()
//
// Metrics: dromos_imapd_attachments_total{result=text|none|unknown|encrypted|broken|large|died|timeout}.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/jobs/leased_runner.h"
#include "common/mime/text.h"
#include "common/store/attachments.h"
#include "common/store/messages.h"
#include "imapd/index/extract_process.h"

namespace dromos::imapd {

class AttachmentJob {
 public:
  static constexpr const char* kJob = "imapd.attachments";
  /// Of what one message may keep the helper busy, in its time for one document.
  static constexpr int kTimesOfMessage = 3;

  struct Options {
    ExtractProcess::Options helper;
    uint64_t document_bytes = uint64_t{32} << 20;  ///< larger ones are not read
    /// Texts of these messages of an account were written anew.
    std::function<void(AccountId, const std::vector<store::Attachments::Place>&)> rewritten;
  };
  AttachmentJob(db::Pool& pool, store::BlobStore& blobs, Options options);

  Task<Result<void>> run(jobs::JobContext& context);

 private:
  struct Message;  // under work
  Task<Result<void>> one(jobs::JobContext& context, store::Attachments::Waiting waiting);
  Task<Result<bool>> load(Message& message, const store::Attachments::Waiting& waiting);
  Task<Result<void>> read_documents(jobs::JobContext& context, Message& message);
  Task<Result<ExtractProcess::Reading>> read(std::string document, CancelToken token);

  store::Attachments attachments_;
  store::Messages messages_;
  store::BlobStore& blobs_;
  Options options_;
  ExtractProcess helper_;
  AccountId turn_;  // the account that was served last
};

}  // namespace dromos::imapd
