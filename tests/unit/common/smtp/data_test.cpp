#include <catch2/catch.hpp>

#include "common/smtp/data_decoder.h"
#include "common/smtp/data_encoder.h"

using namespace dromos;
using smtp::DataDecoder;

namespace {

struct Outcome {
  std::string content, rest;
  bool done = false, cr = false, lf = false, nul = false, large = false;
  uint64_t size = 0, offset = 0;
  bool operator==(const Outcome&) const = default;
};

Outcome decode(std::string_view wire, size_t chunk, uint64_t limit = 1 << 20) {
  DataDecoder decoder(limit);
  Outcome outcome;
  while (!wire.empty() && !decoder.done()) {
    // Each chunk in memory of its own, so that a view kept too long is seen by ASan.
    const std::string piece(wire.substr(0, chunk));
    std::string_view input = piece;
    decoder.feed(input, outcome.content);
    wire.remove_prefix(piece.size() - input.size());
  }
  const auto& f = decoder.faults();
  return {outcome.content, std::string(wire), decoder.done(), f.bare_cr,     f.bare_lf,
          f.nul,           f.too_large,       decoder.size(), f.first_offset};
}

Outcome decode_all_ways(std::string_view wire, uint64_t limit = 1 << 20) {
  Outcome whole = decode(wire, wire.size() + 1, limit);
  for (const size_t chunk : {1, 2, 3, 5, 7}) REQUIRE(decode(wire, chunk, limit) == whole);
  return whole;
}

}  // namespace

TEST_CASE("mail data ends at CRLF.CRLF and loses its stuffed dots", "[unit][smtp]") {
  const auto plain = decode_all_ways("a\r\n..b\r\n.c\r\n...\r\n.\r\nRSET\r\n");
  REQUIRE(plain.content == "a\r\n.b\r\nc\r\n..\r\n");
  REQUIRE(plain.rest == "RSET\r\n");
  REQUIRE(plain.done);
  REQUIRE(plain.size == plain.content.size());
  REQUIRE_FALSE((plain.cr || plain.lf || plain.nul || plain.large));

  const auto empty = decode_all_ways(".\r\nQUIT\r\n");
  REQUIRE(empty.done);
  REQUIRE(empty.content.empty());
  REQUIRE(empty.rest == "QUIT\r\n");

  REQUIRE_FALSE(decode_all_ways("a\r\n.").done);
  REQUIRE_FALSE(decode_all_ways("a\r\n.\r").done);
  REQUIRE_FALSE(decode_all_ways("a.\r\n").done);
}

TEST_CASE("no smuggled end of data ends the message", "[unit][smtp]") {
  // shared/vectors/mime/generated/smtp_sequences.json, end_of_data, and a few more.
  const std::string ends[] = {
      "\n.\n",
      "\n.\r\n",
      "\r\n.\n",
      "\r.\r",
      "\r.\r\n",
      "\r\n.\r",
      "\n.\r",
      std::string("\r\n\0.\r\n", 6),
      std::string("\n\0.\r\n", 5),
      std::string("\r\n.\0\r\n", 6),
      "\r\n. \r\n",
      "\r\n .\r\n",
      "\r\r\n.\r\r\n",
      "\xC2\x85.\xC2\x85",
      "\x85.\x85",
      std::string("\r\n.\r\0\n", 6),
      "\n\n.\r\n",
      "\x0B.\x0B",
      "\r\n..\r\n",
      "\r\n.\r\r\n",
      "\r\n.\r\r.\r\n",
      "\r\n\n.\r\n",
      "\n\r.\r\n",
      "\r\n.\t\r\n",
  };
  const std::string smuggled =
      "MAIL FROM:<evil@example.com>\r\nRCPT TO:<user@example.net>\r\nDATA\r\nSubject: smuggled\r\n\r\nx";
  for (const std::string& end : ends) {
    CAPTURE(end);
    const auto got = decode_all_ways("Subject: a\r\n\r\nbody" + end + smuggled + "\r\n.\r\nQUIT\r\n");
    REQUIRE(got.done);
    REQUIRE(got.rest == "QUIT\r\n");
    REQUIRE(got.content.find(smuggled) != std::string::npos);
    const bool odd = end.find('\0') != std::string::npos || [&] {
      for (size_t i = 0; i < end.size(); ++i) {
        if (end[i] == '\n' && (i == 0 || end[i - 1] != '\r')) return true;
        if (end[i] == '\r' && (i + 1 == end.size() || end[i + 1] != '\n')) return true;
      }
      return false;
    }();
    REQUIRE((got.cr || got.lf || got.nul) == odd);
  }
}

TEST_CASE("bare CR, bare LF and NUL are found wherever they stand, with their place", "[unit][smtp]") {
  REQUIRE(decode_all_ways("ab\ncd\r\n.\r\n").lf);
  REQUIRE(decode_all_ways("ab\ncd\r\n.\r\n").offset == 2);
  REQUIRE(decode_all_ways("\n.\r\n.\r\n").lf);
  REQUIRE(decode_all_ways("ab\rcd\r\n.\r\n").cr);
  REQUIRE(decode_all_ways("ab\r\rcd\r\n.\r\n").offset == 2);
  REQUIRE(decode_all_ways("ab\r\r\n.\r\n").cr);
  REQUIRE(decode_all_ways("ab\r\n.\rx\r\n.\r\n").cr);
  REQUIRE(decode_all_ways("ab\r\n.\rx\r\n.\r\n").offset == 4);
  REQUIRE(decode_all_ways(std::string("ab\r\n.\0\r\n.\r\n", 11)).nul);
  REQUIRE_FALSE(decode_all_ways("ab\r\ncd\r\n.\r\n").cr);

  DataDecoder decoder(100);
  std::string out;
  std::string_view wire = "ab\ncd\r\n.\r\n";
  REQUIRE(decoder.feed(wire, out));
  const auto verdict = decoder.faults().verdict();
  REQUIRE_FALSE(verdict);
  REQUIRE(verdict.error().is(smtp::Errc::bad_content));
}

TEST_CASE("content past the size limit is counted, dropped and read to its end", "[unit][smtp]") {
  const auto got = decode_all_ways("12345678\r\n12345678\r\n.\r\nQUIT\r\n", 15);
  REQUIRE(got.done);
  REQUIRE(got.large);
  REQUIRE(got.size == 20);
  REQUIRE(got.content == "12345678\r\n12345");
  REQUIRE(got.rest == "QUIT\r\n");
  REQUIRE_FALSE(decode_all_ways("12345678\r\n.\r\n", 10).large);
}

TEST_CASE("every string over the dangerous octets decodes the same whole and in pieces", "[unit][smtp]") {
  // All words of length 7 over {CR, LF, '.', 'a', NUL}: 78,125 cases against a plain reference.
  const char alphabet[] = {'\r', '\n', '.', 'a', '\0'};
  for (int word = 0; word < 78125; ++word) {
    std::string wire;
    for (int i = 0, rest = word; i < 7; ++i, rest /= 5) wire.push_back(alphabet[rest % 5]);
    const Outcome whole = decode(wire, wire.size() + 1);
    const Outcome bytes = decode(wire, 1);
    if (!(whole == bytes)) FAIL("differs: word " << word);
    const size_t end = wire.starts_with(".\r\n") ? 0 : wire.find("\r\n.\r\n");
    const bool ends = end != std::string::npos;
    if (whole.done != ends) FAIL("end of data wrong: word " << word);
    if (!ends) continue;
    const size_t after = end == 0 && wire.starts_with(".\r\n") ? 3 : end + 5;
    if (whole.rest != wire.substr(after)) FAIL("rest wrong: word " << word);
  }
}

TEST_CASE("the client's encoding decodes to the content with mended line ends", "[unit][smtp]") {
  struct Case {
    const char *content, *wire;
  };
  const Case cases[] = {
      {"", ".\r\n"},
      {"a", "a\r\n.\r\n"},
      {"a\r\n", "a\r\n.\r\n"},
      {".\r\n", "..\r\n.\r\n"},
      {"a\n.\nb", "a\r\n..\r\nb\r\n.\r\n"},
      {"a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"},
      {"a\r\r\n.", "a\r\n\r\n..\r\n.\r\n"},
      {"a\r", "a\r\n.\r\n"},
      {"..a", "...a\r\n.\r\n"},
      {"\n\n", "\r\n\r\n.\r\n"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.content);
    std::string whole, bytes;
    smtp::DataEncoder encoder;
    encoder.feed(c.content, whole);
    encoder.finish(whole);
    REQUIRE(whole == c.wire);
    smtp::DataEncoder one;
    for (const char* p = c.content; *p != '\0'; ++p) one.feed({p, 1}, bytes);
    one.finish(bytes);
    REQUIRE(bytes == whole);
    const auto back = decode_all_ways(whole);
    REQUIRE(back.done);
    REQUIRE(back.rest.empty());
    REQUIRE_FALSE((back.cr || back.lf));
  }
  std::string chunk;
  smtp::DataEncoder plain(smtp::DataEncoder::Dots::none);
  plain.feed(".a\nb", chunk);
  plain.finish(chunk);
  REQUIRE(chunk == ".a\r\nb\r\n");
}

TEST_CASE("BDAT chunks count octets and nothing else", "[unit][smtp]") {
  smtp::BdatDecoder decoder(100);
  std::string out;
  std::string_view input = "ab\r\n.\r\nQUIT";
  decoder.begin(7, false);
  REQUIRE(decoder.feed(input, out));
  REQUIRE(input == "QUIT");
  REQUIRE_FALSE(decoder.message_done());
  decoder.begin(0, true);
  REQUIRE(decoder.message_done());
  REQUIRE(out == "ab\r\n.\r\n");
  REQUIRE_FALSE(decoder.faults().any());

  smtp::BdatDecoder short_one(100);
  input = "123456789";
  short_one.begin(10, true);
  REQUIRE_FALSE(short_one.feed(input, out));
  REQUIRE(short_one.left() == 1);

  smtp::BdatDecoder bare(100);
  input = "a\nb\r";
  bare.begin(4, true);
  REQUIRE(bare.feed(input, out));
  REQUIRE(bare.faults().bare_lf);
  REQUIRE(bare.faults().bare_cr);

  smtp::BdatDecoder split_crlf(100);
  split_crlf.begin(2, false);
  input = "a\r";
  split_crlf.feed(input, out);
  split_crlf.begin(1, true);
  input = "\n";
  split_crlf.feed(input, out);
  REQUIRE_FALSE(split_crlf.faults().any());
}

TEST_CASE("BDAT sizes past the limit are known at once and nothing of them is kept", "[unit][smtp]") {
  smtp::BdatDecoder decoder(10);
  std::string out;
  decoder.begin(8, false);
  std::string_view input = "12345678";
  decoder.feed(input, out);
  REQUIRE_FALSE(decoder.faults().too_large);
  decoder.begin(3, true);
  REQUIRE(decoder.faults().too_large);
  input = "123QUIT";
  REQUIRE(decoder.feed(input, out));
  REQUIRE(input == "QUIT");
  REQUIRE(out == "12345678");

  smtp::BdatDecoder huge(10);
  huge.begin(1, false);
  input = "1";
  huge.feed(input, out);
  huge.begin(UINT64_MAX, true);
  REQUIRE(huge.faults().too_large);
  REQUIRE_FALSE(huge.chunk_done());
}
