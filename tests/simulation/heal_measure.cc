#include "tests/simulation/heal_measure.h"

#include "absl/strings/str_format.h"
#include "base/log/log.h"

namespace trellis::simulation {
namespace {

constexpr absl::Duration kGiveUp = absl::Minutes(1);
constexpr absl::Duration kLook = absl::Milliseconds(10);
constexpr size_t kAnySize = size_t{1} << 40;

// Even nodes are one side, odd ones the other.
void Cut(MeasuredMesh& mesh) {
  for (size_t even = 0; even < mesh.size(); even += 2) {
    for (size_t odd = 1; odd < mesh.size(); odd += 2) {
      mesh.network().Cut(mesh.node(even).id(), mesh.node(odd).id());
      mesh.network().Cut(mesh.node(odd).id(), mesh.node(even).id());
    }
  }
}

bool Equal(MeasuredMesh& mesh) {
  const storage::Catalog& first = mesh.node(0).catalog();
  for (size_t i = 1; i < mesh.size(); ++i) {
    const storage::Catalog& other = mesh.node(i).catalog();
    if (first.root() != other.root() || first.vector() != other.vector()) return false;
  }
  return true;
}

uint64_t WhatLacks(storage::Catalog& there, storage::Catalog& here) {
  bool more = false;
  const auto deltas = here.DeltasAfter(there.vector(), kAnySize, &more);
  CHECK_OK(deltas.status());
  uint64_t bytes = 0;
  for (const storage::v1::Delta& delta : *deltas) bytes += delta.ByteSizeLong();
  return bytes;
}

}  // namespace

HealResult MeasureHeal(const HealOptions& options) {
  MeasuredMesh mesh(options.mesh);
  Cut(mesh);
  for (int i = 0; i < options.writes; ++i) {
    mesh.Write(0);
    mesh.Write(1);
    mesh.RunFor(options.cut / options.writes);
  }
  HealResult result;
  result.difference = WhatLacks(mesh.node(0).catalog(), mesh.node(1).catalog());
  const uint64_t before = mesh.network().traffic().bytes;
  const absl::Duration start = mesh.now();
  mesh.network().HealAll();
  while (!result.healed && mesh.now() - start < kGiveUp) {
    mesh.RunFor(kLook);
    result.healed = Equal(mesh);
  }
  result.to_equal = mesh.now() - start;
  result.bytes = static_cast<double>(mesh.network().traffic().bytes - before) /
                 static_cast<double>(mesh.size());
  return result;
}

std::string Describe(const HealOptions& options, const HealResult& result) {
  return absl::StrFormat(
      "%d nodes, halves apart for %s, %d writes on either side\n"
      "all equal         %s after %.2f s\n"
      "received, a node  %.0f bytes, of which %d were lacking\n",
      options.mesh.nodes, absl::FormatDuration(options.cut), options.writes,
      result.healed ? "again" : "NOT", absl::ToDoubleSeconds(result.to_equal), result.bytes,
      result.difference);
}

std::string ToJson(const HealOptions& options, const HealResult& result) {
  return absl::StrFormat(
      R"({"nodes": %d, "cut_seconds": %.0f, "writes_each": %d, "seed": %d, "healed": %s, )"
      R"("to_equal_ms": %.0f, "bytes_per_node": %.0f, "difference_bytes": %d})"
      "\n",
      options.mesh.nodes, absl::ToDoubleSeconds(options.cut), options.writes, options.mesh.seed,
      result.healed ? "true" : "false", absl::ToDoubleMilliseconds(result.to_equal), result.bytes,
      result.difference);
}

}  // namespace trellis::simulation
