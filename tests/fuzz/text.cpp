// SPDX-License-Identifier: MIT
#include <cmath>

#include "fuzz/target.hpp"
#include "meha/io/config.hpp"
#include "meha/io/metrics_file.hpp"
#include "meha/solver/registry.hpp"

namespace meha::fuzz {
namespace {

/// What was read is written and read again as the same.
void expect_round_trip(const Options& options) {
  const std::string text = write_config(options);
  std::string again;
  try {
    again = write_config(parse_config(text, "/written.toml"));
  } catch (const Error& error) {
    throw std::logic_error(std::string("what was written cannot be read: ") + error.what() + "\n" + text);
  }
  if (again != text) {
    throw std::logic_error("the config changes when it is written and read:\n" + text + "\n" + again);
  }
}

void read_config_text(const std::string& input) {
  expect_round_trip(parse_config(input, "/fuzzed.toml"));
}

std::vector<std::string> config_seeds() {
  return {write_config(all_options()),
          "[run]\nseed = 3 # comment\niterations=10\n[problem.data]\ntrain_features = 'a b.h5'\n",
          "algorithm = {alpha = {a = 0.1, b = 1, power = -0.5}, beta = \"auto\"}\n",
          "[algorithm]\nalpha.per_row = 1e-3\neta = \"safe\"\n[problem]\nhidden = [64, 0x40, 1_0]\n",
          "run.name = \"\"\"\n\\u00e9\\t\"\"\"\nrun.initial_state = 'b'\n"};
}

/// One setting a line.
void read_settings(const std::string& input) {
  std::vector<std::string> settings;
  for (std::size_t at = 0; at <= input.size();) {
    const std::size_t end = std::min(input.find('\0', at), input.size());
    settings.push_back(input.substr(at, end - at));
    at = end + 1;
  }
  Options options = all_options();
  (void)apply_settings(options, settings);
  expect_round_trip(options);
}

std::vector<std::string> settings_seeds() {
  return {"run.seed=3",
          "run.name=plain text",
          std::string("algorithm.alpha={a=1, b=2, power=-0.5}\0run.precision=float32", 60),
          "problem.hidden=[3, 4]",
          "algorithm.beta=auto",
          "problem.data.train_features=a/b.h5"};
}

void read_metrics_file(const std::string& input) {
  static MemoryFile held;
  const History lines = read_metrics(held.holding(input));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    (void)json_line(lines[i]);
  }
}

std::vector<std::string> metrics_seeds() {
  Metrics metrics{.iteration = 20, .values = {}};
  metrics.set("f1", 0.5);
  metrics.set("upper_value", 1.0 / 3);
  const std::string line = json_line(metrics) + "\n";
  return {line, line + line, R"({"iteration": 3, "text": "x\u00e9", "list": [1, {"a": null}], "f1": 1e-300})",
          "{\"iteration\":1"};
}

}  // namespace

std::vector<Target> text_targets() {
  std::vector<std::string> words = {"=",
                                    "\"",
                                    "'''",
                                    "\"\"\"",
                                    "[",
                                    "]",
                                    "{",
                                    "}",
                                    "[[",
                                    "\n",
                                    "\\u0000",
                                    "\\U0010ffff",
                                    "nan",
                                    "inf",
                                    "-1",
                                    "1e999",
                                    "9223372036854775807",
                                    "9223372036854775808",
                                    "0x7f",
                                    "1979-05-27T07:32:00Z",
                                    "true",
                                    "auto",
                                    "safe",
                                    "per_row",
                                    "."};
  std::string key;
  for (const char c : write_config(all_options())) {  // all of the keys
    if (c == '\n') {
      words.push_back(key.substr(0, key.find(" =")));
      key.clear();
    } else {
      key += c;
    }
  }
  return {{"config", ExitCode::Config, config_seeds, words, read_config_text},
          {"set", ExitCode::Config, settings_seeds, words, read_settings},
          {"metrics",
           ExitCode::Checkpoint,
           metrics_seeds,
           {"\"iteration\":", "1e400", "-1", "null", "18446744073709551615", "1.5", "[", "{", "}"},
           read_metrics_file}};
}

}  // namespace meha::fuzz
