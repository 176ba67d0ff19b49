// "did you mean": the nearest of the words that would have been accepted.
#ifndef TRELLIS_TOOLS_TRELLISCTL_SUGGEST_H_
#define TRELLIS_TOOLS_TRELLISCTL_SUGGEST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace trellis::ctl {

// `; did you mean "priority"?` when one of `accepted` is within a slip or two of `given` (letter
// case apart), else "". O(words × length²); `given` beyond 64 bytes gets no suggestion.
std::string DidYouMean(absl::string_view given, const std::vector<std::string>& accepted);
// The same as the end of a sentence that more follows: "." without a suggestion.
std::string DidYouMeanOrStop(absl::string_view given, const std::vector<std::string>& accepted);

}  // namespace trellis::ctl

#endif  // TRELLIS_TOOLS_TRELLISCTL_SUGGEST_H_
