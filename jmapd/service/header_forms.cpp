#include "jmapd/service/header_forms.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base/strings.h"
#include "common/mime/address.h"
#include "common/mime/date.h"
#include "common/mime/header.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;

struct FormName {
  std::string_view name;
  HeaderForm form;
};
constexpr FormName kForms[] = {{"asRaw", HeaderForm::raw},
                               {"asText", HeaderForm::text},
                               {"asAddresses", HeaderForm::addresses},
                               {"asGroupedAddresses", HeaderForm::grouped_addresses},
                               {"asMessageIds", HeaderForm::message_ids},
                               {"asDate", HeaderForm::date},
                               {"asURLs", HeaderForm::urls}};

/// What the fields of RFC 5322 and RFC 2369 hold; raw here means that only the raw form is allowed.
struct Known {
  std::string_view name;
  HeaderForm form;
};
constexpr Known kKnown[] = {{"from", HeaderForm::addresses},
                            {"sender", HeaderForm::addresses},
                            {"reply-to", HeaderForm::addresses},
                            {"to", HeaderForm::addresses},
                            {"cc", HeaderForm::addresses},
                            {"bcc", HeaderForm::addresses},
                            {"resent-from", HeaderForm::addresses},
                            {"resent-sender", HeaderForm::addresses},
                            {"resent-reply-to", HeaderForm::addresses},
                            {"resent-to", HeaderForm::addresses},
                            {"resent-cc", HeaderForm::addresses},
                            {"resent-bcc", HeaderForm::addresses},
                            {"message-id", HeaderForm::message_ids},
                            {"in-reply-to", HeaderForm::message_ids},
                            {"references", HeaderForm::message_ids},
                            {"resent-message-id", HeaderForm::message_ids},
                            {"date", HeaderForm::date},
                            {"resent-date", HeaderForm::date},
                            {"subject", HeaderForm::text},
                            {"comments", HeaderForm::text},
                            {"keywords", HeaderForm::text},
                            {"list-id", HeaderForm::text},
                            {"list-help", HeaderForm::urls},
                            {"list-unsubscribe", HeaderForm::urls},
                            {"list-subscribe", HeaderForm::urls},
                            {"list-post", HeaderForm::urls},
                            {"list-owner", HeaderForm::urls},
                            {"list-archive", HeaderForm::urls},
                            {"return-path", HeaderForm::raw},
                            {"received", HeaderForm::raw}};

bool allowed(const std::string& field, HeaderForm form) {
  if (form == HeaderForm::raw) return true;
  const std::string name = to_lower(field);
  const auto known =
      std::find_if(std::begin(kKnown), std::end(kKnown), [&](const Known& one) { return one.name == name; });
  if (known == std::end(kKnown) || known->form == form) return true;
  return known->form == HeaderForm::addresses && form == HeaderForm::grouped_addresses;
}

json address_json(const mime::EmailAddress& address) {
  return {{"name", address.name.empty() ? json() : json(address.name)}, {"email", address.email}};
}

json addresses_json(const std::vector<mime::EmailAddress>& list) {
  json out = json::array();
  for (const auto& address : list) out.push_back(address_json(address));
  return out;
}

json groups_json(std::string_view value) {
  json out = json::array();
  for (const auto& group : mime::email_groups(value))
    out.push_back(
        {{"name", group.named ? json(group.name) : json()}, {"addresses", addresses_json(group.addresses)}});
  return out;
}

/// RFC 2369 §2: URLs in angle brackets, comments and white space between.
json urls_json(std::string_view folded) {
  const std::string value = mime::unfold(folded);
  json out = json::array();
  for (size_t at = value.find('<'); at != std::string::npos; at = value.find('<', at)) {
    const size_t end = value.find('>', at);
    if (end == std::string::npos) break;
    std::string url;
    for (const char c : std::string_view(value).substr(at + 1, end - at - 1))
      if (!is_space(c)) url += c;
    if (!url.empty()) out.push_back(clean_utf8(url));
    at = end;
  }
  return out.empty() ? json() : out;
}

/// All behind the colon, without the last line break.
std::string raw_value(std::string_view header, const mime::Field& field) {
  std::string_view bytes = header.substr(field.offset, field.length);
  const size_t colon = bytes.find(':');
  bytes.remove_prefix(colon == std::string_view::npos ? bytes.size() : colon + 1);
  if (bytes.ends_with('\n')) bytes.remove_suffix(1);
  if (bytes.ends_with('\r')) bytes.remove_suffix(1);
  return clean_utf8(bytes);
}

json field_json(std::string_view header, const mime::Field& field, HeaderForm form) {
  return form == HeaderForm::raw ? json(raw_value(header, field)) : header_form(field.value, form);
}

}  // namespace

std::optional<HeaderProperty> parse_header_property(std::string_view text) {
  const auto pieces = split(text, ':');
  if (pieces.size() < 2 || pieces.size() > 4 || pieces[0] != "header" || pieces[1].empty())
    return std::nullopt;
  HeaderProperty out;
  out.property = text;
  out.name = pieces[1];
  if (!std::all_of(out.name.begin(), out.name.end(), [](char c) { return c > 32 && c < 127; }))
    return std::nullopt;
  size_t at = 2;
  if (at < pieces.size() && pieces[at] != "all") {
    const auto form = std::find_if(std::begin(kForms), std::end(kForms),
                                   [&](const FormName& one) { return one.name == pieces[at]; });
    if (form == std::end(kForms) || !allowed(out.name, form->form)) return std::nullopt;
    out.form = form->form;
    ++at;
  }
  if (at < pieces.size()) {
    if (pieces[at] != "all" || at + 1 != pieces.size()) return std::nullopt;
    out.all = true;
  }
  return out;
}

json header_form(std::string_view folded, HeaderForm form) {
  switch (form) {
    case HeaderForm::raw:
      return clean_utf8(folded);
    case HeaderForm::text:
      return clean_utf8(trim(mime::decode_text(folded)));
    case HeaderForm::addresses:
      return addresses_json(mime::email_addresses(folded));
    case HeaderForm::grouped_addresses:
      return groups_json(folded);
    case HeaderForm::message_ids: {
      json out = json::array();
      for (const std::string& id : mime::parse_message_ids(folded, true)) out.push_back(clean_utf8(id));
      return out.empty() ? json() : out;
    }
    case HeaderForm::date: {
      const auto date = mime::parse_date(mime::unfold(folded));
      return date ? json(mime::format_rfc3339(*date)) : json();
    }
    case HeaderForm::urls:
      return urls_json(folded);
  }
  return {};
}

json header_value(std::string_view header, const HeaderProperty& wanted) {
  json list = json::array();
  json last;
  mime::FieldReader reader(header);
  while (const auto field = reader.next()) {
    if (!iequals(field->name, wanted.name)) continue;
    if (wanted.all)
      list.push_back(field_json(header, *field, wanted.form));
    else
      last = field_json(header, *field, wanted.form);  // RFC 8621 §4.1.3: the last instance
  }
  return wanted.all ? list : last;
}

json all_headers(std::string_view header) {
  json out = json::array();
  mime::FieldReader reader(header);
  while (const auto field = reader.next())
    out.push_back({{"name", clean_utf8(field->name)}, {"value", raw_value(header, *field)}});
  return out;
}

}  // namespace dromos::jmapd
