// SPDX-License-Identifier: MIT
// A job from one distribution of rows to the next, or to its end.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "meha/app/balance.hpp"
#include "meha/app/job.hpp"
#include "meha/app/labels.hpp"
#include "meha/app/origin.hpp"
#include "meha/app/setup.hpp"
#include "meha/io/progress_bar.hpp"
#include "meha/io/recorder.hpp"
#include "meha/problem/problem.hpp"
#include "meha/solver/label_answer.hpp"

namespace meha {

/// A job with its rows dealt out once: from the first read to result.h5, or until rows are to be dealt out anew.
class Job {
 public:
  /// @param plan  the same on all ranks     @param old_stop_file  to be removed; empty: none
  Job(JobPlan& plan, Communicator& comm, Balance& balance, const std::function<Requests()>& poll,
      const std::string& old_stop_file, const SeeRows& see_rows)
      : plan_(plan),
        comm_(comm),
        balance_(balance),
        poll_(poll),
        old_stop_file_(old_stop_file),
        see_rows_(see_rows),
        options_(plan.options),
        directory_(plan.directory) {}

  /// @return nothing where rows are to be dealt out anew: then the plan says how to go on. Collective.
  std::optional<ExitCode> run();

 private:
  void find_checkpoint();
  void deal_rows();
  void check_origin();
  void make_oracle();
  void choose_steps();
  void begin_record();
  void restore();
  void announce();
  Status iterate();
  void prepare_next_deal();
  Status judge_labels(Status status);
  Status compare_with_search(Status status, Index iterations);
  ExitCode finish(Status status);
  [[nodiscard]] bool shows_rows() const {
    return see_rows_ && problem_->doubtful_labels() != nullptr && options_.comm.placement == "sharded";
  }
  void show_rows();
  [[nodiscard]] bool is_fresh() const { return origin_.file.empty(); }
  /// To people, on rank 0.
  void say(const std::string& text);
  /// Shows a bar while `work` runs, on rank 0.
  template <class Work>
  void with_bar(const char* what, Work&& work) {
    if (comm_.is_root()) {
      bar_.emplace(what);
    }
    work();
    bar_.reset();
  }

  JobPlan& plan_;
  Communicator& comm_;
  Balance& balance_;
  const std::function<Requests()>& poll_;
  const std::string& old_stop_file_;
  const SeeRows& see_rows_;
  Options options_;  // with everything chosen that the plan leaves open
  RunDirectory directory_;
  Origin origin_;  // its file and its iteration on all ranks, all else on rank 0
  Simd simd_ = Simd::Baseline;
  std::unique_ptr<Problem> problem_;
  std::string arithmetic_;
  std::optional<Oracle> oracle_;
  Index per_pass_ = 1;  // iterations
  ModelChoice model_;
  std::string pass_, steps_;  // sentences on what was chosen; empty: nothing was
  State start_;               // of a fresh run
  std::unique_ptr<Algorithm> algorithm_;
  std::optional<Recorder> recorder_;
  State state_;
  std::optional<ProgressBar> bar_;
  std::function<void(Real)> progress_ = [this](Real part) {
    if (bar_) {
      bar_->show(part);
    }
  };
  Answer labels_;
  std::string labels_text_;
  Metrics comparison_;
};

}  // namespace meha
