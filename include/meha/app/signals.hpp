// SPDX-License-Identifier: MIT
// SIGUSR1: checkpoint and go on; before the first iteration, as soon as it begins.
// SIGUSR2, SIGTERM, SIGINT, and SIGHUP without nohup: checkpoint and stop with exit code 75.
// A second SIGINT: end at once with exit code 130.  SIGPIPE, when nobody reads the output any more: go on.
#pragma once

namespace meha {

/// Installs the handlers, for the whole process. Until keep_stop_requests() a request to stop ends the process, and with
/// it the job, at once with exit code 75: nothing could be lost.
/// @param is_speaker  whether this rank tells people      @param is_alone  one rank: of several, all get SIGTERM when one
/// has ended the job, which then has said why
void install_signal_handlers(bool is_speaker, bool is_alone);
/// Switches to graceful mode: from now on handlers only set a flag, which the run loop polls with stop_requested().
void keep_stop_requests();
/// Whether a stop was asked for; stays true.
bool stop_requested();
/// Who answers a request for a checkpoint: nobody yet, so that it waits; the run loop; nobody any more, as the last
/// checkpoint is of the last iteration. Where nobody answers at once, the program says what becomes of the request.
enum class CheckpointRequests : int { Wait, Answered, Late };
void set_checkpoint_requests(CheckpointRequests now);
/// Whether a checkpoint was asked for since the last call; false while requests wait.
bool take_checkpoint_request();

}  // namespace meha
