// The TLS half of Stream: handshakes and what a session may ask of the finished one.
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "common/net/stream.h"

namespace dromos::net {

Task<Result<void>> Stream::handshake(Deadline deadline) {
  while (true) {
    ERR_clear_error();
    errno = 0;
    const int n = SSL_do_handshake(ssl_);
    if (n == 1) co_return Result<void>{};
    const Step step = tls_step(n);
    if (step == Step::failed || step == Step::closed) co_return fail(broken("TLS handshake"));
    CO_TRY_VOID(co_await wait(step, deadline));
  }
}

Task<Result<void>> Stream::start_tls_server(std::shared_ptr<const TlsServer> tls, Deadline deadline) {
  CO_TRY_VOID(co_await flush(deadline));
  consume(buffered().size());
  ssl_ = SSL_new(tls->context());
  DROMOS_ASSERT(ssl_ != nullptr);
  tls_owner_ = tls;
  SSL_set_fd(ssl_, fd_);
  SSL_set_accept_state(ssl_);
  co_return co_await handshake(deadline);
}

Task<Result<void>> Stream::start_tls_client(std::shared_ptr<const TlsClient> tls, std::string host,
                                            Deadline deadline) {
  CO_TRY_VOID(co_await flush(deadline));
  consume(buffered().size());
  ssl_ = SSL_new(tls->context());
  DROMOS_ASSERT(ssl_ != nullptr);
  tls_owner_ = tls;
  SSL_set_fd(ssl_, fd_);
  SSL_set_tlsext_host_name(ssl_, host.c_str());
  if (tls->verifies()) {
    SSL_set_hostflags(ssl_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(ssl_, host.c_str());
  }
  SSL_set_connect_state(ssl_);
  co_return co_await handshake(deadline);
}

TlsInfo Stream::tls_info() const {
  TlsInfo info;
  if (ssl_ == nullptr) return info;
  info.protocol = SSL_get_version(ssl_);
  info.cipher = SSL_get_cipher_name(ssl_);
  info.bits = SSL_get_cipher_bits(ssl_, nullptr);
  if (const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name)) info.sni = name;
  const unsigned char* alpn = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl_, &alpn, &length);
  if (alpn != nullptr) info.alpn.assign(reinterpret_cast<const char*>(alpn), length);
  info.resumed = SSL_session_reused(ssl_) == 1;
  X509* certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr || SSL_get_verify_result(ssl_) != X509_V_OK) return info;
  char name[256];
  if (X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name) > 0)
    info.client_name = name;
  STACK_OF(OPENSSL_STRING)* emails = X509_get1_email(certificate);
  if (sk_OPENSSL_STRING_num(emails) > 0) info.client_email = sk_OPENSSL_STRING_value(emails, 0);
  X509_email_free(emails);
  return info;
}

std::string Stream::channel_binding_server_end_point() const {
  if (ssl_ == nullptr) return "";
  X509* certificate = SSL_is_server(ssl_) ? SSL_get_certificate(ssl_) : SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) return "";
  // The certificate's own hash, with MD5 and SHA-1 replaced by SHA-256 (RFC 5929 §4.1).
  int digest_nid = NID_undef;
  OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest_nid, nullptr);
  const EVP_MD* md = digest_nid == NID_undef || digest_nid == NID_md5 || digest_nid == NID_sha1
                         ? EVP_sha256()
                         : EVP_get_digestbynid(digest_nid);
  if (md == nullptr) md = EVP_sha256();
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (X509_digest(certificate, md, digest, &length) != 1) return "";
  return {reinterpret_cast<const char*>(digest), length};
}

std::string Stream::channel_binding_exporter() const {
  static constexpr char kLabel[] = "EXPORTER-Channel-Binding";
  if (ssl_ == nullptr || SSL_version(ssl_) != TLS1_3_VERSION) return "";
  unsigned char out[32];
  if (SSL_export_keying_material(ssl_, out, sizeof out, kLabel, sizeof kLabel - 1, nullptr, 0, 1) != 1)
    return "";
  return {reinterpret_cast<const char*>(out), sizeof out};
}

std::string Stream::peer_certificate() const {
  X509* certificate = ssl_ != nullptr ? SSL_get0_peer_certificate(ssl_) : nullptr;
  if (certificate == nullptr) return "";
  unsigned char* der = nullptr;
  const int length = i2d_X509(certificate, &der);
  if (length <= 0) return "";
  std::string out(reinterpret_cast<const char*>(der), static_cast<size_t>(length));
  OPENSSL_free(der);
  return out;
}

}  // namespace dromos::net
