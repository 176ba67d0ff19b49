#include "tools/trellisctl/manifest_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "tools/trellisctl/document.h"

namespace trellis::ctl {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxManifests = 1000;  // Of one Apply.

absl::StatusOr<std::vector<std::string>> FilesOf(const std::string& path) {
  std::error_code error;
  if (path == "-" || !fs::is_directory(path, error)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  for (auto entry = fs::directory_iterator(path, error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string extension = entry->path().extension();
    if (extension == ".yaml" || extension == ".yml" || extension == ".json") {
      files.push_back(entry->path());
    }
  }
  if (error) return absl::InvalidArgumentError(absl::StrCat(path, ": ", error.message()));
  if (files.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": no *.yaml, *.yml or *.json in this folder"));
  }
  std::sort(files.begin(), files.end());
  return files;
}

// One byte beyond the limit is enough for ParseDocuments to refuse.
absl::StatusOr<std::string> ReadStream(std::istream& stream, const std::string& source) {
  std::string text(kMaxDocumentBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(stream.gcount());
  if (stream.bad()) return absl::InvalidArgumentError(absl::StrCat(source, ": cannot be read"));
  return text;
}

absl::StatusOr<std::string> ReadPath(const std::string& path, std::istream& in) {
  if (path == "-") return ReadStream(in, "<stdin>");
  std::ifstream file(path, std::ios::binary);
  if (!file.good()) return absl::InvalidArgumentError(absl::StrCat(path, ": ", strerror(errno)));
  return ReadStream(file, path);
}

}  // namespace

absl::StatusOr<std::vector<v1::Manifest>> ReadManifestFiles(const std::vector<std::string>& paths,
                                                            std::istream& in,
                                                            ManifestPlaces* places) {
  std::vector<v1::Manifest> manifests;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesOf(path));
    for (const std::string& file : files) {
      ASSIGN_OR_RETURN(const std::string text, ReadPath(file, in));
      ASSIGN_OR_RETURN(std::vector<v1::Manifest> read,
                       ReadManifests(text, file == "-" ? "<stdin>" : file, places));
      std::move(read.begin(), read.end(), std::back_inserter(manifests));
      if (manifests.size() > kMaxManifests) {
        return absl::ResourceExhaustedError(absl::StrCat(
            file, ": more than ", kMaxManifests, " resources in one transaction; apply in parts"));
      }
    }
  }
  return manifests;
}

}  // namespace trellis::ctl
