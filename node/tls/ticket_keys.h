// What session tickets are sealed with: shared by all workers of an agent, so that a client resumes
// with whichever it meets, and changed each hour, so that a stolen one opens little.
//
// Spec: RFC 5077 section 4 (the format), RFC 8446 section 4.6.1.
#ifndef TRELLIS_NODE_TLS_TICKET_KEYS_H_
#define TRELLIS_NODE_TLS_TICKET_KEYS_H_

#include <array>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/sync/mutex.h"

namespace trellis::tls {

// Any thread. Keys live in memory alone: after a restart clients begin anew.
class TicketKeys {
 public:
  static constexpr absl::Duration kRotation = absl::Hours(1);
  static constexpr size_t kKept = 3;  // So a ticket is good for two to three hours.

  struct Key {
    std::array<uint8_t, 16> name;
    std::array<uint8_t, 16> aes;
    std::array<uint8_t, 32> hmac;
    ~Key();
  };

  TicketKeys();

  // To seal with, at `now` (monotonic); makes a new one when it is time.
  std::shared_ptr<const Key> Current(absl::Duration now);
  // Null: too old, or another agent's. `*is_current`: it seals still.
  std::shared_ptr<const Key> Find(const uint8_t name[16], bool* is_current);

 private:
  Mutex mutex_;
  std::array<std::shared_ptr<const Key>, kKept> keys_ ABSL_GUARDED_BY(mutex_);  // Newest first.
  absl::Duration made_at_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
};

}  // namespace trellis::tls

#endif  // TRELLIS_NODE_TLS_TICKET_KEYS_H_
