#include "node/snapshot/authority.h"

#include "absl/strings/numbers.h"

namespace trellis {
namespace {

// The longest port number, 65535.
constexpr size_t kMaxPortDigits = 5;

bool ParsePort(absl::string_view text, std::optional<uint16_t>* port) {
  if (text.empty()) return true;
  uint32_t number = 0;
  if (text.size() > kMaxPortDigits ||
      text.find_first_not_of("0123456789") != absl::string_view::npos ||
      !absl::SimpleAtoi(text, &number) || number > UINT16_MAX) {
    return false;
  }
  *port = static_cast<uint16_t>(number);
  return true;
}

}  // namespace

std::optional<Authority> ParseAuthority(absl::string_view text) {
  Authority authority;
  const bool bracketed = !text.empty() && text.front() == '[';
  const size_t host_end = bracketed ? text.find(']') : text.find(':');
  if (bracketed && host_end == absl::string_view::npos) return std::nullopt;
  authority.host = text.substr(bracketed ? 1 : 0, bracketed ? host_end - 1 : host_end);
  if (host_end != absl::string_view::npos) {
    absl::string_view rest = text.substr(bracketed ? host_end + 1 : host_end);
    if (!rest.empty()) {
      if (rest.front() != ':') return std::nullopt;
      rest.remove_prefix(1);
      if (!ParsePort(rest, &authority.port)) return std::nullopt;
    }
  }
  // "shop.example." is the same name, written in full.
  if (!bracketed && !authority.host.empty() && authority.host.back() == '.') {
    authority.host.remove_suffix(1);
  }
  if (authority.host.empty()) return std::nullopt;
  return authority;
}

}  // namespace trellis
