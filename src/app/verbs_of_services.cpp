// SPDX-License-Identifier: MIT
// Options of meha serve and of its clients.
#include "command_line.hpp"

namespace meha {
namespace {

constexpr Index most_slots = 100000;  // of a service, whose ranks may be on many machines

void add_serve(CommandLine& line) {
  ServeArguments& a = line.arguments.serve;
  CLI::App* serve =
      line.add("serve", "a service that queues jobs and runs them: HTTP, and a page to look at", serve_verb);
  serve->add_option("--spool", a.spool, "folder of its jobs; made where missing")->required();
  serve->add_option("--listen", a.listen, "ADDRESS:PORT; port 0: any")->capture_default_str();
  serve->add_option("--slots", a.slots, "ranks at a time, of all jobs together; default: one for each processor")
      ->check(CLI::Range(Index{1}, most_slots));
  serve->add_option("--engine", a.engine, "what runs the jobs: local, or slurm (sbatch)")
      ->check(CLI::IsMember({"local", "slurm"}))
      ->capture_default_str();
  serve->add_option("--hostfile", a.hostfile, "hosts for the ranks, by ssh: lines like nodeA slots=8");
  serve->add_option("--token-file", a.token_file,
                    "file of mode 0600 with the token that requests must bring; needed beyond this machine");
  serve->add_option("--roots", a.roots, "folders that data may be read from, besides what is uploaded");
  serve->add_option("--rate", a.rate, "requests a second that an address may make, ten times as many at once; 0: any")
      ->check(CLI::Range(Index{0}, Index{1000000}))
      ->capture_default_str();
  serve->add_option("--upload-mib", a.upload_mib, "of an uploaded file, at most")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

void add_clients(CommandLine& line) {
  ClientArguments& a = line.arguments.client;
  CLI::App* submit = line.add("submit", "hand a run to a service", submit_verb);
  CLI::App* jobs = line.add("jobs", "the jobs of a service", jobs_verb);
  CLI::App* watch = line.add("watch", "follow a job of a service; ends with its exit code", watch_verb);
  CLI::App* cancel = line.add("cancel", "ask a job of a service for a checkpoint and its end", cancel_verb);
  CLI::App* fetch = line.add("fetch", "a file of a job of a service", fetch_verb);
  for (CLI::App* command : {submit, jobs, watch, cancel, fetch}) {
    command->add_option("--server", a.server, "its address")->envname("MEHA_SERVER")->capture_default_str();
    command->add_option("--token-file", a.token_file, "file with its token");
  }
  for (CLI::App* command : {watch, cancel, fetch}) {
    command->add_option("job", a.job, "number of the job")->required()->check(CLI::PositiveNumber);
  }
  submit->add_option("config", a.config, "CONFIG.toml; its data must be where the service may read them")->required();
  submit->add_option("--ranks", a.ranks, "of the job")->check(CLI::Range(Index{1}, most_slots));
  submit->add_option("--priority", a.priority, "jobs of higher ones start first")
      ->check(CLI::Range(Index{-1000}, Index{1000}));
  submit->add_option("--name", a.name, "of the job; default: run.name");
  submit->add_flag("--upload", a.upload, "the data files, too");
  submit->add_flag("--watch", a.watch, "and follow it");
  add_settings(submit, line.arguments.settings);
  fetch->add_option("file", a.file, "its name")->capture_default_str();
  fetch->add_option("--out", a.out, "file to write; default: the same name here");
}

}  // namespace

void add_verbs_of_services(CommandLine& line) {
  add_serve(line);
  add_clients(line);
}

}  // namespace meha
