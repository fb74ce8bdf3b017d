// SPDX-License-Identifier: MIT
// Which program this is.
#pragma once

namespace meha {

/// "0.1.0"
const char* version();
/// Commit it was configured from, "-dirty" when changed; "unknown" outside a repository.
const char* git_commit();

}  // namespace meha
