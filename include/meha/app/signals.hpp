// SPDX-License-Identifier: MIT
// SIGUSR1: checkpoint and go on.  SIGUSR2, SIGTERM, SIGINT: checkpoint and stop with exit code 75.
#pragma once

namespace meha {

/// Installs the handlers, for the whole process.
void install_signal_handlers();
/// Whether a stop was asked for; stays true.
bool stop_requested();
/// Whether a checkpoint was asked for since the last call.
bool take_checkpoint_request();

}  // namespace meha
