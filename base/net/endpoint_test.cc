#include "base/net/endpoint.h"

#include "gtest/gtest.h"

namespace trellis::net {
namespace {

TEST(EndpointTest, PrintsWhatItParsed) {
  for (const char* text : {"10.1.0.9:8080", "0.0.0.0:0", "[fd00::1]:80", "[::]:65535"}) {
    const auto endpoint = Endpoint::Parse(text);
    ASSERT_TRUE(endpoint.ok()) << endpoint.status();
    EXPECT_EQ(endpoint->ToString(), text);
    sockaddr_storage address;
    endpoint->ToSockaddr(&address);
    EXPECT_EQ(Endpoint::FromSockaddr(address), *endpoint);
  }
}

TEST(EndpointTest, KnowsWhatNobodyCanDial) {
  for (const char* text :
       {"10.1.0.9", "127.0.0.1", "169.254.171.1", "fd00::1", "::1", "fe80::1", "::ffff:10.1.0.9"}) {
    EXPECT_TRUE(Endpoint::FromAddress(text, 1)->CanBeDialled()) << text;
  }
  for (const char* text : {"0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255", "255.255.255.255",
                           "::", "ff02::1", "::ffff:0.0.0.0", "::ffff:224.0.0.1"}) {
    EXPECT_FALSE(Endpoint::FromAddress(text, 1)->CanBeDialled()) << text;
  }
}

TEST(EndpointTest, KnowsAddressesThatLeadToNoHost) {
  const std::pair<const char*, const char*> kCases[] = {
      {"0.0.0.0", "unspecified"},
      {"0.1.2.3", "unspecified"},
      {"::", "unspecified"},
      {"::ffff:0.0.0.0", "unspecified"},
      {"224.0.0.1", "multicast"},
      {"239.255.255.255", "multicast"},
      {"ff02::1", "multicast"},
      {"255.255.255.255", "broadcast"},
      {"169.254.169.254", "link-local"},
      {"fe80::1", "link-local"},
      {"febf::1", "link-local"},
      {"::ffff:169.254.169.254", "link-local"},
      {"10.0.0.1", ""},
      {"8.8.8.8", ""},
      {"127.0.0.1", ""},
      {"::1", ""},
      {"fd00::1", ""},
      {"fec0::1", ""},
      {"240.0.0.1", "reserved"},
      {"223.255.255.255", ""},
  };
  for (const auto& [address, what] : kCases) {
    EXPECT_EQ(Endpoint::FromAddress(address, 80)->Unroutable(), what) << address;
  }
}

TEST(EndpointTest, RefusesWhatIsNoAddressAndPort) {
  for (const char* text : {"", "10.1.0.9", "10.1.0.9:", "10.1.0.9:65536", "10.1.0.9:+1", "host:80",
                           "fd00::1:80", "[10.1.0.9]:80", "[fd00::1:80", "10.1.0:80", ":80"}) {
    EXPECT_EQ(Endpoint::Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_FALSE(Endpoint::FromAddress(absl::string_view("10.0.0.1\0x", 10), 1).ok());
}

}  // namespace
}  // namespace trellis::net
