// SPDX-License-Identifier: MIT
// meha submit, jobs, watch, cancel, fetch: what the service's page does, from a terminal.
#include <iostream>

#include "meha/app/verbs.hpp"

namespace meha {

ExitCode submit_verb(const Arguments& /*arguments*/) {
  throw Error(ExitCode::Config, "not there yet");
}
ExitCode jobs_verb(const Arguments& arguments) {
  return submit_verb(arguments);
}
ExitCode watch_verb(const Arguments& arguments) {
  return submit_verb(arguments);
}
ExitCode cancel_verb(const Arguments& arguments) {
  return submit_verb(arguments);
}
ExitCode fetch_verb(const Arguments& arguments) {
  return submit_verb(arguments);
}

}  // namespace meha
