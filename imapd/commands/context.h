// Context: one IMAP session as its commands see it: state, stream, output, the selected mailbox. The loop
// that reads commands is session/connection.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/net/stream.h"
#include "common/store/rights.h"
#include "imapd/protocol/command.h"
#include "imapd/protocol/reader.h"
#include "imapd/protocol/writer.h"
#include "imapd/service/worker.h"

namespace dromos::imapd {

enum class State : uint8_t { not_authenticated, authenticated, selected, logout };

/// The tagged answer of a command.
struct Reply {
  Status status = Status::ok;
  std::string code;
  std::string text;
};
inline Reply ok(std::string text, std::string code = {}) {
  return {Status::ok, std::move(code), std::move(text)};
}
inline Reply no(std::string_view code, std::string text) {
  return {Status::no, std::string(code), std::move(text)};
}
inline Reply bad(std::string text) {
  return {Status::bad, "", std::move(text)};
}

struct LiveSearch;

struct Selected {
  std::shared_ptr<SharedMailbox> mailbox;
  std::shared_ptr<ReaderView> view;  // of another account's mailbox
  VersionPtr seen;                   // what the client has been told
  std::string name;
  bool read_only = false;
  bool junk = false;                         // special use
  store::Rights rights = store::kAllRights;  // of this session's account
  size_t keyword_names = 0;                  // announced by FLAGS
  NumberSet saved;                           // uids of `$` (RFC 5182)
  NumberSet recent;                          // uids; always empty for IMAP4rev2
  VersionPtr current() const { return view ? mailbox->current(*view) : mailbox->current(); }
  /// \Seen is this reader's own (common/store/private_seen.h).
  bool own_seen() const {
    const OverlayPtr overlay = view ? current()->overlay() : nullptr;
    return overlay && overlay->is_private();
  }
  bool is_recent(uint32_t uid) const { return !recent.empty() && recent.contains(uid); }
  std::vector<std::shared_ptr<LiveSearch>> live;  // RETURN (UPDATE), RFC 5267
  /// Our own STORE.SILENT: what it did is not told, unless others changed more than we know.
  struct Silent {
    int64_t modseq = 0;
    StoreCommand::Change change = StoreCommand::Change::replace;
    uint8_t flags = 0;
    bool keywords = false;
    bool expected(const MessageItem& before, const MessageItem& after) const;
  };
  Silent silent;
};

/// What ENABLE (or a command that implies it) has turned on.
struct Enabled {
  bool rev2 = false;
  bool utf8 = false;      // UTF8=ACCEPT
  bool uid_only = false;  // UIDONLY: no message numbers, either way
  bool condstore = false;
  bool qresync = false;
};

struct AppendJob;
class Notify;
class MetadataWatch;
class Progress;

class Context final : public MailboxWatcher {
 public:
  Context(Worker& worker_in, net::Stream& stream_in);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Worker& worker;
  net::Stream& stream;
  CommandReader reader;
  Writer out;
  State state = State::not_authenticated;
  Enabled enabled;
  directory::Identity who;
  std::unique_ptr<Selected> selected;
  std::unique_ptr<Notify> notify;           // after the first NOTIFY
  std::unique_ptr<MetadataWatch> metadata;  // after ENABLE METADATA, or as NOTIFY has it
  std::unique_ptr<AppendJob> append;        // while the literals of an APPEND come in
  Progress* progress = nullptr;             // of the command under way, if it reports
  bool flushing = false;
  uint8_t failed_logins = 0;
  bool counted = false;  // against the account's limit
  bool idling = false;
  bool ending = false;  // drain or ended by an administrator: BYE when the command is over
  bool broken = false;  // the stream is: nothing more can be said
  std::string_view activity = "greeting";
  int64_t since_us = 0;
  TraceId trace;
  Event wake;

  AccountId account() const { return who.account; }
  /// Sends what is written. False: the connection is gone.
  Task<bool> flush();
  /// flush() if much is pending; for loops that write.
  Task<bool> flush_some();
  /// A line that is no command (SASL, DONE), without its CRLF; nothing: too long, or the connection is gone.
  Task<std::optional<std::string>> read_line(Deadline deadline);
  /// The client has closed its side and nothing of it is left to read: nobody waits for an answer.
  bool peer_gone() const;
  Deadline io_deadline() const;
  /// For reads and mutations of the store on behalf of one command.
  Deadline store_deadline() const { return Deadline::after(seconds(30)); }
  /// Asks the session to say BYE and end.
  void end();

  void select(std::unique_ptr<Selected> next);
  void unselect() { select(nullptr); }
  /// Whether the selected mailbox is another account's: its rights may change at any time.
  bool foreign() const { return selected && selected->mailbox->account() != account(); }
  void mailbox_changed() override;
  /// UNAUTHENTICATE: all that belongs to the account or was turned on by it, back to how it was before login.
  void forget_login();
  bool utf8() const { return enabled.rev2 || enabled.utf8; }
  void enable_rev2();
  void enable_utf8();
  /// The first command that needs CONDSTORE turns it on, and is told where the selected mailbox stands (RFC
  /// 7162 §3.1).
  void enable_condstore();
};

/// NO [NOPERM], or as if the mailbox did not exist for who may not look it up (RFC 4314 §6).
Error missing_right(store::Rights held);
/// The rights on a selected mailbox of another account as they are now. Without "r" the session ends.
Task<Result<void>> refresh_rights(Context& context);

/// STORE by this session's account in the selected mailbox, \Seen being its own where it is.
Task<Result<store::StoreResult>> store_flags(Context& context, const store::UidSet& uids, store::FlagOp op,
                                             store::FlagSet flags, std::optional<int64_t> unchanged);

/// "HIGHESTMODSEQ n" for the tagged OK of what took messages away (RFC 7162 §3.2.7); empty without QRESYNC.
std::string highest_modseq_code(const Context& context);

/// The message numbers a command names, in what the client was told. Errors are for BAD.
Result<NumberSet> numbers_of(const Context& context, const SequenceSet& set, bool uid);
/// Their uids.
Result<store::UidSet> uids_of(const Context& context, const SequenceSet& set, bool uid);
store::UidSet to_store(const NumberSet& set);
NumberSet from_store(const store::UidSet& set);
std::vector<uint32_t> list_of(const NumberSet& set);

/// NO with the code that fits (RFC 5530). One place for all failures of store and directory.
Reply reply_for(const Error& error);

}  // namespace dromos::imapd
