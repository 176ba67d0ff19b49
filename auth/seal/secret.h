// Bytes that must not be seen: private keys and what was sealed.
#ifndef TRELLIS_AUTH_SEAL_SECRET_H_
#define TRELLIS_AUTH_SEAL_SECRET_H_

#include <cstddef>
#include <memory>
#include <ostream>

#include "absl/strings/string_view.h"

namespace trellis::seal {

// Wiped when it goes; moves, does not copy, and cannot be printed or logged.
//
// Thread-safety: as of std::string.
class Secret {
 public:
  explicit Secret(absl::string_view bytes);
  ~Secret();
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  // Valid until the secret moves or goes. Whoever copies it has another one to hide.
  absl::string_view bytes() const { return {data_.get(), size_}; }

  friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

 private:
  friend class SealingKey;
  // Of `size` bytes, to be written to.
  explicit Secret(size_t size);
  void Wipe();

  std::unique_ptr<char[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace trellis::seal

#endif  // TRELLIS_AUTH_SEAL_SECRET_H_
