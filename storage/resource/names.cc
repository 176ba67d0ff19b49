#include "storage/resource/names.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/log/log.h"
#include "base/net/endpoint.h"

namespace trellis::resource {
namespace {

constexpr size_t kRandomIdSize = 17;
constexpr absl::string_view kIdAlphabet = "0123456789abcdefghijklmnopqrstuvwxyz";

struct KindInfo {
  Kind kind;
  Kind parent;
  absl::string_view collection;
  absl::string_view id_prefix;
  absl::string_view words;
  absl::string_view id_form;  // For messages.
};

constexpr KindInfo kKinds[] = {
    {Kind::kAccount, Kind::kUnknown, "accounts", "", "account", "{12 digits}"},
    {Kind::kVpc, Kind::kUnknown, "vpcs", "vpc-", "VPC", "vpc-{8 or 17 of 0-9a-z}"},
    {Kind::kServiceNetwork, Kind::kUnknown, "serviceNetworks", "sn-", "service network",
     "sn-{17 of 0-9a-z}"},
    {Kind::kService, Kind::kUnknown, "services", "svc-", "service", "svc-{17 of 0-9a-z}"},
    {Kind::kListener, Kind::kService, "listeners", "listener-", "listener",
     "listener-{17 of 0-9a-z}"},
    {Kind::kRule, Kind::kListener, "rules", "rule-", "rule", "rule-{17 of 0-9a-z}"},
    {Kind::kTargetGroup, Kind::kUnknown, "targetGroups", "tg-", "target group",
     "tg-{17 of 0-9a-z}"},
    {Kind::kTarget, Kind::kTargetGroup, "targets", "", "target", "{id}:{port}"},
    {Kind::kVpcAssociation, Kind::kUnknown, "vpcAssociations", "snva-", "VPC association",
     "snva-{17 of 0-9a-z}"},
    {Kind::kServiceAssociation, Kind::kUnknown, "serviceAssociations", "snsa-",
     "service association", "snsa-{17 of 0-9a-z}"},
    {Kind::kAgent, Kind::kUnknown, "agents", "", "agent", "{16 hex digits}"},
    {Kind::kJoinToken, Kind::kUnknown, "joinTokens", "", "join token", "{17 of 0-9a-z}"},
    {Kind::kSealingKey, Kind::kUnknown, "sealingKeys", "", "sealing key", "{17 of 0-9a-z}"},
    {Kind::kSealingShare, Kind::kSealingKey, "shares", "", "sealing share", "{16 hex digits}"},
};

const KindInfo& InfoOf(Kind kind) {
  for (const KindInfo& info : kKinds) {
    if (info.kind == kind) return info;
  }
  CHECK(false) << "a kind without a name";
  return kKinds[0];
}

const KindInfo* FindCollection(absl::string_view collection, Kind parent) {
  for (const KindInfo& info : kKinds) {
    if (info.collection == collection && info.parent == parent) return &info;
  }
  return nullptr;
}

bool AllOf(absl::string_view text, absl::string_view alphabet) {
  return text.find_first_not_of(alphabet) == absl::string_view::npos;
}

bool IsTargetId(absl::string_view id) {
  return !id.empty() && id.size() <= kMaxTargetIdBytes &&
         std::all_of(id.begin(), id.end(), [](char c) { return absl::ascii_isgraph(c); });
}

bool IsIpv6(absl::string_view id) {
  const auto endpoint = net::Endpoint::FromAddress(id, 0);
  return endpoint.ok() && endpoint->is_ipv6();
}

std::string EscapeTargetId(absl::string_view id) {
  std::string escaped;
  for (const char c : id) {
    if (c == '/' || c == '%') {
      absl::StrAppendFormat(&escaped, "%%%02X", c);
    } else {
      escaped.push_back(c);
    }
  }
  return IsIpv6(id) ? absl::StrCat("[", escaped, "]") : escaped;
}

// The inverse of EscapeTargetId; false for text it never gives.
bool UnescapeTargetId(absl::string_view text, std::string* id) {
  const bool bracketed = absl::StartsWith(text, "[") && absl::EndsWith(text, "]");
  absl::string_view rest = bracketed ? text.substr(1, text.size() - 2) : text;
  id->clear();
  while (!rest.empty()) {
    if (absl::ConsumePrefix(&rest, "%25")) {
      id->push_back('%');
    } else if (absl::ConsumePrefix(&rest, "%2F")) {
      id->push_back('/');
    } else {
      id->push_back(rest.front());
      rest.remove_prefix(1);
    }
  }
  return IsTargetId(*id) && EscapeTargetId(*id) == text;
}

bool ParseTargetSegment(absl::string_view segment, Name* name) {
  const size_t colon = segment.rfind(':');
  if (colon == absl::string_view::npos) return false;
  const absl::string_view port = segment.substr(colon + 1);
  std::string id;
  if (!AllOf(port, "0123456789") || !absl::SimpleAtoi(port, &name->port) || name->port > 65535 ||
      absl::StrCat(name->port) != port || !UnescapeTargetId(segment.substr(0, colon), &id)) {
    return false;
  }
  name->ids.push_back(std::move(id));
  return true;
}

absl::Status Malformed(absl::string_view text, const KindInfo* info) {
  const std::string form = info == nullptr
                               ? "a resource name such as services/svc-0123456789abcdefg"
                               : absl::StrCat(info->collection, "/", info->id_form);
  return absl::InvalidArgumentError(
      absl::StrCat("name: \"", absl::CHexEscape(text.substr(0, kMaxTargetIdBytes)),
                   "\" is not a resource name; give ", form));
}

}  // namespace

std::string Name::ToString() const {
  const KindInfo& info = InfoOf(kind);
  std::string parent;
  if (info.parent != Kind::kUnknown) {
    Name outer{info.parent, {ids.begin(), ids.end() - 1}};
    parent = outer.ToString();
  }
  return kind == Kind::kTarget ? TargetName(parent, ids.back(), port)
                               : Join(parent, kind, ids.back());
}

absl::StatusOr<Name> ParseName(absl::string_view text) {
  if (text.empty() || text.size() > kMaxNameBytes) return Malformed(text, nullptr);
  Name name;
  const KindInfo* info = nullptr;
  const std::vector<absl::string_view> segments = absl::StrSplit(text, '/');
  for (size_t i = 0; i < segments.size(); i += 2) {
    const KindInfo* next = FindCollection(segments[i], name.kind);
    if (next == nullptr || i + 1 == segments.size()) return Malformed(text, next);
    info = next;
    name.kind = info->kind;
    if (name.kind == Kind::kTarget) {
      if (!ParseTargetSegment(segments[i + 1], &name)) return Malformed(text, info);
    } else {
      if (!IsId(name.kind, segments[i + 1])) return Malformed(text, info);
      name.ids.emplace_back(segments[i + 1]);
    }
  }
  return name;
}

Kind KindOf(absl::string_view name) {
  const absl::StatusOr<Name> parsed = ParseName(name);
  return parsed.ok() ? parsed->kind : Kind::kUnknown;
}

std::string ParentOf(absl::string_view name) {
  const Kind kind = KindOf(name);
  if (kind == Kind::kUnknown || ParentKind(kind) == Kind::kUnknown) return "";
  // Slashes within ids are encoded, so the last two segments are the collection and the id.
  const size_t id = name.rfind('/');
  return std::string(name.substr(0, name.rfind('/', id - 1)));
}

std::string IdOf(absl::string_view name) {
  if (KindOf(name) == Kind::kUnknown) return "";
  return std::string(name.substr(name.rfind('/') + 1));
}

Kind ParentKind(Kind kind) { return kind == Kind::kUnknown ? Kind::kUnknown : InfoOf(kind).parent; }

std::string CollectionPrefix(Kind kind, absl::string_view parent) {
  return absl::StrCat(parent, parent.empty() ? "" : "/", InfoOf(kind).collection, "/");
}

std::string Join(absl::string_view parent, Kind kind, absl::string_view id) {
  return absl::StrCat(CollectionPrefix(kind, parent), id);
}

std::string TargetName(absl::string_view target_group, absl::string_view id, int port) {
  return Join(target_group, Kind::kTarget, absl::StrCat(EscapeTargetId(id), ":", port));
}

std::string AgentName(uint64_t node) {
  return Join("", Kind::kAgent, absl::StrFormat("%016x", node));
}

std::string ShareName(absl::string_view sealing_key, uint64_t node) {
  return Join(sealing_key, Kind::kSealingShare, absl::StrFormat("%016x", node));
}

bool IsInternal(absl::string_view name) {
  const Kind kind = KindOf(name);
  return kind == Kind::kSealingKey || kind == Kind::kSealingShare;
}

absl::string_view IdPrefix(Kind kind) {
  return kind == Kind::kUnknown ? absl::string_view() : InfoOf(kind).id_prefix;
}

std::string NewId(Kind kind, Random& random) {
  CHECK(kind != Kind::kUnknown && kind != Kind::kAccount && kind != Kind::kTarget &&
        kind != Kind::kAgent && kind != Kind::kSealingShare);
  std::string id(IdPrefix(kind));
  for (size_t i = 0; i < kRandomIdSize; ++i) {
    id.push_back(kIdAlphabet[random.Uniform(kIdAlphabet.size())]);
  }
  return id;
}

bool IsId(Kind kind, absl::string_view id) {
  switch (kind) {
    case Kind::kUnknown:
    case Kind::kTarget:
      return false;
    case Kind::kAccount:
      return id.size() == 12 && AllOf(id, "0123456789");
    case Kind::kAgent:
    case Kind::kSealingShare:
      return id.size() == 16 && AllOf(id, "0123456789abcdef");
    default:
      break;
  }
  if (!absl::ConsumePrefix(&id, IdPrefix(kind)) || !AllOf(id, kIdAlphabet)) return false;
  return id.size() == kRandomIdSize || (kind == Kind::kVpc && id.size() == 8);
}

absl::string_view KindWords(Kind kind) {
  return kind == Kind::kUnknown ? "resource" : InfoOf(kind).words;
}

std::string KindWithArticle(Kind kind) {
  const absl::string_view words = KindWords(kind);
  return absl::StrCat(words.front() == 'a' ? "an " : "a ", words);
}

std::string FieldPrefix(Kind kind) {
  return absl::AsciiStrToLower(absl::StrReplaceAll(KindWords(kind), {{" ", "_"}}));
}

}  // namespace trellis::resource
