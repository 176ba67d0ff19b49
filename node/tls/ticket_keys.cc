#include "node/tls/ticket_keys.h"

#include <openssl/mem.h>
#include <openssl/rand.h>

#include <algorithm>

#include "base/log/log.h"

namespace trellis::tls {

TicketKeys::Key::~Key() {
  OPENSSL_cleanse(aes.data(), aes.size());
  OPENSSL_cleanse(hmac.data(), hmac.size());
}

TicketKeys::TicketKeys() = default;

std::shared_ptr<const TicketKeys::Key> TicketKeys::Current(absl::Duration now) {
  MutexLock lock(mutex_);
  if (now - made_at_ >= kRotation) {
    auto key = std::make_shared<Key>();
    CHECK(RAND_bytes(key->name.data(), key->name.size()) &&
          RAND_bytes(key->aes.data(), key->aes.size()) &&
          RAND_bytes(key->hmac.data(), key->hmac.size()));
    std::rotate(keys_.rbegin(), keys_.rbegin() + 1, keys_.rend());
    keys_.front() = std::move(key);
    made_at_ = now;
  }
  return keys_.front();
}

std::shared_ptr<const TicketKeys::Key> TicketKeys::Find(const uint8_t name[16], bool* is_current) {
  MutexLock lock(mutex_);
  for (const std::shared_ptr<const Key>& key : keys_) {
    if (key == nullptr || !std::equal(key->name.begin(), key->name.end(), name)) continue;
    *is_current = key == keys_.front();
    return key;
  }
  return nullptr;
}

}  // namespace trellis::tls
