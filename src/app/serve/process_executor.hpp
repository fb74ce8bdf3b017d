// SPDX-License-Identifier: MIT
// Lives as processes of this machine: each a launch/until-done, which starts the program on ranks of this machine, or by ssh
// on those of a list of hosts.
#pragma once

#include "executor.hpp"
#include "hosts.hpp"

namespace meha {

class ProcessExecutor : public Executor {
 public:
  /// @param hosts  empty: this machine
  ProcessExecutor(const Spool& spool, Tools tools, std::vector<Host> hosts)
      : spool_(spool), tools_(std::move(tools)), hosts_(std::move(hosts)) {}

  bool prepare(JobRecord& job, const std::vector<JobRecord>& taken) const override;
  std::unique_ptr<Life> start(JobRecord& job) override;
  std::unique_ptr<Life> find(const JobRecord& job) override;

 private:
  const Spool& spool_;
  Tools tools_;
  std::vector<Host> hosts_;
};

}  // namespace meha
