// dromosctl: the operator's hand. Most verbs are operations of admind's REST; migrate, check, restored and
// admin create go to the database as its owner.
#include <exception>
#include <iostream>

#include "admind/ctl/owner.h"

namespace {

constexpr char kHelp[] =
    "usage: dromosctl [--config FILE] VERB ...\n"
    "\n"
    "  migrate [--conninfo CONNINFO]                 bring the schema up to date\n"
    "  admin create NAME [--role ROLE] [--json]      make an administrator, print an API key\n";

int run(const dromos::admind::ctl::Arguments& arguments) {
  using namespace dromos::admind::ctl;
  const auto& words = arguments.words;
  if (arguments.has("help") || (!words.empty() && words[0] == "help")) {
    std::cout << kHelp;
    return kOk;
  }
  if (!words.empty() && words[0] == "migrate") return migrate(arguments);
  if (words.size() >= 2 && words[0] == "admin" && words[1] == "create") return admin_create(arguments);
  std::cerr << kHelp;
  return kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace dromos::admind::ctl;
  try {
    auto arguments = parse_arguments(std::vector<std::string>(argv + 1, argv + argc));
    return arguments ? run(*arguments) : report(arguments.error());
  } catch (const std::exception& e) {
    std::cerr << "dromosctl: " << e.what() << "\n";
    return kFailed;
  }
}
