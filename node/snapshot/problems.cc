#include "node/snapshot/problems.h"

#include <utility>

#include "base/log/log.h"

namespace trellis {
namespace {

// New problems told in the log after one change; the rest are counted.
constexpr size_t kMaxProblemsLogged = 20;

}  // namespace

void Problems::Set(const std::string& subject, std::vector<std::string> problems) {
  const auto found = by_subject_.find(subject);
  if (found == by_subject_.end() && problems.empty()) return;
  // Those that are still there are no news, so the new ones come before the old ones go.
  for (const std::string& problem : problems) {
    if (++counts_[problem] == 1) fresh_.insert(problem);
  }
  if (found != by_subject_.end()) {
    for (const std::string& problem : found->second) {
      const auto count = counts_.find(problem);
      if (--count->second > 0) continue;
      counts_.erase(count);
      fresh_.erase(problem);
    }
  }
  if (!problems.empty()) {
    by_subject_[subject] = std::move(problems);
  } else {
    by_subject_.erase(found);
  }
}

void Problems::Report() {
  size_t logged = 0;
  for (const std::string& problem : fresh_) {
    if (++logged > kMaxProblemsLogged) break;
    LOG(WARNING) << problem;
  }
  if (fresh_.size() > kMaxProblemsLogged) {
    LOG(WARNING) << "and " << fresh_.size() - kMaxProblemsLogged << " more such problems";
  }
  fresh_.clear();
}

std::set<std::string> Problems::All() const {
  std::set<std::string> all;
  for (const auto& [problem, count] : counts_) all.insert(problem);
  return all;
}

}  // namespace trellis
