#include "node/agent/text_forms.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "base/net/endpoint.h"
#include "storage/resource/names.h"

namespace trellis::agent {

bool IsAddress(absl::string_view text) { return net::Endpoint::FromAddress(text, 0).ok(); }

bool IsAccount(absl::string_view text) {
  return text.size() == 12 && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

bool IsLabel(absl::string_view text) {
  return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
         });
}

bool IsDomain(absl::string_view text) {
  if (text.size() > 128) return false;
  for (const absl::string_view label : absl::StrSplit(text, '.')) {
    if (!IsLabel(label)) return false;
  }
  return true;
}

bool IsDisplayName(absl::string_view text) {
  return text.size() <= resource::kMaxAgentDisplayNameBytes &&
         std::all_of(text.begin(), text.end(), absl::ascii_isgraph);
}

}  // namespace trellis::agent
