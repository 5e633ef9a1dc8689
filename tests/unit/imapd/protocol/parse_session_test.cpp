#include "parse_helpers.h"

using namespace dromos::imapd;

TEST_CASE("Verbs have their names, in any case", "[unit][imapd]") {
  for (size_t i = 0; i < kVerbCount; ++i) CHECK_FALSE(name(static_cast<Verb>(i)).empty());
  for (const char* verb : {"CAPABILITY", "NOOP", "LOGOUT", "STARTTLS", "CHECK", "CLOSE", "UNSELECT", "IDLE",
                           "NAMESPACE", "UNAUTHENTICATE", "EXPUNGE"}) {
    const Command command = parsed("A001 " + std::string(verb));
    CHECK(command.tag == "A001");
    CHECK(name(command.verb) == verb);
    CHECK(std::holds_alternative<NoArguments>(command.arguments));
  }
  CHECK(parsed("a nOoP ").verb == Verb::noop);
}

TEST_CASE("LOGIN takes atoms, quoted strings and literals", "[unit][imapd]") {
  const auto login = parsed_as<LoginCommand>("a LOGIN {5}\r\nsmith \"ses\\\"a\\\\me\"");
  CHECK(login.user == "smith");
  CHECK(login.password == "ses\"a\\me");
  CHECK(parsed_as<LoginCommand>("a LOGIN a] \"\"").user == "a]");
  CHECK(parsed_as<LoginCommand>("a LOGIN x {3+}\r\na\"b").password == "a\"b");
}

TEST_CASE("AUTHENTICATE decodes its initial response", "[unit][imapd]") {
  CHECK(parsed_as<AuthenticateCommand>("a AUTHENTICATE plain").mechanism == "PLAIN");
  CHECK_FALSE(parsed_as<AuthenticateCommand>("a AUTHENTICATE PLAIN").initial_response);
  CHECK(parsed_as<AuthenticateCommand>("a AUTHENTICATE EXTERNAL =").initial_response == "");
  CHECK(parsed_as<AuthenticateCommand>("a AUTHENTICATE PLAIN AGEAYg==").initial_response ==
        std::string("\0a\0b", 4));
  CHECK(refused("a AUTHENTICATE PLAIN AG!") == "21: Initial response is not base64");
}

TEST_CASE("ENABLE, COMPRESS, ID, LANGUAGE and the like", "[unit][imapd]") {
  CHECK(parsed_as<EnableCommand>("a ENABLE condstore X-GOOD").capabilities ==
        std::vector<std::string>{"CONDSTORE", "X-GOOD"});
  CHECK(parsed_as<CompressCommand>("a COMPRESS deflate").algorithm == "DEFLATE");
  CHECK(parsed_as<IdCommand>("a ID NIL").fields.empty());
  CHECK(parsed_as<IdCommand>("a ID ()").fields.empty());
  const auto id = parsed_as<IdCommand>("a023 ID (\"name\" \"sodr\" \"version\" NIL)");
  REQUIRE(id.fields.size() == 2);
  CHECK(id.fields[0].second == "sodr");
  CHECK_FALSE(id.fields[1].second);
  std::string many = "a ID (";
  for (int i = 0; i < 31; ++i) many += "\"k\" \"v\" ";
  many.back() = ')';
  CHECK(refused(many).find("Too many ID fields") != std::string::npos);
  CHECK(parsed_as<ListOfStrings>("a LANGUAGE DE \"en\"").values == std::vector<std::string>{"DE", "en"});
  CHECK(parsed_as<ListOfStrings>("a LANGUAGE").values.empty());
  CHECK(parsed_as<ListOfStrings>("a COMPARATOR i;unicode-casemap").values.size() == 1);
  CHECK(parsed_as<ListOfStrings>("a CANCELUPDATE \"B02\" \"B03\"").values.size() == 2);
}

TEST_CASE("NOTIFY: the examples of RFC 5465", "[unit][imapd]") {
  CHECK(parsed_as<NotifyCommand>("a NOTIFY NONE").none);
  const auto notify = parsed_as<NotifyCommand>(
      "a notify set status (selected (MessageNew (uid body.peek[header.fields (from to subject)]) "
      "MessageExpunge)) "
      "(subtree Lists (MailboxName X-Odd)) (mailboxes (a \"b c\") (FlagChange MessageNew MessageExpunge)) "
      "(personal NONE)");
  CHECK(notify.status);
  REQUIRE(notify.groups.size() == 4);
  CHECK(notify.groups[0].filter.kind == MailboxFilter::Kind::selected);
  CHECK(notify.groups[0].events == (NotifyCommand::kMessageNew | NotifyCommand::kMessageExpunge));
  REQUIRE(notify.groups[0].fetch.size() == 2);
  CHECK(notify.groups[0].fetch[1].peek);
  CHECK(notify.groups[1].unknown_events == std::vector<std::string>{"X-Odd"});
  CHECK(notify.groups[2].filter.mailboxes == std::vector<std::string>{"a", "b c"});
  CHECK(notify.groups[3].events == 0);
  CHECK(refused("a NOTIFY SET (inboxes (MessageNew))") == "13: MessageNew and MessageExpunge go together");
  CHECK(refused("a NOTIFY SET (inboxes (FlagChange))") ==
        "13: FlagChange needs MessageNew and MessageExpunge");
  CHECK(refused("a NOTIFY SET (selected (MailboxName))") ==
        "13: Only message events for the selected mailbox");
  CHECK(refused("a NOTIFY SET (selected NONE) (selected-delayed NONE)") ==
        "29: Only one group for the selected mailbox");
  CHECK(refused("a NOTIFY SET (inboxes (MessageNew (UID) MessageExpunge))") ==
        "34: FETCH items go with the selected mailbox only");
  CHECK(refused("a NOTIFY SET (subtree-one x NONE)") == "14: Unknown mailbox filter");
}

TEST_CASE("What is no command is refused with tag, place and reason", "[unit][imapd]") {
  CHECK(refused("") == "0: Missing or invalid tag");
  CHECK(refused(" NOOP") == "0: Missing or invalid tag");
  CHECK(refused("a+ NOOP") == "0: Missing or invalid tag");
  CHECK(refused("a") == "1: Missing command");
  CHECK(refused("a ") == "2: Missing command");
  CHECK(refused("a FROB x") == "2: Unknown command");
  CHECK(refused("a UID NOOP") == "6: Command has no UID form");
  CHECK(refused("a UID") == "5: Missing command after UID");
  CHECK(refused("a NOOP x") == "7: Unexpected text after the command");
  CHECK(refused("a LOGIN x") == "9: Missing argument");
  CHECK(refused("a LOGIN x \"y") == "10: Quoted string is not closed");
  CHECK(refused("a LOGIN x \"\\y\"") == "12: Invalid escape in quoted string");
  CHECK(refused("a LOGIN x \"\xff\"") == "10: Quoted string is not valid UTF-8");
  CHECK(refused("a LOGIN x ~{1}\r\ny") == "11: Unexpected text after the command");
  CHECK(refused("a LOGIN x {9}\r\ny") == "10: Literal is not allowed here");
  CHECK(refused("a LOGIN x (y)") == "10: Expected an atom or string");
  const auto unknown = parse_command("t7 FROB");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().kind == ParseError::Kind::unknown_command);
  CHECK(unknown.error().tag == "t7");
  CHECK(parse_command("a LOGIN").error().kind == ParseError::Kind::syntax);
}
