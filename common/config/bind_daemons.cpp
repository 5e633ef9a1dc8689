// The section of each daemon.
#include <utility>

#include "common/config/bind.h"

namespace dromos::config {

namespace {

constexpr Reader::Range kPositive{1, 1'000'000};

void bind_common(Reader& r, DaemonCommon& out) {
  r.optional("workers", out.workers, {0, 256});
  r.optional("metrics", out.metrics);
  r.optional("drain_timeout", out.drain_timeout);
}

/// One listener: an address, or a section with `address` and PROXY protocol settings.
Listener read_listener(Reader& parent, const Node& node, const std::string& name) {
  Listener out;
  if (node.kind != Node::Kind::map) {
    Node wrapped;
    wrapped.kind = Node::Kind::map;
    wrapped.where = node.where;
    wrapped.entries.emplace_back("address", node);
    Reader inner(wrapped, name, parent.problems());
    inner.required("address", out.address);
    return out;
  }
  Reader inner(node, name, parent.problems());
  inner.required("address", out.address);
  inner.optional("proxy_protocol", out.proxy_protocol);
  inner.optional("proxy_trusted", out.proxy_trusted);
  if (out.proxy_protocol && out.proxy_trusted.empty()) {
    inner.fail("proxy_protocol", "needs proxy_trusted: who may send it");
  }
  return out;
}

void listeners(Reader& r, std::string_view key, std::vector<Listener>& out) {
  r.each(key,
         [&](const Node& node, const std::string& name) { out.push_back(read_listener(r, node, name)); });
}

void base_url(Reader& r, std::string& out) {
  r.optional("base_url", out);
  while (out.ends_with('/')) out.pop_back();
  if (!out.empty() && !out.starts_with("https://") && !out.starts_with("http://")) {
    r.fail("base_url", "found \"" + out + "\"; allowed: a URL such as https://mail.example.org");
  }
}

void hostname(Reader& r, std::string& out) {
  r.optional("hostname", out);
  if (!out.empty() && !is_host_name(out)) {
    r.fail("hostname", "found \"" + out + "\"; allowed: a host name such as mail.example.org");
  }
}

void bind_limits(Reader& r, MtaLimits& out) {
  r.optional("message_size", out.message_size);
  r.optional("recipients", out.recipients, {100, 1'000'000});  // RFC 5321 §4.5.3.1.8: at least 100
  r.optional("connections", out.connections, kPositive);
  r.optional("connections_per_ip", out.connections_per_ip, kPositive);
  r.optional("errors", out.errors, kPositive);
  r.optional("in_flight", out.in_flight);
  r.optional("memory_message", out.memory_message);
  r.optional("command_timeout", out.command_timeout);
  r.optional("data_timeout", out.data_timeout);
  if (out.in_flight < out.message_size) {
    r.fail("in_flight", "is less than message_size: the largest message would never be taken");
  }
}

/// `key` once, as a plain value or a section; `scalar` is the section's key that the plain value stands for.
void one(Reader& r, std::string_view key, std::string_view scalar, const std::function<void(Reader&)>& body) {
  bool seen = false;
  r.each(key, [&](const Node& node, const std::string& name) {
    if (std::exchange(seen, true)) {
      r.fail(key, "is a list; allowed: one");
      return;
    }
    Node wrapped;
    wrapped.kind = Node::Kind::map;
    wrapped.where = node.where;
    if (node.kind != Node::Kind::map) wrapped.entries.emplace_back(std::string(scalar), node);
    Reader inner(node.kind == Node::Kind::map ? node : wrapped, name, r.problems());
    body(inner);
  });
}

void mail_domains(Reader& r, std::vector<std::string>& out) {
  r.optional("domains", out);
  for (const std::string& domain : out)
    if (!is_host_name(domain))
      r.fail("domains", "found \"" + domain + "\"; allowed: domains such as example.org (A-labels)");
}

void bind_relay(Reader& r, MtaRelay& out, bool read_files) {
  std::string host;
  r.required("host", host);
  if (!host.empty() && !(out.host = parse_host_port(host, 25)))
    r.fail("host", "found \"" + host + "\"; allowed: a host such as smtp.example.net:587");
  r.one_of("tls", out.tls, {"none", "opportunistic", "required", "verified", "implicit"});
  r.optional("ca_file", out.ca_file);
  r.optional("user", out.user);
  r.secret("password", out.password, read_files);
  mail_domains(r, out.domains);
  if (out.user.empty()) {
    if (!out.password.empty()) r.fail("user", "is missing; a password is given");
    return;
  }
  if (read_files && out.password.empty()) r.fail("password_file", "is missing; a user is given");
  if (out.tls == "none" || out.tls == "opportunistic")
    r.fail("tls", "is \"" + out.tls +
                      "\", which may send the password in the clear; allowed with a user: "
                      "required, verified, implicit");
}

void bind_lmtp_host(Reader& r, MtaLmtpHost& out) {
  std::string to;
  r.required("to", to);
  const bool unix_socket = to.starts_with("unix:");
  if (unix_socket || to.starts_with('/')) {
    out.path = to.substr(unix_socket ? 5 : 0);
  } else if (!to.empty()) {
    out.host = parse_host_port(to, 24);
  }
  if (!to.empty() && !out.host && !out.path.starts_with('/'))
    r.fail("to", "found \"" + to + "\"; allowed: a host such as store.example.net:24, or unix:/path");
  mail_domains(r, out.domains);
}

void bind_outbound(Reader& r, MtaOutbound& out, bool read_files) {
  one(r, "relay", "host", [&](Reader& inner) { bind_relay(inner, out.relay.emplace(), read_files); });
  one(r, "lmtp", "to", [&](Reader& inner) { bind_lmtp_host(inner, out.lmtp.emplace()); });
  r.optional("port", out.port, {1, 65'535});
  r.optional("concurrency", out.concurrency, kPositive);
  r.optional("concurrency_per_domain", out.concurrency_per_domain, kPositive);
  r.optional("lease", out.lease);
  r.optional("connect_timeout", out.connect_timeout);
  r.optional("retry_min", out.retry_min);
  r.optional("retry_max", out.retry_max);
  r.optional("warn_after", out.warn_after);
  r.optional("expire_after", out.expire_after);
  r.optional("poll", out.poll);
  r.optional("max_leased", out.max_leased, kPositive);
  r.optional("idle_connection", out.idle_connection);
  r.optional("idle_connections", out.idle_connections, {0, 10'000});
  r.optional("close_grace", out.close_grace);
  if (out.retry_max < out.retry_min) r.fail("retry_max", "is less than retry_min");
  if (out.poll < 50ms) r.fail("poll", "is less than 50ms: the database would be asked all the time");
  if (out.retry_min < 100ms) r.fail("retry_min", "is less than 100ms");
  if (out.lease < 1s) r.fail("lease", "is less than 1s: it would run out in the middle of sending");
}

void bind_extract(Reader& r, ImapExtract& out) {
  r.optional("enabled", out.enabled);
  r.optional("program", out.program);
  r.optional("timeout", out.timeout);
  r.optional("memory", out.memory);
  r.optional("document_size", out.document_size);
  if (!out.program.empty() && !out.program.starts_with('/')) r.fail("program", "must be an absolute path");
  if (out.timeout < 1s || out.timeout > 10min) r.fail("timeout", "must be from 1s to 10m");
  if (out.memory.bytes < (128u << 20)) r.fail("memory", "is less than 128MiB: the program would not start");
  if (out.document_size.bytes > (256u << 20)) r.fail("document_size", "is more than 256MiB");
  if (out.document_size.bytes > out.memory.bytes / 2)
    r.fail("document_size", "is more than half of memory: such a document could not be read");
}

}  // namespace

void bind(Reader& r, Mta& out, bool read_secrets) {
  bind_common(r, out.common);
  hostname(r, out.hostname);
  r.section("listeners", [&](Reader& inner) {
    listeners(inner, "mx", out.mx);
    listeners(inner, "submission", out.submission);
    listeners(inner, "submissions", out.submissions);
    listeners(inner, "lmtp", out.lmtp);
  });
  r.section("limits", [&](Reader& inner) { bind_limits(inner, out.limits); });
  r.section("spam", [&](Reader& inner) {
    inner.one_of("when_down", out.spam.when_down, {"accept", "defer"});
    inner.optional("timeout", out.spam.timeout);
  });
  r.section("outbound", [&](Reader& inner) { bind_outbound(inner, out.outbound, read_secrets); });
  r.optional("announce_plus", out.announce_plus);
  r.optional("temp_dir", out.temp_dir);
}

/// RFC 9738 §3: no fewer than 1000; §4.2: enforced later than announced, if at all.
void bind_message_limit(Reader& r, ImapLimits& out) {
  constexpr std::string_view kAnnounced = "messages_per_command";
  constexpr std::string_view kEnforced = "messages_per_command_enforced";
  r.optional(kAnnounced, out.messages_per_command);
  r.optional(kEnforced, out.messages_per_command_enforced);
  const uint32_t announced = out.messages_per_command;
  const uint32_t enforced = out.messages_per_command_enforced;
  if (announced != 0 && announced < 1000)
    r.fail(kAnnounced, "is " + std::to_string(announced) + "; allowed: 0 (not announced), or 1000 and more");
  else if (enforced != 0 && announced == 0)
    r.fail(kEnforced, "is set, while messages_per_command is 0: what is not announced cannot be enforced");
  else if (enforced != 0 && enforced < announced)
    r.fail(kEnforced, "is less than messages_per_command: clients rely on what is announced");
}

void bind(Reader& r, Imapd& out) {
  bind_common(r, out.common);
  hostname(r, out.hostname);
  r.section("listeners", [&](Reader& inner) {
    listeners(inner, "imap", out.imap);
    listeners(inner, "imaps", out.imaps);
    listeners(inner, "pop3", out.pop3);
    listeners(inner, "pop3s", out.pop3s);
  });
  r.optional("plaintext_login", out.plaintext_login);
  r.optional("indexer", out.indexer);
  r.section("extract", [&](Reader& inner) { bind_extract(inner, out.extract); });
  r.optional("unauthenticate", out.unauthenticate);
  r.optional("progress", out.progress);
  r.optional("quota_admins", out.quota_admins);
  r.section("limits", [&](Reader& inner) {
    inner.optional("connections", out.limits.connections, kPositive);
    inner.optional("connections_per_ip", out.limits.connections_per_ip, kPositive);
    inner.optional("connections_per_account", out.limits.connections_per_account, kPositive);
    inner.optional("append_size", out.limits.append_size);
    inner.optional("line", out.limits.line);
    inner.optional("snapshot_budget", out.limits.snapshot_budget);
    inner.optional("search_texts", out.limits.search_texts);
    inner.optional("header_fields", out.limits.header_fields);
    inner.optional("recent_messages", out.limits.recent_messages);
    bind_message_limit(inner, out.limits);
    inner.optional("login_timeout", out.limits.login_timeout);
    inner.optional("idle_timeout", out.limits.idle_timeout);
    inner.optional("pop3_idle_timeout", out.limits.pop3_idle_timeout);
  });
}

void bind(Reader& r, Jmapd& out) {
  bind_common(r, out.common);
  r.section("listeners", [&](Reader& inner) {
    listeners(inner, "http", out.http);
    listeners(inner, "https", out.https);
  });
  base_url(r, out.base_url);
  r.section("limits", [&](Reader& inner) {
    inner.optional("connections", out.limits.connections, kPositive);
    inner.optional("connections_per_ip", out.limits.connections_per_ip, kPositive);
    inner.optional("upload_size", out.limits.upload_size);
    inner.optional("request_size", out.limits.request_size);
    inner.optional("concurrent_requests", out.limits.concurrent_requests, kPositive);
    inner.optional("calls_in_request", out.limits.calls_in_request, kPositive);
    inner.optional("objects_in_get", out.limits.objects_in_get, kPositive);
    inner.optional("objects_in_set", out.limits.objects_in_set, kPositive);
    inner.optional("request_timeout", out.limits.request_timeout);
  });
}

void bind(Reader& r, Spamd& out) {
  bind_common(r, out.common);
  r.optional("scan_threads", out.scan_threads, {0, 256});
  r.optional("scan_size", out.scan_size);
  r.optional("model_refresh", out.model_refresh);
}

void bind(Reader& r, Admind& out) {
  bind_common(r, out.common);
  r.section("listeners", [&](Reader& inner) {
    listeners(inner, "http", out.http);
    listeners(inner, "https", out.https);
  });
  base_url(r, out.base_url);
  r.optional("connections", out.connections, kPositive);
  r.optional("request_size", out.request_size);
}

}  // namespace dromos::config
