// SPDX-License-Identifier: MIT
// Jobs as the service tells of them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "job_record.hpp"
#include "spool.hpp"

namespace meha {

/// The files of a job that people may fetch.
const std::vector<std::string>& names_of_files();
/// Where one of them stands.
std::string path_of_file(const Spool& spool, Index id, const std::string& name);

/// A job with its progress, the files that are there, and the end of what it has said.
std::string json_of_job(const JobRecord& job, const Spool& spool);
/// {"jobs": […], "counts": {state: n}, "slots": n}
std::string json_of_jobs(const std::vector<JobRecord>& jobs, const std::map<JobState, Index>& counts,
                         const Spool& spool, Index slots);
/// A line of a list, as events bring it.
std::string json_line_of_job(const JobRecord& job, const Spool& spool);
/// {"metrics": […], "last": iteration}: reports after an iteration, the oldest first.
std::string json_of_metrics(const Spool& spool, Index id, Index since);

}  // namespace meha
