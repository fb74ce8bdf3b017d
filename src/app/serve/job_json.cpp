// SPDX-License-Identifier: MIT
#include "job_json.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

namespace meha {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t report_bytes = 16U << 10U;  // of the longest line of metrics.jsonl
constexpr std::size_t reports_bytes = 8U << 20U;  // that are looked through
constexpr std::size_t log_bytes = 8U << 10U;
constexpr std::size_t most_reports = 5000;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string last_report(const Spool& spool, Index id) {
  std::string text = tail_of(path_of_file(spool, id, "metrics.jsonl"), report_bytes);
  if (text.empty()) {
    return {};
  }
  text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

Json progress_of(const JobRecord& job, const Spool& spool) {
  const Json report = Json::parse(last_report(spool, job.id), nullptr, false);
  const bool is_there = report.is_object() && report.contains("iteration") && report["iteration"].is_number_integer();
  Json progress = {{"iteration", is_there ? report["iteration"] : Json()},
                   {"iterations", job.iterations > 0 ? Json(job.iterations) : Json()},
                   {"share", Json()}};
  if (job.state == JobState::Finished) {
    progress["share"] = 1;
  } else if (job.iterations > 0) {
    const double share = is_there ? report["iteration"].get<double>() / static_cast<double>(job.iterations) : 0;
    progress["share"] = std::clamp(share, 0.0, 1.0);
  }
  return progress;
}

Json time_of(double time) {
  return time > 0 ? Json(time) : Json();
}

Json line_of(const JobRecord& job, const Spool& spool) {
  return {{"id", job.id},
          {"name", job.name},
          {"kind", job.words.empty() ? "" : job.words.front()},
          {"state", name(job.state)},
          {"code", job.code ? Json(*job.code) : Json()},
          {"message", job.message},
          {"ranks", job.ranks},
          {"priority", job.priority},
          {"created", job.created},
          {"started", time_of(job.started)},
          {"ended", time_of(job.ended)},
          {"starts", job.starts},
          {"place", job.place},
          {"progress", progress_of(job, spool)}};
}

bool is_regular(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

const std::vector<std::string>& names_of_files() {
  static const std::vector<std::string> names = {"result.h5",   "metrics.jsonl", "run.log",     "suspects.csv",
                                                 "cleaned.csv", "report.html",   "config.toml", "output.log"};
  return names;
}

std::string path_of_file(const Spool& spool, Index id, const std::string& name) {
  return name == "output.log" ? spool.output(id) : spool.run(id) + "/" + name;
}

std::string json_line_of_job(const JobRecord& job, const Spool& spool) {
  return text_of(line_of(job, spool));
}

std::string json_of_job(const JobRecord& job, const Spool& spool) {
  Json json = line_of(job, spool);
  json["settings"] = job.settings;
  json["files"] = Json::array();
  for (const std::string& name : names_of_files()) {
    if (is_regular(path_of_file(spool, job.id, name))) {
      json["files"].push_back(name);
    }
  }
  const Json report = Json::parse(last_report(spool, job.id), nullptr, false);
  json["metrics"] = report.is_object() ? report : Json();
  json["log"] = tail_of(spool.output(job.id), log_bytes);
  return text_of(json) + "\n";
}

std::string json_of_jobs(const std::vector<JobRecord>& jobs, const std::map<JobState, Index>& counts,
                         const Spool& spool, Index slots) {
  Json all = {{"jobs", Json::array()}, {"counts", Json::object()}, {"slots", slots}};
  for (const JobRecord& job : jobs) {
    if (job.state != JobState::Deleting) {
      all["jobs"].push_back(line_of(job, spool));
    }
  }
  for (const auto& [state, n] : counts) {
    if (state != JobState::Deleting) {
      all["counts"][std::string(name(state))] = n;
    }
  }
  return text_of(all) + "\n";
}

std::string json_of_metrics(const Spool& spool, Index id, Index since) {
  std::istringstream lines(tail_of(path_of_file(spool, id, "metrics.jsonl"), reports_bytes));
  Json reports = Json::array();
  Index last = since;
  for (std::string line; reports.size() < most_reports && std::getline(lines, line);) {
    Json report = Json::parse(line, nullptr, false);
    const bool is_one = report.is_object() && report.contains("iteration") && report["iteration"].is_number_integer();
    if (is_one && report["iteration"].get<Index>() > since) {
      last = report["iteration"].get<Index>();
      reports.push_back(std::move(report));
    }
  }
  return text_of({{"metrics", reports}, {"last", last}}) + "\n";
}

}  // namespace meha
