// SPDX-License-Identifier: MIT
#include "meha/app/signals.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <initializer_list>
#include <string_view>

#include "meha/core/error.hpp"

namespace meha {
namespace {

constexpr int interrupted_code = 128 + SIGINT;

volatile std::sig_atomic_t stop_signal = 0;
volatile std::sig_atomic_t checkpoint_signal = 0;
volatile std::sig_atomic_t checkpoint_requests = static_cast<int>(CheckpointRequests::Wait);
volatile std::sig_atomic_t n_interrupts = 0;
volatile std::sig_atomic_t keeps_requests = 0;
volatile std::sig_atomic_t says_so = 0;
volatile std::sig_atomic_t is_alone = 1;

void say(std::string_view text) {
  if (says_so != 0) {
    [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
  }
}

void stop(int signal) {
  n_interrupts = n_interrupts + (signal == SIGINT ? 1 : 0);
  if (n_interrupts > 1) {
    say("meha: interrupted again: ended at once, without a checkpoint\n");
    std::_Exit(interrupted_code);
  }
  if (keeps_requests == 0) {
    if (signal != SIGTERM || is_alone != 0) {
      say("meha: asked to stop before there was anything to save\n");
    }
    std::_Exit(static_cast<int>(ExitCode::Stopped));
  }
  stop_signal = 1;
  if (signal == SIGINT) {
    say("meha: interrupted: finishing the iteration and writing a checkpoint; once more: ending at once\n");
  }
}

bool are(CheckpointRequests now) {
  return checkpoint_requests == static_cast<int>(now);
}

void ask_for_checkpoint(int /*signal*/) {
  checkpoint_signal = are(CheckpointRequests::Late) ? 0 : 1;
  if (are(CheckpointRequests::Wait)) {
    say("meha: asked for a checkpoint: the first iteration, which has not begun, writes it\n");
  } else if (are(CheckpointRequests::Late)) {
    say("meha: asked for a checkpoint: the newest is of the last iteration already; only the result is missing\n");
  }
}

}  // namespace

void install_signal_handlers(bool is_speaker, bool alone) {
  is_alone = alone ? 1 : 0;
  says_so = is_speaker ? 1 : 0;
  struct sigaction action = {};
  action.sa_flags = SA_RESTART;
  action.sa_handler = stop;
  for (const int signal : {SIGUSR2, SIGTERM, SIGINT, SIGHUP}) {
    struct sigaction before = {};
    sigaction(signal, &action, &before);
    if (signal == SIGHUP && before.sa_handler == SIG_IGN) {  // by nohup
      sigaction(signal, &before, nullptr);
    }
  }
  std::signal(SIGPIPE, SIG_IGN);  // when nobody reads what it prints any more, the run goes on
  action.sa_handler = ask_for_checkpoint;
  sigaction(SIGUSR1, &action, nullptr);
}

void keep_stop_requests() {
  keeps_requests = 1;
}

bool stop_requested() {
  return stop_signal != 0;
}

void set_checkpoint_requests(CheckpointRequests now) {
  checkpoint_requests = static_cast<int>(now);
}

bool take_checkpoint_request() {
  if (!are(CheckpointRequests::Answered)) {
    return false;
  }
  const bool requested = checkpoint_signal != 0;
  checkpoint_signal = 0;
  return requested;
}

}  // namespace meha
