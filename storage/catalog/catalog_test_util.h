// A catalog over an engine of its own, with names and changes short to write.
#ifndef TRELLIS_STORAGE_CATALOG_CATALOG_TEST_UTIL_H_
#define TRELLIS_STORAGE_CATALOG_CATALOG_TEST_UTIL_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/runtime/random.h"
#include "base/runtime/sim_scheduler.h"
#include "storage/catalog/catalog.h"
#include "storage/catalog/fake_authorship.h"
#include "storage/engine/memory_engine.h"
#include "tests/support/status_matchers.h"

namespace trellis::storage {

inline std::string ServiceName(int i) { return absl::StrFormat("services/svc-%017d", i); }
inline std::string AgentNameOf(int i) { return absl::StrFormat("agents/%016x", i); }

inline trellis::v1::Resource ServiceResource(const std::string& name, const std::string& label) {
  trellis::v1::Resource resource;
  resource.mutable_service()->set_name(name);
  resource.mutable_service()->set_display_name(label);
  return resource;
}
inline trellis::v1::Resource AgentResource(const std::string& name, const std::string& label) {
  trellis::v1::Resource resource;
  resource.mutable_agent()->set_name(name);
  resource.mutable_agent()->set_display_name(label);
  return resource;
}
inline Change PutService(int i, const std::string& label, Version base = {}) {
  return {ServiceName(i), ServiceResource(ServiceName(i), label), base};
}
inline Change DeleteName(const std::string& name, Version base) {
  return {name, std::nullopt, base};
}

// One agent's catalog with clock, dice and disk of its own.
struct TestNode {
  explicit TestNode(NodeId id) : TestNode(FakeAuthorship::Options{.node = id}) {}
  explicit TestNode(const FakeAuthorship::Options& author)
      : node(author.node), authorship(author), random(author.node * 7919) {
    Open();
  }

  Catalog::Options options() { return {std::string(16, 'm'), node, &authorship}; }
  SealScope scope() const { return {std::string(16, 'm'), 1}; }
  void Open() {
    catalog.reset();
    auto opened = Catalog::Open(options(), engine, {scheduler, random});
    ASSERT_OK(opened);
    catalog = *std::move(opened);
  }
  Version VersionOf(const std::string& name) const {
    const auto record = catalog->FindRecord(name);
    return record.has_value() ? record->version : Version();
  }
  std::string LabelOf(const std::string& name) const {
    const auto resource = catalog->Find(name);
    if (resource == nullptr) return "";
    return resource->has_agent() ? resource->agent().display_name()
                                 : resource->service().display_name();
  }
  // All there is after `after`, in pages of at most `max_bytes`.
  std::vector<v1::Delta> DeltasAfter(const VersionVector& after = {}, size_t max_bytes = 1 << 20) {
    bool more = false;
    auto deltas = catalog->DeltasAfter(after, max_bytes, &more);
    EXPECT_OK(deltas);
    return deltas.ok() ? *deltas : std::vector<v1::Delta>();
  }
  // Everything `from` holds and this lacks.
  void PullFrom(TestNode& from) {
    bool more = true;
    while (more) {
      auto deltas = from.catalog->DeltasAfter(catalog->vector(), 1 << 20, &more);
      ASSERT_OK(deltas);
      for (const v1::Delta& delta : *deltas) ASSERT_OK(catalog->ApplyRemote(delta));
    }
  }

  const NodeId node;
  FakeAuthorship authorship;
  SimScheduler scheduler;
  SeededRandom random;
  MemoryEngine engine;
  std::unique_ptr<Catalog> catalog;
};

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_CATALOG_CATALOG_TEST_UTIL_H_
