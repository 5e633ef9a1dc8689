#include "common/net/deflate.h"

#include <zlib.h>

namespace dromos::net {
namespace {

constexpr int kRaw = -15;        // what a peer may use
constexpr int kOutWindow = -13;  // ours: a quarter of the memory for a few per cent of the gain
constexpr int kOutMemory = 6;
constexpr int kLevel = 3;
constexpr size_t kHistory = 32 * 1024;

Bytef* bytes(std::string_view text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // zlib's API is older than const
}

}  // namespace

struct Deflate::Streams {
  z_stream in{};
  z_stream out{};
  bool in_open = false;
  bool out_open = false;

  ~Streams() {
    close_in();
    close_out();
  }
  void open_in() {
    if (in_open) return;
    in = {};
    if (inflateInit2(&in, kRaw) != Z_OK) throw std::bad_alloc();
    in_open = true;
  }
  void open_out() {
    if (out_open) return;
    out = {};
    if (deflateInit2(&out, kLevel, Z_DEFLATED, kOutWindow, kOutMemory, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
    out_open = true;
  }
  void close_in() {
    if (in_open) inflateEnd(&in);
    in_open = false;
  }
  void close_out() {
    if (out_open) deflateEnd(&out);
    out_open = false;
  }
};

Deflate::Deflate() : streams_(std::make_unique<Streams>()) {}
Deflate::~Deflate() = default;

void Deflate::pack(std::string_view plain, std::string& packed, bool last) {
  streams_->open_out();
  z_stream& z = streams_->out;
  z.next_in = bytes(plain);
  z.avail_in = static_cast<uInt>(plain.size());
  do {
    const size_t begin = packed.size();
    const size_t room = plain.size() / 2 + 256;
    packed.resize(begin + room);
    z.next_out = bytes(std::string_view(packed).substr(begin));
    z.avail_out = static_cast<uInt>(room);
    (void)::deflate(&z, last ? Z_FINISH : Z_SYNC_FLUSH);
    packed.resize(packed.size() - z.avail_out);
  } while (z.avail_out == 0);
}

void Deflate::feed(std::string_view packed) {
  input_.append(packed);
}

Result<size_t> Deflate::inflate(char* data, size_t room) {
  more_ = false;
  if (ended_ && input_.empty()) return size_t{0};
  const bool woken = !streams_->in_open;
  streams_->open_in();
  z_stream& z = streams_->in;
  if (woken && !history_.empty()) {
    inflateSetDictionary(&z, bytes(history_), static_cast<uInt>(history_.size()));
    history_ = std::string();
  }
  z.next_in = bytes(input_);
  z.avail_in = static_cast<uInt>(input_.size());
  z.next_out = reinterpret_cast<Bytef*>(data);
  z.avail_out = static_cast<uInt>(room);
  int outcome = Z_OK;
  // Blocks without content (flushes) are passed over here.
  do {
    outcome = ::inflate(&z, Z_BLOCK);
  } while (outcome == Z_OK && z.avail_out == room && z.avail_in > 0);
  input_.erase(0, input_.size() - z.avail_in);
  if (input_.empty()) input_ = std::string();
  if (outcome == Z_STREAM_END)
    ended_ = true;
  else if (outcome != Z_OK && outcome != Z_BUF_ERROR)
    return fail(Errc::invalid_argument, z.msg != nullptr ? z.msg : "compressed data is malformed");
  more_ = z.avail_out == 0;
  // The layer is over and the session goes on as if it were not: nothing of that can be understood.
  if (ended_ && z.avail_out == room && !input_.empty())
    return fail(Errc::invalid_argument, "compressed data goes on behind its end");
  return room - z.avail_out;
}

std::string Deflate::end_input() {
  // The flush behind the last command is an empty block.
  if (!ended_ && !input_.empty() && streams_->in_open) {
    z_stream& z = streams_->in;
    Bytef none;
    z.next_in = bytes(input_);
    z.avail_in = static_cast<uInt>(input_.size());
    z.next_out = &none;
    z.avail_out = 0;
    (void)::inflate(&z, Z_BLOCK);
    input_.erase(0, input_.size() - z.avail_in);
  }
  return std::move(input_);
}

void Deflate::hibernate() {
  // After a flush nothing of ours refers back: a new stream goes on where this one stopped.
  streams_->close_out();
  // Between two blocks and at a whole octet; else the peer has stopped within one, and we keep all.
  constexpr int kBetweenBlocks = 128;
  if (!streams_->in_open || pending() || (streams_->in.data_type & 0xff) != kBetweenBlocks) return;
  uInt length = 0;
  history_.resize(kHistory);
  inflateGetDictionary(&streams_->in, bytes(history_), &length);
  history_.resize(length);
  history_.shrink_to_fit();
  streams_->close_in();
}

}  // namespace dromos::net
