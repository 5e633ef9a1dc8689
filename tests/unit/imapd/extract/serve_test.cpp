#include "imapd/extract/serve.h"

#include <malloc.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "documents.h"

namespace dromos::extract {
namespace {

/// What serve() answers to `input`, whose sender then waits no longer.
std::pair<int, std::string> served(std::string_view input, const ServeLimits& limits) {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  REQUIRE(write_all(ends[0], input.data(), input.size()));
  shutdown(ends[0], SHUT_WR);
  Extractor extractor;
  const int status = serve(ends[1], ends[1], extractor, limits);
  close(ends[1]);
  std::string out(65536, '\0');
  size_t size = 0;
  for (ssize_t got = 0; (got = read(ends[0], out.data() + size, out.size() - size)) > 0;)
    size += static_cast<size_t>(got);
  close(ends[0]);
  out.resize(size);
  return {status, out};
}

std::string asking(std::string_view document) {
  return request({static_cast<uint32_t>(document.size()), 1000, 60'000}).append(document);
}

}  // namespace

TEST_CASE("Each request has its answer, and the last one says that it is", "[unit][extract]") {
  const std::string document = word_document("<w:p><w:t>words</w:t></w:p>");
  const std::string told = answer({Outcome::text, 0, 6}) + "words\n";
  const std::string last = answer({Outcome::text, kAnswerLast, 6}) + "words\n";
  const std::string twice = asking(document) + asking(document);
  CHECK(served(twice, {}) == std::pair<int, std::string>(0, told + told));
  CHECK(served(twice, {.documents = 2}) == std::pair<int, std::string>(0, told + last));
  CHECK(served(twice, {.documents = 1}) == std::pair<int, std::string>(0, last));
  if (mallinfo2().arena > 0)  // sanitizers have an allocator of their own
    CHECK(served(twice, {.heap = 1}) == std::pair<int, std::string>(0, last));
  CHECK(served(twice, {.cpu_seconds = 0}) == std::pair<int, std::string>(0, last));
}

TEST_CASE("Half a request has no answer, a wrong one ends the helper", "[unit][extract]") {
  const std::string whole = asking("none");
  for (size_t length = 0; length < whole.size(); ++length)
    CHECK(served(whole.substr(0, length), {}) == std::pair<int, std::string>(0, ""));
  CHECK(served(std::string(kRequestBytes, '\xFF'), {}) == std::pair<int, std::string>(1, ""));
}

}  // namespace dromos::extract
