// SPDX-License-Identifier: MIT
#include "meha/data/data_options.hpp"
#include "meha/problem/classifier.hpp"
#include "meha/io/config.hpp"
#include "meha/problem/cross_fit.hpp"
#include "meha/solver/meha.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/errors.hpp"
#include "support/other_options.hpp"
#include "support/scratch.hpp"

namespace meha {
namespace {

class Config : public testing::Test {
 protected:
  Options read(const std::string& text) const { return read_config(write_file(path, text)); }
  testing::AssertionResult refuses(const std::string& text, std::vector<std::string> said) const {
    return fails([&] { read(text); }, ExitCode::Config, said);
  }

  Scratch scratch;
  const std::string path = scratch.file("a_config.toml");
};

testing::AssertionResult setting_fails(const std::string& setting, const std::vector<std::string>& said) {
  Options options = all_options();
  return fails([&] { apply_settings(options, {setting}); }, ExitCode::Config, said);
}

TEST_F(Config, AnEmptyFileMeansDefaultsAndANameFromTheFile) {
  const auto differences = compare(Options(), read(""));
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_EQ(differences[0].name, "run.name");
  EXPECT_EQ(differences[0].after, "\"a_config\"");
}

TEST_F(Config, ReadsEveryKindOfValue) {
  const Options options = read(R"(
[run]
name = "mine"
iterations = 7
time_limit_s = 30
[problem]
refit = false
data = {class_names = ["a", "b"], n_train = 5}
[algorithm]
alpha = 2
beta = {a = 0.5, b = 2, power = -1}
eta = {per_row = 0.25}
penalty.c = 1.5
)");
  EXPECT_EQ(options.run.name, "mine");
  EXPECT_EQ(options.run.iterations, Count{7});
  EXPECT_EQ(options.run.time_limit_s, 30);
  EXPECT_FALSE(options.problem.of<LabelModelOptions>().refit);
  EXPECT_EQ(options.problem.of<DataOptions>().class_names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(options.problem.of<DataOptions>().n_train, 5);
  EXPECT_EQ(options.algorithm.alpha, constant(2));
  EXPECT_EQ(options.algorithm.beta, (Schedule{.kind = Schedule::Kind::Power, .a = 0.5, .b = 2, .power = -1}));
  EXPECT_EQ(options.algorithm.eta, (Schedule{.kind = Schedule::Kind::PerRow, .a = 0.25}));
  EXPECT_EQ(options.algorithm.of<MehaOptions>().penalty.c, 1.5);
  EXPECT_EQ(options.algorithm.of<MehaOptions>().penalty.p, MehaOptions().penalty.p);
}

TEST_F(Config, WhatWasWrittenReadsBackTheSame) {
  for (Options options : {Options(), other_options()}) {
    options.run.name = "name";
    for (const OptionDifference& difference : compare(options, read(write_config(options)))) {
      ADD_FAILURE() << difference.name << ": " << difference.before << " became " << difference.after;
    }
  }
}

TEST_F(Config, RefusesUnknownKeysAndListsTheNearest) {
  EXPECT_TRUE(refuses("[run]\nseed = 1\n\n[algorithm]\ngama = 2\n",
                      {"a_config.toml:5: algorithm.gama: unknown key; nearest are algorithm.gamma, "}));
  EXPECT_TRUE(refuses("[rum]\nseed = 1\n", {":1: rum: unknown key"}));
  EXPECT_TRUE(refuses("seed = 1\n", {":1: seed: unknown key", "run.seed"}));
  EXPECT_TRUE(refuses("[problem.data]\ntrain_images = \"x\"\n", {":2: problem.data.train_images", "train_features"}));
}

TEST_F(Config, RefusesQuotedKeysThatOnlyLookLikeATablesKey) {
  EXPECT_TRUE(refuses("\"run.seed\" = 1\n", {":1: run.seed: unknown key"}));
  EXPECT_TRUE(refuses("[algorithm]\n\"penalty.c\" = 1\n", {":2: algorithm.penalty.c: unknown key"}));
}

TEST_F(Config, RefusesWrongTypes) {
  EXPECT_TRUE(refuses("[run]\nseed = 1.5", {":2: run.seed = 1.5: must be a whole number"}));
  EXPECT_TRUE(refuses("[run]\nseed = \"1\"", {"run.seed", "must be a whole number"}));
  EXPECT_TRUE(refuses("[run]\nname = 3", {":2: run.name = 3: must be a string"}));
  EXPECT_TRUE(refuses("[problem]\nrefit = 1", {"problem.refit = 1: must be true or false"}));
  EXPECT_TRUE(refuses("[algorithm]\ngamma = \"big\"", {"algorithm.gamma", "must be a number"}));
  EXPECT_TRUE(refuses("[algorithm]\ngamma = true", {"algorithm.gamma", "must be a number"}));
  EXPECT_TRUE(refuses("[problem.data]\nclass_names = \"a\"", {"class_names", "must be a list of strings"}));
  EXPECT_TRUE(refuses("[problem]\nhidden = 300", {"problem.hidden = 300", "must be a list of whole numbers"}));
  EXPECT_TRUE(refuses("[problem]\nhidden = [30, 0]", {"problem.hidden = 0", "must be >= 1"}));
  EXPECT_TRUE(refuses("[problem]\nhidden = [30.5]", {"problem.hidden = 30.5", "must be a whole number"}));
  EXPECT_EQ(parse_config("[problem]\nhidden = [30, 20]", "mine.toml").problem.of<NetworkOptions>().hidden,
            (std::vector<Index>{30, 20}));
  EXPECT_TRUE(refuses("[problem.data]\nclass_names = [\"a\", 1]", {"class_names", "must be a list of strings"}));
  EXPECT_TRUE(refuses("[problem]\nhidden = 3", {"problem.hidden = 3: must be a list of whole numbers"}));
  EXPECT_TRUE(refuses("[problem]\nhidden = [3, 1.5]", {"problem.hidden = 1.5: must be a whole number"}));
  EXPECT_TRUE(refuses("[problem]\nhidden = [3, 0]", {"problem.hidden = 0: must be >= 1"}));
  EXPECT_TRUE(refuses("[problem.data]\ntrain_features = 1", {"train_features", "must be a string"}));
  EXPECT_TRUE(refuses("run = 3", {":1: run = 3: must be a table"}));
  EXPECT_TRUE(refuses("[algorithm]\npenalty = 0.5", {":2: algorithm.penalty = 0.5: must be a table"}));
  EXPECT_TRUE(refuses("[[run]]\nseed = 1", {"run", "must be a table"}));
}

TEST_F(Config, RefusesValuesOutOfRange) {
  EXPECT_TRUE(refuses("\n[algorithm]\ngamma = -1\n", {"a_config.toml:3: algorithm.gamma = -1: must be > 0"}));
  EXPECT_TRUE(refuses("[algorithm]\ngamma = inf", {"must be > 0"}));
  EXPECT_TRUE(refuses("[algorithm]\ngamma = nan", {"must be > 0"}));
  EXPECT_TRUE(refuses("[algorithm]\npenalty.p = 0.5", {"must be >= 0 and < 0.5"}));
  EXPECT_TRUE(refuses("[run]\nblock_rows = 0", {"must be >= 1"}));
  EXPECT_TRUE(refuses("[run]\nseed = 4294967296", {"must be < 2^32"}));
  EXPECT_TRUE(
      refuses("[run]\nprecision = \"float16\"", {"run.precision", "float16", "must be one of auto|float32|float64"}));
  EXPECT_TRUE(refuses("[checkpoint]\nkeep = 1", {"checkpoint.keep = 1: must be >= 2"}));
}

TEST_F(Config, RefusesSchedulesThatMeanNothing) {
  EXPECT_TRUE(refuses("[algorithm]\nalpha = -0.1", {"algorithm.alpha = -0.1: must be >= 0"}));
  EXPECT_TRUE(refuses("[algorithm]\nalpha = {a = -1}", {"algorithm.alpha.a = -1: must be >= 0"}));
  EXPECT_TRUE(refuses("[algorithm]\nalpha = {per_row = -1}", {"algorithm.alpha.per_row = -1: must be >= 0"}));
  EXPECT_TRUE(refuses("[algorithm]\nalpha = {b = 1}", {"algorithm.alpha", "needs a"}));
  EXPECT_TRUE(refuses("[algorithm]\nalpha = {a = 1, b = 0, power = -1}", {"algorithm.alpha.b", "must be > 0"}));
  EXPECT_TRUE(refuses("[algorithm]\nalpha = {a = 1, power = inf}", {"algorithm.alpha.power", "must be finite"}));
  EXPECT_TRUE(refuses("[algorithm]\nalpha = {per_row = 1, a = 1}", {"algorithm.alpha.a", "unknown key"}));
  EXPECT_TRUE(refuses("[algorithm]\nalpha = {a = 1, pow = 1}", {"algorithm.alpha.pow", "unknown key"}));
  EXPECT_TRUE(refuses("[algorithm]\nalpha = \"fast\"", {"algorithm.alpha", "must be a number"}));
}

TEST_F(Config, CountsIterationsOrPasses) {
  const Options options = read(
      "[run]\niterations = \"3 passes\"\nreport_every = \"1 pass\"\n[checkpoint]\nevery = 7\n"
      "[algorithm]\neta = {a = 0.1, power = -0.5, unit = \"pass\"}\n");
  EXPECT_EQ(options.run.iterations, (Count{3, true}));
  EXPECT_EQ(options.run.iterations.iterations(20), 60);
  EXPECT_EQ(options.run.report_every, (Count{1, true}));
  EXPECT_EQ(options.checkpoint.every, Count{7});
  EXPECT_EQ(options.checkpoint.every.iterations(20), 7);
  EXPECT_TRUE(options.algorithm.eta.in_passes);
  EXPECT_TRUE(refuses("[run]\niterations = \"passes\"", {"run.iterations = 'passes'", "like \"3 passes\""}));
  EXPECT_TRUE(refuses("[run]\niterations = \"3 epochs\"", {"run.iterations", "whole number", "\"3 passes\""}));
  EXPECT_TRUE(refuses("[run]\niterations = 1.5", {"run.iterations = 1.5: must be a whole number"}));
  EXPECT_TRUE(refuses("[run]\nreport_every = \"0 passes\"", {"run.report_every", "must be >= 1"}));
  EXPECT_TRUE(refuses("[algorithm]\neta = {a = 1, unit = \"epoch\"}", {"eta.unit", "iteration|pass"}));
}

TEST_F(Config, NamesTheLineOfASyntaxError) {
  EXPECT_TRUE(refuses("[run]\nseed = 1\nname = oops\n", {"a_config.toml:3: "}));
  EXPECT_TRUE(refuses("[run]\nseed = 1\nseed = 2\n", {"a_config.toml:3: "}));
  EXPECT_TRUE(
      fails([&] { read_config(scratch.file("missing.toml")); }, ExitCode::Config, {"missing.toml: no such file"}));
  EXPECT_TRUE(fails([&] { read_config(scratch.folder()); }, ExitCode::Config, {"no such file"}));
}

TEST_F(Config, PathsAreRelativeToTheConfig) {
  const Options options = read(
      "[problem.data]\ntrain_features = \"data/x.gz\"\ntrain_labels = \"../y.gz\"\ntest_features = \"/abs/z.gz\"\n"
      "test_labels = \"\"\n");
  const auto& data = options.problem.of<DataOptions>();
  EXPECT_EQ(data.train_features.value, scratch.file("data/x.gz"));
  EXPECT_EQ(data.train_labels.value, std::filesystem::path(scratch.folder()).parent_path().string() + "/y.gz");
  EXPECT_EQ(data.test_features.value, "/abs/z.gz");
  EXPECT_TRUE(data.test_labels.empty());
}

TEST(Settings, AreTomlElseAPlainString) {
  Options options = all_options();
  const auto names = apply_settings(options, {"run.iterations=7", "run.name=a plain name", "run.precision=\"float64\"",
                                              "problem.refit=false", "algorithm.alpha={a=1,b=2,power=-0.5}",
                                              "problem.data.class_names=[\"x\",\"y\"]", "algorithm.gamma = 5"});
  EXPECT_EQ(names, (std::vector<std::string>{"run.iterations", "run.name", "run.precision", "problem.refit",
                                             "algorithm.alpha", "problem.data.class_names", "algorithm.gamma"}));
  EXPECT_EQ(options.run.iterations, Count{7});
  EXPECT_EQ(options.run.name, "a plain name");
  EXPECT_EQ(options.run.precision, "float64");
  EXPECT_FALSE(options.problem.of<LabelModelOptions>().refit);
  EXPECT_EQ(options.algorithm.alpha, (Schedule{.kind = Schedule::Kind::Power, .a = 1, .b = 2, .power = -0.5}));
  EXPECT_EQ(options.problem.of<DataOptions>().class_names.size(), 2U);
  EXPECT_EQ(options.algorithm.of<MehaOptions>().gamma, 5);
}

TEST(Settings, TheLastOneWins) {
  Options options = all_options();
  apply_settings(options, {"run.seed=1", "run.iterations=3", "run.seed=2"});
  EXPECT_EQ(options.run.seed, 2);
  EXPECT_EQ(options.run.iterations, Count{3});
}

TEST(Settings, PlainStringsMayHoldAnything) {
  Options options = all_options();
  apply_settings(options, {"run.name=a=b \"c\" \\d\nrun.seed=5"});
  EXPECT_EQ(options.run.name, "a=b \"c\" \\d\nrun.seed=5");
  EXPECT_EQ(options.run.seed, 0);
  apply_settings(options, {"run.name="});
  EXPECT_EQ(options.run.name, "");
}

TEST(Settings, PathsAreRelativeToTheCurrentFolder) {
  Options options = all_options();
  apply_settings(options, {"problem.data.train_features=data/x.gz"});
  EXPECT_EQ(options.problem.of<DataOptions>().train_features.value,
            (std::filesystem::current_path() / "data/x.gz").string());
}

TEST(Settings, FailLikeConfigsWithoutLines) {
  EXPECT_TRUE(setting_fails("algorithm.gamma=-1", {"--set: algorithm.gamma = -1: must be > 0"}));
  EXPECT_TRUE(setting_fails("run.sede=1", {"--set: run.sede: unknown key; nearest are run.seed"}));
  EXPECT_TRUE(setting_fails("run.seed=one", {"--set: run.seed", "one", "must be a whole number"}));
  EXPECT_TRUE(setting_fails("run.seed", {"--set run.seed: must look like"}));
  EXPECT_TRUE(setting_fails("=1", {"must look like"}));
  EXPECT_TRUE(setting_fails("a b=1", {"a b is not a key"}));
}

}  // namespace
}  // namespace meha
