// dromosctl: the operator's hand. Most verbs are operations of admind's REST; migrate, check, restored and
// admin create go to the database as its owner.
#include <exception>
#include <iostream>

#include "admind/ctl/owner.h"
#include "admind/ctl/verbs.h"

namespace {

using namespace dromos::admind::ctl;

constexpr char kHead[] =
    "usage: dromosctl VERB ... [--config FILE] [--json]; `dromosctl VERB --help` says more\n"
    "\n"
    "Over REST (--url or DROMOS_URL, --token, --token-file or DROMOS_TOKEN; --ca FILE for an own "
    "authority):\n";
constexpr char kOwner[] =
    "\nOver the database, as its owner (--conninfo, or database.owner_conninfo of --config):\n"
    "  migrate [--role-password-file FILE]           Bring the schema up to date; set the daemons' password\n"
    "  check [--repair]                              Check what no constraint holds, and mend it\n"
    "  restored                                      After a restore to an earlier time\n"
    "  admin create NAME [--role ROLE]               Make an administrator and print an API key\n";

int help(const std::vector<std::string>& words) {
  const std::string word =
      words.empty() || words[0] == "help" ? (words.size() > 1 ? words[1] : "") : words[0];
  const std::string verbs = verbs_help(word);
  std::cout << (verbs.empty() || word.empty() ? kHead + verbs_help("") + kOwner : verbs);
  return kOk;
}

int run(const Arguments& arguments) {
  const auto& words = arguments.words;
  const std::string first = words.empty() ? "" : words[0], second = words.size() < 2 ? "" : words[1];
  if (first == "help" || (first.empty() && arguments.has("help"))) return help(words);
  if (!arguments.has("help")) {
    if (first == "migrate") return migrate(arguments);
    if (first == "check") return check(arguments);
    if (first == "restored") return restored(arguments);
    if (first == "admin" && second == "create") return admin_create(arguments);
  }
  const int status = run_operation(arguments);
  if (status >= 0) return status;
  if (arguments.has("help")) return help(words);
  const std::string near = verbs_help(first);
  std::cerr << "dromosctl: "
            << (first.empty() ? "a verb is missing" : "no such verb: " + first + " " + second) << "\n"
            << (near.empty() ? kHead + verbs_help("") + kOwner : near);
  return kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    auto arguments = parse_arguments(std::vector<std::string>(argv + 1, argv + argc));
    return arguments ? run(*arguments) : report(arguments.error());
  } catch (const std::exception& e) {
    std::cerr << "dromosctl: " << e.what() << "\n";
    return kFailed;
  }
}
