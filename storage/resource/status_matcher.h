// Which status codes make a health check pass: "200", "200,202", "200-299", "200,202-204".
//
// Spec: VPC Lattice reference 4.4 (codes 200 to 499), 1.3 (at most 2000 characters).
#ifndef TRELLIS_STORAGE_RESOURCE_STATUS_MATCHER_H_
#define TRELLIS_STORAGE_RESOURCE_STATUS_MATCHER_H_

#include <bitset>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace trellis::resource {

// Immutable; any thread. Matches is one bit test.
class StatusMatcher {
 public:
  // INVALID_ARGUMENT: empty, not of that form, a code outside 200-499, or a range backwards.
  static absl::StatusOr<StatusMatcher> Parse(absl::string_view text);

  bool Matches(int status) const {
    return status >= kMinCode && status <= kMaxCode && codes_[status - kMinCode];
  }
  // The shortest text that parses to the same codes.
  std::string ToString() const;
  bool operator==(const StatusMatcher& other) const { return codes_ == other.codes_; }

 private:
  static constexpr int kMinCode = 200;
  static constexpr int kMaxCode = 499;

  std::bitset<kMaxCode - kMinCode + 1> codes_;
};

}  // namespace trellis::resource

#endif  // TRELLIS_STORAGE_RESOURCE_STATUS_MATCHER_H_
