#include "node/agent/certificate_folder.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace trellis::agent {
namespace {

constexpr size_t kFilesMax = 1000;
constexpr size_t kFileBytesMax = 256 * 1024;

absl::Status AddFile(const std::filesystem::path& path, tls::ServerCertificates& certificates) {
  std::ifstream file(path, std::ios::binary);
  // One byte more than may be: then it is refused as too large.
  std::string pem(kFileBytesMax + 1, '\0');
  file.read(pem.data(), static_cast<std::streamsize>(pem.size()));
  if (file.bad() || (file.fail() && file.gcount() == 0)) {
    return absl::PermissionDeniedError("cannot be read, or is empty");
  }
  pem.resize(static_cast<size_t>(file.gcount()));
  absl::Status status = certificates.Add(pem);
  std::fill(pem.begin(), pem.end(), '\0');  // It held a private key.
  return status;
}

}  // namespace

CertificateFolder ReadCertificates(const std::string& folder) {
  CertificateFolder result;
  auto certificates = std::make_shared<tls::ServerCertificates>();
  std::error_code error;
  std::vector<std::filesystem::path> paths;
  for (auto entry = std::filesystem::directory_iterator(folder, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (entry->path().extension() == ".pem") paths.push_back(entry->path());
  }
  if (error) result.problems.push_back(absl::StrCat("certificates: ", folder, ": ", error.message()));
  std::sort(paths.begin(), paths.end());
  if (paths.size() > kFilesMax) {
    result.problems.push_back(absl::StrCat("certificates: ", folder, ": has ", paths.size(),
                                           " files; only the first ", kFilesMax, " are used"));
    paths.resize(kFilesMax);
  }
  for (const std::filesystem::path& path : paths) {
    const absl::Status status = AddFile(path, *certificates);
    if (!status.ok()) {
      result.problems.push_back(
          absl::StrCat("certificates: ", path.string(), " is not used: ", status.message()));
    }
  }
  result.certificates = std::move(certificates);
  return result;
}

}  // namespace trellis::agent
