// SPDX-License-Identifier: MIT
#include "executor.hpp"

#include "meha/io/run_directory.hpp"

namespace meha {

std::vector<std::string> command_of(const JobRecord& job, const Spool& spool, const std::string& program) {
  const std::string directory = spool.run(job.id);
  std::vector<std::string> words = {program};
  const bool is_run = job.words.front() == "run";
  if (is_run && RunDirectory(directory).has_checkpoints()) {
    words.insert(words.end(), {"resume", directory});
  } else {
    words.insert(words.end(), job.words.begin(), job.words.end());
    if (is_run) {
      words.push_back(spool.config(job.id));
    }
    words.insert(words.end(), {"--out", directory});
  }
  for (const std::string& setting : job.settings) {
    words.insert(words.end(), {"--set", setting});
  }
  return words;
}

}  // namespace meha
