#include "node/api/handlers/paging.h"

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace trellis::api {
namespace {

// What a token holds, before Base64: a version, then the last name. Names are not secret, so the
// token needs no seal: one that a caller makes up shows nothing that listing would not.
constexpr absl::string_view kTokenVersion = "1";
constexpr size_t kMaxTokenBytes = 2048;

absl::Status BadToken() {
  return absl::InvalidArgumentError(
      "page_token: not one of this list; give the last answer's next_page_token, or none");
}

}  // namespace

absl::StatusOr<Page> ParsePage(absl::string_view prefix, int32_t page_size,
                               absl::string_view page_token) {
  Page page;
  if (page_size < 0 || page_size > kMaxPageSize) {
    return absl::InvalidArgumentError(absl::StrCat("page_size: ", page_size, " is not 1 to ",
                                                   kMaxPageSize, ", or 0 for ", kDefaultPageSize));
  }
  if (page_size > 0) page.size = page_size;
  if (page_token.empty()) return page;
  std::string text;
  if (page_token.size() > kMaxTokenBytes || !absl::WebSafeBase64Unescape(page_token, &text)) {
    return BadToken();
  }
  absl::string_view after = text;
  if (!absl::ConsumePrefix(&after, kTokenVersion) || !absl::StartsWith(after, prefix) ||
      absl::StrContains(after.substr(prefix.size()), '/')) {  // Of a list further inside.
    return BadToken();
  }
  page.after = std::string(after);
  return page;
}

std::string PageTokenAfter(absl::string_view last) {
  return absl::WebSafeBase64Escape(absl::StrCat(kTokenVersion, last));
}

}  // namespace trellis::api
