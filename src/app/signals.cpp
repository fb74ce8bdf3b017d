// SPDX-License-Identifier: MIT
#include "meha/app/signals.hpp"

#include <csignal>
#include <initializer_list>

namespace meha {
namespace {

volatile std::sig_atomic_t stop_signal = 0;
volatile std::sig_atomic_t checkpoint_signal = 0;

}  // namespace

void install_signal_handlers() {
  struct sigaction action = {};
  action.sa_flags = SA_RESTART;
  action.sa_handler = [](int) { stop_signal = 1; };
  for (const int signal : {SIGUSR2, SIGTERM, SIGINT}) {
    sigaction(signal, &action, nullptr);
  }
  action.sa_handler = [](int) { checkpoint_signal = 1; };
  sigaction(SIGUSR1, &action, nullptr);
}

bool stop_requested() {
  return stop_signal != 0;
}

bool take_checkpoint_request() {
  const bool requested = checkpoint_signal != 0;
  checkpoint_signal = 0;
  return requested;
}

}  // namespace meha
