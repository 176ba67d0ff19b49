// One text condition of a rule: on the path or on a header value.
//
// Spec: VPC Lattice reference 3.3. ASCII letters are equal in either case unless the rule says
// otherwise; other bytes are themselves.
#ifndef TRELLIS_ROUTING_MATCH_TEXT_MATCH_H_
#define TRELLIS_ROUTING_MATCH_TEXT_MATCH_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace trellis::routing {

// Immutable once built; any thread may match without a lock.
class TextMatch {
 public:
  enum class Kind { kAny, kExact, kPrefix, kContains };

  TextMatch() = default;
  TextMatch(Kind kind, absl::string_view text, bool case_sensitive);

  // Allocates nothing; O(size of `value`), whatever text it is compared with.
  bool Matches(absl::string_view value) const;
  // "begin with /cart", to go after "does not".
  std::string Describe() const;

 private:
  bool BeginsWithText(absl::string_view value) const;
  bool ContainsText(absl::string_view value) const;

  Kind kind_ = Kind::kAny;
  std::string text_;  // In lower case unless case_sensitive_.
  bool case_sensitive_ = false;
  std::vector<size_t> border_;  // kContains only.
};

}  // namespace trellis::routing

#endif  // TRELLIS_ROUTING_MATCH_TEXT_MATCH_H_
