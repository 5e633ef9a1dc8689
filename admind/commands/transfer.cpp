#include "admind/commands/transfer.h"

#include "admind/api/bind.h"
#include "admind/api/csv.h"
#include "admind/service/services.h"
#include "common/base/strings.h"
#include "common/directory/address_text.h"
#include "common/http/json.h"

namespace dromos::admind {

namespace {

constexpr size_t kMaxImport = 100'000;
constexpr auto kImportTime = std::chrono::minutes(15);

const std::vector<Field>& row_fields() {
  static const std::vector<Field> fields = {
      text("address", "local@domain").need().within(3, 320),
      text("display_name", "name").within(0, 200),
      integer("quota_bytes", "0: no limit"),
      boolean("enabled", "true if absent"),
      text("password", "in the clear").hidden().or_null().within(0, 1024),
      text("password_hash",
           "{ARGON2ID}..., {SHA512-CRYPT}..., {BLF-CRYPT}..., {CRYPT}..., {SCRAM-SHA-256}...")
          .hidden()
          .or_null()};
  return fields;
}

struct Candidate {
  directory::ImportRow row;
  std::string fault;  // why it cannot even be tried
};

Candidate candidate_of(json object) {
  Candidate out;
  if (object.is_object() && object.contains("address") && object["address"].is_string())
    out.row.login = object["address"].get<std::string>();
  const auto faults = check_body(object, row_fields());
  if (!faults.empty()) {
    out.fault = trim(faults[0].pointer + " " + faults[0].detail);
    return out;
  }
  auto word = [&](const char* name) {
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? std::string() : found->get<std::string>();
  };
  out.row.display_name = word("display_name");
  out.row.quota_bytes = object.value("quota_bytes", int64_t{0});
  out.row.enabled = object.value("enabled", true);
  out.row.password = word("password");
  out.row.password_hash = word("password_hash");
  return out;
}

Result<std::vector<Candidate>> from_json(const std::string& body) {
  http::JsonLimits limits;
  limits.bytes = body.size() + 1;
  limits.values = kMaxImport * 20;
  auto parsed = http::parse_json(body, limits);
  if (!parsed)
    return fail(Errc::invalid_argument,
                parsed.error().text + " in line " + std::to_string(parsed.error().line));
  json* rows = &*parsed;
  if (rows->is_object() && rows->contains("accounts")) rows = &(*rows)["accounts"];
  if (!rows->is_array()) return fail(Errc::invalid_argument, "the body must be an array of accounts");
  std::vector<Candidate> out;
  out.reserve(rows->size());
  for (auto& row : *rows) out.push_back(candidate_of(std::move(row)));
  return out;
}

// An empty cell is an absent member.
json object_of(const CsvRow& names, const CsvRow& cells) {
  json object = json::object();
  for (size_t i = 0; i < cells.size() && i < names.size(); ++i) {
    if (cells[i].empty()) continue;
    const std::string cell = clean_utf8(cells[i]);
    if (names[i] == "quota_bytes") {
      const auto number = parse_number<int64_t>(cell);
      object[names[i]] = number ? json(*number) : json(cell);
    } else if (names[i] == "enabled") {
      object[names[i]] = cell == "true" || cell == "1"    ? json(true)
                         : cell == "false" || cell == "0" ? json(false)
                                                          : json(cell);
    } else {
      object[names[i]] = cell;
    }
  }
  return object;
}

Result<std::vector<Candidate>> from_csv(const std::string& body) {
  TRY(auto rows, parse_csv(body));
  if (rows.empty())
    return fail(Errc::invalid_argument, "CSV line 1: a header line with the columns' names is needed");
  const CsvRow names = std::move(rows.front());
  std::vector<Candidate> out;
  out.reserve(rows.size());
  for (size_t i = 1; i < rows.size(); ++i) {
    out.push_back(candidate_of(object_of(names, rows[i])));
    if (rows[i].size() != names.size() && out.back().fault.empty())
      out.back().fault =
          "has " + std::to_string(rows[i].size()) + " cells, the header has " + std::to_string(names.size());
  }
  return out;
}

Task<Result<Reply>> import_accounts(Call& call) {
  const std::string type(call.request.headers.value("Content-Type"));
  auto candidates = istarts_with(type, "text/csv") ? from_csv(call.raw) : from_json(call.raw);
  if (!candidates) co_return fail(candidates.error());
  if (candidates->size() > kMaxImport)
    co_return fail(Errc::limit_exceeded, "at most " + std::to_string(kMaxImport) + " accounts in one import");
  std::vector<directory::ImportRow> rows;
  for (const auto& candidate : *candidates)
    if (candidate.fault.empty()) rows.push_back(candidate.row);
  CO_TRY(const auto outcomes, co_await call.services.admin.import_accounts(std::move(rows), call.deadline));
  json report = json::array();
  int64_t created = 0;
  size_t tried = 0, number = 0;
  for (const auto& candidate : *candidates) {
    directory::ImportOutcome outcome;
    outcome.reason = candidate.fault;
    if (candidate.fault.empty() && tried < outcomes.size()) outcome = outcomes[tried++];
    created += outcome.account ? 1 : 0;
    report.push_back({{"row", ++number},
                      {"address", clean_utf8(candidate.row.login)},
                      {"id", outcome.account ? json(to_text(outcome.account)) : json(nullptr)},
                      {"reason", clean_utf8(outcome.reason)}});
  }
  call.object = std::to_string(created) + " accounts";
  const auto total = static_cast<int64_t>(candidates->size());
  co_return Reply{{{"created", created}, {"refused", total - created}, {"rows", std::move(report)}}, {}};
}

// Pages of accounts as the client takes them.
class Export : public http::BodySource {
 public:
  Export(Services& services, std::string domain, bool csv, bool hashes)
      : services_(services), domain_(std::move(domain)), csv_(csv), hashes_(hashes) {}

  Task<Result<std::string_view>> next() override {
    piece_.clear();
    if (ended_) co_return std::string_view();
    if (!begun_) begin();
    directory::AccountFilter filter;
    filter.domain = domain_;
    filter.after = after_;
    filter.limit = 500;
    CO_TRY(const auto accounts,
           co_await services_.admin.list_accounts(std::move(filter), Deadline::after(seconds(30))));
    for (const auto& account : accounts) add(account);
    if (!accounts.empty()) after_ = accounts.back().id.value;
    if (accounts.size() < 500) {
      ended_ = true;
      if (!csv_) piece_ += "\n]\n";
    }
    co_return std::string_view(piece_);
  }

 private:
  void begin() {
    begun_ = true;
    if (!csv_) {
      piece_ = "[";
      return;
    }
    CsvRow names = {"address", "display_name", "quota_bytes", "enabled"};
    if (hashes_) names.push_back("password_hash");
    piece_ = csv_line(names);
  }
  void add(const directory::Account& account) {
    if (csv_) {
      CsvRow cells = {account.login, account.display_name, std::to_string(account.quota_bytes),
                      account.enabled ? "true" : "false"};
      if (hashes_) cells.push_back(account.password_hash);
      piece_ += csv_line(cells);
      return;
    }
    json object{{"address", account.login},
                {"display_name", account.display_name},
                {"quota_bytes", account.quota_bytes},
                {"enabled", account.enabled}};
    if (hashes_ && !account.password_hash.empty()) object["password_hash"] = account.password_hash;
    piece_ += (first_ ? "\n" : ",\n") + object.dump(-1, ' ', false, json::error_handler_t::replace);
    first_ = false;
  }

  Services& services_;
  const std::string domain_;
  const bool csv_, hashes_;
  bool begun_ = false, ended_ = false, first_ = true;
  int64_t after_ = 0;
  std::string piece_;
};

Task<Result<Reply>> export_accounts(Call& call) {
  const bool csv = call.query.value("format", "json") == "csv";
  const bool hashes = call.query.value("password_hashes", false);
  if (hashes && !call.actor.may("accounts:secrets"))
    co_return fail(Errc::permission_denied, "password_hashes needs the scope accounts:secrets");
  std::string domain;
  if (call.query.contains("domain")) {
    CO_TRY(domain, directory::domain_to_ascii(call.word("domain")));
  }
  http::Response out(200, csv ? "text/csv; charset=utf-8" : "application/json", "");
  out.headers.add("Content-Disposition",
                  csv ? "attachment; filename=\"accounts.csv\"" : "attachment; filename=\"accounts.json\"");
  out.source = std::make_unique<Export>(call.services, std::move(domain), csv, hashes);
  Reply reply;
  reply.raw = std::move(out);
  co_return reply;
}

}  // namespace

void add_transfer(Resource& accounts) {
  accounts.schemas.push_back({"ImportReport",
                              "What became of each row.",
                              {integer("created", "how many").need(), integer("refused", "how many").need(),
                               objects("rows", "ImportedRow", "one for each row, in order").need()}});
  accounts.schemas.push_back(
      {"ImportedRow",
       "What became of a row.",
       {integer("row", "from 1; the header of a CSV does not count").need(),
        text("address", "as given").need(), text("id", "null: refused").need().or_null(),
        text("reason", "why it was refused").need()}});
  accounts.operations.push_back(
      {.id = "importAccounts",
       .method = http::Method::post,
       .path = "/accounts/import",
       .scope = "accounts:write",
       .command = "import FILE",
       .summary = "Create many accounts; rows that cannot be are reported, the others go in",
       .response = "ImportReport",
       .problems = {413},
       .run = import_accounts,
       .raw_body = "application/json, text/csv",
       .time = kImportTime});
  accounts.operations.push_back(
      {.id = "exportAccounts",
       .path = "/accounts/export",
       .scope = "accounts:read",
       .command = "export",
       .summary = "All accounts, in the form that import takes",
       .query = {text("format", "json if absent").one_of({"json", "csv"}),
                 text("domain", "only of this domain").within(1, 253),
                 boolean("password_hashes", "with hashes; needs the scope accounts:secrets")},
       .run = export_accounts,
       .time = kImportTime});
}

}  // namespace dromos::admind
