#include "parse_helpers.h"

using namespace dromos::imapd;

TEST_CASE("SELECT with CONDSTORE and QRESYNC", "[unit][imapd]") {
  CHECK(parsed_as<SelectCommand>("A142 SELECT INBOX").mailbox == "INBOX");
  CHECK(parsed("a EXAMINE \"x y\"").verb == Verb::examine);
  CHECK(parsed_as<SelectCommand>("A142 SELECT INBOX (CONDSTORE)").condstore);
  // RFC 7162 §3.2.5
  auto select =
      parsed_as<SelectCommand>("A02 SELECT INBOX (QRESYNC (67890007 20050715194045000 41,43:211,214:541))");
  REQUIRE(select.qresync);
  CHECK(select.qresync->uidvalidity == 67890007);
  CHECK(select.qresync->modseq == 20050715194045000);
  CHECK(select.qresync->known_uids->format() == "41,43:211,214:541");
  select = parsed_as<SelectCommand>(
      "A SELECT INBOX (QRESYNC (67890007 90060115194045000 41:211 (1:3 41:43)) CONDSTORE)");
  CHECK(select.qresync->seq_match->second.format() == "41:43");
  select = parsed_as<SelectCommand>("A SELECT INBOX (QRESYNC (67890007 1 (1:3 41:43)))");
  CHECK_FALSE(select.qresync->known_uids);
  CHECK(select.qresync->seq_match);
  CHECK(refused("a SELECT x (QRESYNC (1 2 1:*))") == "25: Known UIDs must be plain numbers");
  CHECK(refused("a SELECT x (QRESYNC (1 2 1:3 (1:3 4:5)))") == "29: Sequence match data differ in length");
  CHECK(refused("a SELECT x (QRESYNC (0 2))") == "21: Number must not be 0");
  CHECK(refused("a SELECT x (FOO)") == "12: Unknown SELECT parameter");
  CHECK(refused("a SELECT x (CONDSTORE") == "21: List is not closed");
}

TEST_CASE("CREATE with USE, RENAME and plain mailbox commands", "[unit][imapd]") {
  const auto create = parsed_as<CreateCommand>("t1 CREATE Everything (USE (\\All \\Archive))");
  CHECK(create.special_use == std::vector<std::string>{"\\All", "\\Archive"});
  CHECK(parsed_as<CreateCommand>("a CREATE owatagusiam/").mailbox == "owatagusiam/");
  CHECK(parsed_as<RenameCommand>("a RENAME {3}\r\na b \"c\"").from == "a b");
  for (const char* verb : {"DELETE", "SUBSCRIBE", "UNSUBSCRIBE", "GETQUOTAROOT", "GETACL", "MYRIGHTS"})
    CHECK(parsed_as<MailboxCommand>("a " + std::string(verb) + " &AOQ-").mailbox == "&AOQ-");
}

TEST_CASE("STATUS items become bits", "[unit][imapd]") {
  const auto status = parsed_as<StatusCommand>(
      "a STATUS blurdybloop (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN SIZE DELETED HIGHESTMODSEQ MAILBOXID "
      "APPENDLIMIT deleted-storage)");
  CHECK(status.items == 2047);
  CHECK(refused("a STATUS x ()") == "12: Unknown STATUS item");
  CHECK(refused("a STATUS x (FOO)") == "12: Unknown STATUS item");
  CHECK(refused("a STATUS x MESSAGES") == "11: Expected a parenthesised list");
}

TEST_CASE("LIST: the examples of RFC 5258, 5819, 6154, 8440 and 9590", "[unit][imapd]") {
  auto list = parsed_as<ListCommand>("A101 LIST \"\" \"\"");
  CHECK_FALSE(list.extended);
  CHECK(list.patterns == std::vector<std::string>{""});
  list = parsed_as<ListCommand>("a LIST /usr/staff/jones *%");
  CHECK(list.reference == "/usr/staff/jones");
  CHECK(list.patterns[0] == "*%");
  list = parsed_as<ListCommand>(
      "A02 LIST (SUBSCRIBED RECURSIVEMATCH REMOTE SPECIAL-USE) \"\" (\"INBOX\" Drafts Sent/%) "
      "RETURN (CHILDREN SUBSCRIBED SPECIAL-USE MYRIGHTS STATUS (MESSAGES UNSEEN) "
      "METADATA (\"/shared/Comment\" /private/x))");
  CHECK((list.select_subscribed && list.select_recursive_match && list.select_remote &&
         list.select_special_use));
  CHECK(list.patterns.size() == 3);
  CHECK((list.return_children && list.return_subscribed && list.return_special_use && list.return_my_rights));
  CHECK(list.return_status == (kStatusMessages | kStatusUnseen));
  CHECK(list.return_metadata == std::vector<std::string>{"/shared/comment", "/private/x"});
  CHECK(parsed_as<ListCommand>("a LIST () \"\" % RETURN ()").extended);
  CHECK(parsed_as<ListCommand>("a LSUB \"\" %").patterns[0] == "%");
  CHECK(refused("a LIST (RECURSIVEMATCH) \"\" *") == "7: RECURSIVEMATCH needs another selection option");
  CHECK(refused("a LIST (FOO) \"\" *") == "8: Unknown LIST selection option");
  CHECK(refused("a LIST \"\" * RETURN (FOO)") == "20: Unknown LIST return option");
  CHECK(refused("a LIST \"\" * RETURN (METADATA /shared/comment)") == "29: Expected a parenthesised list");
  CHECK(refused("a LIST \"\" * RETURNS") == "12: Expected RETURN");
  CHECK(refused("a LIST \"\" ()") == "11: Expected a mailbox name or pattern");
}

TEST_CASE("ACL, QUOTA and URLAUTH", "[unit][imapd]") {
  auto acl = parsed_as<AclCommand>("A035 SETACL INBOX/Drafts John +lrswipkxtecda0");
  CHECK(acl.change == AclCommand::Change::add);
  CHECK(acl.rights == "lrswipkxtecda0");
  CHECK(parsed_as<AclCommand>("a SETACL x y \"\"").rights.empty());
  CHECK(parsed_as<AclCommand>("a LISTRIGHTS x smith").identifier == "smith");
  CHECK(parsed_as<AclCommand>("a DELETEACL x -fred").identifier == "-fred");
  CHECK(refused("a SETACL x y LR") == "13: Rights are lower-case letters and digits");
  CHECK(parsed_as<GetQuotaCommand>("a GETQUOTA \"\"").root.empty());
  const auto quota =
      parsed_as<SetQuotaCommand>("S0000 SETQUOTA \"#user/alice\" (STORAGE 510 annotation-storage 1)");
  CHECK(quota.limits ==
        std::vector<std::pair<std::string, uint64_t>>{{"STORAGE", 510}, {"ANNOTATION-STORAGE", 1}});
  CHECK(refused("a SETQUOTA x (STORAGE)") == "21: Expected a space");
  const auto urls =
      parsed_as<UrlCommand>("a GENURLAUTH \"imap://joe@x/INBOX/;uid=20;urlauth=submit+fred\" INTERNAL");
  CHECK(urls.urls.at(0).mechanism == "INTERNAL");
  CHECK(parsed_as<UrlCommand>("a URLFETCH \"imap://a\" \"imap://b\"").urls.size() == 2);
  const auto wishes = parsed_as<UrlCommand>(
      "a URLFETCH (imap://a binary BodyPartStructure) (imap://b) imap://c (imap://d BODY)");
  CHECK(wishes.urls.at(0).binary);
  CHECK(wishes.urls.at(0).structure);
  CHECK_FALSE(wishes.urls.at(0).body);
  CHECK_FALSE(wishes.urls.at(1).extended());
  CHECK_FALSE(wishes.urls.at(2).extended());
  CHECK(wishes.urls.at(3).body);
  CHECK_FALSE(parsed_as<ResetKeyCommand>("a RESETKEY").mailbox);
  CHECK(parsed_as<ResetKeyCommand>("a RESETKEY INBOX XSAMPLE").mechanisms.size() == 1);
}

TEST_CASE("METADATA: the examples of RFC 5464", "[unit][imapd]") {
  auto get = parsed_as<GetMetadataCommand>("a GETMETADATA \"\" /shared/Comment");
  CHECK(get.entries == std::vector<std::string>{"/shared/comment"});
  get = parsed_as<GetMetadataCommand>(
      "a GETMETADATA (DEPTH infinity) INBOX (/shared/comment /private/comment)");
  CHECK(get.depth == GetMetadataCommand::kInfinity);
  get = parsed_as<GetMetadataCommand>(
      "a GETMETADATA \"INBOX\" (MAXSIZE 1024) (/shared/comment /private/comment)");
  CHECK(get.max_size == std::optional<uint32_t>(1024));
  CHECK(get.entries.size() == 2);
  const auto set = parsed_as<SetMetadataCommand>(
      "a SETMETADATA INBOX (/private/Comment {3}\r\nabc /shared/comment NIL /private/x ~{2}\r\na\")");
  REQUIRE(set.entries.size() == 3);
  CHECK(set.entries[0] == std::pair<std::string, std::optional<std::string>>("/private/comment", "abc"));
  CHECK_FALSE(set.entries[1].second);
  CHECK(set.entries[2].second == "a\"");
  for (const char* bad : {"x", "/", "/a/", "/a//b", "\"/a*\"", "\"/\u00e4\""})
    CHECK(refused("a GETMETADATA x " + std::string(bad)) == "16: Invalid metadata entry name");
  CHECK(refused("a GETMETADATA (DEPTH 2) x /a") == "21: DEPTH is 0, 1 or infinity");
}
