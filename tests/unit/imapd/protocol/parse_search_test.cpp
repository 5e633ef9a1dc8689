#include "parse_helpers.h"

using namespace dromos::imapd;
using Kind = SearchKey::Kind;

static std::vector<SearchKey> keys(std::string_view text) {
  return parsed_as<SearchCommand>(text).program.root.children;
}

static SearchKey key(const std::string& text) {
  auto all = keys("a SEARCH " + text);
  REQUIRE(all.size() == 1);
  return all[0];
}

TEST_CASE("SEARCH: the examples of RFC 9051", "[unit][imapd]") {
  auto search =
      parsed_as<SearchCommand>("A282 SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"");
  CHECK((search.result.given && search.result.min && search.result.count && !search.result.all));
  REQUIRE(search.program.root.children.size() == 3);
  CHECK(search.program.root.children[1].date == Date{1994, 2, 1});
  CHECK(search.program.root.children[2].children.at(0).text == "Smith");
  CHECK(parsed_as<SearchCommand>("a SEARCH RETURN () ALL").result.all);
  search = parsed_as<SearchCommand>("A284 SEARCH CHARSET utf-8 TEXT {6}\r\n\xd0\xbc\xd0\xb0\xd0\xbc");
  CHECK(search.program.charset == "UTF-8");
  CHECK(search.program.root.children[0].text.size() == 6);
  search =
      parsed_as<SearchCommand>("a UID SEARCH RETURN (SAVE PARTIAL -1:-100) UID 1:* (OR SEEN (NEW OLD)) $");
  CHECK(search.result.partial == std::optional(PartialRange{true, 1, 100}));
  CHECK(search.program.root.children[2].set.saved_result);
}

TEST_CASE("Every search key is known", "[unit][imapd]") {
  CHECK(key("2,4:7").set.format() == "2,4:7");
  CHECK(key("*").kind == Kind::sequence);
  for (const char* flag : {"Answered", "Deleted", "Draft", "Flagged", "Seen"}) {
    CHECK(key(flag).text == "\\" + std::string(flag));
    CHECK(key("UN" + std::string(flag)).kind == Kind::no_flag);
  }
  CHECK(key("KEYWORD $Junk").text == "$Junk");
  CHECK(key("UNKEYWORD x").kind == Kind::no_flag);
  CHECK(key("RECENT").text == "\\Recent");
  const std::pair<const char*, Kind> text_keys[] = {
      {"FROM", Kind::from},       {"TO", Kind::to},     {"CC", Kind::cc},    {"BCC", Kind::bcc},
      {"SUBJECT", Kind::subject}, {"BODY", Kind::body}, {"TEXT", Kind::text}};
  for (const auto& [name, kind] : text_keys) {
    CHECK(key(name + std::string(" \"a b\"")).kind == kind);
    CHECK(key(name + std::string(" \"a b\"")).text == "a b");
  }
  const std::pair<const char*, Kind> date_keys[] = {{"BEFORE", Kind::before},
                                                    {"ON", Kind::on},
                                                    {"SINCE", Kind::since},
                                                    {"SENTBEFORE", Kind::sent_before},
                                                    {"SENTON", Kind::sent_on},
                                                    {"SENTSINCE", Kind::sent_since},
                                                    {"SAVEDBEFORE", Kind::saved_before},
                                                    {"SAVEDON", Kind::saved_on},
                                                    {"SAVEDSINCE", Kind::saved_since}};
  for (const auto& [name, kind] : date_keys) {
    CHECK(key(name + std::string(" \"01-Feb-1994\"")).kind == kind);
    CHECK(key(name + std::string(" 1-Feb-1994")).date == Date{1994, 2, 1});
  }
  CHECK(key("HEADER Message-ID \"\"").name == "Message-ID");
  CHECK(key("LARGER 5000000000").number == 5'000'000'000);
  CHECK(key("SMALLER 0").kind == Kind::smaller);
  CHECK(key("YOUNGER 259200").number == 259200);
  CHECK(key("OLDER 1").kind == Kind::older);
  CHECK(key("EMAILID M-1_a").text == "M-1_a");
  CHECK(key("THREADID T1").kind == Kind::thread_id);
  CHECK(key("UIDAFTER 7").number == 7);
  CHECK(key("UIDAFTER 4294967295").kind == Kind::uid_after);
  CHECK(key("uidbefore 1").kind == Kind::uid_before);
  CHECK(key("FILTER on-the-road").kind == Kind::filter);
  CHECK(key("SAVEDATESUPPORTED").kind == Kind::save_date_supported);
  CHECK(key("MODSEQ 620162338").number == 620162338);
  const SearchKey modseq = key("MODSEQ \"/flags/\\\\draft\" all 620162338");
  CHECK(modseq.name == "/flags/\\draft");
  CHECK(modseq.entry_type == "all");
  CHECK(parsed_as<SearchCommand>("a SEARCH OR (MODSEQ 1) SEEN").program.uses_modseq);
  CHECK_FALSE(parsed_as<SearchCommand>("a SEARCH SEEN").program.uses_modseq);
  const SearchKey fuzzy = key("FUZZY (SUBJECT x OR BODY y TEXT z)");
  CHECK(fuzzy.kind == Kind::conjunction);
  CHECK(fuzzy.children.at(1).children.at(0).fuzzy);
}

TEST_CASE("RETURN options of RFC 5267, 5465 and 9394", "[unit][imapd]") {
  const auto search =
      parsed_as<SearchCommand>("a SEARCH RETURN (UPDATE (UID FLAGS) CONTEXT COUNT RELEVANCY) ALL");
  CHECK((search.result.update && search.result.context && search.result.relevancy));
  CHECK(search.result.update_fetch.size() == 2);
  CHECK(refused("a SEARCH RETURN (ALL PARTIAL 1:2) ALL") == "9: PARTIAL and ALL exclude each other");
  CHECK(refused("a SEARCH RETURN (PARTIAL 1:2 PARTIAL 1:2) ALL") == "36: PARTIAL is given twice");
  CHECK(refused("a SEARCH RETURN (PARTIAL 1:*) ALL") == "27: Expected a number");
  CHECK(refused("a SEARCH RETURN (FOO) ALL") == "17: Unknown search return option");
}

TEST_CASE("SORT, THREAD and ESEARCH", "[unit][imapd]") {
  const auto sort = parsed_as<SortCommand>(
      "A283 UID SORT RETURN (PARTIAL 1:10) (REVERSE DATE subject DISPLAYFROM) UTF-8 SINCE 1-Feb-1994");
  CHECK(sort.keys == std::vector<SortKey>{{SortKey::Kind::date, true},
                                          {SortKey::Kind::subject},
                                          {SortKey::Kind::display_from}});
  CHECK(sort.program.charset == "UTF-8");
  CHECK(parsed_as<ThreadCommand>("A284 THREAD references US-ASCII TEXT \"gewp\"").algorithm == "REFERENCES");
  const auto esearch = parsed_as<EsearchCommand>(
      "tag1 ESEARCH IN (mailboxes \"folder1\" subtree-one (a b) selected) RETURN (COUNT) unseen");
  REQUIRE(esearch.sources.size() == 3);
  CHECK(esearch.sources[1].mailboxes.size() == 2);
  CHECK(parsed_as<EsearchCommand>("a UID ESEARCH FROM \"frobozz\" 1:100").sources.empty());
  CHECK(refused("a SORT (FOO) UTF-8 ALL") == "8: Unknown sort key");
  CHECK(refused("a SORT (DATE) UTF-8") == "19: Missing argument");
  CHECK(refused("a ESEARCH IN (mailboxes x (foo)) ALL") == "26: Unknown scope option");
  CHECK(refused("a ESEARCH IN (selected-delayed) ALL") == "14: Unknown mailbox filter");
}

TEST_CASE("What SEARCH does not know is refused", "[unit][imapd]") {
  CHECK(refused("a SEARCH") == "8: Missing argument");
  CHECK(refused("a SEARCH FOO") == "9: Unknown search key");
  CHECK(refused("a SEARCH ()") == "10: Unknown search key");
  CHECK(refused("a SEARCH (ALL") == "13: List is not closed");
  CHECK(refused("a SEARCH NOT") == "12: Missing argument");
  CHECK(refused("a SEARCH OR ALL") == "15: Missing argument");
  CHECK(refused("a SEARCH SINCE tomorrow") == "15: Invalid date");
  CHECK(refused("a SEARCH LARGER x") == "16: Expected a number");
  CHECK(refused("a SEARCH OLDER 0") == "15: Number must not be 0");
  CHECK(refused("a SEARCH UID 0") == "13: Invalid sequence set");
  CHECK(refused("a SEARCH EMAILID \"a b\"") == "17: Invalid object id");
  CHECK(refused("a SEARCH MODSEQ \"/x\" all 1") == "16: Invalid MODSEQ entry");
  CHECK(refused("a SEARCH MODSEQ \"/flags/x\" foo 1") == "30: Entry type is priv, shared or all");
}

TEST_CASE("Nesting and number of search keys are bounded", "[unit][imapd]") {
  const auto nested = [](std::string_view opener, std::string_view closer, int depth) {
    std::string text = "a SEARCH ";
    for (int i = 0; i < depth; ++i) text += opener;
    text += "ALL";
    for (int i = 0; i < depth; ++i) text += closer;
    return text;
  };
  for (const auto& [opener, closer] :
       {std::pair{"(", ")"}, {"NOT ", ""}, {"OR ALL ", ""}, {"FUZZY ", ""}, {"OR ", " ALL"}}) {
    CHECK(parse_command(nested(opener, closer, kMaxSearchDepth - 1)));
    CHECK(refused(nested(opener, closer, kMaxSearchDepth)).find("nested too deeply") != std::string::npos);
    CHECK(refused(nested(opener, closer, 300'000)).find("nested too deeply") != std::string::npos);
  }
  std::string many = "a SEARCH";
  for (size_t i = 0; i < kMaxSearchKeys; ++i) many += " ALL";
  CHECK(parse_command(many));
  CHECK(refused(many + " ALL").find("Too many search keys") != std::string::npos);
}

TEST_CASE("A million ranges are parsed in a line", "[unit][imapd]") {
  std::string text = "a FETCH 1";
  for (int i = 1; i < 1'000'000; ++i) text += ",1";
  const auto fetch = parsed_as<FetchCommand>(text + " UID");
  CHECK(fetch.set.resolve(10).count() == 1);
}
