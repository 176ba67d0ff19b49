// Writes that were superseded by another agent's write, kept aside.
//
// What an evicted agent wrote beyond its fence is dropped wherever it had arrived (fences.cc), and
// what it had superseded there must count again: it may have been everywhere else but at the agent
// that evicts. Writes that their own author superseded need no such care: who set the fence before
// the second one holds the first.
#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
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

absl::StatusOr<std::string> CatalogImpl::ReadEntry(absl::string_view name, const OriginKey& key,
                                                   bool won) {
  return won ? engine_.Get(Table::kEntries, name) : engine_.Get(Table::kSiblings, key.Encode());
}

absl::Status CatalogImpl::PlanReplaced(const std::string& name, const Touched& touched,
                                       Plan& plan) {
  const std::string prefix = ReplacedPrefix(name);
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
    plan.batch.Put(Table::kReplaced, prefix + key.Encode(), replaced.SerializeAsString());
    ++fresh;
  }
  if (fresh == 0) return absl::OkStatus();
  // At most kMaxSiblings of a name: the oldest goes.
  std::vector<std::pair<Version, std::string>> kept;
  absl::Status problem;
  RETURN_IF_ERROR(engine_.Scan(
      Table::kReplaced, prefix, absl::StrCat(name, absl::string_view("\1", 1)),
      [&](absl::string_view key, absl::string_view value) {
        v1::Replaced replaced;
        if (!replaced.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
          problem = Unreadable("replaced", key, "not a replaced write");
        }
        kept.push_back({Version::FromProto(replaced.entry().version()), std::string(key)});
        return problem.ok();
      }));
  RETURN_IF_ERROR(problem);
  absl::c_sort(kept);
  for (size_t i = 0; i < kept.size() && kept.size() - i + fresh > kMaxSiblings; ++i) {
    plan.batch.Delete(Table::kReplaced, kept[i].second);
  }
  return absl::OkStatus();
}

absl::Status CatalogImpl::PlanRestored(const std::string& name, Plan& plan) {
  std::vector<Stored>& after = plan.touched.at(name).after;
  absl::Status problem;
  RETURN_IF_ERROR(engine_.Scan(
      Table::kReplaced, ReplacedPrefix(name), absl::StrCat(name, absl::string_view("\1", 1)),
      [&](absl::string_view row, absl::string_view value) {
        v1::Replaced replaced;
        absl::StatusOr<ResourcePtr> resource = absl::DataLossError("not a replaced write");
        if (replaced.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
          resource = CheckEntry(replaced.entry());
        }
        if (!resource.ok()) {
          problem = Unreadable("replaced", row, resource.status().message());
          return false;
        }
        Stored write =
            MakeStored(replaced.entry(), *std::move(resource), HashEntry(replaced.entry()));
        const OriginKey key = write.origin_key();
        if (write.sequence > vector_.head(write.origin)) return true;  // Not ours to bring back.
        if (const auto back = plan.heads.find(write.origin);
            back != plan.heads.end() && write.sequence > back->second) {
          return true;  // Void as well, or about to be fetched again.
        }
        if (!MergeInto(std::move(write), after)) return true;
        plan.batch.Delete(Table::kReplaced, row);
        plan.restored[key] = std::move(replaced);
        return true;
      }));
  return problem;
}

}  // namespace trellis::storage
