#include "common/log/log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "common/base/clock.h"

using namespace dromos;
using namespace std::string_literals;

namespace {

constexpr int64_t kTime = 1'795'316'645'000'006;

std::string line(log::Format format, log::Fields fields) {
  return log::format_line({.daemon = "mta", .format = format}, log::Level::info, kTime, "a.b", {}, fields);
}

std::string logfmt(log::Fields fields) {
  const std::string whole = line(log::Format::logfmt, fields);
  const std::string head = "ts=" + to_rfc3339(kTime) + " level=info daemon=mta event=a.b";
  REQUIRE(whole.starts_with(head));
  REQUIRE(whole.ends_with("\n"));
  return whole.substr(head.size(), whole.size() - head.size() - 1);
}

struct Pipe {
  int read_end = -1;
  int write_end = -1;
  Pipe() {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    read_end = ends[0];
    write_end = ends[1];
  }
  ~Pipe() {
    ::close(read_end);
    if (write_end >= 0) ::close(write_end);
  }
};

}  // namespace

TEST_CASE("A logfmt line starts with the shared keys and quotes only what needs it", "[unit][log]") {
  CHECK(logfmt({{"remote", "192.0.2.1:25"}, {"n", 7}, {"ok", true}}) == " remote=192.0.2.1:25 n=7 ok=true");
  CHECK(logfmt({{"err", "no such user"}}) == " err=\"no such user\"");
  CHECK(logfmt({{"empty", ""}}) == " empty=\"\"");
  CHECK(logfmt({{"min", INT64_MIN}, {"max", UINT64_MAX}}) ==
        " min=-9223372036854775808 max=18446744073709551615");
  CHECK(logfmt({{"ms", std::chrono::microseconds(1250)}}) == " ms=1.250");
}

TEST_CASE("Hostile bytes neither end a line nor forge a field", "[unit][log]") {
  CHECK(logfmt({{"helo", "x\r\nlevel=error"}}) == " helo=\"x\\r\\nlevel=error\"");
  CHECK(logfmt({{"helo", "a\" account=\"root"}}) == " helo=\"a\\\" account=\\\"root\"");
  CHECK(logfmt({{"helo", "nul\0esc\x1b[2J"s}}) == " helo=\"nul\\x00esc\\x1b[2J\"");
  CHECK(logfmt({{"helo", "\xff\xc3"s}}) == " helo=\"\\xff\\xc3\"");
  CHECK(logfmt({{"helo",
                 "\xc2\x9b"
                 "31m"}}) == " helo=\"\\xc2\\x9b31m\"");
  CHECK(logfmt({{"name", "Jürgen"}}) == " name=\"Jürgen\"");
  const std::string separator = logfmt({{"x",
                                         "a\xe2\x80\xa8"
                                         "b"}});
  CHECK(separator.find("\xe2\x80\xa8") == std::string::npos);
}

TEST_CASE("JSON lines keep numbers bare and escape text", "[unit][log]") {
  const std::string out = line(log::Format::json, {{"n", -1}, {"ok", false}, {"t", "a\"\n\x01\xff"s}});
  CHECK(out.find(R"("n":-1,"ok":false,"t":"a\"\n\u0001\u00ff"})") != std::string::npos);
  CHECK(line(log::Format::json, {{"r", 1.0 / 0.0}}).find(R"("r":"inf")") != std::string::npos);
}

TEST_CASE("A secret never reaches the line", "[unit][log]") {
  CHECK(logfmt({{"password", log::Secret("hunter2")}}) == " password=[redacted]");
  CHECK(line(log::Format::json, {{"p", log::Secret("hunter2")}}).find("hunter2") == std::string::npos);
}

TEST_CASE("Long values are cut between characters", "[unit][log]") {
  const std::string out = logfmt({{"x", std::string(5000, 'a')}});
  CHECK(out == " x=\"" + std::string(log::kMaxValue, 'a') + "...\"");
  std::string umlauts = "a";
  for (int i = 0; i < 1000; ++i) umlauts += "ü";
  const std::string cut = logfmt({{"x", umlauts}});
  CHECK(cut.find("\\x") == std::string::npos);
  CHECK(cut.ends_with("ü...\""));
}

TEST_CASE("Errors and ids are rendered as text", "[unit][log]") {
  const Error error(Errc::timeout, "dialing", Retry::timeout);
  CHECK(logfmt({{"err", error}}) == " err=\"" + error.to_string() + "\"");
  const TraceId id = TraceId::make();
  CHECK(logfmt({{"trace", id}}) == " trace=" + id.value.to_string());
  CHECK(logfmt({{"account", AccountId{42}}}) == " account=42");
}

TEST_CASE("The journal prefix carries the priority", "[unit][log]") {
  log::Options options{.daemon = "mta"};
  options.journal = true;
  CHECK(log::format_line(options, log::Level::error, kTime, "a.b", {}, {}).starts_with("<3>ts="));
  CHECK(log::format_line(options, log::Level::info, kTime, "a.b", {}, {}).starts_with("<6>ts="));
}

TEST_CASE("Levels filter, a context adds its fields, and each event is one line", "[unit][log]") {
  Pipe pipe;
  log::configure({.daemon = "t", .level = log::Level::info, .fd = pipe.write_end});
  log::debug("not.shown");
  log::write(log::Level::debug, "not.shown", {});
  log::Context session;
  session.set("conn", 1);
  session.set("conn", 2);
  session.set("gone", "x");
  session.clear("gone");
  session.info("session.start", {{"k", "v"}});
  log::set_level(log::Level::off);
  log::error("not.shown.either");
  log::configure({});
  char buffer[4096];
  const ssize_t count = ::read(pipe.read_end, buffer, sizeof(buffer));
  REQUIRE(count > 0);
  const std::string text(buffer, static_cast<size_t>(count));
  CHECK(text.ends_with(" level=info daemon=t event=session.start conn=2 k=v\n"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
}

TEST_CASE("Lines of several threads do not mix", "[unit][log]") {
  Pipe pipe;
  log::configure({.daemon = "t", .fd = pipe.write_end});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 50; ++i) log::info("thread.line", {{"t", t}, {"pad", std::string(100, 'x')}});
    });
  }
  std::string text;
  char buffer[65536];
  std::thread reader([&] {
    for (ssize_t n; (n = ::read(pipe.read_end, buffer, sizeof(buffer))) > 0;) {
      text.append(buffer, static_cast<size_t>(n));
    }
  });
  for (auto& thread : threads) thread.join();
  log::configure({});
  ::close(pipe.write_end);
  pipe.write_end = -1;
  reader.join();
  size_t lines = 0;
  for (size_t at = 0; at < text.size(); ++lines) {
    const size_t end = text.find('\n', at);
    REQUIRE(end != std::string::npos);
    const std::string one = text.substr(at, end - at);
    CHECK(one.starts_with("ts="));
    CHECK(one.ends_with(std::string(100, 'x')));
    at = end + 1;
  }
  CHECK(lines == 200);
}

TEST_CASE("A full stderr drops and counts instead of blocking", "[unit][log]") {
  Pipe pipe;
  REQUIRE(::fcntl(pipe.write_end, F_SETFL, O_NONBLOCK) == 0);
  const uint64_t before = log::dropped_lines();
  log::configure({.daemon = "t", .fd = pipe.write_end});
  for (int i = 0; i < 2000; ++i) log::info("flood.line", {{"pad", std::string(200, 'x')}});
  log::configure({});
  CHECK(log::dropped_lines() > before);
}

TEST_CASE("A rate limit passes a burst, counts the rest and reports it in the next window", "[unit][log]") {
  using namespace std::chrono;
  log::RateLimit limit(2, milliseconds(1000));
  const steady_clock::time_point start{hours(1)};
  uint64_t skipped = 99;
  CHECK(limit.allow(skipped, start));
  CHECK(skipped == 0);
  CHECK(limit.allow(skipped, start));
  for (int i = 0; i < 5; ++i) CHECK_FALSE(limit.allow(skipped, start + milliseconds(999)));
  CHECK(limit.allow(skipped, start + milliseconds(1000)));
  CHECK(skipped == 5);
}

TEST_CASE("The journal is recognised by device and inode of stderr only", "[unit][log]") {
  struct stat info{};
  REQUIRE(::fstat(2, &info) == 0);
  const std::string ours = std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
  ::setenv("JOURNAL_STREAM", ours.c_str(), 1);
  CHECK(log::stderr_is_journal());
  ::setenv("JOURNAL_STREAM", (ours + "1").c_str(), 1);
  CHECK_FALSE(log::stderr_is_journal());
  ::unsetenv("JOURNAL_STREAM");
  CHECK_FALSE(log::stderr_is_journal());
}
