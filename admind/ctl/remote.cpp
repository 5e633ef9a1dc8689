#include "admind/ctl/remote.h"

#include <netdb.h>

#include <cstdlib>
#include <fstream>

#include "common/base/strings.h"
#include "common/config/config.h"

namespace dromos::admind::ctl {

namespace {

constexpr auto kPatience = std::chrono::minutes(15);  // imports

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// As a client on this machine would reach the first listener.
Result<std::string> url_of_config(const Arguments& arguments) {
  const std::string path = arguments.value("config", "/etc/dromos/dromos.yaml");
  auto config = config::load(path, std::nullopt);
  if (!config)
    return fail(Errc::invalid_argument,
                "where is admind? Give --url, DROMOS_URL, or a readable --config:\n" + config.error().text());
  if (!config->admind.base_url.empty()) return config->admind.base_url;
  const bool plain = !config->admind.http.empty();
  const auto& listeners = plain ? config->admind.http : config->admind.https;
  if (listeners.empty() || listeners[0].address.is_unix())
    return fail(Errc::invalid_argument, path + " has no TCP listener for admind; give --url");
  const auto& address = listeners[0].address;
  const bool any =
      address.host.empty() || address.host == "*" || address.host == "::" || address.host == "0.0.0.0";
  const std::string host = any                                           ? "127.0.0.1"
                           : address.host.find(':') == std::string::npos ? address.host
                                                                         : "[" + address.host + "]";
  return (plain ? "http://" : "https://") + host + ":" + std::to_string(address.port);
}

Result<std::string> token_of(const Arguments& arguments) {
  if (arguments.has("token")) return arguments.value("token");
  if (arguments.has("token-file")) {
    std::ifstream in(arguments.value("token-file"));
    std::string line;
    if (!std::getline(in, line))
      return fail(Errc::invalid_argument, "cannot read " + arguments.value("token-file"));
    return std::string(trim(line));
  }
  std::string token = environment("DROMOS_TOKEN");
  if (token.empty())
    return fail(Errc::invalid_argument,
                "an API key is needed: --token, --token-file or DROMOS_TOKEN; `dromosctl admin create NAME` "
                "makes one");
  return token;
}

Result<net::Address> resolve(const Url& url) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &found);
  if (failed != 0)
    return fail(Errc::unavailable, "cannot resolve " + url.host + ": " + gai_strerror(failed),
                Retry::temporary);
  const net::Address address(found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  return address;
}

}  // namespace

Result<Url> parse_url(std::string_view in) {
  Url out;
  std::string_view rest = in;
  if (istarts_with(rest, "https://")) {
    out.tls = true;
    rest.remove_prefix(8);
  } else if (istarts_with(rest, "http://")) {
    rest.remove_prefix(7);
  } else {
    return fail(Errc::invalid_argument,
                "--url must begin with http:// or https://, not \"" + std::string(in) + "\"");
  }
  rest = rest.substr(0, rest.find('/'));
  out.port = out.tls ? 443 : 80;
  const size_t bracket = rest.starts_with('[') ? rest.find(']') : std::string_view::npos;
  const size_t colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    const auto port = parse_number<uint16_t>(rest.substr(colon + 1));
    if (!port) return fail(Errc::invalid_argument, "bad port in \"" + std::string(in) + "\"");
    out.port = *port;
    rest = rest.substr(0, colon);
  }
  if (bracket != std::string_view::npos) rest = rest.substr(1, bracket - 1);
  out.host = rest;
  if (out.host.empty()) return fail(Errc::invalid_argument, "no host in \"" + std::string(in) + "\"");
  return out;
}

Result<Remote> Remote::from(const Arguments& arguments) {
  Remote out;
  std::string text = arguments.value("url", environment("DROMOS_URL"));
  if (text.empty()) {
    TRY(text, url_of_config(arguments));
  }
  TRY(const Url url, parse_url(text));
  TRY(out.token_, token_of(arguments));
  TRY(out.options_.address, resolve(url));
  const bool v6 = url.host.find(':') != std::string::npos;
  out.options_.host = v6 ? "[" + url.host + "]" : url.host;
  if (!url.tls || url.port != 443) out.options_.host += url.tls ? "" : ":" + std::to_string(url.port);
  if (url.tls) {
    net::TlsClient::Options tls;
    tls.ca_file = arguments.value("ca", environment("DROMOS_CA"));
    TRY(out.options_.tls, net::TlsClient::load(tls));
    out.options_.host = url.host;
  }
  return out;
}

Result<http::ClientResponse> Remote::send(http::Method method, const std::string& target, std::string body,
                                          std::string content_type) {
  http::ClientRequest request;
  request.method = method;
  request.target = "/api/v1" + target;
  request.headers.add("Authorization", "Bearer " + token_);
  if (!body.empty()) request.headers.add("Content-Type", content_type);
  // A lost answer of a creation must not become a second one.
  if (method == http::Method::post) request.headers.add("Idempotency-Key", Uuid::v7().to_string());
  request.body = std::move(body);
  return http::request_blocking(options_, std::move(request), kPatience);
}

}  // namespace dromos::admind::ctl
