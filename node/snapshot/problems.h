// What could not be compiled as it stands, by what it was found in: told in the log once.
#ifndef TRELLIS_NODE_SNAPSHOT_PROBLEMS_H_
#define TRELLIS_NODE_SNAPSHOT_PROBLEMS_H_

#include <map>
#include <set>
#include <string>
#include <vector>

namespace trellis {

// Thread-safety: none.
class Problems {
 public:
  // What is wrong with `subject` now, a line each; replaces what was.
  void Set(const std::string& subject, std::vector<std::string> problems);

  // Logs those that came since the last call and still stand, but for the many that come at once.
  void Report();

  std::set<std::string> All() const;

 private:
  std::map<std::string, std::vector<std::string>> by_subject_;
  std::map<std::string, int> counts_;  // Of each line.
  std::set<std::string> fresh_;
};

}  // namespace trellis

#endif  // TRELLIS_NODE_SNAPSHOT_PROBLEMS_H_
