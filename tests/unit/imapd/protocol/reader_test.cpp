#include "imapd/protocol/reader.h"

#include <catch2/catch.hpp>

#include "imapd/protocol/parser.h"

using namespace dromos::imapd;
using namespace std::string_literals;
using Step = CommandReader::Step;

struct Policy {
  ReaderLimits limits;
  bool refuse = false;
};

/// What happens to `input`, one line per step; chunks of one literal are joined.
static std::string story(std::string_view input, size_t piece, Policy policy = {}) {
  CommandReader reader(policy.limits);
  std::string out;
  bool in_chunk = false;
  while (true) {
    std::string_view bytes = input.substr(0, piece);
    input.remove_prefix(bytes.size());
    while (true) {
      const Step step = reader.next(bytes);
      if (step == Step::chunk) {
        out += (in_chunk ? "" : "chunk ") + std::string(reader.chunk());
        in_chunk = true;
        continue;
      }
      if (step == Step::need_more) break;
      if (in_chunk) out += "\n";
      in_chunk = false;
      switch (step) {
        case Step::literal:
          out += "literal " + std::to_string(reader.head().size) +
                 (reader.head().synchronising ? " sync" : "") + (reader.head().binary ? " binary" : "") +
                 (reader.head().message_data ? " message" : "") + "\n";
          policy.refuse ? reader.refuse() : reader.accept();
          break;
        case Step::literal_done:
          out += "done\n";
          break;
        case Step::command:
          out += "command " + reader.command().text + "\n";
          break;
        case Step::line:
          out += "line " + std::string(reader.line()) + "\n";
          break;
        case Step::refused:
          out += "refused " + std::string(reader.tag()) + "\n";
          break;
        case Step::bad:
          out += "bad " + std::string(reader.tag()) + ": " + std::string(reader.reason()) + "\n";
          break;
        case Step::fatal:
          return out + "fatal: " + std::string(reader.reason()) + "\n";
        default:
          break;
      }
    }
    if (input.empty()) return out;
  }
}

/// The same story however the octets are cut.
static std::string told(std::string_view input, Policy policy = {}) {
  const std::string whole = story(input, input.size(), policy);
  for (const size_t piece : {size_t{1}, size_t{2}, size_t{7}}) CHECK(story(input, piece, policy) == whole);
  return whole;
}

TEST_CASE("Commands are cut at line ends and joined over literals", "[unit][imapd]") {
  CHECK(told("a NOOP\r\nb NOOP\nc LOGIN {3}\r\nfoo {5+}\r\nb\r\nar\r\n") ==
        "command a NOOP\ncommand b NOOP\nliteral 3 sync\nliteral 5\ncommand c LOGIN {3}\r\nfoo "
        "{5+}\r\nb\r\nar\n");
  CHECK(told("a LOGIN {0}\r\n {0+}\r\n\r\n") ==
        "literal 0 sync\nliteral 0\ncommand a LOGIN {0}\r\n {0+}\r\n\n");
}

TEST_CASE("Message data are streamed, names are not", "[unit][imapd]") {
  CHECK(told("a APPEND {5}\r\nINBOX (\\Seen) {4}\r\nabcd ~{2+}\r\nxy\r\n") ==
        "literal 5 sync\nliteral 4 sync message\nchunk abcd\ndone\nliteral 2 binary message\nchunk xy\ndone\n"
        "command a APPEND {5}\r\nINBOX (\\Seen) {4}\r\n ~{2+}\r\n\n");
  CHECK(told("a APPEND x CATENATE (URL {1+}\r\nu TEXT {2+}\r\nhi)\r\n") ==
        "literal 1\nliteral 2 message\nchunk hi\ndone\ncommand a APPEND x CATENATE (URL {1+}\r\nu TEXT "
        "{2+}\r\n)\n");
  CHECK(told("a UID REPLACE 4 {1+}\r\nx {1+}\r\ny\r\n") ==
        "literal 1\nliteral 1 message\nchunk y\ndone\ncommand a UID REPLACE 4 {1+}\r\nx {1+}\r\n\n");
  CHECK(told("a APPEND x {0+}\r\n\r\n") == "literal 0 message\ndone\ncommand a APPEND x {0+}\r\n\n");
}

TEST_CASE("A refused literal ends its command and no other", "[unit][imapd]") {
  const Policy refuse{.refuse = true};
  CHECK(told("a LOGIN {3}\r\nb NOOP\r\n", refuse) == "literal 3 sync\nrefused a\ncommand b NOOP\n");
  CHECK(told("a LOGIN {3+}\r\nb N {4+}\r\nxxxx y\r\nc NOOP\r\n", refuse) ==
        "literal 3\nrefused a\ncommand c NOOP\n");
  CHECK(told("a LOGIN {3+}\r\nb N {4}\r\nc NOOP\r\n", refuse) == "literal 3\nrefused a\ncommand c NOOP\n");
  CHECK(told("a APPEND x {999999999+}\r\n", refuse) ==
        "literal 999999999 message\nfatal: Refused literal is too large to be skipped\n");
}

TEST_CASE("Bounds hold and the next command is served", "[unit][imapd]") {
  Policy small;
  small.limits = {.line = 40, .text = 100, .argument_literals = 10, .literals = 2, .skip = 200};
  CHECK(told("a NOOP " + std::string(100, 'x') + "\r\nb NOOP\r\n", small) ==
        "bad a: Command line is too long\ncommand b NOOP\n");
  CHECK(told("a NOOP " + std::string(33, 'x') + "\r\n", small) ==
        "command a NOOP " + std::string(33, 'x') + "\n");
  CHECK(told("a NOOP " + std::string(34, 'x') + "\r\n", small) == "bad a: Command line is too long\n");
  CHECK(told("a NOOP " + std::string(1000, 'x'), small) == "fatal: Too much input after an error\n");
  CHECK(told("a LOGIN {11}\r\nb NOOP\r\n", small) == "bad a: Literal is too large\ncommand b NOOP\n");
  CHECK(told("a LOGIN {11+}\r\n12345678901 x\r\nb NOOP\r\n", small) ==
        "bad a: Literal is too large\ncommand b NOOP\n");
  CHECK(told("a X {6+}\r\n123456 {6+}\r\n123456\r\nb NOOP\r\n", small) ==
        "literal 6\nbad a: Literal is too large\ncommand b NOOP\n");
  CHECK(told("a X {1+}\r\n1 {1+}\r\n2 {1+}\r\n3\r\nb NOOP\r\n", small) ==
        "literal 1\nliteral 1\nbad a: Too many literals\ncommand b NOOP\n");
  CHECK(told("a NOOP {99999999999999999999+}\r\n", small) == "fatal: Literal size is not a number\n");
  CHECK(told("a NOOP {99999999999999999999}\r\nb NOOP\r\n", small) ==
        "bad a: Literal size is not a number\ncommand b NOOP\n");
  CHECK(told("a " + std::string(60, 'x') + " {4+}\r\nquux\r\nb NOOP\r\n", small) ==
        "bad a: Command line is too long\ncommand b NOOP\n");
}

TEST_CASE("NUL and bare CR are refused", "[unit][imapd]") {
  CHECK(told("a NO\0OP\r\nb NOOP\r\n"s) == "bad a: NUL octet in command\ncommand b NOOP\n");
  CHECK(told("a NO\rOP\r\nb NOOP\r\n") == "bad a: Bare CR in command\ncommand b NOOP\n");
  CHECK(told("a LOGIN {3}\r\nx\0y z\r\nb NOOP\r\n"s) ==
        "literal 3 sync\nbad a: NUL octet in literal\ncommand b NOOP\n");
  CHECK(told("a X ~{3}\r\nx\0y\r\n"s) == "literal 3 sync binary\ncommand a X ~{3}\r\nx\0y\n"s);
  CHECK(told("\0\r\n"s) == "bad : NUL octet in command\n");
}

TEST_CASE("NUL in a streamed literal is told", "[unit][imapd]") {
  CommandReader reader;
  const std::string input = "a APPEND x {3+}\r\na\0b\r\n"s;
  std::string_view bytes = input;
  REQUIRE(reader.next(bytes) == Step::literal);
  reader.accept();
  REQUIRE(reader.next(bytes) == Step::chunk);
  REQUIRE(reader.next(bytes) == Step::literal_done);
  REQUIRE(reader.next(bytes) == Step::command);
  CHECK(reader.command().streamed.at(0).has_nul);
  CHECK(reader.idle());
}

TEST_CASE("Lines that are no commands are read on request", "[unit][imapd]") {
  CommandReader reader;
  std::string_view bytes = "a IDLE\r\nDONE {4}\r\nb NOOP\r\n";
  REQUIRE(reader.next(bytes) == Step::command);
  reader.expect_line();
  REQUIRE(reader.next(bytes) == Step::line);
  CHECK(reader.line() == "DONE {4}");
  REQUIRE(reader.next(bytes) == Step::command);
  CHECK(reader.command().text == "b NOOP");
  CHECK(reader.tag() == "b");
  reader.release();
  CHECK(reader.memory() < 1024);
}

TEST_CASE("Fifty megabytes pass through without being kept", "[unit][imapd]") {
  CommandReader reader;
  std::string_view bytes = "a APPEND x {52428800+}\r\n";
  REQUIRE(reader.next(bytes) == Step::literal);
  reader.accept();
  const std::string block(65536, 'x');
  uint64_t seen = 0;
  for (int i = 0; i < 800; ++i) {
    bytes = block;
    REQUIRE(reader.next(bytes) == Step::chunk);
    seen += reader.chunk().size();
  }
  CHECK(seen == 52428800);
  CHECK(reader.memory() < 4096);
  bytes = "\r\n";
  REQUIRE(reader.next(bytes) == Step::literal_done);
  REQUIRE(reader.next(bytes) == Step::command);
  const auto command = parse_command(reader.command());
  REQUIRE(command);
  const auto& append = command->as<AppendCommand>();
  REQUIRE(append.messages.size() == 1);
  CHECK(append.messages[0].parts.at(0).literal.size == 52428800);
  CHECK(append.messages[0].parts.at(0).literal.stream == std::optional<uint32_t>(0));
}

TEST_CASE("The head of an APPEND is known before its literal", "[unit][imapd]") {
  CommandReader reader;
  const auto announced = [&](std::string_view input) {
    reader = CommandReader();
    REQUIRE(reader.next(input) == Step::literal);
    return parse_append_head(reader.text_so_far());
  };
  auto head = announced("a APPEND \"Sent Items\" (\\Seen) \"17-Jul-1996 02:44:25 -0700\" {10}\r\n");
  REQUIRE(head);
  CHECK(head->tag == "a");
  CHECK(head->mailbox == "Sent Items");
  CHECK(head->message == 0);
  head = announced("a APPEND x UTF8 (~{0}\r\n");
  REQUIRE(head);
  head = announced("a UID REPLACE 7 x CATENATE (URL u TEXT {3}\r\n");
  REQUIRE(head);
  CHECK((head->replace && head->uid && head->catenate));
  head = announced("a APPEND x (\\Foo) {10}\r\n");
  REQUIRE_FALSE(head);
  CHECK(head.error().reason == "Invalid flag");
}

TEST_CASE("New limits hold from the next command on", "[unit][imapd]") {
  CommandReader reader;
  std::string_view bytes = "a NOOP xxx";
  CHECK(reader.next(bytes) == Step::need_more);
  reader.set_limits({.line = 5});
  bytes = "xxxxx\r\nb NOOP\r\n";
  CHECK(reader.next(bytes) == Step::command);
  CHECK(reader.next(bytes) == Step::bad);
}
