#include "node/agent/identity.h"

#include <fcntl.h>
#include <google/protobuf/util/json_util.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "auth/seal/sealing_key.h"
#include "auth/trust/authority.h"
#include "auth/trust/certificate.h"
#include "auth/trust/identity.h"
#include "auth/trust/key_pair.h"
#include "auth/trust/signing_key.h"
#include "base/status_macros.h"
#include "node/agent/printable_text.h"
#include "node/agent/text_forms.h"
#include "node/net/fd.h"

namespace trellis::agent {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;

std::string FolderOf(absl::string_view data_dir) { return absl::StrCat(data_dir, "/identity"); }

absl::Status SystemError(absl::string_view doing, absl::string_view path) {
  return absl::UnavailableError(absl::StrCat("cannot ", doing, " ", path, ": ", strerror(errno)));
}

absl::Status SyncFolder(const std::string& folder) {
  const net::Fd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || fsync(fd.get()) != 0) return SystemError("sync", folder);
  return absl::OkStatus();
}

// Through a temporary name, so that a file is whole or absent.
absl::Status WriteFile(const std::string& folder, absl::string_view name,
                       absl::string_view content) {
  const std::string path = absl::StrCat(folder, "/", name);
  const std::string temporary = absl::StrCat(path, ".new");
  {
    const net::Fd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (fd.get() < 0) return SystemError("create", temporary);
    while (!content.empty()) {
      const ssize_t written = write(fd.get(), content.data(), content.size());
      if (written < 0) return SystemError("write", temporary);
      content.remove_prefix(static_cast<size_t>(written));
    }
    if (fsync(fd.get()) != 0) return SystemError("sync", temporary);
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) return SystemError("create", path);
  return SyncFolder(folder);
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const net::Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0 && errno == ENOENT) {
    return absl::NotFoundError(
        absl::StrCat(path, " is missing; restore it from a backup, or join the mesh again"));
  }
  if (fd.get() < 0) return SystemError("read", path);
  std::string content;
  char bytes[4096];
  ssize_t n = 0;
  while ((n = read(fd.get(), bytes, sizeof(bytes))) > 0 && content.size() <= kMaxFileBytes) {
    content.append(bytes, static_cast<size_t>(n));
  }
  if (n < 0) return SystemError("read", path);
  if (content.size() > kMaxFileBytes) {
    return absl::DataLossError(absl::StrCat(path, " is larger than 1 MiB: not an identity file"));
  }
  return content;
}

// Whoever reads a key can act as this agent, or with the root's admit agents of his own.
absl::StatusOr<std::string> ReadKey(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return absl::FailedPreconditionError(
        absl::StrFormat("%s: others than its owner may use this private key (its mode is %04o); "
                        "run: chmod 600 %s",
                        path, info.st_mode & 07777, path));
  }
  return ReadFile(path);
}

absl::StatusOr<std::optional<std::string>> ReadKeyIfAny(const std::string& path) {
  absl::StatusOr<std::string> key = ReadKey(path);
  if (absl::IsNotFound(key.status())) return std::nullopt;
  RETURN_IF_ERROR(key.status());
  return *std::move(key);
}

// What cannot be used is lost, whatever a parser calls it; the message says which file.
absl::Status Usable(absl::string_view data_dir, absl::string_view name,
                    const absl::Status& parsed) {
  if (parsed.ok()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      FolderOf(data_dir), "/", name, ": cannot be used (", PrintableText(parsed.message()),
      "); restore it from a backup, or evict this agent at another, move ", data_dir,
      " away and join again"));
}

// The agent's own certificate, of its root, with its keys.
absl::Status CheckCertificate(const Identity& identity) {
  ASSIGN_OR_RETURN(const std::string der, trust::CertificateDerFromPem(identity.certificate_pem));
  ASSIGN_OR_RETURN(const trust::MeshRoot root, trust::MeshRoot::FromPem(identity.root_pem));
  ASSIGN_OR_RETURN(const trust::PeerIdentity certified, trust::VerifyIssued(der, root));
  ASSIGN_OR_RETURN(const std::string public_key, trust::CertificatePublicKey(der));
  ASSIGN_OR_RETURN(const trust::KeyPair key, trust::KeyPair::FromPem(identity.key_pem));
  ASSIGN_OR_RETURN(const trust::SigningKey signing_key,
                   trust::SigningKey::FromPem(identity.signing_key_pem));
  const auto differs = [](absl::string_view what, absl::string_view file) {
    return absl::InvalidArgumentError(absl::StrCat("its ", what, " is not that of ", file));
  };
  if (public_key != key.public_der()) return differs("public key", "agent.key");
  if (certified.signing_key != signing_key.public_key())
    return differs("signing key", "signing.key");
  if (certified.mesh_id != identity.mesh_id()) return differs("mesh", "agent.json");
  if (certified.node != identity.node()) return differs("node", "agent.json");
  if (certified.vpc != identity.local.vpc()) return differs("VPC", "agent.json");
  return absl::OkStatus();
}

// A start goes on without it.
std::optional<storage::v1::KnownPeers> ReadPeers(const std::string& folder) {
  const absl::StatusOr<std::string> json = ReadFile(absl::StrCat(folder, "/peers.json"));
  if (!json.ok()) return std::nullopt;
  absl::StatusOr<storage::v1::KnownPeers> peers = ParseKnownPeers(*json);
  if (!peers.ok()) return std::nullopt;
  return *std::move(peers);
}

absl::Status CheckUsable(absl::string_view data_dir, const Identity& identity, bool has_root_key) {
  RETURN_IF_ERROR(
      Usable(data_dir, "root.pem", trust::MeshRoot::FromPem(identity.root_pem).status()));
  RETURN_IF_ERROR(
      Usable(data_dir, "agent.key", trust::KeyPair::FromPem(identity.key_pem).status()));
  RETURN_IF_ERROR(Usable(data_dir, "signing.key",
                         trust::SigningKey::FromPem(identity.signing_key_pem).status()));
  if (!identity.sealing_key_pem.empty()) {
    RETURN_IF_ERROR(Usable(data_dir, "sealing.key",
                           seal::SealingKey::FromPem(identity.sealing_key_pem).status()));
  }
  RETURN_IF_ERROR(Usable(data_dir, "agent.pem", CheckCertificate(identity)));
  if (!has_root_key) return absl::OkStatus();
  return Usable(data_dir, "root.key",
                trust::MeshAuthority::Load(identity.root_pem, identity.root_key_pem).status());
}

template <size_t digits>
bool IsHex(absl::string_view text) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::string FoundingPath(absl::string_view data_dir) {
  return absl::StrCat(FolderOf(data_dir), "/founding");
}

}  // namespace

uint64_t Identity::node() const {
  uint64_t node = 0;
  return absl::SimpleHexAtoi(local.node(), &node) ? node : 0;
}

std::string Identity::mesh_id() const { return absl::HexStringToBytes(local.mesh_id()); }

absl::Status CheckNoIdentity(absl::string_view data_dir) {
  const std::string path = absl::StrCat(FolderOf(data_dir), "/agent.json");
  if (access(path.c_str(), F_OK) != 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("data_dir: ", data_dir,
                   " is an agent's already; give another folder, or move this one away"));
}

absl::Status SaveIdentity(absl::string_view data_dir, const Identity& identity) {
  RETURN_IF_ERROR(CheckNoIdentity(data_dir));
  const std::string folder = FolderOf(data_dir);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return absl::UnavailableError(absl::StrCat("cannot create ", folder, ": ", error.message()));
  }
  if (chmod(folder.c_str(), 0700) != 0) return SystemError("set the permissions of", folder);
  std::string json;
  google::protobuf::util::JsonPrintOptions pretty;
  pretty.add_whitespace = true;
  if (!google::protobuf::util::MessageToJsonString(identity.local, &json, pretty).ok()) {
    return absl::InternalError("the identity cannot be written as JSON");
  }
  RETURN_IF_ERROR(WriteFile(folder, "root.pem", identity.root_pem));
  if (!identity.root_key_pem.empty()) {
    RETURN_IF_ERROR(WriteFile(folder, "root.key", identity.root_key_pem));
  }
  if (identity.founding) RETURN_IF_ERROR(WriteFile(folder, "founding", ""));
  RETURN_IF_ERROR(WriteFile(folder, "agent.key", identity.key_pem));
  RETURN_IF_ERROR(WriteFile(folder, "signing.key", identity.signing_key_pem));
  if (!identity.sealing_key_pem.empty()) {
    RETURN_IF_ERROR(WriteFile(folder, "sealing.key", identity.sealing_key_pem));
  }
  RETURN_IF_ERROR(WriteFile(folder, "agent.pem", identity.certificate_pem));
  return WriteFile(folder, "agent.json", json);
}

absl::StatusOr<storage::v1::LocalIdentity> ParseLocalIdentity(const std::string& json) {
  storage::v1::LocalIdentity local;
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, &local);
  if (!parsed.ok()) return absl::InvalidArgumentError(parsed.ToString());
  const auto check = [](absl::string_view field, absl::string_view text,
                        bool (*accepts)(absl::string_view), absl::string_view wanted) {
    if (accepts(text)) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(field, ": \"", absl::CHexEscape(text.substr(0, 80)), "\" is not ", wanted));
  };
  RETURN_IF_ERROR(check("meshId", local.mesh_id(), IsHex<32>, "32 hex digits"));
  RETURN_IF_ERROR(check("node", local.node(), IsHex<16>, "16 hex digits"));
  RETURN_IF_ERROR(check("account", local.account(), IsAccount, "12 digits"));
  RETURN_IF_ERROR(
      check("region", local.region(), IsLabel, "a name of lower-case letters, digits and hyphens"));
  RETURN_IF_ERROR(check("meshDomain", local.mesh_domain(), IsDomain, "a DNS name"));
  RETURN_IF_ERROR(check("displayName", local.display_name(), IsDisplayName,
                        "a name of at most 63 printable characters without spaces"));
  for (const std::string& address : local.addresses()) {
    RETURN_IF_ERROR(check("addresses", address, IsAddress, "an IP address"));
  }
  return local;
}

absl::StatusOr<storage::v1::KnownPeers> ParseKnownPeers(const std::string& json) {
  storage::v1::KnownPeers peers;
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, &peers);
  if (!parsed.ok()) return absl::InvalidArgumentError(parsed.ToString());
  if (peers.peers_size() > kMaxKnownPeers) {
    return absl::InvalidArgumentError(
        absl::StrCat("peers: ", peers.peers_size(), " of them; at most ", kMaxKnownPeers));
  }
  return peers;
}

absl::StatusOr<Identity> LoadIdentity(absl::string_view data_dir) {
  const std::string folder = FolderOf(data_dir);
  const absl::StatusOr<std::string> json = ReadFile(absl::StrCat(folder, "/agent.json"));
  if (absl::IsNotFound(json.status())) {
    return absl::NotFoundError(
        absl::StrCat("data_dir: ", data_dir,
                     " has no agent identity; run `trellisd init` to found a mesh, or `trellisd "
                     "join` with a token to enter one"));
  }
  RETURN_IF_ERROR(json.status());
  Identity identity;
  const absl::StatusOr<storage::v1::LocalIdentity> local = ParseLocalIdentity(*json);
  RETURN_IF_ERROR(Usable(data_dir, "agent.json", local.status()));
  identity.local = *local;
  ASSIGN_OR_RETURN(identity.root_pem, ReadFile(absl::StrCat(folder, "/root.pem")));
  ASSIGN_OR_RETURN(identity.certificate_pem, ReadFile(absl::StrCat(folder, "/agent.pem")));
  ASSIGN_OR_RETURN(identity.key_pem, ReadKey(absl::StrCat(folder, "/agent.key")));
  ASSIGN_OR_RETURN(identity.signing_key_pem, ReadKey(absl::StrCat(folder, "/signing.key")));
  ASSIGN_OR_RETURN(const std::optional<std::string> root_key,
                   ReadKeyIfAny(absl::StrCat(folder, "/root.key")));
  identity.root_key_pem = root_key.value_or("");
  ASSIGN_OR_RETURN(const std::optional<std::string> sealing_key,
                   ReadKeyIfAny(absl::StrCat(folder, "/sealing.key")));
  identity.sealing_key_pem = sealing_key.value_or("");
  identity.peers = ReadPeers(folder);
  identity.founding = access(FoundingPath(data_dir).c_str(), F_OK) == 0;
  RETURN_IF_ERROR(CheckUsable(data_dir, identity, root_key.has_value()));
  return identity;
}

absl::Status SaveCertificate(absl::string_view data_dir, absl::string_view certificate_pem) {
  return WriteFile(FolderOf(data_dir), "agent.pem", certificate_pem);
}

absl::Status SavePeers(absl::string_view data_dir, const storage::v1::KnownPeers& peers) {
  std::string json;
  google::protobuf::util::JsonPrintOptions pretty;
  pretty.add_whitespace = true;
  if (!google::protobuf::util::MessageToJsonString(peers, &json, pretty).ok()) {
    return absl::InternalError("the peers cannot be written as JSON");
  }
  return WriteFile(FolderOf(data_dir), "peers.json", json);
}

absl::Status EnsureSealingKey(absl::string_view data_dir, Identity& identity) {
  if (!identity.sealing_key_pem.empty()) return absl::OkStatus();
  const std::string pem = seal::SealingKey::Generate().private_pem();
  RETURN_IF_ERROR(WriteFile(FolderOf(data_dir), "sealing.key", pem));
  identity.sealing_key_pem = pem;
  return absl::OkStatus();
}

absl::Status EndFounding(absl::string_view data_dir) {
  const std::string path = FoundingPath(data_dir);
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return SystemError("remove", path);
  return SyncFolder(FolderOf(data_dir));
}

}  // namespace trellis::agent
