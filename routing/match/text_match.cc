#include "routing/match/text_match.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace trellis::routing {

TextMatch::TextMatch(Kind kind, absl::string_view text, bool case_sensitive)
    : kind_(kind),
      text_(case_sensitive ? std::string(text) : absl::AsciiStrToLower(text)),
      case_sensitive_(case_sensitive) {
  if (kind_ != Kind::kContains) return;
  // Knuth, Morris and Pratt: border_[i] is the length of the longest proper prefix of text_[0..i]
  // that is its suffix too, where a search goes on after a mismatch behind it.
  border_.resize(text_.size());
  for (size_t i = 1, length = 0; i < text_.size(); ++i) {
    while (length > 0 && text_[i] != text_[length]) length = border_[length - 1];
    if (text_[i] == text_[length]) ++length;
    border_[i] = length;
  }
}

bool TextMatch::Matches(absl::string_view value) const {
  switch (kind_) {
    case Kind::kAny:
      return true;
    case Kind::kExact:
      return value.size() == text_.size() && BeginsWithText(value);
    case Kind::kPrefix:
      return BeginsWithText(value);
    case Kind::kContains:
      return ContainsText(value);
  }
  return false;
}

// Backwards: the paths of one listener begin alike and differ towards their ends.
bool TextMatch::BeginsWithText(absl::string_view value) const {
  if (value.size() < text_.size()) return false;
  for (size_t i = text_.size(); i > 0; --i) {
    const char c = case_sensitive_ ? value[i - 1] : absl::ascii_tolower(value[i - 1]);
    if (c != text_[i - 1]) return false;
  }
  return true;
}

bool TextMatch::ContainsText(absl::string_view value) const {
  if (text_.empty()) return true;
  size_t matched = 0;
  for (const char raw : value) {
    const char c = case_sensitive_ ? raw : absl::ascii_tolower(raw);
    while (matched > 0 && c != text_[matched]) matched = border_[matched - 1];
    if (c == text_[matched] && ++matched == text_.size()) return true;
  }
  return false;
}

std::string TextMatch::Describe() const {
  const char* verb = kind_ == Kind::kExact    ? "equal"
                     : kind_ == Kind::kPrefix ? "begin with"
                                              : "contain";
  return absl::StrCat(verb, " ", text_, case_sensitive_ ? " (case-sensitive)" : "");
}

}  // namespace trellis::routing
