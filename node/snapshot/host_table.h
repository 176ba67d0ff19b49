// Which service answers at a host. Tables that were shared have all parts in common but those that
// changed since, so one host's change costs a small part of the table and not all of it.
#ifndef TRELLIS_NODE_SNAPSHOT_HOST_TABLE_H_
#define TRELLIS_NODE_SNAPSHOT_HOST_TABLE_H_

#include <array>
#include <bitset>
#include <cstddef>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace trellis {

struct CompiledService;

// Hosts are lower-case, without port.
//
// Thread-safety: compatible, also of tables that share parts.
class HostTable {
 public:
  using Service = std::shared_ptr<const CompiledService>;

  HostTable() = default;
  HostTable(HostTable&&) = default;
  HostTable& operator=(HostTable&&) = default;

  // Null: none. Allocates nothing.
  const CompiledService* Find(absl::string_view host) const;
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  // In no order.
  void ForEach(absl::FunctionRef<void(const std::string& host, const Service& service)> take) const;

  // Copies the part of the table that has it, the first time after Share.
  void Set(const std::string& host, Service service);
  void Erase(const std::string& host);

  // A table as this one is now, whatever becomes of it. O(kParts).
  HostTable Share();

 private:
  // 10,000 services with two hosts each: some 80 hosts a part.
  static constexpr size_t kParts = 256;
  using Part = absl::flat_hash_map<std::string, Service>;

  HostTable(const HostTable&) = default;

  static size_t PartOf(absl::string_view host);
  Part& OwnPart(size_t part);

  std::array<std::shared_ptr<Part>, kParts> parts_;  // Null: empty.
  std::bitset<kParts> own_;                          // No other table has it.
  size_t size_ = 0;
};

}  // namespace trellis

#endif  // TRELLIS_NODE_SNAPSHOT_HOST_TABLE_H_
