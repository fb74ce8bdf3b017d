// SPDX-License-Identifier: MIT
#include "meha/core/activity.hpp"

namespace meha {

const char* name(Stage stage) {
  switch (stage) {
    case Stage::None:
      return "between two stages";
    case Stage::SetUp:
      return "set-up";
    case Stage::Compute:
      return "compute";
    case Stage::Allreduce:
      return "allreduce";
    case Stage::Update:
      return "update";
    case Stage::Evaluate:
      return "evaluate";
    case Stage::Checkpoint:
      return "checkpoint";
  }
  return "";
}

}  // namespace meha
