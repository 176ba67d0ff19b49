#include "node/mesh/renewer.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/runtime/random.h"
#include "base/runtime/sim_scheduler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "node/mesh/mesh_testing.h"
#include "tests/support/status_matchers.h"

namespace trellis::mesh {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kLife = absl::Hours(24);

// Agent 2 and whoever it asks.
class RenewerTest : public testing::Test {
 protected:
  std::string Issue(const trust::PeerIdentity& identity, const trust::KeyPair& key) {
    return *mesh_.authority().Issue(key.public_der(), identity, scheduler_.WallNow(), kLife);
  }
  static peer::v1::RenewResponse Response(std::string pem) {
    peer::v1::RenewResponse response;
    response.set_certificate_pem(std::move(pem));
    return response;
  }
  void Start() {
    Renewer::Options options;
    options.credentials = {Issue(mesh_.Agent(2), key_), key_.private_pem(),
                           mesh_.authority().root().pem()};
    options.issuers = [this] { return issuers_; };
    options.ask = [this](const IssuingAgent& issuer, const peer::v1::RenewRequest&,
                         RenewDone done) {
      asked_.push_back({issuer.node, scheduler_.WallNow()});
      if (answer_ == nullptr) {
        held_ = std::move(done);
      } else {
        done(answer_());
      }
    };
    options.take = [this](const tls::Credentials& credentials) {
      taken_.push_back(credentials.certificate_pem);
      return absl::OkStatus();
    };
    renewer_ = *Renewer::Create(std::move(options), {scheduler_, random_});
    renewer_->Start();
  }

  struct Question {
    uint64_t node;
    absl::Time time;
  };
  const TestMesh mesh_;
  const trust::KeyPair key_ = trust::KeyPair::Generate();
  SimScheduler scheduler_{mesh_.start()};
  SeededRandom random_{7};
  std::vector<IssuingAgent> issuers_ = {{1, "a", "a:1"}, {3, "c", "c:1"}, {5, "e", "e:1"}};
  // What whoever is asked answers; null: the answer is held until the test gives it.
  std::function<absl::StatusOr<peer::v1::RenewResponse>()> answer_ = [this] {
    return Response(Issue(mesh_.Agent(2), key_));
  };
  std::vector<Question> asked_;
  std::vector<std::string> taken_;
  RenewDone held_;
  std::unique_ptr<Renewer> renewer_;
};

TEST_F(RenewerTest, HalfwayThroughItsLifeTheCertificateIsRenewedAgainAndAgain) {
  Start();
  scheduler_.RunFor(kLife / 2 - absl::Seconds(1));
  EXPECT_THAT(asked_, IsEmpty());
  scheduler_.RunFor(kLife / 10 + absl::Seconds(2));
  ASSERT_THAT(taken_, SizeIs(1));
  // Certificates know whole seconds.
  EXPECT_EQ(absl::ToUnixSeconds(renewer_->expire_time()),
            absl::ToUnixSeconds(asked_[0].time + kLife));
  EXPECT_EQ(renewer_->Warning(), "");
  scheduler_.RunFor(10 * kLife);
  EXPECT_GE(taken_.size(), 17u);
  EXPECT_LE(taken_.size(), 21u);
}

TEST_F(RenewerTest, OneThatIsOverAtTheStartIsRenewedAtOnce) {
  const std::string old = Issue(mesh_.Agent(2), key_);
  scheduler_.RunFor(3 * kLife);
  Renewer::Options options;
  options.credentials = {old, key_.private_pem(), mesh_.authority().root().pem()};
  options.issuers = [this] { return issuers_; };
  options.ask = [this](const auto&, const auto&, RenewDone done) { done(answer_()); };
  options.take = [this](const tls::Credentials& credentials) {
    taken_.push_back(credentials.certificate_pem);
    return absl::OkStatus();
  };
  renewer_ = *Renewer::Create(std::move(options), {scheduler_, random_});
  renewer_->Start();
  EXPECT_THAT(taken_, SizeIs(1));
}

TEST_F(RenewerTest, FailuresGoToTheOthersAfterGrowingPauses) {
  answer_ = [] { return absl::UnavailableError("refused"); };
  Start();
  scheduler_.RunFor(kLife);
  ASSERT_GE(asked_.size(), 15u);
  absl::Duration longest = absl::Minutes(1);
  for (size_t i = 1; i < asked_.size(); ++i) {
    EXPECT_EQ(asked_[i].node, issuers_[i % 3].node);
    EXPECT_GE(asked_[i].time - asked_[i - 1].time, longest / 2) << i;
    EXPECT_LE(asked_[i].time - asked_[i - 1].time, longest) << i;
    longest = std::min(2 * longest, absl::Minutes(30));
  }
}

TEST_F(RenewerTest, RosterWithoutIssuersIsLookedAtAgain) {
  const std::vector<IssuingAgent> issuers = std::exchange(issuers_, {});
  Start();
  scheduler_.RunFor(kLife * 3 / 4);
  EXPECT_THAT(renewer_->Warning(), HasSubstr("names no agent that issues"));
  issuers_ = issuers;
  scheduler_.RunFor(absl::Hours(1));
  EXPECT_THAT(taken_, SizeIs(1));
}

TEST_F(RenewerTest, PeopleAreWarnedAsTheEndNearsAndWhenItIsOver) {
  answer_ = [] { return absl::UnavailableError("agent a is away"); };
  Start();
  scheduler_.RunFor(kLife * 3 / 4 - absl::Seconds(1));
  EXPECT_EQ(renewer_->Warning(), "");
  scheduler_.RunFor(absl::Seconds(1));
  EXPECT_THAT(renewer_->Warning(),
              AllOf(HasSubstr("ends at 2026-01-02T00:00:00Z"), HasSubstr("agent a is away")));
  scheduler_.RunFor(kLife);
  EXPECT_THAT(renewer_->Warning(), AllOf(HasSubstr("ended at 2026-01-02T00:00:00Z"),
                                         HasSubstr("possible until 2026-01-09T00:00:00Z")));
  answer_ = [this] { return Response(Issue(mesh_.Agent(2), key_)); };
  scheduler_.RunFor(absl::Hours(1));
  EXPECT_THAT(taken_, SizeIs(1));
  EXPECT_EQ(renewer_->Warning(), "");
}

TEST_F(RenewerTest, CertificateThatIsNotOursOrNoLaterIsNotTaken) {
  trust::PeerIdentity elsewhere = mesh_.Agent(2);
  elsewhere.addresses = {"192.0.2.66"};
  const TestMesh other('x');
  const std::string early = Issue(mesh_.Agent(2), key_);
  const std::vector<std::function<std::string()>> answers = {
      [&] { return Issue(mesh_.Agent(3), key_); },
      [&] { return Issue(mesh_.Agent(2, trust::PeerRole::kAdmin), key_); },
      [&] { return Issue(elsewhere, key_); },
      [&] { return Issue(mesh_.Agent(2), trust::KeyPair::Generate()); },
      [&] { return other.Credentials(other.Agent(2)).certificate_pem; },
      [&] { return early; },
      [] { return std::string("garbage"); },
  };
  size_t next = 0;
  answer_ = [&] { return Response(answers[next++ % answers.size()]()); };
  Start();
  scheduler_.RunFor(kLife);
  EXPECT_GE(next, answers.size());
  EXPECT_THAT(taken_, IsEmpty());
}

TEST_F(RenewerTest, AnswerThatComesTooLateIsForgotten) {
  answer_ = nullptr;
  Start();
  scheduler_.RunFor(kLife);
  ASSERT_THAT(asked_, SizeIs(1));  // One at a time.
  renewer_ = nullptr;
  held_(Response(Issue(mesh_.Agent(2), key_)));
  EXPECT_THAT(taken_, IsEmpty());
}

}  // namespace
}  // namespace trellis::mesh
