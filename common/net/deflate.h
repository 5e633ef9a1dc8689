// Deflate: both directions of a raw DEFLATE layer (RFC 1951, as RFC 4978 puts it between IMAP and TLS),
// without I/O.
//
// Output: every pack() ends with a flush, so what was written can be read by the peer. Input: feed() keeps
// compressed bytes, inflate() unpacks at most as many octets as it is given room for and stops at the end of
// each block, so a bomb costs time but no memory, and a peer that ends the layer behind a command can be
// followed. Memory: some 40 KB each way while in use; hibernate() leaves only the history that the peer may
// refer to (at most 32 KB, what it has sent). Errors: Errc::invalid_argument for bytes that are no DEFLATE.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace dromos::net {

class Deflate {
 public:
  Deflate();
  ~Deflate();
  Deflate(const Deflate&) = delete;
  Deflate& operator=(const Deflate&) = delete;

  /// Appends `plain` compressed and flushed; `last` ends the layer.
  void pack(std::string_view plain, std::string& packed, bool last = false);

  /// Compressed input, behind what has not been unpacked yet.
  void feed(std::string_view packed);
  /// Unpacks into [data, data + room). 0: more input is needed, or the peer has ended the layer.
  Result<size_t> inflate(char* data, size_t room);
  /// There may be octets to unpack without more input.
  bool pending() const { return more_ || !input_.empty(); }
  /// The peer's layer ends here: input that belongs to no compressed block any more, as it came.
  std::string end_input();

  /// Gives back what can be given back between two exchanges.
  void hibernate();

 private:
  struct Streams;
  std::unique_ptr<Streams> streams_;
  std::string input_;
  std::string history_;  // while hibernating: the last octets unpacked
  bool more_ = false;    // the last inflate() had no room for all
  bool ended_ = false;   // by the peer
};

}  // namespace dromos::net
