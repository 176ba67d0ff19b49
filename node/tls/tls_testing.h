// TLS contexts that no program of ours makes, for tests of what refuses them.
#ifndef TRELLIS_NODE_TLS_TLS_TESTING_H_
#define TRELLIS_NODE_TLS_TLS_TESTING_H_

#include <memory>
#include <utility>

#include "absl/memory/memory.h"
#include "node/tls/tls_context.h"

namespace trellis::tls {

class TlsContextTestPeer {
 public:
  // Shows no certificate, yet speaks kAlpnHttp2 as members do.
  static std::unique_ptr<const TlsContext> Stranger(Verifier verifier) {
    return absl::WrapUnique(new TlsContext(false, kAlpnHttp2, std::move(verifier), nullptr));
  }
};

}  // namespace trellis::tls

#endif  // TRELLIS_NODE_TLS_TLS_TESTING_H_
