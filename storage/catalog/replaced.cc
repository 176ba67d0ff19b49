// Writes that were superseded by another agent's write, kept aside.
//
// What an evicted agent wrote beyond its fence is dropped wherever it had arrived (fences.cc), and
// what it had superseded there must count again: it may have been everywhere else but at the agent
// that evicts. Writes that their own author superseded need no such care: who set the fence before
// the second one holds the first.
#include <utility>

#include "base/status_macros.h"
#include "storage/catalog/catalog_impl.h"

namespace trellis::storage {
namespace {

bool SupersededByOthers(const Stored& write, const std::vector<Stored>& after) {
  bool superseded = false;
  for (const Stored& other : after) {
    if (!Supersedes(other, write)) continue;
    if (other.origin.node == write.origin.node) return false;
    superseded = true;
  }
  return superseded;
}

}  // namespace

absl::Status CatalogImpl::PlanReplaced(const std::string& name, const Touched& touched,
                                       Plan& plan) {
  size_t fresh = 0;
  for (const Stored& write : touched.before) {
    if (!SupersededByOthers(write, touched.after)) continue;
    const OriginKey key = write.origin_key();
    v1::Replaced replaced;
    ASSIGN_OR_RETURN(const std::string bytes,
                     ReadEntry(name, key, &write == &touched.before.front()));
    if (!replaced.mutable_entry()->ParseFromString(bytes)) {
      return Unreadable("entry", name, "not an entry");
    }
    ASSIGN_OR_RETURN(*replaced.mutable_seal(), ReadSeal(key.transaction()));
    plan.batch.Put(Table::kReplaced, ReplacedKey(name, write.version, key),
                   replaced.SerializeAsString());
    ++fresh;
  }
  if (fresh == 0) return absl::OkStatus();
  std::vector<std::string> kept;
  RETURN_IF_ERROR(engine_.Scan(Table::kReplaced, ReplacedBegin(name), ReplacedEnd(name),
                               [&](absl::string_view key, absl::string_view) {
                                 kept.emplace_back(key);
                                 return true;
                               }));
  // The oldest go.
  for (size_t i = 0; kept.size() - i + fresh > kMaxSiblings && i < kept.size(); ++i) {
    plan.batch.Delete(Table::kReplaced, kept[i]);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<CatalogImpl::Kept>> CatalogImpl::ReadReplaced(absl::string_view name) {
  std::vector<Kept> kept;
  absl::Status problem;
  RETURN_IF_ERROR(
      engine_.Scan(Table::kReplaced, ReplacedBegin(name), ReplacedEnd(name),
                   [&](absl::string_view row, absl::string_view value) {
                     v1::Replaced replaced;
                     absl::Status parsed = absl::DataLossError("not a replaced write");
                     if (replaced.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
                       parsed = CheckEntry(replaced.entry()).status();
                     }
                     if (!parsed.ok()) {
                       problem = Unreadable("replaced", row, parsed.message());
                       return false;
                     }
                     Stored write = MakeStored(replaced.entry(), HashEntry(replaced.entry()));
                     kept.push_back({std::string(row), std::move(write), std::move(replaced)});
                     return true;
                   }));
  RETURN_IF_ERROR(problem);
  return kept;
}

absl::Status CatalogImpl::PlanRestored(const std::string& name, Plan& plan) {
  std::vector<Stored>& after = plan.touched.at(name).after;
  ASSIGN_OR_RETURN(std::vector<Kept> kept, ReadReplaced(name));
  // The newest first: what that superseded stays aside, for the day when it is voided as well.
  for (auto one = kept.rbegin(); one != kept.rend(); ++one) {
    const OriginKey key = one->write.origin_key();
    const auto back = plan.heads.find(key.origin);
    const uint64_t head = back == plan.heads.end() ? vector_.head(key.origin) : back->second;
    if (key.sequence > head) continue;  // Void as well, or about to be fetched again.
    if (!MergeInto(std::move(one->write), after)) continue;
    plan.batch.Delete(Table::kReplaced, one->row);
    plan.restored[key] = std::move(one->replaced);
  }
  return absl::OkStatus();
}

}  // namespace trellis::storage
