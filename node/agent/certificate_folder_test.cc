#include "node/agent/certificate_folder.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace trellis::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// What good files give is tried with handshakes: tests/integration/proxy_tls_test.cc.
class CertificateFolderTest : public testing::Test {
 protected:
  CertificateFolderTest() : folder_(testing::TempDir() + "/certificates") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
  }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
  }

  const std::string folder_;
};

TEST_F(CertificateFolderTest, EachFileThatCannotBeUsedIsNamed) {
  Write("b.pem", "nonsense");
  Write("a.pem", "");
  Write("large.pem", std::string(300 * 1024, 'x'));
  Write("key.txt", "not looked at");
  const CertificateFolder read = ReadCertificates(folder_);
  EXPECT_TRUE(read.certificates->empty());
  EXPECT_THAT(read.problems, ElementsAre(HasSubstr("/a.pem is not used: cannot be read, or is empty"),
                                         HasSubstr("/b.pem is not used: no certificate in PEM"),
                                         HasSubstr("/large.pem is not used: over 256 KiB")));
}

TEST_F(CertificateFolderTest, AnEmptyFolderIsNoProblemAndAMissingOneIs) {
  EXPECT_THAT(ReadCertificates(folder_).problems, IsEmpty());
  const CertificateFolder none = ReadCertificates(folder_ + "/none");
  EXPECT_TRUE(none.certificates->empty());
  EXPECT_THAT(none.problems, ElementsAre(HasSubstr("/none: No such file")));
}

}  // namespace
}  // namespace trellis::agent
