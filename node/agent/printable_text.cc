#include "node/agent/printable_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace trellis::agent {

std::string PrintableText(absl::string_view text) {
  std::string printable;
  for (const char c : text) {
    if (absl::ascii_isprint(c) || c == '\n') {
      printable.push_back(c);
    } else {
      absl::StrAppend(&printable, "\\x", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    }
  }
  return printable;
}

}  // namespace trellis::agent
