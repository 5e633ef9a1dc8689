#include "admind/ctl/request.h"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <set>

#include "common/base/strings.h"
#include "common/http/path.h"

namespace dromos::admind::ctl {

namespace {

using nlohmann::json;

// Options that are dromosctl's own.
const std::set<std::string, std::less<>> kOwn = {"config", "url",  "token",  "token-file", "ca",
                                                 "json",   "help", "format", "output",     "repair"};

bool is_capital(std::string_view word) {
  return !word.empty() && word[0] >= 'A' && word[0] <= 'Z';
}

std::vector<std::string> verb_words(const Operation& op) {
  std::vector<std::string> out;
  for (const auto word : split(op.command, ' ')) out.emplace_back(word);
  return out;
}

size_t fixed_words(const std::vector<std::string>& verb) {
  return static_cast<size_t>(
      std::count_if(verb.begin(), verb.end(), [](const auto& w) { return !is_capital(w); }));
}

const Field* field_named(const std::vector<Field>& fields, const std::string& name) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

std::string option_of(const Field& field) {
  std::string out = field.name;
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

Result<json> value_of(const Field& field, const std::string& given) {
  switch (field.kind) {
    case Kind::integer: {
      const auto number = parse_number<int64_t>(given);
      if (!number)
        return fail(Errc::invalid_argument,
                    "--" + option_of(field) + " takes a number, not \"" + given + "\"");
      return json(*number);
    }
    case Kind::boolean:
      if (given == "true" || given == "yes" || given == "on") return json(true);
      if (given == "false" || given == "no" || given == "off") return json(false);
      return fail(Errc::invalid_argument,
                  "--" + option_of(field) + " takes true or false, not \"" + given + "\"");
    case Kind::texts: {
      json list = json::array();
      for (const auto piece : split(given, ',')) list.push_back(std::string(trim(piece)));
      return list;
    }
    case Kind::any:
    case Kind::object:
    case Kind::objects: {
      json parsed = json::parse(given, nullptr, false);
      return parsed.is_discarded() ? json(given) : parsed;
    }
    case Kind::text:
    case Kind::time:
      break;
  }
  if (given == "null" && field.nullable) return json(nullptr);
  return json(given);
}

Result<std::string> first_line(const std::string& path) {
  std::string line;
  if (path == "-") {
    if (std::getline(std::cin, line)) return line;
  } else if (std::ifstream in(path); std::getline(in, line)) {
    return line;
  }
  return fail(Errc::invalid_argument, "cannot read a line from " + path);
}

class Builder {
 public:
  explicit Builder(const Operation& op) : op_(op), path_(op.path) {}

  Result<void> positional(const std::string& token, const std::string& value) {
    const std::string name = to_lower(token);
    const size_t at = path_.find("{" + name + "}");
    if (at != std::string::npos) {
      if (value.empty()) return fail(Errc::invalid_argument, token + " is empty");
      path_.replace(at, name.size() + 2, http::percent_encode(value));
      return {};
    }
    const Field* field = field_named(op_.body, name);
    if (field == nullptr) return {};  // FILE: read by the caller
    TRY(body_[name], value_of(*field, value));
    return {};
  }

  Result<void> option(const std::string& given, const std::string& value) {
    std::string name = given;
    std::replace(name.begin(), name.end(), '-', '_');
    if (const Field* field = field_named(op_.body, name)) {
      TRY(body_[name], value_of(*field, value));
      return {};
    }
    if (field_named(op_.query, name) != nullptr) {
      query_ += (query_.empty() ? "?" : "&") + name + "=" + http::percent_encode(value);
      return {};
    }
    const std::string suffix = "_file";
    const Field* secret =
        name.ends_with(suffix) ? field_named(op_.body, name.substr(0, name.size() - suffix.size())) : nullptr;
    if (secret != nullptr) {
      TRY(body_[secret->name], first_line(value));
      return {};
    }
    return fail(Errc::invalid_argument, "--" + given + " is no option here\n" + usage(op_));
  }

  Prepared done() const {
    const bool has_body = !op_.body.empty() && (op_.method != http::Method::get);
    return {path_ + query_, has_body ? body_.dump() : ""};
  }

 private:
  const Operation& op_;
  std::string path_, query_;
  json body_ = json::object();
};

}  // namespace

const Operation* find_operation(const std::vector<std::string>& words) {
  const Operation* best = nullptr;
  size_t length = 0;
  for (const auto& resource : resources()) {
    for (const auto& op : resource.operations) {
      if (op.command.empty()) continue;
      const auto verb = verb_words(op);
      const size_t fixed = fixed_words(verb);
      if (fixed > length && words.size() >= fixed &&
          std::equal(verb.begin(), verb.begin() + static_cast<long>(fixed), words.begin())) {
        best = &op;
        length = fixed;
      }
    }
  }
  return best;
}

std::vector<const Operation*> operations_of(const std::string& word) {
  std::vector<const Operation*> out;
  for (const auto& resource : resources())
    for (const auto& op : resource.operations)
      if (!op.command.empty() && (word.empty() || verb_words(op)[0] == word)) out.push_back(&op);
  return out;
}

Result<Prepared> prepare(const Operation& op, const Arguments& arguments) {
  Builder builder(op);
  const auto verb = verb_words(op);
  size_t at = fixed_words(verb);
  for (size_t i = at; i < verb.size(); ++i) {
    const bool rest = verb[i].ends_with("...");
    const std::string token = rest ? verb[i].substr(0, verb[i].size() - 3) : verb[i];
    if (at >= arguments.words.size())
      return fail(Errc::invalid_argument, token + " is missing\n" + usage(op));
    std::string value = arguments.words[at++];
    while (rest && at < arguments.words.size()) value += "," + arguments.words[at++];
    TRY_VOID(builder.positional(token, value));
  }
  if (at < arguments.words.size())
    return fail(Errc::invalid_argument, "\"" + arguments.words[at] + "\" is too much\n" + usage(op));
  for (const auto& [name, value] : arguments.options)
    if (!kOwn.contains(name) || field_named(op.query, name) != nullptr) TRY_VOID(builder.option(name, value));
  return builder.done();
}

std::string usage(const Operation& op) {
  std::string out = "usage: dromosctl " + op.command;
  std::string details;
  const auto verb = verb_words(op);
  for (const auto* fields : {&op.body, &op.query}) {
    for (const auto& field : *fields) {
      const std::string capital = to_upper(field.name);
      if (std::any_of(verb.begin(), verb.end(),
                      [&](const auto& w) { return w == capital || w == capital + "..."; }))
        continue;
      out += field.required ? " --" + option_of(field) + " ..." : " [--" + option_of(field) + " ...]";
      details += "\n  --" + option_of(field) + "  " + field.about;
      if (!field.allowed.empty()) details += " (" + join(field.allowed, ", ") + ")";
      if (field.secret) details += "; or --" + option_of(field) + "-file FILE, - is standard input";
    }
  }
  return out + "\n  " + op.summary + "." + details;
}

}  // namespace dromos::admind::ctl
