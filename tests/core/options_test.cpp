// SPDX-License-Identifier: MIT
#include "meha/core/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "meha/solver/meha.hpp"
#include "support/other_options.hpp"

namespace meha {
namespace {

using testing::Contains;

template <class See>
void visit_defaults(See&& see) {
  const Options defaults = all_options();
  visit(defaults, see);
}

struct RuleAllows {
  const OptionInfo& info;
  bool operator()(Real value) const { return info.rule.allows(value); }
  bool operator()(Index value) const { return info.rule.allows(static_cast<Real>(value)); }
  bool operator()(const std::string& value) const { return info.rule.allows(value); }
  bool operator()(const Count& value) const { return info.rule.allows(static_cast<Real>(value.n)); }
  bool operator()(const Schedule& value) const { return info.rule.allows(value.a); }
  bool operator()(bool) const { return true; }
  bool operator()(const Path&) const { return true; }
  bool operator()(const std::vector<std::string>&) const { return true; }
  bool operator()(const Words& words) const {
    return std::ranges::all_of(words, [&](const auto& word) { return info.rule.allows(word.second); });
  }
  bool operator()(const std::vector<Index>& values) const {
    return std::all_of(values.begin(), values.end(), [&](Index value) { return (*this)(value); });
  }
};

TEST(Options, NamesAreUniqueAndEveryOneIsExplained) {
  std::set<std::string> names;
  visit_defaults([&](const OptionInfo& info, const auto&) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_STRNE(info.meaning, "") << info.name;
    EXPECT_NE(std::string(info.name).find('.'), std::string::npos) << info.name;
  });
  EXPECT_GT(names.size(), 40U);
}

TEST(Options, SectionsAreNotInterrupted) {
  std::set<std::string> sections;
  std::string section;
  visit_defaults([&](const OptionInfo& info, const auto&) {
    const std::string name = info.name;
    if (const std::string now = name.substr(0, name.rfind('.')); now != section) {
      EXPECT_TRUE(sections.insert(now).second) << now << " is opened twice, which TOML forbids, at " << name;
      section = now;
    }
  });
}

TEST(Options, DefaultsObeyTheirRules) {
  visit_defaults([](const OptionInfo& info, const auto& value) {
    EXPECT_TRUE(RuleAllows{info}(value)) << info.name << " = " << toml(value) << ' ' << info.rule.text();
  });
}

TEST(Options, FreeOnResumeAreThoseThatDoNotChangeTheNumbers) {
  std::set<std::string> free;
  visit_defaults([&](const OptionInfo& info, const auto&) {
    if (info.free_on_resume()) {
      free.insert(info.name);
    }
  });
  EXPECT_EQ(free, (std::set<std::string>{"run.name",
                                         "run.iterations",
                                         "run.report_every",
                                         "run.time_limit_s",
                                         "run.stop_residual",
                                         "run.stop_error",
                                         "run.stop_no_progress",
                                         "problem.data.memory",
                                         "problem.refit",
                                         "problem.random_search",
                                         "problem.data.train_features",
                                         "problem.data.train_labels",
                                         "problem.data.validation_features",
                                         "problem.data.validation_labels",
                                         "problem.data.test_features",
                                         "problem.data.test_labels",
                                         "checkpoint.every",
                                         "checkpoint.keep",
                                         "checkpoint.async_mib",
                                         "comm.placement",
                                         "comm.balance",
                                         "comm.watchdog_s"}));
}

TEST(Rule, AllowsWhatItsTextSays) {
  constexpr Real infinity = std::numeric_limits<Real>::infinity();
  constexpr Real nan = std::numeric_limits<Real>::quiet_NaN();
  EXPECT_EQ(Rule::positive().text(), "must be > 0");
  EXPECT_EQ(Rule::at_least(2).text(), "must be >= 2");
  EXPECT_EQ(Rule::between(0, 0.5).text(), "must be >= 0 and < 0.5");
  EXPECT_EQ(Rule::one_of("a|b").text(), "must be one of a|b");
  EXPECT_EQ(Rule::any().text(), "");
  EXPECT_FALSE(Rule::positive().allows(0.0));
  EXPECT_TRUE(Rule::positive().allows(1e-300));
  EXPECT_TRUE(Rule::at_least(2).allows(2.0));
  EXPECT_FALSE(Rule::at_least(2).allows(1.9));
  EXPECT_TRUE(Rule::between(0, 0.5).allows(0.0));
  EXPECT_FALSE(Rule::between(0, 0.5).allows(0.5));
  for (const Rule& rule : {Rule::positive(), Rule::at_least(0), Rule::between(0, 1)}) {
    EXPECT_FALSE(rule.allows(infinity)) << rule.text();
    EXPECT_FALSE(rule.allows(nan)) << rule.text();
    EXPECT_FALSE(rule.allows(-1.0)) << rule.text();
  }
  for (const char* refused : {"", "d", "sg", "a|b", "adamm", "|"}) {
    EXPECT_FALSE(Rule::one_of("sgd|a|b|adam").allows(std::string(refused))) << refused;
  }
  EXPECT_TRUE(Rule::one_of("sgd|adam").allows(std::string("adam")));
}

TEST(Options, CompareFindsEveryDifference) {
  EXPECT_TRUE(compare(Options(), Options()).empty());
  std::set<std::string> expected;
  visit_defaults([&](const OptionInfo& info, const auto&) { expected.insert(info.name); });
  std::set<std::string> found;
  for (const OptionDifference& difference : compare(Options(), other_options())) {
    found.insert(difference.name);
    EXPECT_NE(difference.before, difference.after);
  }
  EXPECT_EQ(found, expected);
}

TEST(Options, CompareSaysBeforeAfterAndWhetherResumeMayChangeIt) {
  Options after;
  after.run.iterations = {7};
  after.algorithm.of<MehaOptions>().gamma = 2.5;
  const auto differences = compare(Options(), after);
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_EQ(differences[0].name, "run.iterations");
  EXPECT_TRUE(differences[0].free_on_resume);
  EXPECT_EQ(differences[0].before, "100");
  EXPECT_EQ(differences[0].after, "7");
  EXPECT_EQ(differences[1].name, "algorithm.gamma");
  EXPECT_FALSE(differences[1].free_on_resume);
  EXPECT_EQ(differences[1].after, "2.5");
}

TEST(Options, NearestNamesFindTyposAndMisplacedKeys) {
  EXPECT_EQ(nearest_option_names(all_options(), "algorithm.gama").front(), "algorithm.gamma");
  EXPECT_EQ(nearest_option_names(all_options(), "run.iteration").front(), "run.iterations");
  EXPECT_EQ(nearest_option_names(all_options(), "algorithm.seed").front(), "run.seed");
  EXPECT_EQ(nearest_option_names(all_options(), "n_validation").front(), "problem.data.n_validation");
  EXPECT_THAT(nearest_option_names(all_options(), "problem.regularization"), Contains("problem.regularisation"));
  EXPECT_EQ(nearest_option_names(all_options(), "").size(), 3U);
}

TEST(Options, TomlQuotesWhatMustBeQuoted) {
  EXPECT_EQ(toml(std::string("a\"b\\c")), R"("a\"b\\c")");
  EXPECT_EQ(toml(std::string("line\nend\x7f")), R"("line\u000aend\u007f")");
  EXPECT_EQ(toml(std::string("é")), "\"é\"");
  EXPECT_EQ(toml(std::vector<std::string>{}), "[]");
  EXPECT_EQ(toml(std::vector<std::string>{"a", "b,c"}), R"(["a", "b,c"])");
  EXPECT_EQ(toml(std::vector<Index>{64, 3}), "[64, 3]");
  EXPECT_EQ(toml(Index{-3}), "-3");
  EXPECT_EQ(toml(Real{3}), "3.0");
  EXPECT_EQ(toml(true), "true");
  EXPECT_EQ(toml(Count{7}), "7");
  EXPECT_EQ(toml(Count{1, true}), "\"1 pass\"");
  EXPECT_EQ(toml(Count{3, true}), "\"3 passes\"");
  EXPECT_EQ(toml(Schedule{.kind = Schedule::Kind::PerRow, .a = 0.5}), "{per_row = 0.5}");
  EXPECT_EQ(toml(Schedule{.kind = Schedule::Kind::Power, .a = 0.1, .b = 2, .power = -0.5}),
            "{a = 0.1, b = 2.0, power = -0.5}");
}

}  // namespace
}  // namespace meha
