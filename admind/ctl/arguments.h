// The command line of dromosctl as values: words, and options `--name value`, `--name=value` or switches.
// Options may stand anywhere; `--` ends them. Which names are switches is given; everything else takes a
// value.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace dromos::admind::ctl {

struct Arguments {
  std::vector<std::string> words;
  std::map<std::string, std::string> options;  // without the dashes; switches hold ""

  bool has(const std::string& name) const { return options.contains(name); }
  std::string value(const std::string& name, std::string otherwise = {}) const;
};

/// Switches: --json, --help, --repair.
Result<Arguments> parse_arguments(const std::vector<std::string>& given);

}  // namespace dromos::admind::ctl
