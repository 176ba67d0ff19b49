// RETURN_IF_ERROR and ASSIGN_OR_RETURN: errors flow as values, one line a step.
//
//   RETURN_IF_ERROR(ValidateRule(rule));
//   ASSIGN_OR_RETURN(const Version version, catalog.Insert(rule));
#ifndef TRELLIS_BASE_STATUS_MACROS_H_
#define TRELLIS_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define RETURN_IF_ERROR(expression)                                         \
  do {                                                                      \
    if (absl::Status trellis_status_ = (expression); !trellis_status_.ok()) \
      return trellis_status_;                                               \
  } while (false)

#define ASSIGN_OR_RETURN(declaration, expression) \
  TRELLIS_ASSIGN_OR_RETURN_(TRELLIS_CONCAT_(trellis_statusor_, __LINE__), declaration, expression)

#define TRELLIS_ASSIGN_OR_RETURN_(statusor, declaration, expression) \
  auto statusor = (expression);                                      \
  if (!statusor.ok()) return std::move(statusor).status();           \
  declaration = *std::move(statusor)

#define TRELLIS_CONCAT_(a, b) TRELLIS_CONCAT_INNER_(a, b)
#define TRELLIS_CONCAT_INNER_(a, b) a##b

#endif  // TRELLIS_BASE_STATUS_MACROS_H_
