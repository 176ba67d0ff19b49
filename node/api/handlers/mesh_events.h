// Watching resources change. Driven by the catalog's feed; nothing polls.
#ifndef TRELLIS_NODE_API_HANDLERS_MESH_EVENTS_H_
#define TRELLIS_NODE_API_HANDLERS_MESH_EVENTS_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "node/api/handlers/context.h"
#include "proto/trellis/v1/mesh_api.pb.h"
#include "storage/catalog/catalog.h"

namespace trellis::api {

// Subscribes to the feed for the agent's life, so it lives as long as that does. Control thread.
class MeshEvents {
 public:
  static constexpr size_t kMaxWatchers = 64;
  // A watcher that is this many changes behind must start over.
  static constexpr size_t kMaxQueuedChanges = 1024;
  // Existing resources are read this many at a time.
  static constexpr size_t kReadBatch = 128;

  explicit MeshEvents(AgentContext& agent);
  MeshEvents(const MeshEvents&) = delete;
  MeshEvents& operator=(const MeshEvents&) = delete;
  ~MeshEvents();

  // One watcher's view: first the resources there are, read as it goes, then the changes. Destroyed
  // by its owner, before the MeshEvents.
  class Watcher {
   public:
    ~Watcher();
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

    // The next event; false when there is none yet: `ready` will be called. After a RESYNC there is
    // none any more.
    bool Next(v1::WatchMeshResponse* event);
    bool done() const { return done_; }

   private:
    friend class MeshEvents;
    Watcher(MeshEvents& events, std::string prefix, std::function<void()> ready);

    void OnApplied(const storage::Applied& applied);
    void ReadExisting();

    MeshEvents& events_;
    const std::string prefix_;
    const std::function<void()> ready_;
    std::string read_to_;  // Existing resources up to this name have been read.
    bool reading_ = true;  // INVARIANT: while true, changes past read_to_ are not queued, for
                           // they will be read.
    bool synced_ = false;
    bool overflowed_ = false;
    bool done_ = false;
    std::deque<v1::WatchMeshResponse> existing_;  // Read, not yet sent.
    std::deque<v1::WatchMeshResponse> changes_;   // To be sent after all existing ones.
  };

  // `ready` is called on the control thread after a Next that had nothing, once there is something.
  //   RESOURCE_EXHAUSTED  kMaxWatchers watch already
  absl::StatusOr<std::unique_ptr<Watcher>> Watch(const v1::WatchMeshRequest& request,
                                                 std::function<void()> ready);

 private:
  AgentContext& agent_;
  std::set<Watcher*> watchers_;
};

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_MESH_EVENTS_H_
