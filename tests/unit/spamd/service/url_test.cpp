#include "spamd/service/url.h"

#include <catch2/catch.hpp>

#include "spamd/service/html_scan.h"

using namespace dromos::spamd;

TEST_CASE("A URL's host is found behind user, port and odd slashes", "[unit][spamd]") {
  REQUIRE(parse_url("HTTPS://User@Example.COM:8443/a?b").host == "example.com");
  REQUIRE(parse_url("https://bank.example@evil.example/").host == "evil.example");
  REQUIRE(parse_url("https://bank.example@evil.example/").has_user);
  REQUIRE(parse_url("http:\\\\example.com\\x").host == "example.com");
  REQUIRE(parse_url("//cdn.example/x.png").host == "cdn.example");
  REQUIRE(parse_url("mailto:a@example.org?subject=x").host == "example.org");
  REQUIRE(parse_url("http://192.0.2.1/").ip_host);
  REQUIRE(parse_url("no url").host.empty());
  REQUIRE(parse_url("").host.empty());
}

TEST_CASE("Registered domains are two labels, three below short public ones", "[unit][spamd]") {
  REQUIRE(registered_domain("a.b.example.com") == "example.com");
  REQUIRE(registered_domain("www.example.co.uk") == "example.co.uk");
  REQUIRE(registered_domain("example.co.uk") == "example.co.uk");
  REQUIRE(registered_domain("localhost") == "localhost");
  REQUIRE(registered_domain(".") == ".");
}

TEST_CASE("URLs in text end before punctuation", "[unit][spamd]") {
  const auto urls =
      find_urls("see http://a.example/x, (https://b.example) or www.c.example. me@www.d.example", 10);
  REQUIRE(urls == std::vector<std::string_view>{"http://a.example/x", "https://b.example", "www.c.example"});
  REQUIRE(find_urls("http://a http://b http://c", 2).size() == 2);
}

TEST_CASE("Visible and hidden text of HTML are told apart", "[unit][spamd]") {
  const HtmlScan scan = scan_html(
      "<style>p{}</style><p>one<b>two</b></p><div "
      "style=\"display:none\">hid<div>den</div>more</div>three<!-- no -->"
      "&amp;&#65;&#x42;&nbsp;<img src=http://i.example/x.png alt=pic>");
  REQUIRE(scan.text == "onetwo\nthree&AB \npic ");
  REQUIRE(scan.hidden_bytes == 10);
  REQUIRE(scan.images == 1);
  REQUIRE(scan.links.size() == 1);
  REQUIRE(scan.links[0].image);
  REQUIRE(scan.links[0].url == "http://i.example/x.png");
}
