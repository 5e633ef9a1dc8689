#include "common/mime/seven_bit.h"

#include <catch2/catch.hpp>

#include "common/base/strings.h"
#include "common/mime/facts.h"
#include "common/mime/parser.h"
#include "common/mime/text.h"

namespace dromos::mime {
namespace {

using Form = SevenBit::Form;

const std::string kMixed =
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: "
    "8bit\r\n\r\n"
    "preamble\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    "gr\xc3\xbc\xc3\x9f\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n\xff\xfe\r\n"
    "--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b--\r\n";

TEST_CASE("Seven bits stay as they are", "[unit][mime]") {
  CHECK(seven_bit_form("Subject: x\r\n\r\nplain\r\n").form == Form::as_it_is);
  CHECK(seven_bit_form("").form == Form::as_it_is);
}

TEST_CASE("Each 8-bit leaf is encoded and the rest is left alone", "[unit][mime]") {
  const SevenBit result = seven_bit_form(kMixed);
  REQUIRE(result.form == Form::converted);
  CHECK(is_ascii(result.bytes));
  CHECK(result.bytes ==
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: "
        "7bit\r\n\r\n"
        "preamble\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\ngr=C3=BC=C3=9F\r\n"
        "--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n//4=\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b--\r\n");
  const auto before = mime::build_facts(kMixed), after = mime::build_facts(result.bytes);
  CHECK(mime::readable_text(kMixed, before) == mime::readable_text(result.bytes, after));
  CHECK(before.tree.parts.size() == after.tree.parts.size());
}

TEST_CASE("An embedded message is converted inside", "[unit][mime]") {
  const SevenBit result = seven_bit_form(
      "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
      "Subject: in\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xc3\xbc\r\n");
  REQUIRE(result.form == Form::converted);
  CHECK(result.bytes.find("Content-Transfer-Encoding: 7bit\r\n\r\nSubject: in\r\n") != std::string::npos);
  CHECK(result.bytes.ends_with("quoted-printable\r\n\r\n=C3=BC\r\n"));
}

TEST_CASE("Text that was no MIME says so and of unknown charset", "[unit][mime]") {
  const SevenBit result = seven_bit_form("Subject: x\r\n\r\n\xfc\r\n");
  REQUIRE(result.form == Form::converted);
  CHECK(result.bytes ==
        "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n=FC\r\n");
}

TEST_CASE("What would be broken is not converted", "[unit][mime]") {
  for (const std::string& raw : {
           std::string("Subject: \xc3\xbc\r\n\r\nx\r\n"),
           "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\xc3\xbc\r\n--b--\r\n" +
               std::string(),
           std::string("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n\xc3\xbc\r\n"),
           std::string("Content-Type: message/partial; id=1; number=1\r\n\r\n\xc3\xbc\r\n"),
           std::string(
               "Content-Type: multipart/mixed; boundary=b\r\n\r\n\xc3\xbc\r\n--b\r\n\r\nx\r\n--b--\r\n"),
       }) {
    const SevenBit result = seven_bit_form(raw);
    CHECK(result.form == Form::impossible);
    CHECK_FALSE(result.reason.empty());
    CHECK(result.bytes.empty());
  }
}

TEST_CASE("Leaves with NULs are encoded, other eight bits stay", "[unit][mime]") {
  using namespace std::string_literals;
  CHECK(without_nul("Subject: x\r\n\r\n\xfc\r\n").form == SevenBit::Form::as_it_is);
  const SevenBit binary = without_nul(
      "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n\0-\xe4\n"s);
  REQUIRE(binary.form == SevenBit::Form::converted);
  CHECK(binary.bytes ==
        "Content-Type: application/octet-stream\r\nMIME-Version: 1.0\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\nAC3kCg==\r\n");
  CHECK(without_nul("Subject: \0\r\n\r\nx"s).form == SevenBit::Form::impossible);
}

}  // namespace
}  // namespace dromos::mime
