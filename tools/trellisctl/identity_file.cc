#include "tools/trellisctl/identity_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace trellis::ctl {
namespace {

constexpr size_t kMaxFileBytes = 64 << 10;

// Every "-----BEGIN …" to the end of its "-----END …" line.
std::vector<std::string> PemBlocks(absl::string_view text) {
  constexpr absl::string_view kBegin = "-----BEGIN ";
  constexpr absl::string_view kEnd = "-----END ";
  std::vector<std::string> blocks;
  while (true) {
    const size_t begin = text.find(kBegin);
    if (begin == absl::string_view::npos) return blocks;
    const size_t end = text.find(kEnd, begin);
    if (end == absl::string_view::npos) return blocks;
    const size_t line_end = std::min(text.find('\n', end), text.size());
    blocks.push_back(absl::StrCat(text.substr(begin, line_end - begin), "\n"));
    text.remove_prefix(line_end);
  }
}

}  // namespace

std::string IdentityFileText(const tls::Credentials& credentials) {
  return absl::StrCat(credentials.key_pem, credentials.certificate_pem, credentials.root_pem);
}

absl::StatusOr<tls::Credentials> ParseIdentity(absl::string_view text) {
  tls::Credentials credentials;
  for (const std::string& block : PemBlocks(text)) {
    if (absl::StrContains(block.substr(0, block.find('\n')), "PRIVATE KEY")) {
      credentials.key_pem = block;
    } else {
      (credentials.certificate_pem.empty() ? credentials.certificate_pem : credentials.root_pem) =
          block;
    }
  }
  if (credentials.key_pem.empty() || credentials.root_pem.empty()) {
    return absl::InvalidArgumentError(
        "not an identity: expected a private key and two certificates in PEM, as "
        "`trellisctl operator create` writes them");
  }
  return credentials;
}

absl::StatusOr<tls::Credentials> ReadIdentityFile(const std::string& path) {
  const auto refuse = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("--identity: \"", path, "\": ", why));
  };
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) return refuse(strerror(errno));
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return refuse("others may read this private key; chmod 600 it");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file.good()) return refuse(strerror(errno));
  std::string text(kMaxFileBytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(file.gcount());

  absl::StatusOr<tls::Credentials> credentials = ParseIdentity(text);
  if (!credentials.ok()) return refuse(credentials.status().message());
  return credentials;
}

}  // namespace trellis::ctl
