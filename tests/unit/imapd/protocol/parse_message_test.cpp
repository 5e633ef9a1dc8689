#include "parse_helpers.h"

using namespace dromos::imapd;
using Kind = FetchItem::Kind;

/// Labels of the items, joined; "!" marks those that do not set \Seen though they read the body.
static std::string items(std::string_view text) {
  std::string out;
  for (const FetchItem& item : parsed_as<FetchCommand>(text).items)
    out += (out.empty() ? "" : " ") + item.label();
  return out;
}

TEST_CASE("FETCH items and macros", "[unit][imapd]") {
  CHECK(items("a FETCH 1 ALL") == "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE");
  CHECK(items("a FETCH 1 fast") == "FLAGS INTERNALDATE RFC822.SIZE");
  CHECK(items("a FETCH 1 FULL") == "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY");
  CHECK(items("a FETCH 1 BODY[]") == "BODY[]");
  CHECK(items("A654 FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])") ==
        "FLAGS BODY[HEADER.FIELDS (DATE FROM)]");
  CHECK(items("a FETCH 1 (uid RFC822 RFC822.HEADER RFC822.TEXT body bodystructure body.peek[1.2.mime]<0.5> "
              "BODY[4.2.HEADER] body[header.fields.not (\"X Y\")] BODY[TEXT]<7.9> BINARY[1.2]<3.4> "
              "BINARY.PEEK[] BINARY.SIZE[2] MODSEQ PREVIEW PREVIEW (LAZY) EMAILID THREADID SAVEDATE)") ==
        "UID RFC822 RFC822.HEADER RFC822.TEXT BODY BODYSTRUCTURE BODY[1.2.MIME]<0> "
        "BODY[4.2.HEADER] BODY[HEADER.FIELDS.NOT (\"X Y\")] BODY[TEXT]<7> BINARY[1.2]<3> "
        "BINARY[] BINARY.SIZE[2] MODSEQ PREVIEW PREVIEW EMAILID THREADID SAVEDATE");
  const auto fetch =
      parsed_as<FetchCommand>("a FETCH 1 (BODY[1]<5.6> BODY.PEEK[] RFC822.HEADER PREVIEW (LAZY))");
  CHECK(fetch.items[0].partial == std::optional<std::pair<uint64_t, uint64_t>>({5, 6}));
  CHECK((fetch.items[0].sets_seen() && !fetch.items[1].sets_seen() && !fetch.items[2].sets_seen()));
  CHECK(fetch.items[3].lazy);
}

TEST_CASE("FETCH modifiers of RFC 7162 and 9394", "[unit][imapd]") {
  auto fetch = parsed_as<FetchCommand>("s100 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 12345 VANISHED)");
  CHECK(fetch.changed_since == std::optional<uint64_t>(12345));
  CHECK(fetch.vanished);
  fetch = parsed_as<FetchCommand>("10 UID FETCH 25900:26600 (UID FLAGS) (PARTIAL -1:-100)");
  CHECK(fetch.partial == std::optional(PartialRange{true, 1, 100}));
  CHECK(fetch.partial->format() == "-1:-100");
  CHECK(refused("a FETCH 1 UID (VANISHED)") == "14: VANISHED needs CHANGEDSINCE");
  CHECK(refused("a FETCH 1 UID (CHANGEDSINCE 1 VANISHED)") == "39: VANISHED needs UID FETCH");
  CHECK(refused("a FETCH 1 UID (PARTIAL 1:-2)") == "26: Both ends of a partial range count the same way");
  CHECK(refused("a FETCH 1 UID (FOO)") == "15: Unknown FETCH modifier");
}

TEST_CASE("What FETCH does not know is refused", "[unit][imapd]") {
  CHECK(refused("a FETCH 1") == "9: Missing argument");
  CHECK(refused("a FETCH 0 UID") == "8: Invalid sequence set");
  CHECK(refused("a FETCH 1 FOO") == "10: Unknown FETCH item");
  CHECK(refused("a FETCH 1 (ALL)") == "11: Unknown FETCH item");
  CHECK(refused("a FETCH 1 ()") == "11: Unknown FETCH item");
  CHECK(refused("a FETCH 1 BODY[FOO]") == "15: Unknown section");
  CHECK(refused("a FETCH 1 BODY[MIME]") == "15: Unknown section");
  CHECK(refused("a FETCH 1 BODY[1.]") == "17: Unknown section");
  CHECK(refused("a FETCH 1 BODY[0]") == "15: Number must not be 0");
  CHECK(refused("a FETCH 1 BODY[1") == "16: Section is not closed");
  CHECK(refused("a FETCH 1 BODY[]<1>") == "18: Expected the length of the partial");
  CHECK(refused("a FETCH 1 BODY[]<1.0>") == "19: Number must not be 0");
  CHECK(refused("a FETCH 1 BINARY[TEXT]") == "17: Expected a part number");
  CHECK(refused("a FETCH 1 BODY.PEEK") == "19: Expected a section");
  CHECK(refused("a FETCH 1 BODY[HEADER.FIELDS ()]") == "30: Expected an atom or string");
  std::string deep = "1";
  for (size_t i = 0; i < kMaxPartDepth; ++i) deep += ".1";
  CHECK(refused("a FETCH 1 BODY[" + deep + "]").find("Too many levels in a section") != std::string::npos);
}

TEST_CASE("STORE, COPY, MOVE and UID EXPUNGE", "[unit][imapd]") {
  auto store = parsed_as<StoreCommand>("A003 STORE 2:4 +FLAGS (\\Deleted $x)");
  CHECK(store.change == StoreCommand::Change::add);
  CHECK(store.flags == FlagSet{kFlagDeleted, {"$x"}});
  CHECK_FALSE(store.silent);
  store = parsed_as<StoreCommand>("a UID STORE 7 (UNCHANGEDSINCE 320162338) -flags.silent \\Seen \\Draft");
  CHECK(store.unchanged_since == std::optional<uint64_t>(320162338));
  CHECK((store.silent && store.change == StoreCommand::Change::remove));
  CHECK(store.flags.system == (kFlagSeen | kFlagDraft));
  CHECK(parsed_as<StoreCommand>("a STORE $ FLAGS ()").flags.empty());
  CHECK(refused("a STORE 1 FOO (x)") == "10: Expected FLAGS or FLAGS.SILENT");
  CHECK(refused("a STORE 1 FLAGS (\\Foo)") == "17: Invalid flag");
  CHECK(refused("a STORE 1 FLAGS \\Seen,x") == "16: Invalid flag");
  CHECK(refused("a STORE 1 FLAGS (\\Seen") == "22: List of flags is not closed");
  CHECK(parsed_as<CopyCommand>("a COPY 2:4 MEETING").mailbox == "MEETING");
  const Command move = parsed("a UID MOVE 42:69 foo");
  CHECK((move.verb == Verb::move && move.uid));
  CHECK(parsed_as<ExpungeCommand>("A101 UID EXPUNGE 3000:3002").set.format() == "3000:3002");
}

TEST_CASE("APPEND with all its ways to give a message", "[unit][imapd]") {
  auto append = parsed_as<AppendCommand>("A003 APPEND saved-messages (\\Seen) {3}\r\nabc");
  CHECK(append.messages.at(0).parts.at(0).literal.data == "abc");
  CHECK(append.messages[0].flags.system == kFlagSeen);
  // RFC 3502 §6.3.11
  append = parsed_as<AppendCommand>(
      "A003 APPEND saved-messages (\\Seen) {1+}\r\na (\\Draft) \" 7-Feb-1994 22:43:04 -0800\" ~{2+}\r\nb\"");
  REQUIRE(append.messages.size() == 2);
  CHECK(append.messages[1].parts[0].literal.binary);
  CHECK(append.messages[1].date == DateTime{760689784, -480});
  // RFC 4469
  append = parsed_as<AppendCommand>(
      "A003 APPEND Drafts (\\Seen $MDNSent) CATENATE (URL "
      "\"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER\" "
      "TEXT {4}\r\n\r\n-- URL b)");
  CHECK(append.messages[0].catenate);
  REQUIRE(append.messages[0].parts.size() == 3);
  CHECK(append.messages[0].parts[1].literal.data == "\r\n--");
  CHECK(append.messages[0].parts[2].url == "b");
  append = parsed_as<AppendCommand>("a APPEND x UTF8 (~{1}\r\na)");
  CHECK(append.messages[0].utf8);
  const auto replace = parsed_as<ReplaceCommand>("R001 UID REPLACE 4 Drafts (\\Seen) {1}\r\nx");
  CHECK(replace.number == 4);
  CHECK(parsed_as<ReplaceCommand>("a REPLACE * Drafts {1}\r\nx").number == ReplaceCommand::kLast);
  CHECK(refused("a APPEND x") == "10: Missing argument");
  CHECK(refused("a APPEND x y") == "11: Expected a literal");
  CHECK(refused("a APPEND x \"yesterday\" {1}\r\nx") == "11: Invalid date-time");
  CHECK(refused("a APPEND x UTF8 ({1}\r\na)") == "17: UTF8 needs a binary literal");
  CHECK(refused("a APPEND x CATENATE (FOO y)") == "21: Expected URL, TEXT or UTF8");
  CHECK(refused("a REPLACE 0 x {1}\r\nx") == "10: Number must not be 0");
}
