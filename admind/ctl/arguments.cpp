#include "admind/ctl/arguments.h"

#include <algorithm>
#include <array>

namespace dromos::admind::ctl {

namespace {
constexpr std::array<std::string_view, 3> kSwitches = {"json", "help", "repair"};
}

std::string Arguments::value(const std::string& name, std::string otherwise) const {
  const auto found = options.find(name);
  if (found == options.end()) return otherwise;
  return found->second;
}

Result<Arguments> parse_arguments(const std::vector<std::string>& given) {
  Arguments out;
  bool only_words = false;
  for (size_t i = 0; i < given.size(); ++i) {
    const std::string& word = given[i];
    if (only_words || !word.starts_with("--")) {
      out.words.push_back(word == "-h" && !only_words ? "help" : word);
      continue;
    }
    if (word == "--") {
      only_words = true;
      continue;
    }
    const size_t equals = word.find('=');
    const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
    const bool is_switch = std::find(kSwitches.begin(), kSwitches.end(), name) != kSwitches.end();
    if (is_switch && equals != std::string::npos)
      return fail(Errc::invalid_argument, "--" + name + " takes no value");
    if (out.has(name)) return fail(Errc::invalid_argument, "--" + name + " is given twice");
    if (is_switch) {
      out.options[name] = "";
    } else if (equals != std::string::npos) {
      out.options[name] = word.substr(equals + 1);
    } else if (i + 1 < given.size()) {
      out.options[name] = given[++i];
    } else {
      return fail(Errc::invalid_argument, "--" + name + " needs a value");
    }
  }
  return out;
}

}  // namespace dromos::admind::ctl
