#include "imapd/protocol/list_match.h"

#include <catch2/catch.hpp>
#include <random>

#include "imapd/protocol/mailbox_name.h"

using namespace dromos::imapd;

static ListMatch match(std::string_view pattern, std::string_view name) {
  return ListPattern(pattern).match(name);
}

TEST_CASE("LIST wildcards match as RFC 9051 section 6.3.9 says", "[unit][imapd]") {
  CHECK(match("*", "a/b/c") == ListMatch::yes);
  CHECK(match("%", "a") == ListMatch::yes);
  CHECK(match("%", "a/b") == ListMatch::no);
  CHECK(match("%/%", "a/b") == ListMatch::yes);
  CHECK(match("%/%", "a") == ListMatch::parent);
  CHECK(match("a/*", "a") == ListMatch::parent);
  CHECK(match("a/", "a") == ListMatch::no);
  CHECK(match("a*", "a") == ListMatch::yes);
  CHECK(match("a/%", "a/b/c") == ListMatch::no);
  CHECK(match("*b", "a/b") == ListMatch::yes);
  CHECK(match("*b", "a/c") == ListMatch::parent);
  CHECK(match("a%c*e", "abc/d/e") == ListMatch::yes);
  CHECK(match("%a%", "xay") == ListMatch::yes);
  CHECK(match("", "a") == ListMatch::no);
  CHECK(match("foo", "Foo") == ListMatch::no);
}

TEST_CASE("INBOX matches in any case, other names do not", "[unit][imapd]") {
  CHECK(match("inbox", "INBOX") == ListMatch::yes);
  CHECK(match("inb%", "INBOX") == ListMatch::yes);
  CHECK(match("InBoX/a", "INBOX/a") == ListMatch::yes);
  CHECK(match("InBoX/A", "INBOX/a") == ListMatch::no);
  CHECK(match("i*", "Inside") == ListMatch::no);
  CHECK(ListPattern("a/b%c").literal_prefix() == "a/b");
  CHECK_FALSE(ListPattern("a").has_wildcard());
}

TEST_CASE("Wildcards made to backtrack stay cheap", "[unit][imapd]") {
  std::string pattern;
  for (int i = 0; i < 2000; ++i) pattern += "%a*";
  CHECK_FALSE(ListPattern(pattern + "b").matches(std::string(1000, 'a')));
  CHECK(match(std::string(4000, '*') + "b", std::string(1000, 'a')) == ListMatch::parent);
}

/// The definition, by plain recursion.
static bool slow_match(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] != '*' && pattern[0] != '%')
    return !name.empty() && name[0] == pattern[0] && slow_match(pattern.substr(1), name.substr(1));
  if (slow_match(pattern.substr(1), name)) return true;
  return !name.empty() && (pattern[0] == '*' || name[0] != '/') && slow_match(pattern, name.substr(1));
}

TEST_CASE("The matcher agrees with the definition", "[unit][imapd]") {
  std::mt19937 random(2);
  const auto text = [&random](std::string_view letters, size_t most) {
    std::string out;
    for (size_t n = random() % (most + 1); n > 0; --n) out += letters[random() % letters.size()];
    return out;
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::string pattern = text("ab/*%", 7);
    const std::string name = text("ab/", 7);
    INFO(pattern << " ~ " << name);
    REQUIRE(ListPattern(pattern).matches(name) == slow_match(pattern, name));
  }
}

TEST_CASE("Reference and pattern are joined and decoded", "[unit][imapd]") {
  CHECK(list_pattern_from_wire("a/", "&APw-%", false).value() == "a/\u00fc%");
  CHECK(list_pattern_from_wire("a/", "/b", false).value() == "b");
  CHECK_FALSE(list_pattern_from_wire("", "&", false));
}

TEST_CASE("a pattern tells how many levels its names have behind its literal part", "[unit][imapd]") {
  const auto levels = [](std::string_view pattern) {
    const ListPattern made(pattern);
    return made.levels_from(made.literal_prefix().size());
  };
  CHECK(levels("a/b") == 1);
  CHECK(levels("a/b%") == 1);
  CHECK(levels("a/%/%") == 2);
  CHECK(levels("%") == 1);
  CHECK(levels("%/b/c") == 3);
  CHECK(levels("a*") == 0);
  CHECK(levels("a/%/*") == 0);
}
