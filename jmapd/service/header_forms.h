// header:Name:asForm:all properties (RFC 8621 §4.1.2-§4.1.3): parsing the property, rendering the value.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace dromos::jmapd {

enum class HeaderForm { raw, text, addresses, grouped_addresses, message_ids, date, urls };

struct HeaderProperty {
  std::string property;  ///< as given: the name of the member in the answer
  std::string name;      ///< of the field
  HeaderForm form = HeaderForm::raw;
  bool all = false;
};

/// Nothing if it is no header property, or the form is not allowed for that field.
std::optional<HeaderProperty> parse_header_property(std::string_view text);

/// The value (or, with `all`, list of values) of the field in `header`; null if absent.
nlohmann::json header_value(std::string_view header, const HeaderProperty& wanted);
/// One field's value, given folded.
nlohmann::json header_form(std::string_view folded, HeaderForm form);
/// [{name, value}] of all fields, in order, raw.
nlohmann::json all_headers(std::string_view header);

}  // namespace dromos::jmapd
