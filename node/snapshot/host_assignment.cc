#include "node/snapshot/host_assignment.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/catalog/claims.h"

namespace trellis {

void HostAssignment::Set(const std::string& name, ServiceParts parts) {
  if (const auto before = services_.extract(name); !before.empty()) {
    const ServiceParts& old = before.mapped();
    Unwant(old.generated_host, name);
    Unwant(old.custom_host, name);
    for (const CompiledListener& listener : old.service->listeners) {
      if (--ports_[listener.port] == 0) ports_.erase(listener.port);
      tls_listeners_ -= listener.tls;
    }
  }
  if (parts.service == nullptr) return;
  Want(parts.generated_host, name);
  Want(parts.custom_host, name);
  for (const CompiledListener& listener : parts.service->listeners) {
    ++ports_[listener.port];
    tls_listeners_ += listener.tls;
  }
  services_[name] = std::move(parts);
}

void HostAssignment::Want(const std::string& host, const std::string& name) {
  if (host.empty()) return;
  std::set<std::string>& names = wanted_[host];
  names.insert(name);
  if (names.size() > 1) contested_.insert(host);
  changed_.insert(host);
}

void HostAssignment::Unwant(const std::string& host, const std::string& name) {
  const auto wanted = wanted_.find(host);
  if (wanted == wanted_.end()) return;
  wanted->second.erase(name);
  if (wanted->second.size() <= 1) contested_.erase(host);
  if (wanted->second.empty()) wanted_.erase(wanted);
  changed_.insert(host);
}

void HostAssignment::Decide(const storage::VersionVector& settled, Problems* problems) {
  for (const std::string& host : changed_) DecideHost(host, settled, problems);
  for (const std::string& host : contested_) {
    if (changed_.count(host) == 0) DecideHost(host, settled, problems);
  }
  changed_.clear();
}

void HostAssignment::DecideHost(const std::string& host, const storage::VersionVector& settled,
                                Problems* problems) {
  std::vector<std::string> unserved;
  if (const auto wanted = wanted_.find(host); wanted == wanted_.end()) {
    table_.Erase(host);
  } else {
    const std::string& holder = HolderOf(host, wanted->second, settled);
    const std::shared_ptr<const CompiledService>& service = services_.at(holder).service;
    if (table_.Find(host) != service.get()) table_.Set(host, service);
    for (const std::string& name : wanted->second) {
      if (name == holder) continue;
      unserved.push_back(
          absl::StrCat(name, ": is not served at ", host, ", which ", holder, " holds"));
    }
  }
  problems->Set(host, std::move(unserved));
}

const std::string& HostAssignment::HolderOf(const std::string& host,
                                            const std::set<std::string>& names,
                                            const storage::VersionVector& settled) const {
  if (names.size() == 1) return *names.begin();
  std::vector<storage::Claim> rivals;
  for (const std::string& name : names) {
    const ServiceParts& parts = services_.at(name);
    if (parts.generated_host == host) return *names.find(name);
    rivals.insert(rivals.end(), parts.claims.begin(), parts.claims.end());
  }
  return *names.find(storage::HolderOf(rivals, settled).claimant);
}

std::vector<uint16_t> HostAssignment::Ports() const {
  std::vector<uint16_t> ports;
  for (const auto& [port, listeners] : ports_) ports.push_back(port);
  return ports;
}

}  // namespace trellis
