// SPDX-License-Identifier: MIT
// What people ask the service for, as JSON, turned into jobs. Whatever is wrong is an Error(Config) naming thing, value, rule.
#pragma once

#include <string>
#include <vector>

#include "job_record.hpp"
#include "roots.hpp"

namespace meha {

struct Submission {
  JobRecord job;
  std::string config;  // resolved: every file without links; empty: the command needs none
};

/// Reads {"config": TOML, …} or {"clean": {"doubtful": FILE, …}, …}. @param slots  that a job may take
Submission submission_of(const std::string& body, const DataRoots& roots, Index slots);

/// Of a request that says nothing further: {}, or no body.
void expect_no_members(const std::string& body);

/// Options that a job is to be resumed with.
struct ResumeRequest {
  std::vector<std::string> settings = {};
  Index iterations = 0;  // to complete; 0: not known
};
/// Reads {"set": {"run.iterations": 100}}. @param config  of the job's run; empty: it has none
ResumeRequest resume_request_of(const std::string& body, const JobRecord& job, const std::string& config);

}  // namespace meha
