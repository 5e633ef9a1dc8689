// Answers as people read them: tables for lists, one line a member for single things. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace dromos::admind::ctl {

std::string table(const nlohmann::json& items);
std::string sheet(const nlohmann::json& object);
/// Problem document as text for stderr.
std::string problem_text(const nlohmann::json& problem);

}  // namespace dromos::admind::ctl
