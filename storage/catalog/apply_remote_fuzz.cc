// A hostile peer's deltas: whatever bytes arrive, a refused delta changes nothing, an accepted one
// is nothing new a second time, and what was accepted is what a reopened catalog finds.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/log/log.h"
#include "base/runtime/random.h"
#include "base/runtime/sim_scheduler.h"
#include "storage/catalog/catalog.h"
#include "storage/engine/memory_engine.h"

namespace trellis::storage {
namespace {

std::unique_ptr<Catalog> Open(Engine& engine, SimScheduler& scheduler, Random& random) {
  auto catalog = Catalog::Open({std::string(16, 'm'), 2}, engine, {scheduler, random});
  CHECK_OK(catalog);
  return *std::move(catalog);
}

void CheckDelta(const v1::Delta& delta) {
  MemoryEngine engine;
  SimScheduler scheduler;
  SeededRandom random(1);
  const auto catalog = Open(engine, scheduler, random);
  if (!catalog->ApplyRemote(delta).ok()) {
    CHECK(catalog->root() == Root());
    CHECK(catalog->vector() == VersionVector());
    return;
  }
  const Root root = catalog->root();
  const absl::StatusOr<bool> again = catalog->ApplyRemote(delta);
  CHECK(again.ok() && !*again);
  CHECK(catalog->root() == root);
  const auto reopened = Open(engine, scheduler, random);
  CHECK(reopened->root() == root);
  CHECK(reopened->vector() == catalog->vector());

  // What it passes on brings another catalog to the same state.
  bool more = false;
  const auto passed_on = catalog->DeltasAfter({}, 1 << 20, &more);
  CHECK_OK(passed_on);
  MemoryEngine other_engine;
  const auto other = Open(other_engine, scheduler, random);
  for (const v1::Delta& each : *passed_on) CHECK_OK(other->ApplyRemote(each));
  CHECK(more || other->root() == root);
}

}  // namespace
}  // namespace trellis::storage

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  trellis::storage::v1::Delta delta;
  if (delta.ParseFromArray(data, static_cast<int>(size))) trellis::storage::CheckDelta(delta);
  return 0;
}
