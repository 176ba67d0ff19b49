#include "tools/trellisctl/suggest.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace trellis::ctl {
namespace {

constexpr size_t kMaxGiven = 64;

// Levenshtein distance, one row at a time.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string DidYouMean(absl::string_view given, const std::vector<std::string>& accepted) {
  if (given.empty() || given.size() > kMaxGiven) return "";
  const std::string lower = absl::AsciiStrToLower(given);
  const std::string* best = nullptr;
  size_t best_distance = std::min<size_t>(2, given.size() / 2) + 1;
  for (const std::string& word : accepted) {
    const std::string candidate = absl::AsciiStrToLower(word);
    // A long word's beginning is a fair guess too: "desc" for "describe".
    const bool begins =
        lower.size() >= 3 && candidate.size() > lower.size() && candidate.rfind(lower, 0) == 0;
    const size_t distance = begins ? 1 : Distance(lower, candidate);
    if (distance < best_distance) {
      best = &word;
      best_distance = distance;
    }
  }
  return best == nullptr ? "" : absl::StrCat("; did you mean \"", *best, "\"?");
}

std::string DidYouMeanOrStop(absl::string_view given, const std::vector<std::string>& accepted) {
  const std::string suggestion = DidYouMean(given, accepted);
  return suggestion.empty() ? "." : suggestion;
}

}  // namespace trellis::ctl
