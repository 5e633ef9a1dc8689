// The shape of JSON objects that REST takes and gives. One description serves three: requests are checked
// against it (bind.h), OpenAPI is written from it (openapi.h), dromosctl makes options and help of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dromos::admind {

enum class Kind : uint8_t { text, integer, boolean, time, texts, object, objects, any };

inline constexpr int64_t kMaxText = 4096;
inline constexpr int64_t kMaxTexts = 1000;

/// One member. Made by text("name", "what it is").need() and the like.
struct Field {
  Kind kind = Kind::text;
  std::string name;
  std::string about;
  bool required = false;
  bool nullable = false;
  bool secret = false;               // never audited
  int64_t min = 0, max = kMaxText;   // length, value, or count
  std::vector<std::string> allowed;  // of texts: of each
  std::string of;                    // schema of object and objects

  Field&& need() && { return required = true, std::move(*this); }
  Field&& or_null() && { return nullable = true, std::move(*this); }
  Field&& hidden() && { return secret = true, std::move(*this); }
  Field&& within(int64_t low, int64_t high) && { return min = low, max = high, std::move(*this); }
  Field&& one_of(std::vector<std::string> words) && { return allowed = std::move(words), std::move(*this); }
};

Field text(std::string name, std::string about);
Field integer(std::string name, std::string about);
Field boolean(std::string name, std::string about);
/// RFC 3339.
Field time(std::string name, std::string about);
Field texts(std::string name, std::string about);
Field object(std::string name, std::string schema, std::string about);
Field objects(std::string name, std::string schema, std::string about);
Field any(std::string name, std::string about);

struct Schema {
  std::string name;
  std::string about;
  std::vector<Field> fields;
};

}  // namespace dromos::admind
