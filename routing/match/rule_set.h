// Decides which rule of a listener a request falls under.
//
// Spec: VPC Lattice reference 3.3. Lowest priority number first, first match wins. Path and header
// values compare case-insensitively unless the rule says otherwise, the method case-sensitively;
// a prefix is plain text; the query takes no part; nothing is percent-decoded; a repeated header
// matches when one of its values does.
#ifndef TRELLIS_ROUTING_MATCH_RULE_SET_H_
#define TRELLIS_ROUTING_MATCH_RULE_SET_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/http/request_head.h"
#include "routing/match/text_match.h"

namespace trellis::v1 {
class Rule;
}

namespace trellis::routing {

// Immutable once built; any thread may match without a lock.
class RuleSet {
 public:
  // Copies what it needs. `rules` in any order; equal priorities (two agents wrote at once) are
  // ordered by name. The indices that Match returns refer to this order of `rules`.
  explicit RuleSet(const std::vector<const v1::Rule*>& rules);
  RuleSet() = default;

  // Index of the matching rule in the constructor's vector, or -1: none. Allocates nothing.
  int Match(const http::RequestHead& request) const;

  // The same decision in words, a line for each rule tried ("rule stock (10): method POST is not
  // GET"), for explain.
  int Explain(const http::RequestHead& request, std::vector<std::string>* steps) const;

  size_t size() const { return rules_.size(); }

 private:
  struct HeaderCondition {
    std::string name;
    TextMatch value;
  };
  struct Rule {
    int index = 0;
    std::string label;
    std::string method;  // Empty: any.
    TextMatch path;
    std::vector<HeaderCondition> headers;
  };

  static bool Matches(const Rule& rule, const http::RequestHead& request, std::string* why);

  std::vector<Rule> rules_;  // By priority, then name.
};

}  // namespace trellis::routing

#endif  // TRELLIS_ROUTING_MATCH_RULE_SET_H_
