// The errors users see about resources, by name: every interface says the same words.
//
// Codes: INVALID_ARGUMENT for a bad field, NOT_FOUND for a reference to nothing, ALREADY_EXISTS for
// what is taken, FAILED_PRECONDITION for what is in use. Sentences that the reference gives (1.4,
// 1.5, 1.8) are kept as they are, since clients match on them.
#ifndef TRELLIS_STORAGE_RESOURCE_ERRORS_H_
#define TRELLIS_STORAGE_RESOURCE_ERRORS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "storage/resource/names.h"

namespace trellis::resource {

// --- Fields ------------------------------------------------------------------------------------

// `rule.method: "GE T" is not a method; give ...`. `problem` follows the quoted value.
absl::Status BadField(absl::string_view field, absl::string_view value, absl::string_view problem,
                      absl::string_view give);
absl::Status MissingField(absl::string_view field, absl::string_view give);
absl::Status OutOfRange(absl::string_view field, int64_t value, int64_t min, int64_t max,
                        absl::string_view unit = "");
// A field that does not go with another choice: `why` is "a LAMBDA target group has none".
absl::Status FieldNotAllowed(absl::string_view field, absl::string_view why);

// --- References --------------------------------------------------------------------------------

absl::Status ReferenceMissing(absl::string_view field, absl::string_view name);

// --- Taken -------------------------------------------------------------------------------------

absl::Status DisplayNameTaken(Kind kind, absl::string_view display_name, absl::string_view holder);
absl::Status ListenerPortTaken(int port, absl::string_view holder);
absl::Status RulePriorityTaken(int priority, absl::string_view holder);
absl::Status VpcAlreadyAssociated(absl::string_view vpc, absl::string_view holder);
absl::Status AssociationExists(absl::string_view holder);
absl::Status CustomDomainTaken(absl::string_view domain, absl::string_view holder,
                               absl::string_view network);
absl::Status TargetGroupOfAnotherService(absl::string_view target_group, absl::string_view service);
absl::Status OneTargetOnly(absl::string_view target_group, absl::string_view type);

// --- In use ------------------------------------------------------------------------------------

// `association` is one of them.
absl::Status NetworkHasVpcs(absl::string_view network, absl::string_view association);
absl::Status NetworkHasServices(absl::string_view network, absl::string_view association);
absl::Status ServiceHasNetworks(absl::string_view service, absl::string_view association);
// Any other resource that `user` still needs.
absl::Status InUse(Kind kind, absl::string_view name, absl::string_view user,
                   absl::string_view what_to_do);

}  // namespace trellis::resource

#endif  // TRELLIS_STORAGE_RESOURCE_ERRORS_H_
