// Teacher: brings what people moved into and out of Junk to spamd (dromos.spam.v1 Learn), in the background.
// The lessons wait in the store, so nothing is lost while spamd is away; teaching one twice is teaching it
// once.
#pragma once

#include "common/jobs/leased_runner.h"
#include "common/rpc/client.h"
#include "common/store/lessons.h"
#include "common/store/messages.h"

namespace dromos::imapd {

class Teacher {
 public:
  /// To be woken when there is a lesson.
  static constexpr std::string_view kJob = "imapd.teach";
  /// Adds its job to `jobs`. All live on the constructing reactor.
  Teacher(db::Pool& pool, store::BlobStore& blobs, jobs::LeasedRunner& jobs, rpc::Client::Options spamd);

 private:
  Task<Result<void>> run(jobs::JobContext& context);
  /// False: the message is gone, there is nothing to teach.
  Task<Result<bool>> teach(const store::Lesson& lesson, Deadline deadline);

  store::Lessons lessons_;
  store::Messages messages_;
  rpc::Client spamd_;
};

}  // namespace dromos::imapd
