// The certificates that this host shows to callers of HTTPS listeners: files of a folder.
//
// Each file named *.pem holds a chain, leaf first, and the leaf's private key. The names are those
// of the leaf's subjectAltName.
#ifndef TRELLIS_NODE_AGENT_CERTIFICATE_FOLDER_H_
#define TRELLIS_NODE_AGENT_CERTIFICATE_FOLDER_H_

#include <memory>
#include <string>
#include <vector>

#include "node/tls/server_certificates.h"

namespace trellis::agent {

struct CertificateFolder {
  std::shared_ptr<const tls::ServerCertificates> certificates;  // Of the files that are good.
  std::vector<std::string> problems;  // One for each other, or for the folder, in words.
};

// At most 1,000 files, in order of their names: a later one takes a name from an earlier one.
CertificateFolder ReadCertificates(const std::string& folder);

}  // namespace trellis::agent

#endif  // TRELLIS_NODE_AGENT_CERTIFICATE_FOLDER_H_
