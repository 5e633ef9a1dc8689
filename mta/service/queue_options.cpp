#include "mta/service/queue_options.h"

#include <nlohmann/json.hpp>

namespace dromos::mta {
namespace {

using nlohmann::json;

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<json> object(std::string_view text) {
  json value = json::parse(text, nullptr, false);
  if (!value.is_object()) return fail(Errc::invalid_argument, "queue options are no JSON object");
  return value;
}

std::string text_of(const json& value, const char* key) {
  const auto found = value.find(key);
  return found != value.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool bool_of(const json& value, const char* key) {
  const auto found = value.find(key);
  return found != value.end() && found->is_boolean() && found->get<bool>();
}

}  // namespace

std::string encode(const MessageOptions& options) {
  json value = json::object();
  if (!options.ret.empty()) value["ret"] = options.ret;
  if (!options.envid.empty()) value["envid"] = options.envid;
  if (options.smtputf8) value["smtputf8"] = true;
  if (options.eight_bit) value["8bit"] = true;
  if (options.binary) value["binary"] = true;
  return dump(value);
}

std::string encode(const RecipientOptions& options) {
  json value = json::object();
  if (!options.notify.unspecified) {
    json& list = value["notify"] = json::array();
    if (options.notify.never) list.push_back("never");
    if (options.notify.success) list.push_back("success");
    if (options.notify.failure) list.push_back("failure");
    if (options.notify.delay) list.push_back("delay");
  }
  if (!options.orcpt_type.empty()) {
    value["orcpt_type"] = options.orcpt_type;
    value["orcpt"] = options.orcpt;
  }
  if (options.account) value["account"] = options.account.value;
  if (!options.role.empty()) value["role"] = options.role;
  return dump(value);
}

Result<MessageOptions> decode_message_options(std::string_view text) {
  TRY(const json value, object(text));
  MessageOptions options;
  options.ret = text_of(value, "ret");
  options.envid = text_of(value, "envid");
  options.smtputf8 = bool_of(value, "smtputf8");
  options.eight_bit = bool_of(value, "8bit");
  options.binary = bool_of(value, "binary");
  return options;
}

Result<RecipientOptions> decode_recipient_options(std::string_view text) {
  TRY(const json value, object(text));
  RecipientOptions options;
  const auto notify = value.find("notify");
  if (notify != value.end() && notify->is_array()) {
    options.notify.unspecified = false;
    for (const json& word : *notify) {
      if (word == "never") options.notify.never = true;
      if (word == "success") options.notify.success = true;
      if (word == "failure") options.notify.failure = true;
      if (word == "delay") options.notify.delay = true;
    }
  }
  options.orcpt_type = text_of(value, "orcpt_type");
  options.orcpt = text_of(value, "orcpt");
  const auto account = value.find("account");
  if (account != value.end() && account->is_number_integer())
    options.account = AccountId{account->get<int64_t>()};
  options.role = text_of(value, "role");
  return options;
}

}  // namespace dromos::mta
