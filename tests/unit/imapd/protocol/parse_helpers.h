// Shared by the parser tests.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "imapd/protocol/parser.h"

namespace dromos::imapd {

inline Command parsed(std::string_view text) {
  auto command = parse_command(text);
  INFO(text << ": " << (command ? "" : command.error().reason));
  REQUIRE(command);
  return std::move(*command);
}

template <class T>
T parsed_as(std::string_view text) {
  Command command = parsed(text);
  REQUIRE(std::holds_alternative<T>(command.arguments));
  return std::move(command.as<T>());
}

/// "offset: reason".
inline std::string refused(std::string_view text) {
  const auto command = parse_command(text);
  INFO(text);
  REQUIRE_FALSE(command);
  return std::to_string(command.error().offset) + ": " + command.error().reason;
}

}  // namespace dromos::imapd
