#include "tools/trellisctl/output.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tools/trellisctl/manifest.h"

namespace trellis::ctl {
namespace {

namespace pb = google::protobuf;

constexpr absl::string_view kColumnGap = "  ";
// No agent has been silent for so long: it stands for "since ever".
constexpr absl::Duration kEver = absl::Hours(100 * 365 * 24);

absl::Duration FromProto(const pb::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

std::string Printable(absl::string_view text) {
  std::string shown;
  for (const char c : text) {
    if (absl::ascii_iscntrl(c)) {
      absl::StrAppendFormat(&shown, "\\x%02x", static_cast<unsigned char>(c));
    } else {
      shown += c;
    }
  }
  return shown;
}

// Characters on the screen: bytes that do not continue a UTF-8 sequence.
size_t Width(absl::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; });
}

std::string Percent(double share) {
  const double percent = 100 * share;
  const bool whole = percent == static_cast<int>(percent);
  return whole ? absl::StrFormat("%.0f%%", percent) : absl::StrFormat("%.1f%%", percent);
}

std::string PathWords(const v1::PathMatch& path) {
  const std::string words = path.has_exact() ? path.exact() : absl::StrCat(path.prefix(), "*");
  return path.case_sensitive() ? absl::StrCat(words, " (case-sensitive)") : words;
}

std::string HeaderWords(const v1::HeaderMatch& header) {
  std::string value;
  switch (header.match_case()) {
    case v1::HeaderMatch::kExact:
      value = header.exact();
      break;
    case v1::HeaderMatch::kPrefix:
      value = absl::StrCat(header.prefix(), "*");
      break;
    case v1::HeaderMatch::kContains:
      value = absl::StrCat("*", header.contains(), "*");
      break;
    case v1::HeaderMatch::MATCH_NOT_SET:
      break;
  }
  return absl::StrCat(header.name(), ": ", value,
                      header.case_sensitive() ? " (case-sensitive)" : "");
}

std::string NodeWords(const Node* node) {
  if (node == nullptr) return "";
  if (node->type != Node::Type::kSequence) return node->text;
  return absl::StrJoin(node->items, ", ",
                       [](std::string* out, const Node& item) { out->append(item.text); });
}

std::string Cell(const v1::Resource& resource, const Node& document, const Column& column,
                 const NameOf& name_of) {
  const absl::string_view key = column.key;
  if (resource.has_rule() && key == "match") return MatchWords(resource.rule().match());
  if (resource.has_rule() && key == "action") return ActionWords(resource.rule().action(), name_of);
  if (resource.has_listener() && key == "defaultAction") {
    return ActionWords(resource.listener().default_action(), name_of);
  }
  std::string value = NodeWords(document.Find(key));
  // "CONFLICT: name …": nobody should have to look elsewhere for what a status means.
  if (key == "status" && document.Find("conflict") != nullptr) {
    absl::StrAppend(&value, ": ", NodeWords(document.Find("conflict")));
  }
  if (key == "id" && value.empty()) value = IdOf(ResourceNameOf(resource));
  if (key == "parent") {
    // The part of the resource's name that belongs to the referred kind: outermost, or next to it.
    const std::vector<std::string> parts = absl::StrSplit(ResourceNameOf(resource), '/');
    const size_t last = column.refers_to == Kind::kListener ? 4 : 2;
    if (parts.size() > last) value = absl::StrJoin(parts.begin(), parts.begin() + last, "/");
  }
  if (column.refers_to == Kind::KIND_NOT_SET || value.empty()) return value;
  return name_of(column.refers_to, value);
}

// The kind whose resource names `field` holds; none for other fields.
Kind ReferredBy(const pb::FieldDescriptor& field, const std::string& value) {
  for (const KindInfo& info : Kinds()) {
    if (absl::StrCat(field.json_name(), "s") == info.collection &&
        absl::StartsWith(value, absl::StrCat(info.collection, "/"))) {
      return info.kind;
    }
  }
  return Kind::KIND_NOT_SET;
}

// Puts into every field that refers to a resource what `name_of` says of it.
void NameReferences(const NameOf& name_of, pb::Message* message) {
  const pb::Reflection& access = *message->GetReflection();
  std::vector<const pb::FieldDescriptor*> fields;
  access.ListFields(*message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE && field->is_repeated()) {
      for (int i = 0; i < access.FieldSize(*message, field); ++i) {
        NameReferences(name_of, access.MutableRepeatedMessage(message, field, i));
      }
    } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) {
      NameReferences(name_of, access.MutableMessage(message, field));
    } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_STRING && !field->is_repeated()) {
      const std::string value = access.GetString(*message, field);
      const Kind kind = ReferredBy(*field, value);
      if (kind != Kind::KIND_NOT_SET) access.SetString(message, field, name_of(kind, value));
    }
  }
}

// "inventory/http" for a rule: of each level above it, what `name_of` says.
std::string ParentNames(const v1::Resource& resource, const NameOf& name_of) {
  const std::vector<const char*>& keys = InfoOf(resource.kind_case()).parent_keys;
  const std::vector<std::string> parts = absl::StrSplit(ResourceNameOf(resource), '/');
  std::vector<std::string> names;
  for (size_t i = 0; i < keys.size() && 2 * i + 1 < parts.size(); ++i) {
    const std::string parent = absl::StrJoin(parts.begin(), parts.begin() + 2 * (i + 1), "/");
    names.push_back(name_of(InfoOfParent(keys[i]).kind, parent));
  }
  return absl::StrJoin(names, "/");
}

}  // namespace

void Table::Add(std::vector<std::string> cells) {
  cells.resize(rows_.front().size());
  for (std::string& cell : cells) cell = cell.empty() ? "-" : Printable(cell);
  rows_.push_back(std::move(cells));
}

void Table::Print(std::ostream& out, int indent) const {
  std::vector<size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  for (const auto& row : rows_) {
    std::string line(indent, ' ');
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&line, row[i]);
      if (i + 1 < row.size()) {
        absl::StrAppend(&line, std::string(widths[i] - Width(row[i]), ' '), kColumnGap);
      }
    }
    out << line << "\n";
  }
}

std::string MatchWords(const v1::RuleMatch& match) {
  const v1::HttpMatch& http = match.http_match();
  std::vector<std::string> words;
  if (!http.method().empty()) words.push_back(http.method());
  if (http.has_path_match()) words.push_back(PathWords(http.path_match()));
  std::vector<std::string> conditions;
  if (!words.empty()) conditions.push_back(absl::StrJoin(words, " "));
  for (const v1::HeaderMatch& header : http.header_matches()) {
    conditions.push_back(HeaderWords(header));
  }
  return absl::StrJoin(conditions, ", ");
}

std::string ActionWords(const v1::RuleAction& action, const NameOf& name_of) {
  if (action.has_fixed_response()) {
    return absl::StrCat("answer ", action.fixed_response().status_code());
  }
  const auto& groups = action.forward().target_groups();
  int64_t sum = 0;
  for (const auto& group : groups) sum += group.has_weight() ? group.weight() : 100;
  std::vector<std::string> words;
  for (const auto& group : groups) {
    const double weight = group.has_weight() ? group.weight() : 100;
    words.push_back(absl::StrCat(name_of(Kind::kTargetGroup, group.target_group()), " ",
                                 Percent(sum == 0 ? 0 : weight / static_cast<double>(sum))));
  }
  return absl::StrJoin(words, ", ");
}

std::string AgoWords(const pb::Duration& since) {
  if (IsNever(since)) return "never";
  const absl::Duration age = FromProto(since);
  const absl::Duration unit = age < absl::Seconds(10) ? absl::Milliseconds(100) : absl::Seconds(1);
  const absl::Duration shown = absl::Trunc(age, unit);
  return shown == absl::ZeroDuration() ? "now" : absl::StrCat(absl::FormatDuration(shown), " ago");
}

bool IsNever(const pb::Duration& since) { return FromProto(since) >= kEver; }

std::string MillisecondWords(absl::Duration took) {
  const absl::Duration shown = absl::Trunc(took, absl::Milliseconds(1));
  return shown == absl::ZeroDuration() ? "0ms" : absl::FormatDuration(shown);
}

std::string ResourceNameOf(const v1::Resource& resource) {
  const pb::Message& message = Unwrap(resource);
  return message.GetReflection()->GetString(message,
                                            message.GetDescriptor()->FindFieldByName("name"));
}

std::string TitleOf(const v1::Resource& resource) {
  const pb::Message& message = Unwrap(resource);
  const pb::FieldDescriptor* field = message.GetDescriptor()->FindFieldByName("display_name");
  const std::string title =
      field == nullptr ? "" : message.GetReflection()->GetString(message, field);
  return title.empty() ? IdOf(ResourceNameOf(resource)) : title;
}

void PrintResourceTable(const KindInfo& info, const std::vector<v1::Resource>& resources,
                        const NameOf& name_of, std::ostream& out) {
  std::vector<std::string> titles;
  for (const Column& column : info.columns) titles.push_back(column.title);
  Table table(std::move(titles));
  for (const v1::Resource& resource : resources) {
    const Node document = ReportToNode(resource);
    std::vector<std::string> cells;
    for (const Column& column : info.columns) {
      cells.push_back(Cell(resource, document, column, name_of));
    }
    table.Add(std::move(cells));
  }
  table.Print(out);
}

Node ToNamedDocument(const v1::Resource& resource, const NameOf& name_of,
                     absl::string_view parent) {
  v1::Resource named = resource;
  NameReferences(name_of, MutableUnwrap(resource.kind_case(), &named));
  return ToDocument(named, ResourceNameOf(resource).empty() ? std::string(parent)
                                                            : ParentNames(resource, name_of));
}

void PrintResources(OutputFormat format, const std::vector<v1::Resource>& resources,
                    const NameOf& name_of, std::ostream& out) {
  Node list = Node::Sequence();
  absl::string_view separator;
  for (const v1::Resource& resource : resources) {
    if (format == OutputFormat::kName) {
      out << ResourceNameOf(resource) << "\n";
    } else if (format == OutputFormat::kYaml) {
      out << separator << EmitYaml(ToNamedDocument(resource, name_of));
      separator = "---\n";
    } else {
      list.items.push_back(ToNamedDocument(resource, name_of));
    }
  }
  if (format == OutputFormat::kJson) out << EmitJson(list);
}

Node WithMeshToken(absl::string_view mesh_token, Node answer) {
  Node report = Node::Mapping();
  report.Add("meshToken", Node::String(mesh_token));
  for (Entry& entry : answer.entries) report.Add(entry.key, std::move(entry.value));
  return report;
}

Node WriteReport(absl::string_view mesh_token, Node results) {
  Node answer = Node::Mapping();
  answer.Add("results", std::move(results));
  return WithMeshToken(mesh_token, std::move(answer));
}

void PrintNode(OutputFormat format, const Node& node, std::ostream& out) {
  out << (format == OutputFormat::kJson ? EmitJson(node) : EmitYaml(node));
}

}  // namespace trellis::ctl
