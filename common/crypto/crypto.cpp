#include "common/crypto/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <memory>

#include "common/base/assert.h"

namespace dromos::crypto {
namespace {

const unsigned char* u8(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* u8(std::string& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

std::string hmac(const EVP_MD* md, std::string_view key, std::string_view bytes) {
  std::string out(static_cast<size_t>(EVP_MD_get_size(md)), '\0');
  unsigned length = 0;
  DROMOS_ASSERT(HMAC(md, key.data(), static_cast<int>(key.size()), u8(bytes), bytes.size(), u8(out),
                     &length) != nullptr);
  return out;
}

std::string pbkdf2(const EVP_MD* md, std::string_view password, std::string_view salt, int iterations) {
  std::string out(static_cast<size_t>(EVP_MD_get_size(md)), '\0');
  DROMOS_ASSERT(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), u8(salt),
                                  static_cast<int>(salt.size()), iterations, md, static_cast<int>(out.size()),
                                  u8(out)) == 1);
  return out;
}

struct CipherFree {
  void operator()(EVP_CIPHER_CTX* ctx) const { EVP_CIPHER_CTX_free(ctx); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, CipherFree>;

constexpr size_t kNonce = 12, kTag = 16;

}  // namespace

Sha256 sha256(std::string_view bytes) {
  Sha256 out;
  DROMOS_ASSERT(EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, EVP_sha256(), nullptr) == 1);
  return out;
}

Sha1 sha1(std::string_view bytes) {
  Sha1 out;
  DROMOS_ASSERT(EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, EVP_sha1(), nullptr) == 1);
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  return hmac(EVP_sha256(), key, bytes);
}
std::string hmac_sha1(std::string_view key, std::string_view bytes) {
  return hmac(EVP_sha1(), key, bytes);
}

std::string pbkdf2_sha256(std::string_view password, std::string_view salt, int iterations) {
  return pbkdf2(EVP_sha256(), password, salt, iterations);
}
std::string pbkdf2_sha1(std::string_view password, std::string_view salt, int iterations) {
  return pbkdf2(EVP_sha1(), password, salt, iterations);
}

Sha256Stream::Sha256Stream() : ctx_(EVP_MD_CTX_new()) {
  DROMOS_ASSERT(ctx_ != nullptr &&
                EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(ctx_), EVP_sha256(), nullptr) == 1);
}
Sha256Stream::~Sha256Stream() {
  EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(ctx_));
}
void Sha256Stream::update(std::string_view bytes) {
  DROMOS_ASSERT(EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(ctx_), bytes.data(), bytes.size()) == 1);
}
Sha256 Sha256Stream::finish() {
  Sha256 out;
  DROMOS_ASSERT(EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(ctx_), out.data(), nullptr) == 1);
  return out;
}

std::string random_bytes(size_t count) {
  std::string out(count, '\0');
  DROMOS_ASSERT(RAND_bytes(u8(out), static_cast<int>(count)) == 1);
  return out;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string seal(std::string_view key, std::string_view context, std::string_view secret) {
  DROMOS_ASSERT(key.size() == 32);
  std::string out = random_bytes(kNonce);
  out.resize(kNonce + secret.size() + kTag);
  Cipher ctx(EVP_CIPHER_CTX_new());
  int n = 0;
  bool ok =
      EVP_EncryptInit_ex(ctx.get(), EVP_aes_256_gcm(), nullptr, u8(key), u8(out)) == 1 &&
      EVP_EncryptUpdate(ctx.get(), nullptr, &n, u8(context), static_cast<int>(context.size())) == 1 &&
      EVP_EncryptUpdate(ctx.get(), u8(out) + kNonce, &n, u8(secret), static_cast<int>(secret.size())) == 1 &&
      EVP_EncryptFinal_ex(ctx.get(), u8(out) + kNonce + n, &n) == 1 &&
      EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_GET_TAG, kTag, u8(out) + kNonce + secret.size()) == 1;
  DROMOS_ASSERT(ok);
  return out;
}

std::optional<std::string> unseal(std::string_view key, std::string_view context, std::string_view sealed) {
  if (key.size() != 32 || sealed.size() < kNonce + kTag) return std::nullopt;
  std::string out(sealed.size() - kNonce - kTag, '\0');
  std::string tag(sealed.substr(sealed.size() - kTag));
  Cipher ctx(EVP_CIPHER_CTX_new());
  int n = 0;
  const bool ok =
      EVP_DecryptInit_ex(ctx.get(), EVP_aes_256_gcm(), nullptr, u8(key), u8(sealed)) == 1 &&
      EVP_DecryptUpdate(ctx.get(), nullptr, &n, u8(context), static_cast<int>(context.size())) == 1 &&
      EVP_DecryptUpdate(ctx.get(), u8(out), &n, u8(sealed) + kNonce, static_cast<int>(out.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_SET_TAG, kTag, u8(tag)) == 1 &&
      EVP_DecryptFinal_ex(ctx.get(), u8(out) + n, &n) == 1;
  if (!ok) return std::nullopt;
  return out;
}

}  // namespace dromos::crypto
