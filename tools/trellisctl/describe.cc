// describe: a resource together with what belongs to it, in sections for people.
#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "tools/trellisctl/commands.h"
#include "tools/trellisctl/manifest.h"
#include "tools/trellisctl/resources.h"
#include "tools/trellisctl/session.h"

namespace trellis::ctl {
namespace {

constexpr int kIndent = 2;

using Resources = std::vector<v1::Resource>;

// Prints a resource, then what belongs to it, one section each.
class Describer {
 public:
  explicit Describer(Session& session) : session_(session), name_of_(session.Names()) {}

  absl::Status Describe(const KindInfo& info, const v1::Resource& resource) {
    session_.out() << info.document << " " << TitleOf(resource) << "\n";
    Fields(ToNamedDocument(resource, name_of_));
    switch (info.kind) {
      case Kind::kService:
        return Service(resource);
      case Kind::kListener:
        return Listener(resource);
      case Kind::kTargetGroup:
        return TargetGroup(resource, /*title=*/"Targets");
      case Kind::kServiceNetwork:
        return Network(ResourceNameOf(resource));
      default:
        return absl::OkStatus();
    }
  }

 private:
  void Fields(const Node& document) {
    Node rest = Node::Mapping();
    for (const Entry& entry : document.entries) {
      if (entry.key != "kind" && entry.key != "name") rest.entries.push_back(entry);
    }
    for (const absl::string_view line : absl::StrSplit(EmitYaml(rest), '\n', absl::SkipEmpty())) {
      session_.out() << std::string(kIndent, ' ') << line << "\n";
    }
  }

  void Section(absl::string_view title, const Table& table, absl::string_view none = "none") {
    session_.out() << "\n" << title << "\n";
    if (table.empty()) {
      session_.out() << std::string(kIndent, ' ') << none << "\n";
    } else {
      table.Print(session_.out(), kIndent);
    }
  }

  absl::Status Service(const v1::Resource& service) {
    ASSIGN_OR_RETURN(const Resources networks,
                     ListResources(session_, InfoOf(Kind::kServiceAssociation)));
    Table joined({"SERVICE NETWORK", "STATUS"});
    for (const v1::Resource& one : networks) {
      const v1::ServiceAssociation& association = one.service_association();
      if (association.service() != ResourceNameOf(service)) continue;
      joined.Add({name_of_(Kind::kServiceNetwork, association.service_network()),
                  v1::ResourceStatus_Name(association.status())});
    }
    Section("Service networks", joined, "none: no VPC can call it");
    ASSIGN_OR_RETURN(const Resources listeners,
                     ListResources(session_, InfoOf(Kind::kListener), ResourceNameOf(service)));
    if (listeners.empty()) Section("Listeners", Table({""}));
    for (const v1::Resource& listener : listeners) {
      session_.out() << "\nListener " << TitleOf(listener) << " ("
                     << WordOf(*v1::ListenerProtocol_descriptor()->FindValueByNumber(
                            listener.listener().protocol()))
                     << " port " << listener.listener().port() << ")\n";
      RETURN_IF_ERROR(Rules(listener));
    }
    return TargetGroups();
  }

  absl::Status Listener(const v1::Resource& listener) {
    session_.out() << "\nRules\n";
    RETURN_IF_ERROR(Rules(listener));
    return TargetGroups();
  }

  // The rules in the order they are tried, the default action last.
  absl::Status Rules(const v1::Resource& listener) {
    ASSIGN_OR_RETURN(Resources rules,
                     ListResources(session_, InfoOf(Kind::kRule), ResourceNameOf(listener)));
    std::sort(rules.begin(), rules.end(), [](const v1::Resource& a, const v1::Resource& b) {
      return a.rule().priority() < b.rule().priority();
    });
    Table table({"PRIORITY", "RULE", "MATCH", "ACTION"});
    for (const v1::Resource& rule : rules) {
      table.Add({absl::StrCat(rule.rule().priority()), TitleOf(rule),
                 MatchWords(rule.rule().match()), ActionWords(rule.rule().action(), name_of_)});
      Note(rule.rule().action());
    }
    const v1::RuleAction& otherwise = listener.listener().default_action();
    table.Add({"default", "", "everything else", ActionWords(otherwise, name_of_)});
    Note(otherwise);
    table.Print(session_.out(), kIndent);
    return absl::OkStatus();
  }

  void Note(const v1::RuleAction& action) {
    for (const auto& group : action.forward().target_groups()) groups_.insert(group.target_group());
  }

  // Those that the rules printed so far forward to.
  absl::Status TargetGroups() {
    for (const std::string& name : groups_) {
      auto group = FindResource(session_, InfoOf(Kind::kTargetGroup), name);
      if (absl::IsNotFound(group.status())) {
        session_.out() << "\nTarget group " << name << " does not exist: its share answers 503\n";
        continue;
      }
      RETURN_IF_ERROR(group.status());
      const v1::TargetGroup& fields = group->target_group();
      RETURN_IF_ERROR(TargetGroup(
          *group, absl::StrCat("Target group ", TitleOf(*group), " (VPC ",
                               name_of_(Kind::kVpc, fields.vpc()), ", port ", fields.port(), ")")));
    }
    return absl::OkStatus();
  }

  absl::Status TargetGroup(const v1::Resource& group, absl::string_view title) {
    ASSIGN_OR_RETURN(const Resources targets,
                     ListResources(session_, InfoOf(Kind::kTarget), ResourceNameOf(group)));
    Table table({"TARGET", "STATUS", "REASON"});
    for (const v1::Resource& target : targets) {
      table.Add({TitleOf(target), v1::TargetStatus_Name(target.target().status()),
                 target.target().reason_code()});
    }
    Section(title, table, "no targets: its share answers 503");
    return absl::OkStatus();
  }

  absl::Status Network(const std::string& network) {
    ASSIGN_OR_RETURN(const Resources vpcs, ListResources(session_, InfoOf(Kind::kVpcAssociation)));
    Table callers({"VPC", "STATUS"});
    for (const v1::Resource& one : vpcs) {
      if (one.vpc_association().service_network() != network) continue;
      callers.Add({name_of_(Kind::kVpc, one.vpc_association().vpc()),
                   v1::ResourceStatus_Name(one.vpc_association().status())});
    }
    Section("VPCs that may call", callers);
    ASSIGN_OR_RETURN(const Resources services,
                     ListResources(session_, InfoOf(Kind::kServiceAssociation)));
    Table called({"SERVICE", "STATUS"});
    for (const v1::Resource& one : services) {
      if (one.service_association().service_network() != network) continue;
      called.Add({name_of_(Kind::kService, one.service_association().service()),
                  v1::ResourceStatus_Name(one.service_association().status())});
    }
    Section("Services to be called", called);
    return absl::OkStatus();
  }

  Session& session_;
  const NameOf name_of_;
  std::set<std::string> groups_;  // Resource names.
};

}  // namespace

absl::Status RunDescribe(Session& session, const Invocation& call) {
  ASSIGN_OR_RETURN(const KindInfo* info, ParseKind(call.arguments[0]));
  ASSIGN_OR_RETURN(const v1::Resource resource, FindResource(session, *info, call.arguments[1]));
  return Describer(session).Describe(*info, resource);
}

}  // namespace trellis::ctl
