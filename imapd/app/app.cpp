#include "imapd/app/app.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/directory/login_state.h"
#include "common/log/log.h"
#include "common/store/collector.h"
#include "imapd/app/room.h"
#include "imapd/pop3/sent_sizes.h"
#include "imapd/service/arrivals.h"
#include "imapd/service/header_cache.h"
#include "imapd/service/key_cache.h"
#include "imapd/service/recent_messages.h"
#include "imapd/service/text_cache.h"

namespace dromos::imapd {
namespace {

constexpr milliseconds kUnlinkEvery{3600000};
constexpr milliseconds kPollInterval{10000};      // behind lost hints
constexpr milliseconds kAttachmentsEvery{60000};  // behind the indexer's word
constexpr const char* kExtract = "/usr/libexec/dromos/dromos-extract";
constexpr seconds kKeepTexts{600};  // after the last search in them

Task<std::unique_ptr<SessionHost>> make_host(daemon::Runtime& runtime, Worker::Options options) {
  co_return std::make_unique<SessionHost>(runtime, std::move(options));
}

Task<void> end_all(SessionHost& host) {
  host.end_all();
  co_return;
}

Task<void> drain_host(SessionHost& host, Deadline deadline) {
  co_await host.drain(deadline);
}

// The host dies on its own thread: its pool's timers belong there.
Task<void> destroy_host(std::unique_ptr<SessionHost> host) {
  host.reset();
  co_return;
}

Task<std::vector<SessionInfo>> sessions_of(SessionHost& host, AccountId account) {
  co_return host.list(account);
}

Task<int32_t> end_sessions(SessionHost& host, AccountId account, std::string id) {
  co_return host.end(account, id);
}

}  // namespace

Task<Result<void>> ImapApp::start(daemon::Runtime& runtime) {
  runtime_ = &runtime;
  home_ = &Reactor::current();
  CO_TRY_VOID(co_await make_hosts());
  CO_TRY_VOID(listen());
  serve_rpc();
  start_jobs();
  subscribe();
  group_.spawn(poll(group_.token()));
  runtime.watch_database(hosts_.front()->worker().pool);
  co_return Result<void>{};
}

Task<Result<void>> ImapApp::make_hosts() {
  const config::Config& config = runtime_->config();
  const size_t count = runtime_->workers().count();
  Worker::Options options;
  options.pool.conninfo = runtime_->conninfo();
  options.pool.max = std::max<size_t>(6, config.database.max_connections / count);
  options.pool.by_index = true;
  mailboxes_ = MailboxCache::make(config.imapd.limits.snapshot_budget.bytes);
  options.mailboxes = mailboxes_;
  accounts_ = std::make_shared<AccountWatch>();
  options.accounts = accounts_;
  options.keys = std::make_shared<KeyCache>(config.imapd.limits.snapshot_budget.bytes / 2);
  texts_ = std::make_shared<TextCache>(config.imapd.limits.search_texts.bytes);
  options.texts = texts_;
  headers_ = std::make_shared<HeaderCache>(config.imapd.limits.header_fields.bytes);
  options.headers = headers_;
  recent_ = std::make_shared<RecentMessages>(config.imapd.limits.recent_messages.bytes);
  options.recent = recent_;
  options.sent = std::make_shared<pop3::SentCache>();
  commit_pool_ = std::make_unique<db::Pool>(options.pool);
  store::GroupCommit::Options commit;
  commit.on_stored = [mailboxes = mailboxes_, recent = recent_](std::span<const store::Stored> stored) {
    take_arrivals(*mailboxes, *recent, stored);
  };
  commit_ = std::make_unique<store::GroupCommit>(*commit_pool_, std::move(commit));
  options.commit = commit_.get();
  options.blob_folder = config.store.folder;
  options.logins = std::make_shared<directory::LoginState>();
  options.limits = std::make_shared<Limits>(config.imapd.limits.connections_per_ip,
                                            config.imapd.limits.connections_per_account);
  options.config = &config.imapd;
  options.has_tls = runtime_->tls_for_people() != nullptr;
  options.tls = [runtime = runtime_] { return runtime->tls_for_people(); };
  options.publish = [this](store::Change change) {
    runtime_->hints().publish({{change.account, change.modseq}});
    spread(change);
  };
  options.junk_moved = [this] { spread({store::kLessonHint, 0}); };
  options.many_flagged = [this] {
    home_->post([this] {
      if (jobs_) jobs_->wake(FlagFolder::kJob);
    });
  };
  const uint32_t wanted = config.imapd.limits.connections;
  options.connections = room_for_connections(wanted, descriptors_allowed());
  if (options.connections < wanted)
    log::info("descriptors.few", {{"connections", options.connections}, {"configured", wanted}});
  hosts_.resize(count);
  for (size_t i = 0; i < count; ++i)
    hosts_[i] = co_await runtime_->on_worker(i, make_host(*runtime_, options));
  // A first connection, for /readyz and to fail early in the log; the daemon starts without a database, too.
  const auto probe = co_await hosts_.front()->worker().directory.config_epoch(Deadline::after(seconds(2)));
  if (!probe) log::warn("database.absent", {{"err", probe.error()}});
  co_return Result<void>{};
}

Result<void> ImapApp::listen() {
  const auto open = [this](const std::string& name, const std::vector<config::Listener>& listeners,
                           Protocol protocol, bool implicit_tls) {
    return runtime_->listen(name, listeners, [this, protocol, implicit_tls](daemon::Incoming incoming) {
      const size_t worker = incoming.worker;
      hosts_[worker]->accept(std::move(incoming), protocol, implicit_tls);
    });
  };
  const auto& config = runtime_->config().imapd;
  TRY_VOID(open("imap", config.imap, Protocol::imap, false));
  TRY_VOID(open("imaps", config.imaps, Protocol::imap, true));
  TRY_VOID(open("pop3", config.pop3, Protocol::pop3, false));
  return open("pop3s", config.pop3s, Protocol::pop3, true);
}

void ImapApp::start_jobs() {
  job_pool_ = std::make_unique<db::Pool>(db::Pool::Options{.conninfo = runtime_->conninfo(), .max = 4});
  jobs_ = std::make_unique<jobs::LeasedRunner>(*job_pool_, jobs::LeasedRunner::Options{});
  job_blobs_ = store::make_blob_store(*job_pool_, runtime_->config().store.folder);
  Indexer::Options indexing{.enabled = runtime_->config().imapd.indexer};
  indexing.blobs = job_blobs_.get();
  indexing.rewritten = [texts = texts_](AccountId account) { texts->forget(account); };
  start_attachments();
  if (attachments_) indexing.attachments_wait = [this] { attachment_jobs_->wake(AttachmentJob::kJob); };
  indexer_ = std::make_unique<Indexer>(*job_pool_, *jobs_, std::move(indexing));
  teacher_ =
      std::make_unique<Teacher>(*job_pool_, *job_blobs_, *jobs_, runtime_->rpc_to(config::Daemon::spamd));
  flag_folder_ = std::make_unique<FlagFolder>(*job_pool_, *jobs_);
  if (const std::string& folder = runtime_->config().store.folder; !folder.empty())
    jobs_->add("imapd.unlink_blobs", kUnlinkEvery,
               [this, folder](jobs::JobContext& context) { return unlink_blobs(context, folder); });
  jobs_->start();
}

void ImapApp::start_attachments() {
  const config::Imapd& config = runtime_->config().imapd;
  if (!config.extract.enabled || !config.indexer) return;
  const std::string program = config.extract.program.empty() ? kExtract : config.extract.program;
  if (access(program.c_str(), X_OK) != 0) {
    // Another one named but absent is a fault; not installed is a choice.
    const log::Level level = program == kExtract ? log::Level::info : log::Level::error;
    log::write(level, "extract.absent", {{"program", program}, {"err", std::strerror(errno)}});
    return;
  }
  AttachmentJob::Options options;
  options.helper = {program, config.extract.memory.bytes, config.extract.timeout};
  options.document_bytes = config.extract.document_size.bytes;
  options.rewritten = [texts = texts_](AccountId account,
                                       const std::vector<store::Attachments::Place>& places) {
    for (const auto& place : places) texts->forget(account, place.mailbox, TextChunk::index_of(place.uid));
  };
  attachments_ = std::make_unique<AttachmentJob>(*job_pool_, *job_blobs_, std::move(options));
  attachment_jobs_ = std::make_unique<jobs::LeasedRunner>(*job_pool_, jobs::LeasedRunner::Options{});
  attachment_jobs_->add(AttachmentJob::kJob, kAttachmentsEvery,
                        [this](jobs::JobContext& context) { return attachments_->run(context); });
  attachment_jobs_->start();
}

/// Files of mail that is gone, a day after the last reader can have looked their name up.
Task<Result<void>> ImapApp::unlink_blobs(jobs::JobContext& context, std::string folder) {
  store::Collector collector(*job_pool_);
  int64_t gone = store::Collector::kSlice;
  while (gone == store::Collector::kSlice && co_await context.slice()) {
    CO_TRY(gone, co_await collector.unlink_files(folder, context.limit()));
    context.count(gone);
  }
  co_return Result<void>{};
}

void ImapApp::spread(store::Change change) {
  if (change.account == kSharing) {  // the modseq is another's: read it
    home_->post([this] { poll_now_.set(); });
    return;
  }
  if (change.account == store::kLessonHint) {
    home_->post([this] {
      if (jobs_) jobs_->wake(Teacher::kJob);
    });
    return;
  }
  indexer_->hint(change.account);
  accounts_->moved(change);
  if (hosts_.empty()) return;
  auto behind = mailboxes_->to_follow(change);
  if (behind.empty()) return;
  // Always the same worker for an account: its reads come one after the other anyway.
  const size_t index = static_cast<size_t>(change.account.value) % hosts_.size();
  SessionHost* host = hosts_[index].get();
  runtime_->workers().reactor(index).post(
      [host, behind = std::move(behind)] { host->worker().registry.follow(behind); });
}

void ImapApp::subscribe() {
  rpc::HintSubscriber::Callbacks callbacks;
  callbacks.changed = [this](const std::vector<rpc::Hint>& hints) {
    for (const rpc::Hint& hint : hints) spread({hint.account, hint.modseq});
  };
  callbacks.epoch = [this](int64_t epoch) {
    for (size_t i = 0; i < hosts_.size(); ++i) {
      SessionHost* host = hosts_[i].get();
      runtime_->workers().reactor(i).post([host, epoch] { host->worker().directory.note_epoch(epoch); });
    }
  };
  callbacks.resync = [this](const std::string&) { poll_now_.set(); };
  hints_ = std::make_unique<rpc::HintSubscriber>("imapd", std::move(callbacks));
  for (const auto peer : {config::Daemon::mta, config::Daemon::jmapd, config::Daemon::admind})
    hints_->watch(std::string(config::to_string(peer)), runtime_->rpc_to(peer));
}

void ImapApp::serve_rpc() {
  struct Calls {
    static Task<std::vector<SessionInfo>> list(ImapApp& app, AccountId account) {
      std::vector<SessionInfo> all;
      for (size_t i = 0; i < app.hosts_.size(); ++i) {
        auto some = co_await app.runtime_->on_worker(i, sessions_of(*app.hosts_[i], account));
        std::move(some.begin(), some.end(), std::back_inserter(all));
      }
      co_return all;
    }
    static Task<int32_t> end(ImapApp& app, AccountId account, std::string id) {
      int32_t count = 0;
      for (size_t i = 0; i < app.hosts_.size(); ++i)
        count += co_await app.runtime_->on_worker(i, end_sessions(*app.hosts_[i], account, id));
      co_return count;
    }
  };
  SessionsBackend backend;
  backend.list = [this](AccountId account) { return Calls::list(*this, account); };
  backend.end = [this](AccountId account, std::string id) {
    return Calls::end(*this, account, std::move(id));
  };
  serve_sessions(runtime_->rpc(), std::move(backend));
}

Task<void> ImapApp::poll(CancelToken token) {
  while (!token.cancelled()) {
    poll_now_.reset();
    const Wake wake = co_await poll_now_.wait(Deadline::after(kPollInterval), token);
    if (wake == Wake::cancelled) co_return;
    texts_->drop_idle(kKeepTexts);
    headers_->drop_idle(kKeepTexts);
    recent_->drop_idle(kKeepTexts);
    const auto polled = co_await poll_once();
    if (!polled) log::warn("poll.failed", {{"err", polled.error()}});
  }
}

Task<Result<void>> ImapApp::poll_once() {
  std::vector<store::Change> asked = mailboxes_->watched();
  const std::vector<store::Change> whole = accounts_->watched();
  asked.insert(asked.end(), whole.begin(), whole.end());
  if (asked.empty()) co_return Result<void>{};
  Worker& worker = hosts_.front()->worker();
  const Deadline deadline = Deadline::after(kPollInterval);
  if (std::erase_if(asked, [](const store::Change& one) { return one.account == kSharing; }) > 0) {
    CO_TRY(const int64_t modseq, co_await worker.sharing.modseq(deadline));
    accounts_->moved({kSharing, modseq});
  }
  CO_TRY(const auto moved, co_await worker.changes.moved(std::move(asked), deadline));
  for (const store::Change& change : moved) spread(change);
  co_return Result<void>{};
}

Task<void> ImapApp::close_jobs() {
  if (!jobs_) co_return;
  co_await jobs_->close();
  if (attachment_jobs_) co_await attachment_jobs_->close();
  co_await indexer_->close();
  attachments_.reset();
  teacher_.reset();
  flag_folder_.reset();
  co_await job_pool_->close();
}

Task<void> ImapApp::drain(Deadline deadline) {
  // Sessions first: poll and jobs may be inside a statement, which a busy server answers late.
  for (size_t i = 0; i < hosts_.size(); ++i) co_await runtime_->on_worker(i, end_all(*hosts_[i]));
  TaskGroup background;
  background.spawn(close_jobs());
  co_await group_.close();
  if (hints_) co_await hints_->close();
  std::vector<Task<void>> drains;
  for (size_t i = 0; i < hosts_.size(); ++i)
    drains.push_back(runtime_->on_worker(i, drain_host(*hosts_[i], deadline)));
  TaskGroup together;
  for (auto& drain : drains) together.spawn(std::move(drain));
  co_await together.join();
  co_await background.join();
  auto hosts = std::exchange(hosts_, {});  // calls that still come find none
  for (size_t i = 0; i < hosts.size(); ++i)
    co_await runtime_->on_worker(i, destroy_host(std::move(hosts[i])));
  if (commit_) {
    co_await commit_->close();
    co_await commit_pool_->close();
  }
}

}  // namespace dromos::imapd
