#include "tests/simulation/sometimes.h"

#include <algorithm>
#include <iterator>

#include "base/log/log.h"

namespace trellis::simulation {
namespace {

uint64_t met[std::size(kSometimes)];

size_t IndexOf(absl::string_view name) {
  const auto it = std::find(std::begin(kSometimes), std::end(kSometimes), name);
  CHECK(it != std::end(kSometimes)) << "not in the list: " << name;
  return static_cast<size_t>(it - std::begin(kSometimes));
}

}  // namespace

void Sometimes(absl::string_view name) { ++met[IndexOf(name)]; }

uint64_t TimesMet(absl::string_view name) { return met[IndexOf(name)]; }

std::vector<std::string> NeverMet() {
  std::vector<std::string> never;
  for (const absl::string_view name : kSometimes) {
    if (TimesMet(name) == 0) never.emplace_back(name);
  }
  return never;
}

}  // namespace trellis::simulation
