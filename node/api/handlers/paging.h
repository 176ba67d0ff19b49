// Pages of a list: a size within bounds, and an opaque token that says where the next page starts.
#ifndef TRELLIS_NODE_API_HANDLERS_PAGING_H_
#define TRELLIS_NODE_API_HANDLERS_PAGING_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace trellis::api {

inline constexpr int kDefaultPageSize = 100;
inline constexpr int kMaxPageSize = 1000;

struct Page {
  int size = kDefaultPageSize;
  std::string after;  // Names greater than this come next; empty: from the start.
};

// `prefix` is what all names of the list start with: a token of another list is refused.
//   INVALID_ARGUMENT  page_size or page_token
absl::StatusOr<Page> ParsePage(absl::string_view prefix, int32_t page_size,
                               absl::string_view page_token);

// The token of the page that starts after `last`.
std::string PageTokenAfter(absl::string_view last);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_PAGING_H_
