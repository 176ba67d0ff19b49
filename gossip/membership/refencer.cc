#include "gossip/membership/refencer.h"

#include <utility>

#include "base/log/log.h"

namespace trellis::gossip {

Refencer::Refencer(storage::Catalog& catalog, Scheduler& scheduler,
                   absl::AnyInvocable<bool()> may_write)
    : catalog_(catalog), scheduler_(scheduler), may_write_(std::move(may_write)) {}

Refencer::~Refencer() { scheduler_.Cancel(timer_); }

void Refencer::Start() {
  timer_ = scheduler_.RunAfter(kInterval, [this] { Tick(); });
}

void Refencer::Tick() {
  Start();
  if (!catalog_.self().admin || !may_write_()) return;
  const uint64_t before = catalog_.vector().head(catalog_.origin());
  const auto token = catalog_.LowerFences();
  if (!token.ok()) {
    LOG(WARNING) << "eviction: the fence is not lowered: " << token.status();
  } else if (before < token->sequence) {
    LOG(WARNING) << "eviction: an evicted agent had signed two contents of one transaction; "
                    "neither counts any more, nor what came after";
  }
}

}  // namespace trellis::gossip
