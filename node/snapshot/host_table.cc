#include "node/snapshot/host_table.h"

#include <utility>

#include "absl/hash/hash.h"

namespace trellis {

size_t HostTable::PartOf(absl::string_view host) {
  // The parts' own hash uses the low bits.
  return (absl::Hash<absl::string_view>()(host) >> 32) % kParts;
}

const CompiledService* HostTable::Find(absl::string_view host) const {
  const Part* const part = parts_[PartOf(host)].get();
  if (part == nullptr) return nullptr;
  const auto found = part->find(host);
  return found == part->end() ? nullptr : found->second.get();
}

void HostTable::ForEach(
    absl::FunctionRef<void(const std::string& host, const Service& service)> take) const {
  for (const std::shared_ptr<Part>& part : parts_) {
    if (part == nullptr) continue;
    for (const auto& [host, service] : *part) take(host, service);
  }
}

HostTable::Part& HostTable::OwnPart(size_t part) {
  std::shared_ptr<Part>& held = parts_[part];
  if (!own_[part]) {
    held = held == nullptr ? std::make_shared<Part>() : std::make_shared<Part>(*held);
    own_[part] = true;
  }
  return *held;
}

void HostTable::Set(const std::string& host, Service service) {
  const bool added = OwnPart(PartOf(host)).insert_or_assign(host, std::move(service)).second;
  size_ += added ? 1 : 0;
}

void HostTable::Erase(const std::string& host) {
  const size_t part = PartOf(host);
  if (parts_[part] == nullptr || !parts_[part]->contains(host)) return;
  OwnPart(part).erase(host);
  --size_;
}

HostTable HostTable::Share() {
  own_.reset();
  return HostTable(*this);
}

}  // namespace trellis
