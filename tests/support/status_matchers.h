// Expectations over absl::Status and absl::StatusOr.
//
//   ASSERT_OK(engine->Write(batch, Durability::kSynced));
//   ASSERT_OK_AND_ASSIGN(const std::string value, engine->Get(Table::kMeta, "k"));
//   EXPECT_THAT(Parse("x"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("port")));
#ifndef TRELLIS_TESTS_SUPPORT_STATUS_MATCHERS_H_
#define TRELLIS_TESTS_SUPPORT_STATUS_MATCHERS_H_

#include <ostream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace trellis::testing_internal {

inline absl::Status ToStatus(const absl::Status& status) { return status; }
template <typename T>
absl::Status ToStatus(const absl::StatusOr<T>& result) {
  return result.status();
}

// Matches a Status or StatusOr by code and message.
class StatusIsMatcher {
 public:
  using is_gtest_matcher = void;

  StatusIsMatcher(absl::StatusCode code, ::testing::Matcher<std::string> message)
      : code_(code), message_(std::move(message)) {}

  template <typename StatusOrValue>
  bool MatchAndExplain(const StatusOrValue& value, ::testing::MatchResultListener* listener) const {
    const absl::Status status = ToStatus(value);
    *listener << "which is " << status.ToString();
    return status.code() == code_ && message_.Matches(std::string(status.message()));
  }
  void DescribeTo(std::ostream* os) const {
    *os << "is " << absl::StatusCodeToString(code_) << " with a message that ";
    message_.DescribeTo(os);
  }
  void DescribeNegationTo(std::ostream* os) const {
    *os << "is not " << absl::StatusCodeToString(code_) << " with a message that ";
    message_.DescribeTo(os);
  }

 private:
  const absl::StatusCode code_;
  const ::testing::Matcher<std::string> message_;
};

}  // namespace trellis::testing_internal

namespace trellis {

inline testing_internal::StatusIsMatcher StatusIs(
    absl::StatusCode code, ::testing::Matcher<std::string> message = ::testing::_) {
  return testing_internal::StatusIsMatcher(code, std::move(message));
}
inline testing_internal::StatusIsMatcher IsOk() { return StatusIs(absl::StatusCode::kOk); }

}  // namespace trellis

#define EXPECT_OK(expression) EXPECT_THAT(expression, ::trellis::IsOk())
#define ASSERT_OK(expression) ASSERT_THAT(expression, ::trellis::IsOk())

#define ASSERT_OK_AND_ASSIGN(declaration, expression)                                   \
  TRELLIS_ASSERT_OK_AND_ASSIGN_(TRELLIS_TEST_CONCAT_(trellis_test_statusor_, __LINE__), \
                                declaration, expression)
#define TRELLIS_ASSERT_OK_AND_ASSIGN_(statusor, declaration, expression) \
  auto statusor = (expression);                                          \
  ASSERT_THAT(statusor.status(), ::trellis::IsOk());                     \
  declaration = *std::move(statusor)
#define TRELLIS_TEST_CONCAT_(a, b) TRELLIS_TEST_CONCAT_INNER_(a, b)
#define TRELLIS_TEST_CONCAT_INNER_(a, b) a##b

#endif  // TRELLIS_TESTS_SUPPORT_STATUS_MATCHERS_H_
