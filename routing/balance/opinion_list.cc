#include "routing/balance/opinion_list.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/crypto/digest.h"

namespace trellis::routing {
namespace {

bool Has(absl::string_view bitmap, uint32_t index) {
  const size_t byte = index / 8;
  return byte < bitmap.size() && (static_cast<uint8_t>(bitmap[byte]) >> (index % 8) & 1) != 0;
}

void Put(std::string& bitmap, uint32_t index) {
  const size_t byte = index / 8;
  if (bitmap.size() <= byte) bitmap.resize(byte + 1, '\0');
  bitmap[byte] = static_cast<char>(static_cast<uint8_t>(bitmap[byte]) | 1U << (index % 8));
}

// Zeros at the end are left out, so the last byte has the last target.
bool Fits(absl::string_view bitmap, uint32_t size) {
  if (bitmap.empty()) return true;
  const auto last = static_cast<uint8_t>(bitmap.back());
  if (last == 0 || bitmap.size() > (size_t{size} + 7) / 8) return false;
  return bitmap.size() * 8 <= size || last >> (8 - (bitmap.size() * 8 - size)) == 0;
}

}  // namespace

uint64_t ListIdentity(absl::string_view target_group, const std::vector<net::Endpoint>& targets) {
  std::string text(target_group);
  for (const net::Endpoint& target : targets) absl::StrAppend(&text, "\n", target.ToString());
  const auto digest = crypto::Sha256(text);
  uint64_t identity = 0;
  for (size_t i = 0; i < sizeof(identity); ++i) identity = identity << 8 | digest[i];
  return identity;
}

bool OpinionList::IsWellFormed() const {
  if (!Fits(healthy_, size_) || !Fits(unhealthy_, size_)) return false;
  const size_t common = std::min(healthy_.size(), unhealthy_.size());
  for (size_t i = 0; i < common; ++i) {
    if ((healthy_[i] & unhealthy_[i]) != 0) return false;
  }
  return true;
}

void OpinionList::Say(uint32_t index, Opinion opinion) {
  if (opinion == Opinion::kHealthy) Put(healthy_, index);
  if (opinion == Opinion::kUnhealthy) Put(unhealthy_, index);
}

Opinion OpinionList::Of(uint32_t index) const {
  if (Has(healthy_, index)) return Opinion::kHealthy;
  return Has(unhealthy_, index) ? Opinion::kUnhealthy : Opinion::kNone;
}

Opinion Merge(const std::vector<Opinion>& opinions, Opinion previous) {
  Opinion merged = Opinion::kNone;
  for (const Opinion opinion : opinions) {
    if (opinion == Opinion::kHealthy) return Opinion::kHealthy;
    if (opinion == Opinion::kUnhealthy) merged = opinion;
  }
  return merged == Opinion::kNone ? previous : merged;
}

}  // namespace trellis::routing
