// SPDX-License-Identifier: MIT
#include "meha/core/status.hpp"

namespace meha {

std::string_view name(Status status) {
  switch (status) {
    case Status::Finished:
      return "finished";
    case Status::Converged:
      return "converged";
    case Status::ErrorReached:
      return "error_reached";
    case Status::NoProgress:
      return "no_progress";
    case Status::Stopped:
      return "stopped";
    case Status::TimeLimit:
      return "time_limit";
    case Status::NotFinite:
      return "not_finite";
    case Status::Unbalanced:
      return "unbalanced";
  }
  return "";
}

std::string_view sentence(Status status) {
  switch (status) {
    case Status::Finished:
      return "all iterations are done";
    case Status::Converged:
      return "the residual is not above run.stop_residual";
    case Status::ErrorReached:
      return "the errors of x and y are not above run.stop_error";
    case Status::NoProgress:
      return "the residual, or what is chosen by held-out rows, has not become better for run.stop_no_progress "
             "iterations";
    case Status::Stopped:
      return "stopped on request after writing a checkpoint; resume to go on";
    case Status::TimeLimit:
      return "run.time_limit_s reached; a checkpoint was written; resume to go on";
    case Status::NotFinite:
      return "a value became infinite, not a number, or too large to sum; checkpoints hold finite values only. "
             "Lower algorithm.alpha, beta or eta, or raise algorithm.penalty.c";
    case Status::Unbalanced:
      return "ranks wait for slower ones: a checkpoint was written, rows are dealt out anew";
  }
  return "";
}

ExitCode exit_code(Status status) {
  switch (status) {
    case Status::Finished:
    case Status::Converged:
    case Status::ErrorReached:
    case Status::NoProgress:
      return ExitCode::Finished;
    case Status::Stopped:
    case Status::TimeLimit:
    case Status::Unbalanced:
      return ExitCode::Stopped;
    case Status::NotFinite:
      return ExitCode::NotFinite;
  }
  return ExitCode::Bug;
}

}  // namespace meha
