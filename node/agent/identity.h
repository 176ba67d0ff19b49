// The agent's own identity on disk: who it is, its key and certificate, the mesh's root.
//
//   {data_dir}/identity/agent.json   LocalIdentity, for people too
//                       agent.pem    certificate          root.pem   the mesh's root certificate
//                       agent.key    private key          root.key   the root's key: issuing agents
//                       signing.key  the Ed25519 key of what it writes           only
//                       sealing.key  the X25519 key of what is sealed to it
//                       founding     empty; there until the mesh's first records are written
//                       peers.json   KnownPeers: whom to ask should the catalog be lost
//
// Written once, by init or join, but for agent.pem, which is renewed, sealing.key, which a start
// makes if there is none, and peers.json, which follows the roster; files are 0600 in a folder of
// 0700. Every file is on disk before agent.json appears, which makes the identity whole: a crash in
// between leaves none.
#ifndef TRELLIS_NODE_AGENT_IDENTITY_H_
#define TRELLIS_NODE_AGENT_IDENTITY_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/trellis/storage/v1/identity.pb.h"

namespace trellis::agent {

struct Identity {
  storage::v1::LocalIdentity local;
  std::string certificate_pem;
  std::string key_pem;          // Secret.
  std::string signing_key_pem;  // Secret.
  std::string sealing_key_pem;  // Secret. Empty: it has none yet (EnsureSealingKey).
  std::string root_pem;
  std::string root_key_pem;  // Secret; empty unless this agent issues certificates.
  bool founding = false;     // This agent is to write the mesh's first records.
  // None when there is no such file yet, or none that can be used: it is only a help.
  std::optional<storage::v1::KnownPeers> peers;

  uint64_t node() const;        // Of local.node.
  std::string mesh_id() const;  // 16 bytes.
};

// FAILED_PRECONDITION when `data_dir` has an identity already, or UNAVAILABLE with the system's
// words.
absl::Status SaveIdentity(absl::string_view data_dir, const Identity& identity);

// What agent.json says. INVALID_ARGUMENT: no such JSON, or a field that cannot be what it says.
absl::StatusOr<storage::v1::LocalIdentity> ParseLocalIdentity(const std::string& json);

// Peers that peers.json names.
inline constexpr int kMaxKnownPeers = 64;

// What peers.json says. INVALID_ARGUMENT: no such JSON, or more than kMaxKnownPeers.
absl::StatusOr<storage::v1::KnownPeers> ParseKnownPeers(const std::string& json);

// NOT_FOUND: there is none; the message says how to get one. DATA_LOSS: a file of it cannot be
// used, or does not belong to the others; the message names it, says what to do, and is printable
// whatever the file holds. FAILED_PRECONDITION: others than its owner may read a key.
absl::StatusOr<Identity> LoadIdentity(absl::string_view data_dir);

// Replaces agent.pem with a renewed certificate, atomically. UNAVAILABLE as above.
absl::Status SaveCertificate(absl::string_view data_dir, absl::string_view certificate_pem);

// Replaces peers.json, atomically. UNAVAILABLE as above.
absl::Status SavePeers(absl::string_view data_dir, const storage::v1::KnownPeers& peers);

// Makes a sealing key for an identity without one: an earlier release's, or one whose key was taken
// away to be exchanged. UNAVAILABLE as above.
absl::Status EnsureSealingKey(absl::string_view data_dir, Identity& identity);

// From here on no start takes an empty catalog for one to found. UNAVAILABLE as above.
absl::Status EndFounding(absl::string_view data_dir);

// OK when `data_dir` may become an agent's: FAILED_PRECONDITION when it has an identity.
absl::Status CheckNoIdentity(absl::string_view data_dir);

}  // namespace trellis::agent

#endif  // TRELLIS_NODE_AGENT_IDENTITY_H_
