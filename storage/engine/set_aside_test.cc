#include "storage/engine/set_aside.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace trellis::storage {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);  // 2027-01-15T08:00:00Z

class SetAsideTest : public testing::Test {
 protected:
  SetAsideTest() {
    fs::remove_all(parent_);
    fs::create_directories(parent_);
  }
  void Make(const std::string& content) {
    fs::create_directory(folder_);
    std::ofstream(folder_ + "/CURRENT") << content;
  }

  const std::string parent_ = absl::StrCat(testing::TempDir(), "/set_aside");
  const std::string folder_ = absl::StrCat(parent_, "/catalog");
};

TEST_F(SetAsideTest, TheFolderIsMovedWholeAndItsPlaceIsFree) {
  Make("what it held");
  EXPECT_THAT(FindSetAside(folder_), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const std::string aside, SetAside(folder_, kNow));
  EXPECT_EQ(aside, absl::StrCat(folder_, ".corrupt-20270115T080000Z"));
  EXPECT_FALSE(fs::exists(folder_));
  std::string content;
  std::getline(std::ifstream(aside + "/CURRENT"), content);
  EXPECT_EQ(content, "what it held");
  EXPECT_THAT(FindSetAside(folder_), ElementsAre(aside));
}

TEST_F(SetAsideTest, OneOfTheSameSecondIsNotWrittenOver) {
  Make("the first");
  ASSERT_OK(SetAside(folder_, kNow));
  Make("the second");
  EXPECT_THAT(SetAside(folder_, kNow),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(folder_)));
  EXPECT_TRUE(fs::exists(folder_ + "/CURRENT"));
  EXPECT_EQ(FindSetAside(folder_).size(), 1u);
}

TEST_F(SetAsideTest, WithTooManyThereTheNextIsRefusedAndStays) {
  for (size_t i = 0; i < kMaxSetAside; ++i) {
    Make("once more");
    ASSERT_OK(SetAside(folder_, kNow + i * absl::Seconds(1)));
  }
  Make("too much");
  EXPECT_THAT(SetAside(folder_, kNow + absl::Hours(1)),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       testing::AllOf(HasSubstr("look at the disk"),
                                      HasSubstr(FindSetAside(folder_).front()))));
  EXPECT_TRUE(fs::exists(folder_ + "/CURRENT"));
  EXPECT_EQ(FindSetAside(folder_).size(), kMaxSetAside);
}

TEST_F(SetAsideTest, OtherFoldersBesideItAreNotMeant) {
  fs::create_directory(parent_ + "/identity");
  fs::create_directory(parent_ + "/other.corrupt-20270115T080000Z");
  EXPECT_THAT(FindSetAside(folder_), IsEmpty());
}

}  // namespace
}  // namespace trellis::storage
