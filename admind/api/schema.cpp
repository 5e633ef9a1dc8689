#include "admind/api/schema.h"

#include <limits>

namespace dromos::admind {

namespace {
Field make(Kind kind, std::string name, std::string about) {
  Field out;
  out.kind = kind;
  out.name = std::move(name);
  out.about = std::move(about);
  return out;
}
}  // namespace

Field text(std::string name, std::string about) {
  return make(Kind::text, std::move(name), std::move(about));
}
Field integer(std::string name, std::string about) {
  return make(Kind::integer, std::move(name), std::move(about)).within(0, int64_t{1} << 53);
}
Field boolean(std::string name, std::string about) {
  return make(Kind::boolean, std::move(name), std::move(about));
}
Field time(std::string name, std::string about) {
  return make(Kind::time, std::move(name), std::move(about));
}
Field texts(std::string name, std::string about) {
  return make(Kind::texts, std::move(name), std::move(about)).within(0, kMaxTexts);
}
Field object(std::string name, std::string schema, std::string about) {
  Field out = make(Kind::object, std::move(name), std::move(about));
  out.of = std::move(schema);
  return out;
}
Field objects(std::string name, std::string schema, std::string about) {
  Field out = make(Kind::objects, std::move(name), std::move(about));
  out.of = std::move(schema);
  return out;
}
Field any(std::string name, std::string about) {
  return make(Kind::any, std::move(name), std::move(about));
}

}  // namespace dromos::admind
