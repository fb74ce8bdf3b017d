// SPDX-License-Identifier: MIT
#include "api.hpp"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "meha/core/hash.hpp"
#include "meha/core/option.hpp"
#include "meha/data/cell.hpp"
#include "meha/io/config.hpp"
#include "assets.hpp"
#include "job_json.hpp"
#include "submission.hpp"

namespace meha {
namespace {

constexpr std::size_t longest_number = 15;  // digits

/// The words of a path between its slashes.
std::vector<std::string> words_of(const std::string& path) {
  std::vector<std::string> words;
  for (std::size_t begin = 1; begin <= path.size() && path.starts_with('/');) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    words.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

bool is_number(const std::string& text) {
  return !text.empty() && text.size() <= longest_number && text.find_first_not_of("0123456789") == std::string::npos;
}

/// Whether a path tells nothing of anybody's jobs.
bool is_open(const std::vector<std::string>& path) {
  return path.empty() || path[0].empty() || path[0] == "assets" || path[0] == "healthz" || path[0] == "openapi.json";
}

[[noreturn]] void refuse_path(const HttpRequest& request) {
  throw Refusal(404, toml(request.path.substr(0, 200)) + ": nothing is there; see /openapi.json");
}

/// @param method  GET: HEAD, too     @param further  methods that were looked for before, with a comma behind each
void expect_method(const HttpRequest& request, const std::string& method, const std::string& further = "") {
  if (request.method != method && !(method == "GET" && request.method == "HEAD")) {
    const std::string allowed = further + method + (method == "GET" ? ", HEAD" : "");
    throw Refusal(405, request.method + " " + request.path.substr(0, 200) + ": must be one of " + allowed, allowed);
  }
}

HttpResponse page_response(std::string_view text, const std::string& type) {
  HttpResponse response{.type = type, .body = std::string(text)};
  response.headers = {{"Content-Security-Policy",
                       "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
                       "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}};
  return response;
}

}  // namespace

Index query_number(const HttpRequest& request, const std::string& name, NumberRange range, Index otherwise) {
  const auto at = request.query.find(name);
  if (at == request.query.end()) {
    return otherwise;
  }
  const bool is_negative = at->second.starts_with('-');
  const std::string digits = at->second.substr(is_negative ? 1 : 0);
  const Index number = is_number(digits) ? (is_negative ? -1 : 1) * std::stoll(digits) : range.low - 1;
  if (number < range.low || number > range.high) {
    throw Refusal(400, name + " = " + toml(at->second.substr(0, 100)) + ": must be a whole number from " +
                           std::to_string(range.low) + " to " + std::to_string(range.high));
  }
  return number;
}

HttpResponse Api::answer(const HttpRequest& request) {
  HttpResponse response;
  const std::vector<std::string> path = words_of(request.path);
  try {
    const auto refused = refusal(request, path);
    response = refused ? *refused : route(request, path);
  } catch (const Refusal& error) {
    response = error_response(error.status(), error.what());
    if (!error.allowed().empty()) {
      response.headers.emplace_back("Allow", error.allowed());
    }
  } catch (const WrongState& error) {
    response = error_response(409, error.what());
  } catch (const Error& error) {
    const bool is_theirs = error.code() == ExitCode::Config || error.code() == ExitCode::Data;
    response = error_response(is_theirs ? 400 : 500, error.what());
  } catch (const std::exception& error) {
    response = error_response(500, as_error(error).what());
  }
  if (response.status >= 500) {
    std::cerr << "meha serve: " << printable(response.body) << std::flush;
  }
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

std::optional<HttpResponse> Api::refusal(const HttpRequest& request, const Words& path) {
  if (const Index wait_s = rate_.take(request.address); wait_s > 0) {
    auto response = error_response(429, "more than " + std::to_string(limits_.rate) + " requests a second (--rate)");
    response.headers.emplace_back("Retry-After", std::to_string(wait_s));
    return response;
  }
  return guard_.refusal(request, is_open(path));
}

HttpResponse Api::route(const HttpRequest& request, const Words& path) {
  const std::string first = path.empty() ? "" : path[0];
  if (first == "api") {
    return route_api(request, path);
  }
  if (path.size() == 2 && first == "assets") {
    expect_method(request, "GET");
    const auto asset = asset_named(path[1]);
    return asset ? page_response(asset->text, asset->type) : (refuse_path(request), HttpResponse());
  }
  if (path.size() > 1) {
    refuse_path(request);
  }
  if (first.empty()) {
    expect_method(request, "GET");
    return page_response(asset_named("page.html")->text, "text/html; charset=utf-8");
  }
  if (first == "healthz") {
    expect_method(request, "GET");
    (void)store_.counts();
    return {.body = "{\"status\": \"ok\"}\n"};
  }
  if (first == "openapi.json") {
    expect_method(request, "GET");
    return {.body = std::string(asset_named("openapi.json")->text)};
  }
  if (first == "metrics") {
    expect_method(request, "GET");
    return prometheus();
  }
  refuse_path(request);
}

HttpResponse Api::route_api(const HttpRequest& request, const Words& path) {
  if (path.size() == 2 && path[1] == "jobs") {
    if (request.method == "POST") {
      return submit(request);
    }
    expect_method(request, "GET", "POST, ");
    return list(request);
  }
  if (path.size() == 2 && path[1] == "events") {
    expect_method(request, "GET");
    return events();
  }
  if (path.size() == 2 && path[1] == "files") {
    expect_method(request, "GET");
    return list_uploads();
  }
  if (path.size() == 3 && path[1] == "files") {
    if (request.method == "DELETE") {
      return remove_upload(path[2]);
    }
    expect_method(request, "PUT", "DELETE, ");
    return upload(request, path[2]);
  }
  if (path.size() >= 3 && path[1] == "jobs") {
    return route_job(request, path);
  }
  refuse_path(request);
}

HttpResponse Api::route_job(const HttpRequest& request, const Words& path) {
  const JobRecord job = job_named(path[2]);
  const std::string what = path.size() > 3 ? path[3] : "";
  if (path.size() == 3) {
    if (request.method == "DELETE") {
      return remove(job);
    }
    expect_method(request, "GET", "DELETE, ");
    return show(job.id);
  }
  if (path.size() == 5 && what == "files") {
    expect_method(request, "GET");
    return file(job, path[4]);
  }
  if (path.size() == 4 && what == "metrics") {
    expect_method(request, "GET");
    return metrics(request, job);
  }
  if (path.size() == 4 && what == "cancel") {
    expect_method(request, "POST");
    expect_no_members(read_json(request));
    engine_.cancel(job.id);
    return show(job.id);
  }
  if (path.size() == 4 && what == "report") {
    expect_method(request, "POST");
    expect_no_members(read_json(request));
    engine_.make_report(job.id);
    return show(job.id, 202);
  }
  if (path.size() == 4 && what == "resume") {
    expect_method(request, "POST");
    return resume(request, job);
  }
  refuse_path(request);
}

JobRecord Api::job_named(const std::string& word) {
  const auto job = is_number(word) ? store_.get(std::stoll(word)) : std::nullopt;
  if (!job || job->state == JobState::Deleting) {
    throw Refusal(404, "job " + toml(word.substr(0, 100)) + ": no such job");
  }
  return *job;
}

/// Errors: Refusal unless the request says that it brings JSON, which pages of other sites cannot without being asked, and
/// is not too large.
std::string Api::read_json(const HttpRequest& request) const {
  const std::string type = request.header("Content-Type");
  if (type != "application/json" && !type.starts_with("application/json;")) {
    throw Refusal(415, "Content-Type = " + toml(type.substr(0, 100)) + ": must be application/json");
  }
  std::string body;
  const bool is_whole = request.read_body([&](std::string_view part) {
    body += part;
    return body.size() <= limits_.body;
  });
  if (body.size() > limits_.body) {
    throw Refusal(413, "the body: must have at most " + std::to_string(limits_.body) + " bytes");
  }
  if (!is_whole) {
    throw Refusal(400, "the body: has not arrived as a whole");
  }
  return body;
}

HttpResponse Api::submit(const HttpRequest& request) {
  const std::string body = read_json(request);
  const std::string key = request.header("Idempotency-Key");
  expect_plain_text("Idempotency-Key", key, 200);
  Hasher hasher;
  hasher.add(std::as_bytes(std::span(body)));
  const Submission wanted = submission_of(body, roots_, engine_.slots());
  Index n_jobs = 0;
  for (const auto& [state, n] : store_.counts()) {
    n_jobs += n;
  }
  if (n_jobs >= limits_.n_jobs) {
    throw Refusal(429, "there are " + std::to_string(n_jobs) + " jobs, as many as the service keeps: delete some");
  }
  const auto made = engine_.submit(wanted.job, wanted.config, {.key = key, .hash = hasher.hex()});
  return show(made.id, made.was_there ? 200 : 201);
}

HttpResponse Api::list(const HttpRequest& request) {
  constexpr Index most = 1000;
  const auto at = request.query.find("state");
  const auto state = at == request.query.end() ? std::nullopt : job_state_of(at->second);
  if (at != request.query.end() && !state) {
    throw Refusal(400, "state = " + toml(at->second.substr(0, 100)) +
                           ": must be queued, running, stopping, stopped, finished or failed");
  }
  const Index limit = query_number(request, "limit", {.low = 1, .high = most}, 100);
  const Index before = query_number(request, "before", {.low = 0, .high = largest_number}, 0);
  const auto jobs = store_.list(state, before, limit);
  return {.body = json_of_jobs(jobs, store_.counts(), spool_, engine_.slots())};
}

HttpResponse Api::show(Index id, int status) {
  const auto job = store_.get(id);
  if (!job) {
    throw Refusal(404, "job " + std::to_string(id) + ": was deleted");
  }
  return {.status = status, .body = json_of_job(*job, spool_)};
}

HttpResponse Api::resume(const HttpRequest& request, const JobRecord& job) {
  const std::string body = read_json(request);
  const std::string config = job.words.front() == "run" ? read_text(spool_.config(job.id), ExitCode::Checkpoint) : "";
  const ResumeRequest wanted = resume_request_of(body, job, config);
  engine_.resume(job.id, wanted.settings, wanted.iterations);
  return show(job.id);
}

HttpResponse Api::remove(const JobRecord& job) {
  engine_.remove(job.id);
  return {.body = "{}\n"};
}

}  // namespace meha
