// DATA decoder: whole and in bytes agree, and the end is where CR LF . CR LF first stands; what the encoder
// makes of the content decodes to one message.
#include <cstdlib>
#include <string>

#include "common/smtp/data_decoder.h"
#include "common/smtp/data_encoder.h"

using namespace dromos::smtp;

static void require(bool ok) {
  if (!ok) std::abort();
}

static size_t expected_end(std::string_view wire) {
  if (wire.starts_with(".\r\n")) return 3;
  const size_t at = wire.find("\r\n.\r\n");
  return at == std::string_view::npos ? at : at + 5;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  DataDecoder whole(1 << 16), single(1 << 16);
  std::string a, b;
  std::string_view rest = bytes;
  whole.feed(rest, a);
  size_t used = 0;
  while (used < size && !single.done()) {
    std::string_view one = bytes.substr(used++, 1);
    single.feed(one, b);
  }
  require(a == b && whole.done() == single.done() && whole.size() == single.size());
  require(whole.faults().first_offset == single.faults().first_offset &&
          whole.faults().any() == single.faults().any());
  const size_t end = expected_end(bytes);
  require(whole.done() == (end != std::string_view::npos));
  if (whole.done()) require(bytes.size() - rest.size() == end && used == end);

  std::string wire, back;
  DataEncoder encoder;
  encoder.feed(bytes, wire);
  encoder.finish(wire);
  DataDecoder decoder(UINT64_MAX);
  std::string_view input = wire;
  require(decoder.feed(input, back) && input.empty());
  require(!decoder.faults().bare_cr && !decoder.faults().bare_lf);
  return 0;
}
