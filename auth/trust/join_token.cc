#include "auth/trust/join_token.h"

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "auth/trust/identity.h"
#include "base/crypto/digest.h"
#include "base/status_macros.h"
#include "proto/trellis/peer/v1/join_token.pb.h"

namespace trellis::trust {
namespace {

constexpr absl::string_view kPrefix = "trellis-join-1.";
constexpr size_t kSha256Bytes = 32;

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("join token: ", what));
}

absl::Status Check(const JoinToken& token) {
  if (token.mesh_id.size() != kMeshIdBytes) return Malformed("mesh id is not 16 bytes");
  if (token.mesh_addresses.empty() || token.mesh_addresses.size() > kMaxJoinAddresses) {
    return Malformed("it must name 1 to 8 mesh addresses");
  }
  for (const std::string& address : token.mesh_addresses) {
    // Whoever dials it parses it; here it only has to be printable and short.
    if (address.empty() || address.size() > kMaxJoinAddressBytes ||
        !absl::c_all_of(address, absl::ascii_isgraph)) {
      return Malformed("a mesh address is not host:port of at most 262 bytes");
    }
  }
  if (token.root_sha256.size() != kSha256Bytes) return Malformed("root hash is not 32 bytes");
  if (token.id.empty() || token.id.size() > kMaxJoinTokenIdBytes ||
      !absl::c_all_of(token.id, [](char c) {
        return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
      })) {
    return Malformed("id is not 1-64 of [a-z0-9-]");
  }
  if (token.secret.size() != kJoinSecretBytes) return Malformed("secret is not 32 bytes");
  if (token.expire_time <= absl::UnixEpoch()) return Malformed("it has no expiry");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<JoinToken> JoinToken::Parse(absl::string_view text) {
  const absl::string_view whole = text;
  if (text.size() > kMaxJoinTokenBytes) return Malformed("over 4096 bytes");
  if (!absl::ConsumePrefix(&text, kPrefix)) return Malformed("it must begin with trellis-join-1.");
  std::string bytes;
  peer::v1::JoinTokenContent content;
  if (!absl::WebSafeBase64Unescape(text, &bytes) || !content.ParseFromString(bytes)) {
    return Malformed("damaged: copy the whole line");
  }
  JoinToken token;
  token.mesh_id = content.mesh_id();
  token.mesh_addresses.assign(content.mesh_addresses().begin(), content.mesh_addresses().end());
  token.root_sha256 = content.root_sha256();
  token.id = content.id();
  token.secret = content.secret();
  token.expire_time = absl::FromUnixSeconds(content.expire_unix_seconds());
  // One token, one spelling: unknown fields, repeats, padding and stray bits are all refused here.
  ASSIGN_OR_RETURN(const std::string canonical, token.Format());
  if (canonical != whole) return Malformed("damaged: not in canonical form");
  return token;
}

absl::StatusOr<std::string> JoinToken::Format() const {
  RETURN_IF_ERROR(Check(*this));
  peer::v1::JoinTokenContent content;
  content.set_mesh_id(mesh_id);
  for (const std::string& address : mesh_addresses) content.add_mesh_addresses(address);
  content.set_root_sha256(root_sha256);
  content.set_id(id);
  content.set_secret(secret);
  content.set_expire_unix_seconds(absl::ToUnixSeconds(expire_time));
  return absl::StrCat(kPrefix, absl::WebSafeBase64Escape(content.SerializeAsString()));
}

std::string HashJoinSecret(absl::string_view secret) { return crypto::Sha256String(secret); }

bool JoinSecretMatches(absl::string_view secret, absl::string_view stored_sha256) {
  return crypto::ConstantTimeEquals(crypto::Sha256String(secret), stored_sha256);
}

}  // namespace trellis::trust
