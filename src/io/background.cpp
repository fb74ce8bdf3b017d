// SPDX-License-Identifier: MIT
#include "meha/io/background.hpp"

#include <csignal>
#include <string>
#include <system_error>
#include <utility>

namespace meha {

Background::~Background() {
  (void)wait();
}

void Background::start(std::function<void()> work) {
  require(!thread_.joinable(), "one piece of background work at a time");
  done_.store(false, std::memory_order_relaxed);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // the new thread inherits it: signals are the caller's business
  try {
    thread_ = std::thread([this, work = std::move(work)] {
      try {
        work();
      } catch (const std::exception& error) {
        failure_ = as_error(error);
      }
      done_.store(true, std::memory_order_release);
    });
  } catch (const std::system_error& error) {
    failure_ = Error(ExitCode::Checkpoint, std::string("no thread can be started: ") + error.what());
    done_.store(true, std::memory_order_relaxed);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

std::optional<Error> Background::wait() {
  if (thread_.joinable()) {
    thread_.join();
  }
  return std::exchange(failure_, std::nullopt);
}

}  // namespace meha
