// ImapApp: wires the daemon: a SessionHost per worker, listeners, hints from the other daemons, the slow poll
// behind them, and the sessions service.
#pragma once

#include <memory>
#include <vector>

#include "common/daemon/runtime.h"
#include "common/jobs/leased_runner.h"
#include "imapd/app/session_host.h"
#include "imapd/index/attachment_job.h"
#include "imapd/index/indexer.h"
#include "imapd/learn/teacher.h"
#include "imapd/service/flag_folder.h"

namespace dromos::imapd {

class ImapApp final : public daemon::App {
 public:
  Task<Result<void>> start(daemon::Runtime& runtime) override;
  Task<void> drain(Deadline deadline) override;

 private:
  Task<Result<void>> make_hosts();
  Result<void> listen();
  void subscribe();
  void start_jobs();
  void start_attachments();
  Task<Result<void>> unlink_blobs(jobs::JobContext& context, std::string folder);
  void serve_rpc();
  /// The account has moved: a worker looks, if sessions have a mailbox of it selected. Thread-safe.
  void spread(store::Change change);
  Task<void> poll(CancelToken token);
  Task<void> close_jobs();
  Task<Result<void>> poll_once();

  daemon::Runtime* runtime_ = nullptr;
  Reactor* home_ = nullptr;                          // the main one
  std::vector<std::unique_ptr<SessionHost>> hosts_;  // by worker; each is used on its own thread
  std::shared_ptr<MailboxCache> mailboxes_;          // of all workers
  std::shared_ptr<TextCache> texts_;                 // likewise
  std::shared_ptr<HeaderCache> headers_;
  std::shared_ptr<RecentMessages> recent_;
  std::shared_ptr<AccountWatch> accounts_;  // of all workers
  // APPENDs of all workers, at home on the main reactor: those to one account never wait for each other's
  // lock.
  std::unique_ptr<db::Pool> commit_pool_;
  std::unique_ptr<store::GroupCommit> commit_;
  std::unique_ptr<rpc::HintSubscriber> hints_;
  // Background work on the main reactor, with connections of its own: it must not make sessions wait.
  std::unique_ptr<db::Pool> job_pool_;
  std::unique_ptr<jobs::LeasedRunner> jobs_;
  std::unique_ptr<Indexer> indexer_;
  std::unique_ptr<store::BlobStore> job_blobs_;
  std::unique_ptr<Teacher> teacher_;
  std::unique_ptr<FlagFolder> flag_folder_;
  // A runner of its own: documents may take long, and the other jobs run one at a time.
  std::unique_ptr<jobs::LeasedRunner> attachment_jobs_;
  std::unique_ptr<AttachmentJob> attachments_;
  Event poll_now_;
  TaskGroup group_;
};

}  // namespace dromos::imapd
