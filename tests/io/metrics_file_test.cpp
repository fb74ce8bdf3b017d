// SPDX-License-Identifier: MIT
#include "meha/io/metrics_file.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/errors.hpp"
#include "support/scratch.hpp"

namespace meha {
namespace {

Metrics metrics_of(Index iteration, Real f1) {
  Metrics metrics{.iteration = iteration, .values = {}};
  metrics.set("f1", f1);
  metrics.set("upper_value", 1.0 / 3);
  return metrics;
}

std::vector<Index> iterations(const History& lines) {
  std::vector<Index> found;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    found.push_back(lines.iteration(i));
  }
  return found;
}

TEST(JsonLine, FollowsTheTableAndKeepsEveryDigit) {
  EXPECT_EQ(json_line(metrics_of(20, 0.5)), R"({"iteration":20,"upper_value":0.3333333333333333,"f1":0.5})");
  EXPECT_EQ(json_line(metrics_of(20, NAN)), R"({"iteration":20,"upper_value":0.3333333333333333})");
}

TEST(MetricsFile, WritesOneLinePerIterationAndReadsThemBack) {
  const Scratch scratch;
  const std::string path = scratch.file("metrics.jsonl");
  MetricsFile file(path, {});
  EXPECT_EQ(content_of(path), "");
  file.put(metrics_of(0, 0.1));
  file.put(metrics_of(20, 0.2));
  file.sync();
  EXPECT_EQ(content_of(path), json_line(metrics_of(0, 0.1)) + "\n" + json_line(metrics_of(20, 0.2)) + "\n");
  const auto lines = read_metrics(path);
  EXPECT_EQ(iterations(lines), (std::vector<Index>{0, 20}));
  EXPECT_EQ(lines[1].find("f1"), 0.2);
  EXPECT_EQ(lines[1].find("upper_value"), 1.0 / 3);
}

TEST(MetricsFile, ALineOfTheLastIterationReplacesIt) {
  const Scratch scratch;
  MetricsFile file(scratch.file("metrics.jsonl"), {});
  file.put(metrics_of(0, 0.1));
  file.put(metrics_of(20, 0.2));
  file.put(metrics_of(20, 0.3));
  file.put(metrics_of(40, 0.4));
  const auto lines = read_metrics(scratch.file("metrics.jsonl"));
  EXPECT_EQ(iterations(lines), (std::vector<Index>{0, 20, 40}));
  EXPECT_EQ(lines[1].find("f1"), 0.3);
  EXPECT_EQ(iterations(file.history()), iterations(lines));
}

TEST(MetricsFile, StartsAnewFromTheHistoryItGoesOnFrom) {
  const Scratch scratch;
  const std::string path =
      write_file(scratch.file("metrics.jsonl"), json_line(metrics_of(0, 0.9)) + "\n{\"iteration\":60,\"f");
  MetricsFile file(path, {metrics_of(0, 0.1), metrics_of(20, 0.2)});
  EXPECT_EQ(iterations(read_metrics(path)), (std::vector<Index>{0, 20}));
  EXPECT_EQ(read_metrics(path)[0].find("f1"), 0.1);
  file.put(metrics_of(20, 0.5));
  EXPECT_EQ(iterations(read_metrics(path)), (std::vector<Index>{0, 20}));
}

TEST(MetricsFile, ATornLastLineIsIgnored) {
  const Scratch scratch;
  const std::string first = json_line(metrics_of(0, 0.1)) + "\n";
  const std::string second = json_line(metrics_of(20, 0.2));
  for (std::size_t n = 0; n < second.size(); ++n) {
    const auto lines = read_metrics(write_file(scratch.file("metrics.jsonl"), first + second.substr(0, n)));
    EXPECT_EQ(iterations(lines), std::vector<Index>{0}) << n;
  }
  EXPECT_TRUE(read_metrics(scratch.file("missing.jsonl")).empty());
}

TEST(MetricsFile, WhatIsNoLineOfOursEndsTheReading) {
  const Scratch scratch;
  for (const char* odd : {R"({"iteration":"20"})", R"({"iteration":null})", R"({"iteration":2.5})", R"([20])", "20"}) {
    const std::string text = json_line(metrics_of(0, 0.1)) + "\n" + odd + "\n";
    EXPECT_EQ(iterations(read_metrics(write_file(scratch.file("metrics.jsonl"), text))), std::vector<Index>{0}) << odd;
  }
}

TEST(MetricsFile, NamesAFileThatCannotBeWritten) {
  const Scratch scratch;
  EXPECT_TRUE(
      fails([&] { MetricsFile(scratch.file("no/metrics.jsonl"), {}); }, ExitCode::Checkpoint, {"no/metrics.jsonl"}));
}

}  // namespace
}  // namespace meha
