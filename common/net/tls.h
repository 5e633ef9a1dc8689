// TLS settings as values that sessions share: certificates by name (SNI), ALPN, tickets, and reload.
//
// A TlsServer is immutable; reloading makes a new one and new connections use it. Ticket keys are of the
// process, so resumption survives a reload. TLS 1.2 and later only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace dromos::net {

struct CertificateFiles {
  std::string certificate;  ///< PEM chain, leaf first
  std::string key;          ///< PEM
};

class TlsServer {
 public:
  struct Options {
    /// The first is used where SNI names none of them; names come from each certificate's subjectAltName.
    std::vector<CertificateFiles> certificates;
    /// Offered protocols in order of preference ("h2", "http/1.1"); empty: no ALPN.
    std::vector<std::string> alpn;
    /// CA file for client certificates; empty: none asked for. Asked for, never required here.
    std::string client_ca;
    /// 0 for SMTP, where a session never resumes within one connection.
    int tickets = 2;
  };
  /// Errors name the file and OpenSSL's reason.
  static Result<std::shared_ptr<const TlsServer>> load(const Options& options);
  ~TlsServer();
  ssl_ctx_st* context() const;

 private:
  TlsServer();
  struct State;
  std::unique_ptr<State> state_;
};

class TlsClient {
 public:
  struct Options {
    bool verify = true;
    std::string ca_file;  ///< empty: the system's store
    std::vector<std::string> alpn;
    CertificateFiles certificate;  ///< for mutual TLS; may be empty
  };
  static Result<std::shared_ptr<const TlsClient>> load(const Options& options);
  ~TlsClient();
  ssl_ctx_st* context() const { return context_; }
  bool verifies() const { return verify_; }

 private:
  TlsClient(ssl_ctx_st* context, bool verify) : context_(context), verify_(verify) {}
  ssl_ctx_st* context_;
  bool verify_;
};

/// Text of OpenSSL's error queue, which is emptied.
std::string tls_error_text();

}  // namespace dromos::net
