// SPDX-License-Identifier: MIT
// Lives as jobs of Slurm: each is handed to sbatch with launch/slurm.sbatch, which goes on after the time limit and, where
// Slurm queues it again, after the failure of a node. All machines must see the spool at the same path.
//
// Before sbatch starts, the store has the name that the Slurm job will have, and then its number, which sbatch leaves in a
// file. An engine that finds only the name waits until that sbatch has ended, and asks Slurm for a job of this name before
// anything is submitted again. Should Slurm learn of the first one later still, --dependency=singleton keeps jobs of one
// name from running at the same time.
#pragma once

#include "executor.hpp"
#include "slurm.hpp"

namespace meha {

class SlurmExecutor : public Executor {
 public:
  /// Errors: Error(Config) where Slurm's commands are not on PATH.
  SlurmExecutor(const Spool& spool, Tools tools) : spool_(spool), tools_(std::move(tools)) {}

  bool prepare(JobRecord& job, const std::vector<JobRecord>& taken) const override;
  std::unique_ptr<Life> start(JobRecord& job) override;
  std::unique_ptr<Life> find(const JobRecord& job) override;
  void look() override { slurm_.look(); }

 private:
  const Spool& spool_;
  Tools tools_;
  Slurm slurm_;
};

/// Whether the place of a life is a job of Slurm.
bool is_slurm_place(const std::string& place);

}  // namespace meha
