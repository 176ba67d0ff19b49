// A hostile peer's deltas: whatever bytes arrive, a refused delta changes nothing, an accepted one
// is nothing new a second time, and what was accepted is what a reopened catalog finds. Each input
// comes as it is, and once more sealed by its author, who is hostile then too.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/log/log.h"
#include "base/runtime/random.h"
#include "base/runtime/sim_scheduler.h"
#include "storage/catalog/catalog.h"
#include "storage/catalog/fake_authorship.h"
#include "storage/engine/memory_engine.h"

namespace trellis::storage {
namespace {

constexpr NodeId kSelf = 2;

// One agent, over whatever disk it is given.
class Receiver {
 public:
  std::unique_ptr<Catalog> Open(Engine& engine) {
    auto catalog =
        Catalog::Open({scope_.mesh_id, kSelf, &authorship_}, engine, {scheduler_, random_});
    CHECK_OK(catalog);
    return *std::move(catalog);
  }
  const SealScope& scope() const { return scope_; }

 private:
  const SealScope scope_{std::string(16, 'm'), 1};
  FakeAuthorship authorship_{kSelf};
  SimScheduler scheduler_;
  SeededRandom random_{1};
};

void CheckDelta(const v1::Delta& delta, Receiver& receiver) {
  MemoryEngine engine;
  const auto catalog = receiver.Open(engine);
  if (!catalog->ApplyRemote(delta).ok()) {
    CHECK(catalog->root() == Root());
    CHECK(catalog->vector() == VersionVector());
    return;
  }
  const Root root = catalog->root();
  const absl::StatusOr<bool> again = catalog->ApplyRemote(delta);
  CHECK(again.ok() && !*again);
  CHECK(catalog->root() == root);
  const auto reopened = receiver.Open(engine);
  CHECK(reopened->root() == root);
  CHECK(reopened->vector() == catalog->vector());

  // What it passes on brings another catalog to the same state.
  bool more = false;
  const auto passed_on = catalog->DeltasAfter({}, 1 << 20, &more);
  CHECK_OK(passed_on);
  MemoryEngine other_engine;
  const auto other = receiver.Open(other_engine);
  for (const v1::Delta& each : *passed_on) CHECK_OK(other->ApplyRemote(each));
  CHECK(more || other->root() == root);
}

}  // namespace
}  // namespace trellis::storage

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trellis::storage;
  v1::Delta delta;
  if (!delta.ParseFromArray(data, static_cast<int>(size))) return 0;
  Receiver receiver;
  CheckDelta(delta, receiver);
  const FakeAuthorship author({.node = delta.origin().node(), .admin = size % 2 == 0});
  Seal(delta, author, receiver.scope());
  CheckDelta(delta, receiver);
  return 0;
}
