#include "node/agent/figures.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "base/version.h"
#include "gossip/replication/counters.h"

namespace trellis::agent {
namespace {

int64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  int64_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

int64_t OpenDescriptors() {
  std::error_code error;
  const std::filesystem::directory_iterator entries("/proc/self/fd", error);
  return error ? 0 : std::distance(begin(entries), end(entries));
}

}  // namespace

Figures::Figures(const gossip::Gossip& gossip, const storage::Catalog& catalog,
                 const DataPlane& plane, absl::Time started)
    : gossip_(gossip), catalog_(catalog), plane_(plane) {
  gossip::Register(gossip.replication(), registry_);
  plane.RegisterMetrics(registry_);

  constexpr char kAgents[] = "trellis_mesh_agents";
  constexpr char kAgentsHelp[] = "Members of the mesh, this agent too, as this agent sees them.";
  registry_.Add(kAgents, kAgentsHelp, {{"liveness", "alive"}}, &alive_);
  registry_.Add(kAgents, kAgentsHelp, {{"liveness", "suspect"}}, &suspect_);
  registry_.Add(kAgents, kAgentsHelp, {{"liveness", "down"}}, &down_);
  registry_.Add("trellis_mesh_down_verdicts_total", "Times this agent came to think another down.",
                {}, &down_verdicts_);
  registry_.Add("trellis_catalog_resources", "Resources that exist.", {}, &resources_);
  registry_.Add("trellis_catalog_tombstones", "Deletes that not all agents are known to hold.", {},
                &tombstones_);
  registry_.Add("trellis_catalog_conflicts",
                "Writes that lost against another at the same time, and wait for a person.", {},
                &conflicts_);
  registry_.Add("trellis_ready", "1 when callers are served; /readyz says why not.", {}, &ready_);
  registry_.Add("trellis_writable", "1 when this agent accepts writes; its alarms say why not.", {},
                &writable_);
  registry_.Add("trellis_alarms", "What trellisctl mesh status shows as ALARM.", {}, &alarms_);
  registry_.Add("trellis_build_info", "Always 1.", {{"version", kVersion}}, &version_);
  registry_.Add("process_resident_memory_bytes", "Resident memory size in bytes.", {},
                &memory_bytes_);
  registry_.Add("process_open_fds", "Number of open file descriptors.", {}, &open_descriptors_);
  registry_.Add("process_start_time_seconds", "Start time since the Unix epoch in seconds.", {},
                &start_time_);
  start_time_.Set(absl::ToUnixSeconds(started));
  version_.Set(1);
}

void Figures::Look() {
  int64_t alive = 0, suspect = 0, down = 0;
  for (const gossip::MemberView& member : gossip_.View()) {
    alive += member.liveness == gossip::Liveness::kAlive;
    suspect += member.liveness == gossip::Liveness::kSuspect;
    down += member.liveness == gossip::Liveness::kDown;
  }
  alive_.Set(alive);
  suspect_.Set(suspect);
  down_.Set(down);
  down_verdicts_.Add(gossip_.down_verdicts() - down_verdicts_.value());
  resources_.Set(static_cast<int64_t>(catalog_.live_count()));
  tombstones_.Set(static_cast<int64_t>(catalog_.tombstone_count()));
  conflicts_.Set(static_cast<int64_t>(catalog_.conflict_count()));
  ready_.Set(plane_.Ready().ok());
  writable_.Set(gossip_.CheckWritable().ok());
  memory_bytes_.Set(ResidentBytes());
  open_descriptors_.Set(OpenDescriptors());
}

std::string Figures::Render(size_t alarms) {
  Look();
  alarms_.Set(static_cast<int64_t>(alarms));
  return registry_.Render();
}

}  // namespace trellis::agent
