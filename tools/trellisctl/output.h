// How answers are shown: aligned tables for people, yaml, json and names for programs.
#ifndef TRELLIS_TOOLS_TRELLISCTL_OUTPUT_H_
#define TRELLIS_TOOLS_TRELLISCTL_OUTPUT_H_

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "proto/trellis/v1/resource.pb.h"
#include "tools/trellisctl/document.h"
#include "tools/trellisctl/schema.h"

namespace trellis::ctl {

enum class OutputFormat { kTable, kYaml, kJson, kName };

// Rows under a heading, columns as wide as their widest cell. Control characters in cells, which
// could speak to the terminal, are shown as escapes.
class Table {
 public:
  explicit Table(std::vector<std::string> titles) : rows_{std::move(titles)} {}

  // `cells` may be fewer than the titles; empty ones show as "-".
  void Add(std::vector<std::string> cells);
  bool empty() const { return rows_.size() == 1; }
  void Print(std::ostream& out, int indent = 0) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// Turns what refers to a resource ("targetGroups/tg-…", or its id alone) into its display name.
using NameOf = std::function<std::string(Kind kind, const std::string& reference)>;

// "GET /stock*, x-tier: gold": every condition; a star stands where the rest may be anything.
std::string MatchWords(const v1::RuleMatch& match);
// "inventory-blue 90%, inventory-green 10%", "answer 404".
std::string ActionWords(const v1::RuleAction& action, const NameOf& name_of);
// "now", "0.4s ago", "3m12s ago", "never".
std::string AgoWords(const google::protobuf::Duration& since);
// Whether `since` is how an agent says that it has heard nothing since its own start.
bool IsNever(const google::protobuf::Duration& since);
// "0ms", "12ms", "1.25s": cut to milliseconds.
std::string MillisecondWords(absl::Duration took);

// The display name where there is one, else the last part of the resource name.
std::string TitleOf(const v1::Resource& resource);
std::string ResourceNameOf(const v1::Resource& resource);

// The rows of `list KIND`.
void PrintResourceTable(const KindInfo& info, const std::vector<v1::Resource>& resources,
                        const NameOf& name_of, std::ostream& out);
// A document (see ToDocument) whose references and parents are what `name_of` makes of them; of a
// resource that has no name yet, in `parent`.
Node ToNamedDocument(const v1::Resource& resource, const NameOf& name_of,
                     absl::string_view parent = "");
// As yaml (such documents), json (one list of them) or resource names; not kTable.
void PrintResources(OutputFormat format, const std::vector<v1::Resource>& resources,
                    const NameOf& name_of, std::ostream& out);
// What a command that wrote answers to programs: the mesh token of its last write ("": it wrote
// nothing), and the rest of the answer,
Node WithMeshToken(absl::string_view mesh_token, Node answer);
// or what became of each thing it was asked for.
Node WriteReport(absl::string_view mesh_token, Node results);
void PrintNode(OutputFormat format, const Node& node, std::ostream& out);

}  // namespace trellis::ctl

#endif  // TRELLIS_TOOLS_TRELLISCTL_OUTPUT_H_
