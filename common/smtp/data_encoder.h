// Mail data, client side (RFC 5321 §4.5.2): stuffs dots and ends with CR LF . CR LF. A lone CR or LF in the
// content becomes CR LF before stuffing, so that no stored byte can end the message early at the next hop.
#pragma once

#include <string>
#include <string_view>

namespace dromos::smtp {

class DataEncoder {
 public:
  /// `none` is for BDAT: line ends are mended, dots stay and no final dot is written.
  enum class Dots { stuff, none };
  explicit DataEncoder(Dots dots = Dots::stuff) : stuff_(dots == Dots::stuff) {}

  void feed(std::string_view content, std::string& out);
  void finish(std::string& out);

 private:
  bool stuff_;
  bool line_start_ = true;
  bool cr_ = false;  // the last octet of content was CR; its CR LF is written when the next is known
};

}  // namespace dromos::smtp
