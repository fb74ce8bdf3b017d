// SPDX-License-Identifier: MIT
// meha submit, jobs, watch, cancel, fetch: what the service's page does, from a terminal.

#include <array>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "meha/app/setup.hpp"
#include "meha/app/verbs.hpp"
#include "meha/core/error.hpp"
#include "meha/core/hash.hpp"
#include "meha/data/cell.hpp"
#include "meha/io/config.hpp"
#include "meha/io/durable.hpp"
#include "guard.hpp"
#include "http.hpp"

namespace meha {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::chrono::milliseconds pause(500);  // between looks at a job
constexpr int most_failures = 20;                // to reach the service, in a row, while a job is watched

HttpClient client_of(const ClientArguments& a) {
  return {a.server, a.token_file.empty() ? "" : read_token(a.token_file)};
}

/// Errors: Error(Config) with what the service says of a request that it refuses, Error(Data) where it is no service.
Json expect_json(const ClientArguments& a, const HttpAnswer& answer) {
  Json json = Json::parse(answer.body, nullptr, false);
  constexpr int first_error = 400;
  if (answer.status >= first_error && json.is_object() && json.contains("error")) {
    throw Error(ExitCode::Config, a.server + ": " + json["error"].get<std::string>());
  }
  if (answer.status >= first_error || !json.is_object()) {
    throw Error(ExitCode::Data,
                a.server + ": answers like no meha serve (status " + std::to_string(answer.status) + ")");
  }
  return json;
}

std::string path_of(const ClientArguments& a, const std::string& more = {}) {
  return "/api/jobs/" + std::to_string(a.job) + more;
}

std::string share_of(const Json& job) {
  const Json& share = job.at("progress").at("share");
  constexpr double all = 100;
  return share.is_null() ? "" : std::to_string(static_cast<int>(all * share.get<double>())) + " %";
}

/// One line: number, state, progress, ranks, name.
std::string line_of(const Json& job) {
  std::array<char, 64> head{};
  std::snprintf(head.data(), head.size(), "%6lld  %-8s  %5s  %3lld  ", job.at("id").get<long long>(),
                job.at("state").get<std::string>().c_str(), share_of(job).c_str(), job.at("ranks").get<long long>());
  const std::string message = job.at("message").get<std::string>();
  return head.data() + printable(job.at("name").get<std::string>()) +
         (message.empty() ? "" : ": " + printable(message));
}

/// Sends the file under a name that tells its content. @return the name
std::string upload(const ClientArguments& a, const std::string& path) {
  const std::string content = read_text(path, ExitCode::Data);
  Hasher hasher;
  hasher.add(std::as_bytes(std::span(content)));
  std::string name = hasher.hex() + "-";
  for (const char c : fs::path(path).filename().string()) {
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' ? c : '_';
  }
  constexpr int conflict = 409;  // it is there already
  const HttpAnswer answer = client_of(a).call("PUT", "/api/files/" + name, content, "application/octet-stream");
  if (answer.status != conflict) {
    expect_json(a, answer);
  }
  return name;
}

/// The config with settings, its files as the service is to find them.
std::string config_to_send(const ClientArguments& a, const std::vector<std::string>& settings) {
  Options options = options_of_config(a.config, settings);
  std::string text = write_config(options);
  if (a.upload) {
    visit(options, [&](const OptionInfo&, auto& member) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(member)>, Path>) {
        member.value = member.empty() ? member.value : upload(a, member.value);
      }
    });
    text = write_config(options);
  }
  return text;
}

Json job_now(const ClientArguments& a, int& n_failures) {
  try {
    Json job = expect_json(a, client_of(a).call("GET", path_of(a)));
    n_failures = 0;
    return job;
  } catch (const Error& error) {  // the service may be starting anew
    if (error.code() != ExitCode::Data || ++n_failures > most_failures) {
      throw;
    }
    return {};
  }
}

ExitCode watch(const ClientArguments& a) {
  std::string said;
  for (int n_failures = 0;; std::this_thread::sleep_for(pause)) {
    const Json job = job_now(a, n_failures);
    if (job.is_null()) {
      continue;
    }
    const Json& metrics = job.at("metrics");
    std::string line = line_of(job);
    for (const char* name : {"upper_value", "residual", "detection_auroc", "test_accuracy"}) {
      if (metrics.is_object() && metrics.contains(name) && metrics[name].is_number()) {
        line += std::string("  ") + name + " " + metrics[name].dump();
      }
    }
    if (line != said) {
      std::cout << line << std::endl;
      said = line;
    }
    const std::string state = job.at("state");
    if (state == "finished" || state == "failed" || state == "stopped") {
      return static_cast<ExitCode>(job.at("code").is_number_integer() ? job.at("code").get<int>() : 0);
    }
  }
}

}  // namespace

ExitCode submit_verb(const Arguments& arguments) {
  ClientArguments a = arguments.client;
  Json request = {{"config", config_to_send(a, arguments.settings)}, {"ranks", a.ranks}, {"priority", a.priority}};
  if (!a.name.empty()) {
    request["name"] = a.name;
  }
  const Json job = expect_json(a, client_of(a).call("POST", "/api/jobs", request.dump()));
  a.job = job.at("id").get<Index>();
  std::cout << a.job << std::endl;
  return a.watch ? watch(a) : ExitCode::Finished;
}

ExitCode jobs_verb(const Arguments& arguments) {
  const ClientArguments& a = arguments.client;
  const Json all = expect_json(a, client_of(a).call("GET", "/api/jobs?limit=1000"));
  for (const Json& job : all.at("jobs")) {
    std::cout << line_of(job) << '\n';
  }
  return ExitCode::Finished;
}

ExitCode watch_verb(const Arguments& arguments) {
  return watch(arguments.client);
}

ExitCode cancel_verb(const Arguments& arguments) {
  const ClientArguments& a = arguments.client;
  std::cout << line_of(expect_json(a, client_of(a).call("POST", path_of(a, "/cancel"), "{}"))) << '\n';
  return ExitCode::Finished;
}

ExitCode fetch_verb(const Arguments& arguments) {
  const ClientArguments& a = arguments.client;
  const std::string out = a.out.empty() ? a.file : a.out;
  if (fs::exists(out) && a.out.empty()) {
    throw Error(ExitCode::Config, out + ": is there already: choose --out");
  }
  DurableFile file(out);
  const HttpAnswer answer = client_of(a).get(path_of(a, "/files/" + a.file), [&](std::string_view part) {
    file.stream().write(part.data(), static_cast<std::streamsize>(part.size()));
    return file.stream().good();
  });
  if (answer.status != 200) {
    expect_json(a, answer);
  }
  file.finish();
  std::cout << out << '\n';
  return ExitCode::Finished;
}

}  // namespace meha
