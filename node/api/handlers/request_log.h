// Makes writes repeatable: the same request_id with the same content gets the first answer, and
// nothing is done twice.
//
// Kept in this agent's memory only. A repeat that reaches another agent, or this one after a
// restart, is a new request: a create then meets ALREADY_EXISTS, which is as safe.
//
// Spec: VPC Lattice reference 1.12 (clientToken).
#ifndef TRELLIS_NODE_API_HANDLERS_REQUEST_LOG_H_
#define TRELLIS_NODE_API_HANDLERS_REQUEST_LOG_H_

#include <cstddef>
#include <deque>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"

namespace trellis::api {

// Thread-safety: none; control thread.
class RequestLog {
 public:
  // The oldest requests are forgotten past any of these.
  static constexpr size_t kMaxRequests = 10000;
  static constexpr size_t kMaxBytes = 64 << 20;  // Of answers.
  static constexpr absl::Duration kMaxAge = absl::Hours(24);

  // Fills `answer` and returns true for a repeat, false for a new request.
  //   ABORTED  the caller used `request_id` for a request with other content
  absl::StatusOr<bool> Recall(absl::string_view caller, absl::string_view request_id,
                              const google::protobuf::Message& request, absl::Time now,
                              google::protobuf::Message* answer);

  // Only successful answers: a refused request did nothing and may be tried again.
  void Remember(absl::string_view caller, absl::string_view request_id,
                const google::protobuf::Message& request, absl::Time now,
                const google::protobuf::Message& answer);

  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string request_digest;
    std::string answer;
  };
  struct Age {
    absl::Time time;
    std::string key;
  };

  void Forget(absl::Time now);

  absl::flat_hash_map<std::string, Entry> entries_;  // By caller and request id.
  std::deque<Age> ages_;                             // Oldest first; one for each entry.
  size_t bytes_ = 0;
};

// 1-64 printable ASCII characters without spaces, or empty. INVALID_ARGUMENT.
absl::Status CheckRequestId(absl::string_view request_id);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_REQUEST_LOG_H_
