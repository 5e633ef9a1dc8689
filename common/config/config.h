// What a daemon must know to start: the contents of /etc/dromos/dromos.yaml, typed and checked. One file
// serves all daemons; each has a section. Everything else lives in the store and changes by REST.
//
//   auto config = config::load(path, config::Daemon::mta);   // environment DROMOS_<SECTION>__<KEY> wins
//   if (!config) { std::cerr << config.error().text(); return 78; }
//
// Defaults are the member initialisers below; deploy/dromos.yaml.example shows every key. load() reports all
// faults at once. Values here are plain and copyable; read-only once loaded, so threads may share them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/problems.h"
#include "common/config/types.h"

namespace dromos::config {

using namespace std::chrono_literals;

enum class Daemon : uint8_t { mta, imapd, jmapd, spamd, admind };
inline constexpr size_t kDaemonCount = 5;
/// "mta", "imapd", ...
std::string_view to_string(Daemon daemon);

struct Log {
  std::string level = "info";     ///< debug info warn error
  std::string format = "logfmt";  ///< logfmt json
};

struct Database {
  /// libpq conninfo without user and password; each daemon adds its role (conninfo_for).
  std::string conninfo = "host=/run/postgresql dbname=dromos";
  SecretText password;  ///< of the daemon's role; with peer or certificate authentication none is needed
  /// For `dromosctl migrate`, `check` and `admin create`.
  std::string owner_conninfo = "host=/run/postgresql dbname=dromos user=dromos_owner";
  uint32_t max_connections = 16;
  Duration idle_timeout = 30s;
  Duration connect_timeout = 5s;
  Duration statement_timeout = 30s;
};

struct Rpc {
  std::string dir = "/run/dromos";  ///< sockets are <dir>/<daemon>.sock
  /// Set: also listen by TCP with mutual TLS, on this address and ports 7401-7405.
  std::string tcp_host;
  /// gRPC target by daemon, where it is not the socket: "dns:///mail2:7401".
  std::array<std::string, kDaemonCount> targets;
  std::string ca;  ///< PEM files of mutual TLS
  std::string certificate;
  std::string key;
};

struct CertificatePair {
  std::string certificate;  ///< PEM: leaf first, then intermediates
  std::string key;
};

struct Tls {
  std::vector<CertificatePair> certificates;  ///< the first answers clients without, or with unknown, SNI
  std::string min_version = "1.2";            ///< 1.2 1.3
  /// PEM; imapd and the submission ports ask clients for certificates of it (EXTERNAL); empty: none asked
  /// for.
  std::string client_ca;
};

struct Dns {
  std::vector<SocketAddress> forwarders;  ///< none: resolve from the root
  std::string trust_anchor_file = "/usr/share/dns/root.key";
  std::string hosts_file;  ///< for tests: names answered from a file
};

/// Where mail's bytes lie. All daemons that read or write mail must be given the same.
struct Store {
  std::string blobs = "postgresql";  ///< postgresql folder
  std::string folder;                ///< absolute; owned by a group that all daemons are in
};

struct Listener {
  SocketAddress address;
  bool proxy_protocol = false;             ///< PROXY v1/v2 is required on each connection
  std::vector<std::string> proxy_trusted;  ///< peers (IP or prefix) that may send it; none: refused
};

/// What every daemon's section holds besides its own keys.
struct DaemonCommon {
  uint32_t workers = 0;   ///< reactor threads; 0: one a CPU, at most 8
  SocketAddress metrics;  ///< /metrics, /healthz, /readyz; default 127.0.0.1:7411 (mta) .. 7415 (admind)
  Duration drain_timeout = 30s;
};

struct MtaLimits {
  ByteSize message_size{50u << 20};
  uint32_t recipients = 1000;
  uint32_t connections = 2000;
  uint32_t connections_per_ip = 50;
  uint32_t errors = 20;                 ///< bad commands before 421
  ByteSize in_flight{256u << 20};       ///< bytes of all mail being received
  ByteSize memory_message{256u << 10};  ///< larger ones go to a temporary file
  Duration command_timeout = 5min;      ///< RFC 5321 §4.5.3.2
  Duration data_timeout = 10min;
};

struct MtaSpam {
  std::string when_down = "accept";  ///< accept (unscanned, marked) or defer (451)
  Duration timeout = 5s;
};

/// A smarthost. Written as "host:port", or a section.
struct MtaRelay {
  std::optional<HostPort> host;
  std::string tls = "opportunistic";  ///< none opportunistic required verified implicit
  std::string ca_file;                ///< for verified and implicit; default: the system's
  std::string user;                   ///< AUTH; none: do not log in
  SecretText password;
  std::vector<std::string> domains;  ///< recipients' domains that go there; none: all
};

/// A mail store that takes finished deliveries by LMTP. Written as an address, or a section.
struct MtaLmtpHost {
  std::string path;  ///< a Unix socket
  std::optional<HostPort> host;
  std::vector<std::string> domains;
};

struct MtaOutbound {
  std::optional<MtaRelay> relay;  ///< none: MX lookup
  std::optional<MtaLmtpHost> lmtp;
  uint16_t port = 25;  ///< of MX hosts; tests set another
  uint32_t concurrency = 50;
  uint32_t concurrency_per_domain = 5;
  Duration lease = 5min;
  Duration connect_timeout = 30s;
  Duration retry_min = 5min;
  Duration retry_max = 4h;
  Duration warn_after = 4h;      ///< when a delay report is sent
  Duration expire_after = 120h;  ///< a message's life in the queue
  Duration poll = 5s;            ///< how often the queue is looked at without a hint
  uint32_t max_leased = 1000;    ///< recipients a process holds at once
  Duration idle_connection = 3s;
  uint32_t idle_connections = 20;  ///< kept open for the next message
  Duration close_grace = 10s;      ///< for transactions under way at shutdown
};

struct Mta {
  DaemonCommon common;
  std::string hostname;  ///< in the greeting, EHLO and Received; default: the machine's
  std::vector<Listener> mx, submission, submissions, lmtp;
  MtaLimits limits;
  MtaSpam spam;
  MtaOutbound outbound;
  bool announce_plus = true;  ///< SCRAM with channel binding, in EHLO (taken in any case)
  std::string temp_dir = "/var/tmp";
};

struct ImapLimits {
  uint32_t connections = 10000;
  uint32_t connections_per_ip = 200;
  uint32_t connections_per_account = 100;
  ByteSize append_size{50u << 20};
  ByteSize line{64u << 10};
  ByteSize snapshot_budget{256u << 20};        ///< of all selected mailboxes
  ByteSize search_texts{256u << 20};           ///< of texts kept for SEARCH BODY and TEXT; 0: none
  ByteSize header_fields{64u << 20};           ///< of header fields kept for FETCH; 0: none
  ByteSize recent_messages{32u << 20};         ///< of messages that were fetched a moment ago; 0: none
  uint32_t messages_per_command = 100'000;     ///< MESSAGELIMIT (RFC 9738); 0: not announced
  uint32_t messages_per_command_enforced = 0;  ///< 0: nobody is held to it
  Duration login_timeout = 1min;
  Duration idle_timeout = 30min;       ///< RFC 9051 §5.4
  Duration pop3_idle_timeout = 10min;  ///< RFC 1939 §3: no less than that
};

/// Text of PDF and Office attachments, by the program dromos-extract.
struct ImapExtract {
  bool enabled = true;
  std::string program;          ///< absolute; default: /usr/libexec/dromos/dromos-extract, if it is there
  Duration timeout = 20s;       ///< for a document
  ByteSize memory{512u << 20};  ///< of the program
  ByteSize document_size{32u << 20};  ///< larger ones are not read
};

struct Imapd {
  DaemonCommon common;
  std::string hostname;
  std::vector<Listener> imap, imaps, pop3, pop3s;
  bool plaintext_login = false;  ///< allow passwords without TLS, in IMAP and POP3; for tests
  bool indexer = true;           ///< write the word index in the background
  ImapExtract extract;
  bool unauthenticate = true;  ///< offer UNAUTHENTICATE (RFC 8437 §8: to be turned off behind some proxies)
  Duration progress =
      10s;  ///< between reports of a long command (INPROGRESS, RFC 9585); 0: at every step, for tests
  /// Logins that may read and set everybody's quota by IMAP (QUOTASET, RFC 9208 §4.1.3).
  std::vector<std::string> quota_admins;
  ImapLimits limits;
};

struct JmapLimits {
  uint32_t connections = 10000;
  uint32_t connections_per_ip = 200;
  ByteSize upload_size{50u << 20};
  ByteSize request_size{10u << 20};
  uint32_t concurrent_requests = 8;
  uint32_t calls_in_request = 32;
  uint32_t objects_in_get = 1000;
  uint32_t objects_in_set = 1000;
  Duration request_timeout = 60s;
};

struct Jmapd {
  DaemonCommon common;
  std::vector<Listener> http, https;
  std::string base_url;  ///< as clients see it, "https://mail.example.org"; default: from the Host header
  JmapLimits limits;
};

struct Spamd {
  DaemonCommon common;
  uint32_t scan_threads = 0;     ///< 0: one a CPU
  ByteSize scan_size{1u << 20};  ///< bytes of a message that are looked at
  Duration model_refresh = 2s;   ///< how often to look for what other nodes learned: one indexed row
};

struct Admind {
  DaemonCommon common;
  std::vector<Listener> http, https;
  std::string base_url;
  uint32_t connections = 1000;
  ByteSize request_size{64u << 20};  ///< bulk imports
};

struct Config {
  std::string path;  ///< of the file read
  Log log;
  Database database;
  Rpc rpc;
  Tls tls;
  Dns dns;
  Store store;
  Mta mta;
  Imapd imapd;
  Jmapd jmapd;
  Spamd spamd;
  Admind admind;

  const DaemonCommon& common(Daemon daemon) const;
};

/// Reads and checks the whole file; reads secret files only as `daemon` needs them (nullopt: none, for
/// tools). `environment` is in the form of environ; nullptr: no overrides.
Checked<Config> load(const std::string& path, std::optional<Daemon> daemon, char** environment);
/// With the process's environment.
Checked<Config> load(const std::string& path, std::optional<Daemon> daemon);
/// The same from text; `path` is only for messages.
Checked<Config> parse(std::string_view yaml, const std::string& path, std::optional<Daemon> daemon,
                      char** environment);

/// libpq conninfo for a daemon: database.conninfo, user=dromos_<daemon> (unless conninfo names a user),
/// password, application_name and connect_timeout.
std::string conninfo_for(const Config& config, Daemon daemon);
/// gRPC target: rpc.targets, or unix:<dir>/<daemon>.sock.
std::string rpc_target(const Config& config, Daemon daemon);
/// The socket this daemon serves.
std::string rpc_socket(const Config& config, Daemon daemon);
/// 7401 (mta) .. 7405 (admind).
uint16_t rpc_port(Daemon daemon);
/// Worker threads after the default is applied.
uint32_t worker_count(const Config& config, Daemon daemon);

}  // namespace dromos::config
