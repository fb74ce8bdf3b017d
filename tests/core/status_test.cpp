// SPDX-License-Identifier: MIT
#include "meha/core/status.hpp"

#include <gtest/gtest.h>

#include <set>

namespace meha {
namespace {

TEST(Status, EachHasItsNameSentenceAndExitCode) {
  std::set<std::string_view> names;
  std::set<std::string_view> sentences;
  for (const Status status : {Status::Finished, Status::Stopped, Status::TimeLimit, Status::NotFinite}) {
    names.insert(name(status));
    sentences.insert(sentence(status));
  }
  EXPECT_EQ(names, (std::set<std::string_view>{"finished", "stopped", "time_limit", "not_finite"}));
  EXPECT_EQ(sentences.size(), 4U);
  EXPECT_EQ(exit_code(Status::Finished), ExitCode::Finished);
  EXPECT_EQ(exit_code(Status::Stopped), ExitCode::Stopped);
  EXPECT_EQ(exit_code(Status::TimeLimit), ExitCode::Stopped);
  EXPECT_EQ(exit_code(Status::NotFinite), ExitCode::NotFinite);
}

}  // namespace
}  // namespace meha
