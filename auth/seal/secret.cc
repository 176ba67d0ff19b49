#include "auth/seal/secret.h"

#include <openssl/mem.h>

#include <algorithm>
#include <utility>

namespace trellis::seal {

Secret::Secret(size_t size) : data_(std::make_unique<char[]>(size)), size_(size), capacity_(size) {}

Secret::Secret(absl::string_view bytes) : Secret(bytes.size()) {
  std::copy(bytes.begin(), bytes.end(), data_.get());
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::move(other.data_)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  Wipe();
  data_ = std::move(other.data_);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  return *this;
}

Secret::~Secret() { Wipe(); }

void Secret::Wipe() {
  if (data_ != nullptr) OPENSSL_cleanse(data_.get(), capacity_);
}

}  // namespace trellis::seal
