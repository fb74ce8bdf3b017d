// SPDX-License-Identifier: MIT
// meha serve: a process without MPI that keeps a queue of jobs on disk and runs them.
#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <thread>

#include "meha/app/verbs.hpp"
#include "meha/core/error.hpp"
#include "../local_ranks.hpp"
#include "api.hpp"
#include "process_executor.hpp"
#include "slurm_executor.hpp"

namespace meha {
namespace {

constexpr int n_threads = 96;  // each answers one request at a time, or holds a stream of events

/// Blocks the signals that end the service, in this thread and all that it will start.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR2}) {
    sigaddset(&signals, signal);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

Tools tools() {
  std::error_code error;
  Tools tools{.program = std::filesystem::read_symlink("/proc/self/exe", error).string(), .launch = launch_folder()};
  if (tools.launch.empty()) {
    throw Error(ExitCode::Config, tools.program + ": launch/until-done, which starts jobs, is not beside it");
  }
  return tools;
}

struct Engines {
  std::unique_ptr<Executor> executor;
  Index slots;  // ranks at a time
};

/// Errors: Error(Config).
Engines engines_of(const ServeArguments& a, const Spool& spool) {
  constexpr Index slots_of_slurm = 256;  // which has a queue of its own
  if (a.engine == "slurm") {
    if (!a.hostfile.empty()) {
      throw Error(ExitCode::Config, "--hostfile " + a.hostfile + ": --engine slurm gets its hosts from Slurm");
    }
    return {.executor = std::make_unique<SlurmExecutor>(spool, tools()),
            .slots = a.slots > 0 ? a.slots : slots_of_slurm};
  }
  Index n = std::max<Index>(1, std::thread::hardware_concurrency());
  std::vector<Host> hosts;
  if (!a.hostfile.empty()) {
    hosts = read_hosts(a.hostfile);
    n = 0;
    for (const Host& host : hosts) {
      n += host.slots;
    }
  }
  const Index slots = a.slots == 0 ? n : hosts.empty() ? a.slots : std::min(a.slots, n);
  return {.executor = std::make_unique<ProcessExecutor>(spool, tools(), std::move(hosts)), .slots = slots};
}

/// For as long as this process lives. Errors: Error(Checkpoint) where another service has the spool.
void take_spool(const Spool& spool) {
  if (lock_file(spool.service_lock()) < 0) {
    throw Error(ExitCode::Checkpoint, spool.path() + ": another meha serve has this spool");
  }
  spool.remove_parts();
}

}  // namespace

ExitCode serve_verb(const Arguments& arguments) {
  const ServeArguments& a = arguments.serve;
  mallopt(M_ARENA_MAX, 2);  // of glibc; one for each thread would keep memory that nobody uses
  const ListenAddress address = listen_address_of(a.listen);
  const Guard guard(a.token_file.empty() ? "" : read_token(a.token_file));
  if (!address.is_loopback() && a.token_file.empty()) {
    throw Error(ExitCode::Config,
                "--listen " + a.listen + ": other machines could reach the service: needs --token-file, or 127.0.0.1");
  }
  sigset_t signals = block_signals();
  std::signal(SIGPIPE, SIG_IGN);
  const Spool spool(a.spool);
  take_spool(spool);
  const DataRoots roots(spool.uploads(), a.roots);
  JobStore store(spool.database());
  Changes changes;
  const Engines engines = engines_of(a, spool);
  Engine engine(store, spool, *engines.executor, changes, tools().program, engines.slots);
  ApiLimits limits;
  limits.rate = a.rate;
  limits.upload = static_cast<std::size_t>(a.upload_mib) << 20U;
  Api api(store, engine, spool, roots, guard, changes, limits);
  const auto answer = [&](const HttpRequest& request) {
    constexpr std::size_t large = 64 << 10;
    HttpResponse response = api.answer(request);
    if (response.body.size() > large) {  // malloc keeps the many small pieces that it was made of
      malloc_trim(0);
    }
    return response;
  };
  HttpServer server(answer, n_threads);
  const int port = server.bind(address.host, address.port);
  std::cout << "meha serve: http://" << a.listen.substr(0, a.listen.rfind(':')) << ':' << port << ", jobs in "
            << spool.path() << std::endl;
  std::atomic<bool> has_ended = false;
  std::thread ender([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    changes.close();
    while (!has_ended) {  // a server that is about to begin cannot be stopped yet
      server.stop();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  server.run();
  has_ended = true;
  kill(getpid(), SIGTERM);  // where the server has ended by itself
  ender.join();
  std::cout << "meha serve: ended; jobs that run go on, and the next meha serve finds them" << std::endl;
  return ExitCode::Finished;
}

}  // namespace meha
