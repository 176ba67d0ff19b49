// A store of which files are lost or cut short never opens as if it were whole.
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "gtest/gtest.h"
#include "storage/catalog/catalog_test_util.h"
#include "storage/engine/rocksdb_engine.h"
#include "tests/support/status_matchers.h"

namespace trellis::storage {
namespace {

namespace fs = std::filesystem;

class LostFilesTest : public testing::Test {
 protected:
  LostFilesTest() { fs::remove_all(Folder("")); }

  static std::string Folder(absl::string_view name) {
    return absl::StrCat(testing::TempDir(), "/lost_files/", name);
  }

  // Opens what is in `folder`, writes `changes`, and closes it.
  absl::StatusOr<Root> RootOf(const std::string& folder, std::vector<Change> changes = {}) {
    RocksDbOptions options;
    options.folder = folder;
    ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, OpenRocksDb(options));
    ASSIGN_OR_RETURN(const std::unique_ptr<Catalog> catalog,
                     Catalog::Open(node_.options(), *engine, {node_.scheduler, node_.random}));
    RETURN_IF_ERROR(catalog->Commit(std::move(changes)).status());
    return catalog->root();
  }

  TestNode node_{1};
};

TEST_F(LostFilesTest, ManifestCutShortAnywhereIsDataLoss) {
  const std::string whole = Folder("whole");
  fs::create_directories(whole);
  ASSERT_OK(RootOf(whole, {PutService(1, "x"), PutService(2, "x")}));
  // Opening turns the log into table files, that the manifest names last. What is written then
  // stays in a log, which alone reaches as far as was acknowledged.
  ASSERT_OK_AND_ASSIGN(const Root root, RootOf(whole, {PutService(9, "x")}));

  std::string manifest;
  for (const auto& file : fs::directory_iterator(whole)) {
    const std::string name = file.path().filename();
    if (absl::StartsWith(name, "MANIFEST")) manifest = name;
  }
  const uintmax_t bytes = fs::file_size(absl::StrCat(whole, "/", manifest));
  for (uintmax_t length = 0; length < bytes; length += 16) {
    const std::string cut = Folder("cut");
    fs::remove_all(cut);
    fs::copy(whole, cut);
    fs::resize_file(absl::StrCat(cut, "/", manifest), length);
    const absl::StatusOr<Root> opened = RootOf(cut);
    EXPECT_TRUE(absl::IsDataLoss(opened.status()) || (opened.ok() && *opened == root))
        << "cut to " << length << " of " << bytes << ": " << opened.status();
  }
}

}  // namespace
}  // namespace trellis::storage
