#include "admind/ctl/verbs.h"

#include <fstream>
#include <iostream>
#include <iterator>

#include "admind/ctl/owner.h"
#include "admind/ctl/remote.h"
#include "admind/ctl/request.h"
#include "admind/ctl/show.h"
#include "common/http/path.h"

namespace dromos::admind::ctl {

namespace {

using nlohmann::json;

Result<std::string> read_file(const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(Errc::invalid_argument, "cannot read " + path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

int refused(const http::ClientResponse& answer) {
  const json problem = json::parse(answer.body, nullptr, false);
  const bool readable = problem.is_object() && problem.contains("detail");
  std::cerr << "dromosctl: "
            << (readable ? problem_text(problem) : "admind answered " + std::to_string(answer.status))
            << "\n";
  if (answer.status == 503 || answer.status == 429) return kUnavailable;
  return answer.status == 400 ? kUsage : kFailed;
}

// All pages become one answer, unless the caller pages.
Result<http::ClientResponse> send_all(Remote& remote, const Operation& op, const Arguments& arguments,
                                      const Prepared& prepared, const std::string& body,
                                      const std::string& type) {
  TRY(auto answer, remote.send(op.method, prepared.target, body, type));
  if (!op.list || answer.status != 200 || arguments.has("limit")) return answer;
  json whole = json::parse(answer.body, nullptr, false);
  if (!whole.is_object()) return fail(Errc::internal, "admind's answer is not JSON");
  while (whole["next"].is_string()) {
    const std::string mark = prepared.target.find('?') == std::string::npos ? "?" : "&";
    TRY(const auto more, remote.send(op.method,
                                     prepared.target + mark +
                                         "after=" + http::percent_encode(whole["next"].get<std::string>()),
                                     "", ""));
    if (more.status != 200) return more;
    json page = json::parse(more.body, nullptr, false);
    if (!page.is_object()) return fail(Errc::internal, "admind's answer is not JSON");
    for (auto& item : page["items"]) whole["items"].push_back(std::move(item));
    whole["next"] = page["next"];
  }
  answer.body = whole.dump() + "\n";
  return answer;
}

int write_export(const Arguments& arguments, const std::string& text) {
  const std::string path = arguments.value("output", "-");
  if (path == "-") {
    std::cout << text;
    return kOk;
  }
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (out) return kOk;
  return report(Error(Errc::invalid_argument, "cannot write " + path));
}

// A table with only what was refused: of 10,000 rows that went in nobody reads a word.
void print_import(const json& answer) {
  std::cout << answer["created"] << " created, " << answer["refused"] << " refused\n";
  json bad = json::array();
  for (const auto& row : answer["rows"])
    if (row["id"].is_null()) bad.push_back(row);
  if (!bad.empty()) std::cout << table(bad);
}

int print(const Operation& op, const Arguments& arguments, const http::ClientResponse& answer) {
  if (op.id == "exportAccounts") return write_export(arguments, answer.body);
  const json value = json::parse(answer.body.empty() ? "null" : answer.body, nullptr, false);
  if (arguments.has("json"))
    std::cout << (answer.body.empty() ? "{}\n" : answer.body);
  else if (op.id == "importAccounts")
    print_import(value);
  else if (op.list)
    std::cout << table(value["items"]);
  else if (value.is_object())
    std::cout << sheet(value);
  else
    std::cout << "done\n";
  if (op.list && value["next"].is_string() && !arguments.has("json"))
    std::cout << "more: --after " << value["next"].get<std::string>() << "\n";
  if (op.id == "showHealth") return value.value("status", "") == "ok" ? kOk : kFailed;
  if (op.id == "importAccounts") return value.value("refused", 0) == 0 ? kOk : kFailed;
  return kOk;
}

}  // namespace

int run_operation(const Arguments& arguments) {
  const Operation* op = find_operation(arguments.words);
  if (op == nullptr) return -1;
  if (arguments.has("help")) {
    std::cout << usage(*op) << "\n";
    return kOk;
  }
  auto prepared = prepare(*op, arguments);
  if (!prepared) return report(prepared.error());
  std::string type = "application/json";
  if (op->id == "importAccounts") {
    const std::string& path = arguments.words.back();
    auto content = read_file(path);
    if (!content) return report(content.error());
    prepared->body = std::move(*content);
    if (arguments.value("format", path.ends_with(".csv") ? "csv" : "json") == "csv") type = "text/csv";
  }
  auto remote = Remote::from(arguments);
  if (!remote) return report(remote.error());
  auto answer = send_all(*remote, *op, arguments, *prepared, prepared->body, type);
  if (!answer) return report(std::move(answer).error().with_context("asking admind"));
  if (answer->status < 200 || answer->status > 299) return refused(*answer);
  return print(*op, arguments, *answer);
}

std::string verbs_help(const std::string& word) {
  std::string out;
  for (const Operation* op : operations_of(word)) {
    std::string line = "  " + op->command;
    line.resize(std::max(line.size() + 2, size_t{46}), ' ');
    out += line + op->summary + "\n";
  }
  return out;
}

}  // namespace dromos::admind::ctl
