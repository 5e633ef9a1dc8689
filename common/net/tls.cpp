#include "common/net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <map>

#include "common/base/strings.h"
#include "common/crypto/crypto.h"

namespace dromos::net {
namespace {

struct ContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, ContextFree>;

// RFC 7301 §3.1 wire form: length-prefixed names.
std::string alpn_wire(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) {
    out += static_cast<char>(name.size());
    out += name;
  }
  return out;
}

std::string& ticket_keys() {
  static std::string keys = crypto::random_bytes(80);
  return keys;
}

void common_settings(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // Idle connections give their record buffers back (15 KB instead of 24 KB each).
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  auto* alternatives =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives, i);
    if (name->type != GEN_DNS) continue;
    const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    names.push_back(to_lower({bytes, static_cast<size_t>(ASN1_STRING_length(name->d.dNSName))}));
  }
  GENERAL_NAMES_free(alternatives);
  return names;
}

Result<void> use_files(SSL_CTX* context, const CertificateFiles& files) {
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
    return fail(Errc::invalid_argument, "certificate '" + files.certificate + "': " + tls_error_text());
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail(Errc::invalid_argument, "private key '" + files.key + "': " + tls_error_text());
  if (SSL_CTX_check_private_key(context) != 1)
    return fail(Errc::invalid_argument,
                "private key '" + files.key + "' does not belong to certificate '" + files.certificate + "'");
  return {};
}

int choose_alpn(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* in,
                unsigned in_length, void* arg) {
  const auto& wire = *static_cast<const std::string*>(arg);
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_length, reinterpret_cast<const unsigned char*>(wire.data()),
                            static_cast<unsigned>(wire.size()), in, in_length) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 §3.2
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

std::string tls_error_text() {
  std::string out;
  while (const unsigned long code = ERR_get_error()) {
    char text[256];
    ERR_error_string_n(code, text, sizeof text);
    if (!out.empty()) out += "; ";
    out += text;
  }
  return out.empty() ? "no reason given" : out;
}

struct TlsServer::State {
  std::vector<Context> contexts;
  std::map<std::string, SSL_CTX*, std::less<>> by_name;
  std::string alpn;

  SSL_CTX* find(std::string_view name) const {
    const std::string lower = to_lower(name);
    if (auto it = by_name.find(lower); it != by_name.end()) return it->second;
    const size_t dot = lower.find('.');
    if (dot == std::string::npos) return nullptr;
    auto it = by_name.find("*" + lower.substr(dot));
    return it == by_name.end() ? nullptr : it->second;
  }
  static int choose_certificate(SSL* ssl, int*, void* arg) {
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
    SSL_CTX* context = static_cast<const State*>(arg)->find(name);
    if (context == nullptr) return SSL_TLSEXT_ERR_NOACK;
    SSL_set_SSL_CTX(ssl, context);
    return SSL_TLSEXT_ERR_OK;
  }
};

TlsServer::TlsServer() : state_(std::make_unique<State>()) {}
TlsServer::~TlsServer() = default;
ssl_ctx_st* TlsServer::context() const {
  return state_->contexts.front().get();
}

Result<std::shared_ptr<const TlsServer>> TlsServer::load(const Options& options) {
  if (options.certificates.empty()) return fail(Errc::invalid_argument, "no certificate is configured");
  std::shared_ptr<TlsServer> server(new TlsServer);
  State& state = *server->state_;
  state.alpn = alpn_wire(options.alpn);
  for (const auto& files : options.certificates) {
    Context context(SSL_CTX_new(TLS_server_method()));
    common_settings(context.get());
    TRY_VOID(use_files(context.get(), files));
    SSL_CTX_set_num_tickets(context.get(), static_cast<size_t>(options.tickets));
    SSL_CTX_set_tlsext_ticket_keys(context.get(), ticket_keys().data(),
                                   static_cast<long>(ticket_keys().size()));
    static const unsigned char kSessionContext[] = "dromos";
    SSL_CTX_set_session_id_context(context.get(), kSessionContext, sizeof kSessionContext - 1);
    SSL_CTX_set_tlsext_servername_callback(context.get(), &State::choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(context.get(), server->state_.get());
    if (!state.alpn.empty()) SSL_CTX_set_alpn_select_cb(context.get(), choose_alpn, &state.alpn);
    if (!options.client_ca.empty()) {
      if (SSL_CTX_load_verify_locations(context.get(), options.client_ca.c_str(), nullptr) != 1)
        return fail(Errc::invalid_argument, "client CA '" + options.client_ca + "': " + tls_error_text());
      SSL_CTX_set_client_CA_list(context.get(), SSL_load_client_CA_file(options.client_ca.c_str()));
      SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    }
    for (const auto& name : names_of(SSL_CTX_get0_certificate(context.get())))
      state.by_name.emplace(name, context.get());
    state.contexts.push_back(std::move(context));
  }
  return std::shared_ptr<const TlsServer>(std::move(server));
}

TlsClient::~TlsClient() {
  SSL_CTX_free(context_);
}

Result<std::shared_ptr<const TlsClient>> TlsClient::load(const Options& options) {
  Context context(SSL_CTX_new(TLS_client_method()));
  common_settings(context.get());
  if (options.verify) {
    const bool ok = options.ca_file.empty()
                        ? SSL_CTX_set_default_verify_paths(context.get()) == 1
                        : SSL_CTX_load_verify_locations(context.get(), options.ca_file.c_str(), nullptr) == 1;
    if (!ok) return fail(Errc::invalid_argument, "CA file '" + options.ca_file + "': " + tls_error_text());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  }
  if (!options.certificate.certificate.empty()) TRY_VOID(use_files(context.get(), options.certificate));
  const std::string wire = alpn_wire(options.alpn);
  if (!wire.empty())
    SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(wire.data()),
                            static_cast<unsigned>(wire.size()));
  return std::shared_ptr<const TlsClient>(new TlsClient(context.release(), options.verify));
}

}  // namespace dromos::net
