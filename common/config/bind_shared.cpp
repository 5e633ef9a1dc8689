// Sections that all daemons read.
#include "common/config/bind.h"

namespace dromos::config {

void bind(Reader& r, Log& out) {
  r.one_of("level", out.level, {"debug", "info", "warn", "error"});
  r.one_of("format", out.format, {"logfmt", "json"});
}

void bind(Reader& r, Database& out, bool read_secrets) {
  r.optional("conninfo", out.conninfo);
  r.secret("password", out.password, read_secrets);
  r.optional("owner_conninfo", out.owner_conninfo);
  r.optional("max_connections", out.max_connections, {2, 100});
  r.optional("idle_timeout", out.idle_timeout);
  r.optional("connect_timeout", out.connect_timeout);
  r.optional("statement_timeout", out.statement_timeout);
}

void bind(Reader& r, Rpc& out) {
  r.optional("dir", out.dir);
  // sun_path is 108 bytes: the folder, "/admind.sock" and the final NUL.
  constexpr size_t kMaxDir = 95;
  if (!out.dir.starts_with('/') || out.dir.size() > kMaxDir) {
    r.fail("dir", "found \"" + out.dir + "\"; allowed: an absolute path of at most " +
                      std::to_string(kMaxDir) + " characters (sockets are made in it)");
  }
  r.optional("tcp_host", out.tcp_host);
  r.section("targets", [&](Reader& inner) {
    for (size_t i = 0; i < kDaemonCount; ++i) {
      inner.optional(to_string(static_cast<Daemon>(i)), out.targets[i]);
    }
  });
  r.optional("ca", out.ca);
  r.optional("certificate", out.certificate);
  r.optional("key", out.key);
  if (out.tcp_host.empty()) return;
  if (!parse_socket_address(HostPort{out.tcp_host, 1}.to_string())) {
    r.fail("tcp_host", "found \"" + out.tcp_host + "\"; allowed: an IP address");
  }
  if (out.ca.empty() || out.certificate.empty() || out.key.empty()) {
    r.fail("tcp_host", "needs rpc.ca, rpc.certificate and rpc.key: TCP between daemons is mutual TLS only");
  }
}

void bind(Reader& r, Tls& out) {
  r.each("certificates", [&](const Node& node, const std::string& name) {
    Reader inner(node, name, r.problems());
    CertificatePair& pair = out.certificates.emplace_back();
    inner.required("certificate", pair.certificate);
    inner.required("key", pair.key);
  });
  r.one_of("min_version", out.min_version, {"1.2", "1.3"});
  r.optional("client_ca", out.client_ca);
  if (!out.client_ca.empty() && out.client_ca.front() != '/')
    r.fail("client_ca", "found \"" + out.client_ca + "\"; allowed: an absolute path of a PEM file");
}

void bind(Reader& r, Dns& out) {
  r.optional("forwarders", out.forwarders);
  for (SocketAddress& forwarder : out.forwarders) {
    if (forwarder.is_unix() || forwarder.host.empty() || forwarder.port == 0) {
      r.fail("forwarders",
             "found \"" + forwarder.to_string() + "\"; allowed: an IP address and port such as 127.0.0.1:53");
    }
  }
  r.optional("trust_anchor_file", out.trust_anchor_file);
  r.optional("hosts_file", out.hosts_file);
}

void bind(Reader& r, Store& out) {
  r.section("blobs", [&](Reader& inner) {
    inner.one_of("kind", out.blobs, {"postgresql", "folder"});
    inner.optional("path", out.folder);
    if (out.blobs == "folder" && !out.folder.starts_with('/'))
      inner.fail("path", out.folder.empty() ? "is missing; kind folder needs one"
                                            : "found \"" + out.folder + "\"; allowed: an absolute path");
    if (out.blobs != "folder" && !out.folder.empty()) inner.fail("path", "is for kind folder only");
  });
}

}  // namespace dromos::config
