#include "common/config/config.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "common/config/bind.h"

namespace dromos::config {

namespace {

constexpr uint16_t kFirstRpcPort = 7401;
constexpr uint16_t kFirstMetricsPort = 7411;
constexpr uint32_t kMaxDefaultWorkers = 8;

void set_default_metrics(Config& config) {
  DaemonCommon* all[] = {&config.mta.common, &config.imapd.common, &config.jmapd.common, &config.spamd.common,
                         &config.admind.common};
  uint16_t port = kFirstMetricsPort;
  for (DaemonCommon* common : all) common->metrics = SocketAddress{.host = "127.0.0.1", .port = port++};
}

std::string machine_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof(name) - 1) != 0 || !is_host_name(name)) return "localhost";
  return name;
}

/// TLS listeners without a certificate could only fail later, at the first client.
void check_certificates(const Config& config, Reader& r) {
  if (!config.tls.certificates.empty()) return;
  const bool needed = !config.mta.submissions.empty() || !config.imapd.imaps.empty() ||
                      !config.imapd.pop3s.empty() || !config.jmapd.https.empty() ||
                      !config.admind.https.empty();
  if (needed) {
    r.fail("tls",
           "no certificates; needed by a submissions, imaps, pop3s or https listener (tls.certificates)");
  }
}

/// Quotes a libpq conninfo value (libpq §34.1.1.1).
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

/// True if the conninfo names this parameter.
bool has_parameter(std::string_view conninfo, std::string_view name) {
  for (size_t at = conninfo.find(name); at != std::string_view::npos; at = conninfo.find(name, at + 1)) {
    const bool starts = at == 0 || conninfo[at - 1] == ' ';
    size_t end = at + name.size();
    while (end < conninfo.size() && conninfo[end] == ' ') ++end;
    if (starts && end < conninfo.size() && conninfo[end] == '=') return true;
  }
  return false;
}

}  // namespace

std::string_view to_string(Daemon daemon) {
  constexpr std::string_view kNames[] = {"mta", "imapd", "jmapd", "spamd", "admind"};
  return kNames[static_cast<size_t>(daemon)];
}

const DaemonCommon& Config::common(Daemon daemon) const {
  switch (daemon) {
    case Daemon::mta:
      return mta.common;
    case Daemon::imapd:
      return imapd.common;
    case Daemon::jmapd:
      return jmapd.common;
    case Daemon::spamd:
      return spamd.common;
    case Daemon::admind:
      break;
  }
  return admind.common;
}

Checked<Config> parse(std::string_view yaml, const std::string& path, std::optional<Daemon> daemon,
                      char** environment) {
  auto tree = parse_tree(yaml, path);
  if (!tree) return tl::unexpected(std::move(tree).error());
  Problems problems;
  apply_environment(*tree, environment, problems);
  Config config;
  config.path = path;
  set_default_metrics(config);
  {
    Reader r(*tree, "", problems);
    r.section("log", [&](Reader& s) { bind(s, config.log); });
    r.section("database", [&](Reader& s) { bind(s, config.database, daemon.has_value()); });
    r.section("rpc", [&](Reader& s) { bind(s, config.rpc); });
    r.section("tls", [&](Reader& s) { bind(s, config.tls); });
    r.section("dns", [&](Reader& s) { bind(s, config.dns); });
    r.section("store", [&](Reader& s) { bind(s, config.store); });
    r.section("mta", [&](Reader& s) { bind(s, config.mta, daemon == Daemon::mta); });
    r.section("imapd", [&](Reader& s) { bind(s, config.imapd); });
    r.section("jmapd", [&](Reader& s) { bind(s, config.jmapd); });
    r.section("spamd", [&](Reader& s) { bind(s, config.spamd); });
    r.section("admind", [&](Reader& s) { bind(s, config.admind); });
    check_certificates(config, r);
  }
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  if (config.mta.hostname.empty()) config.mta.hostname = machine_name();
  if (config.imapd.hostname.empty()) config.imapd.hostname = config.mta.hostname;
  return config;
}

Checked<Config> load(const std::string& path, std::optional<Daemon> daemon, char** environment) {
  std::ifstream in(path, std::ios::binary);
  std::string text(kMaxFileSize + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  if (!in.eof() && text.size() <= kMaxFileSize) {
    Problems problems;
    problems.add(
        {path, "", "cannot be read; allowed: a readable YAML file (see deploy/dromos.yaml.example)"});
    return tl::unexpected(std::move(problems));
  }
  return parse(text, path, daemon, environment);
}

Checked<Config> load(const std::string& path, std::optional<Daemon> daemon) {
  return load(path, daemon, ::environ);
}

std::string conninfo_for(const Config& config, Daemon daemon) {
  const Database& database = config.database;
  const std::string name = "dromos_" + std::string(to_string(daemon));
  std::string out = database.conninfo;
  if (!has_parameter(out, "user")) out += " user=" + name;
  if (!database.password.empty()) out += " password=" + quoted(database.password.reveal());
  if (!has_parameter(out, "application_name")) out += " application_name=" + name;
  if (!has_parameter(out, "connect_timeout")) {
    const auto wait = std::chrono::ceil<std::chrono::seconds>(database.connect_timeout).count();
    out += " connect_timeout=" + std::to_string(std::max<int64_t>(wait, 2));  // libpq's least
  }
  return out;
}

std::string rpc_socket(const Config& config, Daemon daemon) {
  return config.rpc.dir + "/" + std::string(to_string(daemon)) + ".sock";
}

std::string rpc_target(const Config& config, Daemon daemon) {
  const std::string& target = config.rpc.targets[static_cast<size_t>(daemon)];
  return target.empty() ? "unix:" + rpc_socket(config, daemon) : target;
}

uint16_t rpc_port(Daemon daemon) {
  return static_cast<uint16_t>(kFirstRpcPort + static_cast<uint16_t>(daemon));
}

uint32_t worker_count(const Config& config, Daemon daemon) {
  const uint32_t wanted = config.common(daemon).workers;
  if (wanted != 0) return wanted;
  return std::clamp<uint32_t>(std::thread::hardware_concurrency(), 1, kMaxDefaultWorkers);
}

}  // namespace dromos::config
