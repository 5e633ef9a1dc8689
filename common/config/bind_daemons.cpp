// The section of each daemon.
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

void bind_outbound(Reader& r, MtaOutbound& out) {
  r.optional("relay", out.relay, 25);
  r.optional("port", out.port, {1, 65'535});
  r.optional("concurrency", out.concurrency, kPositive);
  r.optional("concurrency_per_domain", out.concurrency_per_domain, kPositive);
  r.optional("lease", out.lease);
  r.optional("connect_timeout", out.connect_timeout);
  r.optional("retry_min", out.retry_min);
  r.optional("retry_max", out.retry_max);
  r.optional("expire_after", out.expire_after);
  if (out.retry_max < out.retry_min) r.fail("retry_max", "is less than retry_min");
}

}  // namespace

void bind(Reader& r, Mta& out) {
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
  r.section("outbound", [&](Reader& inner) { bind_outbound(inner, out.outbound); });
  r.optional("announce_plus", out.announce_plus);
  r.optional("temp_dir", out.temp_dir);
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
  r.section("limits", [&](Reader& inner) {
    inner.optional("connections", out.limits.connections, kPositive);
    inner.optional("connections_per_ip", out.limits.connections_per_ip, kPositive);
    inner.optional("connections_per_account", out.limits.connections_per_account, kPositive);
    inner.optional("append_size", out.limits.append_size);
    inner.optional("line", out.limits.line);
    inner.optional("snapshot_budget", out.limits.snapshot_budget);
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
