#include "common/dns/errc.h"

namespace {

std::string_view describe(int code) {
  switch (static_cast<dromos::dns::Errc>(code)) {
    case dromos::dns::Errc::bad_name:
      return "bad_name";
    case dromos::dns::Errc::server:
      return "server";
    case dromos::dns::Errc::bogus:
      return "bogus";
    case dromos::dns::Errc::malformed:
      return "malformed";
  }
  return "unknown";
}

}  // namespace

const dromos::ErrorCategory& dromos::ErrorCategoryOf<dromos::dns::Errc>::get() {
  static const ErrorCategory category{"dns", describe};
  return category;
}
