#include "common/net/deflate.h"

#include <catch2/catch.hpp>

#include "common/async/task_group.h"
#include "common/net/stream.h"

using namespace dromos;
using namespace dromos::net;
using namespace std::chrono_literals;

namespace {

std::string unpack_all(Deflate& to, std::string_view packed, size_t room = 4096) {
  to.feed(packed);
  std::string out;
  std::string buffer(room, '\0');
  do {
    const auto got = to.inflate(buffer.data(), buffer.size());
    REQUIRE(got);
    out.append(buffer, 0, *got);
  } while (to.pending());
  return out;
}

std::string packed(Deflate& from, std::string_view plain, bool last = false) {
  std::string out;
  from.pack(plain, out, last);
  return out;
}

}  // namespace

TEST_CASE("what is packed is there for the peer at once, whole or octet by octet", "[unit][net]") {
  Deflate a, b;
  std::string random;
  for (uint32_t n = 1, i = 0; i < 100'000; ++i)
    random += static_cast<char>((n = n * 1664525 + 1013904223) >> 24);
  for (const std::string& text :
       {std::string("a NOOP\r\n"), std::string(300'000, 'x'), random, std::string("z")}) {
    REQUIRE(unpack_all(b, packed(a, text)) == text);
    std::string slowly;
    for (const char c : packed(a, text)) slowly += unpack_all(b, {&c, 1}, 7);
    REQUIRE(slowly == text);
  }
}

TEST_CASE("hibernating streams understand each other afterwards", "[unit][net]") {
  Deflate a, b;
  std::string text;
  for (int i = 0; i < 40; ++i) {
    text += "* " + std::to_string(i * i) + " FETCH (FLAGS (\\Seen))\r\n";
    REQUIRE(unpack_all(b, packed(a, text)) == text);
    if (i % 3 == 0) a.hibernate();
    if (i % 2 == 0) b.hibernate();
  }
  // A peer that has not flushed is within a block: nothing may be forgotten.
  const std::string late = packed(a, text);
  std::string got = unpack_all(b, late.substr(0, late.size() / 2));
  b.hibernate();
  got += unpack_all(b, late.substr(late.size() / 2));
  REQUIRE(got == text);
}

TEST_CASE("a bomb is unpacked only as far as there is room", "[unit][net]") {
  Deflate a, b;
  const std::string bomb = packed(a, std::string(50 << 20, '\0'));
  REQUIRE(bomb.size() < 300'000);
  b.feed(bomb);
  std::string buffer(1000, 'x');
  for (int i = 0; i < 100; ++i) REQUIRE(*b.inflate(buffer.data(), buffer.size()) == buffer.size());
  REQUIRE(b.pending());
}

TEST_CASE("garbage is an error, and so is input behind the end of the layer", "[unit][net]") {
  Deflate a, b, c;
  char buffer[100];
  b.feed("\xff\xff\xff\xff");
  REQUIRE(b.inflate(buffer, sizeof buffer).error().is(Errc::invalid_argument));
  c.feed(packed(a, "bye", true) + "more");
  REQUIRE(*c.inflate(buffer, sizeof buffer) == 3);
  REQUIRE(c.pending());
  REQUIRE(c.inflate(buffer, sizeof buffer).error().is(Errc::invalid_argument));
}

TEST_CASE("plain input behind a flush or the end of the layer comes out as it was sent", "[unit][net]") {
  for (const bool last : {false, true}) {
    Deflate a, b;
    REQUIRE(unpack_all(b, packed(a, "hello\r\n")) == "hello\r\n");
    b.feed(packed(a, "a UNAUTHENTICATE\r\n", last) + "b LOGIN x y\r\n");
    char buffer[100];
    const auto got = b.inflate(buffer, sizeof buffer);
    REQUIRE(std::string(buffer, *got) == "a UNAUTHENTICATE\r\n");
    REQUIRE(b.end_input() == "b LOGIN x y\r\n");
  }
}

TEST_CASE("a compressed stream waits for octets, not for bytes, and goes back to plain", "[unit][net]") {
  run_blocking([]() -> Task<void> {
    const auto soon = [] { return Deadline::after(5s); };
    auto [a, b] = Stream::memory_pair();
    REQUIRE(co_await a->start_compression(soon()));
    REQUIRE(co_await b->start_compression(soon()));
    const std::string big(1 << 20, 'q');
    TaskGroup group;
    group.spawn([](Stream& stream, const std::string& bytes) -> Task<void> {
      const auto sent = co_await stream.write_all(bytes, Deadline::after(5s));
      REQUIRE(sent);
    }(*a, big));
    REQUIRE(*co_await b->read_exactly(big.size(), soon()) == big);
    co_await group.join();
    REQUIRE(b->input_empty());
    // The first octets of a block say nothing yet.
    auto [c, d] = Stream::memory_pair();
    REQUIRE(co_await c->start_compression(soon()));
    Deflate by_hand;
    const std::string first = packed(by_hand, "later");
    REQUIRE(co_await d->write_all(first.substr(0, 1), soon()));
    REQUIRE(co_await c->wait_readable(Deadline::after(20ms)) == Wake::timeout);
    REQUIRE(co_await d->write_all(first.substr(1), soon()));
    REQUIRE(co_await c->wait_readable(soon()) == Wake::ready);
    REQUIRE(*co_await c->fill(soon()) == 5);
    REQUIRE(c->input_empty() == false);
    d->write("plain");
    c->write("good bye");
    REQUIRE(co_await d->flush(soon()));
    REQUIRE(co_await c->stop_compression(soon()));
    REQUIRE(*co_await c->read_exactly(10, soon()) == "laterplain");
    const auto last = co_await d->fill(soon());
    REQUIRE(last);
    REQUIRE(unpack_all(by_hand, d->buffered()) == "good bye");
  }());
}
