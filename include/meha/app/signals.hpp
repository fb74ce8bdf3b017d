// SPDX-License-Identifier: MIT
// SIGUSR1: checkpoint and go on.  SIGUSR2, SIGTERM, SIGINT, and SIGHUP without nohup: checkpoint and stop with exit code
// 75.  A second SIGINT: end at once with exit code 130.  SIGPIPE, when nobody reads the output any more: go on.
#pragma once

namespace meha {

/// Installs the handlers, for the whole process. Until keep_stop_requests() a request to stop ends the process, and with
/// it the job, at once with exit code 75: nothing could be lost.
/// @param is_speaker  whether this rank tells people
void install_signal_handlers(bool is_speaker);
/// From now on there is something to save: who works on it asks stop_requested() now and then.
void keep_stop_requests();
/// Whether a stop was asked for; stays true.
bool stop_requested();
/// Whether a checkpoint was asked for since the last call.
bool take_checkpoint_request();

}  // namespace meha
